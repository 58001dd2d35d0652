"""Agreement where the tangent has a boundary: on the cap that it is proven on."""

import math

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import (
    ball_bounds,
    certify_agreement,
    find_disagreements,
    linearization_error,
)
from paper_lib.local_linearity.agreement import sign_is_kept
from paper_lib.local_linearity.ball_bounds import Cap
from paper_lib.local_linearity.layers import piecewise_linear_layers
from tests.oracles import random_tensor
from tests.paper_lib.local_linearity.exact_lines import on_a_line
from tests.paper_lib.local_linearity.networks import F64, balanced_dense

HERE = torch.zeros(1, 1, dtype=F64)


def dipping(depth):
    """f(o) = 1 + o - depth relu(o - 0.5); its tangent at 0 is zero at -1."""
    first, last = nn.Linear(1, 3), nn.Linear(3, 1)
    first.weight.data.copy_(torch.tensor([[1.0], [-1.0], [1.0]]))
    first.bias.data.copy_(torch.tensor([3.0, -3.0, -0.5]))
    last.weight.data.copy_(torch.tensor([[1.0, -1.0, -depth]]))
    last.bias.data.fill_(-2.0)
    return nn.Sequential(first, nn.ReLU(), last, nn.Flatten(0)).to(F64)


@pytest.mark.parametrize(("depth", "agree"), [(0.0, True), (0.4, True), (9.0, False)])
def test_a_bend_far_from_the_boundary_does_no_harm_if_f_stays_positive(depth, agree):
    model = dipping(depth)
    assert on_a_line(model, 0.0, 2.0) == (pytest.approx(1.5 * depth), agree)
    assert certify_agreement(model, HERE, 2.0).tolist() == [agree]


def test_the_cap_is_as_large_as_the_error(monkeypatch):
    """Negative control: with less a dip below zero would pass."""
    monkeypatch.setattr(ball_bounds, "error_bound", lambda *_: 0.0)
    assert certify_agreement(dipping(9.0), HERE, 2.0).tolist() == [True]


@pytest.mark.parametrize(("depth", "agree"), [(0.1, True), (9.0, False)])
def test_a_cap_without_offsets_proves_what_keeps_its_sign(depth, agree, monkeypatch):
    """At 0.9 the tangent is 0.1 at the least, and the dip takes 0.4 of its depth."""
    assert on_a_line(dipping(depth), 0.0, 0.9)[1] == agree
    monkeypatch.setattr(ball_bounds, "lower_bound", lambda *_: -1.0)
    assert certify_agreement(dipping(depth), HERE, 0.9).tolist() == [agree]


@pytest.mark.parametrize(("widths", "seed"), [((2, 8), 0), ((2, 8, 8), 1)])
def test_what_agrees_in_a_ball_agrees_in_smaller_ones(widths, seed):
    """Both proofs are tried where the boundary has just left the ball, too."""
    model = balanced_dense(*widths, seed=seed)
    points = random_tensor(30, widths[0], seed=seed)[10:20]
    agree = torch.stack(
        [certify_agreement(model, points, 0.02 * step) for step in range(1, 60)]
    )
    in_a_larger = agree.flip(0).cummax(0).values.flip(0)
    assert agree.equal(in_a_larger)
    assert 0.3 < agree.double().mean() < 0.8


@pytest.mark.parametrize("seed", range(2))
def test_no_point_with_a_disagreement_is_certified(seed):
    """Negative control: what is proven is never refuted by an example."""
    model = balanced_dense(2, 8, 8, seed=seed)
    points = random_tensor(30, 2, seed=seed)
    for radius in (0.3, 1.0):
        refuted = find_disagreements(model, points, radius).found
        assert not (refuted & certify_agreement(model, points, radius)).any()
    assert refuted.sum() >= 5, "in the largest ball at least"


def bent_at_the_edge(value, slope, jump):
    """f(o) = value + slope o, with jump relu(-o - 0.995) added."""
    model = dipping(0.0)
    model[0].weight.data[2], model[0].bias.data[2] = -1.0, -0.995
    model[2].weight.data.copy_(torch.tensor([[slope, -slope, jump]]))
    model[2].bias.data.fill_(value - 3 * slope)
    return model


