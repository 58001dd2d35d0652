"""What all figures share."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart with every common color vision.
COLORS = ("#000000", "#D55E00", "#0072B2", "#E69F00", "#56B4E9")
MARKERS = ("o", "v", "^", "s", "D")


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Make a figure that pyplot does not keep, so that a page shows it once.

    Args:
        width: In inches.
        height: In inches.
        rows: Rows of axes.
        columns: Columns of axes.
        **options: Further ones of :func:`matplotlib.pyplot.subplots`.

    Returns:
        The figure and its axes, row by row.
    """
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        layout="constrained",
        squeeze=False,
        **options,
    )
    plt.close(figure)
    return figure, list(axes.flat)


def show_square(axis: Axes, reach: float, name: str = "") -> None:
    """Show the square around the origin, both axes in one scale.

    Args:
        axis: The axes.
        reach: From minus this to this.
        name: Of the vector, to label its coordinates.
    """
    axis.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    if name:
        axis.set(xlabel=f"${name}_1$", ylabel=f"${name}_2$")
