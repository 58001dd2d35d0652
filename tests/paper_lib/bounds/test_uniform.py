"""Bounds from a count of subsets, by hand."""

import math

import pytest

from paper_lib.bounds import bounds_at, uniform_bound
from paper_lib.generalization import num_regions
from tests.paper_lib.bounds.bound_cases import fitted, sample


def test_uniform_bounds_by_hand():
    sets = sample(n=2000, d=2)
    v = fitted(sets)
    share, tail = sets.coverage(v), math.sqrt(math.log(20) / 4000)
    bound = uniform_bound(sets, v, mean_deviation=0.125)
    assert bound.value == pytest.approx(share - 0.125 - tail)
    # In the plane, with the exact count of regions.
    regions = math.sqrt(2 * math.log(num_regions(2000, 2)) / 2000)
    assert bounds_at(sets, v)["regions"].value == pytest.approx(share - regions - tail)
    paper = 4 * math.sqrt(2 * math.log(2000) / 2000)
    assert bounds_at(sets, v)["Eq. (20)"].value == pytest.approx(share - paper - tail)
