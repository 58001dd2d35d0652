"""A budget for each point: Lemma 1 in rationals, and each function point by point."""

from fractions import Fraction

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
from paper_lib.geometry import in_l2_ball, l2_norm
from paper_lib.linearize import Linearization
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets
from tests.oracles import RATIONAL_DIRECTIONS, exact

F32, F64 = torch.float32, torch.float64


def whole_gradients():
    """Points whose gradients have whole lengths, and a budget for each of them."""
    gradients = [(3, 4), (-4, 3), (0, 2), (5, -12), (-8, -15), (1, 0), (0, 0), (3, -4)]
    logits = [2.0, -1.0, 1.5, -6.5, 8.5, 0.25, 1.0, 0.0]
    budgets = [0.5, 0.0, 0.75, 0.25, 0.5, 1.0, 2.0, 0.5]
    return (
        Linearization(
            logits=torch.tensor(logits, dtype=F64),
            gradients=torch.tensor(gradients, dtype=F64),
        ),
        torch.tensor(budgets, dtype=F64),
    )


def survives_all_attacks(lin, budgets, v):
    """Ask Eq. (1) for every attack on a circle and inside it, in rationals."""
    verdicts = []
    for logit, gradient, reach in zip(
        exact(lin.logits), lin.gradients, exact(budgets), strict=True
    ):
        (g, h), (x, y) = exact(gradient), exact(v)
        kept = logit != 0
        for a, b in RATIONAL_DIRECTIONS:
            for share in (Fraction(1), Fraction(1, 2)):
                moved = (
                    logit + g * (share * reach * a + x) + h * (share * reach * b + y)
                )
                kept &= moved * logit >= 0
        verdicts.append(kept)
    return torch.tensor(verdicts)


def perturbations(epsilon):
    steps = torch.arange(-4, 5, dtype=F64) / 4
    grid = torch.cartesian_prod(steps, steps)
    return grid[in_l2_ball(grid, epsilon)]


def test_lemma_1_with_a_budget_for_each_point():
    """A robust set holds v exactly where no attack within the point's budget flips."""
    lin, budgets = whole_gradients()
    sets = RobustSets.from_linearization(lin, 1.0, attack_epsilon=budgets)
    candidates = perturbations(1.0)
    truth = torch.stack([survives_all_attacks(lin, budgets, v) for v in candidates])
    assert torch.equal(sets.contains(candidates), truth)
    assert bool(truth.any(0)[:6].all())
    assert not bool(truth[:, :6].all())
    # Controls: one budget for all, and budgets in another order, are other games.
    mean = float(budgets.mean())
    for other in (mean, float(budgets.max()), budgets.flip(0)):
        wrong = RobustSets.from_linearization(lin, 1.0, attack_epsilon=other)
        assert not torch.equal(wrong.contains(candidates), truth)


