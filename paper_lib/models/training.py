"""Training of a classifier of two classes, the same weights for the same seed."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Int
from torch import Tensor, nn

from paper_lib.checks import check_choice, check_count, check_seed
from paper_lib.checks.arguments import available_device, check_length, check_type
from paper_lib.checks.extras import needing
from paper_lib.data import LabeledImages
from paper_lib.models.cnn import PairCNN


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """Settings of the classifier and its training.

    Attributes:
        channels: Widths of the two convolutions.
        hidden: Width of the hidden fully connected layer.
        kernel_size: Side of the convolution kernels.
        input_mean: Subtracted from every pixel inside the module.
        input_std: Divides every pixel afterwards.
        optimizer: ``"adam"``, or ``"sgd"`` with ``momentum``.
        learning_rate: Step size of the optimizer.
        momentum: Momentum of ``"sgd"``; ignored settings are refused, so it must be
            zero with ``"adam"``.
        batch_size: Images a step.
        epochs: Passes over the training images.

    Raises:
        ValueError: If a setting is out of range.

    Example:
        >>> model = TrainConfig(hidden=20).build()
        >>> model.settings["hidden"]
        20
        >>> TrainConfig(epochs=0)
        Traceback (most recent call last):
            ...
        ValueError: epochs must be at least 1, got 0.
    """

    channels: tuple[int, int] = (10, 20)
    hidden: int = 50
    kernel_size: int = 5
    input_mean: float = 0.0
    input_std: float = 1.0
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    batch_size: int = 64
    epochs: int = 1

    def __post_init__(self) -> None:
        """Reject settings for which training is undefined.

        Raises:
            ValueError: See the class.
        """
        check_choice(self.optimizer, "optimizer", ("adam", "sgd"))
        check_length(self.learning_rate, "learning_rate")
        if not 0.0 <= self.momentum < 1.0 or (
            self.optimizer == "adam" and self.momentum
        ):
            raise ValueError(
                "momentum must be in [0, 1) for 'sgd' and 0 for 'adam', got "
                f"{self.momentum} for {self.optimizer!r}."
            )
        check_count(self.batch_size, "batch_size", 1)
        check_count(self.epochs, "epochs", 1)

    def build(self) -> PairCNN:
        """Build the untrained classifier, drawing from torch's global generator."""
        return PairCNN(
            channels=self.channels,
            hidden=self.hidden,
            kernel_size=self.kernel_size,
            input_mean=self.input_mean,
            input_std=self.input_std,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainResult:
    """A trained classifier and how it got there.

    Attributes:
        model: The classifier, in eval mode.
        history: Mean logistic loss of each epoch, in nats.
        config: The settings used.
        seed: The seed used.

    Example:
        >>> data = LabeledImages(
        ...     images=torch.ones(8, 1, 28, 28), labels=torch.tensor([-1.0, 1.0] * 4)
        ... )
        >>> result = train_classifier(data, config=TrainConfig(epochs=2), seed=0)
        >>> len(result.history), result.model.training, result.seed
        (2, False, 0)
    """

    model: PairCNN
    history: tuple[float, ...]
    config: TrainConfig
    seed: int


class TrainingDivergedError(RuntimeError):
    """The loss became NaN or infinite, so the weights mean nothing.

    Example:
        >>> issubclass(TrainingDivergedError, RuntimeError)
        True
    """


def train_classifier(
    data: LabeledImages,
    *,
    config: TrainConfig | None = None,
    seed: int,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> TrainResult:
    """Train a classifier of two classes with the logistic loss. Paper: Sec. 4.

    The same seed on the same machine gives the same weights, bit for bit, on the CPU;
    on a GPU torch promises no such thing. The seed
    decides the initial weights and the order of the images; torch's global generator
    is left as it was.

    Args:
        data: Images and labels -1 or +1.
        config: Settings; None: the defaults.
        seed: Seed of the initial weights and of the order.
        device: Where to train; the order and initial weights are drawn on the CPU.
        progress: Show a progress bar, for which tqdm is needed.

    Returns:
        The trained classifier, its loss history and the settings.

    Raises:
        TypeError: If ``data`` are no labeled images, or ``config`` is no
            :class:`TrainConfig`.
        ValueError: If the images are not ``(n, 1, 28, 28)`` float32, the device is not
            there, or the seed is no seed.
        ImportError: If ``progress`` is asked for and tqdm is not installed.
        TrainingDivergedError: As soon as the loss, or at the end a weight, is NaN or
            infinite.

    Example:
        >>> data = LabeledImages(
        ...     images=torch.ones(8, 1, 28, 28), labels=torch.tensor([-1.0, 1.0] * 4)
        ... )
        >>> one, two = (train_classifier(data, seed=0).model(data.images) for _ in "ab")
        >>> bool((one == two).all())
        True
    """
    config = TrainConfig() if config is None else config
    check_type(config, "config", TrainConfig)
    check_images(data)
    seed = check_seed(seed)
    model = initial_model(config, seed).to(available_device(device))
    order = torch.Generator().manual_seed(seed)
    optimizer = make_optimizer(model.parameters(), config)
    steps_each = math.ceil(len(data.labels) / config.batch_size)
    batches = draw_batches(len(data.labels), config, order)
    if progress:
        total = config.epochs * steps_each
        batches = with_bar(batches, "train_classifier", "training", "step", total)
    losses = [0.0] * config.epochs
    for step, rows in enumerate(batches):
        loss = train_step(model, optimizer, data.images[rows], data.labels[rows])
        if not math.isfinite(loss):
            raise TrainingDivergedError(
                f"the training loss became {loss} at step {step + 1} of "
                f"{config.epochs * steps_each}, at learning_rate "
                f"{config.learning_rate}; a smaller one may help."
            )
        losses[step // steps_each] += loss * len(rows)
    model.zero_grad()
    if not all(bool(weight.isfinite().all()) for weight in model.parameters()):
        raise TrainingDivergedError(
            "the weights became NaN or infinite in the last step, at learning_rate "
            f"{config.learning_rate}; a smaller one may help."
        )
    history = tuple(loss / len(data.labels) for loss in losses)
    return TrainResult(model=model.eval(), history=history, config=config, seed=seed)


def with_bar(
    steps: Iterable[Any], user: str, what: str, unit: str, total: int | None = None
) -> Iterable[Any]:
    """Show a progress bar beside some steps.

    Args:
        steps: The steps.
        user: The function that takes them.
        what: What it does in them.
        unit: What a step is called.
        total: How many there are; None: as many as they say, if they do.

    Returns:
        The same steps.

    Raises:
        ImportError: If tqdm is not installed.
    """
    with needing("tqdm", f"{user} with progress=True", "data"):
        from tqdm import tqdm
    return tqdm(steps, desc=what, unit=unit, total=total)


def check_images(data: LabeledImages) -> None:
    """Reject images that are not what the classifier takes.

    Args:
        data: The images to train on.

    Raises:
        TypeError: If they are no labeled images.
        ValueError: If they are not ``(n, 1, 28, 28)`` float32.
    """
    check_type(data, "data", LabeledImages)
    if data.images.shape[1:] != (1, 28, 28) or data.images.dtype != torch.float32:
        raise ValueError(
            "data.images must be float32 of shape (n, 1, 28, 28), got "
            f"{data.images.dtype} of shape {tuple(data.images.shape)}."
        )


def initial_model(config: TrainConfig, seed: int) -> PairCNN:
    """Build the untrained classifier of a seed; torch's generator stays as it was.

    Args:
        config: Settings of the classifier.
        seed: Seed of its weights.

    Returns:
        The classifier, on the CPU.
    """
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the GPUs' generators as well.
        torch.default_generator.manual_seed(seed)
        return config.build()


def make_optimizer(
    weights: Iterable[nn.Parameter], config: TrainConfig
) -> torch.optim.Optimizer:
    """Build the optimizer the settings name.

    Args:
        weights: What it changes.
        config: The settings.

    Returns:
        The optimizer.
    """
    if config.optimizer == "adam":
        return torch.optim.Adam(weights, lr=config.learning_rate)
    return torch.optim.SGD(weights, lr=config.learning_rate, momentum=config.momentum)


def draw_batches(
    num: int, config: TrainConfig, order: torch.Generator
) -> Iterator[Int[Tensor, " rows"]]:
    """Cut the images into batches, in a new order each epoch.

    Args:
        num: How many images.
        config: Says how many a batch, and how many epochs.
        order: Draws the orders.

    Yields:
        The places of the images of each batch.
    """
    for _ in range(config.epochs):
        yield from torch.randperm(num, generator=order).split(config.batch_size)


def train_step(
    model: PairCNN, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor
) -> float:
    """Take one step on the mean logistic loss of a batch; return that loss, in nats."""
    place = next(model.parameters()).device
    images, labels = images.to(place), labels.to(place)
    loss = nn.functional.softplus(-labels * model(images)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
