"""What a table of checks refuses."""

import pytest

from experiments.figures.checks_table import Check, ChecksTable
from tests.experiments.figures.test_checks_table import ROW


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"holds": 1}, "holds must be True, False or None, got 1"),
        ({"cases": 0}, "cases must be at least 1, got 0"),
        ({"what": "|x|"}, r"what and figure must hold no \|, got '\|x\|'"),
        ({"figure": "1 | 2"}, r"what and figure must hold no \|"),
        ({"test": "test_name"}, "test must be tests/PATH.py::NAME, got 'test_name'"),
        ({"test": "tests/test_file.py"}, "test must be tests/PATH.py::NAME"),
    ],
)
def test_a_row_that_says_nothing_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Check(**ROW | change)


@pytest.mark.bad_input
def test_a_table_of_nothing_is_refused():
    with pytest.raises(ValueError, match="checks must hold at least one check"):
        ChecksTable([])
