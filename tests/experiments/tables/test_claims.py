"""Tests of a defense on one pair, and over pairs that share classes."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from experiments.tables.claims import dyadic_interval, holm, mcnemar

PAIRS = tuple(combinations(range(10), 2))


@pytest.mark.parametrize(("saved", "lost"), [(0, 0), (3, 3), (12, 2), (0, 7)])
def test_mcnemar_is_a_test_of_a_fair_coin(saved, lost):
    num, fewer = saved + lost, min(saved, lost)
    by_hand = min(1.0, 2 * sum(stats.binom.pmf(k, num, 0.5) for k in range(fewer + 1)))
    assert mcnemar(saved, lost) == pytest.approx(by_hand)
    assert mcnemar(lost, saved) == mcnemar(saved, lost)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_interval_holds_for_effects_of_classes_where_independence_fails():
    """Values a_i + a_j + noise: the mean over pairs varies as the classes do."""
    draw = np.random.default_rng(0)
    covered, naive = 0, 0
    runs = 400
    for _ in range(runs):
        effects = draw.normal(size=10)
        values = [effects[i] + effects[j] + 0.3 * draw.normal() for i, j in PAIRS]
        _, low, high = dyadic_interval(values, PAIRS)
        covered += low <= 0.0 <= high
        half = stats.t.ppf(0.975, 44) * np.std(values, ddof=1) / 45**0.5
        naive += abs(np.mean(values)) <= half
    assert covered / runs > 0.85
    assert naive / runs < 0.75


def test_the_interval_of_independent_values_is_about_the_usual_one():
    draw = np.random.default_rng(1)
    values = draw.normal(size=45).tolist()
    mean, low, high = dyadic_interval(values, PAIRS)
    assert mean == pytest.approx(np.mean(values))
    usual = np.std(values, ddof=1) / 45**0.5
    assert 0.99 * 2.26 * usual <= (high - low) / 2 <= 3 * 2.26 * usual


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcnemar(-1, 2), "^counts must be at least 0, got -1 and 2"),
        (lambda: dyadic_interval([1.0], PAIRS), "^values must be one for each"),
        (lambda: dyadic_interval([1.0], [(0, 1)]), "over at least three classes"),
    ],
)
def test_claims_that_cannot_be_tested(call, message):
    with pytest.raises(ValueError, match=message):
        call()
