"""Table 2 over readings of PGD, budgets and ways to compute it, beside the paper."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from statistics import mean

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.all_pairs.study_tables import GOALS
from experiments.figures.drawing import (
    COLORS,
    MARKERS,
    in_turn,
    legend_outside,
    new_figure,
)
from experiments.figures.markdown import Row, cell_name, mean_and_span, tabulated
from experiments.study.misses import ATTACKED, KINDS, StudyTable, study_table
from experiments.study.study_plan import QUANTILE, WIDE, load_study, study_groups
from experiments.tables.classifier_choice import Candidate
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.table_2 import PairResult
from paper_lib.attacks import PGD_READINGS
from paper_lib.evaluation import PLAYS, percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow


@tabulated()
def reading_table(name: str, results: Sequence[PairResult]) -> Iterator[Row]:
    """Set all readings of PGD beside the paper's Table 2, for one classifier.

    Args:
        name: The classifier's name.
        results: Its results.

    Yields:
        Each cell: means over seeds, with the smallest and largest.
    """
    tables = {reading: _tables(results, reading) for reading in PGD_READINGS}
    for cell, printed in PAPER_TABLE_2.items():
        row = {name: cell_name(cell), "paper": f"{printed:.1f}"}
        for reading, by_seed in tables.items():
            row[reading] = mean_and_span([one[cell] for one in by_seed])
        yield row


def _tables(results: Sequence[PairResult], reading: str) -> list[dict[Cell, float]]:
    """Read the rows of Table 3 under one reading of PGD, in percent, seed by seed."""
    return [percents(one.score.table_3(reading)) for one in results]


@tabulated()
def choice_table(candidates: Sequence[Candidate]) -> Iterator[Row]:
    """Show what each classifier's defense covers of its training points.

    Args:
        candidates: The classifiers that were compared.

    Yields:
        Each classifier.
    """
    for candidate in candidates:
        shares = [f"{100 * run.train_coverage:.1f}" for run in candidate.runs]
        yield {
            "classifier": candidate.name,
            "training coverage of SMOOTH, three seeds (%)": ", ".join(shares),
            "mean": f"{candidate.percent:.2f}",
        }


def plot_accuracy_against_budget(
    epsilons: Sequence[float],
    tables: Sequence[Sequence[TableRow]],
    *,
    calibrated: float,
) -> Figure:
    """Draw the five rows of Table 2 against the budget, approximate and true.

    Args:
        epsilons: Budgets, increasing.
        tables: For each budget, the ten rows of Table 3.
        calibrated: The budget at which the rows are compared with the paper, whose
            numbers are drawn there as hollow markers.

    Returns:
        The figure.
    """
    figure, axes = new_figure(6.2, 4.4, 2, 1, sharex=True)
    for axis, accuracy in zip(axes, ("approximate", "true"), strict=True):
        for color, marker, play in in_turn(PLAYS):
            values = [percents(rows)[(*play, accuracy)] for rows in tables]
            look = {"color": color, "ms": 4, "label": play_name(play)}
            axis.plot(epsilons, values, f"{marker}-", **look)
            printed = PAPER_TABLE_2[*play, accuracy]
            axis.plot(calibrated, printed, marker, color=color, ms=10, mfc="none")
        axis.axvline(calibrated, color="gray", linestyle=":", linewidth=1)
        axis.set(ylabel=f"{accuracy} (%)", ylim=(-3, 103))
    axes[1].set_xlabel(r"budget $\epsilon$ (pixels)")
    legend_outside(figure, 3)
    return figure


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
    tables = _tables(results, reading)
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
    ways = {
        f"{name}, {reading}": of_runs(results, reading)
        for (name, results), reading in product(runs.items(), PGD_READINGS)
    }
    num = len(explored.combinations)
    best = min(range(num), key=lambda place: distance(of_combination(explored, place)))
    named = {"declared": (declared, 0), f"best of {num}": (explored, best)}
    for kind, (found, place) in named.items():
        one = found.combinations[place]
        name = f"study, {kind}: {one.network}, {one.reading}"
        ways[name] = of_combination(found, place)
    return ways


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
            axis.plot(values[cell], heights, MARKERS[number], label=name, **look)
    for row in rows[1:]:
        axis.axhline(row - 0.5, color="0.85", linewidth=1 if row % 4 else 2)
    axis.set_yticks(rows, map(cell_name, CELLS))
    axis.set(ylim=(len(CELLS) - 0.5, -0.5), xlabel="percent of test points")
    legend_outside(figure)
    return figure
