"""Bad input to the game: what was wrong, what was expected, what came."""

import re

import numpy as np
import pytest
import torch

from paper_lib.arrangement import heaviest_faces
from paper_lib.attacks import fgm
from paper_lib.defense import (
    HitAndRunConfig,
    draw_maximizers,
    maximize_coverage,
    maximizer_set,
)
from paper_lib.defense.draws.hit_and_run import hit_and_run
from paper_lib.defense.draws.inner_ball import Piece
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
    play_fictitiously,
    point_payoffs,
    search_attack,
    solve_matrix_game,
    utility,
)
from paper_lib.game.strategies import ChainDraws
from paper_lib.geometry import disc_grid
from tests.paper_lib.defense.defense_cases import random_sets
from tests.paper_lib.game.game_cases import F64, NAMED_GAME, THREE_CELLS, random_game

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


def test_perturbations_outside_the_ball_and_by_how_much():
    short = (
        "must lie in the ball of radius 0.75, got length 1.0, which is 0.25 too long"
    )
    long = torch.tensor([1.0, 0.0], dtype=F64)
    attack = 0.5 * STEP
    check(lambda: utility(LIN, attack, long, epsilon=0.75), f"defense {short}")
    attack = long.expand(5, 2)
    check(lambda: utility(LIN, attack, V, epsilon=0.75), f"attack {short}")
    check(lambda: utility(LIN, attack, long, 1.0, attack_epsilon=0.75), "attack must")
    for call in (expected_utility, exploitability):
        check(lambda c=call: c(LIN, attack, V, epsilon=0.75), f"attacker {short}")
        check(
            lambda c=call: c(LIN, 0 * attack, long, epsilon=0.75), f"defender {short}"
        )
    seeing = PointwiseDefense(attack)
    check(
        lambda: exploitability(LIN, 0 * attack, seeing, epsilon=0.75),
        f"defender {short}",
    )
    grid = long.reshape(1, 2)
    check(
        lambda: point_payoffs(LIN, 0 * attack.unsqueeze(1), grid, epsilon=0.75),
        f"defenses {short}",
    )


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


def test_shapes_of_strategies():
    both = [
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
    ]
    for attacker, defender, match in both:
        check(lambda a=attacker, d=defender: expected_utility(LIN, a, d), match)


@pytest.mark.parametrize("size", [0.0, 5.1, float("nan")])
def test_draws_of_chains_worth_nothing_or_more_than_themselves(size):
    check(
        lambda: ChainDraws(rows=STEP, effective_size=size, r_hat=1.0, is_mixed=True),
        f"effective_size must lie above 0 and be at most 5, the number of draws, got "
        f"{size}",
    )


def test_strategies_of_the_other_player():
    match = "attacker must be a strategy of the attacker, got ConstantDefense"
    check(lambda: expected_utility(LIN, DEFENSE, V), match, TypeError)
    match = "defender must be a strategy of the defender, got DeterministicAttack"
    check(lambda: expected_utility(LIN, STEP, ATTACK), match, TypeError)
    check(lambda: exploitability(LIN, STEP, "v", epsilon=1.0), "got str", TypeError)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"num_draws": 0}, "num_draws must be at least 1, got 0"),
        ({"confidence": 1.0}, "confidence must lie in (0, 1), got 1.0"),
        ({"seed": -1}, "seed must be an integer"),
        ({"epsilon": -1.0}, "must be finite and >= 0, got -1.0"),
    ],
)
def test_numbers_out_of_range(change, match):
    for call in (expected_utility, exploitability):
        check(lambda c=call: c(LIN, STEP, V, **({"epsilon": 1.0} | change)), match)


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


def test_labels():
    wrong = torch.tensor([1.0, -1.0, 0.0, 1.0, 0.0], dtype=F64)
    for labels, match in (
        (wrong, "labels must be -1 or +1, got 2 other entries, the first 0.0 at index"),
        (wrong[:4], "labels must be of shape (5,), one -1 or +1 a point, got (4,)"),
    ):
        check(lambda one=labels: utility(LIN, STEP, V, labels=one), match)


def test_searches():
    in_space = random_game(n=3, dim=3)
    v = torch.zeros(3, dtype=F64)
    check(
        lambda: search_attack(in_space, v, epsilon=1.0, method="grid"),
        "method must be 'gradient' or 'direct', or 'grid' in the plane, got 'grid' for",
    )
    for name in ("num_restarts", "num_steps"):
        change = {name: 0}
        match = f"{name} must be at least 1, got 0"
        check(lambda c=change: search_attack(LIN, V, epsilon=1.0, **c), match)
    check(lambda: disc_grid(1.0, num_rings=0), "num_rings must be at least 1, got 0")
    check(lambda: equilibrium(LIN, epsilon=float("nan")), "epsilon must be finite")


