"""The bound of Section 5: each step, and where it begins to say something."""

import itertools
import math
import re
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from experiments.populations.deviations import deviation_distribution, draw_deviations
from paper_lib.generalization import (
    expected_deviation_bound,
    mcdiarmid_tail,
    num_regions,
    smallest_informative_n,
    vc_bound,
)
from tests.paper_lib.generalization.planar_populations import coin, population

FORMS = ("centered", "regions", "polynomial", "paper")


def mean_of(law):
    return sum(value * weight for value, weight in law.items())


# --- each step -------------------------------------------------------------------


@pytest.mark.parametrize("m", [1, 2, 3, 10, 784])
@pytest.mark.parametrize("n", [2, 3, 4, 10, 784, 785, 12_665, 10**9])
def test_each_step_follows_from_the_one_before(n, m):
    bound = vc_bound(n, m)
    assert tuple(step.form for step in bound.steps) == FORMS
    values = [step.value for step in bound.steps]
    slack = 1 + 1e-14
    assert all(a <= b * slack for a, b in itertools.pairwise(values))
    logs = [step.log_shatter for step in bound.steps[1:]]
    assert all(a <= b * slack for a, b in itertools.pairwise(logs))
    assert bound.value == pytest.approx(4 * math.sqrt(m * math.log(n) / n), rel=1e-14)
    assert bound.is_informative == (bound.value < 1)


@pytest.mark.parametrize(("n", "m"), [(2, 1), (3, 2), (50, 3), (20, 40)])
def test_each_step_takes_what_it_says(n, m):
    centered, regions, polynomial, paper = vc_bound(n, m).steps
    exact = math.log(num_regions(n, m))
    assert centered.log_shatter == regions.log_shatter == pytest.approx(exact)
    assert polynomial.log_shatter == pytest.approx(math.log(n**m + 1), rel=1e-14)
    assert paper.log_shatter == pytest.approx(math.log(n ** (2 * m)), rel=1e-14)
    assert centered.value == pytest.approx(math.sqrt(2 * (math.log(2) + exact) / n))
    assert regions.value == pytest.approx(math.sqrt(8 * exact / n))
    assert polynomial.value == pytest.approx(math.sqrt(8 * math.log(n**m + 1) / n))


def test_the_inequalities_between_integers():
    for n in range(2, 60):
        for m in range(1, 12):
            assert num_regions(n, m) <= n**m + 1 <= n ** (2 * m)
    # For one sample the last one fails, and Eq. (20) would be 0.
    assert num_regions(1, 1) > 1**2


def test_a_billion_and_more_in_floats():
    bound = vc_bound(10**12, 10**6)
    assert bound.value == pytest.approx(4 * math.sqrt(math.log(10**12) / 10**6))
    assert vc_bound(2, 10**9).steps[2].log_shatter == pytest.approx(1e9 * math.log(2))


def test_equation_11_by_hand():
    assert expected_deviation_bound(8, math.log(2)) == pytest.approx(
        2 * math.sqrt(2 * math.log(2) / 8)
    )
    centered = expected_deviation_bound(8, math.log(2), centered=True)
    assert centered == pytest.approx(math.sqrt(2 * math.log(4) / 8))


def test_equation_11_needs_two_traces():
    """A family of one set: the printed bound is 0, the mean deviation is not."""
    law = deviation_distribution(coin(1, 1), 3)
    assert mean_of(law) > 0 == expected_deviation_bound(3, 0.0)
    assert float(mean_of(law)) <= expected_deviation_bound(3, 0.0, centered=True)
    # From two traces on the centered form is the smaller one.
    for log_shatter in np.log([2.0, 3.0, 10.0, 1e6]).tolist():
        ratio = expected_deviation_bound(
            5, log_shatter, centered=True
        ) / expected_deviation_bound(5, log_shatter)
        assert ratio <= math.sqrt(0.5) * (1 + 1e-14)


# --- means, exact and drawn ------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(3))
def test_exact_means_are_below_every_bound(seed, n):
    law = deviation_distribution(population(seed, size=6), n)
    mean = float(mean_of(law))
    log_shatter = math.log(num_regions(n, 2))
    assert 0 < mean <= expected_deviation_bound(n, log_shatter, centered=True)
    assert mean <= expected_deviation_bound(n, log_shatter)


def test_how_near_a_mean_can_come():
    """A set and its complement, one toss: 1/2 against 1.67. A sixth must be refused."""
    law = deviation_distribution(coin(1, 1, both=True), 1)
    assert law == {Fraction(1, 2): Fraction(1)}
    bound = expected_deviation_bound(1, math.log(2), centered=True)
    assert 0.5 <= bound == pytest.approx(math.sqrt(2 * math.log(4)))
    assert not bound / 6 >= 0.5


def confidence_interval(draws):
    """Four standard errors around the mean."""
    error = 4 * draws.std(ddof=1) / math.sqrt(len(draws))
    return draws.mean() - error, draws.mean() + error


