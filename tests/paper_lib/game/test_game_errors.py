"""Bad input to the game: what was wrong, what was expected, what came."""

import re

import numpy as np
import pytest
import torch

from experiments.figures.theorem_1 import play_fictitiously
from paper_lib.attacks import fgm
from paper_lib.game import (
    ConstantDefense,
    DeterministicAttack,
    Mixture,
    PointwiseDefense,
    Sampler,
    attack_candidates,
    attacker_best_response,
    defender_best_response,
    equilibrium,
    expected_utility,
    exploitability,
    judge_strategies,
    point_payoffs,
    search_attack,
    solve_matrix_game,
    utility,
)
from paper_lib.game.strategies import ChainDraws
from paper_lib.geometry import disc_grid
from tests.paper_lib.game.game_cases import F64, NAMED_GAME, random_game

pytestmark = pytest.mark.bad_input

LIN = NAMED_GAME
STEP, V = fgm(LIN, 1.0), torch.zeros(2, dtype=F64)
ATTACK, DEFENSE = DeterministicAttack(STEP), ConstantDefense(V)
TABLE = np.ones((2, 3, 4))


def check(call, match, error=ValueError):
    with pytest.raises(error, match=re.escape(match)):
        call()


@pytest.mark.parametrize(
    ("plays", "weights", "match"),
    [
        ((DEFENSE,) * 2, (1.2, -0.2), "weights must be at least 0, got (1.2, -0.2)"),
        (
            (DEFENSE,) * 2,
            (0.5, 0.4),
            "weights must sum to 1, got (0.5, 0.4) with sum 0.9",
        ),
        ((DEFENSE,), (float("nan"),), "weights must be at least 0, got (nan,)"),
        ((DEFENSE,), (0.5, 0.5), "a weight for each, got 1 plays and 2 weights"),
        ((), (), "at least one play and a weight for each, got 0 plays"),
        ((DEFENSE, ATTACK), (0.5, 0.5), "one player, got 1 attacks and 1 defenses"),
    ],
)
def test_what_is_no_mixture(plays, weights, match):
    check(lambda: Mixture(plays, weights), match)


LONG = torch.tensor([1.0, 0.0], dtype=F64)
LONG_EACH = LONG.expand(5, 2)
NONE_EACH = torch.zeros(5, 2, dtype=F64)
OUTSIDE = {
    "utility, defense": (
        lambda: utility(LIN, 0.5 * STEP, LONG, epsilon=0.75),
        "defense",
    ),
    "utility, attack": (lambda: utility(LIN, LONG_EACH, V, epsilon=0.75), "attack"),
    "utility, attack's own": (
        lambda: utility(LIN, LONG_EACH, LONG, 1.0, attack_epsilon=0.75),
        "attack",
    ),
    "expected_utility, attacker": (
        lambda: expected_utility(LIN, LONG_EACH, V, epsilon=0.75),
        "attacker",
    ),
    "expected_utility, defender": (
        lambda: expected_utility(LIN, NONE_EACH, LONG, epsilon=0.75),
        "defender",
    ),
    "exploitability, attacker": (
        lambda: exploitability(LIN, LONG_EACH, V, epsilon=0.75),
        "attacker",
    ),
    "exploitability, defender": (
        lambda: exploitability(LIN, NONE_EACH, LONG, epsilon=0.75),
        "defender",
    ),
    "exploitability, seeing": (
        lambda: exploitability(
            LIN, NONE_EACH, PointwiseDefense(LONG_EACH), epsilon=0.75
        ),
        "defender",
    ),
    "point_payoffs": (
        lambda: point_payoffs(
            LIN, NONE_EACH.unsqueeze(1), LONG.reshape(1, 2), epsilon=0.75
        ),
        "defenses",
    ),
}


