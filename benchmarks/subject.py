"""The one classifier and the points that every measurement here uses."""

import os
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from paper_lib.data import load_pair
from paper_lib.models import PairCNN, TrainConfig, train_classifier

EPSILON = 3.5
STEPS = 10
BALL_STEP = 2.5 * EPSILON / STEPS
BATCH_SIZE = 100
NUM_POINTS = 2000
SEED = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A trained one-logit classifier and the images it is attacked on.

    Attributes:
        model: The classifier, in eval mode, its weights frozen.
        images: The points, ``NUM_POINTS`` of them.
        source: Where the images came from, in words.
    """

    model: PairCNN
    images: Tensor
    source: str


@cache
def embedded_subject(epochs: int = 2) -> Subject:
    """Train on the embedded MNIST images of 0 and 1 and attack all 1,000, twice."""
    pair = load_pair("mnist", (0, 1), source="embedded")
    images = torch.cat([pair.train.images, pair.test.images])
    copies = -(-NUM_POINTS // len(images))
    return Subject(
        model=_train(pair.train, epochs),
        images=images.repeat(copies, 1, 1, 1)[:NUM_POINTS],
        source=f"MNIST 0-1, embedded: {len(images):,} images, {copies} times",
    )


@cache
def best_subject(epochs: int = 2) -> Subject:
    """Prefer test images of the complete set, if ``PAPER_LIB_DATA`` says where."""
    if not os.environ.get("PAPER_LIB_DATA"):
        return embedded_subject(epochs)
    pair = load_pair("mnist", (0, 1))
    images = pair.test.images[:NUM_POINTS]
    return Subject(
        model=_train(pair.train, epochs),
        images=images,
        source=f"MNIST 0-1, complete: the first {len(images):,} test images",
    )


def _train(data, epochs: int) -> PairCNN:
    """Train the default classifier and freeze it."""
    config = TrainConfig(epochs=epochs)
    model = train_classifier(data, config=config, seed=SEED).model
    return model.requires_grad_(False)
