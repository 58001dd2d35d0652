"""Settings that make no network or no training, and training that diverges."""

import math

import pytest
import torch

from paper_lib.data import LabeledImages
from paper_lib.models import PairCNN, TrainConfig, train_classifier
from paper_lib.models.training import TrainingDivergedError
from tests.paper_lib.error_cases import F64

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"channels": (0, 1)}, "^channels must be"),
        ({"channels": (1, 2, 3)}, r"^channels must be .*\(1, 2, 3\)"),
        ({"hidden": 0}, "^channels must be two widths and hidden .* got .* 0"),
        ({"kernel_size": 0}, "^channels must be .* kernel_size"),
        ({"kernel_size": 10}, "^kernel_size must leave an image .* got 10"),
        ({"input_mean": math.nan}, "^input_mean must be finite .* got nan"),
        ({"input_std": 0.0}, "^input_mean must be .* input_std .* got 0.0 and 0.0"),
        ({"input_std": math.inf}, "^input_mean must be .* got 0.0 and inf"),
    ],
)
@pytest.mark.parametrize(
    "build",
    [PairCNN, lambda **settings: TrainConfig(**settings).build()],
    ids=["PairCNN", "TrainConfig"],
)
def test_settings_of_the_network(build, settings, match):
    with pytest.raises(ValueError, match=match):
        build(**settings)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"optimizer": "lbfgs"}, "^optimizer must be one of 'adam', 'sgd', got 'lb"),
        ({"learning_rate": 0.0}, "^learning_rate must be finite and > 0, got 0.0"),
        ({"learning_rate": math.inf}, "^learning_rate must be finite and > 0, got inf"),
        ({"learning_rate": math.nan}, "^learning_rate must be finite and > 0, got nan"),
        ({"momentum": 0.5}, "^momentum must be .* got 0.5 for 'adam'"),
        ({"optimizer": "sgd", "momentum": 1.0}, "^momentum must be .* got 1.0"),
        ({"optimizer": "sgd", "momentum": -0.1}, "^momentum must be .* got -0.1"),
        ({"batch_size": 0}, "^batch_size must be at least 1, got 0"),
        ({"epochs": 0}, "^epochs must be at least 1, got 0"),
    ],
)
def test_settings_of_training(settings, match):
    with pytest.raises(ValueError, match=match):
        TrainConfig(**settings)


@pytest.mark.parametrize(
    "images",
    [torch.zeros(2, 784), torch.zeros(2, 1, 28, 28, dtype=F64)],
    ids=["flat", "double"],
)
def test_images_that_cannot_be_trained_on(images):
    labels = torch.tensor([-1.0, 1.0], dtype=images.dtype)
    data = LabeledImages(images=images, labels=labels)
    with pytest.raises(ValueError, match=r"^data.images must be float32 of shape"):
        train_classifier(data, seed=0)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        # A few steps on, the loss is NaN; in the last step, only the weights are.
        ({"learning_rate": 1e30, "epochs": 4}, r"loss became nan|loss became inf"),
        ({"learning_rate": 1e38, "optimizer": "sgd", "epochs": 1}, "learning_rate"),
    ],
)
def test_training_that_diverges(settings, match):
    data = LabeledImages(
        images=1e3 * torch.ones(4, 1, 28, 28), labels=torch.tensor([-1.0, 1.0] * 2)
    )
    with pytest.raises(TrainingDivergedError, match=match):
        train_classifier(data, config=TrainConfig(**settings), seed=0)


def test_divergence_names_the_step_and_the_learning_rate():
    data = LabeledImages(images=torch.ones(4, 1, 28, 28), labels=torch.ones(4))
    config = TrainConfig(optimizer="sgd", learning_rate=1e30, batch_size=2, epochs=5)
    with pytest.raises(TrainingDivergedError, match=r"step \d+ of 10, at .* 1e\+30"):
        train_classifier(data, config=config, seed=0)
