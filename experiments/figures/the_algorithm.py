"""Solvers in pictures and tables: coverage, proofs, relaxations, ascents and aims."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.answering import Sheet, draw_sheet, signed_levels
from experiments.figures.drawing import COLORS, WIDTH, legend_outside, new_figure
from experiments.figures.markdown import Row, tabulated
from experiments.figures.solver_records import (
    BudgetCurve,
    Comparison,
    FollowedPath,
    LongSearch,
)
from experiments.store.byte_images import unpack_signed
from paper_lib.defense.ramp import RampSolution

# What is drawn of an instance: its label, its mark and its color.
_MARKS = {
    "no defense": ("no defense", "s", "gray"),
    "ramp, raw rows": ("the paper's ascent", "v", COLORS[1]),
    "search": ("search", "o", COLORS[2]),
    "moments": ("no v covers more", "|", COLORS[0]),
    "pairs": ("bound from pairs", "|", "gray"),
}


def plot_solvers(records: Sequence[Comparison]) -> Figure:
    """Draw for each instance what solvers cover and what no perturbation exceeds.

    Args:
        records: The comparisons, a row each, from the top.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(WIDTH, 1.4 + 0.19 * len(records))
    rows = np.arange(len(records))
    counts = {name: [one.percents[name] for one in records] for name in _MARKS}
    axis.hlines(rows, counts["moments"], counts["pairs"], color="gray", linewidth=1)
    left = {"color": COLORS[4], "linewidth": 5, "label": "left open"}
    axis.hlines(rows, counts["search"], counts["moments"], **left)
    for name, (label, marker, color) in _MARKS.items():
        style = {"markersize": 10 if marker == "|" else 5, "markeredgewidth": 1.5}
        axis.plot(counts[name], rows, marker, color=color, label=label, **style)
    axis.set_yticks(rows, [one.name for one in records])
    axis.set(ylim=(len(records) - 0.4, -0.6), xlim=(0, 100))
    axis.set_xlabel("% of training points covered")
    axis.grid(axis="x", alpha=0.3)
    legend_outside(figure, loc="outside upper center")
    return figure


def plot_relaxations(widths: Sequence[float] = (0.3, 0.1, 0.03)) -> Figure:
    """Draw the indicator, the paper's ramp and logistic functions, with their slopes.

    Args:
        widths: Widths of the logistic functions.

    Returns:
        The figure: values above, slopes below.
    """
    figure, axes = new_figure(WIDTH, 3.9, 2, 1, sharex=True)
    slack = np.linspace(-1.2, 1.6, 1401)
    axes[0].plot(slack, slack >= 0, color=COLORS[0], label="indicator")
    axes[0].plot(slack, slack.clip(0.0, 1.0), color=COLORS[1], label="ramp")
    on_slope = (slack > 0) & (slack < 1)
    axes[1].plot(slack, on_slope, color=COLORS[1])
    for width, line in zip(widths, ("-", "--", ":"), strict=False):
        level = 1.0 / (1.0 + np.exp(-slack / width))
        name = f"logistic, width {width:g}"
        axes[0].plot(slack, level, line, color=COLORS[2], label=name)
        axes[1].plot(slack, level * (1.0 - level) / width, line, color=COLORS[2])
    axes[1].axvspan(-1.2, 0.0, color=COLORS[3], alpha=0.2)
    axes[1].text(-0.7, 4.0, "violated:\nthe ramp is flat", ha="center")
    axes[1].set_xlabel(r"slack $c^\top v + b$")
    for axis, name in zip(axes, ("value", "slope"), strict=True):
        axis.set_ylabel(name)
    legend_outside(figure)
    return figure


