"""Bounds beside what was measured: against n, and pair by pair."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_lib.plotting.style import COLORS, MARKERS

# Lighter than the bounds, which they are compared with.
_MEASURED = ("0.25", "0.6")
_DASHES = ("-", "--", ":")
# Names at the right end of a curve are kept this far apart, in shares of the axis.
_APART = 0.055


def plot_bounds(
    sizes: Sequence[int],
    bounds: Mapping[str, Sequence[float]],
    *,
    measured: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw lower bounds of a probability against n, each named at its right end.

    A bound of zero says nothing and is left out of its curve.

    Args:
        sizes: Numbers of points.
        bounds: For each bound, one value a size.
        measured: What was measured, likewise, two at most.

    Returns:
        The figure.

    Raises:
        ValueError: If a curve has another number of values than there are sizes, or
            more than two are measured.
    """
    curves = {**measured, **bounds}
    wrong = [name for name, values in curves.items() if len(values) != len(sizes)]
    if wrong or len(measured) > 2:
        raise ValueError(
            f"bounds and measured must have {len(sizes)} values each, and measured at "
            f"most two curves, got {wrong or list(measured)}."
        )
    figure, axis = plt.subplots(figsize=(8.4, 5.2), layout="constrained")
    ends = []
    for number, (name, values) in enumerate(curves.items()):
        place = number - len(measured)
        shown = np.where(np.array(values) > 0.0, values, np.nan)
        color = _MEASURED[number] if place < 0 else COLORS[place % len(COLORS)]
        axis.plot(
            sizes,
            shown,
            color=color,
            linewidth=2.4 if place < 0 else 1.2,
            linestyle="-" if place < 0 else _DASHES[place // len(COLORS)],
            marker=None if place < 0 else MARKERS[place % len(MARKERS)],
            markersize=4,
        )
        if np.isfinite(shown[-1]):
            ends.append((float(shown[-1]), name, color))
        else:
            ends.append((0.0, f"{name} (says nothing)", color))
    axis.set(xscale="log", xlabel="n, points counted", ylim=(-0.02, 1.02))
    axis.set_ylabel(r"share of robust sets: lower bounds of $\phi(v)$")
    _name_ends(axis, sizes[-1], ends)
    plt.close(figure)
    return figure


def _name_ends(axis: Axes, right: int, ends: list[tuple[float, str, str]]) -> None:
    """Write names beside the right ends of curves, pushed apart where they meet."""
    ordered = sorted(ends, key=lambda end: end[0])
    heights = [height for height, _, _ in ordered]
    for k in range(1, len(heights)):
        heights[k] = max(heights[k], heights[k - 1] + _APART)
    heights[-1] = min(heights[-1], 1.0)
    for k in range(len(heights) - 2, -1, -1):
        heights[k] = min(heights[k], heights[k + 1] - _APART)
    for height, (value, name, color) in zip(heights, ordered, strict=True):
        axis.annotate(
            name,
            xy=(right, value),
            xytext=(1.04, (height + 0.02) / 1.04),
            textcoords=axis.transAxes,
            color=color,
            fontsize="small",
            va="center",
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.5},
        )


def plot_pair_bounds(
    pairs: Sequence[str],
    bounds: Mapping[str, Sequence[float]],
    *,
    held_out: Sequence[float],
    within: float,
) -> Figure:
    """Draw bounds beside the held-out share, one row a pair.

    Args:
        pairs: The names of the pairs.
        bounds: For each bound, one value a pair; five at most.
        held_out: The share of test points, one a pair.
        within: Distance below it that is shaded, the goal.

    Returns:
        The figure.

    Raises:
        ValueError: If a number of values does not fit, or there are more than five
            bounds.
    """
    wrong = [name for name, values in bounds.items() if len(values) != len(pairs)]
    if wrong or len(held_out) != len(pairs) or len(bounds) > len(COLORS):
        raise ValueError(
            f"bounds and held_out must have {len(pairs)} values each, and bounds at "
            f"most {len(COLORS)} names, got {wrong or list(bounds)}."
        )
    figure, axis = plt.subplots(
        figsize=(8.0, 0.5 * len(pairs) + 1.6), layout="constrained"
    )
    rows = np.arange(len(pairs))[::-1]
    target = np.array(held_out)
    axis.barh(rows, within, left=target - within, height=0.62, color="0.9")
    axis.plot(target, rows, "|", color="0.25", markersize=20, markeredgewidth=2.4)
    for color, marker, (name, values) in zip(
        COLORS, MARKERS, bounds.items(), strict=False
    ):
        shown = np.where(np.array(values) > 0.0, values, np.nan)
        axis.plot(shown, rows, marker, color=color, markersize=6, label=name)
    axis.set_yticks(rows, pairs)
    axis.set_xlim(0.0, 1.0)
    axis.set_xlabel(
        f"share; bar: held-out $\\phi(v_n)$ of the polished solution, and {within:g} "
        "below"
    )
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    plt.close(figure)
    return figure


def plot_prices(
    panels: Mapping[str, tuple[Sequence[int], Mapping[str, Sequence[float]]]],
) -> Figure:
    """Draw what bounds ask for against n, in logarithms, panels side by side.

    The first two curves of a panel are measured and drawn thick. Values that are not
    above zero have no logarithm, and values of one say nothing; both are left out.

    Args:
        panels: For each title the sizes, and curves by name, the same in all.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no panel, or a curve has another number of values than
            there are sizes.
    """
    wrong = [
        f"{title}: {name}"
        for title, (sizes, curves) in panels.items()
        for name, values in curves.items()
        if len(values) != len(sizes)
    ]
    if not panels or wrong:
        raise ValueError(
            "panels must be at least one, with one value a size, got "
            f"{wrong or 'none'}."
        )
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(4.4 * len(panels), 4.6),
        layout="constrained",
        squeeze=False,
        sharey=True,
    )
    for axis, (title, (sizes, curves)) in zip(axes[0], panels.items(), strict=True):
        for number, (name, values) in enumerate(curves.items()):
            height = np.array(values)
            shown = np.where((height > 0.0) & (height < 0.999), height, np.nan)
            place = number - len(_MEASURED)
            axis.plot(
                sizes,
                shown,
                label=name,
                color=_MEASURED[number] if place < 0 else COLORS[place % len(COLORS)],
                linewidth=2.4 if place < 0 else 1.2,
                linestyle="-" if place < 0 else _DASHES[place // len(COLORS)],
                marker=None if place < 0 else MARKERS[place % len(MARKERS)],
                markersize=4,
            )
        axis.set(xscale="log", yscale="log", xlabel="n", title=title)
    names = axes[0][0].get_legend_handles_labels()
    figure.legend(*names, loc="outside lower center", ncols=4, frameon=False)
    plt.close(figure)
    return figure
