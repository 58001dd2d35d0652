"""Pictures of results over the pairs of ten classes."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.drawing import COLORS, MARKERS, legend_outside, new_figure
from experiments.figures.linearity_pictures import SETS
from experiments.tables.examples import Example
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.planning import stored_cell
from experiments.tables.table_1 import GroupResult, cell_percents
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
        look = {"color": color, "markersize": 3, "alpha": 0.7}
        look["label"] = f"{accuracy} accuracy"
        axis.plot(center + offsets, values, MARKERS[number], **look)
        ends = [center - 0.4 * width, center + 0.4 * width]
        axis.plot(ends, [values.mean()] * 2, color=color, linewidth=2)
    mean, spread = PAPER_TABLE_1[result.dataset][play]
    look = {"fmt": "s", "color": COLORS[0], "capsize": 3}
    look["label"] = "paper, mean and spread"
    axis.errorbar(left + 2.5 * width, mean, spread, **look)


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
    rows = product(("approximate", "true"), ("none", "SMOOTH"))
    for number, (accuracy, defense) in enumerate(rows):
        key = stored_cell(("FGM", defense), accuracy)
        values = np.array([cell[key] for cell in cells])
        spread = values.std(axis=1, ddof=1) if values.shape[1] > 1 else None
        # Side by side, so that no bar hides another.
        places = budgets + (number - 1.5) * 0.006 * budgets.max()
        name = f"{accuracy}, {'no defense' if defense == 'none' else defense}"
        look = {"color": COLORS[number], "markersize": 4, "capsize": 2, "linewidth": 1}
        look |= {"fmt": f"{MARKERS[number]}-", "label": name}
        axis.errorbar(places, values.mean(axis=1), spread, **look)
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
