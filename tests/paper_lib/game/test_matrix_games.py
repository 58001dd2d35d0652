"""Theorem 1 without FGM, Lemma 1 or coverage: a linear program, and fictitious play."""

import itertools

import nashpy
import numpy as np
import pytest
import torch

from experiments.figures.theorem_1 import play_fictitiously
from paper_lib.defense import maximize_coverage
from paper_lib.game import (
    attack_candidates,
    judge_strategies,
    point_payoffs,
    solve_matrix_game,
    utility,
)
from paper_lib.geometry import disc_grid
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.game.game_cases import F64, NAMED_GAME, random_game, random_moves

GRID = disc_grid(1.0, num_rings=3, num_angles=12)


def tables(seed, *, with_maximizer=False, n=5):
    """A random game in the plane, its table, and its coverage on the grid."""
    lin = random_game(n=n, dim=2, seed=seed)
    sets = RobustSets.from_linearization(lin, 1.0)
    grid, best = GRID, None
    if with_maximizer:
        solution = maximize_coverage(sets)
        grid, best = torch.cat([GRID, solution.perturbation[None]]), solution.coverage
    attacks = attack_candidates(lin, 1.0, 4, seed=seed)
    table = point_payoffs(lin, attacks, grid, epsilon=1.0)
    return table, sets.coverage(grid).numpy(), best


def test_the_table_holds_utilities():
    lin = random_game(n=4, dim=3)
    attacks = attack_candidates(lin, 1.0, 2)
    defenses = random_moves(1, 5, 3)[0]
    table = point_payoffs(lin, attacks, defenses)
    assert table.shape == (4, 3, 5)
    for k, j in itertools.product(range(3), range(5)):
        expected = utility(lin, attacks[:, k], defenses[j])
        assert table[:, k, j].tolist() == expected.tolist()


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_the_value_is_one_minus_twice_the_coverage(first):
    """On 200 games, to 1e-9; the claims of Theorem 1 about both strategies with it."""
    for seed in range(first, first + 50):
        with_maximizer = seed % 2 == 1
        table, coverage, best = tables(seed, with_maximizer=with_maximizer)
        solved = solve_matrix_game(table)
        assert 0 <= solved.duality_gap + 1e-12 <= 1e-9
        assert solved.value == pytest.approx(1.0 - 2.0 * coverage.max(), abs=1e-9)
        if with_maximizer:
            assert solved.value == pytest.approx(1.0 - 2.0 * best, abs=1e-9)
        # FGM, the first attack, in the optimal attacker's place stays optimal.
        always = np.zeros_like(solved.attacker)
        always[:, 0] = 1.0
        swapped = judge_strategies(table, always, solved.defender)
        assert swapped.duality_gap == pytest.approx(0.0, abs=1e-9)
        # The defender plays maximizers alone.
        off = solved.defender[coverage < coverage.max() - 1e-9].sum()
        assert off <= 1e-9


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_without_fgm_the_attacker_gets_less(seed):
    lin = random_game(n=5, dim=2, seed=seed)
    attacks = attack_candidates(lin, 1.0, 4, seed=seed)
    full = solve_matrix_game(point_payoffs(lin, attacks, GRID))
    fewer = solve_matrix_game(point_payoffs(lin, attacks[:, 1:], GRID))
    assert fewer.value < full.value - 0.01


def test_without_fgm_the_named_game_is_worth_less():
    attacks = attack_candidates(NAMED_GAME, 1.0, 6)
    full = solve_matrix_game(point_payoffs(NAMED_GAME, attacks, GRID))
    fewer = solve_matrix_game(point_payoffs(NAMED_GAME, attacks[:, 1:], GRID))
    assert fewer.value < full.value - 0.01
    only = attack_candidates(NAMED_GAME, 1.0, 6, include_fgm=False)
    assert torch.equal(only, attacks[:, 1:])


def test_a_wrong_value_would_be_noticed():
    """Negative control: a defender off V*, and an attacker who is not FGM."""
    table, coverage, _ = tables(3)
    solved = solve_matrix_game(table)
    worst = np.zeros(len(coverage))
    worst[coverage.argmin()] = 1.0
    assert judge_strategies(table, solved.attacker, worst).duality_gap > 0.01
    last = np.zeros_like(solved.attacker)
    last[:, -1] = 1.0
    assert judge_strategies(table, last, solved.defender).duality_gap > 0.01


def all_products(table):
    """The matrix of every pure strategy of the attacker, an attack for each point."""
    num, num_attacks, _ = table.shape
    choices = itertools.product(range(num_attacks), repeat=num)
    return np.array([table[range(num), list(one)].mean(axis=0) for one in choices])


@pytest.mark.parametrize("seed", range(6))
def test_a_peer_agrees_on_the_whole_matrix(seed):
    """Attack probabilities at each point are enough: 81 pure strategies, same value."""
    table = tables(seed, n=4)[0][:, 1 - seed % 2 : 4 - seed % 2]
    matrix = all_products(table)
    row, column = nashpy.Game(matrix).linear_program()
    solved = solve_matrix_game(table)
    assert matrix.shape[0] == 81
    assert solved.value == pytest.approx(row @ matrix @ column, abs=1e-9)


def test_fictitious_play_closes_in_on_the_value():
    for seed in range(5):
        table, _, _ = tables(seed)
        value = solve_matrix_game(table).value
        played = play_fictitiously(table, 2000)
        assert (played.attacker_guarantees <= value + 1e-9).all()
        assert (played.defender_guarantees >= value - 1e-9).all()
        curve = played.exploitability
        assert curve[-1] <= 0.06
        assert curve[0] > curve[-1]
        assert played.last.duality_gap == pytest.approx(curve[-1], abs=1e-9)
        assert played.last.value == pytest.approx(value, abs=0.03)


def test_matching_pennies():
    pennies = np.array([[[1.0, -1.0], [-1.0, 1.0]]])
    solved = solve_matrix_game(pennies)
    assert solved.value == pytest.approx(0.0, abs=1e-12)
    assert solved.attacker == pytest.approx(np.full((1, 2), 0.5))
    assert solved.defender == pytest.approx(np.full(2, 0.5))
    played = play_fictitiously(pennies, 5000)
    assert played.exploitability[-1] < 0.05
    assert play_fictitiously(pennies, 1).exploitability == pytest.approx([2.0])


def test_seeds_of_candidates_are_used():
    lin = random_game(n=3, dtype=F64)
    first, again, other = (attack_candidates(lin, 1.0, 2, seed=s) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
