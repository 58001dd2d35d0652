"""The budgets that Table 1 hands to the runs of Section 5."""

import os
from pathlib import Path

from experiments.store.record_files import load_record
from experiments.tables.calibration import CALIBRATION_SCHEMA
from experiments.tables.planning import ALL_PAIRS, DATASETS, Line, lines_of
from paper_lib.data import Dataset


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
