"""Figures of the bounds: what is drawn, and where."""

import numpy as np
import pytest
from matplotlib.text import Text

from experiments.figures.bound_pictures import (
    plot_bounds,
    plot_pair_bounds,
    plot_prices,
)
from experiments.section5.prices import PriceConfig, Prices, SizePrices


def test_bounds_are_drawn_and_named_apart():
    figure = plot_bounds(
        [10, 100],
        {
            "one": [0.2, 0.4],
            "two": [0.0, 0.41],
            "none": [0.0, 0.0],
            "void": [0, 0],
            "zero": [0, 0],
        },
        measured={"sample": [0.9, 0.95]},
    )
    (axis,) = figure.axes
    heights = [line.get_ydata() for line in axis.lines]
    np.testing.assert_allclose(heights[1], [0.2, 0.4])
    assert np.isnan(heights[2][0])  # a bound of zero says nothing
    assert heights[2][1] == 0.41
    assert np.isnan(heights[3]).all()
    names = {text.get_text(): text.xyann[1] for text in axis.texts}
    silent = {f"{name}: nothing" for name in ("none", "void", "zero")}
    assert set(names) == {"sample", "one", "two", *silent}
    places = sorted(names.values())
    assert min(np.diff(places)) > 0.055
    assert -0.05 <= places[0] <= places[-1] <= 1.0


def test_no_two_bounds_share_a_color_or_a_marker():
    nine = {str(k): [0.5, 0.1 * k] for k in range(9)}
    figure = plot_bounds([10, 100], nine, measured={"sample": [0.9, 0.9]})
    _, *bounds = figure.axes[0].lines
    assert len({line.get_color() for line in bounds}) == len(bounds) == 9
    assert len({line.get_marker() for line in bounds}) == 9


def test_pairs_are_rows_from_the_top():
    figure = plot_pair_bounds(
        ["a", "b"], {"one": [0.5, 0.0]}, held_out=[0.7, 0.3], within=0.1
    )
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    target, bound = axis.lines
    np.testing.assert_allclose(target.get_xdata(), [0.7, 0.3])
    np.testing.assert_allclose(target.get_ydata(), [1, 0])
    assert np.isnan(bound.get_xdata()[1])
    lefts = sorted(bar.get_x() for bar in axis.patches)
    np.testing.assert_allclose(lefts, [0.2, 0.6])


def test_all_is_narrow_enough_for_a_phone():
    """Text of 10 points is at least 9 pixels high where a phone shows 312 pixels."""
    figures = [
        plot_bounds([1, 2], {"one": [0.1, 0.2]}, measured={}),
        plot_pair_bounds(["a"], {"one": [0.5]}, held_out=[0.5], within=0.1),
        plot_prices([prices(2), prices(3)]),
    ]
    for figure in figures:
        width = figure.get_size_inches()[0]
        texts = figure.findobj(Text)
        assert min(t.get_fontsize() for t in texts) / 72 * 312 / width >= 9


def prices(dim):
    """Three prices at two sizes."""
    entries = [(10, 0.1, 0.2, 1.0), (100, 0.0, 0.1, 0.5)]
    return Prices(
        config=PriceConfig(dim=dim),
        provenance={},
        sizes=tuple(
            SizePrices(
                num=num,
                regret=regret,
                overfit=overfit,
                prices={"Eq. (20)": price, "noisy ramp": price},
            )
            for num, regret, overfit, price in entries
        ),
    )


def test_prices_that_say_nothing_leave_the_picture():
    figure = plot_prices([prices(2), prices(3)])
    assert [axis.get_ylabel() for axis in figure.axes] == ["d = 2", "d = 3"]
    lines = figure.axes[1].lines
    assert [one.get_label() for one in lines] == ["regret", "overfit", "Eq. (20)"]
    assert [one.get_xdata().tolist() for one in lines] == [[10, 100]] * 3
    heights = [line.get_ydata() for line in lines]
    assert heights[0][0] == 0.1
    assert np.isnan(heights[0][1])
    assert heights[1].tolist() == [0.2, 0.1]
    assert np.isnan(heights[2][0])
    assert heights[2][1] == 0.5
    assert figure.axes[0].get_yscale() == "log"


@pytest.mark.bad_input
def test_values_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^bounds and measured must have 2 values"):
        plot_bounds([1, 2], {"one": [0.5]}, measured={})
    ten = {str(k): [0.5, 0.5] for k in range(10)}
    with pytest.raises(ValueError, match=r"be at most 9 and two curves"):
        plot_bounds([1, 2], ten, measured={})
    with pytest.raises(ValueError, match=r"^bounds and held_out must have 1 values"):
        plot_pair_bounds(["a"], {}, held_out=[0.5, 0.6], within=0.1)
    with pytest.raises(ValueError, match=r"^prices must be at least one record"):
        plot_prices([])
