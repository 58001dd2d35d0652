"""Pictures of how far f is from its tangent: shares, errors, plays, classifiers."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.assumption.agreement_runs import AgreementResult
from experiments.assumption.closeness import ChurchWindows
from experiments.assumption.closeness_runs import ClosenessResult
from experiments.assumption.linearity_summary import (
    KINDS,
    One,
    kept_shares,
    lost,
    of_set,
    over_pairs,
    shares,
)
from experiments.figures.drawing import (
    COLORS,
    GREEN,
    in_turn,
    legend_outside,
    new_figure,
)

SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
# Of each kind of points.
_FILLS = (GREEN, COLORS[2], "#DDDDDD", COLORS[3], COLORS[1])


def by_title(results: Sequence[One]) -> list[tuple[str, list[One]]]:
    """Part records by data set.

    Args:
        results: The records.

    Returns:
        What a reader calls each data set, and its records.
    """
    return [(title, of_set(results, dataset)) for dataset, title in SETS.items()]


def plot_shares(results: Sequence[AgreementResult]) -> Figure:
    r"""Draw against the budget at which points f and its tangent have one sign.

    The shares of points, up to the largest budget at which all networks were searched,
    and at the budget of Table 1; below what SMOOTH keeps of the tangents, and between
    what lies what it keeps of f itself.

    Args:
        results: The records of one network, on pairs of both data sets.

    Returns:
        The figure, a row of shares for each data set.
    """
    figure, axes = plt.subplot_mosaic(
        "AAB;CCD;EFF", width_ratios=(3, 2, 1), figsize=(4.7, 6.9), layout="constrained"
    )
    plt.close(figure)
    panels = zip(by_title(results), ("ABE", "CDF"), strict=True)
    for (title, some), (shares_at, bar_at, coverage_at) in panels:
        _draw_shares(axes[shares_at], some, title)
        _draw_table_1(axes[bar_at], some)
        _draw_coverage(axes[coverage_at], some, title)
    axes["E"].set_ylabel("share SMOOTH keeps")
    legend_outside(figure, 1, loc="outside upper left")
    return figure


def _draw_shares(axis: Axes, results: Sequence[AgreementResult], title: str) -> None:
    tried = results[0].config.budgets
    budgets = np.geomspace(tried[0], tried[-1], 200).tolist()
    # Budgets, networks, kinds.
    parts = [[[*shares(one, at).values()] for one in results] for at in budgets]
    look = {"labels": KINDS, "colors": _FILLS, "alpha": 0.85, "lw": 0}
    axis.stackplot(budgets, np.mean(parts, 1).T, **look)
    found = [np.mean([lost(one, at) for one in results]) for at in budgets]
    label = "found, of all points searched"
    axis.plot(budgets, 1.0 - np.array(found), "--", color=COLORS[0], lw=1, label=label)
    axis.set(xscale="log", xlim=(tried[0], tried[-1]), ylim=(0, 1))
    axis.set(ylabel=title, xlabel=r"budget $\epsilon$ (pixels)")
    _plain_ticks(axis, tried)


def _draw_table_1(axis: Axes, results: Sequence[AgreementResult]) -> None:
    """Stack the shares at each network's own budget."""
    parts = np.mean([[*shares(one, one.epsilon).values()] for one in results], 0)
    below = np.cumsum(parts) - parts
    axis.bar(np.zeros(len(parts)), parts, 0.8, below, color=_FILLS, alpha=0.85)
    axis.set(ylim=(0, 1), yticks=[], xlabel="budget")
    axis.set_xticks([0], ["Table 1"])


def _mark_table(axis: Axes, budgets: Sequence[float], height: float) -> None:
    """Shade what both players reach with the budgets of Table 1."""
    low, high = 2.0 * min(budgets), 2.0 * max(budgets)
    axis.axvspan(low, high, color=COLORS[0], alpha=0.18, lw=0)
    style = {"ha": "center", "transform": axis.get_xaxis_transform()}
    axis.text(np.sqrt(low * high), height, "Table 1", **style)


