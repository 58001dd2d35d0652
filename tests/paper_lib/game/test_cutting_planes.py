"""Large and badly scaled matrix games, against one linear program and brute force."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from paper_lib.game import cutting_planes as planes_module
from paper_lib.game import judge_strategies, solve_matrix_game


def random_table(seed, most=8):
    """A table of signs, of normal numbers, or of few values with many ties."""
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(1, most, 3))
    if seed % 3 == 0:
        return draw.choice([-1.0, 1.0], size=shape)
    return draw.normal(size=shape) if seed % 3 == 1 else draw.choice([0.0, 0.5], shape)


def value_of_one_program(table):
    """The attacker's side as one linear program in n K + 1 variables."""
    num, num_attacks, num_defenses = table.shape
    payoff = table.transpose(2, 0, 1).reshape(num_defenses, -1) / num
    found = linprog(
        np.append(np.zeros(num * num_attacks), -1.0),
        A_ub=np.column_stack([-payoff, np.ones(num_defenses)]),
        b_ub=np.zeros(num_defenses),
        A_eq=np.column_stack(
            [np.kron(np.eye(num), np.ones(num_attacks)), np.zeros(num)]
        ),
        b_eq=np.ones(num),
        bounds=[(0.0, None)] * (num * num_attacks) + [(None, None)],
    )
    return -found.fun


@pytest.mark.parametrize("first", range(0, 100, 50))
@pytest.mark.parametrize("groups", [2, 128])
def test_one_linear_program_agrees(first, groups, monkeypatch):
    """Few groups, so that planes are cut; and a group for each point."""
    monkeypatch.setattr(planes_module, "_MOST_GROUPS", groups)
    for seed in range(first, first + 50):
        table = random_table(seed)
        solved = solve_matrix_game(table)
        assert abs(solved.duality_gap) <= 1e-9
        assert solved.value == pytest.approx(value_of_one_program(table), abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_no_pure_strategy_gains(seed):
    """Every pure answer to the returned pair, one by one."""
    table = random_table(seed, most=5)
    num, num_attacks, _ = table.shape
    solved = solve_matrix_game(table)
    against = np.einsum("nk,nkm->m", solved.attacker, table) / num
    assert against.min() >= solved.value - 1e-9
    for choice in itertools.product(range(num_attacks), repeat=num):
        earned = table[range(num), list(choice)].mean(axis=0) @ solved.defender
        assert earned <= solved.value + 1e-9


@pytest.mark.parametrize("first", [0, 100])
def test_the_equilibrium_does_not_depend_on_units(first):
    """On 200 tables, times 1e-12 to 1e12, moved by up to a million ranges."""
    for seed in range(first, first + 100):
        table = random_table(seed)
        draw = np.random.default_rng(seed)
        reach = float(np.ptp(table)) or 1.0
        plain = solve_matrix_game(table)
        scale = 10.0 ** draw.uniform(-12, 12)
        shift = draw.uniform(-1e6, 1e6) * reach
        moved = solve_matrix_game((table + shift) * scale)
        for one in (moved.attacker_guarantee, moved.defender_guarantee):
            assert abs(one / scale - shift - plain.value) <= 1e-9 * reach
        judged = judge_strategies(table, moved.attacker, moved.defender)
        assert judged.duality_gap <= 1e-9 * reach
        assert abs(judged.value - plain.value) <= 1e-9 * reach


@pytest.mark.parametrize("unit", [5e-324, 1e-300, 1.0, 1e300, 1.7e308])
def test_pennies_of_any_size(unit):
    pennies = np.array([[[1.0, -1.0], [-1.0, 1.0]]]) * unit
    solved = solve_matrix_game(pennies)
    assert solved.value == 0.0
    assert solved.defender == pytest.approx([0.5, 0.5], abs=1e-9)


@pytest.mark.parametrize("signs", [True, False])
def test_a_game_of_many_points(signs):
    """Far beyond one dense program, whose matrix would hold 10^9 numbers."""
    draw = np.random.default_rng(0)
    shape = (3000, 21, 10)
    table = draw.choice([-1.0, 1.0], shape) if signs else draw.normal(size=shape)
    solved = solve_matrix_game(table)
    assert abs(solved.duality_gap) <= 1e-11
    assert solved.attacker.sum(axis=1) == pytest.approx(np.ones(3000))


def test_a_loose_solver_would_be_noticed(monkeypatch):
    """Negative control: the gap shows a program that was not solved to the end."""
    table = np.random.default_rng(1).normal(size=(40, 5, 6))
    monkeypatch.setattr(planes_module, "_MOST_GROUPS", 2)
    monkeypatch.setattr(planes_module, "_GAP", 0.2)
    assert solve_matrix_game(table).duality_gap > 1e-3
