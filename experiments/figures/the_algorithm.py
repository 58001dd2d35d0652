"""Relaxations of the indicator, ascents on them, and coverage with its bounds."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.solver_records import BudgetPoint
from paper_lib.defense.ramp import RampSolution
from paper_lib.plotting.style import COLORS, new_figure


def plot_relaxations(widths: Sequence[float] = (0.3, 0.1, 0.03)) -> Figure:
    """Draw the indicator, the paper's ramp and logistic functions, with their slopes.

    Args:
        widths: Widths of the logistic functions.

    Returns:
        The figure.
    """
    figure, axes = new_figure(9.0, 3.2, 1, 2)
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
    axes[1].text(-0.6, 4.0, "violated:\nthe ramp is flat", ha="center")
    for axis, name in zip(axes, ("value", "slope"), strict=True):
        axis.set(xlabel=r"slack $c^\top v + b$", ylabel=name)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure


def plot_ascents(ascents: Mapping[str, RampSolution]) -> Figure:
    """Draw how the ramp's value grows, step by step, and the count where it ends.

    Args:
        ascents: Ascents under their names, five at most.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(6.8, 3.4)
    for color, (name, ascent) in zip(COLORS, ascents.items(), strict=False):
        values = ascent.ramp_values.tolist()
        axis.plot(range(len(values)), values, color=color, label=name)
        axis.plot(len(values) - 1, ascent.coverage, "o", color=color)
    axis.set(xlabel="step", ylabel="mean ramp; dot: coverage", ylim=(-0.03, 1.03))
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def plot_certified_band(points: Sequence[BudgetPoint]) -> Figure:
    """Draw coverage against the budget, and the band that holds its maximum.

    Args:
        points: Shares at each budget, increasing.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(6.8, 3.8)
    budgets, lower, upper, ramp, none = np.array(
        [(at.epsilon, at.lower, at.upper, at.ramp, at.none) for at in points]
    ).T
    band = {"color": COLORS[4], "alpha": 0.4, "label": "holds the maximum"}
    axis.fill_between(budgets, lower, upper, **band)
    for name, values, color, marker in (
        ("found", lower, COLORS[2], "o"),
        ("ramp", ramp, COLORS[1], "v"),
        ("no defense", none, COLORS[0], "s"),
    ):
        axis.plot(budgets, values, color=color, marker=marker, ms=3, label=name)
    axis.set(xlabel=r"budget $\epsilon$ (pixels)", ylim=(-0.03, 1.03))
    axis.set_ylabel("share of training points")
    figure.legend(loc="outside right upper", frameon=False)
    return figure
