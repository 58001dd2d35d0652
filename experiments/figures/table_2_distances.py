"""How far each way to compute Table 2 comes out from the paper."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from statistics import mean

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.all_pairs.study_tables import GOALS
from experiments.figures.drawing import COLORS, MARKERS, legend_outside, new_figure
from experiments.figures.markdown import Row, cell_name, tabulated
from experiments.study.misses import ATTACKED, KINDS, StudyTable, study_table
from experiments.study.study_plan import (
    QUANTILE,
    WIDE,
    load_study,
    study_groups,
)
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.table_2 import PairResult
from paper_lib.attacks import PGD_READINGS
from paper_lib.evaluation import percents
from paper_lib.evaluation.plays import Cell

# The eight cells under an attack, each a number of the paper.
CELLS: tuple[Cell, ...] = tuple(
    (*play, kind) for kind, play in product(KINDS, ATTACKED)
)
# For each of these cells the accuracies over seeds, in percent.
Accuracies = Mapping[Cell, Sequence[float]]
# How near each of the eight was to come, in points.
GOAL = GOALS[True]


def explored_table(store: str | os.PathLike[str]) -> StudyTable:
    """Load every combination that the study of Table 1 explored, on MNIST.

    Args:
        store: The folder of its records.

    Returns:
        The combinations.
    """
    of_mnist = partial(study_groups, datasets=("mnist",))
    third = of_mnist(networks=(WIDE,), protocols=QUANTILE)
    return study_table(load_study((*of_mnist(), *third), store))


def of_runs(results: Sequence[PairResult], reading: str) -> Accuracies:
    """Read the cells of one classifier under one reading of PGD.

    Args:
        results: Its results, a seed each.
        reading: The reading.

    Returns:
        The accuracies.
    """
    tables = [percents(one.score.table_3(reading)) for one in results]
    return {cell: [table[cell] for table in tables] for cell in CELLS}


def of_combination(found: StudyTable, place: int = 0) -> Accuracies:
    """Read the cells of one combination of the study of Table 1.

    Args:
        found: Combinations, MNIST 0 against 1 among their pairs.
        place: Where the combination stands among them.

    Returns:
        The accuracies.
    """
    return dict(zip(CELLS, found.table_2[place].T.tolist(), strict=True))


def misses(values: Accuracies) -> dict[Cell, float]:
    """Say by how much the mean over seeds is above the paper's number.

    Args:
        values: The accuracies.

    Returns:
        The miss of each cell, in points.
    """
    return {cell: mean(seeds) - PAPER_TABLE_2[cell] for cell, seeds in values.items()}


def distance(values: Accuracies) -> float:
    """Measure how far a way is from the paper.

    Args:
        values: The accuracies.

    Returns:
        The largest absolute miss of a cell, in points.
    """
    return max(map(abs, misses(values).values()))


def ways_to_table_2(
    runs: Mapping[str, Sequence[PairResult]], declared: StudyTable, explored: StudyTable
) -> dict[str, Accuracies]:
    """List every way in which Table 2 was computed.

    Args:
        runs: The results made for Table 2, under the name of the classifier.
        declared: The one combination that the study of Table 1 declared.
        explored: All combinations that it looked at before.

    Returns:
        Each classifier under each reading of PGD, what the study declared, and of what
        it explored the nearest to these cells.
    """
    every = [of_combination(explored, n) for n in range(len(explored.combinations))]
    best = min(range(len(every)), key=lambda place: distance(every[place]))
    named = {
        "declared": (declared.combinations[0], of_combination(declared)),
        f"best of {len(every)}": (explored.combinations[best], every[best]),
    }
    return {
        f"{name}, {reading}": of_runs(results, reading)
        for (name, results), reading in product(runs.items(), PGD_READINGS)
    } | {
        f"study, {kind}: {one.network}, {one.reading}": values
        for kind, (one, values) in named.items()
    }


@tabulated("lrrlr")
def distance_table(ways: Mapping[str, Accuracies]) -> Iterator[Row]:
    """Say how far each way is from the paper, the nearest first.

    Args:
        ways: The accuracies under the name of each way.

    Yields:
        Each way: its largest miss and how many of the eight cells it meets.
    """
    for name, values in sorted(ways.items(), key=lambda way: distance(way[1])):
        by_cell = misses(values)
        worst = max(by_cell, key=lambda cell: abs(by_cell[cell]))
        near = sum(abs(miss) <= GOAL for miss in by_cell.values())
        yield {
            "classifier, reading of PGD": name,
            "seeds": len(values[worst]),
            "misses": f"{by_cell[worst]:+.1f}",
            "most at": cell_name(worst),
            f"within {GOAL:g}": f"{near} of {len(CELLS)}",
        }


def plot_ways(ways: Mapping[str, Accuracies]) -> Figure:
    """Draw the eight cells beside the paper's numbers, a mark for each seed.

    Args:
        ways: The accuracies under the name of each way, five at most.

    Returns:
        The figure, a row for each cell.
    """
    figure, (axis,) = new_figure(6.0, 4.0)
    rows = np.arange(len(CELLS))
    printed = [PAPER_TABLE_2[cell] for cell in CELLS]
    axis.vlines(printed, rows - 0.42, rows + 0.42, "0.25", lw=2.5, label="the paper")
    for number, (name, values) in enumerate(ways.items()):
        height = 0.24 * (number - (len(ways) - 1) / 2)
        look = {"color": COLORS[number + 1], "markersize": 4.5, "alpha": 0.75}
        for row, cell in enumerate(CELLS):
            heights = [row + height] * len(values[cell])
            label = name if row == 0 else None  # once in the legend
            axis.plot(values[cell], heights, MARKERS[number], label=label, **look)
    for row in rows[1:]:
        axis.axhline(row - 0.5, color="0.85", linewidth=1 if row % 4 else 2)
    axis.set_yticks(rows, map(cell_name, CELLS))
    axis.set(ylim=(len(CELLS) - 0.5, -0.5), xlabel="percent of test points")
    legend_outside(figure)
    return figure
