"""Solutions that touch the sphere: the best v is one rational point, forced onto it."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from paper_lib.defense import maximize_coverage
from paper_lib.defense.anytime import Best
from paper_lib.game import defender_best_response, equilibrium
from paper_lib.geometry import in_l2_ball, l2_norm
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

F64 = torch.float64


def unit_point(draw, dim):
    """A rational point of the unit sphere, by stereographic projection."""
    slopes = [Fraction(int(draw.integers(-6, 7)), 5) for _ in range(dim - 1)]
    square = sum((s * s for s in slopes), Fraction(0))
    point = [2 * s / (1 + square) for s in slopes]
    return [*point, (1 - square) / (1 + square)]


def touching_game(seed):
    """Integer rows of which most are satisfied in one point alone, and how many."""
    draw = np.random.default_rng(seed)
    dim = seed % 5 + 1
    u = unit_point(draw, dim)
    common = int(np.lcm.reduce([x.denominator for x in u]))
    tangent = [int(x * common) for x in u]
    rows = [(tangent, -common)] * int(draw.integers(2, 4))
    if seed % 2:  # parallel and opposite: no v with it and the others but u
        rows.append(([-x for x in tangent], common))
    for _ in range(int(draw.integers(3, 8))):
        normal = [int(x) for x in draw.integers(-9, 10, dim)]
        product = sum(Fraction(c) * x for c, x in zip(normal, u, strict=True))
        # Satisfied at u, with room.
        rows.append((normal, -int(np.floor(product)) + int(draw.integers(1, 3))))
    for _ in range(int(draw.integers(0, 2))):
        rows.append(([-x for x in tangent], -int(draw.integers(0, common + 1))))
    best = sum(
        sum(Fraction(c) * x for c, x in zip(normal, u, strict=True)) + offset >= 0
        for normal, offset in rows
    )
    sets = RobustSets(
        normals=torch.tensor([normal for normal, _ in rows], dtype=F64),
        offsets=torch.tensor([offset for _, offset in rows], dtype=F64),
        epsilon=1.0,
    )
    return sets, best


def exact_methods(sets):
    """The exact methods that fit; ``"auto"`` is one of them."""
    planar = sets.normals.shape[1] == 2
    return ["hitting_sets", "boxes"] + (["plane"] if planar else [])


def check(seed):
    """Compare every method with the rational count."""
    sets, best = touching_game(seed)
    num = len(sets.offsets)
    for method in exact_methods(sets):
        found = maximize_coverage(sets, method)
        assert round(found.coverage * num) >= best, (seed, method)
        assert found.coverage == sets.coverage(found.perturbation)
        assert bool(in_l2_ball(found.perturbation, 1.0))
        assert found.certificate.verify(sets)
    start = sets.coverage(torch.zeros_like(sets.normals[0]))
    for method in ("search", "annealed"):
        assert maximize_coverage(sets, method).coverage >= start


def test_the_rational_optimum_is_reached():
    for seed in range(5):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(5, 35, 5))
def test_the_rational_optimum_is_reached_on_more(first):
    for seed in range(first, first + 5):
        check(seed)


def test_without_settling_it_would_be_missed(monkeypatch):
    """Negative control: perturbations that are always shortened to fit V."""
    monkeypatch.setattr(Best, "_accept", lambda self, v: None)
    sets, best = touching_game(3)
    assert maximize_coverage(sets).coverage * len(sets.offsets) < best


def test_a_corner_on_the_sphere():
    """Two rows that touch V in no point alone, but together."""
    for x, y, scale in ((3, 4, 5), (5, 12, 13), (20, 21, 29), (7, 24, 25)):
        sets = RobustSets(
            normals=torch.tensor([[scale, 0.0], [0.0, scale]], dtype=F64),
            offsets=torch.tensor([-x, -y], dtype=F64),
            epsilon=1.0,
        )
        for method in (*exact_methods(sets), "closed_form"):
            assert maximize_coverage(sets, method).coverage == 1.0, (x, method)


def test_budgets_at_an_integer_ratio():
    """The attacker has twice the budget, and the margin is the defender's."""
    lin = Linearization(
        logits=torch.tensor([5.0, 5.0], dtype=F64),
        gradients=torch.tensor([[3.0, 4.0], [3.0, 4.0]], dtype=F64),
    )
    pair = equilibrium(lin, epsilon=1.0, attack_epsilon=2.0)
    assert pair.value == -1.0
    low, high = pair.value_bounds
    assert low <= -1.0
    assert high >= -1.0


def test_the_answer_to_an_attack_keeps_what_the_slack_admits():
    """A v that is longer than the budget by rounding, and is lost where it is cut."""
    sets, best = touching_game(52)
    # The same rows as a game: attacks of whole numbers along the largest coordinate.
    places = sets.normals.abs().argmax(dim=1, keepdim=True)
    largest = sets.normals.gather(1, places)
    lin = Linearization(
        logits=sets.offsets + 20 * largest.abs()[:, 0], gradients=sets.normals
    )
    attack = torch.zeros_like(sets.normals).scatter(1, places, -20 * largest.sign())
    found = maximize_coverage(sets)
    assert float(l2_norm(found.perturbation)) > 1.0
    answer = defender_best_response(lin, attack, epsilon=1.0)
    assert answer.value == 1.0 - 2.0 * best / len(sets.offsets)
    assert bool(in_l2_ball(answer.strategy.perturbation, 1.0))


def test_nothing_is_longer_than_the_budget_unless_it_pays():
    for seed in range(20):
        draw = torch.Generator().manual_seed(seed)
        sets = RobustSets(
            normals=torch.randn(12, 3, generator=draw, dtype=F64),
            offsets=-torch.rand(12, generator=draw, dtype=F64),
            epsilon=0.7,
        )
        v = maximize_coverage(sets, "boxes").perturbation
        assert float(l2_norm(v)) <= 0.7
