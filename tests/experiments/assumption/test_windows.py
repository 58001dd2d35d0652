"""Church windows: f and its tangent on squares."""

import math

import pytest
import torch
from torch import nn

from experiments.assumption.closeness import church_windows
from paper_lib.linearize import linearize


class Disc(nn.Module):
    """Positive inside the unit circle; the tangent at (x, 0) is zero on a vertical."""

    def __init__(self):
        """Hold the level as a weight, which models need."""
        super().__init__()
        self.level = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, points):
        """Evaluate."""
        return self.level - points.square().sum(1)


def windows_at(model, place, epsilon, **settings):
    point = torch.tensor([place], dtype=torch.float64)
    return church_windows(
        model, point, linearize(model, point), epsilon, seed=0, **settings
    )


def between(start, stop):
    """The area of the unit disc between two verticals."""

    def primitive(x):
        return x * math.sqrt(1.0 - x * x) + math.asin(x)

    return primitive(stop) - primitive(start)


def test_the_area_beside_a_disc_is_what_integration_gives():
    # f_L(x) = 0.75 - (x_0 - 0.5), positive left of 1.25.
    found = windows_at(Disc(), [0.5, 0.0], 1.0, size=401)
    left_of_tangent = 2.0 * (1.25 + 0.5)
    expected = (left_of_tangent - between(-0.5, 1.0)) / 4.0
    assert float(found.areas[0]) == pytest.approx(expected, abs=0.01)


def test_places_are_where_the_axes_say():
    # The first axis is b, across; the second a, towards the boundary.
    found = windows_at(Disc(), [0.5, 0.0], 1.0, size=3)
    assert found.values[0, 1, 2].item() == pytest.approx(1.0 - 1.5**2)
    assert found.values[0, 2, 1].item() == pytest.approx(1.0 - 0.25 - 1.0)
    assert found.tangents[0, 1, 2].item() == pytest.approx(-0.25)
    assert found.tangents[0, 2, 1].item() == pytest.approx(0.75)


def test_a_linear_classifier_is_its_tangent():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 1), nn.Flatten(0)).double()
    points = torch.randn(4, 5, dtype=torch.float64)
    found = church_windows(model, points, linearize(model, points), 2.0, seed=3)
    assert found.areas.tolist() == [0.0] * 4
    assert torch.allclose(found.values, found.tangents)


def test_a_straight_boundary_is_missed_by_no_line_wherever_the_tangent_is():
    # f = 2x - 1 left of 0.6 and steeper beyond; its boundary at 0.5 is straight.
    model = nn.Sequential(
        nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1), nn.Flatten(0)
    ).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
        model[0].bias.copy_(torch.tensor([4.0, -0.6]))
        model[2].weight.copy_(torch.tensor([[2.0, 3.0]]))
        model[2].bias.fill_(-9.0)
    found = windows_at(model, [1.0, 0.0], 1.0, size=41)
    assert float(found.areas[0]) > 0.03
    assert float(found.line_misses[0]) <= 1 / 41
    assert found.holding_boundary.tolist() == [True]
    far = windows_at(model, [1.0, 0.0], 0.1)
    assert float(far.line_misses[0]) == 0.0
    assert far.holding_boundary.tolist() == [False]


def test_the_best_line_beside_a_disc_cuts_off_its_edge():
    # From the center of a small disc no line helps: the disc itself is missed.
    found = windows_at(Disc(), [1e-9, 0.0], 2.0, size=201)
    assert float(found.line_misses[0]) == pytest.approx(math.pi / 16, abs=0.01)
    # Lines are looked for by brute force too, for a disc at the side.
    found = windows_at(Disc(), [0.5, 0.0], 1.0, size=21)
    positive = (found.values[0] > 0).double()
    ticks = torch.linspace(-1.0, 1.0, 21)
    best = min(
        float(
            ((ticks * math.cos(t) + ticks[:, None] * math.sin(t) < c) != (positive > 0))
            .double()
            .mean()
        )
        for t in torch.linspace(0, 2 * math.pi, 181).tolist()
        for c in torch.linspace(-1.5, 1.5, 151).tolist()
    )
    assert float(found.line_misses[0]) <= best
    assert float(found.line_misses[0]) >= best - 0.02


def test_the_random_direction_follows_the_seed():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
    points = torch.randn(2, 5)
    lin = linearize(model, points)
    one, same, other = (
        church_windows(model, points, lin, 1.0, seed=seed, size=5).values
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": -1.0}, "epsilon must be finite and >= 0, got -1.0"),
        ({"epsilon": 1.0, "size": 1}, "size must be at least 2, got 1"),
        ({"epsilon": 1.0, "seed": -1}, "seed"),
    ],
)
def test_windows_that_are_none_are_refused(settings, message):
    model, point = Disc(), torch.tensor([[0.5, 0.0]], dtype=torch.float64)
    lin = linearize(model, point)
    with pytest.raises(ValueError, match=message):
        church_windows(model, point, lin, **({"seed": 0} | settings))
