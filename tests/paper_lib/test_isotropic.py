"""Isotropic draws of V, and votes."""

import math

import pytest
import torch

from paper_lib.geometry import in_l2_ball
from paper_lib.isotropic import isotropic_draws, majority


@pytest.mark.parametrize("noise", ["uniform", "gaussian"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-3, 3.0])
def test_every_draw_lies_in_v(noise, epsilon):
    draws = isotropic_draws(200, 5, epsilon, noise=noise, seed=1)
    assert draws.shape == (200, 5)
    assert bool(in_l2_ball(draws, epsilon).all())


@pytest.mark.parametrize("noise", ["uniform", "gaussian"])
def test_no_direction_is_preferred(noise):
    draws = isotropic_draws(40_000, 3, 2.0, noise=noise, seed=2)
    # Means of 40,000 draws of size 2: five standard errors are 0.05.
    assert draws.mean(0).abs().max() < 0.05
    spread = draws.T.cov()
    off = spread - torch.diag(spread.diag())
    assert off.abs().max() < 0.03
    assert (spread.diag() - spread.diag().mean()).abs().max() < 0.03


def test_about_half_of_the_gaussian_draws_are_projected():
    draws = isotropic_draws(10_000, 784, 2.0, noise="gaussian", seed=3)
    on_sphere = (draws.norm(dim=1) > 2.0 * (1 - 1e-9)).double().mean()
    assert float(on_sphere) == pytest.approx(0.5, abs=0.05)
    inside = draws[draws.norm(dim=1) < 1.99]
    assert float(inside.std()) == pytest.approx(2.0 / math.sqrt(784), rel=0.05)


def test_a_seed_gives_the_same_draws_and_another_one_others():
    first, again, other = (
        isotropic_draws(3, 4, 1.0, noise="gaussian", seed=seed) for seed in (5, 5, 6)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_vote_needs_more_than_half():
    votes = torch.tensor(
        [
            [True, True, False, False],
            [True, False, True, False],
            [True] * 4,
            [False] * 4,
        ]
    )
    assert majority(votes).tolist() == [True, False, False, False]
    assert majority(votes[:3]).tolist() == [True, True, True, False]


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise": "laplace"}, r"^noise must be one of .*got 'laplace'"),
        ({"epsilon": -1.0}, r"^epsilon must be finite and >= 0"),
        ({"num_samples": 0}, r"^num_samples must be at least 1"),
        ({"dim": 0, "noise": "gaussian"}, r"^dim must be at least 1"),
        ({"seed": -1}, r"^seed must be an integer"),
    ],
)
def test_draws_that_are_none(changes, message):
    arguments = {"num_samples": 2, "dim": 3, "epsilon": 1.0, "noise": "uniform"}
    arguments = {**arguments, "seed": 0, **changes}
    with pytest.raises(ValueError, match=message):
        isotropic_draws(**arguments)


@pytest.mark.bad_input
def test_a_vote_of_nobody():
    with pytest.raises(ValueError, match="at least one draw"):
        majority([])
