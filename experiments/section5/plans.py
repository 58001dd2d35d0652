"""What the page on sharper bounds shows: the runs, as published."""

from collections.abc import Mapping
from dataclasses import replace

from experiments.section5.bound_runs import BoundsConfig
from experiments.section5.image_rates import ImageRatesConfig
from experiments.section5.prices import PriceConfig
from experiments.section5.reuse import ReuseConfig
from experiments.section5.validity_runs import ValidityConfig
from paper_lib.data.pairs import Dataset
from paper_lib.models import TrainConfig

PRICE_PLAN = tuple(PriceConfig(dim=dim) for dim in (2, 10, 100))
VALIDITY_PLAN = (
    # Traces of the sample, counted in the plane, take the square of its size.
    ValidityConfig(kind="gaussian", dim=2, num_rows=100),
    # The search takes a second for each of these samples.
    ValidityConfig(kind="gaussian", dim=10, fit="annealed"),
    ValidityConfig(kind="gaussian", dim=100),
    ValidityConfig(kind="linear", dim=10),
    ValidityConfig(kind="finite", dim=2, num_rows=100),
)
BOUND_PAIRS: tuple[tuple[Dataset, tuple[int, int]], ...] = (
    ("mnist", (0, 1)),
    ("mnist", (1, 7)),
    ("mnist", (0, 5)),
    ("mnist", (2, 4)),
    ("mnist", (3, 8)),
    ("fashion-mnist", (0, 1)),
    ("fashion-mnist", (5, 7)),
    ("fashion-mnist", (8, 9)),
)
# Numbers of points counted for the first pair, before all of them.
_SIZES = (100, 300, 1000, 3000)
# Enough passes over few images to learn them by heart.
_BY_HEART = TrainConfig(epochs=100)


def bound_plan(budgets: Mapping[Dataset, float]) -> tuple[BoundsConfig, ...]:
    """List the published bounds.

    Args:
        budgets: The budget of each data set.

    Returns:
        The runs of one split into halves, then those of another; the first of all has
        more than one size.
    """
    return tuple(
        BoundsConfig(
            dataset=name,
            classes=classes,
            epsilon=budgets[name],
            sizes=() if place or seed else _SIZES,
            seed=seed,
        )
        for seed in (0, 1)
        for place, (name, classes) in enumerate(BOUND_PAIRS)
    )


def image_rates_plan(budgets: Mapping[Dataset, float]) -> tuple[ImageRatesConfig, ...]:
    """List the published rates on images, a pair of each data set.

    Args:
        budgets: The budget of each data set.

    Returns:
        The runs.
    """
    return tuple(
        ImageRatesConfig(
            pair=BoundsConfig(dataset=name, classes=classes, epsilon=budgets[name])
        )
        for name, classes in (BOUND_PAIRS[0], BOUND_PAIRS[-1])
    )


def reuse_plan(budgets: Mapping[Dataset, float]) -> tuple[ReuseConfig, ...]:
    """List the published runs with one sample for everything.

    Args:
        budgets: The budget of each data set.

    Returns:
        As in the paper first, then two classifiers that learn 300 images by heart, the
        second with labels tossed by a coin.
    """
    as_printed = tuple(
        ReuseConfig(dataset=name, classes=classes, epsilon=budgets[name])
        for name, classes in BOUND_PAIRS
    )
    by_heart = ReuseConfig(
        dataset="fashion-mnist", classes=(2, 4), train=_BY_HEART, num=300
    )
    return (*as_printed, by_heart, replace(by_heart, random_labels=True))
