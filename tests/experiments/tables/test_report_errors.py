"""Rows of a record that it does not hold."""

import re

import pytest

from experiments.tables.reports import table_rows

pytestmark = pytest.mark.bad_input

RECORD = {"num_returned": {"ball": 0}, "defenses": {"a": {}}, "rows": []}


def test_a_reading_a_record_does_not_hold():
    match = r"^reading must be one of \['ball'\], got 'x'"
    with pytest.raises(ValueError, match=match):
        table_rows(RECORD, "x")


@pytest.mark.parametrize("defenses", [{}, {"a": {}, "b": {}}], ids=["none", "two"])
def test_records_of_another_number_of_defenses(defenses):
    names = re.escape(str(list(defenses)))
    with pytest.raises(ValueError, match=rf"^record must hold one .* {names}"):
        table_rows(RECORD | {"defenses": defenses}, "ball")
