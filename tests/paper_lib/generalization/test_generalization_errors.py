"""Bad input to the bounds of Section 5: what was expected, and what came."""

import math
import re

import pytest
import torch

from experiments.populations.deviations import (
    deviation_distribution,
    draw_deviations,
    supremum_deviation,
)
from paper_lib.generalization import (
    difference_bounds,
    expected_deviation_bound,
    log_num_regions,
    mcdiarmid_deviation,
    mcdiarmid_tail,
    num_regions,
    paper_mcdiarmid_tail,
    shatter_coefficient,
    shatter_is_exact,
    smallest_informative_n,
    trace_count,
    traces,
    vc_bound,
)
from paper_lib.robust_sets import RobustSets

pytestmark = pytest.mark.bad_input

NAN = math.nan
POINTS = torch.ones(3, 2)
SETS = RobustSets(normals=torch.ones(3, 2), offsets=torch.ones(3), epsilon=1.0)
CUBE = RobustSets(normals=torch.ones(3, 3), offsets=torch.ones(3), epsilon=1.0)


def fails(error, words):
    return pytest.raises(error, match=re.escape(words))


@pytest.mark.parametrize("call", [num_regions, log_num_regions, vc_bound])
def test_counts_below_one(call):
    least = 2 if call is vc_bound else 1
    with fails(ValueError, f"n must be at least {least}, got 0."):
        call(0, 2)
    with fails(ValueError, "m must be at least 1, got 0."):
        call(5, 0)
    for value in (2.0, NAN, True):
        with fails(TypeError, f"n must be an integer, got {value!r}."):
            call(value, 2)
        with fails(TypeError, f"m must be an integer, got {value!r}."):
            call(5, value)


def test_one_sample_is_too_few_for_equation_20():
    with fails(ValueError, "n must be at least 2, got 1."):
        vc_bound(1, 3)


def test_an_unknown_form():
    with fails(ValueError, "form must be one of centered, regions, polynomial, paper"):
        smallest_informative_n(2, form="sharp")
    with fails(ValueError, "m must be at least 1, got 0."):
        smallest_informative_n(0)


@pytest.mark.parametrize("value", [-0.1, NAN, math.inf])
def test_a_logarithm_that_is_none(value):
    with fails(ValueError, f"log_shatter must be finite and >= 0, got {value}."):
        expected_deviation_bound(5, value)
    with fails(ValueError, "n must be at least 1, got 0."):
        expected_deviation_bound(0, 1.0)


@pytest.mark.parametrize("call", [mcdiarmid_tail, paper_mcdiarmid_tail])
def test_constants_and_deviations(call):
    with fails(ValueError, "differences must hold at least one constant, got none."):
        call([], 0.1)
    for value in (-1.0, NAN, math.inf):
        with fails(ValueError, f"differences must be finite and >= 0, got {value}."):
            call([1.0, value], 0.1)
        with fails(ValueError, f"deviation must be finite and >= 0, got {value}."):
            call([1.0], value)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.5, 1.5, NAN])
def test_a_confidence_that_is_none(value):
    with fails(ValueError, f"confidence must be above 0 and below 1, got {value}."):
        mcdiarmid_deviation([1.0], confidence=value)
    with fails(ValueError, "differences must hold at least one constant, got none."):
        mcdiarmid_deviation([], confidence=0.9)


def test_functions_without_differences():
    with fails(ValueError, "alphabets must be at least one, none of them empty"):
        difference_bounds(lambda: 0, [])
    with fails(ValueError, "got lengths [2, 0]"):
        difference_bounds(lambda x, y: 0, [(0, 1), ()])
    with fails(ValueError, "function must be finite, got nan at [1]."):
        difference_bounds(lambda x: NAN if x else 0.0, [(0, 1)])


@pytest.mark.parametrize("call", [trace_count, traces])
def test_points_and_families(call):
    with fails(ValueError, "points must be (n, d) with n and d at least 1, got shape"):
        call(torch.ones(0, 2), "rectangles")
    with fails(ValueError, "got shape (3,)"):
        call(torch.ones(3), "intervals")
    with fails(ValueError, "points must be finite, got 1 NaN or infinite entries"):
        call(torch.tensor([[NAN, 0.0]]), "rectangles")
    with fails(ValueError, "points must have d = 1 for intervals, got 2."):
        call(POINTS, "intervals")
    with fails(ValueError, "points must have d = 2 for half_planes, got 3."):
        call(torch.ones(2, 3), "half_planes")
    with fails(ValueError, "half_lines, intervals, rectangles, half_planes"):
        call(POINTS, "discs")
    with fails(ValueError, "got 'robust_sets'"):
        call(POINTS, "robust_sets")
    with fails(ValueError, "family must hold at least one set, got none."):
        call(POINTS, [])
    with fails(ValueError, "d of 1 or 2, got 'robust_sets' and d = 3."):
        call(CUBE, "robust_sets")
    with fails(ValueError, "got 'rectangles' and d = 2."):
        call(SETS, "rectangles")
    with fails(TypeError, "points must be a torch.Tensor, got list"):
        call([[0.0, 1.0]], "rectangles")


def test_shatter_coefficients():
    with fails(ValueError, "n must be at least 1, got 0."):
        shatter_coefficient(0, "rectangles")
    with fails(ValueError, "family must be one of half_lines"):
        shatter_coefficient(3, "discs")
    with fails(ValueError, "family must be one of half_lines"):
        shatter_is_exact(3, "discs")
    with fails(ValueError, "n must be at least 1, got 0."):
        shatter_is_exact(0, "intervals")
    with fails(ValueError, "got m = None for robust_sets."):
        shatter_coefficient(3, "robust_sets")
    with fails(ValueError, "got m = 2 for rectangles."):
        shatter_coefficient(3, "rectangles", m=2)
    for family in ("robust_sets", "half_spaces"):
        for n in (1, 3):
            with fails(ValueError, "m must be at least 1, got 0."):
                shatter_coefficient(n, family, m=0)


def test_samples():
    for sample in ([], [0, 3], [-1]):
        with fails(ValueError, f"one row from 0 to 2, got {sample}."):
            supremum_deviation(SETS, sample)
    with fails(ValueError, "d = 3"):
        supremum_deviation(CUBE, [0])


def test_draws():
    for n in (0, -1):
        with fails(ValueError, f"n must be at least 1, got {n}."):
            draw_deviations(SETS, n, num_draws=3, seed=0)
        with fails(ValueError, f"n must be at least 1, got {n}."):
            deviation_distribution(SETS, n)
    with fails(ValueError, "num_draws must be at least 1, got 0."):
        draw_deviations(SETS, 3, num_draws=0, seed=0)
    with fails(ValueError, "seed must be an integer"):
        draw_deviations(SETS, 3, num_draws=3, seed=-1)
    with fails(ValueError, "d = 3"):
        draw_deviations(CUBE, 3, num_draws=3, seed=0)