def _plain_ticks(axis: Axes, ticks: Sequence[float]) -> None:
    # A name would run into that of a tick so near.
    apart = [tick >= 1.6 * before for before, tick in pairwise((0.0, *ticks))]
    names = [f"{tick:g}" * shown for tick, shown in zip(ticks, apart, strict=True)]
    axis.set_xticks(ticks, names)
    axis.minorticks_off()


def _draw_coverage(axis: Axes, results: Sequence[AgreementResult], title: str) -> None:
    num_budgets = len(results[0].defenses)
    dot = {"fmt": "o", "ms": 4, "capsize": 2}
    names = [f"{one.epsilon:g}" for one in results[0].defenses[:-1]] + ["Table\n1"]
    for place in range(num_budgets):
        kept, low, high = (
            over_pairs(results, lambda one, at=place, k=k: kept_shares(one, at)[k])
            for k in range(3)
        )
        axis.bar(place, high.mean - low.mean, 0.5, low.mean, color=COLORS[4], alpha=0.6)
        axis.plot(place + np.array([-0.25, 0.25]), [high.mean] * 2, color=COLORS[2])
        ends = [[kept.mean - kept.low], [kept.high - kept.mean]]
        axis.errorbar([place], [kept.mean], ends, color=COLORS[1], **dot)
    axis.set(ylim=(-0.03, 1.03), xlabel=r"budget $\epsilon$", title=title)
    axis.set_xticks(range(num_budgets), names)


def plot_closeness(results: Sequence[ClosenessResult]) -> Figure:
    """Draw the error of the tangent against distance, and where signs first differ.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        The figure, one panel below the other: errors, then shares of segments.
    """
    figure, axes = new_figure(4.7, 7.9, 4)
    for row, (title, some) in enumerate(by_title(results)):
        _draw_errors(axes[row], some, title)
        _draw_first(axes[2 + row], some, title)
    legend_outside(figure, loc="outside upper left")
    return figure


_DIRECTIONS = {
    "worst": (COLORS[1], "the worst found"),
    "FGM": (COLORS[2], "along FGM"),
    "random": (COLORS[3], "at random"),
}


def _draw_errors(axis: Axes, results: Sequence[ClosenessResult], title: str) -> None:
    distances = results[0].config.distances
    for _, marker, (name, (color, label)) in in_turn(_DIRECTIONS.items()):
        found = [
            [at.quartiles for at in one.errors if at.direction == name]
            for one in results
        ]
        low, middle, high = np.mean(found, 0).T
        axis.fill_between(distances, low, high, color=color, alpha=0.2)
        axis.plot(distances, middle, color=color, marker=marker, ms=4, label=label)
    axis.axhline(1.0, color=COLORS[0], lw=0.8, ls=":")
    _mark_table(axis, [one.epsilon for one in results], 0.04)
    axis.set(xscale="log", yscale="log", ylabel=title)
    axis.set_xlabel("distance from the point (pixels)")
    axis.yaxis.set_major_formatter("{x:g}")
    _plain_ticks(axis, distances)


def _draw_first(axis: Axes, results: Sequence[ClosenessResult], title: str) -> None:
    for name, (color, _) in _DIRECTIONS.items():
        walks = [at for one in results for at in one.walks if at.direction == name]
        firsts = [first for walk in walks for first in walk.first]
        if firsts:
            lengths = np.sort([np.inf if at is None else at for at in firsts])
            reached = np.arange(1, len(lengths) + 1) / len(lengths)
            axis.step(lengths, reached, color=color, where="post")
    _mark_table(axis, [one.epsilon for one in results], 0.3)
    axis.set(xscale="log", xlim=(0.1, 16), ylim=(-0.03, 1.03), ylabel=title)
    axis.set_xlabel("length of the segment (pixels)")
    _plain_ticks(axis, (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0))


