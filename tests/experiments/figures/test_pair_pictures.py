"""Pictures of all pairs hold the numbers they were given."""

import numpy as np
import pytest

from experiments.figures.all_pairs.pair_pictures import (
    plot_pair_maps,
    plot_pair_spread,
    plot_pairs_against_budget,
)


def test_a_map_of_pairs_shows_each_value_at_its_pair():
    pairs = ((0, 1), (3, 8), (4, 9))
    figure = plot_pair_maps({"one": [10.0, 55.5, 99.0], "two": [1.0, 2.0, 3.0]}, pairs)
    one = figure.axes[0]
    texts = {text.get_position(): text.get_text() for text in one.texts}
    assert texts == {(0, 1): "10", (3, 8): "56", (4, 9): "99"}
    grid = one.images[0].get_array()
    assert grid[8, 3] == 55.5
    assert np.ma.masked_invalid(grid).count() == 3
    assert [axis.get_title() for axis in figure.axes[:2]] == ["one", "two"]


def test_a_spread_of_pairs_shows_every_value_and_the_paper():
    groups = {
        "approximate": {"FGM": [50.0, 60.0], "PGD": [70.0, 90.0]},
        "true": {"FGM": [10.0, 20.0], "PGD": [30.0, 40.0]},
    }
    figure = plot_pair_spread(groups, paper={"FGM": (53.3, 10.0)})
    (axis,) = figure.axes
    drawn = [line.get_ydata() for line in axis.lines]
    assert sorted(y for ys in drawn for y in ys if y in (50.0, 60.0, 30.0, 40.0)) == [
        30.0,
        40.0,
        50.0,
        60.0,
    ]
    (paper,) = axis.containers
    assert paper[0].get_ydata()[0] == 53.3


def test_means_and_spreads_stand_at_their_budgets():
    figure = plot_pairs_against_budget(
        [1.0, 2.0], {"one": [[10.0, 20.0], [30.0, 50.0]]}, calibrated=1.5
    )
    (axis,) = figure.axes
    (drawn,) = axis.containers
    assert drawn[0].get_ydata().tolist() == [15.0, 40.0]
    ends = [segment[:, 1].tolist() for segment in drawn[2][0].get_segments()]
    half = [50**0.5, 200**0.5]
    assert ends[0] == pytest.approx([15 - half[0], 15 + half[0]])
    assert ends[1] == pytest.approx([40 - half[1], 40 + half[1]])
