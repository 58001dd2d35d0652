"""The ramp's bias in closed form: against quadrature, a search, and its own samples."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import brute

from experiments.populations.distributions import GaussianRows
from experiments.populations.ramp_floor import mean_ramp, ramp_floor, ramp_maximizer
from experiments.populations.sample_rates import measure_rates
from experiments.section5.rate_runs import RatePlan
from paper_lib.defense import ramp_value
from paper_lib.geometry import sample_l2_ball
from tests.experiments.populations.test_distributions import gaussian

F64 = torch.float64
# Of Sharper bounds; its maximum is 0.9035 at 0.72.
ROWS = RatePlan(kind="gaussian", dim=2, solver="ramp").population()
SCALES = (1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)


def integrated(rows, v):
    """The mean ramp from the density of the slack, written out."""
    u = np.append(v, 1.0)
    mean = float(rows.mean.numpy() @ u)
    spread = math.sqrt(rows.variances.numpy() @ u**2)

    def density(slack):
        return math.exp(-0.5 * ((slack - mean) / spread) ** 2) / (
            spread * math.sqrt(2 * math.pi)
        )

    on_slope = quad(lambda a: a * density(a), 0.0, 1.0, epsabs=1e-13)[0]
    return on_slope + 0.5 * math.erfc((1.0 - mean) / (spread * math.sqrt(2)))


@pytest.mark.parametrize("scale", [0.2, 1.0, 7.0, 100.0])
@pytest.mark.parametrize("rows", [ROWS, gaussian(3, offset=-0.2)], ids=["iso", "any"])
def test_the_mean_ramp_is_its_integral(rows, scale):
    rows = rows.scaled(scale)
    points = sample_l2_ball(15, rows.dim, 1.0, seed=3)
    expected = [integrated(rows, point.numpy()) for point in points]
    np.testing.assert_allclose(mean_ramp(rows, points), expected, atol=1e-11)


def test_the_mean_ramp_is_what_samples_have():
    sets = ROWS.scaled(4.0).draw(200_000, seed=0)
    v = torch.tensor([0.6, -0.3], dtype=F64)
    known = float(mean_ramp(ROWS.scaled(4.0), v[None]))
    assert abs(ramp_value(sets, v) - known) < 5 * 0.5 / math.sqrt(200_000)
    # Negative control: another scale of the logit has another mean.
    other = float(mean_ramp(ROWS.scaled(5.0), v[None]))
    assert abs(ramp_value(sets, v) - other) > 5 * 0.5 / math.sqrt(200_000)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("offset", [0.5, -0.6])
def test_no_point_of_the_disc_has_a_larger_mean_ramp(scale, offset):
    rows = GaussianRows(2, mean_offset=offset, offset_scale=0.6)
    rows = rows.scaled(scale)
    found = ramp_maximizer(rows)
    assert found.norm() <= rows.epsilon
    most = float(mean_ramp(rows, found[None]))
    assert abs(most - integrated(rows, found.numpy())) < 1e-11

    def loss(polar):
        length, angle = polar
        at = length * np.array([math.cos(angle), math.sin(angle)])
        return -integrated(rows, at)

    grid = (slice(0.0, 1.0001, 0.1), slice(-3.0, 3.1, 0.5))
    best = -brute(loss, grid, finish=None, full_output=True)[1]
    assert best <= most + 1e-12
    points = sample_l2_ball(20_000, 2, 1.0, seed=5)
    assert float(mean_ramp(rows, points).max()) <= most + 1e-12


def test_the_floor_falls_with_the_scale():
    floors = [ramp_floor(ROWS.scaled(scale)) for scale in SCALES]
    expected = [0.00267, 0.00267, 0.00267, 0.00138, 0.00031, 0.00003, 0.0]
    assert [round(floor, 5) for floor in floors] == expected
    # At small scales the maximizer lies on the sphere: the value by hand.
    beside = 0.5 * math.erfc(-1.5 / math.sqrt(1.36) / math.sqrt(2))
    assert floors[0] == pytest.approx(ROWS.maximum().coverage - beside, abs=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 10, 100])
def test_the_floor_is_the_same_in_every_dimension(dim):
    rows = GaussianRows(dim, offset_scale=0.6).scaled(5.0)
    assert ramp_floor(rows) == pytest.approx(ramp_floor(ROWS.scaled(5.0)), abs=1e-9)


def test_without_a_mean_normal_no_vector_is_best():
    even = GaussianRows(3, mean_length=0.0, mean_offset=0.8)
    assert ramp_floor(even) == pytest.approx(0.0, abs=1e-12)
    assert float(ramp_maximizer(even).norm()) < 1e-5


def test_samples_approach_the_floor_of_their_own_scale():
    """The reason of the floor: scale 3 leaves it, scale 10 lowers it, as computed."""
    means = {
        scale: np.mean(
            measure_rates(
                ROWS.scaled(scale),
                [20_000],
                repetitions=4,
                seed=0,
                solver="ramp",
                with_deviations=False,
            ).regrets()
        )
        for scale in (3.0, 10.0)
    }
    assert abs(means[3.0] - ramp_floor(ROWS)) < 1e-4
    assert ramp_floor(ROWS.scaled(10.0)) < means[10.0] < 0.5 * ramp_floor(ROWS)


def test_scaling_leaves_sets_and_coverage_alone():
    scaled = ROWS.scaled(10.0)
    points = sample_l2_ball(40, 2, 1.0, seed=1)
    torch.testing.assert_close(scaled.coverage(points), ROWS.coverage(points))
    one, two = ROWS.draw(500, seed=2), scaled.draw(500, seed=2)
    torch.testing.assert_close(10.0 * one.normals, two.normals)
    assert torch.equal(one.contains(points), two.contains(points))


@pytest.mark.bad_input
@pytest.mark.parametrize("factor", [0.0, -1.0, math.inf, math.nan])
def test_a_factor_is_above_zero(factor):
    with pytest.raises(ValueError, match="factor must be finite and > 0"):
        ROWS.scaled(factor)


@pytest.mark.bad_input
def test_mean_ramp_rejects_another_dimension():
    with pytest.raises(ValueError, match=r"v must have shape \(2,\) or \(k, 2\)"):
        mean_ramp(ROWS, torch.zeros(1, 3, dtype=F64))