@pytest.mark.parametrize("number", [2.5, True, "3"])
def test_what_is_no_whole_number(number):
    for name, call in (
        ("num_rounds", lambda: play_fictitiously(TABLE, number)),
        ("num_random", lambda: attack_candidates(LIN, 1.0, number)),
    ):
        check(call, f"{name} must be an integer, got {number!r}", TypeError)


def test_tables():
    for table in (np.ones((2, 2)), np.ones((2, 0, 2)), np.full((1, 1, 1), np.nan)):
        check(lambda t=table: solve_matrix_game(t), f"got shape {table.shape}")
    check(lambda: play_fictitiously(TABLE, 0), "num_rounds must be at least 1, got 0")
    check(
        lambda: judge_strategies(TABLE, np.ones((2, 2)), np.ones(4)),
        "attacker must be (2, 3) and defender (4,), got (2, 2) and (4,)",
    )
    check(
        lambda: judge_strategies(TABLE, np.zeros((2, 3)), np.ones(4)),
        "weights must sum to more than 0",
    )
    check(
        lambda: judge_strategies(TABLE, np.ones((2, 3)), np.array([1, -1, 0.5, 1])),
        "defender must hold finite weights >= 0, got -1.0",
    )
    check(
        lambda: judge_strategies(TABLE, np.full((2, 3), np.nan), np.ones(4)),
        "attacker must hold finite weights >= 0, got nan",
    )
    check(
        lambda: utility(LIN, STEP, V, attack_epsilon=1.0),
        "attack_epsilon needs the defender's epsilon beside it",
    )
    attacks, grid = STEP.unsqueeze(1), V.unsqueeze(0)
    for a, d in ((attacks[:4], grid), (attacks, V), (attacks[:, :0], grid)):
        check(lambda a=a, d=d: point_payoffs(LIN, a, d), "attacks must be (5, k, 2)")
    broken = attacks * torch.tensor([1.0, float("nan")], dtype=F64)
    for a, d, match in (
        (broken, grid, "attacks must be finite, got 5 NaN or infinite entries"),
        (attacks, grid / 0.0, "defenses must be finite, got 2"),
        (attacks.float(), grid, "attacks must have the dtype of the points"),
        (attacks, grid.float(), "defenses must have the dtype of the points"),
        (attacks.long(), grid, "attacks must be float32 or float64"),
    ):
        check(lambda a=a, d=d: point_payoffs(LIN, a, d), match)
    check(
        lambda: point_payoffs(LIN, attacks, grid, attack_epsilon=1.0),
        "attack_epsilon needs the defender's epsilon beside it",
    )
    check(
        lambda: attack_candidates(LIN, 1.0, 0, include_fgm=False),
        "num_random must be at least 1, got 0",
    )


def test_maximizer_sets():
    space = random_sets(n=5, dim=3)
    check(lambda: maximizer_set(space), "needs d = 2, got d = 3")
    check(lambda: draw_maximizers(space, 0), "num_draws must be at least 1, got 0")
    check(lambda: draw_maximizers(space, 9), "at least 4 for each of 8 chains, got 9")
    check(lambda: maximizer_set(THREE_CELLS).draw(0, 0), "num_draws must be at least 1")
    check(lambda: maximizer_set(THREE_CELLS).draw(1, -1), "seed must be an integer")
    other = maximize_coverage(random_sets(n=5, dim=3, seed=1, shift=-3.0))
    check(
        lambda: draw_maximizers(random_sets(n=5, dim=3, shift=3.0), 40, solution=other),
        "solution must be one of these sets, got coverage",
    )
    for change, match in (
        ({"num_chains": 1}, "num_chains must be at least 2, got 1"),
        ({"thin": 0}, "thin must be at least 1 or None, got 0"),
        ({"burn_in": -1}, "burn_in must be at least 0, got -1"),
    ):
        check(lambda c=change: HitAndRunConfig(**c), match)
    outside = np.array([-0.5, 0.0])
    check(
        lambda: hit_and_run(Piece(np.eye(2), np.zeros(2)), outside, 40),
        "center must have slack on every row, got a slack of -0.5",
    )
    for weights in (np.ones(2), np.array([1.0, 0.0, 1.0])):
        check(
            lambda w=weights: heaviest_faces(
                np.eye(3)[:, :2], np.ones(3), 1.0, weights=w
            ),
            "weights must be 3 finite numbers above 0",
        )
