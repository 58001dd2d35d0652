"""The point of least norm, as rows come and go."""

import numpy as np
import pytest

from paper_lib.defense.rows import unit_rows
from paper_lib.defense.search.min_norm import EMPTY, Gram, MinNorm
from tests.paper_lib.defense.defense_cases import make_sets, random_sets


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
    rows = unit_rows(sets)
    problem = MinNorm(Gram(rows.normals.numpy()), rows.thresholds.numpy())
    assert problem.enforce(EMPTY, np.ones(2, dtype=bool), np.inf) is None


def test_columns_come_out_alike_in_any_order():
    rows = unit_rows(random_sets(n=100, dim=8, seed=3)).normals.numpy()
    whole, pieces = Gram(rows), Gram(rows)
    whole.columns(np.arange(len(rows)))
    for chosen in ([5], [7, 5, 3], list(range(0, 90, 2)), [5, 6]):
        index = np.array(chosen)
        expected = rows[index] @ rows.T
        for gram in (whole, pieces):
            assert gram.columns(index) == pytest.approx(expected, abs=1e-6)
