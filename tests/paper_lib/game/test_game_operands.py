"""What the game is handed: tensors of another device, or with a graph behind them."""

import numpy as np
import pytest
import torch

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
    point_payoffs,
    search_attack,
    smooth,
    utility,
)
from paper_lib.game.responses import answered_sets
from paper_lib.linearize import Linearization
from tests.paper_lib.game.game_cases import random_game, random_moves

on_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no GPU"
)
UNEVEN = (0.113, 0.35, 0.537)


def numbers(lin, change=lambda tensor: tensor):
    """Everything the game computes of these points, as plain numbers."""
    dim = lin.gradients.shape[1]
    num = len(lin.logits)
    attacks = [change(one.to(lin.gradients)) for one in random_moves(3, num, dim)]
    defenses = [change(v.to(lin.gradients)) for v in random_moves(1, 3, dim, seed=1)[0]]
    attacker = Mixture(tuple(map(DeterministicAttack, attacks)), UNEVEN)
    defender = Mixture(tuple(map(ConstantDefense, defenses)), UNEVEN)
    drawn = Sampler(lambda count, seed: torch.stack(defenses)[torch.arange(count) % 3])
    pair = equilibrium(lin, epsilon=1.0)
    found = [
        utility(lin, attacks[0], defenses[0], 1.0).mean(),
        expected_utility(lin, attacker, defender, epsilon=1.0).value,
        expected_utility(lin, attacks[0], drawn, num_draws=6).value,
        expected_utility(lin, attacks[0], PointwiseDefense(attacks[1])).value,
        point_payoffs(lin, torch.stack(attacks, dim=1), torch.stack(defenses)).mean(),
        point_payoffs(lin, attack_candidates(lin, 1.0, 2), defenses[0][None]).mean(),
        answered_sets(lin, attacks[0], epsilon=1.0).coverage(defenses[0].detach()),
        attacker_best_response(lin, defender, epsilon=1.0).value,
        defender_best_response(lin, attacks[0], epsilon=1.0).value,
        defender_best_response(lin, attacker, epsilon=1.0).value,
        pair.value,
    ]
    for method in ("gradient", "direct", *(["grid"] if dim == 2 else [])):
        response = search_attack(
            lin, defender, epsilon=1.0, method=method, num_steps=10, num_restarts=1
        )
        found.append(response.value)
    played = exploitability(
        lin,
        attacks[0],
        smooth(pair.sets) if dim == 2 else defenses[0],
        epsilon=1.0,
        num_draws=20,
        method="gradient",
    )
    return np.array(
        [float(x) for x in (*found, played.attacker_gain, played.defender_gain)]
    )


@pytest.mark.parametrize("dim", [2, 3])
def test_tensors_that_carry_a_graph_count_as_their_values(dim):
    lin = random_game(n=5, dim=dim)
    plain = numbers(lin)
    graphed = numbers(lin, lambda tensor: tensor.clone().requires_grad_() * 1.0)
    parameters = numbers(lin, lambda tensor: torch.nn.Parameter(tensor.clone()))
    assert np.array_equal(plain, graphed)
    assert np.array_equal(plain, parameters)


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize("dim", [2, 3])
def test_the_game_on_a_gpu_is_the_one_here(dim):
    lin = random_game(n=5, dim=dim)
    there = Linearization(logits=lin.logits.cuda(), gradients=lin.gradients.cuda())
    assert np.allclose(numbers(there), numbers(lin), atol=1e-12)
    assert fgm(there, 1.0).device == there.logits.device
