"""The network of Figure 1, and figures of the game that hold what they were given."""

import math
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Circle, Polygon

from experiments.figures.game_pages import (
    disc_share,
    plot_fictitious_play,
    plot_maximizer_set,
    plot_membership_check,
    plot_network_robust_sets,
    plot_payoffs,
    plot_set_size_against_margin,
    plot_two_conditions,
    plot_value_against_budget,
)
from experiments.figures.planar_classifiers import (
    DiscClassifier,
    PlanarReLU,
    PolygonClassifier,
    example_network,
)
from paper_lib.defense import maximizer_set
from paper_lib.game import (
    attack_candidates,
    play_fictitiously,
    point_payoffs,
    solve_matrix_game,
)
from paper_lib.geometry import disc_grid
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor
from tests.paper_lib.game.game_cases import F32, F64, NAMED_GAME, THREE_CELLS


def random_network(seed, hidden=6):
    return PlanarReLU(
        random_tensor(hidden, 2, seed=seed),
        random_tensor(hidden, seed=seed + 1),
        random_tensor(hidden, seed=seed + 2),
        0.3,
    )


@pytest.mark.parametrize("seed", range(0, 30, 3))
def test_corners_lie_on_the_boundary_and_on_a_units_line(seed):
    network = random_network(seed)
    corners = network.boundary_corners()
    with torch.no_grad():
        size = 1.0 + corners.abs().max() ** 2 if len(corners) else 1.0
        assert (network(corners).abs() <= 1e-12 * size).all()
        hidden = network.hidden(corners).abs().min(dim=1).values
        assert (hidden <= 1e-12 * size).all()


@pytest.mark.parametrize("seed", range(0, 30, 3))
def test_no_corner_is_missed(seed):
    """Along each unit's line f changes its sign as often as there are corners."""
    network = random_network(seed)
    weights, biases = network.hidden.weight.double(), network.hidden.bias.double()
    count = 0
    for normal, bias in zip(weights.detach(), biases.detach(), strict=True):
        base = -bias * normal / normal.square().sum()
        along = torch.stack([-normal[1], normal[0]]) / normal.norm()
        steps = torch.sinh(torch.linspace(-12.0, 12.0, 40_001, dtype=F64))
        with torch.no_grad():
            signs = network(base + steps.unsqueeze(1) * along).sign()
        count += int((signs[1:] != signs[:-1]).sum())
    assert len(network.boundary_corners()) == count


def test_the_example_has_known_corners():
    network = example_network()
    inside = network.boundary_corners()
    inside = inside[inside.abs().max(dim=1).values < 4]
    assert len(inside) == 3
    # The slope of the boundary is another on each side of a corner.
    for corner in inside.tolist():
        sides = torch.tensor(
            [[corner[0] - 0.1, corner[1]], [corner[0] + 0.1, corner[1]]]
        )
        left, right = linearize(network, sides.double()).gradients
        assert not torch.allclose(left, right)
    # Away from all of them the linearization is exact on the ball of two budgets.
    point = torch.tensor([[0.2, 1.5]], dtype=F64)
    lin = linearize(network, point)
    moves = disc_grid(0.4)
    with torch.no_grad():
        moved = network(point + moves)
    assert torch.allclose(moved, lin.logits + moves @ lin.gradients[0])


def test_the_boundary_of_the_disc_is_its_circle():
    model = DiscClassifier(2.0)
    points = torch.tensor([[0.0, 0.0], [1.2, 1.6], [3.0, 0.0]], dtype=F64)
    assert model(points).tolist() == pytest.approx([4.0, 0.0, -5.0])
    lin = linearize(model, points[2:])
    assert lin.gradients.tolist() == [[-6.0, 0.0]]
    # Outside, the tangent puts the boundary nearer than it is.
    assert float(lin.margins[0]) == pytest.approx(5 / 6)


