"""Markdown tables: their cells, alignment, and differences to the paper."""

import numpy as np
import pytest

from experiments.figures.markdown import (
    comparison_table,
    markdown_table,
    mean_with_spread,
    share_of,
    table_of,
    tabulated,
)
from tests.experiments.figures.drawn import ten_rows


def test_comparison_shows_mean_spread_and_difference():
    paper = {("FGM", "SMOOTH", "approximate"): 94.5}
    single = comparison_table([ten_rows(190)], paper, here="live").splitlines()
    assert single[0] == "| accuracy in percent | paper | live | difference |"
    assert "| approximate: FGM, SMOOTH | 94.5 | 95.0 | +0.5 |" in single
    assert len(single) == 12
    # What the paper has no number for is set beside nothing.
    assert sum("| not applicable | 95.0 | not applicable |" in s for s in single) == 9
    several = comparison_table([ten_rows(190), ten_rows(180)], paper).splitlines()
    assert "| approximate: FGM, SMOOTH | 94.5 | 92.5 [90.0, 95.0] | -2.0 |" in several


@pytest.mark.bad_input
def test_tables_that_do_not_line_up():
    with pytest.raises(ValueError, match=r"each line must have 2 cells, got \['a'\]"):
        markdown_table(["x", "y"], [["a"]])
    with pytest.raises(ValueError, match="align must be 2 letters l or r, got 'lc'"):
        markdown_table(["x", "y"], [], align="lc")
    with pytest.raises(KeyError, match="y"):
        table_of([{"x": 1, "y": 2}, {"x": 1, "z": 2}])


def test_alignment_of_columns():
    assert markdown_table(["x", "y"], [], align="ll").splitlines()[1] == "| :-- | :-- |"


def test_a_table_has_a_line_for_each_row():
    rows = [{"n": n, "odd": n % 2 == 1, "half": n / 2} for n in (1, 2)]
    assert table_of(rows, align="llr").splitlines() == [
        "| n | odd | half |",
        "| :-- | :-- | --: |",
        "| 1 | True | 0.5 |",
        "| 2 | False | 1.0 |",
    ]
    assert table_of([]) == "not applicable"


def test_a_function_that_yields_rows_returns_their_table():
    @tabulated("rl")
    def powers(base, *, most):
        """Say something."""
        for n in range(most):
            yield {"power": base**n, "n": n}

    rows = [{"power": 1, "n": 0}, {"power": 3, "n": 1}]
    assert powers(3, most=2) == table_of(rows, align="rl")
    assert powers.__doc__ == "Say something."
    assert powers(3, most=0) == "not applicable"


def test_a_mean_stands_before_its_spread_and_a_share_before_its_whole():
    assert mean_with_spread(71.26, 3.04) == "71.3 (3.0)"
    assert mean_with_spread(71.26, None) == "71.3"
    assert mean_with_spread(None, None) == ""
    assert (
        share_of([True, False, True]) == share_of(np.array([1, 0, 1]) > 0) == "2 of 3"
    )
