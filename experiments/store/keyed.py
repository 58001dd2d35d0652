"""One record a configuration: load what a store has, compute what it lacks."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

from experiments.section5.bound_runs import BOUNDS_SCHEMA, BoundsConfig, run_bounds
from experiments.section5.image_rates import (
    IMAGE_RATES_SCHEMA,
    ImageRatesConfig,
    run_image_rates,
)
from experiments.section5.prices import PRICES_SCHEMA, PriceConfig, run_prices
from experiments.section5.reuse import REUSE_SCHEMA, ReuseConfig, run_reuse
from experiments.section5.validity_runs import (
    VALIDITY_SCHEMA,
    ValidityConfig,
    run_validity,
)
from experiments.store.record_files import (
    SCHEMA,
    load_record,
    save_record,
    stored_record,
)
from experiments.sweep.runner import InProcess, Task, only_writer, run_tasks
from experiments.tables.calibration import CALIBRATION_SCHEMA
from experiments.tables.planning import ALL_PAIRS, DATASETS, Line, lines_of
from experiments.tables.table_2 import PairConfig, run_pair
from paper_lib.data.pairs import Dataset, Source
from paper_lib.models import TrainConfig

Config = (
    PairConfig
    | BoundsConfig
    | ReuseConfig
    | ValidityConfig
    | ImageRatesConfig
    | PriceConfig
)
_Run = Callable[..., dict[str, Any]]
_KINDS: dict[type, tuple[str, _Run]] = {
    PairConfig: (SCHEMA, run_pair),
    BoundsConfig: (BOUNDS_SCHEMA, run_bounds),
    ReuseConfig: (REUSE_SCHEMA, run_reuse),
    ValidityConfig: (VALIDITY_SCHEMA, run_validity),
    ImageRatesConfig: (IMAGE_RATES_SCHEMA, run_image_rates),
    PriceConfig: (PRICES_SCHEMA, run_prices),
}
_OF_IMAGES = (PairConfig, BoundsConfig, ReuseConfig, ImageRatesConfig)
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


def primary_budgets(store: str | os.PathLike[str]) -> dict[Dataset, float]:
    """Read the budgets of Table 1's primary choice, to two decimals.

    Args:
        store: The folder of Table 1's records.

    Returns:
        The budget of each data set, a multiple of 0.01.

    Raises:
        FileNotFoundError: If the store lacks the primary runs of the first seed.
    """

    def shared(line: Line) -> float:
        file = Path(store) / line.calibration.name
        return load_record(file, schema=CALIBRATION_SCHEMA)["budgets"][0]

    lines = lines_of(DATASETS, ALL_PAIRS, 0)
    return {line.calibration.dataset: round(shared(line), 2) for line in lines}


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
    return (
        *(
            ReuseConfig(dataset=name, classes=classes, epsilon=budgets[name])
            for name, classes in BOUND_PAIRS
        ),
        *(
            ReuseConfig(
                dataset="fashion-mnist",
                classes=(2, 4),
                train=_BY_HEART,
                num=300,
                random_labels=tossed,
            )
            for tossed in (False, True)
        ),
    )


def load_or_compute(
    configs: Sequence[Config],
    store: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    root: str | None = None,
    source: Source = "auto",
    compute: bool = True,
    progress: bool = False,
) -> list[dict[str, Any]]:
    """Load the records a store has and compute those it lacks.

    Every record is written as soon as its run is done, so a sweep that is stopped loses
    the runs in flight and goes on from there.

    Args:
        configs: The runs.
        store: The folder of the records; made if something is missing.
        executor: Where to run what is missing; None: in this process.
        root: Folder of the data, for runs that are missing.
        source: Source of the data; a record of other data is computed again.
        compute: Compute what is missing; otherwise it is an error.
        progress: Show a progress bar.

    Returns:
        One record a configuration, in order.

    Raises:
        FileNotFoundError: If something is missing that is not to be computed.
        SweepError: If a run failed, the store cannot be written to although something
            is missing, or another sweep writes to it.

    Warns:
        UserWarning: If a stored record is damaged, or of another schema, settings or
            data; it is named, and computed again and replaced if ``compute`` says so.
    """
    folder = Path(store)
    found = [_stored(one, folder, source, compute) for one in configs]
    wanted = [one for one, record in zip(configs, found, strict=True) if record is None]
    if not wanted:
        return [record for record in found if record is not None]
    if not compute:
        names = ", ".join(one.record_name for one in wanted)
        raise FileNotFoundError(
            f"store must hold every record, but {folder} lacks {names}; compute=True "
            "runs what is missing."
        )
    with only_writer(folder):
        run_tasks(
            (_task(one, folder, root, source) for one in wanted),
            executor or InProcess(),
            total=len(wanted),
            title="runs",
            progress=progress,
        )
    return [
        load_record(folder / one.record_name, schema=_KINDS[type(one)][0])
        for one in configs
    ]


def _task(config: Config, folder: Path, root: str | None, source: Source) -> Task:
    _, run = _KINDS[type(config)]
    images = {"root": root, "source": source} if isinstance(config, _OF_IMAGES) else {}
    return Task(
        label=config.label,
        call=partial(run, config, **images),
        keep=lambda record: save_record(record, folder / config.record_name),
    )


def _stored(
    config: Config, folder: Path, source: Source, compute: bool
) -> dict[str, Any] | None:
    return stored_record(
        folder / config.record_name,
        config,
        schema=_KINDS[type(config)][0],
        source=source,
        of_images=isinstance(config, _OF_IMAGES),
        compute=compute,
    )
