"""McDiarmid's inequality: constants by enumeration, tails on laws known exactly."""

import itertools
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

from experiments.populations.deviations import (
    deviation_distribution,
    supremum_deviation,
)
from paper_lib.generalization import (
    difference_bounds,
    mcdiarmid_deviation,
    mcdiarmid_tail,
    traces,
)
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.generalization.planar_populations import coin


def planar(seed, size):
    generator = torch.Generator().manual_seed(seed)
    draw = {"generator": generator, "dtype": torch.float64}
    return RobustSets(
        normals=torch.randn(size, 2, **draw),
        offsets=0.4 * torch.randn(size, **draw),
        epsilon=1.0,
    )


def supremum(population):
    """The function of Eq. (10), of the rows that are drawn, exact."""
    listed = traces(population, "robust_sets").astype(int).tolist()
    size = len(listed[0])

    def h(*rows):
        return max(
            abs(
                Fraction(sum(one[r] for r in rows), len(rows))
                - Fraction(sum(one), size)
            )
            for one in listed
        )

    return h


@pytest.mark.parametrize("seed", range(5))
def test_a_supremum_of_deviations_has_differences_of_one_over_n(seed):
    population = planar(seed, 4)
    found = difference_bounds(supremum(population), [range(4)] * 3)
    assert all(0 < c <= Fraction(1, 3) for c in found)
    assert len(set(found)) == 1, "the arguments are exchangeable"


def test_one_over_n_is_reached():
    """Two tosses are heads: then the third moves the supremum by 1/n."""
    found = difference_bounds(supremum(coin(1, 3)), [range(4)] * 3)
    assert found == (Fraction(1, 3),) * 3


def test_the_supremum_of_one_sample():
    population = planar(1, 4)
    h = supremum(population)
    for rows in itertools.product(range(4), repeat=3):
        assert supremum_deviation(population, rows) == h(*rows)


def test_constants_by_hand():
    assert difference_bounds(lambda x, y, z: x * y - 3 * z, [(0, 2), (1, 5), (7,)]) == (
        10,
        8,
        0,
    )


def exceedance(law, deviation):
    """Probability of at least this deviation from the mean, for an exact law."""
    mean = sum(value * weight for value, weight in law.items())
    return sum(w for value, w in law.items() if abs(value - mean) >= deviation)


TOSS = {Fraction(0): Fraction(1, 2), Fraction(1): Fraction(1, 2)}


def test_equation_9_fails_for_one_toss_of_a_fair_coin():
    deviation = 0.499
    found = exceedance(TOSS, deviation)
    assert found == 1
    assert found > mcdiarmid_tail([1], deviation, two_sided=False)
    assert found <= mcdiarmid_tail([1], deviation)


def test_equation_10_fails_for_one_toss_of_another_coin():
    law = deviation_distribution(coin(1, 3), 1)
    assert law == {Fraction(3, 4): Fraction(1, 4), Fraction(1, 4): Fraction(3, 4)}
    (constant,) = difference_bounds(supremum(coin(1, 3)), [range(4)])
    # c is 1/n by the paper; the value of h moves by one half.
    assert constant == Fraction(1, 2)
    found = exceedance(law, 0.124)
    assert found == 1
    assert found > mcdiarmid_tail([1.0], 0.124, two_sided=False)
    assert found <= mcdiarmid_tail([1.0], 0.124)
    assert exceedance(deviation_distribution(coin(1, 1), 1), 0.01) == 0


@pytest.mark.parametrize(("seed", "n"), [*itertools.product(range(4), (1, 2, 3, 4))])
def test_the_right_form_holds_for_exact_laws(seed, n):
    law = deviation_distribution(planar(seed, 5), n)
    assert sum(law.values()) == 1
    mean = sum(value * weight for value, weight in law.items())
    for deviation in np.linspace(0.0, 1.0, 41).tolist():
        bound = mcdiarmid_tail([Fraction(1, n)] * n, deviation)
        assert exceedance(law, deviation) <= bound
        above = sum(w for v, w in law.items() if v - mean >= deviation)
        one_tail = mcdiarmid_tail([1 / n] * n, deviation, two_sided=False)
        assert above <= one_tail


def test_tails_by_hand():
    assert mcdiarmid_tail([0.1] * 10, 0.5) == pytest.approx(2 * math.exp(-5))
    assert mcdiarmid_tail([3.0, 4.0], 5.0, two_sided=False) == pytest.approx(
        math.exp(-2)
    )
    assert mcdiarmid_tail([1.0], 0.1) == 1.0
    # A constant function never leaves its mean.
    assert mcdiarmid_tail([0, 0], 0.1) == 0.0
    assert mcdiarmid_tail([0, 0], 0.0) == 1.0
    assert mcdiarmid_tail([1e-200], 1.0) == 0.0


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("confidence", [0.01, 0.5, 0.95, 1 - 1e-12])
def test_the_deviation_inverts_the_tail(confidence, two_sided):
    constants = [0.5, 0.25, 0.125]
    found = mcdiarmid_deviation(constants, confidence=confidence, two_sided=two_sided)
    tail = mcdiarmid_tail(constants, found, two_sided=two_sided)
    assert tail == pytest.approx(1 - confidence, rel=1e-9)


# --- bad input ------------------------------------------------------------------


def fails(error, words):
    return pytest.raises(error, match=re.escape(words))


@pytest.mark.bad_input
def test_constants_and_deviations():
    with fails(ValueError, "differences must hold at least one constant, got none."):
        mcdiarmid_tail([], 0.1)
    for value in (-1.0, math.nan, math.inf):
        with fails(ValueError, f"differences must be finite and >= 0, got {value}."):
            mcdiarmid_tail([1.0, value], 0.1)
        with fails(ValueError, f"deviation must be finite and >= 0, got {value}."):
            mcdiarmid_tail([1.0], value)


@pytest.mark.bad_input
@pytest.mark.parametrize("value", [0.0, 1.0, -0.5, 1.5, math.nan])
def test_a_confidence_that_is_none(value):
    with fails(
        ValueError, f"confidence must be strictly between 0 and 1, got {value}."
    ):
        mcdiarmid_deviation([1.0], confidence=value)
    with fails(ValueError, "differences must hold at least one constant, got none."):
        mcdiarmid_deviation([], confidence=0.9)


@pytest.mark.bad_input
def test_functions_without_differences():
    with fails(ValueError, "alphabets must be at least one, none of them empty"):
        difference_bounds(lambda: 0, [])
    with fails(ValueError, "got lengths [2, 0]"):
        difference_bounds(lambda x, y: 0, [(0, 1), ()])
    with fails(ValueError, "function must be finite, got nan at [1]."):
        difference_bounds(lambda x: math.nan if x else 0.0, [(0, 1)])


def test_a_deviation_counts_both_directions_unless_told():
    both, one = (
        mcdiarmid_deviation([1.0, 1.0], confidence=0.95, two_sided=two_sided)
        for two_sided in (True, False)
    )
    assert one < both == mcdiarmid_deviation([1.0, 1.0], confidence=0.95)
