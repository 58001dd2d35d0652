"""Pictures of how far f is from its tangent: shares, errors, plays."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.assumption.agreement_runs import AgreementResult
from experiments.assumption.closeness_runs import ClosenessResult
from experiments.assumption.linearity_summary import (
    KINDS,
    Interval,
    lost,
    of_set,
    over_pairs,
    shares,
)
from paper_lib.plotting.style import COLORS, MARKERS, new_figure

SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
_FILLS = dict(
    zip(KINDS, ("#009E73", COLORS[2], "#DDDDDD", COLORS[3], COLORS[1]), strict=True)
)


def plot_shares(results: Sequence[AgreementResult]) -> Figure:
    r"""Draw against the budget at which points f and its tangent have one sign.

    The shares of points, up to the largest budget at which all networks were searched,
    and at the budget of Table 1; below what SMOOTH keeps of the tangents, and between
    what lies what it keeps of f itself.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        The figure, a row of shares for each data set.
    """
    figure, axes = plt.subplot_mosaic(
        "AAB;CCD;EFF", width_ratios=(3, 2, 1), figsize=(4.7, 6.9), layout="constrained"
    )
    plt.close(figure)
    panels = zip(SETS.items(), ("AB", "CD"), "EF", strict=True)
    for (dataset, title), (shares_at, bar_at), coverage_at in panels:
        some = of_set(results, dataset)
        _draw_shares(axes[shares_at], some, title)
        _draw_table_1(axes[bar_at], some)
        _draw_coverage(axes[coverage_at], some, title)
    axes["E"].set_ylabel("share SMOOTH keeps")
    handles = axes["A"].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper left", frameon=False)
    return figure


def _draw_shares(axis: Axes, results: Sequence[AgreementResult], title: str) -> None:
    tried = results[0].config.budgets
    budgets = np.geomspace(tried[0], tried[-1], 200).tolist()
    # Budgets, networks, kinds.
    parts = [[[*shares(one, at).values()] for one in results] for at in budgets]
    colors = [_FILLS[kind] for kind in KINDS]
    axis.stackplot(
        budgets, np.mean(parts, 1).T, labels=KINDS, colors=colors, alpha=0.85, lw=0
    )
    found = [np.mean([lost(one, at) for one in results]) for at in budgets]
    label = "found, of all points searched"
    axis.plot(budgets, 1.0 - np.array(found), "--", color=COLORS[0], lw=1, label=label)
    axis.set(xscale="log", xlim=(tried[0], tried[-1]), ylim=(0, 1))
    axis.set_ylabel(title)
    axis.set_xlabel(r"budget $\epsilon$ (pixels)")
    _plain_ticks(axis, tried)


def _draw_table_1(axis: Axes, results: Sequence[AgreementResult]) -> None:
    """Stack the shares at each network's own budget."""
    below = 0.0
    parts = np.mean([[*shares(one, one.epsilon).values()] for one in results], 0)
    for kind, share in zip(KINDS, parts.tolist(), strict=True):
        axis.bar(0, share, 0.8, below, color=_FILLS[kind], alpha=0.85)
        below += share
    axis.set(ylim=(0, 1), yticks=[], xlabel="budget")
    axis.set_xticks([0], ["Table 1"])


def _mark_table(axis: Axes, budgets: Sequence[float], height: float) -> None:
    """Shade what both players reach with the budgets of Table 1."""
    low, high = 2.0 * min(budgets), 2.0 * max(budgets)
    axis.axvspan(low, high, color=COLORS[0], alpha=0.18, lw=0)
    style = {"ha": "center", "transform": axis.get_xaxis_transform()}
    axis.text(np.sqrt(low * high), height, "Table 1", **style)


def _plain_ticks(axis: Axes, ticks: Sequence[float]) -> None:
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()


def _draw_coverage(axis: Axes, results: Sequence[AgreementResult], title: str) -> None:
    num_budgets = len(results[0].defenses)
    names = [f"{one.epsilon:g}" for one in results[0].defenses[:-1]] + ["Table\n1"]
    for place in range(num_budgets):
        low, high, kept = (
            over_pairs(results, lambda one, of=of, at=place: of(one, at))
            for of in (_safe, _unflipped, _kept)
        )
        axis.bar(place, high.mean - low.mean, 0.5, low.mean, color=COLORS[4], alpha=0.6)
        axis.plot(place + np.array([-0.25, 0.25]), [high.mean] * 2, color=COLORS[2])
        _point(axis, float(place), kept, COLORS[1])
    axis.set(ylim=(-0.03, 1.03), xlabel=r"budget $\epsilon$", title=title)
    axis.set_xticks(range(num_budgets), names)