def random_points(dim, dtype, num=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lin = Linearization(
        logits=torch.randn(num, generator=generator).to(dtype),
        gradients=torch.randn(num, dim, generator=generator).to(dtype),
    )
    return lin, torch.rand(num, generator=generator, dtype=F64) * 2.0


def alone(lin, place):
    return Linearization(
        logits=lin.logits[place : place + 1],
        gradients=lin.gradients[place : place + 1],
    )


@pytest.mark.parametrize("dtype", [F32, F64])
def test_each_point_is_attacked_as_if_alone_with_its_budget(dtype):
    lin, budgets = random_points(5, dtype)
    budgets[3] = 0.0
    attack = fgm(lin, budgets)
    sets = RobustSets.from_linearization(lin, 1.0, attack_epsilon=budgets)
    for place, budget in enumerate(budgets.tolist()):
        point = alone(lin, place)
        one = RobustSets.from_linearization(point, 1.0, attack_epsilon=budget)
        assert torch.equal(attack[place], fgm(point, budget)[0])
        assert torch.equal(sets.offsets[place], one.offsets[0])
    assert bool((l2_norm(attack) <= budgets).all())
    assert bool((attack[3] == 0).all())


@pytest.mark.parametrize("reading", PGD_READINGS)
def test_pgd_goes_as_far_as_each_budget_over_batches(reading):
    torch.manual_seed(0)
    model, images = PairCNN(), torch.rand(5, 1, 28, 28)
    budgets = torch.tensor([0.5, 3.0, 0.0, 1.0, 2.0], dtype=F64)
    attack = PGD_READINGS[reading].attack(model, images, budgets, batch_size=3)
    assert bool((l2_norm(attack.perturbations) <= budgets).all())
    for place, budget in enumerate(budgets.tolist()):
        one = images[place : place + 1]
        expected = PGD_READINGS[reading].attack(model, one, budget).perturbations
        assert torch.allclose(attack.perturbations[place], expected[0], atol=1e-5)
    other = PGD_READINGS[reading].attack(model, images, budgets.flip(0), batch_size=3)
    assert not torch.allclose(attack.perturbations, other.perturbations, atol=1e-2)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("budget", [0.37, 0.0])
def test_equal_budgets_are_one_budget_bit_for_bit(budget, dtype):
    lin, budgets = random_points(3, dtype, num=3)
    equal, v = torch.full_like(budgets, budget), torch.full((3,), 0.1, dtype=dtype)
    assert torch.equal(fgm(lin, equal), fgm(lin, budget))
    for method in ("gradient", "direct"):
        found = [
            search_attack(
                lin, v, epsilon=one, method=method, num_steps=3, num_restarts=1
            )
            for one in (equal, budget)
        ]
        first, second = (one.strategy.perturbations for one in found)
        assert torch.equal(first, second)
    torch.manual_seed(1)
    model, images = PairCNN().to(dtype), torch.rand(5, 1, 28, 28, dtype=dtype)
    many = pgd(model, images, torch.full((5,), budget, dtype=F64), batch_size=2)
    assert torch.equal(many, pgd(model, images, budget, batch_size=2))


@pytest.mark.parametrize(("dim", "method"), [(2, "grid"), (1, "direct"), (12, None)])
def test_searches_keep_and_use_each_budget(dim, method):
    lin, budgets = random_points(dim, F64)
    lin = Linearization(logits=lin.logits.sign(), gradients=lin.gradients)
    v = torch.zeros(dim, dtype=F64)
    found = search_attack(lin, v, epsilon=budgets, method=method)
    lengths = l2_norm(found.strategy.perturbations)
    assert bool((lengths <= budgets).all())
    # It wins wherever the margin is a tenth below the budget, and nowhere above it.
    wins = found.values > 0
    assert bool(wins[lin.margins < 0.9 * budgets].all())
    assert not bool(wins[lin.margins > budgets].any())
    assert 0 < int(wins.sum()) < len(wins)


def test_the_equilibrium_has_no_gain_and_weaker_attacks_have_one():
    lin, budgets = random_points(2, F64, num=20, seed=3)
    pair = equilibrium(lin, epsilon=0.5, attack_epsilon=budgets)
    settings = {"epsilon": 0.5, "attack_epsilon": budgets}
    judged = exploitability(lin, pair.attacker, pair.defender, **settings)
    assert pair.is_exact
    assert judged.attacker_gain == judged.defender_gain == 0.0
    assert judged.utility.value == pytest.approx(pair.value, abs=1e-12)
    weaker = exploitability(lin, fgm(lin, 0.3 * budgets), pair.defender, **settings)
    assert weaker.attacker_gain > 0.1
    # The same at one budget for all is another game.
    other = equilibrium(lin, epsilon=0.5, attack_epsilon=float(budgets.max()))
    assert other.value != pair.value


def test_utilities_agree_with_the_table_of_payoffs():
    lin, budgets = random_points(4, F64)
    attack, v = fgm(lin, budgets), torch.full((4,), 0.2, dtype=F64)
    settings = {"epsilon": 0.5, "attack_epsilon": budgets}
    values = utility(lin, attack, v, **settings)
    table = point_payoffs(lin, attack.unsqueeze(1), v.unsqueeze(0), **settings)
    assert table[:, 0, 0].tolist() == values.tolist()
    found = expected_utility(lin, attack, v, **settings)
    assert found.value == pytest.approx(float(values.mean()), abs=1e-15)
