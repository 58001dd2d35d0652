"""Populations: coverage against simulation, maxima against grids, draws by seed."""

import math

import numpy as np
import pytest
import torch

from experiments.populations.distributions import GaussianRows
from experiments.populations.linear_rows import LinearRows
from experiments.populations.sample_methods import FinitePopulation
from paper_lib.geometry import disc_grid, sample_l2_ball
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.defense.defense_cases import best_in_the_plane, make_sets

F64 = torch.float64


def tensor(values):
    return torch.tensor(values, dtype=F64)


def gaussian(dim, *, offset=0.5, epsilon=1.0, length=1.0, scale=0.8):
    """Rows of which no two numbers are the same."""
    return GaussianRows(
        dim,
        mean_length=length,
        mean_offset=offset,
        scale=scale,
        offset_scale=0.45,
        epsilon=epsilon,
    )


TILTED = LinearRows(3, distance=2.5, scale=1.3, shift=-0.6, epsilon=1.1)
POPULATIONS = {
    "plane": gaussian(2),
    "seven dimensions": gaussian(7, epsilon=0.7),
    "isotropic": GaussianRows(30),
    "linear": TILTED,
    "linear, one dimension": LinearRows(1),
    "finite": FinitePopulation(sets=gaussian(3).draw(25, seed=4)),
}
SAMPLES = 200_000


def farthest_from_simulation(population, coverage=None):
    """Compare at 20 points of V, in units of what Hoeffding allows for all of them."""
    # With a chance below one in a million the right coverage exceeds 1.
    points = sample_l2_ball(20, population.dim, population.epsilon, seed=9)
    sets = population.draw(SAMPLES, seed=11)
    slack = points @ sets.normals.T + sets.offsets
    simulated = (slack >= 0).double().mean(1)
    known = (coverage or population.coverage)(points)
    allowed = math.sqrt(math.log(2 * len(points) / 1e-6) / (2 * SAMPLES))
    return float((simulated - known).abs().max()) / allowed


@pytest.mark.parametrize("name", POPULATIONS)
def test_coverage_is_what_a_simulation_finds(name):
    assert farthest_from_simulation(POPULATIONS[name]) < 1.0


def test_a_wrong_coverage_is_told_from_the_right_one():
    """Negative controls: another scale, another offset, a window too long."""
    right = POPULATIONS["plane"]
    for wrong in (gaussian(2, scale=0.85), gaussian(2, offset=0.53)):
        assert farthest_from_simulation(right, wrong.coverage) > 1.0
    wider = LinearRows(1, epsilon=1.03)
    assert farthest_from_simulation(LinearRows(1), wider.coverage) > 1.0


@pytest.mark.parametrize("name", POPULATIONS)
def test_coverage_of_many_is_that_of_each_and_zero_outside(name):
    population = POPULATIONS[name]
    points = sample_l2_ball(5, population.dim, population.epsilon, seed=1)
    points[3] *= 10.0 * population.epsilon / points[3].norm()
    found = population.coverage(points)
    each = [population.coverage(point) for point in points]
    assert all(isinstance(one, float) for one in each)
    torch.testing.assert_close(found, tensor(each), rtol=0, atol=1e-14)
    assert found[3] == 0.0
    assert 0.0 < found[0] < 1.0


