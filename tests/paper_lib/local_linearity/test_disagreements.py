"""Witnesses against local linearity: real ones, and where there are any."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from paper_lib.geometry import in_l2_ball, l2_norm
from paper_lib.linearize import linearize
from paper_lib.local_linearity import disagreements, find_disagreements
from paper_lib.local_linearity.layers import piecewise_linear_layers
from paper_lib.local_linearity.segments import follow_layers
from tests.oracles import random_tensor, state_of
from tests.paper_lib.local_linearity.networks import (
    F64,
    MIXTURES,
    balanced_dense,
    balanced_mixture,
)
from tests.paper_lib.local_linearity.regions import cells, distance_to_disagreement

# Some tiny networks are constant around all points.
pytestmark = pytest.mark.filterwarnings("ignore:model may give no logit")


def products(model, inputs, offsets):
    """F times f_L at offsets, in float64, from the model itself."""
    twin = copy.deepcopy(model).double().eval()
    lin = linearize(twin, inputs.double())
    moved = inputs.double() + offsets.double().view_as(inputs)
    tangent = lin.logits + (lin.gradients * offsets.double()).sum(1)
    return (twin(moved) * tangent).detach()


def are_witnesses(model, inputs, radius, result):
    """What is promised of each offset that was found."""
    flips = products(model, inputs, result.offsets)[result.found] < 0
    inside = in_l2_ball(result.offsets, radius)
    return bool(flips.all()) and bool(inside.all())


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_every_offset_is_a_witness(name, dtype):
    model, inputs = balanced_mixture(name, seed=1, dtype=dtype)
    before = str(state_of(model))
    inputs = inputs[:6]
    result = find_disagreements(model, inputs, 3.0)
    assert result.found.sum() >= 2
    assert result.offsets.dtype == dtype
    assert are_witnesses(model, inputs, 3.0, result)
    assert (result.offsets[~result.found] == 0).all()
    assert torch.equal(result.lengths.isfinite(), result.found)
    assert str(state_of(model)) == before


def test_an_offset_that_is_none_is_seen():
    """Negative control: half of a witness that is nearly the shortest is none."""
    model, inputs = balanced_mixture("max", seed=1)
    result = find_disagreements(model, inputs, 3.0)
    shorter = disagreements.Disagreements(
        found=result.found, offsets=0.5 * result.offsets
    )
    assert not are_witnesses(model, inputs, 3.0, shorter)


def nearest(model, points):
    """How far the nearest disagreement is from each point, by listing all regions."""
    lin, pieces = linearize(model, points), cells(model, 12.0)
    distances = []
    for point, logit, slope in zip(points, lin.logits, lin.gradients, strict=True):
        center, normal = np.zeros(2), np.zeros(2)
        center[: len(point)], normal[: len(point)] = point, slope
        tangent = normal, float(logit - slope @ point)
        distances.append(distance_to_disagreement(pieces, center, tangent))
    return torch.tensor(np.array(distances))


@pytest.mark.parametrize("count", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_the_nearest_disagreement_of_tiny_networks_is_found(count):
    """Against a list of all regions: no false find, few missed, near the shortest."""
    missed, found, excess = 0, 0, []
    for seed in range(count):
        dim = 1 + seed % 2
        model, radius = balanced_dense(dim, 5, 4, seed=seed), 1.5
        points = random_tensor(6, dim, seed=seed) * 1.5
        exact = nearest(model, points)
        result = find_disagreements(model, points, radius, seed=seed)
        assert (exact[result.found] <= result.lengths[result.found] + 1e-9).all()
        missed += int((~result.found & (exact < 0.999 * radius)).sum())
        found += int(result.found.sum())
        excess += (result.lengths - exact)[result.found].tolist()
    assert found > 2 * count
    assert missed <= 0.03 * found + 1
    assert np.median(excess) < 0.01


def test_a_linear_classifier_has_none():
    model = nn.Sequential(nn.Linear(6, 1), nn.Flatten(0)).double()
    points = random_tensor(10, 6, seed=0)
    assert not find_disagreements(model, points, 10.0).found.any()


def test_a_network_on_one_side_of_its_bends_has_none():
    """Its ReLUs are all on, or all off, in the whole ball."""
    model = balanced_dense(3, 8, seed=3)
    with torch.no_grad():
        model[0].bias.fill_(100.0)
    points = random_tensor(6, 3, seed=1)
    assert not find_disagreements(model, points, 5.0).found.any()
    with torch.no_grad():
        model[0].bias.fill_(-100.0)
    assert not find_disagreements(model, points, 5.0).found.any()


def bent():
    """F = max(x, 0) - 1: at x < 0 the tangent is constant, at x > 0 it is x - 1."""
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1), nn.Flatten(0))
    for weight, value in zip(model.parameters(), (1.0, 0.0, 1.0, -1.0), strict=True):
        weight.data.fill_(value)
    return model.double()


def test_the_shortest_is_found_to_a_percent():
    points = torch.tensor([[-0.5], [-3.0], [0.5], [2.0]], dtype=F64)
    result = find_disagreements(bent(), points, 3.0)
    assert result.found.tolist() == [True, False, False, False]
    assert result.lengths[0].item() == pytest.approx(1.5, rel=0.01)


def test_the_tangents_boundary_is_looked_at():
    """Beyond it f keeps its sign: f = 1 + max(-x, 0) / 2 - max(x, 0) / 2 has none."""
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1), nn.Flatten(0))
    values = ([[1.0], [1.0]], [0.0, -1.0], [[1.0, -1.0]], [0.5])
    for weight, value in zip(model.parameters(), values, strict=True):
        weight.data = torch.tensor(value)
    # f = 1/2, x + 1/2, 3/2 on three pieces: never negative, its tangent at 1/2 is.
    result = find_disagreements(model, torch.tensor([[0.5], [-0.5]]), 2.0)
    assert result.found.tolist() == [True, False]
    assert result.lengths[0].item() == pytest.approx(1.0, rel=1e-3)


def test_an_offset_beyond_the_ball_is_cut_to_it():
    model, point = bent(), torch.tensor([[-0.5]], dtype=F64)
    layers = piecewise_linear_layers(model, point)
    search = disagreements._Search(model, layers, point, 3.0)
    search.offer(torch.tensor([[5.0]], dtype=F64), torch.tensor([0]))
    assert search.best.item() == pytest.approx(3.0, rel=1e-9)
    assert search.length.item() == search.best.item() <= 3.0


def test_a_point_without_a_label_may_have_one():
    """F = |x|, no tangent of which changes sign; at 0 it is flat by torch's rule."""
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1), nn.Flatten(0))
    values = ([[1.0], [-1.0]], [0.0, 0.0], [[1.0, 1.0]], [0.0])
    for weight, value in zip(model.parameters(), values, strict=True):
        weight.data = torch.tensor(value)
    points = torch.tensor([[0.0], [1.0]])
    assert find_disagreements(model, points, 0.9).found.tolist() == [False, False]
    assert find_disagreements(model, points, 3.0).found.tolist() == [False, True]


