"""The polish, and the exchange of rows."""

import numpy as np
import pytest
import torch

from paper_lib.defense.rows import unit_rows
from paper_lib.defense.search.annealing import anneal
from paper_lib.defense.search.local_search import MARGIN, hold_point, insert, search
from paper_lib.defense.search.min_norm import TOLERANCE, Gram, MinNorm
from tests.paper_lib.defense.defense_cases import make_sets, random_sets


def problem_of(sets):
    rows = unit_rows(sets)
    normals = rows.normals.numpy()
    return MinNorm(Gram(normals), rows.thresholds.numpy() + MARGIN), rows


def satisfied(rows, u, slack=0.0):
    return int((rows.normals.numpy() @ u >= rows.thresholds.numpy() + slack).sum())


@pytest.mark.parametrize("seed", range(3))
def test_the_polish_gains_rows_and_stays_in_the_ball(seed):
    sets = random_sets(n=120, dim=15, seed=seed)
    problem, rows = problem_of(sets)
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
    problem, _ = problem_of(sets)
    none = hold_point(problem, np.zeros(2))
    barred = np.array([False, True])
    assert insert(problem, none, barred).satisfied.tolist() == [True, False]
    assert insert(problem, none).satisfied.tolist() == [True, True]
    assert barred.tolist() == [False, True]


def test_the_search_never_gets_worse_and_uses_its_seed():
    sets = random_sets(n=150, dim=10, seed=1)
    problem, rows = problem_of(sets)
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