@pytest.mark.parametrize("name", POPULATIONS)
def test_a_seed_decides_the_draw(name):
    population = POPULATIONS[name]
    one, same, other = (population.draw(50, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one.normals, same.normals)
    assert torch.equal(one.offsets, same.offsets)
    assert not torch.equal(one.offsets, other.offsets)
    assert one.epsilon == population.epsilon
    assert one.normals.shape == (50, population.dim)


@pytest.mark.parametrize("name", POPULATIONS)
def test_nothing_in_the_ball_exceeds_the_maximum(name):
    population = POPULATIONS[name]
    best = population.maximum()
    assert population.coverage(best.perturbation) == best.coverage
    assert best.coverage <= best.upper <= best.coverage + 1e-9
    points = sample_l2_ball(20_000, population.dim, population.epsilon, seed=2)
    near = best.perturbation + 1e-3 * points
    near = near * (population.epsilon / near.norm(dim=1, keepdim=True)).clamp(max=1.0)
    for candidates in (points[:2000], near[:2000] * (1 - 1e-12)):
        assert float(population.coverage(candidates).max()) <= best.upper


PLANAR = {
    "inside": gaussian(2),
    "on the circle": gaussian(2, offset=-0.4),
    "far": gaussian(2, scale=0.3, epsilon=2.0),
    "flat": gaussian(2, length=1e-6),
    "hardly positive": gaussian(2, offset=-0.999),
}


@pytest.mark.parametrize("name", PLANAR)
def test_the_maximum_in_the_plane_is_that_of_a_grid(name):
    population = PLANAR[name]
    best = population.maximum()
    grid = disc_grid(population.epsilon, num_rings=300, num_angles=720)
    found = float(population.coverage(grid).max())
    assert found <= best.upper
    assert best.upper - found < 2e-4
    assert best.upper - best.coverage < 1e-12


@pytest.mark.parametrize("dim", [1, 2, 10, 100])
@pytest.mark.parametrize("offset", [0.5, 0.2, -0.3])
def test_the_isotropic_maximum_is_known_and_the_same_in_every_dimension(dim, offset):
    population = GaussianRows(dim, mean_offset=offset)
    best = population.maximum()
    along = min(0.36 / offset, 1.0) if offset > 0 else 1.0
    expected = torch.zeros(dim, dtype=F64)
    expected[0] = along
    torch.testing.assert_close(best.perturbation, expected, rtol=0, atol=1e-7)
    ratio = (along + offset) / math.sqrt(0.36 + along**2)
    assert math.isclose(
        best.coverage, 0.5 * math.erfc(-ratio / math.sqrt(2)), abs_tol=1e-12
    )


def test_no_budget_leaves_one_perturbation():
    population = gaussian(3, epsilon=0.0)
    best = population.maximum()
    assert torch.equal(best.perturbation, torch.zeros(3, dtype=F64))
    assert best.coverage == population.coverage(torch.zeros(3, dtype=F64))


def test_normals_vary_in_every_direction_unless_the_classifier_is_linear():
    """The rank of the drawn normals is d, or one for a linear classifier."""
    for dim in (2, 10, 100):
        rows = GaussianRows(dim).draw(500, seed=0).normals
        assert int(torch.linalg.matrix_rank(rows)) == dim
        line = LinearRows(dim).draw(500, seed=0).normals
        assert int(torch.linalg.matrix_rank(line)) == 1


def test_a_linear_classifier_draws_the_same_in_every_dimension():
    flat = LinearRows(2).draw(500, seed=6)
    deep = LinearRows(100).draw(500, seed=6)
    assert torch.equal(flat.offsets, deep.offsets)
    assert torch.equal(flat.normals[:, 0], deep.normals[:, 0])


def test_linear_rows_are_lemma_1_of_gaussian_classes():
    """Points are drawn, classified and linearized; no logit is drawn here."""
    generator = torch.Generator().manual_seed(2)
    centers, bias = tensor([[-1.0, 0.5, 0.0], [1.0, -0.5, 1.0]]), 0.3
    roots = torch.randn(2, 3, 3, generator=generator, dtype=F64) / 2
    weight = tensor([1.0, 0.0, 0.0])
    roots *= 0.7 / (roots.transpose(1, 2) @ weight).norm(dim=1)[:, None, None]
    kinds = torch.arange(SAMPLES) % 2
    noise = torch.randn(SAMPLES, 3, 1, generator=generator, dtype=F64)
    points = centers[kinds] + (roots[kinds] @ noise)[..., 0]
    lin = Linearization(
        logits=points @ weight + bias, gradients=weight.expand(SAMPLES, 3).contiguous()
    )
    sets = RobustSets.from_linearization(lin, epsilon=1.0)
    population = LinearRows(3, distance=1.0, scale=0.7, shift=bias)
    candidates = sample_l2_ball(10, 3, 1.0, seed=0)
    simulated = (candidates @ sets.normals.T + sets.offsets >= 0).double().mean(1)
    allowed = math.sqrt(math.log(20 / 1e-6) / (2 * SAMPLES))
    difference = (simulated - population.coverage(candidates)).abs().max()
    assert float(difference) < allowed


def test_linear_coverage_depends_on_one_direction():
    v = sample_l2_ball(1, 3, 0.5, seed=0)[0]
    across = torch.linalg.cross(TILTED.direction, v)
    moved = v + 0.1 * across / across.norm()
    assert math.isclose(TILTED.coverage(moved), TILTED.coverage(v), abs_tol=1e-14)
    longer = v + 0.1 * TILTED.direction
    assert abs(TILTED.coverage(longer) - TILTED.coverage(v)) > 1e-3


def test_the_maximum_of_a_linear_classifier_is_that_of_a_grid():
    along = torch.linspace(-1.1, 1.1, 20_001, dtype=F64) * (1 - 1e-12)
    values = TILTED.coverage(along[:, None] * TILTED.direction)
    best = TILTED.maximum()
    assert float(values.max()) <= best.upper
    assert best.upper - float(values.max()) < 1e-7


def test_a_finite_population_is_counted_and_its_maximum_exact():
    rows = gaussian(2).draw(11, seed=1)
    population = FinitePopulation(sets=rows)
    best = population.maximum()
    assert best.coverage == best.upper == best_in_the_plane(rows) / 11
    drawn = population.draw(400, seed=0)
    assert set(drawn.offsets.tolist()) == set(rows.offsets.tolist())


def test_single_precision_rows_stay_single():
    sets = make_sets([[1.0, 0.0], [0.0, 1.0]], [0.0, -0.5])
    narrow = RobustSets(
        normals=sets.normals.float(), offsets=sets.offsets.float(), epsilon=1.0
    )
    population = FinitePopulation(sets=narrow)
    assert population.draw(9, seed=0).normals.dtype == torch.float32
    assert population.coverage(torch.zeros(2)) == 0.5


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"mean_length": -1.0}, "mean_length must be finite and >= 0"),
        ({"scale": 0.0}, "scale must be finite and > 0, got 0"),
        ({"offset_scale": math.nan}, "offset_scale must be finite and > 0, got nan"),
        ({"mean_offset": -1.0}, "positive on average"),
        ({"mean_offset": math.nan}, "positive on average"),
        ({"epsilon": -1.0}, "epsilon must be finite and >= 0"),
    ],
)
def test_gaussian_rows_say_what_they_need(change, message):
    with pytest.raises(ValueError, match=message):
        GaussianRows(**({"dim": 2} | change))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"scale": 0.0}, "scale must be finite and > 0, got 0"),
        ({"distance": math.inf}, "distance must be finite"),
        ({"shift": math.nan}, "shift must be finite"),
        ({"epsilon": math.inf}, "epsilon must be finite"),
    ],
)
def test_linear_rows_say_what_they_need(change, message):
    with pytest.raises(ValueError, match=message):
        LinearRows(**({"dim": 2} | change))


@pytest.mark.bad_input
@pytest.mark.parametrize("name", POPULATIONS)
def test_draws_and_perturbations_have_to_fit(name):
    population = POPULATIONS[name]
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        population.draw(0, seed=0)
    with pytest.raises(ValueError, match="seed must be an integer"):
        population.draw(1, seed=-1)
    wrong = torch.zeros(population.dim + 1, dtype=F64)
    with pytest.raises(ValueError, match=rf"v must have shape \({population.dim},\)"):
        population.coverage(wrong)
    with pytest.raises(ValueError, match="v must be finite"):
        population.coverage(np.nan * wrong[1:])
    with pytest.raises(ValueError, match="v must"):
        population.coverage(wrong[1:].float())
