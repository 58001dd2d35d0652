"""What all bounds have in common: units, scales, budgets of zero, what they say."""

from dataclasses import replace

import pytest
import torch

from paper_lib.bounds import (
    bounds_at,
    fit_certified,
    held_out_bound,
    margin_bound,
    pac_bayes_bound,
)
from paper_lib.bounds.compression import compress_solution, rebuild
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.bounds.bound_cases import fitted, sample


def test_bounds_do_not_depend_on_the_scale_of_a_row():
    sets = sample()
    v = fitted(sets)
    factors = torch.rand(len(sets.offsets), dtype=torch.float64) + 0.5
    scaled = RobustSets(
        normals=sets.normals * factors[:, None],
        offsets=sets.offsets * factors,
        epsilon=sets.epsilon,
    )
    first, second = (bounds_at(one, v) for one in (sets, scaled))
    for name, bound in first.items():
        assert second[name].value == pytest.approx(bound.value, abs=1e-9), name


def test_rows_without_a_normal_and_a_single_point():
    flat = RobustSets(
        normals=torch.zeros(3, 2), offsets=torch.tensor([0.0, 1.0, 2.0]), epsilon=1.0
    )
    v = rebuild(flat, (0, 2), "least norm").perturbation
    assert v.tolist() == [0.0, 0.0]
    assert compress_solution(flat, v) is None
    nobody = replace(flat, offsets=torch.full((3,), -torch.inf))
    assert compress_solution(nobody, v) is None
    one = sample(n=1, d=3)
    bounds = bounds_at(one, torch.zeros(3, dtype=torch.float64), confidence=0.5)
    assert bounds["Eq. (20)"].value == 0.0  # the formula gives 0 for the deviation


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30])
def test_units_do_not_matter(scale):
    sets = sample(n=100, d=4)
    v = fitted(sets)
    other = replace(sets, offsets=sets.offsets * scale, epsilon=sets.epsilon * scale)
    for name, bound in bounds_at(sets, v).items():
        moved = bounds_at(other, v * scale)[name]
        assert moved.value == pytest.approx(bound.value, abs=1e-9), name
    first, second = (
        fit_certified(one, start, num_steps=5)
        for one, start in ((sets, v), (other, v * scale))
    )
    assert (second / scale).tolist() == pytest.approx(first.tolist(), abs=1e-5)


def test_every_bound_says_for_which_v_it_holds():
    sets = sample(n=100, d=4)
    v = fitted(sets)
    bounds = bounds_at(sets, v, center=v)
    kinds = {name: one.holds_for for name, one in bounds.items()}
    assert kinds["ramp"] == kinds["PAC-Bayes, center"] == "every v at once"
    assert kinds["noisy PAC-Bayes"] == "a Gaussian around v"
    assert held_out_bound(sets, v).holds_for == "one v fixed in advance"
    for name, one in bounds.items():
        needs_center = "the center does not depend on them" in one.assumptions
        assert needs_center is name.endswith(", center"), name
    assert set(bounds_at(sets, v)) == {k for k in kinds if not k.endswith(", center")}


def test_a_bound_that_says_nothing_is_zero_and_has_its_price():
    sets = sample(n=20, d=50)
    v = fitted(sets)
    assert bounds_at(sets, v)["Eq. (20)"].value == 0.0
    bound = held_out_bound(sets, v)
    assert 0.0 < bound.price == bound.observed - bound.value


def test_a_budget_of_zero_leaves_nothing_to_bound_but_the_sample():
    sets = replace(sample(), epsilon=0.0)
    v = torch.zeros(5, dtype=torch.float64)
    assert margin_bound(sets, v).value == pac_bayes_bound(sets, v).value == 0.0
    assert torch.equal(fit_certified(sets, v), v)


def test_one_point_pays_all_there_is_for_equation_20():
    still = torch.zeros(3, dtype=torch.float64)
    bound = bounds_at(sample(n=1, d=3), still, confidence=0.5)["Eq. (20)"]
    assert bound.terms["complexity"] == 1.0
