"""The bound by ramp and Rademacher complexity: by hand, and what it pays for."""

import math
from dataclasses import replace

import pytest
import torch

from paper_lib.bounds import margin_bound
from paper_lib.bounds.distances import signed_distances
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.bounds.bound_cases import fitted, sample


def test_margin_bound_by_hand():
    # Far rows: the ramp is one, and all that is paid is complexity and tail.
    n, width = 10_000, 0.5
    normals = torch.zeros(n, 3, dtype=torch.float64)
    normals[:, 0] = 2.0
    sets = RobustSets(
        normals=normals,
        offsets=torch.full((n,), 3.2, dtype=torch.float64),
        epsilon=1.0,
    )
    v = torch.zeros(3, dtype=torch.float64)
    bound = margin_bound(sets, v, ramp_width=width)
    # Distances are 1.6 at the center, so that the ramp is 1 throughout V: no row
    # varies. Of the two forms the one without complexity is better.
    assert bound.terms["complexity"] == 0.0
    assert bound.value == pytest.approx(1 - 3 * math.sqrt(math.log(80) / (2 * n)))
    near = replace(sets, offsets=sets.offsets - 2.2)
    halfway = margin_bound(near, v, ramp_width=1.0)
    price = 2 / math.sqrt(n) + math.sqrt(math.log(40) / (2 * n))
    assert halfway.value == pytest.approx(0.5 - price, abs=1e-6)
    assert halfway.terms["ramp mean"] == pytest.approx(0.5)


def test_margin_bound_takes_a_good_width_and_gains_from_a_center():
    sets = sample(n=5000, d=50)
    v = fitted(sets)
    best = margin_bound(sets, v)
    fixed = [margin_bound(sets, v, ramp_width=w).value for w in (0.01, 0.1, 1.0, 2.0)]
    assert best.value > max(fixed) - 0.01
    assert fixed[0] == 0.0
    assert margin_bound(sets, v, center=v).value > best.value + 0.05
    away = -v / v.norm() * sets.epsilon * (1 - 1e-9)
    assert margin_bound(sets, v, center=away).value < best.value


@pytest.mark.parametrize(("centered", "settings"), [(False, 12), (True, 12 * 13)])
def test_all_that_is_chosen_after_looking_is_paid_for(centered, settings):
    sets = sample(n=5000, d=50)
    v = fitted(sets)
    center = 0.9 * v if centered else None
    bound = margin_bound(sets, v, center=center)
    terms, n = bound.terms, 5000
    # Two forms, each with all widths and radii, share the chance of failure.
    nats = math.log(2 * settings / 0.05)
    assert terms["tail"] == pytest.approx(math.sqrt(nats / (2 * n)))
    assert terms["complexity"] == pytest.approx(
        2 * terms["radius"] / (terms["ramp width"] * math.sqrt(n))
    )
    ramp = (signed_distances(sets, v) / terms["ramp width"]).clamp(0, 1).mean()
    assert bound.value == pytest.approx(
        float(ramp) - terms["complexity"] - terms["tail"]
    )
    assert terms["radius"] >= terms["distance from center"]


@pytest.mark.parametrize(
    ("level", "varies"),
    [(-1.01, False), (-0.99, True), (0.5, True), (1.49, True), (1.51, False)],
)
def test_rows_that_are_constant_throughout_the_class_drop_out(level, varies):
    # Distances at the center; the class reaches 1 from there, the ramp is 0.5 wide.
    n, few = 100_000, 1000
    normals = torch.zeros(n, 2, dtype=torch.float64)
    normals[:, 0] = 1.0
    offsets = torch.full((n,), 5.0, dtype=torch.float64)
    offsets[:few] = level
    sets = RobustSets(normals=normals, offsets=offsets, epsilon=1.0)
    v = torch.zeros(2, dtype=torch.float64)
    terms = margin_bound(sets, v, ramp_width=0.5).terms
    expected = 2 * math.sqrt(few) / (0.5 * n) if varies else 0.0
    assert terms["complexity"] == pytest.approx(expected, rel=1e-5)
    nats = math.log(2 * 1 / 0.05) + math.log(2)
    assert terms["tail"] == pytest.approx(3 * math.sqrt(nats / (2 * n)))


@pytest.mark.bad_input
@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ramp_width_that_is_no_length(width):
    sets = sample()
    with pytest.raises(ValueError, match=r"^ramp_width must be finite and > 0"):
        margin_bound(sets, fitted(sets), ramp_width=width)


def test_the_smallest_distance_is_enough_at_the_center_itself():
    v = torch.tensor([0.3, 0.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    bound = margin_bound(sample(n=500, d=5), v, center=v)
    assert bound.terms["radius"] == pytest.approx(0.01, abs=1e-6)
