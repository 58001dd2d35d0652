"""Bounds beside what was measured: against n, and pair by pair."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.drawing import COLORS, in_turn, legend_outside, new_figure
from experiments.figures.rate_pictures import write_powers
from experiments.section5.prices import Prices

# Thicker than the bounds, which they are compared with.
_MEASURED = (("0.25", "-"), ("0.6", "--"))
# No color, and no marker, serves two bounds of a picture.
_COLORS = ("#000000", "#882255", "#0072B2", "#E69F00", "#56B4E9")
_COLORS += ("#D55E00", "#009E73", "#CC79A7", "#806000")
_MARKS = ("o-", "v--", "^-.", "s:", "D-", "P--", "X-.", "<:", ">-")
# Names at the right end of a curve are kept this far apart, in shares of the axis.
_APART = 0.06


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
            there are more than nine bounds or more than two are measured.
    """
    curves = {**measured, **bounds}
    wrong = [name for name, values in curves.items() if len(values) != len(sizes)]
    if wrong or len(measured) > 2 or len(bounds) > len(_MARKS):
        raise ValueError(
            f"bounds and measured must have {len(sizes)} values each, and be at most "
            f"{len(_MARKS)} and two curves, got {wrong or list(curves)}."
        )
    figure, (axis,) = new_figure(4.7, 4.0)
    ends = []
    for place, (name, values) in enumerate(curves.items(), start=-len(measured)):
        shown = np.where(np.array(values) > 0.0, values, np.nan)
        color = _draw_curve(axis, place, sizes, shown, name)
        said = name if values[-1] > 0.0 else f"{name}: nothing"
        ends.append((max(float(values[-1]), 0.0), said, color))
    axis.set(xscale="log", xlabel="n, points counted", ylim=(-0.02, 1.02))
    axis.set_ylabel(r"lower bound of $\phi(v)$")
    axis.xaxis.set_major_formatter("{x:,g}")
    _name_ends(axis, sizes[-1], ends)
    return figure


def _draw_curve(
    axis: Axes,
    place: int,
    sizes: Sequence[int],
    shown: Float[np.ndarray, " k"],
    name: str,
) -> str:
    """Draw a curve in the color of its place, thick below place 0: measured."""
    (color, look), width = _MEASURED[place % 2], 2.4
    if place >= 0:
        color, look, width = _COLORS[place], _MARKS[place], 1.2
    axis.plot(sizes, shown, look, color=color, lw=width, ms=4, label=name)
    return color


def _name_ends(axis: Axes, right: int, ends: list[tuple[float, str, str]]) -> None:
    """Write names beside the right ends of curves, pushed apart where they meet."""
    ordered = sorted(ends, key=lambda end: end[0])
    steps = _APART * np.arange(len(ends))
    raised = np.array([height for height, _, _ in ordered]) - steps
    raised = np.maximum.accumulate(raised)
    raised[-1] = min(raised[-1], 1.0 - steps[-1])
    heights = np.minimum.accumulate(raised[::-1])[::-1] + steps
    for height, (value, name, color) in zip(heights, ordered, strict=True):
        place = {"xytext": (1.1, (height + 0.02) / 1.04), "va": "center"}
        look = {"color": color, "textcoords": axis.transAxes}
        # From the left end of the name, so that no line crosses another name.
        line = {"arrowstyle": "-", "color": color, "lw": 0.5, "relpos": (0, 0.5)}
        axis.annotate(name, xy=(right, value), arrowprops=line, **place, **look)


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
    figure, (axis,) = new_figure(4.7, 0.33 * len(pairs) + 1.5)
    rows = np.arange(len(pairs))[::-1]
    target = np.array(held_out)
    axis.barh(rows, within, left=target - within, height=0.62, color="0.9")
    axis.plot(target, rows, "|", color="0.25", markersize=20, markeredgewidth=2.4)
    for color, marker, (name, values) in in_turn(bounds.items()):
        shown = np.where(np.array(values) > 0.0, values, np.nan)
        axis.plot(shown, rows, marker, color=color, markersize=6, label=name)
    axis.set_yticks(rows, pairs)
    axis.set(xlim=(0.0, 1.0), xlabel=r"lower bound of $\phi(v)$")
    legend_outside(figure, loc="outside upper left")
    return figure


def plot_prices(prices: Sequence[Prices]) -> Figure:
    """Draw what bounds ask for against n, in logarithms, one panel below the other.

    What was measured is drawn thick, and bounds of a noisy defense are left out. Values
    that are not above zero have no logarithm, and values of one say nothing; both are
    left out.

    Args:
        prices: One record a panel, with the same bounds.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no record.
    """
    if not prices:
        raise ValueError("prices must be at least one record, got none.")
    num = len(prices)
    shared = {"sharex": True, "sharey": True}
    figure, axes = new_figure(4.7, 1.9 * num + 1.4, num, 1, **shared)
    for axis, of_dim in zip(axes, prices, strict=True):
        by_size = [
            {"regret": x.regret, "overfit": x.overfit, **x.prices} for x in of_dim.sizes
        ]
        sizes = [one.num for one in of_dim.sizes]
        names = [name for name in by_size[0] if not name.startswith("noisy")]
        for place, name in enumerate(names, start=-len(_MEASURED)):
            height = np.array([one[name] for one in by_size])
            shown = np.where((height > 0.0) & (height < 0.999), height, np.nan)
            _draw_curve(axis, place, sizes, shown, name)
        axis.set(xscale="log", yscale="log", ylabel=f"d = {of_dim.config.dim}")
        write_powers(axis)
    axes[-1].set_xlabel("n")
    legend_outside(figure)
    return figure
