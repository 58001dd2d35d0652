"""Best responses of both players, against grids and many other plays."""

import numpy as np
import pytest
import torch

from paper_lib.attacks import fgm
from paper_lib.game import (
    DeterministicAttack,
    Mixture,
    attacker_best_response,
    defender_best_response,
    expected_utility,
    exploitability,
    point_payoffs,
    search_attack,
    utility,
)
from paper_lib.game.responses import answered_sets
from paper_lib.geometry import disc_grid, l2_norm, sample_l2_ball
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.game.game_cases import (
    F64,
    random_game,
    random_moves,
)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_rows_of_fgm_are_the_robust_sets(dim):
    lin = random_game(n=20, dim=dim)
    found = answered_sets(lin, fgm(lin, 1.0), epsilon=1.0)
    sets = RobustSets.from_linearization(lin, 1.0)
    assert torch.equal(found.normals, sets.normals)
    assert torch.allclose(found.offsets, sets.offsets, atol=1e-10)
    other = answered_sets(lin, random_moves(1, 20, dim, seed=1)[0], epsilon=1.0)
    assert (other.offsets >= found.offsets).all()


def test_answered_sets_count_utility_bit_for_bit():
    lin = random_game(n=300, dim=5, seed=2)
    attack = random_moves(1, 300, 5, seed=3)[0]
    v = random_moves(1, 1, 5, seed=4)[0, 0]
    kept = answered_sets(lin, attack, epsilon=1.0).contains(v)
    assert torch.equal(kept, utility(lin, attack, v) == -1.0)


def mixtures_of_attacks(dim, weights, seed=0):
    lin = random_game(n=6, dim=dim, seed=seed)
    moves = random_moves(len(weights), 6, dim, seed=seed)
    return lin, Mixture(tuple(map(DeterministicAttack, moves)), weights)


def against(lin, mixture, defenses):
    """The attacker's expected utility against each of some constants."""
    attacks = torch.stack([play.perturbations for play in mixture.plays], dim=1)
    table = point_payoffs(lin, attacks, defenses).mean(axis=0)
    return np.array(mixture.weights) @ table


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("weights", [(0.5, 0.25, 0.25), (0.113, 0.35, 0.537), (1.0,)])
def test_the_answer_to_a_mixture_is_best_on_a_grid(weights, seed):
    lin, attacker = mixtures_of_attacks(2, weights, seed)
    found = defender_best_response(lin, attacker, epsilon=1.0)
    assert found.is_exact
    now = expected_utility(lin, attacker, found.strategy, epsilon=1.0).value
    assert found.value == pytest.approx(now, abs=1e-12)
    on_grid = against(lin, attacker, disc_grid(1.0, num_rings=12, num_angles=60))
    assert found.value <= on_grid.min() + 1e-12
    # The grid is fine enough to notice a response that is not best.
    assert on_grid.min() <= found.value + 0.2
    assert on_grid.max() > found.value + 0.2


def test_the_answer_in_space_takes_multiples():
    lin, attacker = mixtures_of_attacks(3, (0.5, 0.25, 0.25))
    found = defender_best_response(lin, attacker, epsilon=1.0)
    assert found.is_exact
    sampled = against(lin, attacker, random_moves(1, 1000, 3, seed=5)[0])
    assert found.value <= sampled.min() + 1e-12
    assert sampled.max() > found.value + 0.2


@pytest.mark.parametrize(
    ("dim", "method"),
    [(1, "direct"), (2, "grid"), (10, "direct"), (11, "gradient")],
)
def test_up_to_ten_dimensions_a_search_that_knows_nothing_finds_fgm(dim, method):
    lin = random_game(n=20, dim=dim, seed=3)
    v = random_moves(1, 1, dim, seed=4)[0, 0]
    found = search_attack(lin, v, epsilon=1.0)
    best = attacker_best_response(lin, v, epsilon=1.0)
    assert found.method == method
    assert (l2_norm(found.strategy.perturbations) <= 1.0).all()
    assert found.value == best.value
    assert torch.equal(best.values, utility(lin, fgm(lin, 1.0), v))
    # Weaker searches stay below: it is not the score that is generous.
    weak = search_attack(lin, v, epsilon=0.5, num_restarts=1)
    assert weak.value < found.value


def test_seeds_are_used():
    lin, v = random_game(n=5, dim=3), torch.zeros(3, dtype=F64)
    first, again, other = (
        search_attack(
            lin, v, epsilon=1.0, method="gradient", num_steps=1, seed=seed
        ).strategy.perturbations
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_weights_that_had_to_be_rounded_are_allowed_for_in_the_bound():
    """One input; the first attack can be answered, the second cannot."""
    lin = Linearization(
        logits=torch.tensor([1.0], dtype=F64),
        gradients=torch.tensor([[1.0, 0.0, 0.0]], dtype=F64),
    )
    plays = tuple(
        DeterministicAttack(torch.tensor([[push, 0.0, 0.0]], dtype=F64))
        for push in (-1.5, -9.0)
    )
    answer = defender_best_response(lin, Mixture(plays, (0.017, 0.983)), epsilon=1.0)
    # As 1 of 64 the first attack would weigh less than it does.
    assert answer.value == pytest.approx(1 - 2 * 0.017)
    assert 1 - 2 * 0.018 < answer.bound <= answer.value
    assert answer.certificate is None


def test_bounds_for_odd_weights_hold_for_every_defense_tried():
    lin, weights = random_game(n=7, dim=4, seed=3), (0.013, 0.287, 0.7)
    moves = sample_l2_ball(21, 4, 1.0, seed=4).reshape(3, 7, 4)
    mixture = Mixture(tuple(map(DeterministicAttack, moves)), weights)
    answer = defender_best_response(lin, mixture, epsilon=1.0)
    tried = sample_l2_ball(400, 4, 1.0, seed=5)
    least = against(lin, mixture, tried).min()
    assert answer.bound <= min(answer.value, least) + 1e-12
    found = exploitability(lin, mixture, tried[0], epsilon=1.0)
    assert found.gain_bounds.defender[0] <= found.gain_bounds.defender[1]
