"""V* and uniform draws from it: exact areas, known moments, and draws that are not."""

import dataclasses
import math
import sys

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import chisquare

from paper_lib.arrangement import cells, heaviest_faces, maximum_coverage
from paper_lib.defense import HitAndRunConfig, draw_maximizers, maximizer_set
from paper_lib.defense.draws.hit_and_run import (
    _Walk,
    effective_size,
    hit_and_run,
    split_r_hat,
)
from paper_lib.defense.draws.inner_ball import inner_ball
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor
from tests.paper_lib.defense.defense_cases import F32, F64, random_sets
from tests.paper_lib.game.game_cases import POINT_GAME, THREE_CELLS

NUM_DRAWS = 10_000


def rows(sets):
    return sets.normals.double().numpy(), sets.offsets.double().numpy()


@pytest.mark.parametrize("seed", range(30))
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


@pytest.mark.parametrize("seed", range(10))
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


def bins(sets):
    """The pieces of V*, each cut by lines through and beside its centroid."""
    normals, offsets = rows(sets)
    lines = [
        (np.array(axis), shift * cell.area**0.5 - float(np.dot(axis, cell.interior)))
        for cell in maximizer_set(sets).cells
        for axis in ((1.0, 0.3), (-0.4, 1.0))
        for shift in (-0.3, 0.0, 0.3)
    ]
    normals = np.concatenate([normals, [normal for normal, _ in lines]])
    offsets = np.concatenate([offsets, [offset for _, offset in lines]])
    count = maximizer_set(sets).count
    num = len(sets.offsets)
    every = cells(normals, offsets, sets.epsilon)
    chosen = [cell for cell in every if cell.satisfied[:num].sum() == count]
    return normals, offsets, chosen


def p_value(sets, drawn):
    """Chi-square of draws against exact areas, with bins inside the cells."""
    normals, offsets, chosen = bins(sets)
    held = drawn.double().numpy() @ normals.T + offsets >= 0
    observed = [int((held == cell.satisfied).all(axis=1).sum()) for cell in chosen]
    assert sum(observed) == len(drawn)
    areas = np.array([cell.area for cell in chosen])
    expected = len(drawn) * areas / areas.sum()
    few = expected < 10  # too few for the approximation: one bin together
    counts = np.append(np.array(observed)[~few], np.array(observed)[few].sum())
    means = np.append(expected[~few], expected[few].sum())
    return chisquare(counts[means > 0], means[means > 0]).pvalue


SEVERAL_CELLS = [
    THREE_CELLS,
    RobustSets(
        normals=THREE_CELLS.normals.float(),
        offsets=THREE_CELLS.offsets.float(),
        epsilon=1.0,
    ),
    *[
        sets
        for seed in range(400, 440)
        if len(maximizer_set(sets := random_sets(n=9, dim=2, seed=seed)).cells) >= 3
    ],
]


def test_there_are_instances_with_several_cells():
    assert len(SEVERAL_CELLS) >= 4


@pytest.mark.parametrize("sets", SEVERAL_CELLS[:5])
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


def test_the_largest_ball_inside():
    found = inner_ball(np.eye(3), np.zeros(3), np.full(3, 0.1))
    assert found.radius == pytest.approx(1.0 / (1.0 + math.sqrt(3.0)), abs=1e-7)
    angles = np.arange(3) * 2 * np.pi / 3
    star = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for gap in (-0.1, 0.0, 0.1):  # negative: no point has them all
        found = inner_ball(star, np.full(3, -gap), np.array([0.3, 0.2]))
        assert found.radius == pytest.approx(gap, abs=1e-7)


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


def one_cell():
    """The largest piece of V* of the three, as rows of the unit disc."""
    cell = maximizer_set(THREE_CELLS).cells[0]
    normals, offsets = rows(THREE_CELLS)
    lengths = np.hypot(*normals[cell.satisfied].T)
    thresholds = -offsets[cell.satisfied] / lengths
    return cell, normals[cell.satisfied] / lengths[:, np.newaxis], thresholds