def plot_ascents(ascents: Mapping[str, RampSolution]) -> Figure:
    """Draw how the ramp's value grows, step by step, and the count where it ends.

    Args:
        ascents: Ascents under their names, five at most.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(WIDTH, 3.3)
    for color, (name, ascent) in zip(COLORS, ascents.items(), strict=False):
        values = ascent.ramp_values.tolist()
        axis.plot(range(len(values)), values, color=color, label=name)
        axis.plot(len(values) - 1, ascent.coverage, "o", color=color)
    axis.set(xlabel="step", ylabel="mean ramp; dot: coverage", ylim=(-0.03, 1.03))
    axis.legend(loc="lower right", frameon=False)
    return figure


def plot_certified_bands(curves: Sequence[BudgetCurve]) -> Figure:
    """Draw coverage against the budget, and the band that holds its maximum.

    Args:
        curves: Shares at increasing budgets, a panel each, from the left.

    Returns:
        The figure.
    """
    figure, axes = new_figure(WIDTH, 3.3, 1, len(curves), sharey=True)
    for axis, curve in zip(axes, curves, strict=True):
        budgets, lower, upper, ramp, none = np.array(
            [(at.epsilon, at.lower, at.upper, at.ramp, at.none) for at in curve.points]
        ).T
        band = {"color": COLORS[4], "alpha": 0.4, "label": "holds the maximum"}
        axis.fill_between(budgets, lower, upper, **band)
        for name, values, color, marker in (
            ("found", lower, COLORS[2], "o"),
            ("ramp", ramp, COLORS[1], "v"),
            ("no defense", none, COLORS[0], "s"),
        ):
            axis.plot(budgets, values, color=color, marker=marker, ms=3, label=name)
        axis.set(ylim=(-0.03, 1.03), xlabel=r"budget $\epsilon$ (pixels)")
        axis.set_title(curve.instance.pair, fontsize=10)
    axes[0].set_ylabel("share covered")
    legend_outside(figure)
    return figure


def draw_budget_images(rows: Sequence[Sequence[str]]) -> Sheet:
    """Draw what was found at each budget, a column each.

    Args:
        rows: As ``load_budget_images`` reads them.

    Returns:
        The images, each darkest where it is largest.
    """
    tiles = [
        ((column, row), signed_levels(unpack_signed(levels, 1.0).numpy(), 1.0))
        for row, line in enumerate(rows)
        for column, levels in enumerate(line)
    ]
    return draw_sheet(tiles, len(rows[0]), len(rows))


# The aims that were set before the runs; those of the benchmark are its constants.
GAP_AIM, GAIN_AIM, DISTANCE_AIM, TIME_AIM, PATH_AIM = 1.0, 1.5, 0.1, 2.0, 4.0
MET, MISSED = "✓ met", "✗ missed"


@tabulated()
def solver_table(
    records: Sequence[Comparison], longer: Sequence[LongSearch]
) -> Iterator[Row]:
    """Put all that is stored of each instance on one line.

    Args:
        records: The comparisons.
        longer: The second run, of the same instances in any order.

    Yields:
        For each instance a cell a method: percent covered, percent held out, seconds;
        a cell a bound: percent, gap in points; and what the second run counted.
    """
    again = {one.name: one for one in longer}
    for one in records:
        row = {"instance": one.name}
        for name, found in one.methods.items():
            row[name] = _lines(one.percents[name], 100 * found.holdout, found.seconds)
        for name, bound in one.bounds.items():
            percents = _lines(one.percents[name], one.percent(one.gap(name)))
            row[name] = f"{percents}<br>{bound.seconds:.0f}"
        row["ratio"] = f"{one.gap('moments') / one.gap('pairs'):.2f}"
        second = again[one.name]
        row["second run"] = "<br>".join(
            map(str, [*second.counts.values(), second.best])
        )
        row["its figures"] = _lines(second.gain, second.distance, second.time_ratio)
        yield row


def _lines(*figures: float) -> str:
    return "<br>".join(f"{figure:.2f}" for figure in figures)


@tabulated("lrrl")
def aims_table(
    records: Sequence[Comparison],
    longer: Sequence[LongSearch],
    followed: Sequence[FollowedPath],
) -> Iterator[Row]:
    """Judge every aim that was set before the runs.

    Args:
        records: The comparisons.
        longer: Ten minutes of search for each instance.
        followed: Families of budgets.

    Yields:
        A row for each aim.
    """
    gap = min(one.percent(one.gap("moments")) for one in records)
    gain = median(one.gain for one in longer)
    left = max(one.distance for one in longer)
    time = max(one.time_ratio for one in longer)
    gains = [gain for one in followed for gain in one.gains]
    lost = sum(gain < 0 for gain in gains)
    slowest = max(one.ratio for one in followed)
    yield _aim("smallest gap, points", gap, "at most", GAP_AIM)
    yield _aim("median gain over the ramp, points", gain, "at least", GAIN_AIM)
    yield _aim("most that ten minutes add, points", left, "at most", DISTANCE_AIM)
    yield _aim("longest time to the ramp's", time, "at most", TIME_AIM)
    yield _aim("longest time of a path, in single searches", slowest, "below", PATH_AIM)
    what = f"budgets of {len(gains)} at which a path loses rows"
    yield _aim(what, lost, "at most", 0)


def _aim(what: str, figure: float | int, side: str, aim: float | int) -> Row:
    """Write an aim, what came out, and whether that is on the right side of it."""
    met = {"at most": figure <= aim, "at least": figure >= aim, "below": figure < aim}
    return {
        "what": what,
        "aim": f"{side} {aim:g}",
        "came out": f"{figure:.2f}" if isinstance(figure, float) else f"{figure}",
        "verdict": MET if met[side] else MISSED,
    }
