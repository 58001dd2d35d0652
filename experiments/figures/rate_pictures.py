"""Measured rates against n: the powers fitted to them, in pictures and a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.drawing import MARKERS, in_turn, new_figure
from experiments.figures.markdown import NOT_APPLICABLE, Row, tabulated
from experiments.populations.sample_rates import Rates
from experiments.populations.slopes import SlopeFit, fit_slope, paper_rate
from experiments.section5.rate_runs import RatePlan

# Dashes of the lines that are compared with.
_DASHES = (":", "-.", "--", (0, (1, 4)), (0, (5, 5)))


def plot_rates(
    panels: Mapping[str, Mapping[str, SlopeFit]],
    *,
    bounds: Mapping[str, Callable[[float], float]] | None = None,
) -> Figure:
    r"""Draw means against n, the power fitted to them, and what bounds them.

    A size whose mean is not above zero has no place on the axis: a cross at the lower
    edge marks it.

    Args:
        panels: What is measured, and for each the fits under their names, five at most.
        bounds: Functions of n to compare with; None: :math:`\sqrt{\log n / n}` alone.

    Returns:
        The figure, one panel below the other; :func:`slope_table` has the slopes.

    Raises:
        ValueError: If there is no panel, or a panel has no fit or more than five.
    """
    if not panels or not all(1 <= len(fits) <= 5 for fits in panels.values()):
        raise ValueError(
            "panels must be at least one, each of one to five fits, got "
            f"{[len(fits) for fits in panels.values()]}."
        )
    lines = {r"$\sqrt{\log n / n}$": paper_rate} if bounds is None else bounds
    corner = {"loc": "lower left", "frameon": False}
    figure, axes = new_figure(4.7, 2.2 * len(panels) + 0.5, len(panels), 1)
    for axis, (title, fits) in zip(axes, panels.items(), strict=True):
        for color, marker, (name, fit) in in_turn(fits.items()):
            _draw_fit(axis, name, fit, color, marker)
        sizes = [n for fit in fits.values() for n in fit.sizes + fit.left_out]
        along = np.geomspace(min(sizes), max(sizes), 100)
        axis.legend(labelspacing=0.15, handlelength=1, borderaxespad=0.1, **corner)
        for dashes, (name, bound) in zip(_DASHES, lines.items(), strict=False):
            heights = [bound(float(n)) for n in along]
            axis.plot(along, heights, linestyle=dashes, color="0.5", label=name)
        axis.set(xscale="log", yscale="log", ylabel=title)
        write_powers(axis)
    axes[-1].set_xlabel("n")
    below = {"loc": "outside lower center", "ncols": 2, "frameon": False}
    figure.legend(handles=axes[0].lines[-len(lines) :], **below)
    return figure


def plot_ramp_floor(
    floors: Mapping[float, float], measured: Mapping[str, tuple[float, float]]
) -> Figure:
    r"""Draw the floor of the ramp's regret against the scale of the logit.

    Args:
        floors: The floor at each scale, increasing.
        measured: Under each name a scale and a mean regret; five at most.

    Returns:
        The figure; scales are logarithmic, regrets are not.

    Raises:
        ValueError: If there is no floor, or more than five are measured.
    """
    if not floors or len(measured) > len(MARKERS):
        raise ValueError(
            f"floors must be at least one and measured at most {len(MARKERS)}, got "
            f"{len(floors)} and {len(measured)}."
        )
    figure, (axis,) = new_figure(4.7, 2.8)
    axis.plot(list(floors), list(floors.values()), color="0.5", label="floor")
    for color, marker, (name, (scale, regret)) in in_turn(measured.items()):
        axis.plot(scale, regret, marker, color=color, ms=7, mfc="none", label=name)
    axis.set(xscale="log", xlabel="scale of the logit", ylabel="regret of the ramp")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_ylim(bottom=0.0)
    axis.legend(frameon=False, loc="upper right")
    return figure


def fit_rates(
    plans: Sequence[RatePlan], rates: Sequence[Rates], *, smallest: int
) -> dict[tuple[str, str], SlopeFit]:
    """Fit a power of n to the mean regrets and deviations of each plan.

    Args:
        plans: What was measured.
        rates: The rates of each.
        smallest: The least n that is fitted to.

    Returns:
        The fits, under a plan's population and solver, and what was measured.
    """
    fits = {}
    for plan, found in zip(plans, rates, strict=True):
        title = f"{plan.kind}, d = {plan.dim}, {plan.solver}"
        measured = {"regret": found.regrets()}
        if plan.with_deviations:
            measured["deviation"] = found.deviations()
        for name, values in measured.items():
            fits[title, name] = fit_slope(plan.sizes, values, smallest=smallest)
    return fits


@tabulated("lrlrrrl")
def slope_table(
    plans: Sequence[RatePlan],
    rates: Sequence[Rates],
    fits: Mapping[tuple[str, str], SlopeFit],
) -> Iterator[Row]:
    """Set the slopes of all plans beside each other.

    Args:
        plans: What was measured.
        rates: The rates of each.
        fits: Of :func:`fit_rates`.

    Yields:
        Each plan. Its last column says whether the interval holds -2/3, the power of
        maximizers of smooth populations.
    """
    for plan, found in zip(plans, rates, strict=True):
        title = f"{plan.kind}, d = {plan.dim}, {plan.solver}"
        regret, deviation = fits[title, "regret"], fits.get((title, "deviation"))
        low, high = regret.interval
        within = "inside" if low <= -2 / 3 <= high else "outside"
        smooth = plan.kind != "finite" and plan.solver != "ramp"
        other = slope_text(deviation) if deviation else "not computed"
        yield {
            "rows": plan.kind,
            "d": plan.dim,
            "solver": plan.solver,
            "$\\phi(v^*)$": f"{found.best.coverage:.3f}",
            "regret, slope": slope_text(regret),
            "largest deviation, slope": other,
            "$-2/3$": within if smooth else NOT_APPLICABLE,
        }


def slope_text(fit: SlopeFit) -> str:
    """Write a slope with its interval.

    Args:
        fit: The fit.

    Returns:
        Two decimals, a minus sign that is one.
    """
    low, high = fit.interval
    text = f"{fit.slope:.2f} [{low:.2f}, {high:.2f}]"
    return text.replace("-", "\N{MINUS SIGN}")


def write_powers(axis: Axes) -> None:
    """Write the ticks of logarithmic axes in full: exponents are too small on a phone.

    Args:
        axis: The axes; both are logarithmic.
    """
    for one, form in ((axis.xaxis, "{x:,g}"), (axis.yaxis, "{x:g}")):
        one.set_major_formatter(form)
        one.set_minor_formatter("")


def _draw_fit(axis: Axes, name: str, fit: SlopeFit, color: str, marker: str) -> None:
    """Draw means with their intervals, the fitted line, and what was left out."""
    means = np.array(fit.means)
    low, high = np.array(fit.mean_intervals).T
    # The interval of a mean may reach zero: its bar then leaves the picture.
    bars = np.stack([means - low, high - means]).clip(min=0.0)
    look = {"fmt": marker, "color": color, "markersize": 4, "capsize": 2}
    axis.errorbar(fit.sizes, means, yerr=bars, label=name, **look)
    fitted = [n for n in fit.sizes if n >= fit.smallest]
    ends = np.array([min(fitted), max(fitted)])
    axis.plot(ends, [fit.at(float(n)) for n in ends], color=color, linewidth=1)
    edge, heights = axis.get_xaxis_transform(), [0.02] * len(fit.left_out)
    axis.plot(fit.left_out, heights, "x", color=color, transform=edge)
