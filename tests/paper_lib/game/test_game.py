"""Utility, strategies, expectations and exploitability, with what must fail."""

import dataclasses
import itertools
import math
import sys

import numpy as np
import pytest
import torch

from paper_lib.attacks import fgm
from paper_lib.data import load_pair
from paper_lib.defense import HitAndRunConfig, maximize_coverage
from paper_lib.evaluation import logits_at
from paper_lib.game import (
    ConstantDefense,
    DeterministicAttack,
    Mixture,
    PointwiseDefense,
    Sampler,
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
from paper_lib.game.strategies import ChainDraws
from paper_lib.geometry import disc_grid, l2_norm, project_l2_ball, sample_l2_ball
from paper_lib.isotropic import isotropic_draws, majority
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets
from tests.oracles import Formula
from tests.paper_lib.game.game_cases import (
    F32,
    F64,
    NAMED_GAME,
    POINT_GAME,
    random_game,
    random_moves,
)


def test_utility_by_hand():
    lin = Linearization(
        logits=torch.tensor([2.0, -2.0, 0.0, 1.0], dtype=F64),
        gradients=torch.tensor([[1.0], [1.0], [1.0], [0.0]], dtype=F64),
    )
    attack = torch.tensor([[-1.0], [1.0], [0.0], [-1.0]], dtype=F64)
    for v, expected in (
        (0.0, [-1.0, -1.0, 1.0, -1.0]),  # f = 0 is lost, a flat point is kept
        (-1.0, [-1.0, -1.0, 1.0, -1.0]),  # the first lands on the boundary: no flip
        (-1.5, [1.0, -1.0, 1.0, -1.0]),
        (1.5, [-1.0, 1.0, 1.0, -1.0]),
    ):
        defense = torch.tensor([v], dtype=F64)
        assert utility(lin, attack, defense).tolist() == expected
        each = defense.expand(4, 1)
        assert utility(lin, attack, each, epsilon=2.0).tolist() == expected
        mean = sum(expected) / 4
        assert expected_utility(lin, attack, defense).value == mean
        assert point_payoffs(lin, attack[:, None], defense[None]).mean() == mean


def test_utility_is_what_label_survives_says():
    lin = random_game(n=400, dim=37, seed=1, dtype=F32)
    attack, defense = (
        0.1 * random_moves(1, 400, 37, seed=s)[0].float() for s in (1, 2)
    )
    kept = lin.label_survives(attack, defense[:1])
    assert torch.equal(utility(lin, attack, defense[0]) == -1.0, kept)
    kept = lin.label_survives(attack, defense)
    assert torch.equal(utility(lin, attack, defense) == -1.0, kept)
    assert 0 < kept.sum() < 400


def test_labels_are_another_game():
    lin = random_game(n=50)
    attack, v = fgm(lin, 1.0), torch.zeros(2, dtype=F64)
    assert torch.equal(
        utility(lin, attack, v), utility(lin, attack, v, labels=lin.signs)
    )
    assert (utility(lin, 0 * attack, v, labels=-lin.signs) == 1.0).all()


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


def coin(share):
    """Draws one of two constants, the first with a given probability."""

    def draw(num, seed):
        generator = torch.Generator().manual_seed(seed)
        heads = torch.rand(num, 1, generator=generator, dtype=F64) < share
        return torch.where(heads, 1.0, -1.0) * torch.tensor([[1.0, 0.0]], dtype=F64)

    return Sampler(draw)


def as_mixture(share):
    sides = [ConstantDefense(torch.tensor([s, 0.0], dtype=F64)) for s in (1.0, -1.0)]
    return Mixture(tuple(sides), (share, 1.0 - share))


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
    few, more = (
        defender_best_response(digits, step, epsilon=epsilon, max_nodes=nodes)
        for nodes in (None, 1)
    )
    assert few.bound <= more.bound <= more.value <= few.value
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
    *[(random_game(n=9, dim=dim, seed=s), 1.0) for dim in (1, 2, 3) for s in range(5)],
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


@pytest.mark.parametrize("seed", range(3))
def test_mixtures_over_the_maximizers_are_in_equilibrium(seed):
    """The support of SMOOTH is not one point: all of V* is as good."""
    lin = random_game(n=9, dim=2, seed=seed)
    pair = equilibrium(lin, epsilon=1.0)
    drawn = smooth(pair.sets).draw(6, 0)
    defender = Mixture(tuple(map(ConstantDefense, drawn)), (0.25,) * 2 + (0.125,) * 4)
    found = exploitability(lin, pair.attacker, defender, epsilon=1.0)
    assert found.is_exact
    assert found.total <= 1e-12


def test_smooth_itself_is_in_equilibrium():
    pair = equilibrium(NAMED_GAME, epsilon=1.0)
    found = exploitability(
        NAMED_GAME, pair.attacker, smooth(pair.sets), epsilon=1.0, num_draws=400
    )
    assert found.is_sampled
    assert not found.is_exact
    assert (found.attacker_gain, found.defender_gain) == pytest.approx(
        (0, 0), abs=1e-12
    )
    assert found.gain_bounds.attacker[1] > 0.0
    assert found.utility.value == pytest.approx(pair.value)


def walk(share, stay, *, is_mixed=True):
    """Draws one of two constants by a chain that moves only now and then."""

    def draw(num, seed):
        fresh, times = coin(share).draw(num, seed), torch.arange(num)
        generator = torch.Generator().manual_seed(seed + 1)
        moves = torch.rand(num, generator=generator, dtype=F64) >= stay
        moves[0] = True
        return ChainDraws(
            rows=fresh[torch.where(moves, times, 0).cummax(dim=0).values],
            effective_size=num * (1.0 - stay) / (1.0 + stay),
            r_hat=1.003 if is_mixed else 1.5,
            is_mixed=is_mixed,
        )

    return Sampler(draw)


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


def test_smooth_in_space_says_how_far_to_trust_its_draws():
    lin = random_game(n=12, dim=4)
    pair = equilibrium(lin, epsilon=1.0)
    drawn = smooth(pair.sets, solution=pair.solution).draw(70, 0)
    assert (pair.sets.coverage(drawn.rows) == pair.solution.coverage).all()
    assert len(drawn.rows.unique(dim=0)) == 70
    assert drawn.is_mixed
    assert 60 < drawn.effective_size <= 70
    played = smooth(pair.sets, solution=pair.solution)
    found = exploitability(lin, pair.attacker, played, epsilon=1.0, num_draws=400)
    assert found.is_mixed
    assert not found.utility.is_independent
    assert 300 < found.utility.effective_size <= 400
    assert found.total == pytest.approx(0.0, abs=1e-12)
    # Chains too short to leave where they began.
    hasty = smooth(
        pair.sets,
        solution=pair.solution,
        config=HitAndRunConfig(thin=1, burn_in=0),
    )
    found = exploitability(lin, pair.attacker, hasty, epsilon=1.0, num_draws=400)
    assert not found.is_mixed
    assert found.gain_bounds.attacker[1] == 2.0


def test_smooth_on_a_flat_set_plays_its_point():
    """No chains, nothing to mix: a point mass, and its draws are independent."""
    flat = torch.nn.functional.pad(POINT_GAME.gradients, (0, 2))
    sets = RobustSets.from_linearization(
        Linearization(logits=POINT_GAME.logits, gradients=flat), 1.0
    )
    flattened = RobustSets(
        normals=torch.cat(
            [sets.normals, torch.eye(4, dtype=F64), -torch.eye(4).double()]
        ),
        offsets=torch.cat([sets.offsets, torch.zeros(8, dtype=F64)]),
        epsilon=1.0,
    )
    drawn = smooth(flattened).draw(5, 0)
    assert isinstance(drawn, torch.Tensor)
    assert drawn.unique(dim=0).shape == (1, 4)


WRONG_BUDGET = maximize_coverage(
    RobustSets.from_linearization(NAMED_GAME, 1.0, attack_epsilon=0.2)
).perturbation
BEST = equilibrium(NAMED_GAME, epsilon=1.0)
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


def test_a_defender_who_reacts_makes_fgm_a_bad_attack():
    """If d may depend on x + a(x), Lemma 2 fails: it undoes FGM, and FGM alone."""
    step = fgm(NAMED_GAME, 1.0)

    def score(attack):
        is_fgm = torch.isclose(attack, step).all(dim=1, keepdim=True)
        return float(utility(NAMED_GAME, attack, torch.where(is_fgm, -step, 0)).mean())

    assert score(0.95 * step) - score(step) > 0.01


def test_labels_that_f_gets_wrong_make_fgm_a_bad_attack():
    labels = -NAMED_GAME.signs
    step, v = fgm(NAMED_GAME, 1.0), 0 * SMOOTH
    scores = [
        float(utility(NAMED_GAME, attack, v, labels=labels).mean())
        for attack in (step, -step)
    ]
    assert scores[1] - scores[0] > 0.01


def test_a_curved_boundary_makes_fgm_a_bad_attack():
    """Scored with f itself: the gradient points away from the nearer boundary."""
    model = Formula(lambda x: 0.5 + 0.1 * x[:, 0] - x[:, 0] ** 3)
    point = torch.zeros(1, 1, dtype=F64)
    step = fgm(linearize(model, point), 1.0)
    assert logits_at(model, point, step).item() > 0
    assert logits_at(model, point, -step).item() < 0


@pytest.mark.parametrize(
    ("dim", "method"),
    [(1, "direct"), (2, "grid"), (5, "direct"), (10, "direct"), (11, "gradient")],
)
def test_up_to_ten_dimensions_a_search_that_knows_nothing_finds_fgm(dim, method):
    lin = random_game(n=40, dim=dim, seed=3)
    v = random_moves(1, 1, dim, seed=4)[0, 0]
    found = search_attack(lin, v, epsilon=1.0)
    best = attacker_best_response(lin, v, epsilon=1.0)
    assert found.method == method
    assert (l2_norm(found.strategy.perturbations) <= 1.0).all()
    assert found.value == best.value
    assert torch.equal(best.values, utility(lin, fgm(lin, 1.0), v))
    # Weaker searches stay below: it is not the score that is generous.
    weak = search_attack(lin, v, epsilon=0.5)
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
    drawn = isotropic_draws(4001, 8, 1.0, noise=noise, seed=0)
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
    least = min(expected_utility(lin, mixture, v).value for v in tried)
    assert answer.bound <= min(answer.value, least) + 1e-12
    found = exploitability(lin, mixture, tried[0], epsilon=1.0)
    assert found.gain_bounds.defender[0] <= found.gain_bounds.defender[1]