def test_seeds_and_batches(monkeypatch):
    model, inputs = balanced_mixture("max", seed=7)
    inputs = inputs[:2]
    result = find_disagreements(model, inputs, 2.0, seed=1)
    again = find_disagreements(model, inputs, 2.0, seed=1)
    assert torch.equal(result.offsets, again.offsets)
    apart = find_disagreements(model, inputs, 2.0, seed=1, batch_size=1)
    assert torch.equal(result.found, apart.found)
    drawn = []
    randn = torch.randn
    monkeypatch.setattr(
        torch, "randn", lambda *a, **k: drawn.append(randn(*a, **k)) or drawn[-1]
    )
    find_disagreements(model, inputs, 2.0, seed=1)
    find_disagreements(model, inputs, 2.0, seed=2)
    assert not torch.equal(drawn[0], drawn[len(drawn) // 2])


def test_a_ball_of_no_size_holds_none():
    model, inputs = balanced_mixture("average")
    assert not find_disagreements(model, inputs, 0.0).found.any()


def test_segments_find_what_both_ends_hide():
    """On the way f and its tangent cross zero apart; at the end they agree."""
    model = balanced_dense(2, 6, seed=11)
    ends = torch.stack([torch.tensor([-2.0, 1.0]), torch.tensor([2.0, -1.0])]).double()
    path = follow_layers(model, ends)
    line = -0.7 * path.values[0]
    places = disagreements._partings(path, line)
    tangent = path.values[0] + places * (line - path.values[0])
    assert (path.at(places) * tangent < 0).all()
    fine = torch.linspace(0, 1, 20_001, dtype=F64)
    apart = path.at(fine) * (path.values[0] + fine * (line - path.values[0])) < 0
    pieces = int((apart[1:] & ~apart[:-1]).sum()) + int(apart[0])
    assert len(places) == pieces > 0


def test_lengths_are_those_of_the_offsets():
    model, inputs = balanced_mixture("strange max", seed=1)
    result = find_disagreements(model, inputs, 3.0)
    assert result.found.any()
    assert torch.equal(
        result.lengths[result.found], l2_norm(result.offsets)[result.found]
    )