@pytest.mark.parametrize(("call", "name"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_perturbations_outside_the_ball_and_by_how_much(call, name):
    short = (
        "must lie in the ball of radius 0.75, got length 1.0, which is 0.25 too long"
    )
    check(call, f"{name} {short}")


@pytest.mark.parametrize(
    ("attack", "defense", "match"),
    [
        (STEP[:4], V, "attack must have shape (5, 2), got (4, 2)"),
        (STEP[0], V, "attack must have shape (5, 2), got (2,)"),
        (STEP, V[:1], "defense must have shape (2,) or (5, 2), got (1,)"),
        (STEP, STEP[:4], "defense must have shape (2,) or (5, 2), got (4, 2)"),
        (STEP.float(), V, "attack must have the dtype of the points"),
        (STEP, V.float(), "defense must have the dtype of the points"),
        (STEP, V * float("nan"), "defense must be finite"),
    ],
)
def test_shapes_of_utility(attack, defense, match):
    check(lambda: utility(LIN, attack, defense), match)


@pytest.mark.parametrize(
    ("attacker", "defender", "match"),
    [
        (STEP[:4], V, "attacker must have shape (5, 2), got (4, 2)"),
        (STEP, V[:1], "defender must have shape (2,), or (5, 2) for one that sees"),
        (STEP, PointwiseDefense(STEP[:4]), "for one that sees the points, got (4, 2)"),
        (STEP, V * float("inf"), "defender must be finite"),
        (
            Sampler(lambda num, seed: STEP),
            V,
            "attacker.draw must return shape (1000, 5",
        ),
        (
            STEP,
            Sampler(lambda num, seed: 3),
            "defender.draw must return shape (1000, 2)",
        ),
    ],
    ids=["attacker", "defender", "seeing", "infinite", "attacks drawn", "number drawn"],
)
def test_shapes_of_strategies(attacker, defender, match):
    check(lambda: expected_utility(LIN, attacker, defender), match)


@pytest.mark.parametrize("size", [0.0, 5.1, float("nan")])
def test_draws_of_chains_worth_nothing_or_more_than_themselves(size):
    check(
        lambda: ChainDraws(rows=STEP, effective_size=size, r_hat=1.0, is_mixed=True),
        f"effective_size must lie above 0 and be at most 5, the number of draws, got "
        f"{size}",
    )


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: expected_utility(LIN, DEFENSE, V),
            "attacker must be a strategy of the attacker, got ConstantDefense",
        ),
        (
            lambda: expected_utility(LIN, STEP, ATTACK),
            "defender must be a strategy of the defender, got DeterministicAttack",
        ),
        (lambda: exploitability(LIN, STEP, "v", epsilon=1.0), "got str"),
    ],
    ids=["attacker", "defender", "text"],
)
def test_strategies_of_the_other_player(call, match):
    check(call, match, TypeError)


@pytest.mark.parametrize("call", [expected_utility, exploitability])
@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"num_draws": 0}, "num_draws must be at least 1, got 0"),
        ({"confidence": 1.0}, "confidence must be strictly between 0 and 1, got 1.0"),
        ({"seed": -1}, "seed must be an integer"),
        ({"epsilon": -1.0}, "must be finite and >= 0, got -1.0"),
    ],
)
def test_numbers_out_of_range(call, change, match):
    check(lambda: call(LIN, STEP, V, **({"epsilon": 1.0} | change)), match)


@pytest.mark.parametrize(
    "answer",
    [
        lambda **change: attacker_best_response(LIN, V, epsilon=1.0, **change),
        lambda **change: defender_best_response(LIN, STEP, epsilon=1.0, **change),
        lambda **change: search_attack(LIN, V, epsilon=1.0, **change),
    ],
    ids=["attacker", "defender", "search"],
)
@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"num_draws": 0}, ValueError, "num_draws must be at least 1, got 0"),
        ({"num_draws": 2.5}, TypeError, "num_draws must be an integer, got 2.5"),
        ({"seed": -1}, ValueError, "seed must be an integer from 0 to 2**62, got -1"),
    ],
)
def test_draws_of_responses_even_where_none_is_needed(answer, change, error, match):
    check(lambda: answer(**change), match, error)


WRONG = torch.tensor([1.0, -1.0, 0.0, 1.0, 0.0], dtype=F64)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (
            WRONG,
            "labels must be -1 or +1, got 2 other entries, the first 0.0 at index",
        ),
        (
            WRONG[:4],
            "labels must be of shape (5,), each -1 or +1, got (4,)",
        ),
    ],
    ids=["zeros", "four"],
)
def test_labels(labels, match):
    check(lambda: utility(LIN, STEP, V, labels=labels), match)


