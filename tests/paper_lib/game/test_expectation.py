"""Expected utilities: counted, or drawn with intervals that hold."""

import itertools
import math

import pytest
import torch

from paper_lib.attacks import fgm
from paper_lib.game import (
    ConstantDefense,
    DeterministicAttack,
    Mixture,
    PointwiseDefense,
    Sampler,
    expected_utility,
    smooth,
    utility,
)
from paper_lib.isotropic import isotropic_draws, majority
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.game.game_cases import (
    BEST,
    F64,
    NAMED_GAME,
    as_mixture,
    coin,
    random_game,
    random_moves,
    walk,
)


def test_a_finite_mixture_is_counted_exactly():
    lin = random_game(n=9, dim=3)
    attacks, (defenses, _) = (
        random_moves(3, 9, 3, seed=3),
        random_moves(2, 4, 3, seed=4),
    )
    p, q = (0.5, 0.3, 0.2), (0.1, 0.2, 0.3, 0.4)
    found = expected_utility(
        lin,
        Mixture(tuple(map(DeterministicAttack, attacks)), p),
        Mixture(tuple(map(ConstantDefense, defenses)), q),
        epsilon=1.0,
    )
    by_hand = sum(
        p[i] * q[j] * float(utility(lin, attacks[i], defenses[j]).mean())
        for i, j in itertools.product(range(3), range(4))
    )
    assert found.value == pytest.approx(by_hand, abs=1e-14)
    assert found.is_exact
    assert found.low == found.high == found.value


def test_a_mixture_of_constants_and_of_defenses_that_see():
    lin = random_game(n=5)
    moves = random_moves(2, 5, 2, seed=8)
    plays = ConstantDefense(moves[0, 0]), PointwiseDefense(moves[1])
    attack = fgm(lin, 1.0)
    found = expected_utility(lin, attack, Mixture(plays, (0.25, 0.75)))
    parts = [utility(lin, attack, d).mean() for d in (moves[0, 0], moves[1])]
    assert found.value == pytest.approx(float(0.25 * parts[0] + 0.75 * parts[1]))


def test_intervals_of_a_sampler_hold_and_shrink():
    lin, attack = NAMED_GAME, fgm(NAMED_GAME, 1.0)
    exact = expected_utility(lin, attack, as_mixture(0.3)).value
    widths = []
    for num in (100, 3000):
        found = expected_utility(lin, attack, coin(0.3), num_draws=num, seed=num)
        assert not found.is_exact
        assert (found.num_draws, found.confidence) == (num, 0.99)
        assert found.low <= exact <= found.high
        widths.append(found.high - found.low)
    # Hoeffding: 2 sqrt(2 log(200) / k).
    assert widths[1] == pytest.approx(0.1189, abs=1e-3)
    assert widths[1] < widths[0]
    wrong = expected_utility(lin, attack, as_mixture(0.6)).value
    assert not found.low <= wrong <= found.high  # negative control


def test_intervals_hold_as_often_as_they_say():
    lin, attack = NAMED_GAME, fgm(NAMED_GAME, 1.0)
    exact = expected_utility(lin, attack, as_mixture(0.3)).value
    held = 0
    for seed in range(100):
        found = expected_utility(
            lin, attack, coin(0.3), num_draws=50, confidence=0.6, seed=seed
        )
        held += found.low <= exact <= found.high
    assert held >= 60


def test_two_samplers_draw_independently():
    """The same seed would pair heads with heads; independent draws do not."""
    lin = Linearization(
        logits=torch.tensor([0.5], dtype=F64),
        gradients=torch.tensor([[1.0, 0.0]], dtype=F64),
    )
    attacker = Sampler(lambda num, seed: coin(0.5).draw(num, seed).unsqueeze(1))
    found = expected_utility(lin, attacker, coin(0.5), num_draws=1500)
    assert found.value == pytest.approx(-0.5, abs=0.1)  # lost if both are tails
    again = expected_utility(lin, attacker, coin(0.5), num_draws=1500)
    other = expected_utility(lin, attacker, coin(0.5), num_draws=1500, seed=1)
    assert again.value == found.value != other.value


