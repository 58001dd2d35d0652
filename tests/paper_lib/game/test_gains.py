"""Exploitability: nobody gains at an equilibrium, and who plays wrong does."""

import dataclasses
import sys

import pytest
import torch

from paper_lib.attacks import fgm
from paper_lib.data import load_pair
from paper_lib.defense import maximize_coverage
from paper_lib.game import (
    DeterministicAttack,
    PointwiseDefense,
    attacker_best_response,
    defender_best_response,
    equilibrium,
    expected_utility,
    exploitability,
    point_payoffs,
)
from paper_lib.game.expectation import child_seeds
from paper_lib.geometry import project_l2_ball, sample_l2_ball
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.game.game_cases import (
    BEST,
    F32,
    F64,
    NAMED_GAME,
    POINT_GAME,
    random_game,
    walk,
)


def test_a_bound_is_said_to_be_one():
    lin = random_game(n=60, dim=20, seed=1)
    still = torch.zeros(20, dtype=F64)
    pair = exploitability(lin, fgm(lin, 1.0), still, epsilon=1.0, max_nodes=1)
    found = pair.defender_response
    assert found.bound < found.value < pair.utility.value
    assert not found.is_exact
    assert not pair.is_exact
    assert pair.gain_bounds.attacker == (0.0, 0.0)
    assert pair.gain_bounds.defender[0] == pair.defender_gain > 0.0
    assert pair.gain_bounds.defender[1] == pair.utility.value - found.bound


@pytest.fixture(scope="module")
def digits():
    """A small CNN on real digits, linearized: 784 dimensions, float32."""
    pair = load_pair("mnist", (0, 1), source="embedded")
    trained = train_classifier(pair.train, config=TrainConfig(epochs=1), seed=0)
    return linearize(trained.model, pair.train.images[::10])


def test_bounds_of_gains_at_the_size_of_digits(digits):
    """In 784 dimensions the attacker's gain is known, the defender's is bounded."""
    epsilon, still = 4.0, torch.zeros(784)
    step = fgm(digits, epsilon)
    sets = RobustSets.from_linearization(digits, epsilon)
    v = maximize_coverage(sets).perturbation
    pair = exploitability(digits, step, v, epsilon=epsilon)
    found = pair.defender_response
    assert found.bound < found.value  # no proof that v is best
    assert not found.is_exact
    assert not pair.is_exact
    assert pair.search_shortfall == 0.0  # but the gradient finds FGM
    assert pair.gain_bounds.attacker == (0.0, 0.0)
    low, high = pair.gain_bounds.defender
    assert low == pair.defender_gain < high
    assert high == pytest.approx(pair.utility.value - found.bound)
    # Few nodes of another bound do not lose what the solver proved.
    options = {"max_nodes": 1, "seed": child_seeds(0, 4)[3]}
    more = defender_best_response(digits, step, epsilon=epsilon, **options)
    assert found.bound <= more.bound <= more.value <= found.value
    # No constant that anyone tried is below the bound: draws, mixtures of the
    # reverses of FGM, and the maximizers for other budgets.
    tried = torch.cat(
        [
            sample_l2_ball(300, 784, epsilon, seed=1).float(),
            project_l2_ball(-step[:40] - step[40:], epsilon),
            v[None],
            still[None],
        ]
    )
    values = point_payoffs(digits, step.unsqueeze(1), tried).mean(axis=0)[0]
    assert found.bound <= values.min() <= pair.utility.value
    assert values.max() > values.min() + 0.1
    # Negative control: whoever plays wrong gains, within bounds again.
    idle = exploitability(digits, 0.5 * step, still, epsilon=epsilon)
    assert idle.attacker_gain > 0.1
    assert idle.gain_bounds.attacker == (idle.attacker_gain,) * 2
    assert 0.1 < idle.defender_gain <= idle.gain_bounds.defender[1]


EQUILIBRIA = [
    *[(random_game(n=9, dim=dim, seed=s), 1.0) for dim in (1, 3) for s in range(2)],
    *[(random_game(n=9, dim=2, seed=s), 1.0) for s in range(5)],
    *[(random_game(n=25, dim=2, seed=s), 1.0) for s in range(10, 20)],
    (NAMED_GAME, 1.0),
    (POINT_GAME, 1.0),
    (random_game(n=9, dim=2, seed=3, dtype=F32), 1.0),
]


