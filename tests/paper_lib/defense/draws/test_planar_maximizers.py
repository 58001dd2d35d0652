"""V* in the plane: exact areas, and draws that are uniform on it or not."""

import math

import numpy as np
import pytest
import torch

from paper_lib.arrangement import cells, heaviest_faces, maximum_coverage
from paper_lib.defense import draw_maximizers, maximizer_set
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.defense.defense_cases import F64, random_sets
from tests.paper_lib.defense.draws.draw_cases import NUM_DRAWS, bins, p_value, rows
from tests.paper_lib.game.game_cases import POINT_GAME, THREE_CELLS


@pytest.mark.parametrize("seed", range(12))
def test_the_pieces_are_the_fullest_cells(seed):
    sets = random_sets(n=12, dim=2, seed=seed)
    every = cells(*rows(sets), 1.0)
    best = max(int(cell.satisfied.sum()) for cell in every)
    areas = sorted(c.area for c in every if c.satisfied.sum() == best)
    found = maximizer_set(sets)
    assert found.count == best == maximum_coverage(*rows(sets), 1.0).count
    assert sorted(found.areas) == pytest.approx(areas, abs=1e-10)
    assert found.has_volume
    drawn = found.draw(50, seed=0)
    assert (sets.coverage(drawn) == found.coverage).all()


@pytest.mark.parametrize("seed", range(5))
def test_weights_decide_which_face_is_heaviest(seed):
    sets = random_sets(n=10, dim=2, seed=seed)
    weights = np.random.default_rng(seed).uniform(0.1, 1.0, 10)
    every = cells(*rows(sets), 1.0)
    best = max(float(weights[cell.satisfied].sum()) for cell in every)
    face, *_ = heaviest_faces(*rows(sets), 1.0, weights=weights)
    assert face.weight == pytest.approx(best)
    assert sets.contains(torch.from_numpy(face.point)).numpy().tolist() == (
        face.satisfied.tolist()
    )


@pytest.mark.parametrize("shift", [-2.0, 2.0])
def test_where_no_line_crosses_all_of_the_disc_is_maximal(shift):
    sets = RobustSets(
        normals=torch.eye(2, dtype=F64),
        offsets=torch.full((2,), shift, dtype=F64),
        epsilon=1.0,
    )
    found = maximizer_set(sets)
    assert found.count == (2 if shift > 0 else 0)
    assert found.areas == pytest.approx((math.pi,))
    assert (found.draw(500, seed=0).norm(dim=1) <= 1.0).all()


SEVERAL_CELLS = [
    THREE_CELLS,
    RobustSets(
        normals=THREE_CELLS.normals.float(),
        offsets=THREE_CELLS.offsets.float(),
        epsilon=1.0,
    ),
    *[random_sets(n=9, dim=2, seed=seed) for seed in (400, 402, 403)],
]


@pytest.mark.parametrize("sets", SEVERAL_CELLS)
def test_draws_are_uniform_on_all_cells(sets):
    found = maximizer_set(sets)
    assert len(found.cells) >= 3
    assert len(bins(sets)[2]) >= 9
    assert p_value(sets, found.draw(NUM_DRAWS, seed=0)) > 0.001


def test_a_sampler_that_ignores_areas_is_rejected():
    found = maximizer_set(THREE_CELLS)
    generator = np.random.default_rng(0)
    parts = [found._draw_in(cell, NUM_DRAWS // 3, generator) for cell in found.cells]
    drawn = torch.from_numpy(np.concatenate(parts))
    assert p_value(THREE_CELLS, drawn) < 1e-6


def test_a_sampler_that_is_not_uniform_inside_cells_is_rejected():
    """Areas of cells are right, and a third of the right half of each is missing."""
    drawn = maximizer_set(THREE_CELLS).draw(NUM_DRAWS, seed=0)
    right = drawn[:, 0] > 0.2
    drawn = drawn[~right | (torch.arange(len(drawn)) % 3 > 0)]
    assert p_value(THREE_CELLS, drawn) < 1e-6


def test_seeds_of_draws_are_used():
    found = maximizer_set(THREE_CELLS)
    first, again, other = (found.draw(20, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_thin_cells_are_drawn_from_too():
    sets = RobustSets(
        normals=torch.tensor([[1.0, 1.0], [-1.0, -1.0], [0.0, 1.0]], dtype=F64),
        offsets=torch.tensor([0.0, 1e-7, 0.5], dtype=F64),
        epsilon=1.0,
    )
    drawn = maximizer_set(sets).draw(1000, seed=0)
    assert sets.contains(drawn).all()


def test_cells_thinner_than_the_rounding_margin_are_drawn_from_too():
    """No point of the cell is clear of rounding, so that rejection has to end."""
    sets = RobustSets(
        normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]),
        offsets=torch.tensor([0.0, 1e-5, 0.5]),
        epsilon=1.0,
    )
    drawn = maximizer_set(sets).draw(200, seed=0)
    assert drawn.shape == (200, 2)
    assert drawn[:, 0].min() >= -1e-6
    assert drawn[:, 0].max() <= 1.1e-5
    assert float(drawn[:, 1].std()) > 0.3


def test_v_star_without_volume_is_said_to_be_so():
    """Three half-planes that meet in one point: nothing to be uniform on."""
    sets = RobustSets.from_linearization(POINT_GAME, 1.0)
    found = maximizer_set(sets)
    assert (found.count, found.cells, found.areas) == (3, (), ())
    assert not found.has_volume
    assert np.abs(found.touches).max() <= 1e-15
    assert (found.draw(5, seed=0).abs() <= 1e-15).all()
    drawn = draw_maximizers(sets, 5)
    assert drawn.method == "point"
    assert not drawn.has_volume
    assert not drawn.is_complete


def test_a_segment_has_no_volume_either():
    sets = RobustSets(
        normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=F64),
        offsets=torch.tensor([-0.25, 0.25], dtype=F64),
        epsilon=1.0,
    )
    found = maximizer_set(sets)
    assert found.count == 2
    assert found.touches == pytest.approx(np.array([[0.25, 0.0]]))


def test_no_budget_is_one_point():
    sets = random_sets(n=5, dim=2, epsilon=0.0)
    assert maximizer_set(sets).touches.tolist() == [[0.0, 0.0]]
    assert draw_maximizers(random_sets(n=5, dim=4, epsilon=0.0), 3).method == "point"