def refutes(draws, bound):
    """Whether draws show that a bound on their mean is false."""
    return confidence_interval(draws)[0] > bound


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("n", [5, 50, 500])
def test_drawn_means_are_below_every_step(seed, n):
    drawn = draw_deviations(population(seed), n, num_draws=2000, seed=seed)
    _, high = confidence_interval(drawn.deviations)
    for step in vc_bound(n, 2).steps:
        assert high <= step.value
    # Negative control: a shrunk bound is refused, for each n and form.
    for step in vc_bound(n, 2).steps:
        assert refutes(drawn.deviations, step.value / 20)
        assert not refutes(drawn.deviations, step.value)


@pytest.mark.parametrize("n", [10, 100])
def test_regrets_are_below_twice_the_deviation(n):
    """Eq. (18), for each sample, and without the factor it is false."""
    sizes, ratios = range(5, 11), []
    for seed in sizes:
        drawn = draw_deviations(population(seed, 12), n, num_draws=500, seed=seed)
        assert (drawn.regrets <= 2 * drawn.deviations + 1e-12).all()
        assert (drawn.regrets >= 0).all()
        assert (drawn.overshoots <= drawn.deviations).all()
        ratios.append((drawn.regrets / drawn.deviations.clip(1e-12)).max())
    assert max(ratios) > 1


def test_on_average_the_regret_is_below_one_deviation():
    """The mean of phi_n(v*) is phi(v*): one of the two terms of (16) averages out."""
    for seed in range(4):
        drawn = draw_deviations(population(seed, 20), 30, num_draws=2000, seed=seed)
        assert drawn.regrets.mean() < drawn.overshoots.mean()


@pytest.mark.parametrize("n", [4, 40])
def test_deviations_concentrate_as_mcdiarmid_says(n):
    drawn = draw_deviations(population(0), n, num_draws=4000, seed=1)
    away = np.abs(drawn.deviations - drawn.deviations.mean())
    for deviation in np.linspace(0.01, 1.0, 30).tolist():
        bound = mcdiarmid_tail([1 / n] * n, deviation)
        share = (away >= deviation).mean()
        assert share <= bound + 4 * math.sqrt(bound / len(away))
    # Negative control: constants a sixth as large claim too much.
    claimed = mcdiarmid_tail([1 / (6 * n)] * n, 0.5 * away.max())
    assert (away >= 0.5 * away.max()).mean() > 2 * claimed


# --- where the bound is below 1 --------------------------------------------------


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_the_smallest_informative_n_by_scanning(m):
    """The first n of the last stretch below 1."""
    bounds = [vc_bound(n, m).steps for n in range(2, 600)]
    for steps in zip(*bounds, strict=True):
        small = [step.value < 1 for step in steps]
        assert small[-1]
        first = 600 - small[::-1].index(False)
        assert smallest_informative_n(m, form=steps[0].form) == first


def exact_side(n, m, form):
    """What is below 1 exactly when the bound is, in 50 digits."""
    with localcontext() as context:
        context.prec = 50
        if form == "paper":
            return 16 * m * Decimal(n).ln() / n
        shatter = num_regions(n, m) if form != "polynomial" else n**m + 1
        if form == "centered":
            return 2 * Decimal(2 * shatter).ln() / n
        return 8 * Decimal(shatter).ln() / n


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m", [2, 10, 100, 784])
def test_the_smallest_informative_n_in_high_precision(m, form):
    found = smallest_informative_n(m, form=form)
    assert exact_side(found, m, form) < 1 <= exact_side(found - 1, m, form)
    assert vc_bound(found, m).steps[FORMS.index(form)].value < 1


@pytest.mark.parametrize("m", [4 * 10**6, 10**8, 10**10])
def test_beyond_a_billion_samples(m):
    found = smallest_informative_n(m)
    assert found > 10**9
    assert exact_side(found, m, "paper") < 1 <= exact_side(found - 1, m, "paper")
    order = [smallest_informative_n(m, form=form) for form in FORMS]
    assert order == sorted(order)


def test_all_forms_say_nothing_for_the_images_of_two_digits():
    """Dimension 784 and no more than 14,000 images of two classes."""
    assert all(smallest_informative_n(784, form=form) > 3000 for form in FORMS)
    assert smallest_informative_n(784) > 14_000
    assert smallest_informative_n(784, form="regions") > 14_000


# --- bad input ------------------------------------------------------------------


def fails(error, words):
    return pytest.raises(error, match=re.escape(words))


@pytest.mark.bad_input
def test_sizes_for_equation_20():
    with fails(ValueError, "n must be at least 2, got 1."):
        vc_bound(1, 3)
    with fails(ValueError, "m must be at least 1, got 0."):
        vc_bound(5, 0)
    for value in (2.0, math.nan, True):
        with fails(TypeError, f"n must be an integer, got {value!r}."):
            vc_bound(value, 2)
        with fails(TypeError, f"m must be an integer, got {value!r}."):
            vc_bound(5, value)


@pytest.mark.bad_input
def test_an_unknown_form():
    with fails(
        ValueError, "form must be one of 'centered', 'regions', 'polynomial', 'paper'"
    ):
        smallest_informative_n(2, form="sharp")
    with fails(ValueError, "m must be at least 1, got 0."):
        smallest_informative_n(0)


@pytest.mark.bad_input
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_a_logarithm_that_is_none(value):
    with fails(ValueError, f"log_shatter must be finite and >= 0, got {value}."):
        expected_deviation_bound(5, value)
    with fails(ValueError, "n must be at least 1, got 0."):
        expected_deviation_bound(0, 1.0)