@pytest.mark.parametrize(("lin", "epsilon"), EQUILIBRIA)
@pytest.mark.parametrize("attack_epsilon", [None, 0.4])
def test_nobody_gains_by_leaving_fgm_against_smooth(lin, epsilon, attack_epsilon):
    """Theorem 1; with different budgets as well."""
    pair = equilibrium(lin, epsilon=epsilon, attack_epsilon=attack_epsilon)
    assert pair.is_exact
    found = exploitability(
        lin,
        pair.attacker,
        pair.defender,
        epsilon=epsilon,
        attack_epsilon=attack_epsilon,
    )
    assert found.is_exact
    assert found.attacker_gain <= 1e-12
    assert found.defender_gain <= 1e-12
    assert found.utility.value == pytest.approx(pair.value, abs=1e-12)
    assert pair.value_bounds == pytest.approx((pair.value, pair.value))


def test_chains_that_have_not_mixed_say_nothing():
    lin, attack = NAMED_GAME, fgm(NAMED_GAME, 1.0)
    stuck = walk(0.3, 0.9, is_mixed=False)
    found = expected_utility(lin, attack, stuck, num_draws=1900)
    assert not found.is_mixed
    assert (found.low, found.high, found.r_hat) == (-1.0, 1.0, 1.5)
    pair = exploitability(lin, attack, stuck, epsilon=1.0, num_draws=1900)
    assert not pair.is_mixed
    assert not pair.is_exact
    assert pair.gain_bounds.attacker == (0.0, 2.0)
    assert pair.gain_bounds.defender[1] >= 1.0 - BEST.value
    sound = exploitability(lin, attack, walk(0.3, 0.9), epsilon=1.0, num_draws=1900)
    assert sound.is_mixed
    assert sound.gain_bounds.attacker[1] < 1.0


WRONG_BUDGET = maximize_coverage(
    RobustSets.from_linearization(NAMED_GAME, 1.0, attack_epsilon=0.2)
).perturbation


SMOOTH = BEST.defender.perturbation


CONTROLS = {
    "wrong sign": (-fgm(NAMED_GAME, 1.0), SMOOTH, "attacker"),
    "half the budget": (fgm(NAMED_GAME, 0.5), SMOOTH, "attacker"),
    "no attack": (0 * fgm(NAMED_GAME, 1.0), SMOOTH, "attacker"),
    "a defense for another budget": (fgm(NAMED_GAME, 1.0), WRONG_BUDGET, "defender"),
    "no defense": (fgm(NAMED_GAME, 1.0), 0 * SMOOTH, "defender"),
    "v off V*": (fgm(NAMED_GAME, 1.0), -SMOOTH, "defender"),
}


@pytest.mark.parametrize(("attack", "v", "who"), CONTROLS.values(), ids=CONTROLS)
def test_who_plays_wrong_gains_by_leaving(attack, v, who):
    found = exploitability(NAMED_GAME, attack, v, epsilon=1.0)
    assert getattr(found, f"{who}_gain") > 0.01
    assert found.is_exact


def test_a_defender_who_sees_the_points_beats_smooth():
    """Lemma 3 is about constants. Lemma 2 holds all the same."""
    seeing = PointwiseDefense(-fgm(NAMED_GAME, 1.0))
    found = exploitability(NAMED_GAME, fgm(NAMED_GAME, 1.0), seeing, epsilon=1.0)
    assert found.utility.value == -1.0
    assert found.defender_gain < -0.01  # constants are worse
    assert BEST.value - found.utility.value > 0.01
    assert found.attacker_gain == 0.0


def test_a_search_that_finds_nothing_does_not_make_a_gain_of_zero_exact(monkeypatch):
    """FGM leaves nothing to gain by Lemma 2; the search is to confirm it, and fails."""
    lin = Linearization(
        logits=torch.tensor([0.5, -0.5], dtype=F64),
        gradients=torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=F64),
    )
    v = torch.zeros(2, dtype=F64)
    step = fgm(lin, 1.0)
    sound = exploitability(lin, step, v, epsilon=1.0)
    assert sound.search_shortfall == 0.0
    blind = attacker_best_response(lin, v, epsilon=1.0)
    blind = dataclasses.replace(
        blind, strategy=DeterministicAttack(torch.zeros_like(step)), method="grid"
    )
    monkeypatch.setattr(
        sys.modules["paper_lib.game.gains"],
        "search_attack",
        lambda *args, **kwargs: blind,
    )
    broken = exploitability(lin, step, v, epsilon=1.0)
    assert broken.attacker_gain == 0.0
    assert broken.search_shortfall == 2.0
    assert not broken.is_exact
