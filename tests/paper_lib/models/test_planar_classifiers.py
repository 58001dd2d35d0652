"""Classifiers of the plane: their corners, boundaries and tangents."""

import math
import re

import pytest
import torch

from experiments.figures.planar_classifiers import (
    DiscClassifier,
    PlanarReLU,
    PolygonClassifier,
    example_network,
)
from paper_lib.geometry import disc_grid
from paper_lib.linearize import linearize
from tests.oracles import random_tensor
from tests.paper_lib.game.game_cases import F64


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
