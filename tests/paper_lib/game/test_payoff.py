"""The attacker's utility, by hand and against what it is made of."""

import torch

from paper_lib.attacks import fgm
from paper_lib.evaluation import logits_at
from paper_lib.game import (
    expected_utility,
    point_payoffs,
    utility,
)
from paper_lib.linearize import Linearization, linearize
from tests.oracles import Formula
from tests.paper_lib.game.game_cases import (
    F32,
    F64,
    NAMED_GAME,
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


def test_a_defender_who_reacts_makes_fgm_a_bad_attack():
    """If d may depend on x + a(x), Lemma 2 fails: it undoes FGM, and FGM alone."""
    step = fgm(NAMED_GAME, 1.0)

    def score(attack):
        is_fgm = torch.isclose(attack, step).all(dim=1, keepdim=True)
        return float(utility(NAMED_GAME, attack, torch.where(is_fgm, -step, 0)).mean())

    assert score(0.95 * step) - score(step) > 0.01


def test_labels_that_f_gets_wrong_make_fgm_a_bad_attack():
    labels = -NAMED_GAME.signs
    step, v = fgm(NAMED_GAME, 1.0), torch.zeros(2, dtype=F64)
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
