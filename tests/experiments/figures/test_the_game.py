"""Figure 1 of the paper, and the share of V that a robust set fills."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Circle, Polygon

from experiments.figures.planar_classifiers import PlanarReLU, example_network
from experiments.figures.the_game import (
    count_tangent_errors,
    disc_share,
    plot_network_robust_sets,
    plot_set_size_against_margin,
    wrong_signs,
)
from paper_lib.geometry import disc_grid
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


POINTS = torch.tensor(
    [[0.0, 1.6], [-0.5, 0.0], [2.0, 0.0], [-0.5, -1.5], [2.8, -0.9], [0.0, -0.6]],
    dtype=F64,
)


def errs(points, network=None):
    moves = disc_grid(0.8, num_rings=12, num_angles=90)
    network = network or example_network()
    return wrong_signs(network, points, moves.expand(len(points), *moves.shape))


def test_tangents_of_figure_one_are_right():
    assert not errs(POINTS).any()
    distances = torch.cdist(POINTS, example_network().boundary_corners())
    assert float(distances.min()) > 0.8


def test_near_a_corner_a_tangent_errs():
    assert errs(torch.tensor([[1.0, -1.3]], dtype=F64)).tolist() == [True]


def test_a_straight_boundary_is_not_enough():
    """f(x) = 2 x1 below 1 and x1 + 1 from there: its boundary has no corner."""
    bent = PlanarReLU(
        torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], dtype=F64),
        torch.tensor([0.0, 0.0, -1.0], dtype=F64),
        torch.tensor([2.0, -2.0, -1.0], dtype=F64),
        0.0,
    )
    assert len(bent.boundary_corners()) == 0
    moves = torch.tensor([[[-1.75, 0.0]], [[-1.75, 0.0]]], dtype=F64)
    at = torch.tensor([[1.5, 0.0], [0.5, 0.0]], dtype=F64)
    assert wrong_signs(bent, at, moves).tolist() == [True, False]


def test_points_of_a_grid_are_counted_once():
    small, large = (count_tangent_errors(example_network(), e) for e in (0.1, 0.8))
    assert (small.near_corner, small.wrong, small.right) == (12, 2, 1282)
    assert (large.near_corner, large.wrong, large.right) == (448, 54, 794)
    assert small.corners_tell
    assert large.corners_tell


def test_figure_one_says_what_its_marks_are():
    figure = plot_network_robust_sets(example_network(), POINTS, epsilon=0.4)
    (key,) = figure.legends
    said = [text.get_text() for text in key.get_texts()]
    assert said == [
        "$f = 0$",
        r"within $2\epsilon$ of a corner",
        "$x$ and $V$",
        "$R(x)$",
    ]