def test_the_least_of_linear_functions_has_the_tangent_of_the_least():
    normals = torch.tensor([[0.0, 1.0], [-0.8, -0.6]], dtype=F64)
    model = PolygonClassifier(normals, torch.tensor([1.5, 1.0], dtype=F64))
    points = torch.tensor([[0.0, -1.0], [2.0, 1.0], [-1.0, -3.0]], dtype=F64)
    lin = linearize(model, points)
    assert lin.logits.tolist() == pytest.approx([0.5, -1.2, -1.5])
    assert torch.equal(lin.gradients, normals[[0, 1, 0]])


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("normals", "offsets", "match"),
    [
        (torch.ones(2, 2), torch.ones(3), r"got \(2, 2\) and \(3,\)"),
        (torch.ones(0, 2), torch.ones(0), r"got \(0, 2\) and \(0,\)"),
        (torch.ones(2), torch.ones(2), r"got \(2,\) and \(2,\)"),
        (torch.full((1, 2), math.nan), torch.ones(1), "normals must be finite"),
    ],
)
def test_a_polygon_needs_its_sides(normals, offsets, match):
    with pytest.raises(ValueError, match=match):
        PolygonClassifier(normals, offsets)


@pytest.mark.bad_input
@pytest.mark.parametrize("radius", [0.0, -1.0, math.inf])
def test_a_disc_needs_a_radius(radius):
    with pytest.raises(ValueError, match="radius must be"):
        DiscClassifier(radius)


def test_a_network_of_one_unit_and_one_without_lines():
    one = PlanarReLU(torch.tensor([[1.0, 0.0]]), torch.zeros(1), torch.ones(1), 0.0)
    assert one.boundary_corners().shape == (0, 2)
    flat = PlanarReLU(torch.zeros(1, 2), torch.ones(1), torch.ones(1), -1.0)
    assert flat.boundary_corners().shape == (0, 2)
    assert flat(torch.zeros(3, 2)).tolist() == [0.0] * 3


@pytest.mark.bad_input
def test_weights_that_do_not_fit():
    match = "weights must be (h, 2), biases and output_weights (h,), got (3, 3)"
    with pytest.raises(ValueError, match=re.escape(match)):
        PlanarReLU(torch.ones(3, 3), torch.ones(3), torch.ones(3), 0.0)
    with pytest.raises(ValueError, match="must be finite"):
        PlanarReLU(torch.full((3, 2), math.nan), torch.ones(3), torch.ones(3), 0.0)


def patches(figure, kind):
    return [patch for patch in figure.axes[0].patches if type(patch) is kind]


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


def area(outline):
    x, y = outline.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


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
    regions = [area(patch.get_xy()) for patch in patches(figure, Polygon)]
    assert sum(regions[:2]) == pytest.approx(4.6**2)
    assert regions[2] == pytest.approx(
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


def test_v_star_is_drawn_piece_by_piece():
    found = maximizer_set(THREE_CELLS)
    figure = plot_maximizer_set(found, draws=found.draw(50, seed=0))
    outlines = [area(patch.get_xy()) for patch in patches(figure, Polygon)]
    assert outlines == pytest.approx(found.areas, rel=2e-2)
    assert len(figure.axes[0].lines[0].get_xdata()) == 50
    shares = [text.get_text() for text in figure.axes[0].texts]
    assert shares == [f"{one / sum(found.areas):.0%}" for one in found.areas]


def test_curves_of_fictitious_play_and_payoffs():
    attacks = attack_candidates(NAMED_GAME, 1.0, 3)
    table = point_payoffs(
        NAMED_GAME, attacks, disc_grid(1.0, num_rings=2, num_angles=8)
    )
    value = solve_matrix_game(table).value
    play = play_fictitiously(table, 50)
    left, right = plot_fictitious_play({"all": play}, value=value).axes
    assert left.lines[0].get_ydata() == pytest.approx(play.attacker_guarantees)
    assert left.lines[2].get_ydata()[0] == value
    assert len(right.lines[0].get_xdata()) == 50
    best, chosen, mean, level = plot_payoffs(table).axes[0].lines
    assert best.get_ydata() == pytest.approx(chosen.get_ydata())  # FGM is the best
    assert best.get_ydata()[0] == pytest.approx(value) == level.get_ydata()[0]
    assert (mean.get_ydata() <= best.get_ydata()).all()
    assert plt.get_fignums() == []


def test_values_against_the_budget():
    budgets = np.array([0.5, 1.0, 2.0])
    curves = {"equal": [-1.0, 0.2, 0.6], "more": [-0.2, 0.6, 1.0]}
    axis = plot_value_against_budget(budgets, curves).axes[0]
    for line, (name, values) in zip(axis.lines, curves.items(), strict=False):
        assert line.get_label() == name
        assert line.get_xdata().tolist() == budgets.tolist()
        assert line.get_ydata().tolist() == values
    assert plt.get_fignums() == []