def plot_plays(results: Sequence[ClosenessResult]) -> Figure:
    """Draw for each pair where f and its tangent part about the plays of the tables.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        The figure, a panel for each data set: to the right points that only the tangent
        keeps, to the left those that only f keeps.
    """
    figure, axes = new_figure(4.7, 6.2, 2, sharex=True)
    for axis, (title, some) in zip(axes, by_title(results), strict=True):
        pairs = list(dict.fromkeys(one.config.classes for one in some))
        of_pair = [[x for x in some if x.config.classes == pair] for pair in pairs]
        # Without either move there is nothing to part about.
        for color, marker, place in in_turn(range(1, 6)):
            play = some[0].plays[place]
            look = {"color": color, "ms": 5, "label": f"{play.attack}, {play.defense}"}
            for sign, name in ((1, "only_tangent"), (-1, "only_f")):
                means = [
                    sign * np.mean([getattr(one.plays[place], name) for one in own])
                    for own in of_pair
                ]
                axis.plot(means, range(len(pairs)), marker, **look)
        axis.axvline(0.0, color=COLORS[0], lw=0.8)
        axis.set(title=title, xlim=(-0.62, 0.62))
        ticks = [-0.5, -0.25, 0, 0.25, 0.5]
        axis.set_xticks(ticks, [f"{abs(tick):g}" for tick in ticks])
        axis.grid(axis="y", alpha=0.3)
        axis.set_yticks(range(len(pairs)), [f"{one}-{two}" for one, two in pairs])
        axis.set_ylabel("classes")
    axes[-1].set_xlabel("only f keeps | only the tangent keeps")
    legend_outside(figure)
    return figure


def plot_variations(results: Mapping[str, Sequence[AgreementResult]]) -> Figure:
    """Draw how the agreement moves with the classifier.

    Args:
        results: The records of each variation, by its name.

    Returns:
        The figure, a line for each variation.
    """
    figure, axes = new_figure(4.7, 1.7 + 0.27 * len(results), 1, 3, sharey=True)
    places = range(len(results))
    columns = (
        ("test\naccuracy", lambda one: one.accuracy),
        ("lost at\na quarter", lambda one: lost(one, one.epsilon / 4)),
        ("budget\nproven", _median_proven),
    )
    for axis, (label, value) in zip(axes, columns, strict=True):
        for place, some in zip(places, results.values(), strict=True):
            for color, marker, one in in_turn(some):
                classes = "-".join(map(str, one.config.classes))
                look = {"ms": 5, "label": f"{SETS[one.config.dataset]} {classes}"}
                axis.plot(value(one), place, marker, color=color, **look)
        axis.set_xlabel(label)
        axis.xaxis.set_major_locator(MaxNLocator(2))
        axis.grid(axis="y", alpha=0.3)
    axes[0].set_yticks(places, results)
    axes[0].invert_yaxis()
    legend_outside(figure)
    return figure


def _median_proven(result: AgreementResult) -> float:
    return float(np.median(result.proven)) if result.proven else math.nan


def plot_windows(windows: ChurchWindows, *, columns: int = 4) -> Figure:
    """Draw church windows: the class f gives, and the boundary of the tangent.

    Args:
        windows: The windows.
        columns: How many side by side.

    Returns:
        The figure; above each window the share in which the signs differ.
    """
    rows = -(-len(windows.values) // columns)
    figure, axes = new_figure(1.17 * columns, 1.4 * rows, rows, columns)
    each = zip(windows.values, windows.tangents, windows.areas, strict=True)
    for axis, (values, tangents, area) in zip(axes, each, strict=False):
        own = values[len(values) // 2, len(values) // 2].sign()
        ticks = np.linspace(-windows.epsilon, windows.epsilon, len(values))
        other = (values * own < 0).double().numpy()
        axis.contourf(ticks, ticks, other, [0.5, 1.5], colors=[COLORS[4]])
        if bool((tangents.sign() != tangents[0, 0].sign()).any()):
            line = {"levels": [0.0], "colors": [COLORS[1]], "linewidths": 2}
            axis.contour(ticks, ticks, tangents.numpy(), **line)
        axis.plot(0, 0, ".", color=COLORS[0])
        axis.set_title(f"{100 * float(area):.1f}%", fontsize="medium")
        axis.set(aspect="equal", xticks=[], yticks=[])
    for axis in axes[len(windows.values) :]:
        axis.remove()
    return figure
