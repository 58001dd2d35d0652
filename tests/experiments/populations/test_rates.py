"""Deviations against brute force, rates measured, powers of n recovered."""

import itertools
import math

import numpy as np
import pytest
import torch

from experiments.populations.distributions import GaussianRows
from experiments.populations.linear_rows import LinearRows, Steps, farthest
from experiments.populations.sample_methods import (
    FinitePopulation,
    deviation_of,
    solve_sample,
)
from experiments.populations.sample_rates import measure_rates
from experiments.populations.slopes import fit_slope, paper_rate
from paper_lib.arrangement import cells
from paper_lib.defense import maximize_coverage
from paper_lib.generalization import traces
from paper_lib.geometry import disc_grid
from tests.experiments.populations.test_distributions import TILTED, gaussian
from tests.paper_lib.defense.defense_cases import make_sets, random_sets

F64 = torch.float64
PLANE = gaussian(2)
LINE = LinearRows(4)
FINITE = FinitePopulation(sets=random_sets(n=12, dim=2, shift=-0.5))


def over_the_disc(population, sets):
    """Look for the largest deviation along all outlines of cells, and on a grid."""
    normals, offsets = sets.normals.numpy(), sets.offsets.numpy()
    grid = disc_grid(sets.epsilon, num_rings=200, num_angles=300)
    shares = (grid @ sets.normals.T + sets.offsets >= 0).double().mean(1)
    largest = float((population.coverage(grid) - shares).abs().max())
    for cell in cells(normals, offsets, sets.epsilon):
        corners = cell.outline(2000)
        ahead = np.roll(corners, -1, axis=0)
        steps = np.linspace(0.0, 1.0, 400, endpoint=False)[:, None, None]
        edge = (corners + steps * (ahead - corners)).reshape(-1, 2)
        points = torch.from_numpy(edge)
        points *= (sets.epsilon / points.norm(dim=1, keepdim=True)).clamp(max=1.0)
        values = population.coverage(points * (1 - 1e-13))
        share = cell.satisfied.mean()
        largest = max(largest, float((values - share).abs().max()))
    return largest


PLANAR = {
    "inside": PLANE,
    "on the circle": gaussian(2, offset=-0.4),
    "small disc": gaussian(2, scale=1.7, epsilon=0.2),
    "large disc": gaussian(2, scale=0.3, epsilon=5.0),
    "isotropic": GaussianRows(2),
    "even": GaussianRows(2, mean_length=0.0),
}


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("name", PLANAR)
def test_the_deviation_in_the_plane_is_that_of_a_fine_search(name, n):
    population = PLANAR[name]
    for seed in range(3):
        sets = population.draw(n, seed=seed)
        found = deviation_of(population)(sets)
        searched = over_the_disc(population, sets)
        assert found.lower == found.upper
        assert searched <= found.lower + 1e-12
        assert found.lower <= searched + 1e-4


def test_the_deviation_in_the_plane_is_large_from_another_population():
    """Negative control: a phi that is not the population's stays away from phi_n."""
    other = GaussianRows(2, mean_offset=0.8)
    sets = GaussianRows(2).draw(2000, seed=0)
    right = deviation_of(GaussianRows(2))(sets).lower
    assert right < 0.05 < 0.1 < deviation_of(other)(sets).lower


def test_no_point_of_the_disc_deviates_more():
    sets = PLANE.draw(300, seed=8)
    most = deviation_of(PLANE)(sets).upper
    angles = torch.rand(40_000, generator=torch.Generator().manual_seed(0), dtype=F64)
    radii = torch.linspace(0.0, 1.0 - 1e-12, 40_000, dtype=F64).sqrt()
    turn = 2 * math.pi * angles
    points = radii[:, None] * torch.stack([turn.cos(), turn.sin()], dim=1)
    shares = (points @ sets.normals.T + sets.offsets >= 0).double().mean(1)
    largest = float((shares - PLANE.coverage(points)).abs().max())
    assert 0.9 * most < largest <= most


@pytest.mark.parametrize("population", [LINE, TILTED], ids=["symmetric", "tilted"])
@pytest.mark.parametrize("n", [1, 3, 40])
def test_the_deviation_on_a_line_is_that_of_a_grid_with_every_jump(population, n):
    for seed in range(3):
        sets = population.draw(n, seed=seed)
        found = deviation_of(population)(sets)
        assert 0.0 <= found.upper - found.lower <= 1e-9
        slopes, offsets = sets.normals @ population.direction, sets.offsets
        jumps = -offsets / slopes
        half = population.epsilon
        grid = torch.linspace(-half, half, 20_001, dtype=F64)
        z = torch.cat([grid, jumps - 1e-9, jumps, jumps + 1e-9])
        z = z[z.abs() <= half]
        shares = (z[:, None] * slopes + offsets >= 0).double().mean(1)
        values = population.coverage(z[:, None] * population.direction * (1 - 1e-14))
        largest = float((shares - values).abs().max())
        assert largest <= found.upper + 1e-12
        assert found.lower <= largest + 1e-6


