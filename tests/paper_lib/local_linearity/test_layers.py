"""A classifier as a sequence of layers: the same logits, and the model left alone."""

import copy
import re

import pytest
import torch
from torch import nn

from paper_lib import local_linearity
from paper_lib.linearize import linearize
from paper_lib.local_linearity.layers import (
    _KINDS,
    _NORMS,
    _SILENT,
    piecewise_linear_layers,
    rounding_bound,
)
from paper_lib.models import PairCNN
from paper_lib.models.guard import logits_and_gradients
from tests.oracles import state_of
from tests.paper_lib.local_linearity.networks import (
    F64,
    MIXTURES,
    dense,
    images,
    mixture,
    seeded,
)

KINDS = nn.Conv2d | nn.Linear | nn.ReLU | nn.MaxPool2d | nn.AvgPool2d | nn.Flatten


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_the_layers_compute_what_the_model_does(name, dtype):
    model, inputs = mixture(name, dtype=dtype)
    layers = piecewise_linear_layers(model, inputs)
    assert all(isinstance(layer, KINDS) for layer in layers)
    assert isinstance(layers[-1], nn.Flatten)
    expected = copy.deepcopy(model).double().eval()(inputs.double())
    torch.testing.assert_close(
        layers(inputs.double()),
        expected.detach(),
        rtol=1e-12,
        atol=1e-13,
    )


@pytest.mark.parametrize("normalization", [{}, {"input_mean": 0.13, "input_std": 0.3}])
def test_the_papers_classifier_is_unfolded(normalization):
    model = seeded(lambda: PairCNN(channels=(3, 4), hidden=7, **normalization), 1)
    inputs = images(6, 1, 28, 28, dtype=torch.float32)
    layers = piecewise_linear_layers(model, inputs)
    expected = linearize(model, inputs)
    logits, slopes = logits_and_gradients(layers, inputs.double())
    torch.testing.assert_close(logits, expected.logits.double(), rtol=1e-4, atol=1e-5)
    # Flat parts of the images tie in the pool; both take the same side.
    torch.testing.assert_close(
        slopes.flatten(1), expected.gradients.double(), rtol=1e-3, atol=1e-5
    )


def test_the_model_comes_back_as_it_was():
    model, inputs = mixture("same", dtype=torch.float32)
    model.train()
    model(inputs).sum().backward()
    before, drawn = state_of(model), torch.random.get_rng_state()
    layers = piecewise_linear_layers(model, inputs)
    assert str(state_of(model)) == str(before)
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert not any(w.requires_grad for layer in layers for w in layer.parameters())
    with torch.no_grad():
        kept = layers(inputs.double())
        next(model.parameters()).zero_()
    assert torch.equal(layers(inputs.double()), kept), "a copy"


@pytest.mark.parametrize("name", MIXTURES)
def test_rounding_stays_within_its_bound_and_not_far_below(name):
    """Float32 weights in float32 stand for float64 ones against the exact value."""
    model, inputs = mixture(name, seed=3, dtype=torch.float32)
    layers = piecewise_linear_layers(model, inputs)
    exact = layers(inputs.double())
    rounded = model.eval()(inputs).detach().double()
    bound = rounding_bound(layers, inputs) * 2.0**29  # as float32 rounds
    assert ((rounded - exact).abs() <= bound).all()
    assert (bound < 1e-2 * (1.0 + exact.abs())).all()


def test_a_network_without_a_bias_at_zero_is_exact():
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
    layers = piecewise_linear_layers(model, torch.zeros(1, 2, dtype=F64))
    bound = rounding_bound(layers, torch.zeros(1, 2)).item()
    assert 0.0 < bound < 1e-290, "but for underflow"


def test_one_output_may_be_flattened_once_only_at_the_end():
    model = dense(2, 3)
    layers = piecewise_linear_layers(model, torch.zeros(1, 2, dtype=F64))
    assert [type(layer).__name__ for layer in layers] == [
        "Linear", "ReLU", "Linear", "Flatten"
    ]  # fmt: skip


def test_the_package_lists_the_layers_it_knows():
    listed = set(re.findall(r"``nn\.(\w+)``", local_linearity.__doc__))
    known = {kind.__name__ for kind in (*_KINDS, *_NORMS, *_SILENT)}
    assert listed == known | {"Sequential"}