def only_in(cell):
    """The robust sets of one piece: V* is the piece."""
    return RobustSets(
        normals=THREE_CELLS.normals[torch.from_numpy(cell.satisfied)],
        offsets=THREE_CELLS.offsets[torch.from_numpy(cell.satisfied)],
        epsilon=1.0,
    )


def test_hit_and_run_is_uniform_on_one_cell_of_the_plane():
    cell, normals, thresholds = one_cell()
    config = HitAndRunConfig(num_chains=100, thin=30, burn_in=2)
    drawn = hit_and_run(normals, thresholds, cell.interior, NUM_DRAWS, config=config)
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
    cell, normals, thresholds = one_cell()

    def step(walk):
        share = walk.generator.random(len(walk.points))
        walk._move(lambda low, high: choose(low, high, share))

    monkeypatch.setattr(_Walk, "step", step)
    config = HitAndRunConfig(num_chains=100, thin=30, burn_in=2)
    drawn = hit_and_run(normals, thresholds, cell.interior, NUM_DRAWS, config=config)
    assert p_value(only_in(cell), torch.from_numpy(drawn.points)) < 1e-6


@pytest.mark.parametrize("shape", ["cube", "half ball"])
def test_hit_and_run_has_the_moments_of_known_cells(shape):
    dim = 20
    config = HitAndRunConfig(num_chains=80, thin=100, burn_in=4)
    if shape == "cube":  # of half width 0.2, inside the ball
        normals = np.concatenate([np.eye(dim), -np.eye(dim)])
        drawn = hit_and_run(
            normals, np.full(2 * dim, -0.2), np.full(dim, 0.1), 8000, config=config
        )
        mean, second = np.zeros(dim), np.full(dim, 0.2**2 / 3)
    else:
        drawn = hit_and_run(
            np.eye(dim)[:1], np.zeros(1), np.eye(dim)[0] / 2, 8000, config=config
        )
        # Marginals of the ball have density (1 - x^2)^((d - 1) / 2).
        mean = np.zeros(dim)
        mean[0] = math.gamma(dim / 2 + 1) / (
            math.sqrt(math.pi) * math.gamma(dim / 2 + 1.5)
        )
        second = np.full(dim, 1.0 / (dim + 2))
    assert drawn.r_hat <= 1.01
    assert drawn.effective_size >= 4000
    spread = np.sqrt(second / 4000)
    assert (np.abs(drawn.points.mean(axis=0) - mean) < 4.5 * spread).all()
    ratio = (drawn.points**2).mean(axis=0) / second
    assert np.abs(ratio - 1.0).max() < 0.1
    # Negative control: a cell a twentieth smaller would be noticed.
    assert abs(ratio.mean() - 1.0) < 0.02 < 1.0 - 0.95**2


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


@pytest.mark.parametrize("dim", [3, 8])
@pytest.mark.parametrize("cell", [whole_ball, cap, needle])
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
    whole = sys.modules["paper_lib.defense.draws.maximizer_set"]
    made = whole.rounding
    monkeypatch.setattr(
        whole,
        "rounding",
        lambda *args: dataclasses.replace(made(*args), shape=np.eye(6)),
    )
    drawn = draw_maximizers(sets, 8000, config=MANY_CHAINS)
    assert not drawn.is_mixed
    assert drawn.r_hat > 1.05


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
    cell, normals, thresholds = one_cell()
    first, again, other = (
        hit_and_run(normals, thresholds, cell.interior, 40, seed=seed).points
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_ball_stands_where_newton_has_no_step_left(monkeypatch):
    """As where slacks differ by more than sixteen digits, on some processors."""
    solve, calls = np.linalg.solve, []

    def fails_later(matrix, vector):
        calls.append(1)
        if len(calls) > 40:
            raise np.linalg.LinAlgError("Singular matrix")
        return solve(matrix, vector)

    monkeypatch.setattr(np.linalg, "solve", fails_later)
    ball = inner_ball(np.eye(3), np.full(3, -0.5), np.zeros(3))
    assert len(calls) > 40
    reach = min((ball.center + 0.5).min(), 1.0 - np.linalg.norm(ball.center))
    assert ball.radius == pytest.approx(reach)
    assert 0.6 < ball.radius < 0.683
