"""The runs of Table 1: what a plan lists is loaded from a store, or computed."""

import os
from collections.abc import Sequence
from typing import Any

from experiments.store.keyed import Record
from experiments.store.pair_settings import Site
from experiments.tables.classifiers import (
    ClassifierConfig,
    TrainedClassifier,
    train_pair,
)
from experiments.tables.group_results import GroupResult
from experiments.tables.group_sweep import Stages, Swept, load_groups, sweep_groups
from experiments.tables.planning import RunGroup
from experiments.tables.scoring import ScoreConfig, score_pair
from paper_lib.data.pairs import Source


def train_alone(run: Sequence[ClassifierConfig], site: Site) -> list[TrainedClassifier]:
    """Train the classifiers of a run one after another. Stage A.

    Args:
        run: What to train.
        site: Where to find the images, and where to compute.

    Returns:
        Weights and records.
    """
    return [train_pair(config, site) for config in run]


def _score_alone(
    run: Sequence[ScoreConfig], trained: Sequence[TrainedClassifier], site: Site
) -> list[Record]:
    pairs = zip(run, trained, strict=True)
    return [score_pair(config, one, site) for config, one in pairs]


ONE_BY_ONE = Stages(train=train_alone, score=_score_alone)


def load_plan(
    groups: Sequence[RunGroup],
    store: str | os.PathLike[str],
    *,
    source: Source = "auto",
    stages: Stages = ONE_BY_ONE,
) -> tuple[tuple[GroupResult, ...], tuple[RunGroup, ...]]:
    """Load what a store has, without computing anything.

    Args:
        groups: What to load.
        store: The folder of the records.
        source: Source of the data the records have to be of.
        stages: How they have to have been computed; see :func:`run_plan`.

    Returns:
        The groups that are complete, and those of which something is missing.

    Warns:
        UserWarning: If a stored record cannot be used; see :func:`run_plan`.
    """
    found = load_groups(groups, store, source=source, stages=stages)
    swept = dict(zip(groups, found, strict=True))
    return (
        tuple(_result(group, one) for group, one in swept.items() if one is not None),
        tuple(group for group, one in swept.items() if one is None),
    )


def run_plan(
    groups: Sequence[RunGroup],
    store: str | os.PathLike[str],
    *,
    stages: Stages = ONE_BY_ONE,
    **options: Any,
) -> tuple[GroupResult, ...]:
    """Load the records a store has and compute those it lacks.

    Args:
        groups: What to run.
        store: The folder of the records; made if it is not there.
        stages: Train and score pair by pair, or the pairs of a group as one batch.
        **options: What else
            :func:`~experiments.tables.group_sweep.sweep_groups` takes: the executor,
            the cache of classifiers, the data, the device, progress.

    Returns:
        One result a group, in order.

    Raises:
        ValueError: If there is an executor for what runs in this process.
        SweepError: If a run failed, the store cannot be written to although something
            is missing, or another sweep writes to it.

    Warns:
        UserWarning: If a stored record is damaged or of another schema or source; it is
            named, computed again and replaced.
    """
    swept = sweep_groups(groups, store, stages=stages, **options)
    return tuple(map(_result, groups, swept))


def _result(group: RunGroup, swept: Swept) -> GroupResult:
    """Put a group beside what its records say."""
    calibration, scores = swept
    return GroupResult(group=group, calibration=calibration, scores=scores)