def test_the_bracket_on_a_line_holds_when_it_is_wide():
    bell = LinearRows(1, distance=0.0, shift=0.0)
    steps = Steps(cuts=np.array([-1.0, 0.2, 1.0]), levels=np.array([0.5, 0.45]))
    _, low, high = farthest(bell, steps, tol=0.1)
    _, exact, above = farthest(bell, steps, tol=1e-12)
    assert low < exact <= above <= high <= low + 0.1
    assert above - exact <= 1e-12


def all_patterns(sets):
    """Which half-planes hold, over a fine grid and around and at all vertices."""
    normals, offsets = sets.normals.numpy(), sets.offsets.numpy()
    axis = np.linspace(-1.0, 1.0, 301) * sets.epsilon
    points = [np.array(list(itertools.product(axis, axis)))]
    ring = np.exp(2j * math.pi * np.arange(24) / 24)
    ring = 1e-6 * np.column_stack([ring.real, ring.imag])
    held = []
    for i, j in itertools.combinations(range(len(offsets)), 2):
        pair = normals[[i, j]]
        if abs(np.linalg.det(pair)) > 1e-9:
            vertex = np.linalg.solve(pair, -offsets[[i, j]])
            points.append(vertex + ring)
            if np.linalg.norm(vertex) <= sets.epsilon:
                held.append(normals @ vertex + offsets >= -1e-9)
    every = np.concatenate(points)
    every = every[np.linalg.norm(every, axis=1) <= sets.epsilon]
    held = np.array(held).reshape(-1, len(offsets))
    return np.concatenate([every @ normals.T + offsets >= 0, held])


TOUCHING = make_sets(
    [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.3, -1.0]],
    [-0.25, 0.25, 0.0, -0.25, -0.25, 0.1],
)


@pytest.mark.parametrize(
    "sets",
    [random_sets(n=8, dim=2, shift=0.0), random_sets(n=12, dim=2, seed=4), TOUCHING],
    ids=["eight", "twelve", "three lines through a point, two sides of one"],
)
def test_the_deviation_of_a_finite_population_is_over_all_faces(sets):
    population = FinitePopulation(sets=sets)
    patterns = all_patterns(sets)
    rows = torch.column_stack([sets.normals, sets.offsets])
    for seed in range(4):
        drawn = population.draw(9, seed=seed)
        taken = torch.column_stack([drawn.normals, drawn.offsets])
        same = (taken[:, None] == rows).all(-1).double()
        counts = (same / same.sum(1, keepdim=True)).sum(0).numpy()
        weights = counts / 9 - 1.0 / len(rows)
        found = deviation_of(population)(drawn)
        assert math.isclose(
            found.lower, np.abs(patterns @ weights).max(), abs_tol=1e-12
        )


def test_where_half_planes_touch_is_a_face_of_its_own():
    patterns = {tuple(row) for row in traces(TOUCHING, "robust_sets").tolist()}
    found = {tuple(row) for row in all_patterns(TOUCHING).tolist()}
    assert found <= patterns
    assert any(row[0] and row[1] for row in patterns)
    assert any(not row[0] and not row[2] for row in patterns)


def test_there_is_no_method_elsewhere():
    assert deviation_of(GaussianRows(3)) is None
    assert deviation_of(FinitePopulation(sets=random_sets(n=9, dim=3))) is None
    many = FinitePopulation(sets=random_sets(n=151, dim=2))
    assert deviation_of(many) is None


@pytest.mark.parametrize("population", [PLANE, TILTED, FINITE], ids=lambda p: p.dim)
def test_exact_solvers_find_the_maximum_of_a_sample(population):
    for seed in range(10):
        sets = population.draw(15, seed=seed)
        v = solve_sample(population, sets, "exact", seed=0)
        certificate = maximize_coverage(sets, method="hitting_sets").certificate
        assert certificate.gap == 0.0
        assert sets.coverage(v) == certificate.upper


