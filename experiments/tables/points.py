"""A trained classifier at the points where it is defended and scored."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from experiments.store.pair_settings import HERE, Site
from experiments.tables.classifiers import TrainedClassifier, fit_images
from experiments.tables.computing import ALONE, Computing
from paper_lib.data import LabeledImages
from paper_lib.data.pairs import ClassPair
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import Linearization


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
def linearize_pairs(
    trained: Sequence[TrainedClassifier], site: Site = HERE, *, how: Computing = ALONE
) -> list[LinearizedPair]:
    """Linearize classifiers wherever it is needed. Many budgets need it once.

    Args:
        trained: The classifiers.
        site: Where to find the images, and where to compute.
        how: Computes each alone, or all as one batch.

    Returns:
        Each classifier at its points.
    """
    configs = [one.config for one in trained]
    models = [one.model(site.device) for one in trained]
    pairs = [config.images(site) for config in configs]
    tests = [moved(pair.test, site.device) for pair in pairs]
    points = map(fit_images, configs, pairs)
    fits = how.linearize(models, [images.to(site.device) for images in points])
    lins = how.linearize(models, [test.images for test in tests])
    return [
        LinearizedPair(pair=pair, model=model, fit=fit, test=test, lin=lin)
        for pair, model, fit, test, lin in zip(
            pairs, models, fits, tests, lins, strict=True
        )
    ]


def linearize_pair(trained: TrainedClassifier, site: Site = HERE) -> LinearizedPair:
    """Linearize one classifier; see :func:`linearize_pairs`."""
    return linearize_pairs([trained], site)[0]


def moved(data: LabeledImages, device: str | torch.device) -> LabeledImages:
    """Bring images and their labels where they are needed.

    Args:
        data: The images.
        device: Where to compute.

    Returns:
        The same, there.
    """
    return LabeledImages(images=data.images.to(device), labels=data.labels.to(device))
