"""LeakyReLU and stored statistics: what is proven of them is what brute force finds."""

import weakref
from fractions import Fraction

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import (
    certify_agreement,
    dense_blocks,
    find_disagreements,
    follow_segment,
    linearization_error,
)
from paper_lib.local_linearity.layers import piecewise_linear_layers
from tests.paper_lib.local_linearity.networks import F64, balanced, images, seeded


def normalized(norm, size):
    """Give a normalization statistics and weights, as training would."""
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.2, 2.0)
    if norm.affine:
        nn.init.normal_(norm.weight)
    assert len(norm.running_mean) == size
    return norm


def flat(slope=0.2):
    return nn.Sequential(
        nn.Linear(2, 8),
        normalized(nn.BatchNorm1d(8), 8),
        nn.LeakyReLU(slope),
        nn.Linear(8, 6),
        normalized(nn.BatchNorm1d(6, affine=False), 6),
        nn.LeakyReLU(2 * slope),
        nn.LeakyReLU(slope),
        nn.ReLU(),
        nn.Linear(6, 1),
        nn.Flatten(0),
    )


def pooled():
    return nn.Sequential(
        normalized(nn.BatchNorm2d(2), 2),
        nn.LeakyReLU(0.3),
        nn.Conv2d(2, 3, 3),
        normalized(nn.BatchNorm2d(3), 3),
        nn.MaxPool2d(2),
        nn.LeakyReLU(0.1),
        nn.Flatten(),
        nn.Linear(12, 1),
        nn.Flatten(0),
    )


def case(build, shape, seed):
    """Build a network in training mode, and inputs of both classes."""
    inputs = images(12, *shape, seed=seed) + 0.1 * seed
    model = seeded(build, seed).to(F64)
    return balanced(model, inputs).train(), inputs


CASES = pytest.mark.parametrize(
    ("build", "shape"), [(flat, (2,)), (pooled, (2, 6, 6))], ids=["flat", "pooled"]
)


@CASES
def test_layers_compute_what_the_model_does(build, shape):
    model, inputs = case(build, shape, 0)
    layers = piecewise_linear_layers(model, inputs)
    assert model.training
    with torch.no_grad():
        wanted = model.eval()(inputs)
    assert layers(inputs).sub(wanted).abs().max() < 1e-12


@CASES
@pytest.mark.parametrize("seed", range(2))
def test_no_draw_beats_a_proof(build, shape, seed):
    """By values and signs at many points of the ball, and by a search."""
    model, inputs = case(build, shape, seed)
    layers = piecewise_linear_layers(model, inputs)
    ways = torch.randn(2000, inputs[0].numel(), dtype=F64)
    ways = ways / ways.norm(dim=1, keepdim=True)
    proven = sharp = 0
    for radius in (0.02, 0.1, 0.5):
        agree = certify_agreement(model, inputs, radius)
        error = linearization_error(model, inputs, radius)
        refuted = find_disagreements(model, inputs, radius).found
        assert not (agree & refuted).any()
        proven += int(agree.sum())
        for row, x in enumerate(inputs):
            one = x.clone().requires_grad_(True)
            value = layers(one.unsqueeze(0))[0]
            (slope,) = torch.autograd.grad(value, one)
            lengths = radius * torch.rand(2000, 1, dtype=F64).sqrt()
            offsets = lengths * ways
            moved = layers(x + offsets.view(-1, *shape))
            tangent = value + offsets @ slope.flatten()
            gaps = (moved - tangent).abs()
            assert gaps.max() <= error.upper[row] + 1e-12
            assert error.lower[row] <= error.upper[row]
            sharp += bool(0 < error.upper[row] <= 2 * error.lower[row])
            assert not (agree[row] and (moved * tangent < -1e-12).any())
    assert proven >= 8
    assert sharp >= 3


@CASES
def test_segments_bend_where_the_values_do(build, shape):
    model, inputs = case(build, shape, 0)
    start, end = inputs[0] - 1.0, inputs[1] + 1.0
    path = follow_segment(model, start, end)
    at = torch.linspace(0.0, 1.0, 4001, dtype=F64)
    line = torch.lerp(start, end, at.view(-1, *[1] * len(shape)))
    with torch.no_grad():
        assert (path.at(at) - model.eval()(line)).abs().max() < 1e-12
    assert len(path.positions) > 4


