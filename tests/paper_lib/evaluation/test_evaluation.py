"""The ten rows of Table 3, computed by hand, and the theorem behind one of them."""

import pytest
import torch

from experiments.tables.paper_numbers import PAPER_TABLE_2
from paper_lib.attacks import fgm
from paper_lib.data import LabeledImages
from paper_lib.evaluation import (
    PLAYS,
    calibrate_epsilon,
    disagreement,
    evaluate,
    judge,
    logits_at,
)
from paper_lib.evaluation.scores import TableRow
from paper_lib.geometry import sample_l2_ball
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets
from tests.oracles import Affine, Formula, Meddled, random_tensor, smooth_network

F64 = torch.float64


def column(*values):
    return torch.tensor(values, dtype=F64).unsqueeze(1)


def test_ten_rows_by_hand():
    """``f = x^3``: the true boundary lies at 0, the linearized one at ``2 x / 3``.

    So f itself flips a point of size below the move, and f_L one whose third is below
    the move towards 0. Budget 1, v = 0.85; the last label but one is wrong.
    """
    points = column(6.0, 2.0, 0.5, -0.9, -2.0, -4.5, 0.3, -1.5)
    labels = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0], dtype=F64)
    pgd_attack = column(1.0, -0.5, -1.0, 1.0, -1.0, 0.5, 0.5, -1.0)
    model = Formula(lambda x: x[:, 0] ** 3)
    rows = evaluate(
        model,
        LabeledImages(images=points, labels=labels),
        linearize(model, points),
        epsilon=1.0,
        defense=torch.tensor([0.85], dtype=F64),
        pgd_attack=pgd_attack,
    )
    found = [(row.attack, row.defense, row.accuracy, row.correct) for row in rows]
    assert found == [
        ("none", "none", "true", 7),  # all but the wrong label
        ("FGM", "none", "true", 6),  # 5 1 -.5 .1 -1 -3.5 -.7 -.5
        ("FGM", "SMOOTH", "true", 5),  # 5.85 1.85 .35 .95 -.15 -2.65 .15 .35
        ("PGD", "none", "true", 5),  # 7 1.5 -.5 .1 -3 -4 .8 -2.5
        ("PGD", "SMOOTH", "true", 6),  # 7.85 2.35 .35 .95 -2.15 -3.15 1.65 -1.65
        ("none", "none", "approximate", 7),  # against the label, as Table 3 has it
        ("FGM", "none", "approximate", 2),  # a third of 6 and of 4.5 is at least 1
        ("FGM", "SMOOTH", "approximate", 3),  # 0.15 remains on the right: 6, 2, 0.5
        ("PGD", "none", "approximate", 6),  # lost: 0.5 and -0.9
        ("PGD", "SMOOTH", "approximate", 7),  # lost: -0.9
    ]
    assert {row.total for row in rows} == {8}


def test_the_approximate_row_without_players_is_the_true_one():
    """A model that is always wrong: 0 against the label, 1 against its own sign."""
    points = column(1.0, 2.0)
    model = Affine(torch.ones(1, dtype=F64))
    still = torch.zeros(2, 1, dtype=F64)
    rows = evaluate(
        model,
        LabeledImages(images=points, labels=-torch.ones(2, dtype=F64)),
        linearize(model, points),
        epsilon=0.5,
        defense=torch.zeros(1, dtype=F64),
        pgd_attack=still,
    )
    table = {(row.attack, row.defense, row.accuracy): row.correct for row in rows}
    assert table["none", "none", "true"] == table["none", "none", "approximate"] == 0
    assert table["PGD", "none", "approximate"] == 2


def test_a_point_without_label_is_lost_in_every_row():
    points = column(0.0)
    model = Affine(torch.ones(1, dtype=F64))
    rows = evaluate(
        model,
        LabeledImages(images=points, labels=torch.ones(1, dtype=F64)),
        linearize(model, points),
        epsilon=1.0,
        defense=torch.zeros(1, dtype=F64),
        pgd_attack=torch.zeros(1, 1, dtype=F64),
    )
    assert [row.correct for row in rows] == [0] * 10


def test_percent_of_a_row():
    row = TableRow(attack="FGM", defense="none", accuracy="true", correct=3, total=8)
    assert row.percent == 37.5


