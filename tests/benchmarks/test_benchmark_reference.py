"""The plain versions that the benchmark of the defense compares with."""

import itertools

import numpy as np
import pytest
import torch

from benchmarks import reference
from benchmarks.instances import planted_instance
from paper_lib.defense import RampConfig, ramp_ascent
from paper_lib.robust_sets import RobustSets
from tests.oracles import fits_exactly, random_tensor

F64 = torch.float64


def random_sets(n, dim, seed, shift=-0.3, epsilon=1.0):
    return RobustSets(
        normals=random_tensor(n, dim, seed=seed),
        offsets=random_tensor(n, seed=seed + 1) + shift,
        epsilon=epsilon,
    )


def count(sets, v):
    return int(sets.contains(v).sum())


@pytest.mark.parametrize("rows", ["raw", "unit"])
@pytest.mark.parametrize("seed", range(3))
def test_the_ramp_agrees_with_the_library(rows, seed):
    sets = random_sets(60, 5, seed, epsilon=1.7)
    found = ramp_ascent(sets, config=RampConfig(rows=rows))
    assert found.perturbation.norm() > 0.1
    expected = reference.ramp(sets, rows)
    assert torch.allclose(expected, found.perturbation, rtol=0.0, atol=1e-5)
    assert fits_exactly(expected, 1.7)


def test_the_ramp_stays_in_its_dead_zone():
    sets = RobustSets(
        normals=torch.tensor([[1.0, 0.0], [1.0, 0.2]]),
        offsets=torch.tensor([-0.5, -0.5]),
        epsilon=1.0,
    )
    assert reference.ramp(sets).tolist() == [0.0, 0.0]
    assert count(sets, reference.annealed(sets)) == 2


@pytest.mark.parametrize("seed", range(4))
def test_the_polish_is_feasible_and_never_below_what_was_annealed(seed):
    sets = random_sets(150, 12, seed)
    first, both = reference.annealed(sets), reference.annealed_and_polished(sets)
    polished = reference.polish(sets, first)
    for v in (first, polished, both):
        assert fits_exactly(v, sets.epsilon)
    assert count(sets, both) == max(count(sets, first), count(sets, polished))


def test_the_polish_gains_where_the_norm_has_slack():
    gains = []
    for seed in range(4):
        sets = random_sets(150, 12, seed)
        first = reference.annealed(sets)
        gains.append(count(sets, reference.polish(sets, first)) - count(sets, first))
    assert min(gains) >= 0
    assert max(gains) > 0


def test_the_polish_adds_the_row_within_reach():
    """From v = 0 only the first row holds; the ball has room for the second alone."""
    sets = RobustSets(
        normals=torch.tensor([[0.0, 2.0], [3.0, 0.0], [-1.0, 0.0]], dtype=F64),
        offsets=torch.tensor([0.0, -1.5, -0.6], dtype=F64),
        epsilon=1.0,
    )
    found = reference.polish(sets, torch.zeros(2, dtype=F64))
    # Rows ask for y >= 0, x >= 1/2 and x <= -0.6; a margin is added to each.
    margin = reference.MARGIN
    assert found.tolist() == pytest.approx([0.5 + margin, margin], abs=5e-5)
    assert sets.contains(found).tolist() == [True, True, False]


def largest_count(sets):
    """Count at every point that can be the shortest of those with an optimal set."""
    # That is zero, the foot of zero on one line, or where two lines meet.
    normals, offsets = sets.normals.numpy(), sets.offsets.numpy()
    feet = -(offsets / np.square(normals).sum(axis=1))[:, None] * normals
    corners = [
        np.linalg.solve(normals[[i, j]], -offsets[[i, j]])
        for i, j in itertools.combinations(range(len(offsets)), 2)
    ]
    points = np.concatenate([np.zeros((1, 2)), feet, corners])
    inside = points[np.linalg.norm(points, axis=1) <= sets.epsilon + 1e-9]
    return int((inside @ normals.T + offsets >= -1e-9).sum(axis=1).max())


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_is_never_below_the_optimum(seed):
    sets = random_sets(14, 2, seed, shift=-0.5)
    best = largest_count(sets)
    assert count(sets, reference.annealed_and_polished(sets)) <= best
    assert best <= reference.matching_bound(sets) <= 14


def test_the_bound_counts_what_excludes_each_other():
    """A triangle and an edge of conflicts: at least 3/2 + 1 of five rows are lost."""
    angles = torch.tensor([0.0, 2 * torch.pi / 3, 4 * torch.pi / 3], dtype=F64)
    triangle = torch.stack([angles.cos(), angles.sin(), 0 * angles], dim=1)
    edge = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], dtype=F64)
    asked = torch.tensor([0.6, 0.6, 0.6, 0.1, 0.1], dtype=F64)
    sets = RobustSets(normals=torch.cat([triangle, edge]), offsets=-asked, epsilon=1.0)
    assert reference.matching_bound(sets) == 2


def test_without_conflicts_the_bound_leaves_out_empty_sets_only():
    sets = RobustSets(
        normals=torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]),
        offsets=torch.tensor([-0.5, 0.5, -torch.inf, -2.0]),
        epsilon=1.0,
    )
    assert reference.matching_bound(sets) == 2
    assert count(sets, reference.annealed_and_polished(sets)) == 2


@pytest.mark.parametrize("seed", range(3))
def test_the_planted_optimum_is_reached_and_bounded(seed):
    planted = planted_instance(seed)
    assert planted.optimum == 350
    assert count(planted.sets, planted.witness) == 350
    assert reference.matching_bound(planted.sets) == 350
