"""PAC-Bayes by hand and by draws, and the fit for its bound."""

import math

import pytest
import torch
from scipy import stats

from paper_lib.bounds import fit_certified, pac_bayes_bound
from paper_lib.bounds.kl import kl_upper
from paper_lib.bounds.pac_bayes import gaussian_coverage
from paper_lib.geometry import in_l2_ball
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.bounds.bound_cases import fitted, sample


def test_pac_bayes_pays_for_the_way_from_its_center():
    sets = sample(n=3000, d=10)
    v = fitted(sets)
    center = 0.8 * v.roll(1)
    bound = pac_bayes_bound(sets, v, center=center)
    terms, away = bound.terms, float((v - center).norm())
    assert terms["distance from center"] == pytest.approx(away)
    assert terms["relative entropy"] == pytest.approx(
        away**2 / (2 * terms["noise"] ** 2)
    )
    nats = terms["relative entropy"] + math.log(72 * 2 * math.sqrt(3000) / 0.05)
    factor = stats.norm.cdf(terms["margin"] / terms["noise"])
    lost = kl_upper(1 - terms["kept with noise"], nats / 3000)
    assert bound.value == pytest.approx(1 - lost / factor)


def test_gaussian_coverage_is_the_mean_over_draws():
    sets = sample(n=50, d=4)
    v = fitted(sets)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(20_000, 4, generator=generator, dtype=torch.float64)
    moved = (v + 0.3 * noise) @ sets.normals.T + sets.offsets
    for margin in (0.0, 0.2):
        asked = margin * sets.normals.norm(dim=1)
        drawn = float((moved >= asked).double().mean())
        exact = gaussian_coverage(sets, v, noise=0.3, margin=margin)
        # 50 dependent rows of 20,000 draws: a standard error below 0.0036.
        assert exact == pytest.approx(drawn, abs=0.01)


def test_pac_bayes_bound_by_hand():
    sets = sample(n=3000, d=10)
    v = fitted(sets)
    noisy = pac_bayes_bound(sets, v, deterministic=False)
    noise = noisy.terms["noise"]
    lost = 1 - gaussian_coverage(sets, v, noise=noise)
    entropy = float(v @ v) / (2 * noise**2)
    nats = (entropy + math.log(12 * 2 * math.sqrt(3000) / 0.05)) / 3000
    entropy = stats.entropy([lost, 1 - lost], [1 - noisy.value, noisy.value])
    assert entropy == pytest.approx(nats, rel=1e-6)
    alone = pac_bayes_bound(sets, v)
    noise, margin = alone.terms["noise"], alone.terms["margin"]
    lost = 1 - gaussian_coverage(sets, v, noise=noise, margin=margin)
    entropy = float(v @ v) / (2 * noise**2)
    nats = (entropy + math.log(72 * 2 * math.sqrt(3000) / 0.05)) / 3000
    factor = stats.norm.cdf(margin / noise)
    assert (1 - alone.value) * factor == pytest.approx(kl_upper(lost, nats), rel=1e-9)
    assert margin > 0.0  # better than the factor of two
    assert alone.value < noisy.value


def test_what_v_loses_the_noise_loses_too():
    # The step from the noisy defense to v: 1[h < 0] Phi(m / s) <= Pr[h + s z < m].
    distances = torch.linspace(-3, 3, 601, dtype=torch.float64)
    for noise in (0.1, 1.0):
        for margin in (0.0, 0.5, 2.0):
            below = torch.special.ndtr((margin - distances) / noise)
            factor = stats.norm.cdf(margin / noise)
            assert bool(((distances < 0) * factor <= below + 1e-15).all())
            # Control: a larger factor would not do.
            assert not bool(((distances <= 0) * factor * 1.01 <= below).all())


def test_a_fit_for_the_bound_is_no_worse_than_its_start_and_stays_in_v():
    sets = sample(n=1000, d=20)
    start = fitted(sets)
    v = fit_certified(sets, start, num_steps=30)
    assert bool(in_l2_ball(v, sets.epsilon))
    gained = pac_bayes_bound(sets, v).value - pac_bayes_bound(sets, start).value
    assert gained > 0.005


def test_the_fit_goes_to_its_center_where_no_row_is_ever_lost():
    sets = RobustSets(
        normals=1e-3 * torch.eye(2, dtype=torch.float64).repeat(100, 1),
        offsets=torch.ones(200, dtype=torch.float64),
        epsilon=1.0,
    )
    center = torch.tensor([0.5, 0.0], dtype=torch.float64)
    fit = fit_certified(sets, torch.zeros_like(center), center=center)
    assert (fit - center).norm() < 0.05