def test_the_papers_numbers_are_those_of_table_two():
    printed = """
        none none   99.9 99.9
        FGM  none   63.0 48.3
        FGM  SMOOTH 95.6 94.5
        PGD  none   47.7 85.6
        PGD  SMOOTH 75.1 99.1
    """
    lines = [line.split() for line in printed.strip().splitlines()]
    expected = {
        (attack, defense, accuracy): float(value)
        for attack, defense, *values in lines
        for accuracy, value in zip(("true", "approximate"), values, strict=True)
    }
    assert expected == PAPER_TABLE_2
    assert [(attack, defense) for attack, defense, *_ in lines] == list(PLAYS)


def random_case(seed, n=60, dim=5):
    """A curved classifier, its points and labels, and a budget near the margins."""
    model, points = smooth_network(dim, seed=seed), random_tensor(n, dim, seed=seed)
    lin = linearize(model, points)
    epsilon = float(lin.margins.median()) * 1.1
    labels = torch.where(random_tensor(n, seed=seed + 50) > 0, 1.0, -1.0).to(F64)
    return model, LabeledImages(images=points, labels=labels), lin, epsilon


@pytest.mark.parametrize("seed", range(4))
def test_fgm_rows_are_coverage(seed):
    """Approximate FGM rows count the robust sets that contain 0 and v."""
    model, data, lin, epsilon = random_case(seed)
    sets = RobustSets.from_linearization(lin, epsilon)
    for v in sample_l2_ball(10, 5, epsilon, seed=seed):
        slack = sets.normals @ torch.stack([v, 0 * v]).t() + sets.offsets.unsqueeze(1)
        assert (slack.abs() > 1e-9).all()  # no point is decided by rounding
        rows = evaluate(
            model,
            data,
            lin,
            epsilon=epsilon,
            defense=v,
            pgd_attack=fgm(lin, epsilon),
        )
        counts = [row.correct for row in rows if row.accuracy == "approximate"]
        still = int(sets.contains(torch.zeros_like(v)).sum())
        moved = int(sets.contains(v).sum())
        assert counts[1:] == [still, moved, still, moved]


@pytest.mark.parametrize("seed", range(4))
def test_no_attack_lowers_approximate_accuracy_below_fgm(seed):
    """Lemma 2 as an inequality between counts, at equal v."""
    _, _, lin, epsilon = random_case(seed)
    for v in sample_l2_ball(5, 5, epsilon, seed=seed).unsqueeze(1):
        after_fgm = int(lin.label_survives(fgm(lin, epsilon), v).sum())
        for draw in range(30):
            attack = sample_l2_ball(60, 5, epsilon, seed=1_000 * seed + draw)
            attack = epsilon * attack / attack.norm(dim=1, keepdim=True) * (1 - 1e-9)
            assert int(lin.label_survives(attack, v).sum()) >= after_fgm


def test_an_attack_of_the_wrong_sign_is_beaten_by_random_ones():
    """Negative control of the inequality above."""
    _, _, lin, epsilon = random_case(0)
    still = torch.zeros(1, 5, dtype=F64)
    after_wrong = int(lin.label_survives(-fgm(lin, epsilon), still).sum())
    after_random = int(
        lin.label_survives(sample_l2_ball(60, 5, epsilon, seed=0), still).sum()
    )
    assert after_random < after_wrong == 60


@pytest.mark.parametrize("n", [7, 40, 101])
def test_the_calibrated_budget_leaves_the_share_asked_for(n):
    lin = Linearization(
        logits=random_tensor(n, seed=n), gradients=random_tensor(n, 3, seed=n + 1)
    )
    for accuracy in (0.2, 0.483, 0.5, 0.75):
        epsilon = calibrate_epsilon(lin, accuracy)
        kept = int(lin.label_survives(fgm(lin, epsilon)).sum())
        assert kept == n - round((1.0 - accuracy) * n)
        sets = RobustSets.from_linearization(lin, epsilon)
        assert sets.coverage(torch.zeros(3, dtype=F64)) == kept / n


def test_the_calibrated_budget_lies_halfway_between_two_margins():
    lin = Linearization(
        logits=torch.tensor([8.0, -1.0, 4.0, -2.0]), gradients=torch.ones(4, 1)
    )
    found = [calibrate_epsilon(lin, accuracy) for accuracy in (0.75, 0.5, 0.25)]
    assert found == [1.5, 3.0, 6.0]