def _safe(result: AgreementResult, place: int) -> float:
    return result.defenses[place].safe / len(result.proven)


def _unflipped(result: AgreementResult, place: int) -> float:
    return 1.0 - result.defenses[place].flipped / len(result.proven)


def _kept(result: AgreementResult, place: int) -> float:
    return result.defenses[place].kept / len(result.proven)


def _point(axis: Axes, place: float, at: Interval, color: str) -> None:
    ends = [[at.mean - at.low], [at.high - at.mean]]
    axis.errorbar([place], [at.mean], ends, fmt="o", color=color, ms=4, capsize=2)


def plot_closeness(results: Sequence[ClosenessResult]) -> Figure:
    """Draw the error of the tangent against distance, and where signs first differ.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        The figure, one panel below the other: errors, then shares of segments.
    """
    figure, axes = new_figure(4.7, 7.9, 4)
    for row, (dataset, title) in enumerate(SETS.items()):
        some = of_set(results, dataset)
        _draw_errors(axes[row], some, title)
        _draw_first(axes[2 + row], some, title)
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper left", ncols=2, frameon=False)
    return figure


_DIRECTIONS = {
    "worst": (COLORS[1], "the worst found"),
    "FGM": (COLORS[2], "along FGM"),
    "random": (COLORS[3], "at random"),
}


def _draw_errors(axis: Axes, results: Sequence[ClosenessResult], title: str) -> None:
    distances = results[0].config.distances
    for marker, (name, (color, label)) in zip(
        MARKERS, _DIRECTIONS.items(), strict=False
    ):
        quartiles = np.array(
            [
                [at.quartiles for at in one.errors if at.direction == name]
                for one in results
            ]
        ).mean(0)
        axis.fill_between(
            distances, quartiles[:, 0], quartiles[:, 2], color=color, alpha=0.2
        )
        axis.plot(
            distances, quartiles[:, 1], color=color, marker=marker, ms=4, label=label
        )
    axis.axhline(1.0, color=COLORS[0], lw=0.8, ls=":")
    _mark_table(axis, [one.epsilon for one in results], 0.04)
    axis.set(xscale="log", yscale="log", ylabel=title)
    axis.set_xlabel("distance from the point (pixels)")
    axis.yaxis.set_major_formatter("{x:g}")
    _plain_ticks(axis, distances)


def _draw_first(axis: Axes, results: Sequence[ClosenessResult], title: str) -> None:
    for name, (color, _) in _DIRECTIONS.items():
        firsts = [
            at.first for one in results for at in one.walks if at.direction == name
        ]
        if firsts:
            lengths = np.sort([np.inf if at is None else at for at in sum(firsts, ())])
            axis.step(
                lengths,
                np.arange(1, len(lengths) + 1) / len(lengths),
                color=color,
                where="post",
            )
    _mark_table(axis, [one.epsilon for one in results], 0.3)
    axis.set(
        xscale="log",
        xlim=(0.1, 16),
        ylim=(-0.03, 1.03),
        ylabel=title,
    )
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
    for axis, (dataset, title) in zip(axes, SETS.items(), strict=True):
        some = of_set(results, dataset)
        pairs = list(dict.fromkeys(one.config.classes for one in some))
        # Without either move there is nothing to part about.
        for place, (color, marker) in enumerate(
            zip(COLORS, MARKERS, strict=True), start=1
        ):
            play = some[0].plays[place]
            label = f"{play.attack}, {play.defense}"
            for sign, name in ((1, "only_tangent"), (-1, "only_f")):
                means = [
                    sign
                    * np.mean(
                        [
                            getattr(one.plays[place], name)
                            for one in some
                            if one.config.classes == pair
                        ]
                    )
                    for pair in pairs
                ]
                style = {"color": color, "ms": 5, "label": label if sign > 0 else None}
                axis.plot(means, range(len(pairs)), marker, **style)
        axis.axvline(0.0, color=COLORS[0], lw=0.8)
        axis.set(title=title, xlim=(-0.62, 0.62))
        axis.set_xticks(
            [-0.5, -0.25, 0, 0.25, 0.5], ["0.5", "0.25", "0", "0.25", "0.5"]
        )
        axis.grid(axis="y", alpha=0.3)
        axis.set_yticks(range(len(pairs)), [f"{one}-{two}" for one, two in pairs])
        axis.set_ylabel("classes")
    axes[-1].set_xlabel("only f keeps | only the tangent keeps")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    return figure
