"""Rates in pictures and a table: what was measured, and the powers fitted to it."""

import numpy as np
import pytest
import torch

from experiments.figures.rate_pictures import (
    fit_rates,
    plot_ramp_floor,
    plot_rates,
    slope_table,
    slope_text,
)
from experiments.populations.distributions import PopulationMaximum
from experiments.populations.sample_methods import Bracket
from experiments.populations.sample_rates import Draw, Rates
from experiments.populations.slopes import fit_slope, paper_rate
from experiments.section5.rate_runs import RatePlan

ROWS = [[0.2, 0.3], [0.1, 0.15], [0.0, 0.0], [0.02, 0.04]]
FIT = fit_slope([10, 30, 100, 300], ROWS, smallest=30)


def test_a_figure_holds_means_line_and_what_was_left_out():
    figure = plot_rates({"deviation": {"some": FIT}, "regret": {"same": FIT}})
    top, below = figure.axes
    assert (top.get_ylabel(), below.get_ylabel()) == ("deviation", "regret")
    assert top.get_position().y0 > below.get_position().y1
    (bars,) = top.containers
    np.testing.assert_allclose(bars.lines[0].get_xydata()[:, 1], [0.25, 0.125, 0.03])
    lines = [line.get_xydata() for line in top.lines]
    fitted = np.array([[30, FIT.at(30)], [300, FIT.at(300)]])
    assert any(line.shape == (2, 2) and np.allclose(line, fitted) for line in lines)
    assert any(line.shape == (1, 2) and line[0, 0] == 100 for line in lines)
    reference = [line for line in lines if len(line) == 100]
    assert len(reference) == 1
    np.testing.assert_allclose(
        reference[0][:, 1], [paper_rate(n) for n in reference[0][:, 0]]
    )
    assert [t.get_text() for t in top.get_legend().get_texts()] == ["some"]
    (shared,) = figure.legends
    assert [t.get_text() for t in shared.get_texts()] == [r"$\sqrt{\log n / n}$"]


def test_bounds_take_the_place_of_the_rate():
    figure = plot_rates({"one": {"some": FIT}}, bounds={"a half": lambda _: 0.5})
    assert figure.legends[0].get_texts()[0].get_text() == "a half"
    flat = [line for line in figure.axes[0].lines if len(line.get_xydata()) == 100]
    assert [set(line.get_ydata()) for line in flat] == [{0.5}]


def test_powers_are_written_in_full():
    """Exponents would be smaller than the rest."""
    figure = plot_rates({"one": {"some": FIT}})
    figure.canvas.draw()
    axis = figure.axes[0]
    labels = [t.get_text() for t in axis.get_xticklabels() + axis.get_yticklabels()]
    assert {"10", "100", "0.1"} <= set(labels)
    assert not any("$" in label for label in labels)
    assert not any(t.get_text() for t in axis.get_xticklabels(minor=True))


def test_a_slope_is_written_with_its_interval():
    halves = [[2.0 * n**-0.5] * 2 for n in (10, 100)]
    text = slope_text(fit_slope([10, 100], halves))
    assert text.replace("\N{MINUS SIGN}", "-") == "-0.50 [-0.50, -0.50]"
    assert "-" not in text


@pytest.mark.bad_input
def test_a_figure_has_room_for_one_to_five_fits():
    for panels in ({}, {"a": {}}, {"a": {str(k): FIT for k in range(6)}}):
        with pytest.raises(ValueError, match="of one to five fits"):
            plot_rates(panels)


def rates_of(*regrets):
    """Rates of samples of sizes 10, 20, 40 with such regrets and deviations of one."""
    best = PopulationMaximum(
        perturbation=torch.zeros(2, dtype=torch.float64), coverage=0.75, upper=0.75
    )
    one = {"deviation": Bracket(lower=1.0, upper=1.0), "sample_coverage": 0.5}
    # The two samples of a size are apart by a hundredth of their mean.
    draws = tuple(
        tuple(
            Draw(seed=k, coverage=0.75 - regret * (0.995 + k / 100), **one)
            for k in range(2)
        )
        for regret in regrets
    )
    return Rates(best=best, sizes=(10, 20, 40), draws=draws)


def test_slopes_are_those_of_regrets_and_deviations():
    sizes = {"sizes": (10, 20, 40), "repetitions": (2, 2, 2)}
    plans = [
        RatePlan(kind="linear", dim=2, solver="exact", with_deviations=True, **sizes),
        RatePlan(kind="linear", dim=3, solver="exact", **sizes),
        RatePlan(kind="gaussian", dim=3, solver="ramp", **sizes),
    ]
    rates = [
        rates_of(0.5, 0.25, 0.125),
        rates_of(*(0.5 * n ** (-2 / 3) for n in (1, 2, 4))),
        rates_of(0.25, 0.25, 0.25),
    ]
    fits = fit_rates(plans, rates, smallest=10)
    names = ["linear, d = 2, exact", "linear, d = 3, exact", "gaussian, d = 3, ramp"]
    first, second, third = names
    assert list(fits) == [
        (first, "regret"),
        (first, "deviation"),
        (second, "regret"),
        (third, "regret"),
    ]
    slopes = {key: round(fit.slope, 6) for key, fit in fits.items()}
    assert slopes[first, "regret"] == -1.0
    assert slopes[first, "deviation"] == slopes[third, "regret"] == 0.0
    lines = slope_table(plans, rates, fits).splitlines()
    regret, deviation = (
        slope_text(fits[first, name]) for name in ("regret", "deviation")
    )
    assert lines[2:] == [
        f"| linear | 2 | exact | 0.750 | {regret} | {deviation} | outside |",
        f"| linear | 3 | exact | 0.750 | {slope_text(fits[second, 'regret'])} | "
        "not computed | inside |",
        f"| gaussian | 3 | ramp | 0.750 | {slope_text(fits[third, 'regret'])} | "
        "not computed | not applicable |",
    ]
    assert fit_rates(plans, rates, smallest=20)[first, "regret"].smallest == 20


def test_floors_are_a_curve_and_what_was_measured_stands_beside_it():
    figure = plot_ramp_floor({1.0: 0.3, 10.0: 0.1}, {"stored": (1.0, 0.31)})
    (axis,) = figure.axes
    curve, point = axis.lines
    np.testing.assert_allclose(curve.get_xydata(), [[1.0, 0.3], [10.0, 0.1]])
    np.testing.assert_allclose(point.get_xydata(), [[1.0, 0.31]])
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert names == ["floor", "stored"]
    assert axis.get_xscale() == "log"
    assert axis.get_ylim()[0] == 0.0


@pytest.mark.bad_input
def test_floors_take_five_measurements_at_most():
    with pytest.raises(ValueError, match="measured at most 5, got 1 and 6"):
        plot_ramp_floor({1.0: 0.3}, {str(k): (1.0, 0.3) for k in range(6)})
    with pytest.raises(ValueError, match="floors must be at least one"):
        plot_ramp_floor({}, {})
