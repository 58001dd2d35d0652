"""Shares, intervals and counts over records, on records written by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.assumption.agreement_runs import (
    AgreementResult,
    AgreementRun,
    DefenseOnF,
)
from experiments.assumption.linearity_summary import (
    KINDS,
    difference_on_f,
    lost,
    of_set,
    over_pairs,
    shares,
    within,
)

# Five points at a budget of 0.5, one of each kind but the second, then one that only
# the search saw.
ONE = AgreementResult(
    config=AgreementRun(budgets=(0.1, 0.5)),
    provenance={},
    accuracy=0.9,
    epsilon=2.0,
    margins=(2.0, 3.0, 5.0, 0.4, 2.5),
    found=(None, 3.0, 0.9, 0.3, 1.0),
    proven=(0.5, 0.1, 0.0, 0.0),
    defenses=(DefenseOnF(epsilon=0.5, kept=3, safe=1, flipped=2),),
    curved=(),
    seconds=1.0,
)


def test_every_point_of_a_proof_is_of_one_kind():
    parts = shares(ONE, 0.5)
    assert parts == dict(zip(KINDS, (0.25, 0.0, 0.25, 0.25, 0.25), strict=True))
    assert sum(shares(ONE, 0.05).values()) == 1.0
    # At 0.05 what is proven at a larger budget holds as well.
    assert shares(ONE, 0.05)[KINDS[0]] == 0.5


def test_a_boundary_that_is_agreed_on_is_its_own_kind():
    linear = replace(ONE, proven=(0.5, 0.5, 0.5, 0.5), found=(None,) * 5)
    assert shares(linear, 0.5)[KINDS[1]] == 0.25


def test_what_is_lost_counts_all_points():
    assert lost(ONE, 0.5) == 3 / 5
    assert lost(ONE, 0.1) == 0.0
    assert lost(ONE, 1.5) == 4 / 5


def test_lengths_that_are_none_are_infinite():
    assert within(1.0, 1.0)
    assert not within(1.1, 1.0)
    assert not within(None, 1e9)


def test_the_difference_is_enclosed_by_both_sides():
    # Kept 3 of 4; of f between 1 and 2.
    assert difference_on_f(ONE, 0) == (0.25, 0.5)
    around = DefenseOnF(epsilon=0.5, kept=3, safe=2, flipped=0)
    assert difference_on_f(replace(ONE, defenses=(around,)), 0) == (0.0, 0.25)


def test_intervals_are_over_pairs_and_not_over_seeds():
    def at(classes, seed, accuracy):
        config = replace(ONE.config, classes=classes, seed=seed)
        return replace(ONE, config=config, accuracy=accuracy)

    def accuracy(one):
        return one.accuracy

    pairs = ((0, 1), (2, 4), (3, 8))
    values = (0.7, 0.8, 0.9)
    seeds = [
        at(pair, seed, value + step)
        for pair, value in zip(pairs, values, strict=True)
        for seed, step in ((0, -0.05), (1, 0.05))
    ]
    single = over_pairs(
        [at(*one) for one in zip(pairs, (0, 0, 0), values, strict=True)], accuracy
    )
    found = over_pairs(seeds, accuracy)
    assert found.mean == pytest.approx(0.8)
    # t with two degrees of freedom, from a table: 4.303.
    assert found.high - 0.8 == pytest.approx(4.303 * 0.1 / math.sqrt(3), rel=1e-3)
    assert (found.low, found.high) == pytest.approx((single.low, single.high))
    alone = over_pairs(seeds[:2], accuracy)
    assert (alone.low, alone.high) == (-np.inf, np.inf)


def test_records_of_a_set_are_picked():
    fashion = replace(ONE, config=replace(ONE.config, dataset="fashion-mnist"))
    assert of_set([ONE, fashion], "fashion-mnist") == [fashion]


@pytest.mark.bad_input
def test_no_record_has_no_mean():
    with pytest.raises(ValueError, match="at least one record, got none"):
        over_pairs([], lambda one: 0.0)
