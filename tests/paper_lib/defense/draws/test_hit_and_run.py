"""Chains in a convex piece: known moments, diagnostics, and walks that are wrong."""

import numpy as np
import pytest
import torch

from paper_lib.defense import HitAndRunConfig, maximizer_set
from paper_lib.defense.draws.hit_and_run import (
    _Walk,
    effective_size,
    hit_and_run,
    split_r_hat,
)
from paper_lib.defense.draws.inner_ball import Piece
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.defense.draws.draw_cases import NUM_DRAWS, bins, p_value, rows
from tests.paper_lib.game.game_cases import THREE_CELLS


def one_cell():
    """The largest piece of V* of the three, as rows of the unit disc."""
    cell = maximizer_set(THREE_CELLS).cells[0]
    normals, offsets = rows(THREE_CELLS)
    lengths = np.hypot(*normals[cell.satisfied].T)
    thresholds = -offsets[cell.satisfied] / lengths
    return cell, Piece(normals[cell.satisfied] / lengths[:, np.newaxis], thresholds)


def only_in(cell):
    """The robust sets of one piece: V* is the piece."""
    return RobustSets(
        normals=THREE_CELLS.normals[torch.from_numpy(cell.satisfied)],
        offsets=THREE_CELLS.offsets[torch.from_numpy(cell.satisfied)],
        epsilon=1.0,
    )


def test_hit_and_run_is_uniform_on_one_cell_of_the_plane():
    cell, piece = one_cell()
    config = HitAndRunConfig(num_chains=100, thin=30, burn_in=2)
    drawn = hit_and_run(piece, cell.interior, NUM_DRAWS, config=config)
    sets = only_in(cell)
    assert len(bins(sets)[2]) >= 4
    assert p_value(sets, torch.from_numpy(drawn.points)) > 0.001
    assert drawn.is_mixed is (drawn.effective_size >= 10_000)


@pytest.mark.parametrize(
    "choose",
    [
        lambda low, high, share: low + (high - low) * (0.25 + 0.5 * share),
        lambda low, high, share: high * share,
    ],
    ids=["the middle half of the chord", "ahead alone"],
)
def test_other_steps_are_rejected(choose, monkeypatch):
    """Negative control: walks with another stationary distribution."""
    cell, piece = one_cell()

    def step(walk):
        share = walk.generator.random(len(walk.points))
        walk._move(lambda low, high: choose(low, high, share))

    monkeypatch.setattr(_Walk, "step", step)
    config = HitAndRunConfig(num_chains=100, thin=30, burn_in=2)
    drawn = hit_and_run(piece, cell.interior, NUM_DRAWS, config=config)
    assert p_value(only_in(cell), torch.from_numpy(drawn.points)) < 1e-6


def test_hit_and_run_has_the_moments_of_a_cube():
    """Of half width 0.2, inside the ball."""
    dim = 20
    config = HitAndRunConfig(num_chains=80, thin=100, burn_in=4)
    cube = Piece(np.concatenate([np.eye(dim), -np.eye(dim)]), np.full(2 * dim, -0.2))
    drawn = hit_and_run(cube, np.full(dim, 0.1), 8000, config=config)
    second = np.full(dim, 0.2**2 / 3)
    assert drawn.r_hat <= 1.01
    assert drawn.effective_size >= 4000
    spread = np.sqrt(second / 4000)
    assert (np.abs(drawn.points.mean(axis=0)) < 4.5 * spread).all()
    ratio = (drawn.points**2).mean(axis=0) / second
    assert np.abs(ratio - 1.0).max() < 0.1
    # Negative control: a cell a twentieth smaller would be noticed.
    assert abs(ratio.mean() - 1.0) < 0.02 < 1.0 - 0.95**2


def test_diagnostics_on_known_chains():
    draw = np.random.default_rng(0)
    independent = draw.standard_normal((8, 1000))
    assert split_r_hat(independent) == pytest.approx(1.0, abs=0.01)
    assert effective_size(independent) == pytest.approx(8000, rel=0.15)
    apart = independent + np.arange(8)[:, np.newaxis]
    assert split_r_hat(apart) > 2.0
    slow = np.zeros((8, 1000))  # autoregressive: time (1 + 0.9) / (1 - 0.9) = 19
    for k in range(1, 1000):
        slow[:, k] = 0.9 * slow[:, k - 1] + independent[:, k]
    assert effective_size(slow) == pytest.approx(8000 / 19, rel=0.3)
    assert split_r_hat(np.zeros((4, 10))) == 1.0


def test_seeds_of_chains_are_used():
    cell, piece = one_cell()
    first, again, other = (
        hit_and_run(piece, cell.interior, 40, seed=seed).points for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
