"""A trained classifier at the points where it is defended and scored."""

from dataclasses import dataclass

import torch

from experiments.tables.classifiers import TrainedClassifier, fit_images, pair_of
from paper_lib.checks.arguments import available_device
from paper_lib.data import LabeledImages
from paper_lib.data.pairs import ClassPair, Source
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import PairCNN


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinearizedPair:
    """A classifier, linearized at the points to fit on and at the points to score.

    Attributes:
        pair: The images.
        model: The classifier.
        fit: The classifier linearized at the points to fit on.
        test: The points to score.
        lin: The classifier linearized at these.
    """

    pair: ClassPair
    model: PairCNN
    fit: Linearization
    test: LabeledImages
    lin: Linearization


@full_precision()
def linearize_pair(
    trained: TrainedClassifier,
    *,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
) -> LinearizedPair:
    """Linearize a classifier wherever it is needed. Many budgets need it once.

    Args:
        trained: The classifier.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.
        device: Where to compute.

    Returns:
        The classifier at its points.

    Raises:
        ValueError: If the device is not there.
    """
    available_device(device)  # fails now rather than after the data are read
    pair = pair_of(trained.config, root=root, source=source)
    model = trained.model(device)
    test = moved(pair.test, device)
    return LinearizedPair(
        pair=pair,
        model=model,
        fit=linearize(model, fit_images(trained.config, pair).to(device)),
        test=test,
        lin=linearize(model, test.images),
    )


def moved(data: LabeledImages, device: str | torch.device) -> LabeledImages:
    """Bring images and their labels where they are needed.

    Args:
        data: The images.
        device: Where to compute.

    Returns:
        The same, there.
    """
    return LabeledImages(images=data.images.to(device), labels=data.labels.to(device))