@pytest.mark.parametrize("population", [PLANE, LINE, FINITE], ids=["p", "l", "f"])
def test_equation_18_holds_for_every_sample(population):
    rates = measure_rates(population, [5, 20, 80], repetitions=6, seed=1)
    tolerance = rates.best.upper - rates.best.coverage + 1e-12
    pairs = zip(rates.regrets(), rates.draws, strict=True)
    for regrets, draws in pairs:
        for regret, draw in zip(regrets, draws, strict=True):
            assert -tolerance <= regret <= 2 * draw.deviation.upper + tolerance
            gap = abs(draw.sample_coverage - draw.coverage)
            assert gap <= draw.deviation.upper + 1e-12
            assert draw.sample_coverage >= rates.best.coverage - draw.deviation.upper
    assert rates.regrets() != rates.deviations()


def values(rates):
    return [
        (draw.seed, draw.sample_coverage, draw.coverage)
        for row in rates.draws
        for draw in row
    ]


@pytest.mark.parametrize("solver", ["exact", "annealed", "polished", "ramp"])
def test_a_seed_decides_the_measurement(solver):
    one, same, other = (
        measure_rates(PLANE, [10, 30], repetitions=3, seed=seed, solver=solver)
        for seed in (5, 5, 6)
    )
    assert values(one) == values(same)
    assert set(values(one)).isdisjoint(values(other))
    assert len({seed for seed, *_ in values(one)}) == 6


def test_solvers_see_the_same_samples_and_the_exact_one_is_best():
    plan = {"repetitions": 4, "seed": 2, "with_deviations": False}
    exact = measure_rates(PLANE, [20, 60], **plan)
    for solver in ("annealed", "polished", "ramp"):
        other = measure_rates(PLANE, [20, 60], solver=solver, **plan)
        for best, found in zip(values(exact), values(other), strict=True):
            assert best[0] == found[0]
            assert best[1] >= found[1]
    assert all(d.deviation.upper == math.inf for row in exact.draws for d in row)


def test_a_linear_classifier_has_the_same_rates_in_every_dimension():
    flat, deep = (
        measure_rates(LinearRows(dim), [10, 200], repetitions=5, seed=0)
        for dim in (1, 100)
    )
    for one, two in (
        (flat.regrets(), deep.regrets()),
        (flat.deviations(), deep.deviations()),
    ):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-12)


SIZES = [10, 30, 100, 300, 1000, 3000]


def power_law(slope, *, seed, repetitions=40, spread=0.5):
    generator = np.random.default_rng(seed)
    return [
        (
            3.0 * n**slope * generator.gamma(1 / spread**2, spread**2, repetitions)
        ).tolist()
        for n in SIZES
    ]


@pytest.mark.parametrize("slope", [-1.0, -2 / 3, -0.5, 0.0])
def test_a_power_without_noise_is_recovered(slope):
    rows = [[2.0 * n**slope] * 3 for n in SIZES]
    fit = fit_slope(SIZES, rows)
    assert math.isclose(fit.slope, slope, abs_tol=1e-12)
    assert math.isclose(fit.interval[0], fit.interval[1], abs_tol=1e-12)
    assert math.isclose(fit.at(50), 2.0 * 50**slope)
    assert (fit.left_out, fit.lost, fit.sizes) == ((), 0.0, tuple(SIZES))


def test_a_power_for_large_n_is_fitted_from_there():
    rows = [[max(n**-0.5, 0.1)] * 2 if n < 300 else [n**-1.0] * 2 for n in SIZES]
    fit = fit_slope(SIZES, rows, smallest=300)
    assert math.isclose(fit.slope, -1.0, abs_tol=1e-12)
    assert fit.sizes == tuple(SIZES)
    assert fit.smallest == 300
    assert abs(fit_slope(SIZES, rows).slope + 1.0) > 0.1


def test_means_have_intervals_that_hold_them():
    rows = power_law(-0.5, seed=0)
    fit = fit_slope(SIZES, rows)
    for mean, (low, high), row in zip(fit.means, fit.mean_intervals, rows, strict=True):
        error = np.std(row, ddof=1) / math.sqrt(len(row))
        assert mean - 2.5 * error < low < mean - 1.2 * error
        assert mean + 1.2 * error < high < mean + 2.5 * error


def covered(confidence, slope=-0.5, truth=-0.5, trials=300):
    fits = [
        fit_slope(
            SIZES,
            power_law(slope, seed=seed),
            confidence=confidence,
            num_resamples=300,
        )
        for seed in range(trials)
    ]
    return sum(one.interval[0] <= truth <= one.interval[1] for one in fits) / trials


