"""Results over the pairs of ten classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from paper_lib.plotting.perturbations import plot_images
from paper_lib.plotting.style import COLORS, MARKERS

CLASS_LABELS = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "boot",
    ),
}


def plot_pair_maps(
    panels: Mapping[str, Sequence[float]],
    pairs: Sequence[tuple[int, int]],
    *,
    low: float = 0.0,
    high: float = 100.0,
    names: Sequence[str] = CLASS_LABELS["mnist"],
    map_name: str = "viridis",
) -> Figure:
    """Draw a value of each pair of classes as a colored, numbered square.

    Args:
        panels: Titles, and for each a value a pair.
        pairs: The two classes of each pair, 0 to 9.
        low: The value of the darkest color.
        high: The value of the brightest.
        names: What the classes are called.
        map_name: Matplotlib's name of the color map.

    Returns:
        The figure, with at most three panels in a row.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(3.6 * columns, 3.5 * rows),
        squeeze=False,
        layout="constrained",
    )
    image = None
    for axis, (title, values) in zip(axes.flat, panels.items(), strict=False):
        grid = np.full((10, 10), np.nan)
        for (first, second), value in zip(pairs, values, strict=True):
            grid[second, first] = value
            bright = (value - low) / (high - low) > 0.6
            axis.text(
                first,
                second,
                f"{value:.0f}",
                ha="center",
                va="center",
                fontsize=7,
                color="black" if bright else "white",
            )
        image = axis.imshow(grid, vmin=low, vmax=high, cmap=map_name)
        axis.set_title(title, fontsize=10)
        axis.set_xticks(range(9), names[:9], rotation=90 if len(names[0]) > 1 else 0)
        axis.set_yticks(range(1, 10), names[1:])
        axis.tick_params(labelsize=7)
        axis.set(xlim=(-0.5, 8.5), ylim=(9.5, 0.5))
    for axis in list(axes.flat)[len(panels) :]:
        axis.remove()
    if image is not None:
        figure.colorbar(image, ax=figure.axes, shrink=0.7, label="percent")
    plt.close(figure)
    return figure


def plot_pair_spread(
    groups: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    paper: Mapping[str, tuple[float, float]],
) -> Figure:
    """Draw the value of every pair, and the paper's mean and spread beside it.

    Args:
        groups: For each name in the legend, titles along the axis and the values.
        paper: The paper's mean and standard deviation under the same titles.

    Returns:
        The figure.
    """
    figure, axis = plt.subplots(figsize=(8.0, 3.8), layout="constrained")
    titles = list(next(iter(groups.values())))
    width = 0.8 / (len(groups) + 1)
    for number, (name, cells) in enumerate(groups.items()):
        for place, title in enumerate(titles):
            values = np.sort(np.asarray(cells[title]))
            # Spread sideways by rank, so that no point hides another.
            offsets = (np.arange(len(values)) % 7 - 3) / 7 * width * 0.7
            center = place - 0.4 + (number + 0.5) * width
            axis.plot(
                center + offsets,
                values,
                MARKERS[number],
                color=COLORS[number + 1],
                markersize=3,
                alpha=0.7,
                label=name if place == 0 else None,
            )
            axis.plot(
                [center - 0.4 * width, center + 0.4 * width],
                [values.mean()] * 2,
                color=COLORS[number + 1],
                linewidth=2,
            )
    for place, title in enumerate(titles):
        if title in paper:
            mean, spread = paper[title]
            axis.errorbar(
                place - 0.4 + (len(groups) + 0.5) * width,
                mean,
                yerr=spread,
                fmt="s",
                color=COLORS[0],
                capsize=3,
                label="paper, mean and spread" if place == 0 else None,
            )
    axis.set_xticks(range(len(titles)), titles)
    axis.set(ylabel="accuracy (%)", ylim=(-3, 103))
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    plt.close(figure)
    return figure


def plot_pairs_against_budget(
    budgets: Sequence[float],
    series: Mapping[str, Sequence[Sequence[float]]],
    *,
    calibrated: float,
) -> Figure:
    """Draw the mean over pairs, and their spread, against the budget.

    Args:
        budgets: The budgets, increasing.
        series: For each name in the legend, the values of all pairs at each budget.
        calibrated: The budget that was calibrated, marked by a line.

    Returns:
        The figure.
    """
    figure, axis = plt.subplots(figsize=(7.0, 3.6), layout="constrained")
    reach = max(budgets)
    for number, (name, values) in enumerate(series.items()):
        array = np.asarray(values)
        axis.errorbar(
            # Side by side, so that no bar hides another.
            np.asarray(budgets) + (number - 1.5) * 0.006 * reach,
            array.mean(axis=1),
            yerr=array.std(axis=1, ddof=1) if array.shape[1] > 1 else None,
            fmt=f"{MARKERS[number]}-",
            color=COLORS[number],
            markersize=4,
            capsize=2,
            linewidth=1,
            label=name,
        )
    axis.axvline(calibrated, color="0.6", linestyle=":", label="calibrated budget")
    axis.set(xlabel="budget (pixels)", ylabel="accuracy (%)", ylim=(-8, 108))
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    plt.close(figure)
    return figure


def plot_examples(examples: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw an image of each class and what a defense does to both, a row a pair.

    Args:
        examples: Examples of one data set, as ``load_examples`` gives them.

    Returns:
        The figure.
    """
    images = torch.stack([one["images"] for one in examples])
    moves = torch.stack([one["perturbation"] for one in examples])
    notes = {
        title: [CLASS_LABELS[one["dataset"]][one["classes"][k]] for one in examples]
        for k, title in enumerate(("first class", "second class"))
    }
    columns = {
        "first class": images[:, 0],
        "second class": images[:, 1],
        "v": moves,
        "first + v": images[:, 0] + moves,
        "second + v": images[:, 1] + moves,
    }
    return plot_images(columns, signed=("v",), notes=notes)