def by_unequal_slopes(weights, place):
    """Pool two numbers of one slope and of five, then take a tenth of what is left."""
    conv = nn.Conv2d(1, 1, (1, 3), padding=(0, 1), bias=False)
    conv.weight.data = torch.tensor(weights).view(1, 1, 1, 3)
    parts = [conv, nn.MaxPool2d((1, 2)), nn.LeakyReLU(0.1), nn.Flatten()]
    model = nn.Sequential(*parts, nn.Linear(1, 1), nn.Flatten(0)).to(F64)
    inputs = torch.tensor(place, dtype=F64).view(1, 1, 1, 2)
    model[4].weight.data.fill_(1.0)
    model[4].bias.data.zero_()
    model[4].bias.data.sub_(model(inputs).detach()).add_(0.03)
    return model, inputs


def test_the_tangent_is_torchs_where_a_slope_rounds_two_numbers_to_one():
    """The pool takes the second, larger by one rounding; a tenth of both is equal."""
    place = [-1.4088282504675018, 5.635313001870007]
    model, inputs = by_unequal_slopes([5.0, 1.0, 0.0], place)
    first, second = model[0](inputs).flatten().tolist()
    assert first < second
    assert 0.1 * first == 0.1 * second
    x = inputs.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(model(x), x)
    offset = -0.1 * slope / slope.norm()
    assert 0.03 + (offset * slope).sum() < -0.02
    assert model(inputs + offset) > 0.02
    assert not certify_agreement(model, inputs, 0.1)


def test_what_a_tiny_slope_loses_to_underflow_is_no_proof_of_linearity():
    """A later weight brings it back: f is 1e-30 max(x, 0), but for a constant."""
    values = (1.0, 0.0, 1e-30, -1.0, 1e300, 1.0)
    layers = [nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1), nn.LeakyReLU(1e-300)]
    model = nn.Sequential(*layers, nn.Linear(1, 1), nn.Flatten(0)).to(F64)
    for weight, value in zip(model.parameters(), values, strict=True):
        weight.data.fill_(value)
    inputs = torch.tensor([[-0.5]], dtype=F64)
    exact = Fraction(0.5) * Fraction(1e-30) * Fraction(1e-300) * Fraction(1e300)
    assert linearization_error(model, inputs, 1.0).upper >= float(exact)


def test_a_search_keeps_no_sizes_of_points(monkeypatch):
    """Of a thousand points they would take as much as the matrices."""
    model, inputs = case(flat, (2,), 0)
    kept, most = weakref.WeakSet(), 0
    made = dense_blocks._forward

    def watched(*args):
        nonlocal most
        sizes = made(*args)
        kept.add(sizes[0].values)
        most = max(most, len(kept))
        return sizes

    monkeypatch.setattr(dense_blocks, "_forward", watched)
    linearization_error(model, inputs, 0.1)
    assert most <= 2


@pytest.mark.parametrize("settings", [{"bias": False}, {"affine": False}, {}])
def test_a_normalization_is_its_factor_and_shift(settings):
    norm = normalized(nn.BatchNorm1d(3, **settings), 3)
    model = nn.Sequential(norm, nn.Linear(3, 1), nn.Flatten(0)).to(F64).eval()
    inputs = images(5, 3, seed=0)
    layers = piecewise_linear_layers(model, inputs)
    assert (layers(inputs) - model(inputs)).abs().max() < 1e-12


@pytest.mark.bad_input
def test_signals_are_not_normalized_along_the_wrong_axis():
    """At diagonal inputs both axes give the same, so that no comparison tells."""
    norm = nn.BatchNorm1d(2)
    norm.weight.data.copy_(torch.tensor([1.0, 100.0]))
    model = nn.Sequential(norm, nn.ReLU(), nn.Flatten(), nn.Linear(4, 1), nn.Flatten(0))
    with pytest.raises(ValueError, match="model must compute what its layers say"):
        piecewise_linear_layers(model, torch.eye(2).unsqueeze(0))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (nn.LeakyReLU(1.5), r"LeakyReLU at model\.1: its slope is not from 0 to 1"),
        (nn.LeakyReLU(-0.1), r"LeakyReLU at model\.1: its slope is not from 0 to 1"),
        (nn.BatchNorm1d(2, track_running_stats=False), "BatchNorm1d at .*: nothing is"),
    ],
)
def test_what_bounds_do_not_cover_is_refused(layer, match):
    model = nn.Sequential(nn.Linear(2, 2), layer, nn.Linear(2, 1), nn.Flatten(0))
    with pytest.raises(ValueError, match=match):
        piecewise_linear_layers(model, torch.ones(1, 2))