def search_in_space():
    v = torch.zeros(3, dtype=F64)
    return search_attack(random_game(n=3, dim=3), v, epsilon=1.0, method="grid")


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            search_in_space,
            "method must be 'gradient' or 'direct', or 'grid' in the plane, got 'grid'"
            " for",
        ),
        (
            lambda: search_attack(LIN, V, epsilon=1.0, num_restarts=0),
            "num_restarts must be at least 1, got 0",
        ),
        (
            lambda: search_attack(LIN, V, epsilon=1.0, num_steps=0),
            "num_steps must be at least 1, got 0",
        ),
        (lambda: disc_grid(1.0, num_rings=0), "num_rings must be at least 1, got 0"),
        (lambda: equilibrium(LIN, epsilon=float("nan")), "epsilon must be finite"),
    ],
    ids=["method", "restarts", "steps", "rings", "epsilon"],
)
def test_searches(call, match):
    check(call, match)


@pytest.mark.parametrize("number", [2.5, True, "3"])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda number: play_fictitiously(TABLE, number), "num_rounds"),
        (lambda number: attack_candidates(LIN, 1.0, number), "num_random"),
    ],
    ids=["num_rounds", "num_random"],
)
def test_what_is_no_whole_number(call, name, number):
    check(lambda: call(number), f"{name} must be an integer, got {number!r}", TypeError)


@pytest.mark.parametrize(
    "table", [np.ones((2, 2)), np.ones((2, 0, 2)), np.full((1, 1, 1), np.nan)]
)
def test_tables_that_are_no_game(table):
    check(lambda: solve_matrix_game(table), f"got shape {table.shape}")


@pytest.mark.parametrize(
    ("attacker", "defender", "match"),
    [
        (
            np.ones((2, 2)),
            np.ones(4),
            "attacker must be (2, 3) and defender (4,), got (2, 2) and (4,)",
        ),
        (np.zeros((2, 3)), np.ones(4), "weights must sum to more than 0"),
        (
            np.ones((2, 3)),
            np.array([1, -1, 0.5, 1]),
            "defender must hold finite weights >= 0, got -1.0",
        ),
        (
            np.full((2, 3), np.nan),
            np.ones(4),
            "attacker must hold finite weights >= 0, got nan",
        ),
    ],
    ids=["shape", "zero", "negative", "nan"],
)
def test_weights_of_a_table(attacker, defender, match):
    check(lambda: judge_strategies(TABLE, attacker, defender), match)


ATTACKS, GRID = STEP.unsqueeze(1), V.unsqueeze(0)
BROKEN = ATTACKS * torch.tensor([1.0, float("nan")], dtype=F64)


@pytest.mark.parametrize(
    ("attacks", "defenses", "match"),
    [
        (ATTACKS[:4], GRID, "attacks must be (5, k, 2)"),
        (ATTACKS, V, "attacks must be (5, k, 2)"),
        (ATTACKS[:, :0], GRID, "attacks must be (5, k, 2)"),
        (BROKEN, GRID, "attacks must be finite, got 5 NaN or infinite entries"),
        (ATTACKS, GRID / 0.0, "defenses must be finite, got 2"),
        (ATTACKS.float(), GRID, "attacks must have the dtype of the points"),
        (ATTACKS, GRID.float(), "defenses must have the dtype of the points"),
        (ATTACKS.long(), GRID, "attacks must be float32 or float64"),
    ],
)
def test_grids_of_plays(attacks, defenses, match):
    check(lambda: point_payoffs(LIN, attacks, defenses), match)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: play_fictitiously(TABLE, 0),
            "num_rounds must be at least 1, got 0",
        ),
        (
            lambda: utility(LIN, STEP, V, attack_epsilon=1.0),
            "attack_epsilon needs the defender's epsilon beside it",
        ),
        (
            lambda: point_payoffs(LIN, ATTACKS, GRID, attack_epsilon=1.0),
            "attack_epsilon needs the defender's epsilon beside it",
        ),
        (
            lambda: attack_candidates(LIN, 1.0, 0, include_fgm=False),
            "num_random must be at least 1, got 0",
        ),
    ],
    ids=["rounds", "utility", "point_payoffs", "candidates"],
)
def test_numbers_of_tables(call, match):
    check(call, match)
