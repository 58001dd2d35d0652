"""Shatter coefficients in closed form: a search over points never finds more."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from paper_lib.generalization import (
    num_regions,
    shatter_coefficient,
    trace_count,
)
from paper_lib.robust_sets import RobustSets


def count(points, family):
    return trace_count(torch.as_tensor(np.asarray(points), dtype=torch.float64), family)


@pytest.mark.parametrize(("n", "known"), [*enumerate([2, 4, 8, 16, 28, 49], start=1)])
def test_rectangles_by_a_search_over_all_orders(n, known):
    """Only the two orders of the points matter; equal coordinates cut out no more."""
    found = max(
        count(list(enumerate(p)), "rectangles")
        for p in itertools.permutations(range(n))
    )
    assert found == known == shatter_coefficient(n, "rectangles")


def shattered_parts(n):
    """Find the most triples and quadruples of n points that are shattered."""
    # A trace is given by the points that bound it, so there is one for the empty set
    # and for each set of points, up to four, each of which is alone on some side.
    orders = np.array(list(itertools.permutations(range(n))), dtype=np.int8)
    triples, quadruples = np.zeros((2, len(orders)), dtype=int)
    for a, b, c in itertools.combinations(orders.T, 3):
        triples += (np.sign(b - a) * np.sign(c - b)) < 0
    for a, b, c, d in itertools.combinations(orders.T, 4):
        between = (np.minimum(b, c) < np.minimum(a, d)) & (
            np.maximum(b, c) > np.maximum(a, d)
        )
        quadruples += between
    together = int((triples + quadruples).max())
    return int(triples.max()), int(quadruples.max()), together


@pytest.mark.parametrize("n", range(1, 10))
def test_rectangles_to_nine_points(n):
    triples, quadruples, together = shattered_parts(n)
    found = 1 + n + math.comb(n, 2) + together
    assert shatter_coefficient(n, "rectangles") == found
    assert together == triples + quadruples
    if n == 9:  # what the bound for more points rests on, by averaging over subsets
        assert triples * 10 // 7 == 5 * math.comb(10, 3) // 6
        assert quadruples * 10 // 6 == 10 * math.comb(10, 4) // 21


def two_chains(n):
    """Points on two falling lines, one above and to the right of the other."""
    upper = [(100 + k, 200 - k) for k in range((n + 1) // 2)]
    lower = [(k, 100 - k) for k in range(n // 2)]
    return upper + lower


@pytest.mark.parametrize("n", [1, 2, 5, 8, 10, 11, 14, 20])
def test_two_falling_chains_reach_the_closed_form(n):
    found = count(two_chains(n), "rectangles")
    if n <= 10:
        assert found == shatter_coefficient(n, "rectangles")
    else:
        assert found <= shatter_coefficient(n, "rectangles") <= 1.35 * found


def test_the_bound_for_more_rectangles_is_between_what_is_known():
    """Above the closed form, below Sauer's bound for a dimension of four."""
    for n in (*range(11, 60), 500):
        up, down = (n + 1) // 2, n // 2
        chains = (1 + up * (up + 1) // 2) * (1 + down * (down + 1) // 2)
        assert chains <= shatter_coefficient(n, "rectangles") < num_regions(n, 4)


@pytest.mark.parametrize("seed", range(40))
def test_random_points_have_no_more_traces(seed):
    """On a coarse grid, so that coordinates coincide, and without one."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 13))
    for points in (rng.integers(0, 5, size=(n, 2)), rng.normal(size=(n, 2))):
        for family in ("rectangles", "half_planes"):
            assert count(points, family) <= shatter_coefficient(n, family)


@pytest.mark.parametrize(("n", "known"), [*enumerate([2, 4, 8, 14, 22, 32], start=1)])
def test_half_planes_by_a_search(n, known):
    rng = np.random.default_rng(n)
    grids = rng.integers(0, 4, size=(200, n, 2))
    found = max(count(points, "half_planes") for points in grids)
    assert found <= known == shatter_coefficient(n, "half_planes")
    # In general position all points have as many.
    for points in rng.normal(size=(20, n, 2)):
        assert count(points, "half_planes") == known
    assert shatter_coefficient(n, "half_spaces", m=2) == known


@pytest.mark.parametrize("n", range(1, 30))
def test_half_spaces_of_the_line(n):
    assert shatter_coefficient(n, "half_spaces", m=1) == 2 * n


@pytest.mark.parametrize(("n", "m"), [(4, 3), (5, 3), (6, 3), (6, 4), (3, 7)])
def test_half_spaces_by_linear_programs(n, m):
    points = np.random.default_rng(n * m).normal(size=(n, m))
    found = 0
    for signs in itertools.product([1.0, -1.0], repeat=n):
        rows = -np.array(signs)[:, None] * np.column_stack([points, np.ones(n)])
        free = [(None, None)] * (m + 1)
        found += linprog(np.zeros(m + 1), rows, -np.ones(n), bounds=free).success
    assert found == shatter_coefficient(n, "half_spaces", m=m)


@pytest.mark.parametrize("seed", range(20))
def test_robust_sets_have_at_most_as_many_traces_as_regions(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    sets = RobustSets(
        normals=torch.from_numpy(rng.integers(-2, 3, size=(n, 2))).double(),
        offsets=torch.from_numpy(rng.integers(-2, 3, size=n)).double(),
        epsilon=2.0,
    )
    found = trace_count(sets, "robust_sets")
    assert found <= shatter_coefficient(n, "robust_sets", m=2) == num_regions(n, 2)


# --- bad input ------------------------------------------------------------------


def fails(error, words):
    return pytest.raises(error, match=re.escape(words))


@pytest.mark.bad_input
def test_shatter_coefficients():
    with fails(ValueError, "n must be at least 1, got 0."):
        shatter_coefficient(0, "rectangles")
    with fails(ValueError, "family must be one of 'rectangles'"):
        shatter_coefficient(3, "discs")
    with fails(ValueError, "got m = None for robust_sets."):
        shatter_coefficient(3, "robust_sets")
    with fails(ValueError, "got m = 2 for rectangles."):
        shatter_coefficient(3, "rectangles", m=2)
    for family in ("robust_sets", "half_spaces"):
        for n in (1, 3):
            with fails(ValueError, "m must be at least 1, got 0."):
                shatter_coefficient(n, family, m=0)
