"""Many problems at once: a path over budgets, and a batch of problems."""

from itertools import product

import numpy as np
import pytest
import torch

from experiments.gpu import batched_maximizers
from experiments.gpu.batched_maximizers import maximize_batch
from paper_lib.defense import batch as batch_module
from paper_lib.defense import coverage_path, maximize_coverage
from paper_lib.defense import maximize as driver
from paper_lib.defense.batch import _finish, _nearest
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import fits_exactly
from tests.paper_lib.defense.defense_cases import (
    clustered,
    count,
    random_sets,
    replace_budget,
)

SAMPLE = RobustSets.from_linearization(clustered(24, 0), 1.0)
FRESH = RobustSets.from_linearization(clustered(60, 7), 1.0)


def family_of(count=4):
    lin = clustered(200, 0)
    budgets = np.linspace(0.5, 1.5, count).tolist()
    return [RobustSets.from_linearization(lin, budget) for budget in budgets]


def test_a_path_is_feasible_repeats_and_is_near_the_single_solves():
    family = family_of()
    path = coverage_path(family)
    again = coverage_path(family)
    for sets, one, two in zip(family, path, again, strict=True):
        assert fits_exactly(one.perturbation, sets.epsilon)
        assert one.coverage == sets.coverage(one.perturbation)
        assert torch.equal(one.perturbation, two.perturbation)
        assert one.certificate.verify(sets)
        single = maximize_coverage(sets, method="annealed")
        assert count(sets, one.perturbation) >= count(sets, single.perturbation) - 2


def test_a_path_uses_its_seed():
    family = family_of(3)
    seeds = [[one.perturbation for one in coverage_path(family, s)] for s in (0, 1)]
    assert not all(map(torch.equal, *seeds))


def test_a_point_is_kept_where_the_nearest_rows_mislead():
    """The shortest point for the 500 nearest rows is zero; 1500 others are farther."""
    normals = torch.tensor([[-1.0, 0.0]] * 500 + [[1.0, 0.0]] * 1500)
    thresholds = torch.tensor([-0.85] * 500 + [0.8] * 1500, dtype=torch.float64)
    point = torch.tensor([0.9, 0.0])
    slack = normals @ point - thresholds
    found = _finish(normals, thresholds, point, slack, 0)
    assert found == pytest.approx(point.numpy())
    # With the other rows alone there is nothing to keep, and the polish shortens it.
    found = _finish(normals[500:], thresholds[500:], point, slack[500:], 0)
    assert found == pytest.approx([0.8, 0.0], abs=1e-3)


def test_the_nearest_rows_are_those_with_the_least_slack():
    draw = torch.Generator().manual_seed(0)
    for num, near in ((300, 300), (2000, 500), (8000, 1000)):
        slack = torch.randn(num, generator=draw)
        rows = _nearest(slack)
        assert len(rows) == near
        assert rows.tolist() == sorted(set(rows.tolist()))
        farthest = slack[rows].abs().max()
        assert int((slack.abs() < farthest).sum()) == near - 1


@pytest.mark.parametrize("seed", [0, 1])
def test_a_path_covers_what_the_search_of_each_budget_covers(seed, monkeypatch):
    """Up to one row in all, where the rounding of a product of many columns decides."""
    monkeypatch.setattr(driver, "_FEW_ROWS", 0)  # without bounds
    monkeypatch.setattr(batch_module, "_LEAST_NEAR", 200)  # of 400
    draw = torch.Generator().manual_seed(seed)
    lin = Linearization(
        logits=4.0 * torch.randn(400, generator=draw),
        gradients=torch.randn(400, 40, generator=draw),
    )
    family = [
        RobustSets.from_linearization(lin, budget) for budget in (0.4, 0.6, 0.8, 1.0)
    ]
    gains = []
    for sets, solution in zip(family, coverage_path(family), strict=True):
        alone = maximize_coverage(sets, method="search", exchanges=10)
        counts = [count(sets, one.perturbation) for one in (solution, alone)]
        gains.append(counts[0] - counts[1])
    assert sum(gains) >= -1, gains


def test_a_path_takes_decided_rows_and_a_budget_of_zero():
    lin = clustered(40, 0)
    logits = lin.logits.clone()
    logits[0], logits[1] = 0.0, 100.0
    gradients = lin.gradients.clone()
    gradients[2] = 0.0
    odd = Linearization(logits=logits, gradients=gradients)
    family = [RobustSets.from_linearization(odd, budget) for budget in (0.0, 0.5, 1.0)]
    path = coverage_path(family)
    # At budget zero all but the point without a label are covered.
    assert path[0].coverage == 39 / 40
    assert path[0].perturbation.tolist() == [0.0] * 8
    assert all(one.certificate.verify(s) for one, s in zip(path, family, strict=True))


def test_a_batch_solves_each_of_its_problems(monkeypatch):
    monkeypatch.setattr(driver, "_FEW_ROWS", 0)  # without bounds
    problems = [random_sets(n=100, dim=6, seed=seed) for seed in range(3)]
    for sets, solution in zip(problems, maximize_batch(problems), strict=True):
        assert fits_exactly(solution.perturbation, sets.epsilon)
        assert solution.coverage == sets.coverage(solution.perturbation)
        single = maximize_coverage(sets, method="search")
        assert solution.coverage >= single.coverage - 0.03
        assert solution.certificate.verify(sets)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_batch_on_a_gpu_covers_as_much():
    problems = [random_sets(n=100, dim=6, seed=seed) for seed in range(3)]
    there = [
        RobustSets(
            normals=sets.normals.cuda(), offsets=sets.offsets.cuda(), epsilon=1.0
        )
        for sets in problems
    ]
    here = maximize_batch(problems)
    for one, two in zip(here, maximize_batch(there), strict=True):
        assert abs(one.coverage - two.coverage) <= 0.02


STEPS = ["hold_point", "search"]


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("solve", "step", "module"),
    [
        (coverage_path, "anneal_from_several", batch_module),
        (maximize_batch, "anneal", batched_maximizers),
        *product([coverage_path, maximize_batch], STEPS, [batch_module]),
    ],
)
def test_interrupted_part_way_there_is_no_result(solve, step, module, monkeypatch):
    """Part of a path would look like a path."""
    monkeypatch.setattr(module, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        solve(family_of(3))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: coverage_path([]), "^family must hold robust sets"),
        (lambda: coverage_path(family_of()[::-1]), "^family must have increasing"),
        (
            lambda: coverage_path([SAMPLE, replace_budget(FRESH, 2.0)]),
            "^family must have equal normals",
        ),
        (lambda: maximize_batch([]), "^problems must be robust sets of one shape"),
        (
            lambda: maximize_batch([SAMPLE, FRESH]),
            r"^problems must be robust sets of one shape on one device, got \[",
        ),
    ],
)
def test_bad_calls(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def signed_zeros():
    """Equal numbers that a fingerprint tells apart."""
    return [
        RobustSets(
            normals=torch.tensor([[1.0, zero]]), offsets=torch.ones(1), epsilon=epsilon
        )
        for zero, epsilon in ((0.0, 0.5), (-0.0, 1.0))
    ]


def test_zeros_of_either_sign_are_equal_and_each_certificate_names_its_own_rows():
    family = signed_zeros()
    path = coverage_path(family)
    assert len({one.certificate.fingerprint for one in path}) == len(family)
    for solution, sets in zip(path, family, strict=True):
        assert solution.certificate.verify(sets)
        assert solution.coverage == sets.coverage(solution.perturbation)
