"""How results that were computed again are compared with the stored ones."""

import pytest

from tests.regression.recomputed import far_apart, share_of_equal

STORED = [
    {"n": 10, "bounds": {"one": 0.9, "two": 0.8, "three": 0.3}, "by": "x", "of": None},
    {"n": 30, "bounds": {"one": 0.9, "two": 0.8, "three": 0.2}, "by": "x", "of": None},
]


def changed(place, **bounds):
    rows = [row | {"bounds": dict(row["bounds"])} for row in STORED]
    rows[place]["bounds"] |= bounds
    return rows


def test_what_comes_out_again_is_equal():
    assert share_of_equal(STORED, STORED) == 1.0
    assert share_of_equal(changed(0, one=0.9 + 1e-7), STORED) == 1.0
    assert share_of_equal(changed(0, one=0.901), STORED) == 7 / 8
    assert far_apart(STORED, STORED) == []


def test_one_kind_of_bound_that_changed_is_named():
    """Most of the numbers are equal all the same."""
    wrong = changed(1, three=0.22)
    assert share_of_equal(wrong, STORED) > 0.75
    assert far_apart(wrong, STORED) == ["/1/bounds/three"]
    assert far_apart(changed(0, one=0.901, two=0.79), STORED) == []


@pytest.mark.parametrize(
    "fresh",
    [
        changed(0, four=1.0),
        STORED[:1],
        [STORED[0], STORED[1] | {"by": "y"}],
        [STORED[0], STORED[1] | {"of": 0.0}],
    ],
)
def test_other_names_or_words_are_no_small_difference(fresh):
    for compare in (share_of_equal, far_apart):
        with pytest.raises((AssertionError, ValueError)):
            compare(fresh, STORED)