@pytest.mark.parametrize("case", [(1.0, 0.0, -1000.0), (0.5, 1.0, 1000.0)])
def test_the_last_half_percent_of_the_radius_counts(case):
    """With a tangent that has no boundary in the ball, and with one."""
    model = bent_at_the_edge(*case)
    for radius, agree in ((0.994, True), (1.0, False)):
        assert on_a_line(model, 0.0, radius)[1] == agree
        assert certify_agreement(model, HERE, radius).tolist() == [agree]


def largest_on_cap(row, normal, radius, least):
    """Solve the problem from its own side, not by its dual."""
    unit, depth = normal / normal.norm(), least / normal.norm()
    best = radius * row / row.norm()
    if best @ unit >= depth:
        return float(radius * row.norm())
    across = row - (row @ unit) * unit
    rest = torch.sqrt(radius**2 - depth**2)
    return float(depth * (row @ unit) + rest * across.norm())


def test_linear_functions_on_a_cap_are_bounded_without_loss():
    draw = torch.Generator().manual_seed(0)
    for _ in range(50):
        row, normal = torch.randn(2, 4, dtype=F64, generator=draw)
        least = (2 * torch.rand(1, dtype=F64, generator=draw) - 1)[0] * normal.norm()
        cap = Cap(radius=1.5, normal=normal, least=float(1.4 * least))
        exact = largest_on_cap(row, normal, 1.5, 1.4 * least)
        found = float(cap.largest(row.unsqueeze(0)))
        assert found >= exact - 1e-14, "sound"
        assert found <= exact + 1e-7, "and sharp"


def test_a_point_whose_tangent_is_zero_everywhere_agrees():
    flat = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Flatten(0)).to(F64)
    flat[0].bias.data.fill_(-5.0)
    assert certify_agreement(flat, HERE, 0.1).tolist() == [True]
    assert linearization_error(flat, HERE, 0.1).upper.tolist() == [0.0]
    layers = piecewise_linear_layers(flat, HERE)
    assert sign_is_kept(layers, HERE, 0.1).tolist() == [False], "zero has no sign"


def test_a_number_that_overflows_proves_nothing():
    model = dipping(1.0)
    for layer in (model[0], model[2]):
        layer.weight.data.mul_(1e120)
    assert linearization_error(model, HERE, 1e80).upper.tolist() == [math.inf]
    assert certify_agreement(model, HERE, 1e80).tolist() == [False]


def test_seeds_are_used_and_equal_ones_give_the_same():
    model, points = dipping(1.0), HERE
    one, same = (linearization_error(model, points, 2.0, seed=3) for _ in range(2))
    assert one.lower.equal(same.lower)
    assert one.upper.equal(same.upper)


def bent_aside(deep):
    """f(o) = o_0 + relu(o_1 - 0.9) in 20 dimensions; other bends are nearer in vain.

    Args:
        deep: Whether the unit that bends has another before it.

    Returns:
        The network.
    """
    first, second, last = nn.Linear(20, 3), nn.Linear(3, 3), nn.Linear(3, 1)
    for layer in (first, second, last):
        layer.weight.data.zero_()
        layer.bias.data.zero_()
    first.weight.data[0, 0] = first.weight.data[1, 1] = first.weight.data[2, 2] = 1.0
    first.bias.data.copy_(torch.tensor([5.0, 5.0 if deep else -0.9, -0.1]))
    second.weight.data.copy_(torch.eye(3))
    second.bias.data[1] = -5.9 if deep else 0.0
    last.weight.data.copy_(torch.tensor([[1.0, 1.0, 0.0]]))
    last.bias.data.fill_(-5.0)
    relu = nn.ReLU()
    return nn.Sequential(first, relu, second, relu, last, nn.Flatten(0)).to(F64)


@pytest.mark.parametrize("deep", [False, True])
def test_a_bend_off_the_gradient_is_found(deep):
    """Along the gradient f is its tangent, so that nothing there leads to the bend."""
    model, here = bent_aside(deep), torch.zeros(1, 20, dtype=F64)
    for seed in range(3):
        error = linearization_error(model, here, 1.0, seed=seed)
        assert error.lower.item() == pytest.approx(0.1, rel=1e-6)
        assert error.lower <= error.upper
    assert linearization_error(model, here, 0.8).lower.tolist() == [0.0]
