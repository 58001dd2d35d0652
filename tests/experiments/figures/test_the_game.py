"""Figure 1 of the paper, and the share of V that a robust set fills."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Circle, Polygon

from experiments.figures.planar_classifiers import example_network
from experiments.figures.the_game import (
    disc_share,
    plot_network_robust_sets,
    plot_set_size_against_margin,
)
from paper_lib.linearize import linearize
from tests.experiments.figures.drawn import area, patches
from tests.paper_lib.game.game_cases import F32, F64


@pytest.mark.parametrize("dtype", [F32, F64])
def test_figure_one_shades_two_budgets_around_corners(dtype):
    network = example_network().to(dtype)
    points = torch.tensor([[0.2, 1.5], [2.6, 0.0]], dtype=dtype)
    figure = plot_network_robust_sets(network, points, epsilon=0.4)
    circles = patches(figure, Circle)
    red = [circle for circle in circles if circle.radius == pytest.approx(0.8)]
    assert len(red) == len(network.boundary_corners())
    assert sum(circle.radius == pytest.approx(0.4) for circle in circles) == 2
    sets = patches(figure, Polygon)
    areas = [area(patch.get_xy()) for patch in sets]
    margins = linearize(network, points).margins.numpy()
    expected = math.pi * 0.4**2 * disc_share(margins / 0.4 - 1.0)
    assert areas == pytest.approx(expected, rel=2e-3)
    assert areas[0] > areas[1]
    assert plt.get_fignums() == []


def test_the_share_of_a_disc():
    heights = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])
    exact = [0.0, 0.0, 0.5, 1 - (math.pi / 3 - math.sqrt(3) / 4) / math.pi, 1.0, 1.0]
    assert disc_share(heights) == pytest.approx(exact)


def test_the_size_of_robust_sets_is_marked_at_the_margins():
    figure = plot_set_size_against_margin(
        torch.tensor([0.5, 1.0, math.inf], dtype=F64), epsilon=0.5
    )
    curve, marks, *_ = figure.axes[0].lines
    assert curve.get_ydata()[0] == 0.0
    assert marks.get_ydata() == pytest.approx([0.5, 1.0, 1.0])
