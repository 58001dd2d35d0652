"""The optimum, the regret, and a shared chance of failure."""

import pytest

from paper_lib.bounds import (
    held_out_bound,
    optimum_bound,
    pac_bayes_bound,
    regret_bound,
    spread_confidence,
)
from paper_lib.bounds.held_out import clopper_pearson
from paper_lib.defense import maximize_coverage
from tests.paper_lib.bounds.bound_cases import fitted, sample


def test_the_optimum_is_bounded_by_the_certificate():
    sets = sample(n=150, d=2)
    solution = maximize_coverage(sets, method="plane")
    bound = optimum_bound(solution.certificate, confidence=0.975)
    count = solution.certificate.upper_count
    assert bound.value == clopper_pearson(count, 150, confidence=0.975, side="upper")
    fit = pac_bayes_bound(sets, solution.perturbation, confidence=0.975)
    regret = regret_bound(bound, fit)
    assert regret.value == pytest.approx(bound.value - fit.value)
    assert regret.confidence == pytest.approx(0.95)
    parts = sum(regret.terms.values())
    assert parts == pytest.approx(bound.value - fit.value)


def test_a_shared_chance_of_failure():
    assert 1 - spread_confidence(0.95, 1000) == pytest.approx(0.00005)
    assert spread_confidence(0.9, 1) == pytest.approx(0.9)


@pytest.mark.bad_input
def test_a_regret_of_the_wrong_sides():
    sets = sample()
    bound = held_out_bound(sets, fitted(sets))
    with pytest.raises(ValueError, match=r"^optimum must be an upper and fitted a"):
        regret_bound(bound, bound)
