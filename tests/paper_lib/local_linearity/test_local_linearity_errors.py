"""Radii, inputs and bounds of which nothing can be said."""

import math

import pytest
import torch
from torch import nn

from paper_lib.local_linearity import (
    curved_game,
    find_disagreements,
    follow_segment,
    network_coverage,
)
from tests.paper_lib.error_cases import SETS

pytestmark = pytest.mark.bad_input

MODEL = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
SMOOTH = nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Flatten(0))


@pytest.mark.parametrize(
    ("start", "end", "match"),
    [
        (torch.zeros(2), torch.zeros(3), r"^start and end .* \(2,\) and \(3,\)"),
        (torch.tensor(1.0), torch.tensor(2.0), "^start and end must be two inputs"),
        (torch.zeros(3), torch.ones(3), r"^inputs must have a shape that model takes"),
        (torch.zeros(2), torch.tensor([0.0, math.nan]), "^end must be finite, got 1"),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64), "^end must have the dty"),
    ],
)
def test_segments_that_are_none(start, end, match):
    with pytest.raises(ValueError, match=match):
        follow_segment(MODEL, start, end)


def test_segments_through_unknown_layers():
    with pytest.raises(ValueError, match=r"got Tanh at model\.1"):
        follow_segment(SMOOTH, torch.zeros(2), torch.ones(2))


@pytest.mark.parametrize("radius", [-0.1, math.nan, math.inf])
def test_a_radius_that_is_none(radius):
    with pytest.raises(
        ValueError, match=f"^radius must be finite and >= 0, got {radius}"
    ):
        find_disagreements(MODEL, torch.zeros(1, 2), radius)
    with pytest.raises(
        ValueError, match=f"^epsilon must be finite and >= 0, got {radius}"
    ):
        network_coverage(MODEL, torch.zeros(1, 2), torch.zeros(2), radius)


def test_searches_that_cannot_run():
    points = torch.zeros(1, 2)
    with pytest.raises(ValueError, match=r"got Tanh at model\.1"):
        find_disagreements(SMOOTH, points, 1.0)
    with pytest.raises(ValueError, match=r"^inputs must have a shape .* \(1, 3\)"):
        find_disagreements(MODEL, torch.zeros(1, 3), 1.0)
    with pytest.raises(ValueError, match=r"^inputs must hold at least one point"):
        find_disagreements(MODEL, torch.zeros(0, 2), 1.0)
    with pytest.raises(ValueError, match=r"^seed must be"):
        find_disagreements(MODEL, points, 1.0, seed=-1)
    with pytest.raises(ValueError, match=r"^batch_size must be"):
        find_disagreements(MODEL, points, 1.0, batch_size=0)


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (
            torch.zeros(5),
            r"^error must be of shape \(6,\), each at least 0, .* got \(5,\)",
        ),
        (torch.zeros(6, 1), r"^error must be of shape .* got \(6, 1\)"),
        (
            torch.tensor([0.0, 1.0, -0.1, 0.0, -2.0, 0.0]),
            r"^error must be at least 0, .* got 2 other .* -0\.1.* at index 2",
        ),
        (torch.tensor([0.0] * 5 + [math.nan]), "^error must .* first nan at index 5"),
        (torch.zeros(6, dtype=torch.int64), "^error must be float32 or float64"),
    ],
)
def test_errors_that_are_none(error, match):
    with pytest.raises(ValueError, match=match):
        curved_game(SETS, torch.zeros(4), error)


@pytest.mark.parametrize(
    ("v", "match"),
    [
        (torch.full((4,), 0.51), "^v must lie in the ball of radius 1.0, got length"),
        (torch.stack([torch.zeros(4), torch.ones(4)]), "^v must lie in the ball"),
        (torch.zeros(3), r"^v must have shape \(4,\) or \(k, 4\), got \(3,\)"),
        (torch.zeros(0, 4), "^v must hold at least one perturbation, got none"),
        (torch.full((4,), math.nan), "^v must be finite"),
    ],
)
def test_defenses_that_are_none(v, match):
    with pytest.raises(ValueError, match=match):
        curved_game(SETS, v, torch.zeros(6))


def test_games_of_other_kinds():
    with pytest.raises(TypeError, match=r"^sets must be a RobustSets, got int"):
        curved_game(3, torch.zeros(4), torch.zeros(6))
    with pytest.raises(ValueError, match=r"^max_nodes must be at least 1"):
        curved_game(SETS, torch.zeros(4), torch.zeros(6), max_nodes=0)


@pytest.mark.parametrize(
    ("v", "match"),
    [
        (torch.ones(2), "^v must lie in the ball of radius 1.0, got length"),
        (torch.zeros(3), r"^v must have shape \(2,\), got \(3,\)"),
        (torch.zeros(1, 2), r"^v must have shape \(2,\), got \(1, 2\)"),
        (torch.full((2,), math.inf), "^v must be finite, got 2"),
        (torch.zeros(2, dtype=torch.float64), "^v must have the dtype of the points"),
    ],
)
def test_constant_defenses_that_are_none(v, match):
    with pytest.raises(ValueError, match=match):
        network_coverage(MODEL, torch.zeros(1, 2), v, 1.0)


def test_networks_that_cannot_be_attacked():
    points, v = torch.zeros(1, 2), torch.zeros(2)
    with pytest.raises(ValueError, match=r"got Tanh at model\.1"):
        network_coverage(SMOOTH, points, v, 1.0)
    with pytest.raises(ValueError, match=r"^inputs must have a shape .* \(1, 3\)"):
        network_coverage(MODEL, torch.zeros(1, 3), v, 1.0)
    with pytest.raises(ValueError, match=r"^attack_epsilon must be finite and >= 0"):
        network_coverage(MODEL, points, v, 1.0, attack_epsilon=-1.0)
    with pytest.raises(ValueError, match=r"^seed must be"):
        network_coverage(MODEL, points, v, 1.0, seed=-1)
