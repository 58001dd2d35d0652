"""The runs of Table 1, loaded from a store or computed, and what they came to."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from experiments.store.record_files import load_record
from experiments.tables.calibration import CalibrationResult
from experiments.tables.classifiers import train_pairs
from experiments.tables.group_sweep import Stages, Swept, load_groups, sweep_groups
from experiments.tables.planning import ALL_PAIRS, DATASETS, RunGroup, groups_of
from experiments.tables.scoring import ScoreResult, score_pairs
from paper_lib.data.pairs import Dataset, Source
from paper_lib.evaluation.plays import Cell


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GroupResult:
    """A group with its budgets and its accuracies.

    Attributes:
        group: What was run.
        calibration: Its budgets.
        scores: The accuracies of the pairs, in order.
    """

    group: RunGroup
    calibration: CalibrationResult
    scores: tuple[ScoreResult, ...]

    @property
    def dataset(self) -> str:
        """The data set."""
        return self.group.calibration.dataset

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs of classes."""
        return self.group.calibration.pairs

    @property
    def seed(self) -> int:
        """The seed."""
        return self.group.calibration.seed

    @property
    def batching(self) -> str:
        """``"single"``, or the batch in which all of it was computed."""
        return self.calibration.path

    @property
    def names(self) -> tuple[str, ...]:
        """The files of its records in a store, that of the budgets first."""
        configs = (self.group.calibration, *(score.config for score in self.scores))
        return tuple(config.record_name(self.batching) for config in configs)

    def score_of(self, classes: tuple[int, int]) -> ScoreResult:
        """Give the accuracies of one pair.

        Args:
            classes: The pair.

        Returns:
            Its accuracies.

        Raises:
            ValueError: If it is none of the pairs.
        """
        return self.scores[self.pairs.index(classes)]


def cell_percents(result: GroupResult) -> dict[Cell, Float[np.ndarray, " pairs"]]:
    """Collect each cell over the pairs of a group.

    Args:
        result: A group.

    Returns:
        For each attack, defense and accuracy, as the records name them, the accuracy
        of every pair in percent, in the order of the pairs.
    """
    cells: dict[Cell, list[float]] = {}
    for score in result.scores:
        for cell, row in score.cells.items():
            cells.setdefault(cell, []).append(row.percent)
    return {cell: np.array(values) for cell, values in cells.items()}


def primary_results(
    results: Sequence[GroupResult], seed: int
) -> dict[str, GroupResult]:
    """Pick the primary choice among the groups of a plan.

    Args:
        results: What ``run_plan`` gave.
        seed: The seed to take it at.

    Returns:
        The group of each data set that has one, under its name.
    """
    return {
        result.dataset: result
        for result in results
        if result.group.is_primary and result.seed == seed
    }


def primary_budgets(store: str | os.PathLike[str]) -> dict[Dataset, float]:
    """Read the budgets of Table 1's primary choice, to two decimals.

    Args:
        store: The folder of Table 1's records.

    Returns:
        The budget of each data set, a multiple of 0.01.

    Raises:
        FileNotFoundError: If the store lacks the primary runs of the first seed.
    """
    budgets: dict[Dataset, float] = {}
    for group in groups_of(DATASETS, ALL_PAIRS, 0):
        config = group.calibration
        record = load_record(Path(store) / config.record_name(), schema=config.schema)
        budgets[config.dataset] = round(record["budgets"][0], 2)
    return budgets


ONE_BY_ONE = Stages(train=train_pairs, score=score_pairs)


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
