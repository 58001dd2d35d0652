"""Clipping to a box: by hand, and what it is said to change."""

import pytest
import torch

from paper_lib.attacks import fgm, perturbed
from paper_lib.data import LabeledImages
from paper_lib.evaluation import evaluate, judge, logits_at
from paper_lib.evaluation.labels import clip_moves
from paper_lib.linearize import linearize
from tests.oracles import Affine, Formula, random_tensor, smooth_network

F64 = torch.float64


def column(*values):
    return torch.tensor(values, dtype=F64).unsqueeze(1)


def test_ten_rows_by_hand_in_a_box():
    """``f = x - 0.5`` on [0, 1], budget 0.6, v = -0.6: f and f_L are one.

    A line rises and falls alike on both sides of the box, so that it decides no point;
    the numbers beside the rows are what is left of the points.
    """
    points, labels = column(0.8, 0.1, 0.4, 0.9), torch.tensor([1.0, -1, -1, 1]).double()
    model = Affine(torch.ones(1, dtype=F64), -0.5)
    data, lin = LabeledImages(images=points, labels=labels), linearize(model, points)
    settings = {"epsilon": 0.6, "defense": torch.tensor([-0.6], dtype=F64)}
    settings["pgd_attack"] = column(0.6, 0.6, 0.6, 0.6)
    rows = evaluate(model, data, lin, **settings, box=(0.0, 1.0))
    found = [(row.attack, row.defense, row.correct, row.changed) for row in rows[:5]]
    assert found == [
        ("none", "none", 4, 0),
        ("FGM", "none", 0, 0),  # 0.2 0.7 1 0.3
        ("FGM", "SMOOTH", 2, 0),  # 0 0.1 0.4 0
        ("PGD", "none", 2, 0),  # 1 0.7 1 1
        ("PGD", "SMOOTH", 4, 0),  # 0.8 0.1 0.4 0.9: cut at the end alone
    ]
    assert [row.correct for row in rows[5:]] == [4, 0, 2, 2, 4]


def test_a_bend_beyond_the_box_is_not_seen():
    """``f = (x - 0.5)(1.3 - x)``: flipped at 1.4, which the box leaves at 1."""
    points, labels = column(0.8, 0.9, 0.6), torch.ones(3, dtype=F64)
    model = Formula(lambda x: (x[:, 0] - 0.5) * (1.3 - x[:, 0]))
    data, lin = LabeledImages(images=points, labels=labels), linearize(model, points)
    settings = {"epsilon": 0.6, "defense": torch.zeros(1, dtype=F64)}
    settings["pgd_attack"] = column(0.6, 0.3, -0.6)
    free = {row.accuracy: row for row in evaluate(model, data, lin, **settings)[3::5]}
    boxed = evaluate(model, data, lin, **settings, box=(0.0, 1.0))
    boxed = {row.accuracy: row for row in boxed[3::5]}
    # 1.4, 1.2 and 0, against 1, 1 and 0.
    assert (free["true"].correct, free["true"].changed) == (1, 0)
    assert (boxed["true"].correct, boxed["true"].changed) == (2, 1)
    # f_L of the first is 0.15 + 0.2 (x - 0.8), positive at both.
    assert (boxed["approximate"].correct, boxed["approximate"].changed) == (2, 0)


def random_case(seed, num=40, dim=6):
    model = smooth_network(dim, seed=seed)
    points = random_tensor(num, dim, seed=seed).sigmoid()
    lin = linearize(model, points)
    labels = torch.where(lin.logits < 0, -1.0, 1.0).to(F64)
    return model, LabeledImages(images=points, labels=labels), lin


@pytest.mark.parametrize("seed", range(3))
def test_what_is_changed_is_what_differs(seed):
    model, data, lin = random_case(seed)
    epsilon = 3.0 * float(lin.margins.median())
    v = epsilon * torch.ones(6, dtype=F64) / 6**0.5 * 0.99
    settings = {"epsilon": epsilon, "defense": v, "pgd_attack": -fgm(lin, epsilon)}
    moves = {
        "attacks": {"FGM": fgm(lin, epsilon), "PGD": settings["pgd_attack"]},
        "defenses": {"SMOOTH": v.unsqueeze(0)},
    }
    with_box = judge(model, data, lin, epsilon=epsilon, **moves, box=(0.0, 1.0))
    without = judge(model, data, lin, epsilon=epsilon, **moves)
    rows = evaluate(model, data, lin, **settings, box=(0.0, 1.0))
    for row in rows:
        cell = (row.attack, row.defense, row.accuracy)
        assert row.correct == int(with_box[cell].sum())
        assert row.changed == int((with_box[cell] != without[cell]).sum())
    assert sum(row.changed for row in rows) > 0
    # Without a box, and with one that nothing leaves, all is as it was.
    plain = evaluate(model, data, lin, **settings)
    assert plain == evaluate(model, data, lin, **settings, box=(-99.0, 99.0))
    assert {row.changed for row in plain} == {0}


def test_the_classifier_sees_the_clipped_points():
    model, data, lin = random_case(5)
    attack, v = fgm(lin, 1.0), torch.full((6,), 0.4, dtype=F64)
    left = clip_moves(data.images, attack, v, box=(0.0, 1.0))
    seen = perturbed(data.images, left)
    assert torch.allclose(seen, (data.images + attack + v).clamp(0.0, 1.0), atol=1e-15)
    assert bool(((seen - 0.5).abs() <= 0.5 + 1e-15).all())
    moved = perturbed(data.images, attack, v)
    assert not torch.allclose(seen, moved)
    there = logits_at(model, data.images, left)
    assert torch.allclose(there, logits_at(model, moved.clamp(0.0, 1.0)), atol=1e-12)
