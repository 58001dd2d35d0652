"""Pictures of results over the pairs of ten classes."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from matplotlib.figure import Figure

from experiments.tables.examples import Example
from experiments.tables.group_results import GroupResult, cell_percents
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.planning import stored_cell
from paper_lib.evaluation import PLAYS, play_name
from paper_lib.plotting.perturbations import plot_images
from paper_lib.plotting.style import COLORS, MARKERS, new_figure

CLASS_LABELS = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": tuple(
        "T-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()
    ),
}


def plot_pair_maps(result: GroupResult) -> Figure:
    """Draw the approximate accuracy of each pair of classes as a colored square.

    Args:
        result: A group with the primary reading and solver.

    Returns:
        The figure: FGM without and with SMOOTH, and PGD with it.
    """
    names, cells = CLASS_LABELS[result.dataset], cell_percents(result)
    figure, axes = new_figure(10.8, 3.5, 1, 3)
    for axis, play in zip(axes, (PLAYS[1], PLAYS[2], PLAYS[4]), strict=True):
        grid = np.full((10, 10), np.nan)
        values = cells[stored_cell(play)]
        for (first, second), value in zip(result.pairs, values, strict=True):
            grid[second, first] = value
            color = "black" if value / 100.0 > 0.6 else "white"
            style = {"ha": "center", "va": "center", "fontsize": 7, "color": color}
            axis.text(first, second, f"{value:.0f}", **style)
        axis.imshow(grid, vmin=0.0, vmax=100.0, cmap="viridis")
        axis.set_title(play_name(play), fontsize=10)
        axis.set_xticks(range(9), names[:9], rotation=90 if len(names[0]) > 1 else 0)
        axis.set_yticks(range(1, 10), names[1:])
        axis.tick_params(labelsize=7)
        axis.set(xlim=(-0.5, 8.5), ylim=(9.5, 0.5))
    figure.colorbar(axes[-1].images[0], ax=axes, shrink=0.7, label="percent")
    return figure


def plot_pair_spread(result: GroupResult) -> Figure:
    """Draw the value of every pair, and the paper's mean and spread beside it.

    Args:
        result: A group with the primary reading and solver.

    Returns:
        The figure: both accuracies, and the paper's approximate one.
    """
    cells = cell_percents(result)
    figure, (axis,) = new_figure(8.0, 3.8)
    width = 0.8 / 3
    for place, play in enumerate(PLAYS[1:]):
        left = place - 0.4
        for number, accuracy in enumerate(("approximate", "true")):
            values = np.sort(cells[stored_cell(play, accuracy)])
            # Spread sideways by rank, so that no point hides another.
            offsets = (np.arange(len(values)) % 7 - 3) / 7 * width * 0.7
            center, color = left + (number + 0.5) * width, COLORS[number + 1]
            name = None if place else f"{accuracy} accuracy"
            look = {"color": color, "label": name, "markersize": 3, "alpha": 0.7}
            axis.plot(center + offsets, values, MARKERS[number], **look)
            ends = [center - 0.4 * width, center + 0.4 * width]
            axis.plot(ends, [values.mean()] * 2, color=color, linewidth=2)
        mean, spread = PAPER_TABLE_1[result.dataset][play]
        name = None if place else "paper, mean and spread"
        look = {"fmt": "s", "color": COLORS[0], "capsize": 3, "label": name}
        axis.errorbar(left + 2.5 * width, mean, spread, **look)
    titles = [play_name(play).replace(", ", ",\n") for play in PLAYS[1:]]
    axis.set_xticks(range(len(titles)), titles)
    axis.set(ylabel="accuracy (%)", ylim=(-3, 103))
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def plot_pairs_against_budget(
    result: GroupResult, results: Sequence[GroupResult]
) -> Figure | None:
    """Draw the mean over pairs under FGM, and their spread, against the budget.

    Args:
        result: The group at its calibrated budget, marked by a line.
        results: Where the groups at its multiples are.

    Returns:
        The figure; None if there are no others.
    """
    calibration = result.group.calibration
    curve = [one for one in results if one.group.calibration == calibration]
    curve.sort(key=lambda one: one.group.multiple)
    if len(curve) < 2:
        return None
    calibrated = result.calibration.budgets[0]
    budgets = calibrated * np.array([one.group.multiple for one in curve])
    cells = [cell_percents(one) for one in curve]
    figure, (axis,) = new_figure(7.0, 3.6)
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
    axis.set(xlabel="budget (pixels)", ylabel="accuracy (%)", ylim=(-8, 108))
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def plot_examples(examples: Sequence[Example]) -> Figure:
    """Draw an image of each class and what a defense does to both, a row a pair.

    Args:
        examples: Examples of one data set.

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
