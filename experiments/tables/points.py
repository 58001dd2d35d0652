"""A trained classifier at the points where it is defended and scored."""

from dataclasses import dataclass

import torch
from torch import nn

from experiments.store.pair_settings import HERE, Site
from experiments.tables.classifiers import TrainedClassifier, fit_images
from paper_lib.data import LabeledImages
from paper_lib.data.pairs import ClassPair
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import Linearization, linearize


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
    model: nn.Module
    fit: Linearization
    test: LabeledImages
    lin: Linearization


@full_precision()
def linearize_pair(trained: TrainedClassifier, site: Site = HERE) -> LinearizedPair:
    """Linearize a classifier wherever it is needed. Many budgets need it once.

    Args:
        trained: The classifier.
        site: Where to find the images, and where to compute.

    Returns:
        The classifier at its points.
    """
    config, model = trained.config, trained.model(site.device)
    pair = config.images(site)
    test = moved(pair.test, site.device)
    return LinearizedPair(
        pair=pair,
        model=model,
        fit=linearize(model, fit_images(config, pair).to(site.device)),
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
