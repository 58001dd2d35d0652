"""Pictures of the study of Table 1: what each combination misses, and by how much."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.figures.all_pairs.study_tables import FACTOR_NAMES
from experiments.study.combinations import FACTORS
from experiments.study.misses import StudyTable
from paper_lib.plotting.style import COLORS, MARKERS, new_figure

# How near the paper a number was to come, in points: of Table 1, and of Table 2.
GOALS = (4.0, 8.0)


def plot_misses(
    names: tuple[str, ...], misses: Mapping[str, Float[np.ndarray, " numbers"]]
) -> Figure:
    """Draw by how much each number is above the paper's.

    Args:
        names: What the numbers are called.
        misses: For each way to compute them, in points.

    Returns:
        The figure, a row for each number, with the goals shaded.
    """
    figure, (axis,) = new_figure(7.2, 0.27 * len(names) + 1.1)
    rows = np.arange(len(names))
    goals = np.array([GOALS[name.startswith("0-1")] for name in names])
    axis.barh(rows, 2 * goals, 1.0, -goals, color="0.92", label="the goal")
    axis.axvline(0.0, color="0.5", linewidth=1)
    for number, (name, values) in enumerate(misses.items()):
        look = {"color": COLORS[number], "label": name, "markersize": 5}
        look |= {"alpha": 0.9 if number == 0 else 0.7, "zorder": 4 - number}
        axis.plot(values, rows, MARKERS[number], **look)
    axis.set_yticks(rows, names)
    axis.set(ylim=(len(names) - 0.5, -0.5), xlabel="above the paper (points)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def plot_choices(table: StudyTable) -> Figure:
    """Draw the distance of every combination, once for each of its choices.

    Args:
        table: The combinations.

    Returns:
        The figure, a row for each choice; the nearest of each is marked.
    """
    found = [
        (f"{FACTOR_NAMES[factor]}: {choice}", factor, table.distances[own])
        for factor in FACTORS
        for choice, own in table.having(factor).items()
    ]
    names, factors, distances = zip(*found, strict=True)
    figure, (axis,) = new_figure(7.2, 0.3 * len(found) + 0.9)
    for row, some in enumerate(distances):
        # Spread by rank, so that no point hides another.
        offsets = (np.arange(len(some)) % 7 - 3) / 12
        look = {"color": COLORS[4], "markersize": 2.5, "alpha": 0.7}
        axis.plot(np.sort(some), row + offsets, "o", **look)
        axis.plot(some.min(), row, "D", color=COLORS[1], markersize=6)
        if row and factors[row] != factors[row - 1]:
            axis.axhline(row - 0.5, color="0.8", linewidth=1)
    axis.set_yticks(range(len(names)), names)
    axis.set(ylim=(len(found) - 0.5, -0.5), xlim=(0, None))
    axis.set_xlabel("largest miss of the 24 numbers (points)")
    return figure
