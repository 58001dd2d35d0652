"""The coverage of a defense on the network itself lies between both sides."""

import numpy as np
import pytest
import torch
from torch import nn

from paper_lib.geometry import disc_grid, in_l2_ball
from paper_lib.linearize import linearize
from paper_lib.local_linearity import network_attacks, network_coverage
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor, state_of
from tests.paper_lib.local_linearity.networks import (
    F64,
    MIXTURES,
    balanced_dense,
    balanced_mixture,
)
from tests.paper_lib.local_linearity.regions import cells, distance_to_flip


def exact_distances(model, points, v):
    """How far the nearest flip is from each point moved by v: from all regions."""
    pieces, logits = cells(model, 12.0), model(points).detach().numpy()
    distances = []
    for point, logit in zip(points.numpy() + v.numpy(), logits, strict=True):
        center = np.zeros(2)
        center[: len(point)] = point
        distances.append(distance_to_flip(pieces, center, np.sign(logit)))
    return torch.tensor(np.array(distances)).masked_fill(
        torch.tensor(logits == 0), -1.0
    )


def tiny_game(seed, count=6):
    """A network of one or two inputs, points and a defense."""
    dim, epsilon = 1 + seed % 2, (0.1, 0.3, 0.6)[seed % 3]
    model = balanced_dense(dim, 4, 3, seed=seed)
    points = random_tensor(count, dim, seed=seed + 1)
    v = disc_grid(epsilon)[seed % 721][:dim]
    return model, points, v, epsilon


def contains(found, distances, reach):
    """Whether the sides hold the true share, and each verdict is right."""
    truth = float((distances >= reach).double().mean())
    safe_for_sure = bool((distances[found.safe] >= reach - 1e-12).all())
    flipped_for_sure = bool((distances[found.flipped] < reach + 1e-12).all())
    inside = found.lower <= truth <= found.upper
    return inside and safe_for_sure and flipped_for_sure


@pytest.mark.parametrize("count", [4, pytest.param(500, marks=pytest.mark.slow)])
def test_the_coverage_of_tiny_networks_is_enclosed(count):
    gaps, lowers = [], []
    for seed in range(count):
        model, points, v, epsilon = tiny_game(seed)
        found = network_coverage(model, points, v, epsilon, seed=seed)
        assert contains(found, exact_distances(model, points, v), epsilon)
        gaps.append(found.upper - found.lower)
        lowers.append(found.lower)
    assert np.mean(gaps) < 0.15
    assert 0.2 < np.mean(lowers) < 0.95


def test_verdicts_of_a_smaller_or_larger_budget_would_be_wrong():
    """Negative control: judge by the distances at another budget."""
    games = [tiny_game(seed) for seed in range(5, 24, 6)]
    found = [
        (network_coverage(*game), exact_distances(*game[:3]), game[3]) for game in games
    ]
    for scale in (0.5, 2.0):
        right = [contains(one, far, scale * epsilon) for one, far, epsilon in found]
        assert not all(right)


def test_two_budgets():
    for seed in range(2):
        model, points, v, _ = tiny_game(seed)
        epsilon = max(float(v.norm()), 0.1) * 1.01
        for reach in (0.05, 0.5):
            found = network_coverage(model, points, v, epsilon, attack_epsilon=reach)
            assert contains(found, exact_distances(model, points, v), reach)
            assert in_l2_ball(found.attacks, reach).all()


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_attacks_are_real(name, dtype):
    model, inputs = balanced_mixture(name, seed=1, dtype=dtype)
    v = random_tensor(inputs[0].numel(), seed=1, dtype=dtype)
    v = 0.3 * v / v.norm()
    before = str(state_of(model))
    found = network_coverage(model, inputs, v, 3.0)
    assert str(state_of(model)) == before
    twin = model.double().eval()
    moved = inputs.double() + (v.double() + found.attacks.double()).view_as(inputs)
    flips = twin(inputs.double()).sign() * twin(moved) < 0
    assert found.flipped.any()
    assert flips[found.flipped].all()
    assert in_l2_ball(found.attacks, 3.0).all()
    assert not (found.safe & found.flipped).any()
    assert (found.attacks[~found.flipped] == 0).all()


def test_proofs_are_found_on_images():
    model, inputs = balanced_mixture("average", seed=1)
    v = torch.zeros(64, dtype=F64)
    found = network_coverage(model, inputs, v, 0.01)
    assert found.lower > 0.5
    assert found.upper - found.lower <= 0.25


def test_of_a_linear_classifier_it_is_the_papers():
    """There f is its tangent, and both sides meet."""
    model = nn.Sequential(nn.Linear(5, 1), nn.Flatten(0)).double()
    points = random_tensor(40, 5, seed=3)
    lin = linearize(model, points)
    v = random_tensor(5, seed=4)
    v = 0.4 * v / v.norm()
    found = network_coverage(model, points, v, 0.5)
    sets = RobustSets.from_linearization(lin, 0.5)
    assert found.lower == found.upper == sets.coverage(v)
    assert 0 < found.lower < 1


