"""Networks built against the bounds, of which once something false was proven."""

import math

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import (
    certify_agreement,
    find_disagreements,
    linearization_error,
    network_coverage,
)
from paper_lib.local_linearity.agreement import sign_is_kept
from paper_lib.local_linearity.ball_bounds import Cap
from paper_lib.local_linearity.layers import piecewise_linear_layers, rounding_bound
from tests.paper_lib.local_linearity.networks import F64

HERE = torch.zeros(1, 1, dtype=F64)


def linear(weight, bias):
    """A fully connected layer with these numbers."""
    weight = torch.tensor(weight, dtype=F64)
    layer = nn.Linear(weight.shape[1], weight.shape[0]).to(F64)
    layer.weight.data.copy_(weight)
    layer.bias.data.copy_(torch.tensor(bias, dtype=F64))
    return layer


def flat(*layers):
    return nn.Sequential(*layers, nn.Flatten(0))


def bent_in_a_corner_of_the_cap():
    """f(o) = 1 - o_1 - 0.1 relu(0.3 relu(o_1 - 0.5) + o_2 - 1.8)."""
    # In the ball of radius 2 the outer ReLU is on only near (1, 1.73). In the whole cap
    # around the tangent's boundary the inner one is on.
    return flat(
        linear([[1, 0], [1, 0], [0, 1]], [-0.5, 5, 5]),
        nn.ReLU(),
        linear([[0.3, 0, 1], [0, -1, 0]], [-6.8, 16]),
        nn.ReLU(),
        linear([[-0.1, 1]], [-10.0]),
    )


def test_a_unit_that_is_bent_in_the_whole_cap():
    """The chord of its ReLU may not begin where the cap does."""
    model, points = bent_in_a_corner_of_the_cap(), torch.zeros(1, 2, dtype=F64)
    first = torch.linspace(0.9, 1.0, 201, dtype=F64)
    edge = torch.stack([first, (4.0 - first.square()).sqrt()], 1) * (1 - 1e-12)
    assert (model(edge) * (1 - edge[:, 0])).min() < -1e-5, "they differ in sign"
    assert certify_agreement(model, points, 2.0).tolist() == [False]
    assert certify_agreement(model, points, 1.5).tolist() == [True]


def test_a_largest_value_below_zero_is_widened_upwards():
    """On a cap without the point; constants that are added may nearly cancel it."""
    cap = Cap(radius=2.0, normal=torch.tensor([5.0, 0.0], dtype=F64), least=5.0)
    largest = float(cap.largest(torch.tensor([[-5.0, 1.0]], dtype=F64)))
    exact = -5.0 + math.sqrt(3.0)
    assert exact + 1e-9 < largest < exact + 1e-6


def test_one_module_in_two_places():
    """F = relu(110 - relu(x + 100)) + 1, positive, with the tangent 10 - o at 1."""
    relu = nn.ReLU()
    model = flat(linear([[1]], [100]), relu, linear([[-1]], [111]), relu)
    model.insert(4, linear([[1]], [1]))
    points = torch.ones(1, 1, dtype=F64)
    assert certify_agreement(model, points, 15.0).tolist() == [False]
    error = linearization_error(model, points, 15.0)
    assert error.lower.item() == pytest.approx(5.0)
    assert error.upper.item() == pytest.approx(5.0)


@pytest.mark.parametrize("mode", ["replicate", "circular"])
def test_a_padding_that_repeats_a_pixel(mode):
    """The weights of one pixel are 1, 1e16 and -1e16, their sum lost to rounding."""
    layer = nn.Conv2d(1, 1, (1, 3), padding=(0, 1), padding_mode=mode).to(F64)
    layer.weight.data.copy_(torch.tensor([1.0, 1e16, -1e16]).view(1, 1, 1, 3))
    layer.bias.data.fill_(0.5)
    points = torch.zeros(1, 1, 1, 1, dtype=F64)
    error = linearization_error(flat(layer, nn.ReLU()), points, 1.0)
    assert error.upper.item() >= 0.5, "f = relu(0.5 + o)"


def test_a_radius_whose_square_is_too_large():
    """Units share it: f is the largest of four pixels times 1e-20."""
    model = flat(nn.MaxPool2d(2), nn.Flatten(), linear([[1e-20] * 4], [1.0]))
    error = linearization_error(model, torch.zeros(1, 1, 4, 4, dtype=F64), 1e163)
    assert error.upper.item() >= 2e143 * (1 - 1e-12)


def test_a_gradient_that_is_lost_to_underflow():
    """f(o) = 1e-30 o + 1e-40, where 1e-165 is met twice on the way back."""
    model = flat(linear([[1e300]], [0]), linear([[1e-165]], [0]))
    model.insert(2, linear([[1e-165]], [1e-40]))
    layers = piecewise_linear_layers(model, HERE)
    assert sign_is_kept(layers, HERE, 1.0).tolist() == [False]


def test_a_product_that_is_lost_to_underflow_is_no_witness():
    """f(o) = 1e100 o - 5e-31 is its tangent, but 1e-200 o is zero in float64."""
    model = flat(linear([[1e-200]], [0]), linear([[1e300]], [-5e-31]))
    assert not find_disagreements(model, HERE, 1e-130).found.any()


def test_a_pool_with_a_negative_divisor():
    pool = nn.AvgPool2d(2, divisor_override=-3)
    points = torch.ones(1, 1, 2, 2, dtype=F64)
    layers = piecewise_linear_layers(
        flat(pool, nn.Flatten(), linear([[1]], [0])), points
    )
    assert 0 < rounding_bound(layers, points).item() < 1e-13
    assert layers[0].divisor_override == -3


def overflowing():
    """f(x) = 1e400 (relu(x) - relu(x + 1)) = -1e400 for x >= 0, not a number here."""
    return flat(
        linear([[1e200], [1e200]], [0, 1e200]),
        nn.ReLU(),
        linear([[1e200, -1e200]], [0.0]),
    )


def test_of_a_logit_that_is_not_a_number_nothing_is_known():
    model, points = overflowing(), torch.ones(1, 1, dtype=F64)
    assert certify_agreement(model, points, 1.0).tolist() == [False]
    assert not find_disagreements(model, points, 1.0).found.any()
    error = linearization_error(model, points, 1.0)
    assert (error.lower.item(), error.upper.item()) == (0.0, math.inf)
    found = network_coverage(model, points, torch.zeros(1, dtype=F64), 1.0)
    assert (found.lower, found.upper) == (0.0, 1.0)


@pytest.mark.parametrize("radius", [1e60, 1e300])
def test_a_radius_beyond_the_precision_of_the_model(radius):
    """F = |x + 0.5| - 1, of which nothing is known where offsets overflow."""
    model = flat(linear([[1], [-1]], [0.5, -0.5]), nn.ReLU(), linear([[1, 1]], [-1]))
    points = torch.ones(1, 1)
    for dtype in (F64, torch.float32):
        model, points = model.to(dtype), points.to(dtype)
        assert certify_agreement(model, points, radius).tolist() == [False]
        find_disagreements(model, points, radius)
        found = network_coverage(model, points, torch.zeros(1, dtype=dtype), radius)
        assert found.lower == 0.0
