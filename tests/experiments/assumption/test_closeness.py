"""Errors of the tangent, bends and differing signs along directions."""

import math

import pytest
import torch
from torch import nn

from experiments.assumption.closeness import (
    quartiles,
    tangent_errors,
    walk,
    walks,
    worst_offsets,
)
from paper_lib.linearize import linearize


def hinge():
    """f(x) = max(x, 1) - 2 on the line: bends at 1, zero at 2."""
    model = nn.Sequential(
        nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1), nn.Flatten(0)
    ).double()
    for weight, value in zip(model.parameters(), (1.0, -1.0, 1.0, -1.0), strict=True):
        nn.init.constant_(weight, value)
    return model


def at(*places):
    return torch.tensor(places, dtype=torch.float64).unsqueeze(1)


def test_a_walk_meets_the_bend_and_the_place_where_signs_part():
    # From 0, where f_L = -1 throughout, to 4: f is positive beyond 2.
    found = walk(hinge(), at(0.0)[0], at(4.0)[0], 0.0)
    assert found.bends.tolist() == [1.0]
    assert found.first == pytest.approx(2.0)
    assert found.share == pytest.approx(0.5)


def test_the_tangent_may_change_its_sign_where_f_does_not():
    # From 1.5, f_L = x - 2; f stays negative, its tangent as well.
    (left,) = walks(hinge(), at(1.5), at(-3.0))
    assert (left.first, left.share) == (math.inf, 0.0)
    # From 3 to -2, f_L is negative below 2, and so is f: no difference.
    (through,) = walks(hinge(), at(3.0), at(-5.0))
    assert through.first == math.inf
    # -f bends the other way: f_L = 2 - x from 3; f = 1 below 1, f_L as well.
    turned = hinge()
    nn.init.constant_(turned[2].weight, -1.0)
    nn.init.constant_(turned[2].bias, 0.5)  # f = 0.5 - max(x - 1, 0), zero at 1.5
    (found,) = walks(turned, at(0.0), at(2.0))
    assert found.first == pytest.approx(1.5)
    assert found.share == pytest.approx(0.25)


def test_a_tangent_that_crosses_alone_is_seen():
    # f = max(x, 0) + 1 > 0 everywhere; at 1 f_L = x + 1 is negative below -1.
    model = hinge()
    nn.init.constant_(model[0].bias, 0.0)
    nn.init.constant_(model[2].bias, 1.0)
    (found,) = walks(model, at(1.0), at(-4.0))
    assert found.first == pytest.approx(2.0)
    assert found.share == pytest.approx(0.5)


def test_a_linear_classifier_never_parts_from_its_tangent():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))
    points = torch.randn(20, 6)
    for offset in (torch.randn(20, 6), -5.0 * points):
        for found in walks(model, points, offset):
            assert (found.first, found.share, len(found.bends)) == (math.inf, 0.0, 0)


def test_a_walk_agrees_with_many_single_looks():
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 1), nn.Flatten(0)
    ).double()
    points = torch.randn(30, 4, dtype=torch.float64)
    offsets = 4.0 * torch.randn(30, 4, dtype=torch.float64)
    lin = linearize(model, points)
    ticks = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    parted = 0
    for row, found in enumerate(walks(model, points, offsets)):
        moved = points[row] + ticks.unsqueeze(1) * offsets[row]
        tangent = lin.logits[row] + ticks * (lin.gradients[row] @ offsets[row])
        with torch.no_grad():
            differs = model(moved) * tangent < 0
        assert found.share == pytest.approx(float(differs.double().mean()), abs=2e-3)
        if found.share > 1e-3:
            parted += 1
            seen = float(ticks[differs].min() * offsets[row].norm())
            assert found.first == pytest.approx(seen, abs=0.02)
    assert parted >= 10


def test_errors_are_shares_of_the_logit():
    model, points = hinge(), at(0.0, 3.0)
    lin = linearize(model, points)
    # f(0) = -1 and f(3) = 1; half the way beyond each bend.
    errors = tangent_errors(model, points, lin, at(2.0, -4.0))
    assert errors.tolist() == [1.0, 2.0]
    # f(5) = 3; at -1 f is -1 and f_L is -3: two thirds of the logit.
    far = at(5.0)
    error = tangent_errors(model, far, linearize(model, far), at(-6.0))
    assert error.item() == pytest.approx(2 / 3)


def test_the_worst_direction_is_found_where_there_is_one():
    # f = 1 + max(x_0 - 0.5, 0): only along the first axis is there an error.
    model = nn.Sequential(
        nn.Linear(3, 1), nn.ReLU(), nn.Linear(1, 1), nn.Flatten(0)
    ).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0, 0.0]]))
        model[0].bias.fill_(-0.5)
        model[2].weight.fill_(1.0)
        model[2].bias.fill_(1.0)
    points = torch.zeros(1, 3, dtype=torch.float64)
    lin = linearize(model, points)
    start = torch.tensor([[0.8, 0.6, 0.0]], dtype=torch.float64)
    found = worst_offsets(model, points, lin, start, 2.0)
    assert tangent_errors(model, points, lin, found).item() == pytest.approx(1.5)
    assert found.norm().item() == pytest.approx(2.0)


def test_quartiles_are_those_of_the_values():
    assert quartiles(torch.tensor([4.0, 0.0, 2.0, 1.0, 3.0])) == [1.0, 2.0, 3.0]