def test_a_point_without_a_label_is_lost():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Flatten(0)).double()
    found = network_coverage(
        model, torch.tensor([[0.0], [9.0]]).double(), torch.zeros(1, dtype=F64), 0.5
    )
    assert found.flipped.tolist() == [True, False]
    assert found.safe.tolist() == [False, True]


def test_a_label_lost_by_the_defense_needs_no_attack():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Flatten(0)).double()
    with torch.no_grad():
        model[0].weight.fill_(1.0)
    found = network_coverage(
        model,
        torch.tensor([[0.5]]).double(),
        torch.tensor([-1.0], dtype=F64),
        1.0,
        attack_epsilon=0.0,
    )
    assert found.flipped.tolist() == [True]
    assert found.attacks.tolist() == [[0.0]]


def linear(weights, bias=0.0):
    model = nn.Sequential(nn.Linear(len(weights), 1), nn.Flatten(0)).double()
    model[0].weight.data.copy_(torch.tensor([weights]))
    model[0].bias.data.fill_(bias)
    return model


@pytest.mark.parametrize(
    ("v", "safe"), [(0.0, [False, True, False]), (-3.0, [False, False, True])]
)
def test_proofs_alone_are_of_the_label_in_the_whole_ball(monkeypatch, v, safe):
    """Without attacks that would find what they miss."""
    monkeypatch.setattr(network_attacks._Attacks, "run", lambda *_: None)
    points = torch.tensor([[0.995], [1.01], [-0.5]], dtype=F64)
    v = torch.tensor([v], dtype=F64)
    found = network_coverage(linear([1.0]), points, v, 3.0, attack_epsilon=1.0)
    assert found.safe.tolist() == safe


def test_a_flip_that_may_be_roundings_is_none():
    """At x + v, which is rounded, f is negative; it is zero in real arithmetic."""
    step = 0.75 * 2.0**-52
    model, points = linear([1.0, -1.0], step), torch.ones(1, 2, dtype=F64)
    v = torch.tensor([0.0, step], dtype=F64)
    assert model(points).item() > 0 > model(points + v).item()
    found = network_coverage(model, points, v, 1.0, attack_epsilon=0.0)
    assert found.flipped.tolist() == [False]
    assert found.safe.tolist() == [False]


@pytest.mark.parametrize(("first", "proven"), [(0.5, 1), (5.0, 2)])
def test_proofs_are_given_up_after_a_part_that_fails(monkeypatch, first, proven):
    monkeypatch.setattr(network_attacks._Attacks, "run", lambda *_: None)
    monkeypatch.setattr(network_attacks, "_TRIES", 1)
    calls, honest = [], network_attacks.sign_is_kept
    monkeypatch.setattr(
        network_attacks, "sign_is_kept", lambda *a: calls.append(a) or honest(*a)
    )
    points = torch.tensor([[0.4], [first]], dtype=F64)
    found = network_coverage(linear([1.0]), points, torch.zeros(1, dtype=F64), 1.0)
    assert len(calls) == proven, "the furthest from the boundary is tried first"
    assert found.safe.tolist() == [False, proven == 2]


def test_a_dip_between_two_safe_ends_is_found():
    """The classifier |x - 1| - 0.1, from x = 0: it is positive at both ends."""
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1), nn.Flatten(0))
    values = ([[1.0], [-1.0]], [-1.0, 1.0], [[1.0, 1.0]], [-0.1])
    for weight, value in zip(model.parameters(), values, strict=True):
        weight.data = torch.tensor(value, dtype=F64)
    found = network_coverage(
        model, torch.zeros(1, 1, dtype=F64), torch.zeros(1, dtype=F64), 2.5
    )
    assert found.flipped.tolist() == [True]


def test_the_seed_is_used(monkeypatch):
    model, inputs = balanced_mixture("max", seed=2)
    inputs, drawn, randn = inputs[:4], [], torch.randn
    monkeypatch.setattr(
        torch, "randn", lambda *a, **k: drawn.append(randn(*a, **k)) or drawn[-1]
    )
    first, again, other = (
        network_coverage(model, inputs, torch.zeros(64, dtype=F64), 2.0, seed=seed)
        for seed in (1, 1, 2)
    )
    assert torch.equal(first.attacks, again.attacks)
    assert first.flipped.any()
    each = len(drawn) // 3
    assert torch.equal(drawn[0], drawn[each])
    assert not torch.equal(drawn[0], drawn[2 * each])
    assert other.lower <= other.upper
