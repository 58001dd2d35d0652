"""Models of which nothing can be said, each refused by name."""

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import certify_agreement, follow_segment
from paper_lib.local_linearity.layers import piecewise_linear_layers
from tests.oracles import Affine

pytestmark = pytest.mark.bad_input


class Doubled(nn.Linear):
    """A layer that is more than what it is derived from."""

    def forward(self, values):
        """Compute twice the layer."""
        return 2 * super().forward(values)


def flat(*layers):
    return nn.Sequential(*layers, nn.Flatten(0))


LINEAR = nn.Linear(2, 1)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (flat(nn.Linear(2, 2), nn.GELU(), LINEAR), "got GELU at model.1: nothing is"),
        (flat(nn.Sequential(nn.Tanh()), LINEAR), "got Tanh at model.0.0: nothing"),
        (flat(Doubled(2, 1)), "got Doubled at model.0"),
        (Affine(torch.ones(2)), "got Affine at model: nothing is known"),
        (
            flat(LINEAR, nn.BatchNorm1d(1, track_running_stats=False)),
            "got BatchNorm1d at model.1: nothing is known",
        ),
        (flat(nn.Flatten(0, 1), LINEAR), "got Flatten at model.0: only the last"),
    ],
)
def test_unknown_layers_are_named(model, match):
    with pytest.raises(ValueError, match=match):
        piecewise_linear_layers(model, torch.ones(3, 2))


def test_settings_that_are_not_known():
    layer = nn.MaxPool2d(2, return_indices=True)
    layer.forward = lambda values: nn.functional.max_pool2d(values, 2)
    model = flat(layer, nn.Flatten(), nn.LazyLinear(1))
    with pytest.raises(ValueError, match=r"MaxPool2d at model\.0: return_ind"):
        piecewise_linear_layers(model, torch.ones(1, 1, 4, 4))


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.MaxPool2d(1), nn.AvgPool2d(1)])
def test_a_hook_on_any_layer_is_not_copied(layer):
    layer.register_forward_hook(lambda module, inputs, output: output + 1)
    model = flat(layer, nn.Flatten(), nn.Linear(4, 1))
    with pytest.raises(ValueError, match="model must compute what its layers say"):
        piecewise_linear_layers(model, torch.ones(1, 1, 2, 2))


def test_a_pass_that_does_more_than_its_layers():
    model = flat(nn.Linear(2, 1))
    model[0].register_forward_hook(lambda module, inputs, output: output + 1)
    with pytest.raises(ValueError, match="model must compute what its layers say"):
        piecewise_linear_layers(model, torch.ones(1, 2))


def test_layers_that_do_not_fit_each_other_without_the_pass_of_the_model():
    model = flat(nn.Linear(2, 3), nn.Linear(2, 1))
    model[0].register_forward_hook(lambda module, inputs, output: output[:, :2])
    with pytest.raises(ValueError, match="but they do not fit each other: mat1"):
        piecewise_linear_layers(model, torch.ones(1, 2))


def test_inputs_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^inputs must have a shape .* \(1, 3\)"):
        piecewise_linear_layers(flat(LINEAR), torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"dtype of model, torch.float32, got .*64"):
        piecewise_linear_layers(flat(LINEAR), torch.ones(1, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"^model must map .* one logit a point"):
        piecewise_linear_layers(nn.Sequential(LINEAR), torch.ones(1, 2))


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize(
    ("norm", "name"),
    [(nn.utils.weight_norm, "weight_g"), (nn.utils.spectral_norm, "weight_orig")],
)
def test_a_weight_that_is_computed_from_others(norm, name):
    with pytest.raises(ValueError, match=f"got Linear at model.0: .* {name}"):
        piecewise_linear_layers(flat(norm(nn.Linear(2, 1))), torch.ones(1, 2))


@pytest.mark.parametrize(
    "layer", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Conv2d(1, 1, 1, stride=2)]
)
def test_images_without_an_axis_of_channels(layer):
    """Torch would take the points for channels of one image."""
    model = flat(layer, nn.Flatten(), nn.Linear(2, 1))
    with pytest.raises(ValueError, match=r"^inputs must have the shape .* \(1, 2, 4\)"):
        piecewise_linear_layers(model, torch.ones(1, 2, 4))


def test_a_window_that_is_all_padding():
    """Its largest entry is -inf."""
    pool = nn.MaxPool2d(2, stride=1, dilation=3, padding=1)
    model = flat(pool, nn.ReLU(), nn.Flatten(), nn.Linear(1, 1))
    match = r"^model must have pools .* MaxPool2d\(.* on \(1, 2, 2\), one window"
    with pytest.raises(ValueError, match=match):
        certify_agreement(model, torch.ones(1, 1, 2, 2), 1.0)
    with pytest.raises(ValueError, match=match):
        follow_segment(model, torch.ones(1, 2, 2), torch.zeros(1, 2, 2))
