"""Annealing, the point of least norm, and the exchange of rows."""

import numpy as np
import pytest
import torch

from paper_lib.defense import ramp_ascent
from paper_lib.defense.rows import unit_rows
from paper_lib.defense.search.annealing import anneal, anneal_from_several
from paper_lib.defense.search.local_search import MARGIN, hold_point, insert, search
from paper_lib.defense.search.min_norm import EMPTY, TOLERANCE, Gram, MinNorm
from tests.paper_lib.defense.defense_cases import count, make_sets, random_sets


def problem_of(sets, margin=0.0):
    rows = unit_rows(sets)
    normals = rows.normals.numpy()
    return MinNorm(Gram(normals), rows.thresholds.numpy() + margin), rows


def is_optimal(problem, active, wanted):
    """The conditions of Karush, Kuhn and Tucker, in float64."""
    normals = problem.gram.normals.astype(np.float64)
    u = problem.point(active)
    slack = normals @ u - problem.thresholds
    feasible = (slack[wanted] >= -1e-5).all()
    held = np.abs(slack[active.rows]).max(initial=0.0) <= 1e-5
    return bool(feasible and held and (active.multipliers > 0).all())


def feasible_rows(seed, n=60, dim=12):
    """Rows that a hidden point of length 0.8 satisfies."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal(dim)
    hidden *= 0.8 / np.linalg.norm(hidden)
    normals = rng.standard_normal((n, dim))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return MinNorm(Gram(normals), normals @ hidden - rng.uniform(0.0, 0.2, n)), hidden


@pytest.mark.parametrize("seed", range(5))
def test_the_point_of_least_norm_meets_the_optimality_conditions(seed):
    problem, hidden = feasible_rows(seed)
    wanted = np.ones(60, dtype=bool)
    active = problem.enforce(EMPTY, wanted, np.inf)
    assert is_optimal(problem, active, wanted)
    u = problem.point(active)
    assert np.linalg.norm(u) <= np.linalg.norm(hidden) + 1e-6
    assert problem.length_squared(active) == pytest.approx(u @ u, rel=1e-4)
    assert problem.values(active) == pytest.approx(
        problem.gram.normals @ u.astype(np.float32), abs=1e-4
    )


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_come_and_go_leave_it_optimal(seed):
    problem, _ = feasible_rows(seed)
    wanted = np.ones(60, dtype=bool)
    active = problem.enforce(EMPTY, wanted, np.inf)
    gone = active.rows[:2]
    wanted[gone] = False
    smaller = problem.enforce(problem.release(active, gone), wanted, np.inf)
    assert is_optimal(problem, smaller, wanted)
    assert problem.length_squared(smaller) < problem.length_squared(active)
    cold = problem.enforce(EMPTY, wanted, np.inf)
    assert problem.point(smaller) == pytest.approx(problem.point(cold), abs=1e-4)
    wanted[gone] = True
    again = problem.enforce(smaller, wanted, np.inf)
    assert problem.point(again) == pytest.approx(problem.point(active), abs=1e-4)


def test_a_limit_refuses_what_would_be_too_long_and_nothing_else():
    problem, _ = feasible_rows(0)
    wanted = np.ones(60, dtype=bool)
    length = problem.length_squared(problem.enforce(EMPTY, wanted, np.inf))
    assert problem.enforce(EMPTY, wanted, 1.001 * length) is not None
    assert problem.enforce(EMPTY, wanted, 0.999 * length) is None


def test_rows_that_exclude_each_other_have_no_point():
    sets = make_sets([[1.0, 0.0], [-1.0, 0.0]], [-0.2, -0.2])
    problem, _ = problem_of(sets)
    assert problem.enforce(EMPTY, np.ones(2, dtype=bool), np.inf) is None


def satisfied(rows, u, slack=0.0):
    return int((rows.normals.numpy() @ u >= rows.thresholds.numpy() + slack).sum())


@pytest.mark.parametrize("seed", range(3))
def test_the_polish_gains_rows_and_stays_in_the_ball(seed):
    sets = random_sets(n=120, dim=15, seed=seed)
    problem, rows = problem_of(sets, MARGIN)
    start = anneal(
        rows.normals.float(),
        rows.thresholds.float()[None],
        torch.zeros(1, 15),
        num_steps=40,
        last_width=0.1,
    )[0]
    held = hold_point(problem, start.double().numpy())
    more = insert(problem, held)
    u = problem.point(more.active)
    assert np.linalg.norm(u) < 1.0
    assert more.count >= held.count >= satisfied(rows, start.numpy(), 1e-3)
    assert satisfied(rows, u) >= more.count
    assert satisfied(rows, u, MARGIN - 2 * TOLERANCE) <= more.count
    assert insert(problem, more).count == more.count


def test_a_barred_row_is_not_inserted():
    sets = make_sets([[1.0, 0.0], [0.0, 1.0]], [-0.5, -0.5])
    problem, _ = problem_of(sets, MARGIN)
    none = hold_point(problem, np.zeros(2))
    barred = np.array([False, True])
    assert insert(problem, none, barred).satisfied.tolist() == [True, False]
    assert insert(problem, none).satisfied.tolist() == [True, True]
    assert barred.tolist() == [False, True]


def test_the_search_never_gets_worse_and_uses_its_seed():
    sets = random_sets(n=150, dim=10, seed=1)
    problem, rows = problem_of(sets, MARGIN)
    held = insert(problem, hold_point(problem, np.zeros(10)))
    runs = [
        [one.count for one in search(problem, held, seed=seed, exchanges=30)]
        for seed in (0, 0, 1)
    ]
    assert runs[0] == sorted(runs[0])
    assert len(runs[0]) == 30
    assert runs[0][-1] > held.count
    assert runs[0] == runs[1] != runs[2]
    assert rows.num_free + runs[0][-1] <= 150


def test_annealing_leaves_the_dead_zone_of_the_ramp():
    sets = make_sets([[1.0, 0.0], [1.0, 0.2]], [-0.5, -0.5])
    rows = unit_rows(sets)
    u = anneal_from_several(rows.normals, rows.thresholds, seed=0)
    assert ramp_ascent(sets).coverage == 0.0
    assert count(sets, u) == 2


def test_a_batch_is_its_members_one_by_one():
    rows = [unit_rows(random_sets(n=50, dim=5, seed=s, shift=-1.0)) for s in range(3)]
    size = min(len(r.thresholds) for r in rows)
    normals = torch.stack([r.normals[:size] for r in rows])
    asked = torch.stack([r.thresholds[:size] for r in rows])
    together = anneal(normals, asked, torch.zeros(3, 5).double(), num_steps=30)
    for number in range(3):
        alone = anneal(
            normals[number],
            asked[number][None],
            torch.zeros(1, 5).double(),
            num_steps=30,
        )
        assert torch.allclose(alone[0], together[number], atol=1e-9)
    shared = anneal(normals[0], asked[:1], torch.eye(5)[:2].double(), num_steps=30)
    assert shared.shape == (2, 5)
    assert bool((shared.norm(dim=-1) <= 1.0 + 1e-12).all())


def test_the_best_iterate_is_returned():
    """One long step too many: the start satisfied the row, the end does not."""
    normals, asked = torch.tensor([[1.0], [-1.0], [-1.0]]), torch.tensor([[0.0] * 3])
    u = anneal(
        normals,
        asked,
        torch.zeros(1, 1),
        num_steps=1,
        first_step=0.5,
        last_step=0.5,
    )
    assert u.tolist() == [[0.0]]


def test_annealing_leaves_its_operands_as_they_are():
    normals, asked, start = (
        torch.eye(3),
        torch.full((1, 3), 0.5),
        torch.full((1, 3), 0.1),
    )
    for kept in (normals, normals[None]):
        copies = [one.clone() for one in (kept, asked, start)]
        anneal(kept, asked, start, num_steps=3)
        assert all(map(torch.equal, copies, (kept, asked, start)))


def test_columns_come_out_alike_in_any_order():
    rows = unit_rows(random_sets(n=100, dim=8, seed=3)).normals.numpy()
    whole, pieces = Gram(rows), Gram(rows)
    whole.columns(np.arange(len(rows)))
    for chosen in ([5], [7, 5, 3], list(range(0, 90, 2)), [5, 6]):
        index = np.array(chosen)
        expected = rows[index] @ rows.T
        for gram in (whole, pieces):
            assert gram.columns(index) == pytest.approx(expected, abs=1e-6)


def test_random_starts_use_their_seed():
    rows = unit_rows(random_sets(n=300, dim=8, seed=2))
    found = [
        anneal_from_several(rows.normals, rows.thresholds, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"num_steps": 0}, r"^num_steps must be at least 1, got 0\."),
        ({"first_width": float("inf")}, r"^widths must be finite with 0 < last_width"),
        ({"last_width": 0.5}, r"^widths must be .* got 0\.5 and 0\.3\."),
        ({"last_width": 0.0}, r"^widths must be .* got 0\.0 and 0\.3\."),
        ({"last_step": 0.2}, r"^steps must be finite with 0 < last_step"),
        ({"last_step": -1.0}, r"^steps must be finite with 0 < last_step"),
        ({"first_step": float("nan")}, r"^steps must be .* got 0\.002 and nan\."),
    ],
)
def test_settings_of_the_annealing(settings, match):
    with pytest.raises(ValueError, match=match):
        anneal(torch.eye(2), torch.zeros(1, 2), torch.zeros(1, 2), **settings)
