"""The order in which tests are dealt out, and what stays on one worker."""

from types import SimpleNamespace

import pytest

from tests.schedule import FIRST, OF_THE_BUILT_BOOK, FilesTogether, rank
from tests.test_structure import ROOT


def scope(nodeid):
    return FilesTogether._split_scope(None, nodeid)


@pytest.mark.parametrize("file", FIRST)
def test_every_file_of_the_order_is_there(file):
    assert (ROOT / file).is_file()


def test_long_files_come_first_and_others_stay_in_order():
    nodeids = ["a.py::test_b", "a.py::test_a", f"{FIRST[1]}::x", f"{FIRST[0]}::y[1::2]"]
    items = [SimpleNamespace(nodeid=nodeid) for nodeid in nodeids]
    ordered = [item.nodeid for item in sorted(items, key=rank)]
    assert ordered == [*reversed(nodeids[2:]), *nodeids[:2]]


def test_one_worker_builds_the_book_and_a_file_stays_together():
    assert len({scope(f"{file}::test") for file in OF_THE_BUILT_BOOK}) == 1
    assert scope("a.py::test_a[x::y]") == scope("a.py::test_b") != scope("b.py::test_b")
