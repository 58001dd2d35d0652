"""What the page on zeros against ones checks live, and that it notices errors."""

from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
import torch

from experiments.figures.live_pair import (
    LiveGame,
    _of_players,
    coverage_by_start,
    live_checks,
    plot_attack_and_defense,
)
from paper_lib.data import load_pair
from paper_lib.defense import ramp_ascent
from paper_lib.evaluation import calibrate_epsilon
from paper_lib.linearize import linearize
from paper_lib.robust_sets import RobustSets

TARGET = 0.6
NAMES = (
    *("budgets", "calibration", "Lemma 1", "Lemma 2"),
    *("wrong sign", "ramp", "other start"),
)


@pytest.fixture(scope="module")
def game():
    """A linear classifier by the difference of mean images."""
    pair = load_pair("mnist", (0, 1), source="embedded")
    images, labels = pair.train.images.flatten(1), pair.train.labels
    weights = images[labels > 0].mean(0) - images[labels < 0].mean(0)
    linear = torch.nn.Linear(784, 1)
    linear.weight.data = weights.unsqueeze(0)
    linear.bias.data = -(images @ weights).mean().unsqueeze(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), linear, torch.nn.Flatten(0))
    train = linearize(model, pair.train.images)
    epsilon = calibrate_epsilon(train, TARGET)
    return LiveGame(
        pair=pair,
        model=model,
        train=train,
        test=linearize(model, pair.test.images),
        epsilon=epsilon,
        solution=ramp_ascent(RobustSets.from_linearization(train, epsilon)),
    )


@pytest.fixture(scope="module")
def formula(game):
    """Table 3's formula, on a classifier that is its own tangent everywhere."""
    moved = game.pair.test.images.flatten(1) + game.attacks["FGM"]
    logits = game.model(moved + game.solution.perturbation).detach()
    return float((logits * game.test.signs >= 0).double().mean())


def judged(game, formula, target=TARGET, *, as_stored=False):
    checks = live_checks(game, formula=formula, target=target, as_stored=as_stored)
    return dict(zip(NAMES, checks, strict=True))


def failing(game, formula, **settings):
    checks = judged(game, formula, **settings)
    return {name for name, check in checks.items() if check.holds is False}


def test_all_that_must_hold_holds(game, formula):
    checks = judged(game, formula)
    assert [check.holds for check in checks.values()] == [True] * 6 + [None]
    assert checks["budgets"].cases == 4 * len(game.test.logits) + 1
    assert checks["Lemma 2"].figure == "6"
    assert checks["wrong sign"].figure == "100%"


def test_a_budget_set_by_hand_has_no_target(game, formula):
    assert judged(game, formula, None)["calibration"].holds is None


def test_each_check_notices_what_is_wrong(game, formula):
    num = len(game.test.logits)
    assert failing(game, formula + 3 / num) == {"Lemma 1"}
    assert judged(game, formula + 3 / num)["Lemma 1"].figure == "3 off"
    assert failing(game, formula, target=TARGET + 0.01) == {"calibration"}
    below = replace(game.solution, coverage=game.solution.ramp_value - 0.01)
    assert failing(replace(game, solution=below), formula) == {"ramp"}
    # No start helps a linear classifier by ten points.
    assert failing(game, formula, as_stored=True) == {"other start"}


def test_attacks_of_another_game_are_noticed(game, formula):
    """Negative control: an attack of the wrong sign, and one over the budget."""
    weak = replace(game, epsilon=game.epsilon)
    weak.__dict__["attacks"] = dict(game.attacks) | {"FGM": -game.attacks["FGM"]}
    assert failing(weak, formula) == {"wrong sign"}
    long = replace(game, epsilon=game.epsilon)
    moves = {name: 1.01 * attack for name, attack in game.attacks.items()}
    long.__dict__["attacks"] = moves
    with pytest.raises(ValueError, match="pgd_attack"):
        judged(long, formula)
    assert not _of_players(long, None)[0].holds


def test_an_attack_below_fgm_would_be_noticed(game, formula, monkeypatch):
    """Negative control: a table that no sound scoring gives."""
    scores = LiveGame.scores

    def lower(game, attack):
        table = scores(game, attack)
        cell = "PGD", "SMOOTH", "approximate"
        return table | {cell: table["FGM", "SMOOTH", "approximate"] - 0.1}

    monkeypatch.setattr(LiveGame, "scores", lower)
    assert failing(game, formula) == {"Lemma 2"}


def test_both_starts_are_of_one_budget(game):
    zero, other = coverage_by_start(game, 1.0)
    assert zero == game.solution.coverage
    assert 0.0 <= other <= 1.0
    assert max(coverage_by_start(game, 3.0)) < zero


def test_images_of_both_classes_and_what_the_network_sees(game):
    figure = plot_attack_and_defense(game)
    assert len(figure.axes) == 2 * 5
    seen = [axis.get_xlabel() for axis in figure.axes]
    assert seen[0] == "seen as 0"
    assert seen[5] == "seen as 1"
    images = [axis.images[0].get_array() for axis in figure.axes]
    for row in (0, 5):
        x, a, both, v, all_three = (torch.tensor(one) for one in images[row : row + 5])
        assert torch.allclose(x + a, both, atol=1e-6)
        assert torch.allclose(both + v, all_three, atol=1e-6)
    assert plt.get_fignums() == []
