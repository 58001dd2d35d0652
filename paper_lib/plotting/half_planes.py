"""Robust sets in the plane."""

import itertools
from collections.abc import Mapping

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from paper_lib.arrangement import cells, maximum_coverage
from paper_lib.checks.arguments import check_type
from paper_lib.plotting.style import COLORS, MARKERS, new_figure, show_square
from paper_lib.robust_sets import RobustSets


def plot_half_planes(
    sets: RobustSets, *, points: Mapping[str, Float[Tensor, " 2"]] | None = None
) -> Figure:
    """Draw robust sets in the plane, how many hold where, and a maximizer.

    Each cell of the disc is shaded by its count, the darker the more rows hold. Short
    ticks at a boundary line point to the side that holds. For some dozens of rows.

    Args:
        sets: The robust sets, with d = 2 and a positive budget.
        points: Other perturbations to mark, under their names.

    Returns:
        The figure.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`.
        ValueError: If d is not 2 or the budget is zero.

    Example:
        >>> import torch
        >>> sets = RobustSets(normals=torch.eye(2), offsets=torch.zeros(2), epsilon=1.0)
        >>> figure = plot_half_planes(sets, points={"no defense": torch.zeros(2)})
        >>> len(figure.axes) > 0
        True
    """
    check_type(sets, "sets", RobustSets)
    check_drawable(sets)
    figure, (axis,) = new_figure(4.6, 4.2)
    normals, offsets = sets.normals.double().numpy(), sets.offsets.double().numpy()
    _shade_cells(axis, normals, offsets, sets.epsilon)
    colors = itertools.cycle(COLORS[1:])
    for normal, offset, color in zip(normals, offsets, colors, strict=False):
        _draw_line(axis, normal, float(offset), sets.epsilon, color)
    best = maximum_coverage(normals, offsets, sets.epsilon)
    name = f"maximizer: {best.count} of {len(offsets)}"
    axis.plot(*best.point, "*k", markersize=11, label=name)
    marked = zip((points or {}).items(), itertools.cycle(MARKERS), strict=False)
    for (name, point), marker in marked:
        axis.plot(*point.tolist(), f"{marker}k", fillstyle="none", label=name)
    show_square(axis, 1.08 * sets.epsilon, "v")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def check_drawable(sets: RobustSets) -> None:
    """Refuse robust sets that have no picture in the plane.

    Args:
        sets: The robust sets.

    Raises:
        ValueError: If d is not 2 or the budget is zero.
    """
    if sets.normals.shape[1] != 2 or sets.epsilon == 0.0:
        raise ValueError(
            "a drawing needs d = 2 and a positive budget, got d = "
            f"{sets.normals.shape[1]} and epsilon = {sets.epsilon}."
        )


def _shade_cells(
    axis: Axes,
    normals: Float[np.ndarray, "n 2"],
    offsets: Float[np.ndarray, " n"],
    radius: float,
) -> None:
    """Fill each cell by its count, with a bar that tells what a shade means."""
    found = cells(normals, offsets, radius)
    counts = np.array([cell.satisfied.sum() for cell in found])
    low, high = counts.min(), counts.max()
    # The darkest stays lighter than ink.
    levels = np.linspace(0.0, 0.6, high - low + 1)
    shades = ListedColormap(matplotlib.colormaps["Greys"](levels))
    patches = PolyCollection(
        [cell.outline() for cell in found],
        array=counts,
        cmap=shades,
        clim=(low - 0.5, high + 0.5),
        edgecolors="face",
        linewidths=0.3,
    )
    axis.add_collection(patches)
    axis.add_patch(Circle((0.0, 0.0), radius, fill=False, color="black"))
    bar = {"ticks": MaxNLocator(integer=True), "label": "rows that hold"}
    axis.figure.colorbar(patches, ax=axis, shrink=0.8, **bar)


def _draw_line(
    axis: Axes,
    normal: Float[np.ndarray, " 2"],
    offset: float,
    radius: float,
    color: str,
) -> None:
    """Draw a boundary line inside the disc, if it meets it, and tick its side."""
    length = float(np.hypot(*normal))
    if not abs(offset) < length * radius:
        return
    unit, distance = normal / length, offset / length
    half = np.sqrt(radius**2 - distance**2)
    along = half * np.array([[-unit[1], unit[0]]])
    chord = -distance * unit + along * np.array([[-1.0], [1.0]])
    axis.plot(*chord.T, color=color, linewidth=1.5)
    starts = -distance * unit + along * np.linspace(-0.9, 0.9, 13)[:, np.newaxis]
    ticks = np.stack([starts, starts + 0.03 * radius * unit], axis=1)
    axis.add_collection(LineCollection(list(ticks), colors=color, linewidths=1.0))
