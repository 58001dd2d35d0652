"""Budgets for each point that are none: named, located, and refused."""

import math

import numpy as np
import pytest
import torch

from paper_lib.attacks import PGD_READINGS, fgm, pgd
from paper_lib.game import (
    equilibrium,
    expected_utility,
    exploitability,
    point_payoffs,
    search_attack,
    utility,
)
from paper_lib.geometry import in_l2_ball, project_l2_ball
from paper_lib.local_linearity import network_coverage
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.error_cases import LIN, MODEL, POINTS

pytestmark = pytest.mark.bad_input

ATTACK, V = torch.zeros(6, 4), torch.zeros(4)
# Every function that takes a budget for each of six points, and the argument's name.
TAKING = {
    "fgm": (lambda e: fgm(LIN, e), "epsilon"),
    "pgd": (lambda e: pgd(MODEL, POINTS, e), "epsilon"),
    "reading": (lambda e: PGD_READINGS["ball"].attack(MODEL, POINTS, e), "epsilon"),
    "search_attack": (lambda e: search_attack(LIN, V, epsilon=e), "epsilon"),
    "in_l2_ball": (lambda e: in_l2_ball(POINTS, e), "radius"),
    "project_l2_ball": (lambda e: project_l2_ball(POINTS, e), "radius"),
    "from_linearization": (
        lambda e: RobustSets.from_linearization(LIN, 1.0, attack_epsilon=e),
        "attack_epsilon",
    ),
    "utility": (
        lambda e: utility(LIN, ATTACK, V, 1.0, attack_epsilon=e),
        "attack_epsilon",
    ),
    "expected_utility": (
        lambda e: expected_utility(LIN, ATTACK, V, epsilon=1.0, attack_epsilon=e),
        "attack_epsilon",
    ),
    "point_payoffs": (
        lambda e: point_payoffs(
            LIN, ATTACK[:, None], V[None], epsilon=1.0, attack_epsilon=e
        ),
        "attack_epsilon",
    ),
    "exploitability": (
        lambda e: exploitability(LIN, ATTACK, V, epsilon=1.0, attack_epsilon=e),
        "attack_epsilon",
    ),
    "equilibrium": (
        lambda e: equilibrium(LIN, epsilon=1.0, attack_epsilon=e),
        "attack_epsilon",
    ),
}
every_function = pytest.mark.parametrize(
    ("call", "name"), TAKING.values(), ids=TAKING.keys()
)


@every_function
@pytest.mark.parametrize("shape", [(5,), (7,), (1,), (0,), (), (6, 1), (1, 6)])
def test_budgets_that_are_not_one_a_point(call, name, shape):
    """Some of these would broadcast."""
    match = rf"^{name} must be of shape \(6,\), each finite and >= 0, got \("
    with pytest.raises(ValueError, match=match):
        call(torch.ones(shape))


@every_function
@pytest.mark.parametrize("value", [-0.5, math.nan, math.inf, -math.inf])
def test_budgets_of_which_two_are_none(call, name, value):
    budgets = torch.ones(6)
    budgets[[2, 4]] = value
    match = rf"^{name} must be finite and >= 0, got 2 other .* first {value} at index 2"
    with pytest.raises(ValueError, match=match):
        call(budgets)


@every_function
def test_truth_values_are_no_budgets(call, name):
    match = rf"^{name} must be finite and >= 0, got 6 other .* first True at index 0"
    with pytest.raises(ValueError, match=match):
        call(torch.ones(6) > 0)


@every_function
@pytest.mark.parametrize("budgets", [[1.0] * 6, np.ones(6), "1", None, True])
def test_budgets_that_are_neither_number_nor_tensor(call, name, budgets):
    if budgets is None and name == "attack_epsilon":
        return  # the budget of both
    with pytest.raises(TypeError, match=rf"^{name} must be a number, got"):
        call(budgets)


@pytest.mark.parametrize(
    "call",
    [
        lambda e: RobustSets.from_linearization(LIN, e),
        lambda e: utility(LIN, ATTACK, V, e),
        lambda e: expected_utility(LIN, ATTACK, V, epsilon=e),
        lambda e: exploitability(LIN, ATTACK, V, epsilon=e),
        lambda e: equilibrium(LIN, epsilon=e),
    ],
)
def test_the_defender_has_one_budget(call):
    match = (
        r"^epsilon must be a number \(one for each point is attack_epsilon\), "
        r"got torch.Size\(\[6\]\)\.$"
    )
    with pytest.raises(TypeError, match=match):
        call(torch.ones(6))


def test_attacks_on_the_network_have_one_budget():
    match = r"^attack_epsilon must be a number, got torch.Size\(\[6\]\)\.$"
    with pytest.raises(TypeError, match=match):
        network_coverage(MODEL, POINTS, V, 1.0, attack_epsilon=torch.ones(6))


@pytest.mark.parametrize("call", [utility, expected_utility, exploitability])
def test_the_attack_that_is_too_long_for_its_point_is_measured(call):
    budgets, attack = torch.full((6,), 2.0), torch.zeros(6, 4)
    attack[:, 0], budgets[3] = 1.5, 1.0
    match = "^(attack|attacker) must lie in the ball of radius 1.0, got length 1.5, "
    with pytest.raises(ValueError, match=match):
        call(LIN, attack, V, epsilon=1.0, attack_epsilon=budgets)
    budgets[3] = 1.5
    assert call(LIN, attack, V, epsilon=1.0, attack_epsilon=budgets) is not None
