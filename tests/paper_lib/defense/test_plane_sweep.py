"""The sweep in the plane as a method for Eq. (7)."""

import math

import pytest
import torch

from paper_lib.arrangement import cells
from paper_lib.defense.maximize import plane_sweep
from paper_lib.defense.rows import as_perturbation, surely_satisfied, unit_rows
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor

F32, F64 = torch.float32, torch.float64


def counts(sets):
    """Count the stored rows at every point reported, exactly."""
    points = [step.point for step in plane_sweep(unit_rows(sets))]
    return [
        int(surely_satisfied(sets, as_perturbation(point, sets)).sum())
        for point in points
    ]


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("seed", range(20))
def test_the_last_point_covers_most(seed, dtype):
    """Cells of the stored rows in their own units: no scaling in common."""
    normals = random_tensor(11, 2, seed=seed)
    offsets = random_tensor(11, seed=seed + 100) - 0.5
    sets = RobustSets(normals=normals.to(dtype), offsets=offsets.to(dtype), epsilon=0.7)
    found = cells(sets.normals.double().numpy(), sets.offsets.double().numpy(), 0.7)
    best = max(int(cell.satisfied.sum()) for cell in found)
    assert counts(sets)[-1] == best


def star(threshold, dtype=F64):
    """Half-planes at 120 degrees, each this far from the center."""
    angles = torch.arange(3, dtype=F64) * (2 * math.pi / 3)
    normals = torch.stack([angles.cos(), angles.sin()], dim=1)
    offsets = torch.full((3,), -threshold, dtype=F64)
    return RobustSets(normals=normals.to(dtype), offsets=offsets.to(dtype), epsilon=1.0)


@pytest.mark.parametrize(
    ("threshold", "best"), [(0.0, 3), (-1e-3, 3), (1e-3, 2), (1e-13, 2), (0.49, 2)]
)
def test_half_planes_that_nearly_meet(threshold, best):
    """At 1e-13 they touch for the sweep, but not for an exact count."""
    assert max(counts(star(threshold))) == best


def test_nothing_left_to_decide():
    sets = RobustSets(
        normals=torch.zeros(2, 2), offsets=torch.tensor([1.0, -1.0]), epsilon=1.0
    )
    (step,) = plane_sweep(unit_rows(sets))
    assert step.point.tolist() == [0.0, 0.0]


def test_many_rows_report_on_the_way():
    sets = RobustSets(
        normals=random_tensor(1000, 2),
        offsets=random_tensor(1000, seed=1) - 0.5,
        epsilon=1.0,
    )
    found = counts(sets)
    assert len(found) > 2
    assert found == sorted(found)
    assert found[0] > 0


@pytest.mark.bad_input
def test_rows_of_another_dimension():
    sets = RobustSets(normals=torch.ones(2, 3), offsets=torch.zeros(2), epsilon=1.0)
    with pytest.raises(ValueError, match=r"dimension 2, got dimension 3\."):
        next(plane_sweep(unit_rows(sets)))
