"""What the bounds refuse."""

import math

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import certify_agreement, linearization_error

pytestmark = pytest.mark.bad_input

MODEL = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1), nn.Flatten(0))
POINTS = torch.ones(2, 2)
BOTH = pytest.mark.parametrize("bound", [certify_agreement, linearization_error])


@BOTH
@pytest.mark.parametrize("radius", [-0.1, math.nan, math.inf])
def test_a_radius_that_is_none_is_refused(bound, radius):
    with pytest.raises(ValueError, match="radius must be finite and >= 0, got"):
        bound(MODEL, POINTS, radius)


@BOTH
def test_a_layer_that_is_not_known_is_named(bound):
    model = nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Flatten(0))
    with pytest.raises(ValueError, match=r"got Tanh at model\.1"):
        bound(model, POINTS, 1.0)


@BOTH
def test_inputs_of_another_shape_are_refused(bound):
    with pytest.raises(ValueError, match=r"shape that model takes, got \(2, 3\)"):
        bound(MODEL, torch.ones(2, 3), 1.0)


@BOTH
def test_inputs_that_are_not_finite_are_refused(bound):
    with pytest.raises(ValueError, match=r"inputs must be finite, got 1 NaN"):
        bound(MODEL, torch.tensor([[0.0, math.nan]]), 1.0)


def test_what_is_no_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be an integer"):
        linearization_error(MODEL, POINTS, 1.0, seed=-1)
