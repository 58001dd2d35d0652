"""The search that learns from utilities alone: what it finds, and what it is told."""

import ast
import inspect

import pytest
import torch

from experiments.figures.planar_classifiers import DiscClassifier
from paper_lib.attacks import fgm
from paper_lib.evaluation import logits_at
from paper_lib.game import (
    ConstantDefense,
    Mixture,
    attacker_best_response,
    direct_search,
    exploitability,
    search_attack,
)
from paper_lib.game.direct_search import climb_utilities
from paper_lib.geometry import l2_norm, unit_vectors
from paper_lib.linearize import Linearization, linearize
from tests.oracles import random_tensor
from tests.paper_lib.game.game_cases import (
    F32,
    F64,
    NAMED_GAME,
    random_game,
    random_moves,
)


def test_it_is_told_of_neither_gradients_nor_fgm():
    """It imports geometry alone, and takes no derivative."""
    tree = ast.parse(inspect.getsource(direct_search))
    imports = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name for name in imports if name.startswith("paper_lib")} == {
        "paper_lib.geometry"
    }
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert names.isdisjoint({"grad", "autograd", "backward", "requires_grad_"})
    assert "score" in inspect.signature(climb_utilities).parameters


@pytest.mark.parametrize("dim", [1, 2, 5, 12])
def test_it_climbs_a_black_box(dim):
    """Many plays, each of which asks for a little more along a hidden direction."""
    hidden = unit_vectors(random_tensor(6, dim, seed=1))
    asked = torch.linspace(-1.0, 0.99, 40, dtype=F64)

    def score(points, attack, move):
        along = (hidden[points] * (attack + move)).sum(dim=1)
        return 2.0 * (along.unsqueeze(1) > asked).double().mean(dim=1) - 1.0

    found = climb_utilities(score, 6, dim, 1.0, num_steps=40 + 25 * dim, seed=0)
    assert (l2_norm(found) <= 1.0).all()
    reached = score(torch.arange(6), found, torch.zeros_like(found))
    assert (reached == 1.0).all()
    # The cap that wins everything is small: it is not found by chance.
    drawn = random_moves(500, 6, dim, seed=2)
    by_chance = torch.stack([score(torch.arange(6), one, 0 * one) for one in drawn])
    assert (by_chance == 1.0).double().mean() < 0.02


def test_it_beats_fgm_where_fgm_can_be_beaten():
    """A round boundary, scored with f: so it is not FGM in disguise."""
    model, point = DiscClassifier(1.0), torch.tensor([[0.1, 0.0]], dtype=F64)
    v, epsilon = torch.tensor([[0.0, 0.5]], dtype=F64), 0.6

    def score(points, attack, move):
        lost = [
            logits_at(model, point, v, a.unsqueeze(0), m.unsqueeze(0)) < 0
            for a, m in zip(attack, move, strict=True)
        ]
        return 2.0 * torch.cat(lost).double() - 1.0

    still = torch.zeros(1, 2, dtype=F64)
    naive = fgm(linearize(model, point), epsilon)
    found = climb_utilities(score, 1, 2, epsilon, num_steps=60, seed=0)
    assert score(None, naive, still).tolist() == [-1.0]
    assert score(None, found, still).tolist() == [1.0]
    assert not torch.allclose(unit_vectors(found), unit_vectors(naive), atol=0.1)


def test_it_agrees_with_fgm_and_weaker_searches_do_not():
    lin = random_game(n=60, dim=4, seed=3)
    plays = [ConstantDefense(v) for v in random_moves(1, 5, 4, seed=4)[0]]
    defender = Mixture(tuple(plays), (0.2,) * 5)
    best = attacker_best_response(lin, defender, epsilon=1.0)
    found = search_attack(lin, defender, epsilon=1.0, method="direct")
    assert found.method == "direct"
    assert torch.equal(found.values, best.values)
    assert (l2_norm(found.strategy.perturbations) <= 1.0).all()
    for weaker in ({"epsilon": 0.5}, {"epsilon": 1.0, "num_steps": 1}):
        weak = search_attack(
            lin, defender, method="direct", num_restarts=1, seed=1, **weaker
        )
        assert weak.value < best.value - 0.01


def test_points_without_label_slope_or_budget():
    lin = Linearization(
        logits=torch.tensor([0.0, 2.0, 1.0], dtype=F64),
        gradients=torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]], dtype=F64),
    )
    v = torch.zeros(2, dtype=F64)
    for epsilon, expected in ((1.0, [1.0, -1.0, 1.0]), (0.0, [1.0, -1.0, -1.0])):
        found = search_attack(lin, v, epsilon=epsilon, method="direct")
        assert found.values.tolist() == expected
        assert torch.isfinite(found.strategy.perturbations).all()


def test_levels_are_the_same_for_few_points_and_many(monkeypatch):
    """Of a few points several halvings are done at once."""
    lin, v = random_game(n=20, dim=3, seed=5), torch.zeros(3, dtype=F64)
    options = {"epsilon": 1.0, "method": "direct", "num_steps": 25}
    few = search_attack(lin, v, **options)
    monkeypatch.setattr(direct_search, "_FEW_POINTS", 0)
    many = search_attack(lin, v, **options)
    assert torch.equal(few.strategy.perturbations, many.strategy.perturbations)


def test_it_serves_exploitability_in_both_precisions():
    for dtype in (F32, F64):
        lin = random_game(n=9, dim=3, seed=2, dtype=dtype)
        v = torch.zeros(3, dtype=dtype)
        for attack, is_best in ((fgm(lin, 1.0), True), (-fgm(lin, 1.0), False)):
            pair = exploitability(lin, attack, v, epsilon=1.0)
            assert pair.attacker_response.method == "direct"
            assert (pair.attacker_gain < 1e-12) is is_best
            assert pair.search_shortfall == 0.0


def test_seeds_of_the_direct_search_are_used():
    v, options = torch.zeros(2, dtype=F64), {"method": "direct", "num_steps": 3}
    first, again, other = (
        search_attack(
            NAMED_GAME, v, epsilon=1.0, seed=seed, **options
        ).strategy.perturbations
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