def test_intervals_hold_the_power_as_often_as_they_say():
    """Of 300 fits; three standard errors, and what 40 repetitions cost a bootstrap."""
    assert 0.90 <= covered(0.95) <= 0.99
    assert 0.72 <= covered(0.80) <= 0.87


def test_intervals_do_not_hold_another_power():
    """Negative control."""
    assert covered(0.95, slope=-0.5, truth=-0.58, trials=100) < 0.2


def test_a_mean_without_logarithm_is_left_out_and_said():
    rows = power_law(-0.5, seed=0)
    rows[1] = [0.0] * 40
    rows[4] = [1.0, -2.0]
    fit = fit_slope(SIZES, rows)
    assert fit.left_out == (30, 1000)
    assert fit.sizes == (10, 100, 300, 3000)
    assert abs(fit.slope + 0.5) < 0.1


def test_bootstrap_samples_without_a_line_are_counted():
    rows = power_law(-0.5, seed=0)
    rows[-1] = [0.0] * 38 + [1e-2, 3e-2]
    fit = fit_slope(SIZES, rows)
    assert fit.left_out == ()
    # A resample misses both with chance (38 / 40)^40 = 0.129.
    assert abs(fit.lost - 0.129) < 0.03


def test_the_bootstrap_follows_its_seed():
    rows = power_law(-0.5, seed=0)
    one, same, other = (fit_slope(SIZES, rows, seed=seed) for seed in (1, 1, 2))
    assert one.interval == same.interval != other.interval
    assert one.slope == other.slope


def test_measured_deviations_fall_as_the_square_root():
    """What Donsker's theorem says of half-planes, with room for 40 samples a size."""
    rates = measure_rates(LINE, [100, 1000, 10_000], repetitions=40, seed=3)
    fit = fit_slope(rates.sizes, rates.deviations())
    assert fit.interval[0] - 0.05 < -0.5 < fit.interval[1] + 0.05
    assert fit.interval[1] - fit.interval[0] < 0.2


def test_the_paper_rate():
    assert paper_rate(1) == 0.0
    assert math.isclose(paper_rate(math.e), math.e**-0.5)


@pytest.mark.bad_input
def test_plans_that_make_no_sense_are_refused():
    def call(sizes, **kwargs):
        measure_rates(PLANE, sizes, **({"repetitions": 2, "seed": 0} | kwargs))

    for sizes in ([], [10, 10], [20, 10]):
        with pytest.raises(ValueError, match="sizes must be increasing"):
            call(sizes)
    with pytest.raises(ValueError, match="sizes must be at least 1, got 0"):
        call([0])
    with pytest.raises(TypeError, match="sizes must be an integer"):
        call([1.5])
    with pytest.raises(ValueError, match="repetitions must be at least 1, got 0"):
        call([5], repetitions=0)
    with pytest.raises(ValueError, match="repetitions must be one number or 1, got 2"):
        call([5], repetitions=[1, 2])
    with pytest.raises(ValueError, match="seed must be an integer"):
        call([5], seed=-3)
    with pytest.raises(ValueError, match="solver must be one of"):
        call([5], solver="magic")
    with pytest.raises(ValueError, match="linear classifier or in the plane"):
        measure_rates(GaussianRows(3), [5], repetitions=2, seed=0)
    with pytest.raises(ValueError, match="n must be at least 1"):
        paper_rate(0.5)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("sizes", "rows", "settings", "message"),
    [
        ([10, 20], [[1.0, 1.0]], {}, "sizes must be different and as many"),
        ([10, 10], [[1.0, 1.0]] * 2, {}, "sizes must be different"),
        ([10, 20], [[1.0, 1.0], [1.0]], {}, r"two or more a size, got \[1.0\] at 20"),
        ([10, 20], [[1.0, 1.0], [1.0, math.nan]], {}, "values must be finite"),
        ([10, 20], [[1.0, 1.0], [0.0, 0.0]], {}, "for at least two sizes"),
        ([10, 20, 30], [[-1.0, -1.0, 2.1]] * 3, {}, "mostly above 0"),
        ([10, 20], [[1.0, 1.0]] * 2, {"confidence": 1.0}, "confidence must be"),
        ([10, 20], [[1.0, 1.0]] * 2, {"num_resamples": 0}, "num_resamples"),
        ([10, 20], [[1.0, 1.0]] * 2, {"seed": -1}, "seed must be"),
    ],
)
def test_fits_that_make_no_sense_are_refused(sizes, rows, settings, message):
    with pytest.raises(ValueError, match=message):
        fit_slope(sizes, rows, **settings)
