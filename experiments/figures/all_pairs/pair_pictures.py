"""Pictures of results over the pairs of ten classes, and the map of all pairs."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.answering import Sheet, draw_sheet, gray_levels, signed_levels
from experiments.figures.drawing import (
    COLORS,
    MARKERS,
    in_turn,
    legend_outside,
    new_figure,
)
from experiments.figures.linearity_pictures import SETS
from experiments.study.combinations import Combination
from experiments.study.pair_views import ViewResult
from experiments.study.study_plan import StudyRun
from experiments.tables.examples import Example
from experiments.tables.groups import GroupResult
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.planning import stored_cell
from experiments.tables.table_1 import cell_percents
from paper_lib.evaluation.plays import PLAYS, Play, play_name
from paper_lib.plotting.perturbations import plot_images

CLASS_LABELS = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": tuple(
        "T-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()
    ),
}


def plot_pair_spread(results: Sequence[GroupResult]) -> Figure:
    """Draw the value of every pair, and the paper's mean and spread beside it.

    Args:
        results: Groups with the primary reading and solver.

    Returns:
        The figure, a row for each: both accuracies, and the paper's approximate one.
    """
    figure, axes = new_figure(8.0, 3.3 * len(results), len(results), 1)
    for axis, result in zip(axes, results, strict=True):
        for place, play in enumerate(PLAYS[1:]):
            _draw_spread(axis, result, play, place - 0.4)
        titles = [play_name(play).replace(", ", ",\n") for play in PLAYS[1:]]
        axis.set_xticks(range(len(titles)), titles)
        axis.set(ylabel=f"{SETS[result.dataset]}: accuracy (%)", ylim=(-3, 103))
    legend_outside(figure, 3)
    return figure


def _draw_spread(axis: Axes, result: GroupResult, play: Play, left: float) -> None:
    cells, width = cell_percents(result), 0.8 / 3
    for number, accuracy in enumerate(("approximate", "true")):
        values = np.sort(cells[stored_cell(play, accuracy)])
        # Spread sideways by rank, so that no point hides another.
        offsets = (np.arange(len(values)) % 7 - 3) / 7 * width * 0.7
        center, color = left + (number + 0.5) * width, COLORS[number + 1]
        look = {"markersize": 3, "alpha": 0.7, "label": f"{accuracy} accuracy"}
        axis.plot(center + offsets, values, MARKERS[number], color=color, **look)
        ends = [center - 0.4 * width, center + 0.4 * width]
        axis.plot(ends, [values.mean()] * 2, color=color, linewidth=2)
    mean, spread = PAPER_TABLE_1[result.dataset][play]
    look = {"color": COLORS[0], "capsize": 3, "label": "paper, mean and spread"}
    axis.errorbar(left + 2.5 * width, mean, spread, fmt="s", **look)


def plot_pairs_against_budget(
    primary: Sequence[GroupResult], results: Sequence[GroupResult]
) -> Figure | None:
    """Draw the mean over pairs under FGM, and their spread, against the budget.

    Args:
        primary: The groups at their calibrated budgets, each marked by a line.
        results: Where the groups at their multiples are.

    Returns:
        The figure, a panel for each; None if one has no others.
    """
    figure, axes = new_figure(9.0, 3.6, 1, len(primary), sharey=True)
    for axis, result in zip(axes, primary, strict=True):
        calibration = result.group.calibration
        curve = [one for one in results if one.group.calibration == calibration]
        curve.sort(key=lambda one: one.group.multiple)
        if len(curve) < 2:
            return None
        _draw_curve(axis, result.calibration.budgets[0], curve)
        axis.set(xlabel="budget (pixels)", title=SETS[result.dataset])
    axes[0].set(ylabel="accuracy (%)", ylim=(-8, 108))
    legend_outside(figure, 3)
    return figure


def _draw_curve(axis: Axes, calibrated: float, curve: Sequence[GroupResult]) -> None:
    budgets = calibrated * np.array([one.group.multiple for one in curve])
    cells = [cell_percents(one) for one in curve]
    rows = enumerate(product(("approximate", "true"), ("none", "SMOOTH")))
    for color, marker, (number, (accuracy, defense)) in in_turn(rows):
        key = stored_cell(("FGM", defense), accuracy)
        values = np.array([cell[key] for cell in cells])
        spread = values.std(axis=1, ddof=1) if values.shape[1] > 1 else None
        # Side by side, so that no bar hides another.
        places = budgets + (number - 1.5) * 0.006 * budgets.max()
        name = f"{accuracy}, {'no defense' if defense == 'none' else defense}"
        look = {"color": color, "markersize": 4, "capsize": 2, "linewidth": 1}
        axis.errorbar(
            places, values.mean(1), spread, fmt=f"{marker}-", label=name, **look
        )
    axis.axvline(calibrated, color="0.6", linestyle=":", label="calibrated budget")


def plot_examples(examples: Sequence[Example]) -> Figure:
    """Draw an image of each class and what a defense does to both, a row a pair.

    Args:
        examples: The examples.

    Returns:
        The figure.
    """
    first, second = torch.stack([one.images for one in examples]).unbind(1)
    moves = torch.stack([one.perturbation for one in examples])
    notes = {
        title: [CLASS_LABELS[one.dataset][one.classes[k]] for one in examples]
        for k, title in enumerate(("first class", "second class"))
    }
    columns = {
        "first class": first,
        "second class": second,
        "v": moves,
        "first + v": first + moves,
        "second + v": second + moves,
    }
    return plot_images(columns, signed=("v",), notes=notes)


# For each data set and pair the plays, true and approximate accuracy, in percent.
Percents = dict[str, dict[tuple[int, int], Float[np.ndarray, "plays 2"]]]


def pair_percents(runs: Sequence[StudyRun], combination: Combination) -> Percents:
    """Average the accuracies of each pair over seeds.

    Args:
        runs: The runs of one combination.
        combination: The combination.

    Returns:
        For each data set and pair the plays of the tables, in their order: true and
        approximate accuracy.
    """
    found: dict[str, dict[tuple[int, int], list]] = {}
    for run in runs:
        pairs = found.setdefault(run.key[2], {})
        for pair, one in run.of.items():
            cells = [one.percents[combination.cell(play, one)] for play in PLAYS]
            pairs.setdefault(pair, []).append(cells)
    return {
        dataset: {pair: np.mean(seeds, axis=0) for pair, seeds in pairs.items()}
        for dataset, pairs in found.items()
    }


def map_data(percents: Percents, views: Iterable[ViewResult]) -> dict[str, Any]:
    """Say what the script of the map shows.

    Args:
        percents: The accuracies of each pair.
        views: What both players do to an image of a pair, where that is stored.

    Returns:
        The plays, and for each data set its classes and pairs.
    """
    seen = {
        _pair_of(view): {"logits": view.logits, "tangent": view.tangent}
        for view in views
    }
    return {
        "plays": [play_name(play) for play in PLAYS],
        "sets": [
            {
                "name": SETS[dataset],
                "classes": CLASS_LABELS[dataset],
                "pairs": {
                    f"{first}-{second}": {
                        "numbers": values.round(3).tolist(),
                        "view": seen.get((dataset, (first, second))),
                    }
                    for (first, second), values in pairs.items()
                },
            }
            for dataset, pairs in percents.items()
        ],
    }


def _pair_of(view: ViewResult) -> tuple[str, tuple[int, int]]:
    return view.config.classifier.dataset, view.config.classifier.classes


def _place(dataset: str, pair: tuple[int, int]) -> tuple[int, int]:
    """Column and row: MNIST above the diagonal, Fashion-MNIST below."""
    first, second = pair
    return (second, first) if dataset == "mnist" else pair


def draw_views(views: Iterable[ViewResult]) -> Sheet:
    """Draw what both players do to an image of each pair: x, a, x + a, v, x + a + v.

    Args:
        views: The views.

    Returns:
        Five maps beside one another, each of ten by ten small images.
    """
    tiles = []
    for view in views:
        x, a, v = view.parts.numpy()
        column, row = _place(*_pair_of(view))
        attack, defense = (signed_levels(move, view.reach) for move in (a, v))
        seen, hit, saved = map(gray_levels, (x, x + a, x + a + v))
        kinds = enumerate((seen, attack, hit, defense, saved))
        tiles += [((10 * k + column, row), tile) for k, tile in kinds]
    return draw_sheet(tiles, 50, 10)


def plot_pair_map(percents: Percents, play: int = 2) -> Figure:
    """Draw the approximate accuracy of each pair under one play as a colored square.

    Args:
        percents: The accuracies of each pair.
        play: Which of the plays.

    Returns:
        The figure, MNIST above the diagonal and Fashion-MNIST below.
    """
    figure, (axis,) = new_figure(4.9, 5.2)
    grid = np.full((10, 10), np.nan)
    for dataset, pairs in percents.items():
        for pair, values in pairs.items():
            column, row = _place(dataset, pair)
            grid[row, column] = value = values[play, 1]
            style = {"ha": "center", "va": "center", "fontsize": 8}
            style["color"] = "black" if value > 60 else "white"
            axis.text(column, row, f"{value:.0f}", **style)
    axis.imshow(grid, vmin=0.0, vmax=100.0, cmap="viridis")
    axis.set_xticks(range(10), CLASS_LABELS["fashion-mnist"], rotation=90)
    axis.set_yticks(range(10), CLASS_LABELS["fashion-mnist"])
    for second in (axis.secondary_xaxis("top"), axis.secondary_yaxis("right")):
        second.set_ticks(range(10), CLASS_LABELS["mnist"])
        second.tick_params(labelsize=8)
    axis.tick_params(labelsize=8)
    axis.set_title(play_name(PLAYS[play]), fontsize=10)
    return figure
