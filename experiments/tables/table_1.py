"""The runs of Table 1, loaded from a store or computed, and what they came to."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from experiments.store.record_files import load_record
from experiments.tables.groups import GroupResult
from experiments.tables.planning import ALL_PAIRS, DATASETS, groups_of
from paper_lib.data.pairs import Dataset
from paper_lib.evaluation.plays import Cell


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
