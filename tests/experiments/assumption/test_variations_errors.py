"""Variations that are none, data that do not fit, and training that diverges."""

import math

import pytest
import torch

from experiments.assumption.variations import Variation, train_variation
from paper_lib.data import LabeledImages
from paper_lib.models import TrainConfig, TrainingDivergedError

pytestmark = pytest.mark.bad_input

IMAGES = LabeledImages(
    images=torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)),
    labels=torch.tensor([-1.0, 1.0, -1.0, 1.0]),
)
AVERAGE = Variation(pool="average")


def train(data=IMAGES, *, settings=None, variation=AVERAGE, seed=0):
    settings = TrainConfig() if settings is None else settings
    return train_variation(data, train=settings, variation=variation, seed=seed)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"pool": "median"}, "^pool must be .* got 'median'"),
        ({"activation": "tanh"}, "^activation must be .* got 'tanh'"),
        ({"weight_decay": -1.0}, "^weight_decay must be finite and >= 0, got -1.0"),
        ({"weight_decay": math.nan}, "^weight_decay must be finite and >= 0, got nan"),
        ({"penalty": math.inf}, "^penalty must be finite and >= 0, got inf"),
        ({"penalty_radius": -2.0}, "^penalty_radius must be finite .* got -2.0"),
        ({"penalty": 1.0}, "^penalty_radius must be > 0 .* got 0.0 with penalty 1.0"),
        ({"penalty_radius": 1.0}, "^penalty_radius must be > 0 exactly .* penalty 0.0"),
    ],
)
def test_settings_of_a_variation(settings, match):
    with pytest.raises(ValueError, match=match):
        Variation(**settings)


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ({"data": IMAGES.images}, TypeError, "^data must be"),
        ({"settings": AVERAGE}, TypeError, "^train must be"),
        ({"variation": "average"}, TypeError, "^variation must be"),
        ({"seed": -1}, ValueError, "^seed must be"),
        (
            {"settings": TrainConfig(input_mean=0.5, input_std=0.25)},
            ValueError,
            "^train must leave the inputs .* input_mean 0.5 and input_std 0.25",
        ),
        (
            {"data": LabeledImages(images=torch.rand(4, 9), labels=IMAGES.labels)},
            ValueError,
            "^data.images must be float32 of shape",
        ),
    ],
)
def test_what_does_not_fit(given, error, match):
    with pytest.raises(error, match=match):
        train(**given)


@pytest.mark.parametrize(("rate", "epochs"), [(1e30, 4), (1e38, 1)])
def test_training_that_diverges(rate, epochs):
    """A few steps on the loss is NaN; in the last step only the weights are."""
    data = LabeledImages(images=1e3 * torch.ones(4, 1, 28, 28), labels=IMAGES.labels)
    settings = TrainConfig(optimizer="sgd", learning_rate=rate, epochs=epochs)
    with pytest.raises(TrainingDivergedError, match=r"became NaN .*_rate 1e\+3"):
        train(data, settings=settings)
