"""Draws from V*: maximizers, uniform, and honest about what is known."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from paper_lib.defense import HitAndRunConfig, draw_maximizers
from paper_lib.defense.draws import maximizer_draws
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor
from tests.paper_lib.defense.defense_cases import F32, F64, random_sets
from tests.paper_lib.game.game_cases import THREE_CELLS


def pinched(dim):
    """Half-spaces whose intersection is flat: two of them face each other."""
    normals = torch.zeros(3, dim, dtype=F64)
    normals[0, 0], normals[1, 0], normals[2, 1] = 1.0, -1.0, 1.0
    offsets = torch.tensor([0.0, 0.0, -0.1], dtype=F64)
    return RobustSets(normals=normals, offsets=offsets, epsilon=1.0)


def test_a_flat_set_in_space_is_one_point():
    sets = pinched(4)
    drawn = draw_maximizers(sets, 40)
    assert drawn.solution.coverage == 1.0
    assert drawn.method == "point"
    assert drawn.inner_radius == 0.0
    assert drawn.points.unique(dim=0).shape == (1, 4)


def test_draws_in_the_plane_say_what_they_are():
    drawn = draw_maximizers(THREE_CELLS, 100)
    assert (drawn.method, drawn.num_pieces) == ("cells", 3)
    assert drawn.is_complete
    assert drawn.is_maximal
    assert drawn.is_mixed
    assert drawn.effective_size == 100


@pytest.mark.parametrize("dtype", [F32, F64])
def test_draws_in_space_are_maximizers(dtype):
    sets = random_sets(n=30, dim=6, seed=2, dtype=dtype)
    drawn = draw_maximizers(sets, 1600, config=HitAndRunConfig(thin=60, burn_in=4))
    assert drawn.method == "hit_and_run"
    assert (drawn.num_pieces, drawn.is_complete) == (1, False)
    assert drawn.is_maximal
    assert drawn.is_mixed, (drawn.r_hat, drawn.effective_size)
    assert drawn.inner_radius > 0
    assert (sets.coverage(drawn.points) == drawn.solution.coverage).all()
    assert drawn.points.dtype == dtype


def test_too_short_chains_are_noticed():
    sets = random_sets(n=30, dim=6, seed=2)
    short = HitAndRunConfig(thin=1, burn_in=0)
    drawn = draw_maximizers(sets, 40, config=short)
    assert not drawn.is_mixed
    assert drawn.r_hat > 1.1


RADIUS = 1.7


def turned(dim, seed=0):
    """Orthonormal axes that are none of the coordinates."""
    return torch.linalg.qr(random_tensor(dim, dim, seed=seed)).Q


def whole_ball(dim):
    """A point that no attack can reach: V* is V."""
    second = np.full(dim, RADIUS**2 / (dim + 2))
    return turned(dim)[:1], torch.tensor([2.0 * RADIUS]).double(), 0 * second, second


def cap(dim):
    """One half-space, three tenths of the radius from the center: V* is a cap."""
    height = 0.3

    def integral(function):
        return quad(lambda x: function(x) * (1 - x * x) ** ((dim - 1) / 2), height, 1)[
            0
        ]

    volume = integral(lambda x: 1.0)
    mean, second = np.zeros(dim), np.empty(dim)
    mean[0] = RADIUS * integral(lambda x: x) / volume
    second[0] = RADIUS**2 * integral(lambda x: x * x) / volume
    # Given x, the rest is uniform in a ball of dimension d - 1.
    second[1:] = RADIUS**2 * integral(lambda x: (1 - x * x) / (dim + 1)) / volume
    offset = torch.tensor([-height * RADIUS * 2.5], dtype=F64)
    return 2.5 * turned(dim)[:1], offset, mean, second


def needle(dim):
    """A box off center, a hundred times as long as it is wide: V* is the box."""
    halves = np.geomspace(0.3, 0.003, dim)
    middle = 0.2 / dim
    normals = torch.cat([turned(dim), -turned(dim)])
    offsets = np.concatenate([halves - middle, halves + middle])
    mean = np.full(dim, middle)
    return normals, torch.from_numpy(offsets), mean, mean**2 + halves**2 / 3


MANY_CHAINS = HitAndRunConfig(num_chains=40, thin=40, burn_in=10)


@pytest.mark.parametrize(
    ("cell", "dim"), [(whole_ball, 8), (cap, 3), (cap, 8), (needle, 8)]
)
def test_draws_from_v_star_have_the_moments_of_known_cells(cell, dim):
    """Through all of ``draw_maximizers``: start, margin, rounding, chains and scale."""
    normals, offsets, mean, second = cell(dim)
    sets = RobustSets(normals=normals, offsets=offsets, epsilon=RADIUS)
    drawn = draw_maximizers(sets, 8000, config=MANY_CHAINS)
    assert (drawn.method, drawn.solution.coverage) == ("hit_and_run", 1.0)
    assert sets.contains(drawn.points).all()
    assert drawn.r_hat <= 1.01
    assert drawn.effective_size >= 4000
    along = drawn.points.numpy() @ turned(dim).numpy().T
    spread = np.sqrt((second - mean**2) / 4000)
    assert (np.abs(along.mean(axis=0) - mean) < 4.5 * spread).all()
    variances = (along**2).mean(axis=0) - along.mean(axis=0) ** 2
    ratio = variances / (second - mean**2)
    assert np.abs(ratio - 1.0).max() < 0.08
    # Axes do not move together.
    correlations = np.corrcoef(along.T) - np.eye(dim)
    assert np.abs(correlations).max() < 4.5 / math.sqrt(4000)


def test_without_the_rounding_shape_a_needle_is_not_mixed(monkeypatch):
    """Negative control: the ellipsoid is what makes so few steps enough."""
    normals, offsets, *_ = needle(6)
    sets = RobustSets(normals=normals, offsets=offsets, epsilon=RADIUS)
    made = maximizer_draws.rounding
    monkeypatch.setattr(
        maximizer_draws, "rounding", lambda *args: (made(*args)[0], np.eye(6))
    )
    drawn = draw_maximizers(sets, 8000, config=MANY_CHAINS)
    assert not drawn.is_mixed
    assert drawn.r_hat > 1.05
