"""Pictures of the game scored with f itself, and what it says of trained networks."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Circle
from matplotlib.path import Path

from experiments.figures.curved_boundaries import (
    NetworkGame,
    least_error,
    network_game,
    network_table,
    plot_bands,
    plot_gains,
    plot_network_gains,
    plot_profiles,
)
from experiments.figures.curved_cases import disc_case
from experiments.figures.curved_games import judge_game
from paper_lib.linearize import linearize
from paper_lib.local_linearity import linearization_error
from paper_lib.models import TrainConfig
from paper_lib.models.training import initial_model
from tests.experiments.figures.drawn import patches
from tests.oracles import random_tensor
from tests.paper_lib.local_linearity.networks import dense

F64 = torch.float64


def test_bands_show_points_by_what_is_proven_of_them():
    case = disc_case(40, 0)
    game = judge_game(case, (0.15, 0.15))
    figure = plot_bands({"disc": (case, game)})
    axis = figure.axes[0]
    shown = {line.get_label(): len(line.get_xdata()) for line in axis.lines}
    assert shown["no attack flips f"] == game.safe[0]
    assert shown["FGM flips f"] == game.lost[0]
    assert shown["not known"] == 40 - game.safe[0] - game.lost[0] > 0
    circles = patches(figure, Circle)
    assert circles
    assert {circle.radius for circle in circles} == {0.3}
    assert plt.get_fignums() == []


def test_regions_are_those_of_the_slack_in_closed_form():
    """On the disc with v = 0 both regions are rings around the origin."""
    case, e = disc_case(40, 0), 0.15
    still = torch.zeros(1, 2, dtype=F64)
    figure = plot_bands({"disc": (case, judge_game(case, (e, e), v=still))})
    safe, lost = (
        [Path(ring) for path in region.get_paths() for ring in path.to_polygons()]
        for region in figure.axes[0].collections[:2]
    )
    for place in np.linspace(0.05, 1.6, 32):
        slack = abs(1 - place**2) - 2 * e * place
        if abs(abs(slack) - 4 * e**2) < 0.02:
            continue
        at = (place * math.cos(0.5), place * math.sin(0.5))
        # Inside an odd number of outlines: holes have outlines of their own.
        is_safe, is_lost = (
            sum(ring.contains_point(at) for ring in rings) % 2 for rings in (safe, lost)
        )
        assert is_safe == (slack > 4 * e**2)
        assert is_lost == (slack < -4 * e**2)


def test_gains_are_drawn_proven_and_found():
    case = disc_case(20, 1)
    games = [judge_game(case, (e, e)) for e in (0.1, 0.3)]
    axes = plot_gains({"a": games, "b": games[:1]}).axes
    drawn = {line.get_label(): line.get_ydata() for line in axes[0].lines}
    assert list(drawn["attacker, proven"]) == [g.proven.attacker_gain for g in games]
    assert list(drawn["attacker, found"]) == [g.attacker_gain for g in games]
    assert list(drawn["defender, proven"]) == [g.proven.defender_gain for g in games]
    assert list(drawn["defender, found"]) == [g.defender_gain for g in games]
    assert axes[1].get_title() == "b"


def test_profiles_show_where_each_play_lands():
    saved, left, right = plot_profiles().axes
    landed = [
        {line.get_label(): float(line.get_ydata()[0]) for line in axis.lines}
        for axis in (saved, left, right)
    ]
    assert landed[0]["FGM and $v$"] > 0 > landed[0]["the reverse of FGM and $v$"]
    assert landed[1]["FGM and $v$"] > 0 > landed[2]["FGM and $v$"]
    assert landed[1]["FGM and $0$"] > 0
    assert landed[2]["FGM and $0$"] > 0


def test_the_least_error_is_below_every_proven_one_and_grows():
    model, images = dense(4, 12, 6, seed=2), random_tensor(9, 4, seed=3)
    before = torch.zeros(9, dtype=F64)
    for radius in (0.2, 0.4, 0.8):
        found = least_error(model, images, radius)
        proven = linearization_error(model, images, radius).upper
        assert bool((found <= proven + 1e-12).all())
        assert bool((found >= before - 1e-12).all())
        before = found
    assert float(before.max()) > 0.01
    straight = torch.nn.Sequential(torch.nn.Linear(4, 1), torch.nn.Flatten(0)).double()
    assert float(least_error(straight, images, 1.0).max()) < 1e-12


def test_the_least_error_takes_images_in_single_precision():
    model = initial_model(TrainConfig(), 0)
    found = least_error(model, torch.rand(2, 1, 28, 28), 1.0)
    assert found.dtype == F64
    assert bool((found > 0).all())
    assert next(model.parameters()).dtype == torch.float32


def test_a_network_game_is_theorem_1_without_error_and_nothing_without_knowledge():
    model, images = dense(3, 8, seed=1), random_tensor(12, 3, seed=1)
    lin = linearize(model, images)
    reach = float(lin.margins.median())
    none = network_game(lin, reach, torch.zeros(12, dtype=F64))
    assert (none.eta, none.open_share) == (0.0, 0.0)
    within = (lin.margins < 2 * reach).double().mean()
    assert none.reached == pytest.approx(float(within))
    assert 0 < none.reached < 1
    unknown = network_game(lin, reach, torch.full((12,), math.inf))
    assert (unknown.eta, unknown.open_share) == (2.0, 1.0)


GAMES = [
    NetworkGame(epsilon=e, reached=0.25, error=2 * e, open_share=0.5, eta=eta)
    for e, eta in ((0.1, 0.5), (0.2, 2.0))
]


def test_network_games_are_drawn_and_written():
    axis = plot_network_gains({"0-1": GAMES}, {"0-1": GAMES[:1]}).axes[0]
    solid, dashed, level = axis.lines
    assert list(solid.get_xdata()) == [0.1, 0.2]
    assert list(solid.get_ydata()) == [0.5, 2.0]
    assert list(dashed.get_ydata()) == [0.5]
    assert set(level.get_ydata()) == {2.0}
    row = network_table({"0-1": GAMES}).split("\n")[2]
    assert row == "| 0-1 | 0.1 | 25% | 0.20 | 50% | 0.50 |"
