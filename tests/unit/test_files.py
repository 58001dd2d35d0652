"""Files that are written whole or not at all, and by one process at a time."""

import errno
import fcntl
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import torch

from paper_lib import files
from paper_lib.defense import save_certificate
from paper_lib.defense.solution import certify
from paper_lib.experiments.runner import SweepError, only_writer
from paper_lib.experiments.store import save_bytes, save_record
from paper_lib.files import exclusive_lock, replacing
from paper_lib.models import PairCNN, save_classifier
from paper_lib.robust_sets import RobustSets


def listing(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_file_is_put_in_place_once_it_is_complete(tmp_path, old, kind):
    path = tmp_path / "some.file"
    if old is not None:
        path.write_bytes(old)
    with replacing(kind(path)) as part:
        assert part.name == path.name
        assert not part.exists()
        part.write_bytes(b"half")
        assert path.exists() == (old is not None)
        assert old is None or path.read_bytes() == old
        part.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert listing(tmp_path) == ["some.file"]


def write_half(part):
    part.write_bytes(b"half")
    raise OSError("no space left on device")


def interrupt(part):
    part.write_bytes(b"half")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("write", "error"), [(write_half, OSError), (interrupt, KeyboardInterrupt)]
)
def test_what_fails_leaves_the_old_file_and_no_other(tmp_path, write, error):
    path = tmp_path / "some.file"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as part:
        write(part)
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["some.file"]


def test_a_move_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "some.file"
    path.write_bytes(b"old")

    def fail(*names):
        raise OSError("read-only file system")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="read-only"), replacing(path) as part:
        part.write_bytes(b"whole")
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["some.file"]


def test_nothing_written_replaces_nothing(tmp_path):
    path = tmp_path / "some.file"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["some.file"]


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        replacing(os.path.join(tmp_path, "absent", "some.file")),
    ):
        pytest.fail("there is nowhere to write")
    assert listing(tmp_path) == []


# --- who may read it ----------------------------------------------------------------


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path):
    return oct(stat.S_IMODE(path.stat().st_mode))


def write_certificate(path):
    v = torch.zeros(2)
    sets = RobustSets(normals=torch.eye(2), offsets=torch.ones(2), epsilon=1.0)
    save_certificate(certify(sets, v), path)


def write_private(path):
    with replacing(path) as part, open(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600)):
        pass


WRITERS = {
    "a classifier": lambda path: save_classifier(PairCNN(), path),
    "a certificate": write_certificate,
    "a record": lambda path: save_record({"schema": "some"}, path),
    "bytes": lambda path: save_bytes(b"some", path),
    "a private file": write_private,
    "the lock of a store": lambda path: only_writer(path.parent).__enter__(),
}


@pytest.mark.parametrize("old", [None, 0o600, 0o666])
@pytest.mark.parametrize(("mask", "mode"), [(0o022, "0o644"), (0o077, "0o600")])
@pytest.mark.parametrize("writer", WRITERS)
def test_the_umask_decides_who_may_read_a_file(tmp_path, writer, mask, mode, old):
    path = tmp_path / (".lock" if "lock" in writer else "some.file")
    if old is not None and "lock" not in writer:
        path.touch()
        path.chmod(old)
    with umask(mask):
        WRITERS[writer](path)
    assert mode_of(path) == mode


# --- one process at a time ------------------------------------------------------------


def test_a_lock_is_held_by_one_at_a_time_and_freed(tmp_path):
    path = tmp_path / ".lock"
    for _ in range(2):
        with exclusive_lock(path) as held:
            assert held
            with pytest.raises(BlockingIOError), exclusive_lock(path):
                pytest.fail("two hold it")


def test_one_waits_for_the_other(tmp_path):
    path, order = tmp_path / ".lock", []

    def second():
        with exclusive_lock(path, wait=True):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with exclusive_lock(path):
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            order.append("first")
        waiting.result(timeout=60)
    assert order == ["first", "second"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_locks_is_named_and_work_goes_on(
    tmp_path, monkeypatch, number
):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    path = tmp_path / ".lock"
    said = f"the file system of {path} has no locks ({errno.errorcode[number]}: "
    with pytest.warns(UserWarning, match=re.escape(said)):
        with exclusive_lock(path) as held:
            assert not held
    left = tmp_path / ".saving-of-another"
    left.mkdir()
    with pytest.warns(UserWarning, match="has no locks"), only_writer(tmp_path):
        assert left.exists()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EWOULDBLOCK])
def test_would_block_means_another_holds_it(tmp_path, monkeypatch, number):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(BlockingIOError), exclusive_lock(tmp_path / ".lock"):
        pytest.fail("another holds it")
    with pytest.raises(SweepError, match="another sweep"), only_writer(tmp_path):
        pytest.fail("another holds it")
