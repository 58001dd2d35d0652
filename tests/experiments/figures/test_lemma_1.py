"""Pictures of one robust set."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon

from experiments.figures.lemma_1 import (
    plot_membership_check,
    plot_two_conditions,
)
from experiments.figures.the_game import disc_share
from paper_lib.linearize import Linearization
from paper_lib.plotting.style import COLORS
from paper_lib.robust_sets import RobustSets
from tests.experiments.figures.drawn import area, patches
from tests.paper_lib.game.game_cases import F64, NAMED_GAME, THREE_CELLS


def test_figure_three_says_which_defenses_are_robust():
    lin = Linearization(
        logits=torch.tensor([1.2], dtype=F64),
        gradients=torch.tensor([[0.6, 0.8]], dtype=F64),
    )
    plays = {
        "good": torch.tensor([0.3, 0.5], dtype=F64),
        "bad": torch.tensor([-0.5, -0.2], dtype=F64),
    }
    figure = plot_two_conditions(lin, epsilon=1.0, defenses=plays)
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == ["good: in R(x)", "bad: not in R(x)", "x"]
    regions, _ = figure.axes[0].collections
    blue, yellow = (area(path.vertices) for path in regions.get_paths())
    shades = [to_hex(shade).upper() for shade in regions.get_facecolor()]
    assert shades == [COLORS[4], COLORS[3]]
    assert blue + yellow == pytest.approx(4.6**2)
    # 0.6 x + 0.8 y + 1.2 < 0 cuts a triangle off the square, at its lower left corner.
    legs = 2.3 - (1.2 - 0.6 * 2.3) / 0.8, 2.3 - (1.2 - 0.8 * 2.3) / 0.6
    assert blue == pytest.approx(legs[0] * legs[1] / 2)
    (shown,) = patches(figure, Polygon)
    assert area(shown.get_xy()) == pytest.approx(
        math.pi * disc_share(np.array([0.2]))[0], rel=2e-3
    )


@pytest.mark.bad_input
def test_figure_three_is_about_one_point():
    with pytest.raises(
        ValueError, match=r"one point of the plane .* got shape \(5, 2\)"
    ):
        plot_two_conditions(NAMED_GAME, epsilon=1.0, defenses={})


def test_a_check_of_membership_marks_all_four_cases():
    sets = RobustSets(
        normals=torch.tensor([[1.0, 0.0]], dtype=F64),
        offsets=torch.tensor([0.0], dtype=F64),
        epsilon=1.0,
    )
    v = torch.tensor([[0.5, 0.0], [0.4, 0.1], [-0.5, 0.0]], dtype=F64)
    figure = plot_membership_check(sets, v, torch.tensor([True, False, True]))
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == [
        "in R(x), no attack found",
        "in R(x), but an attack found",
        "not in R(x), but no attack found",
    ]
    assert figure.axes[0].lines[1].get_xdata().tolist() == [0.4]
    right = plot_membership_check(sets, v, sets.contains(v)[:, 0])
    assert len(right.axes[0].lines) == 2


@pytest.mark.bad_input
def test_a_check_of_membership_is_about_one_set():
    with pytest.raises(ValueError, match=r"one robust set .* got shape \(3, 2\)"):
        plot_membership_check(
            THREE_CELLS, torch.zeros(1, 2, dtype=F64), torch.tensor([True])
        )
