"""A classifier that was not written for this project: PyTorch's MNIST example of 2020.

Two convolutions of 3 by 3 with one max-pool behind both, dropout, and Adadelta whose
step falls each epoch. Here it has one logit and the logistic loss, as the others do.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from paper_lib.checks.arguments import available_device, check_seed
from paper_lib.data import LabeledImages
from paper_lib.models import PairCNN, TrainConfig, TrainingDivergedError
from paper_lib.models.cnn import InputConv, MaxPool
from paper_lib.models.training import TrainResult, check_images, train_step


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleConfig(TrainConfig):
    """Settings of that network and its training; the defaults are the example's.

    Attributes:
        decay: What the learning rate is multiplied by after each epoch.
        dropout: Shares of values left out behind the max-pool and the hidden layer.

    Raises:
        ValueError: If a setting is out of range.
    """

    channels: tuple[int, int] = (32, 64)
    hidden: int = 128
    kernel_size: int = 3
    input_mean: float = 0.1307
    input_std: float = 0.3081
    optimizer: Literal["adadelta"] = "adadelta"  # type: ignore[assignment]
    learning_rate: float = 1.0
    epochs: int = 14
    decay: float = 0.7
    dropout: tuple[float, float] = (0.25, 0.5)

    def __post_init__(self) -> None:
        """Reject settings for which training is undefined.

        Raises:
            ValueError: See the class.
        """
        if self.optimizer != "adadelta":
            raise ValueError(f"optimizer must be 'adadelta', got {self.optimizer!r}.")
        # What both kinds of training ask of their settings.
        TrainConfig(
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            batch_size=self.batch_size,
            epochs=self.epochs,
        )
        if not 0.0 < self.decay <= 1.0:
            raise ValueError(f"decay must be in (0, 1], got {self.decay}.")
        if not all(0.0 <= share < 1.0 for share in self.dropout):
            raise ValueError(f"dropout must be of [0, 1), got {self.dropout}.")

    def build(self) -> "ExampleCNN":
        """Build the untrained classifier, drawing from torch's global generator."""
        return ExampleCNN(self)


class ExampleCNN(PairCNN):
    """Two convolutions, a max-pool and two fully connected layers, with dropout.

    Args:
        config: Its widths, its normalization and the shares left out in training.

    Example:
        >>> ExampleCNN(ExampleConfig()).layers[7]
        Linear(in_features=9216, out_features=128, bias=True)
    """

    def __init__(self, config: ExampleConfig) -> None:
        """Build the layers with torch's default initialization."""
        nn.Module.__init__(self)
        self.settings = {
            "input_mean": config.input_mean,
            "input_std": config.input_std,
        }
        first, second = config.channels
        side = (28 - 2 * (config.kernel_size - 1)) // 2
        self.layers = nn.Sequential(
            InputConv(1, first, config.kernel_size, dtype=torch.float32),
            nn.ReLU(),
            nn.Conv2d(first, second, config.kernel_size, dtype=torch.float32),
            nn.ReLU(),
            MaxPool(),
            nn.Dropout(config.dropout[0]),
            nn.Flatten(),
            nn.Linear(second * side * side, config.hidden, dtype=torch.float32),
            nn.ReLU(),
            nn.Dropout(config.dropout[1]),
            nn.Linear(config.hidden, 1, dtype=torch.float32),
        )


def train_example(
    data: LabeledImages,
    *,
    config: ExampleConfig,
    seed: int,
    device: str | torch.device = "cpu",
) -> TrainResult:
    """Train that network, as ``train_classifier`` does its own.

    The seed decides the initial weights, the order of the images and what is left out;
    torch's global generators are left as they were.

    Args:
        data: Images and labels -1 or +1.
        config: The settings.
        seed: The seed.
        device: Where to train.

    Returns:
        The trained classifier, its loss history and the settings.

    Raises:
        TypeError: If ``data`` are no labeled images.
        ValueError: If the images do not fit, the device is not there, or the seed is
            no seed.
        TrainingDivergedError: As soon as the loss is NaN or infinite.
    """
    check_images(data)
    place, seed = available_device(device), check_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = config.build().to(place).train()
        adadelta = torch.optim.Adadelta(model.parameters(), lr=config.learning_rate)
        falling = torch.optim.lr_scheduler.StepLR(adadelta, 1, gamma=config.decay)
        history = []
        for _ in range(config.epochs):
            history.append(_train_epoch(model, adadelta, data, config.batch_size))
            falling.step()
    model.zero_grad()
    return TrainResult(
        model=model.eval(), history=tuple(history), config=config, seed=seed
    )


def _train_epoch(
    model: PairCNN,
    optimizer: torch.optim.Optimizer,
    data: LabeledImages,
    batch_size: int,
) -> float:
    """Pass once over the images in a new order; return the mean loss, in nats."""
    total = 0.0
    for rows in torch.randperm(len(data.labels)).split(batch_size):
        loss = train_step(model, optimizer, data.images[rows], data.labels[rows])
        total += loss * len(rows)
    if not math.isfinite(total):
        raise TrainingDivergedError(
            f"the training loss became {total}, at learning_rate "
            f"{optimizer.param_groups[0]['lr']}; a smaller one may help."
        )
    return total / len(data.labels)