def test_calibration_does_not_cut_through_equal_margins():
    """Points that occur twice fall together, so the nearest real gap is taken."""
    lin = Linearization(
        logits=torch.tensor([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 7.0]),
        gradients=torch.ones(7, 1),
    )
    low, high = (calibrate_epsilon(lin, accuracy) for accuracy in (0.7, 0.3))
    assert (low, high) == (1.5, 4.5)


def test_calibration_counts_points_without_label_as_lost():
    lin = Linearization(
        logits=torch.tensor([0.0, 2.0, 4.0, 8.0]), gradients=torch.ones(4, 1)
    )
    assert calibrate_epsilon(lin, 0.5) == 3.0


def test_logits_at_adds_rows_and_shared_perturbations():
    model = Affine(torch.tensor([1.0, 10.0]), bias=0.5)
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    each = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    shared = torch.tensor([[-1.0, 0.5]])
    assert logits_at(model, points).tolist() == [1.5, 10.5, 22.5]
    assert logits_at(model, points, each).tolist() == [2.5, 20.5, 22.5]
    assert logits_at(model, points, each, shared).tolist() == [6.5, 24.5, 26.5]


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_logits_at_are_those_of_eval_mode_in_any_batches(batch_size):
    model, points = Meddled(), random_tensor(8, 6, dtype=torch.float32)
    found = logits_at(model, points, batch_size=batch_size)
    assert not found.requires_grad
    with torch.no_grad():
        assert torch.allclose(found, model.eval()(points), rtol=1e-5)


def test_logits_at_keeps_the_shape_the_model_wants():
    model = Formula(lambda images: images[:, 0, 1, 2])
    images = torch.arange(24.0).reshape(2, 1, 3, 4)
    move = torch.zeros(1, 12)
    move[0, 6] = 100.0
    assert logits_at(model, images, move).tolist() == [106.0, 118.0]


def test_disagreement_is_counted_on_both_sides():
    """A parabola and its tangents, moved by hand."""

    class Parabola(torch.nn.Module):
        def forward(self, x):
            return x[:, 0] ** 2 - 1.0

    points = torch.tensor([[2.0], [2.0], [0.5], [2.0]])
    lin = linearize(Parabola(), points)
    # f(x) = 3, tangent 4x - 5, zero at 1.25: at 1.1 only f keeps the label, at 1.5
    # both; at 0 neither. f(x) = -0.75, tangent x - 1.25, zero at 1.25: at 1.1 only
    # the tangent keeps it.
    moves = torch.tensor([[-0.9], [-0.5], [0.6], [-2.0]])
    assert disagreement(Parabola(), points, lin, moves) == (0.25, 0.25)
    assert disagreement(Parabola(), points, lin, torch.zeros(1, 1)) == (0.0, 0.0)


@pytest.mark.bad_input
def test_disagreement_wants_the_linearization_of_its_points():
    lin = Linearization(logits=torch.ones(2), gradients=torch.ones(2, 3))
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0))
    with pytest.raises(ValueError, match="lin must be taken at inputs, got 2 and 4"):
        disagreement(model, torch.ones(4, 3), lin, torch.zeros(1, 3))


def test_judging_agrees_with_the_ten_rows_and_names_every_play():
    model, inputs = smooth_network(4, seed=5), random_tensor(30, 4, seed=6)
    lin = linearize(model, inputs)
    data = LabeledImages(
        images=inputs, labels=torch.where(lin.logits > 0.1, 1.0, -1.0).to(F64)
    )
    v = sample_l2_ball(1, 4, 0.7, seed=7)
    pgd_attack = sample_l2_ball(30, 4, 0.7, seed=8)
    rows = evaluate(model, data, lin, epsilon=0.7, defense=v[0], pgd_attack=pgd_attack)
    verdicts = judge(
        model,
        data,
        lin,
        epsilon=0.7,
        attacks={"FGM": fgm(lin, 0.7), "PGD": pgd_attack},
        defenses={"SMOOTH": v, "other": -v},
    )
    assert len(verdicts) == 2 * 3 * 3
    for row in rows:
        kept = verdicts[row.attack, row.defense, row.accuracy]
        assert int(kept.sum()) == row.correct
    assert torch.equal(
        verdicts["none", "none", "true"], verdicts["none", "none", "approximate"]
    )
    assert torch.equal(
        verdicts["FGM", "other", "approximate"],
        lin.label_survives(fgm(lin, 0.7), -v),
    )
