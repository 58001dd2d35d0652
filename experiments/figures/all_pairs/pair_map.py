"""Every pair of classes on one map: what it keeps, and what both players add to it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.figures.all_pairs.pair_pictures import CLASS_LABELS
from experiments.figures.answering import (
    Sheet,
    draw_sheet,
    gray_levels,
    signed_levels,
)
from experiments.figures.drawing import new_figure
from experiments.figures.linearity_pictures import SETS
from experiments.study.combinations import Combination
from experiments.study.pair_views import ViewResult
from experiments.study.study_plan import StudyRun
from paper_lib.evaluation.plays import PLAYS, play_name

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
    seen = {_pair_of(view): view for view in views}
    return {
        "plays": [play_name(play) for play in PLAYS],
        "sets": [
            {
                "name": SETS[dataset],
                "classes": CLASS_LABELS[dataset],
                "pairs": {
                    f"{first}-{second}": {
                        "numbers": values.round(3).tolist(),
                        "view": _signs(seen.get((dataset, (first, second)))),
                    }
                    for (first, second), values in pairs.items()
                },
            }
            for dataset, pairs in percents.items()
        ],
    }


def _pair_of(view: ViewResult) -> tuple[str, tuple[int, int]]:
    return view.config.classifier.dataset, view.config.classifier.classes


def _signs(view: ViewResult | None) -> dict[str, Any] | None:
    """Say what f and its tangent call x, x + a and x + a + v."""
    return view and {"logits": view.logits, "tangent": view.tangent}


def _place(dataset: str, pair: tuple[int, int]) -> tuple[int, int]:
    """Column and row: MNIST above the diagonal, Fashion-MNIST below."""
    first, second = pair
    return (second, first) if dataset == "mnist" else (first, second)


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
        kinds = (
            *(gray_levels(x), attack, gray_levels(x + a)),
            *(defense, gray_levels(x + a + v)),
        )
        tiles += [((10 * k + column, row), tile) for k, tile in enumerate(kinds)]
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
