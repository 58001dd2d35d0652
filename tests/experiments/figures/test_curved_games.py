"""Judged games: the search agrees with closed forms, and breaks wrong bounds."""

import numpy as np
import pytest
import torch

from experiments.figures.curved_cases import (
    LINE_BUDGET,
    PROFILES,
    disc_case,
    line_case,
    moons_case,
    profile_error,
)
from experiments.figures.curved_games import (
    cautious_defense,
    judge_game,
    judge_line,
)
from paper_lib.geometry import l2_norm
from paper_lib.linearize import linearize


def disc_safe(case, v, reach):
    """The share of points of the unit disc that no attack flips, in closed form."""
    distance = l2_norm(case.inputs + v)
    inside = l2_norm(case.inputs) < 1
    kept = torch.where(inside, distance + reach <= 1, distance - reach >= 1)
    return float((kept & (case.model(case.inputs) != 0)).double().mean())


def disc_kept(case, u, reach):
    """The share that FGM does not flip, with its step written out."""
    length = l2_norm(case.inputs)
    outwards = torch.nn.functional.normalize(case.inputs, dim=1)
    step = reach * torch.where(length < 1, 1.0, -1.0).unsqueeze(1) * outwards
    moved = l2_norm(case.inputs + step + u)
    kept = torch.where(length < 1, moved <= 1, moved >= 1)
    return float((kept & (case.model(case.inputs) != 0)).double().mean())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("budgets", [(0.2, 0.2), (0.1, 0.3)])
def test_on_the_disc_the_search_finds_what_closed_forms_say(seed, budgets):
    case = disc_case(14, seed)
    game = judge_game(case, budgets)
    v = game.defense[0]
    assert game.attacker_best == pytest.approx(1 - 2 * disc_safe(case, v, budgets[0]))
    by_fgm = game.attacker_best - game.attacker_gain
    assert by_fgm == pytest.approx(1 - 2 * disc_kept(case, v, budgets[0]))
    assert game.defender_best <= by_fgm + 1e-12
    assert game.holds
    assert game.safe[1] == game.lost[1] == 0
    assert game.safe[0] > 0


def test_the_disc_has_a_flat_point_and_one_without_a_label():
    case = disc_case(10, 0)
    lin = linearize(case.model, case.inputs)
    assert (lin.num_flat, lin.num_unlabeled) == (1, 1)
    assert case.error(0.4).tolist() == pytest.approx([0.16] * 10)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("radius", [0.7, 1.2, 1.35, 2.4])
def test_errors_of_profiles_are_those_of_a_dense_search(name, radius):
    offsets = np.linspace(-radius, radius, 200_001)
    knots, values = PROFILES[name]
    slope = np.interp(0.5, knots, values) - np.interp(-0.5, knots, values)
    tangent = np.interp(0.0, knots, values) + slope * offsets
    gaps = abs(np.interp(offsets, knots, values) - tangent)
    assert profile_error(name, radius) == pytest.approx(gaps.max(), abs=1e-3)


def test_the_line_holds_its_profiles_and_their_errors():
    case = line_case(2, 9)
    names = ["saved"] * 2 + ["left"] * 4 + ["right"] * 3
    offsets = torch.linspace(-2.9, 2.9, 59, dtype=torch.float64)
    for name, place in zip(names, case.inputs, strict=True):
        expected = np.interp(offsets.numpy(), *PROFILES[name])
        found = case.model(place + offsets.unsqueeze(1))
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    errors = [profile_error(name, 2.4) for name in names]
    assert case.error(2.4).tolist() == errors


@pytest.mark.parametrize("num_saved", [0, 1, 2, 4])
def test_on_the_line_the_bounds_are_reached_within_a_tenth(num_saved):
    game = judge_line(line_case(num_saved))
    num_right = (100 - num_saved) - (100 - num_saved) // 2 - 1
    assert game.attacker_gain == pytest.approx(2 * num_saved / 100)
    assert game.defender_gain == pytest.approx(2 * num_right / 100)
    assert game.holds
    assert game.proven.attacker_gain == pytest.approx(game.attacker_gain)
    assert game.proven.defender_gain <= 1.1 * game.defender_gain
    # The defense is a maximizer of coverage.
    best = judge_game(line_case(num_saved), (LINE_BUDGET, LINE_BUDGET))
    assert game.sets.coverage(game.defense[0]) == best.sets.coverage(best.defense[0])


@pytest.mark.parametrize(
    ("num_saved", "factor", "radius"), [(2, 0.5, 2.4), (2, 1, 1.2)]
)
def test_on_the_line_smaller_errors_are_exceeded(num_saved, factor, radius):
    case = line_case(num_saved)
    game = judge_line(case, factor * case.error(radius))
    assert not game.holds
    assert game.excess > 0.03


def test_a_wrong_error_is_noticed_pointwise():
    case = line_case(2)
    game = judge_line(case, 0 * case.error(1.0))
    assert game.safe[1] == 2
    assert judge_line(case).safe[1] == 0


def test_an_attack_cannot_answer_the_draw_that_is_played():
    """From the disc's center each draw is lost to an attack of its own direction."""
    case, budgets = disc_case(10, 5), (0.85, 0.2)
    apart = [
        judge_game(case, budgets, v=torch.tensor([at], dtype=torch.float64))
        for at in ([0.2, 0.0], [-0.2, 0.0])
    ]
    together = judge_game(case, budgets, v=torch.cat([one.defense for one in apart]))
    mean = np.mean([one.attacker_best for one in apart])
    assert together.attacker_best <= mean - 0.1 + 1e-9
    by_fgm = [one.attacker_best - one.attacker_gain for one in (*apart, together)]
    assert by_fgm[2] == pytest.approx(np.mean(by_fgm[:2]))
    assert together.holds


def test_a_cautious_defense_gives_away_no_more():
    case, better = disc_case(40, 0), 0
    for epsilon in (0.1, 0.2, 0.3):
        budgets = (epsilon, epsilon)
        smoothed = judge_game(case, budgets)
        careful = judge_game(case, budgets, v=cautious_defense(case, budgets))
        assert careful.holds
        assert careful.proven.value[1] <= smoothed.proven.value[1] + 1e-12
        assert careful.proven.defender_gain <= smoothed.proven.defender_gain + 1e-12
        better += careful.proven.defender_gain < smoothed.proven.defender_gain - 1e-9
    assert better


def test_moons_are_judged_within_their_bounds():
    game = judge_game(moons_case(20, 1), (0.15, 0.15))
    assert game.holds
    assert game.safe[0] > 0