def test_draws_that_depend_on_each_other_widen_the_interval():
    lin, attack = NAMED_GAME, fgm(NAMED_GAME, 1.0)
    free = expected_utility(lin, attack, coin(0.3), num_draws=1900)
    tied = expected_utility(lin, attack, walk(0.3, 0.9), num_draws=1900)
    assert (free.is_independent, free.effective_size, free.r_hat) == (True, 1900, 1)
    assert not tied.is_independent
    assert tied.is_mixed
    assert tied.num_draws == 1900
    assert tied.effective_size == pytest.approx(100)
    assert tied.r_hat == 1.003
    # Hoeffding for 100 draws.
    assert tied.high - tied.value == pytest.approx((2 * math.log(200) / 100) ** 0.5)
    assert free.high - free.value < 0.3 * (tied.high - tied.value)
    both = expected_utility(
        lin,
        Sampler(lambda num, seed: attack.expand(num, 5, 2)),
        walk(0.3, 0.9),
        num_draws=1900,
    )
    assert both.effective_size == tied.effective_size


def test_intervals_of_chains_hold_as_often_as_they_say_and_others_would_not():
    lin = Linearization(
        logits=torch.tensor([0.5], dtype=F64),
        gradients=torch.tensor([[1.0, 0.0]], dtype=F64),
    )
    attack = torch.zeros(1, 2, dtype=F64)
    exact = expected_utility(lin, attack, as_mixture(0.5)).value
    held = dict.fromkeys(("chains", "said to be independent"), 0)
    # The attacker's utility is 1 or -1, and the chain seldom changes it.
    loose = Sampler(lambda num, seed: walk(0.5, 0.97).draw(num, seed).rows)
    for seed in range(60):
        for name, sampler in zip(held, (walk(0.5, 0.97), loose), strict=True):
            found = expected_utility(
                lin, attack, sampler, num_draws=400, confidence=0.6, seed=seed
            )
            held[name] += found.low <= exact <= found.high
    assert held["chains"] >= 0.6 * 60
    assert held["said to be independent"] < 0.4 * 60


NOISES = pytest.mark.parametrize("noise", ["uniform", "gaussian"])


@NOISES
def test_isotropic_noise_is_worth_less_than_smooth(noise):
    """Implication 1: Eq. (37) with noise in the defender's place."""
    drawn = isotropic_draws(2000, 2, 1.0, noise=noise, seed=0)
    sampler = Sampler(lambda num, seed: drawn[:num])
    found = expected_utility(
        NAMED_GAME, BEST.attacker, sampler, epsilon=1.0, num_draws=2000
    )
    assert BEST.value < found.low - 0.01
    by_coverage = 1.0 - 2.0 * float(BEST.sets.coverage(drawn).mean())
    assert found.value == pytest.approx(by_coverage)
    # Negative control: draws from V* are worth what SMOOTH is worth.
    inside = smooth(BEST.sets).draw(100, 0)
    value = expected_utility(
        NAMED_GAME, BEST.attacker, Sampler(lambda num, seed: inside), num_draws=100
    )
    assert value.value == pytest.approx(BEST.value)


@NOISES
def test_a_vote_of_isotropic_noise_is_no_defense(noise):
    lin = random_game(n=60, dim=8, seed=5)
    sets = RobustSets.from_linearization(lin, 1.0)
    drawn = isotropic_draws(1001, 8, 1.0, noise=noise, seed=0)
    clear = (lin.margins - 1.0).abs() > 0.1
    undefended = sets.contains(torch.zeros(8, dtype=F64))
    voted = majority(sets.contains(drawn))
    assert torch.equal(voted[clear], undefended[clear])
    assert 0 < undefended.sum() < 60
    # Negative control: noise around a direction is no isotropic noise.
    moved = 0.2 * drawn - 0.8 * fgm(lin, 1.0)[0]
    assert not torch.equal(majority(sets.contains(moved))[clear], undefended[clear])


def test_weights_of_a_softmax_in_single_precision_make_a_mixture():
    weights = torch.softmax(torch.tensor([0.1, 2.0, -1.0]), 0).tolist()
    plays = tuple(ConstantDefense(torch.zeros(2, dtype=F64)) for _ in weights)
    mixture = Mixture(plays, tuple(weights))
    assert abs(sum(mixture.weights) - 1.0) < 1e-15
    assert mixture.weights == pytest.approx(weights, abs=1e-7)
