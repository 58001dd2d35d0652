"""The closed forms of Section 4, against the conditions that make them optimal."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from paper_lib.defense.exact.closed_forms import closed_form
from paper_lib.defense.rows import as_perturbation, surely_satisfied, unit_rows
from paper_lib.robust_sets import RobustSets
from tests.oracles import fits_exactly, random_tensor
from tests.paper_lib.defense.defense_cases import F32, F64, make_sets


def solve(sets):
    """Count what the point reaches and what the evidence leaves."""
    found = closed_form(unit_rows(sets))
    v = as_perturbation(found.point, sets)
    assert fits_exactly(v, sets.epsilon)
    violated = 0 if found.evidence is None else found.evidence.violated_at_least(sets)
    reached = int(surely_satisfied(sets, v).sum())
    return found.point, reached, len(sets.offsets) - violated


def test_one_row_by_hand():
    point, *counts = solve(make_sets([[3.0, 4.0]], [-2.5]))
    assert point.tolist() == pytest.approx([0.3, 0.4], abs=1e-12)
    assert counts == [1, 1]


def test_no_row_is_left():
    """Satisfied everywhere, nowhere, nowhere by an infinite offset, by a zero row."""
    sets = make_sets(
        [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
        [2.0, -2.0, -math.inf, -1.0, 0.0],
    )
    point, *counts = solve(sets)
    assert (point.tolist(), counts) == ([0.0, 0.0], [2, 2])
    assert closed_form(unit_rows(make_sets([[1.0]], [2.0]))).point.size == 1


def test_what_is_always_satisfied_needs_no_evidence():
    sets = make_sets([[1.0, 0.0]], [2.0])
    assert closed_form(unit_rows(sets)).evidence is None


@pytest.mark.parametrize(
    ("normals", "offsets", "expected"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5], [0.0, 0.0]),  # no defense is needed
        ([[1.0, 0.0], [0.0, 1.0]], [-0.25, 0.5], [0.25, 0.0]),  # the first alone
        ([[1.0, 0.0], [0.0, 1.0]], [0.5, -0.25], [0.0, 0.25]),  # the second alone
        ([[1.0, 0.0], [0.0, 1.0]], [-0.5, -0.75], [0.5, 0.75]),  # their corner
        ([[1.0, 0.0], [1.0, 0.0]], [-0.5, -0.75], [0.75, 0.0]),  # one contains another
        ([[2.0, 0.0], [-1.0, 0.0]], [-0.5, 0.75], [0.25, 0.0]),  # a strip
    ],
)
def test_two_rows_by_hand(normals, offsets, expected):
    point, *counts = solve(make_sets(normals, offsets))
    assert point.tolist() == pytest.approx(expected, abs=1e-12)
    assert counts == [2, 2]


@pytest.mark.parametrize(
    ("normals", "offsets"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], [-0.75, -0.75]),  # they meet outside the ball
        ([[1.0, 0.0], [-1.0, 0.0]], [-0.5, 0.25]),  # nowhere
        ([[1.0, 0.0], [-1.0, 0.0]], [-0.5, 0.5 - 1e-12]),  # by little
        ([[1.0, 0.0], [-1.0, 1e-4]], [-0.999, 0.2]),
        ([[1.0, 0.0], [-1.75, 0.0]], [-0.5, 0.875 - 1e-9]),  # lengths matter
        ([[1e-30, 0.0], [0.0, 1e30]], [-0.75e-30, -0.75e30]),
    ],
)
def test_two_rows_in_conflict(normals, offsets):
    """One of them is reached, and it is proven that no more can be."""
    _, *counts = solve(make_sets(normals, offsets))
    assert counts == [1, 1]


def test_two_rows_that_touch():
    """On a line, and in a point of the circle: exact numbers decide."""
    line = make_sets([[1.0, 0.0], [-1.0, 0.0]], [-0.5, 0.5])
    found = closed_form(unit_rows(line))
    assert found.point.tolist() == pytest.approx([0.5, 0.0], abs=1e-15)
    assert found.evidence is None
    circle = make_sets([[1.0, 0.0], [0.0, 1.0]], [-0.6, -0.8])
    _, reached, left = solve(circle)
    assert reached >= 1
    assert left == 2


def test_a_row_that_grazes_the_ball():
    for dtype in (F32, F64):
        reached, left = solve(make_sets([[1.0, 0.0]], [-1.0], dtype=dtype))[1:]
        assert (reached <= 1, left) == (True, 1)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("seed", range(40))
def test_random_rows_reach_what_is_proven(seed, dtype):
    """In 1 to 60 dimensions and for budgets of any size: the bounds agree."""
    rng = np.random.default_rng(seed)
    dim, epsilon = int(rng.integers(1, 61)), float(10 ** rng.uniform(-6, 6))
    normals = random_tensor(2, dim, seed=seed) * 10 ** rng.uniform(-4, 4)
    reach = normals.norm(dim=1) * epsilon
    offsets = -reach * torch.from_numpy(rng.uniform(-0.2, 1.1, size=2))
    sets = RobustSets(
        normals=normals.to(dtype), offsets=offsets.to(dtype), epsilon=epsilon
    )
    _, reached, left = solve(sets)
    assert reached == left


@pytest.mark.parametrize("seed", range(20))
def test_the_point_is_the_nearest_of_the_intersection(seed):
    """An oracle that knows no case: a quadratic program."""
    rng = np.random.default_rng(seed)
    normals, offsets = rng.normal(size=(2, 4)), rng.uniform(-0.6, 0.3, size=2)
    sets = make_sets(normals.tolist(), offsets.tolist())
    point, reached, _ = solve(sets)
    nearest = minimize(
        lambda v: v @ v,
        np.zeros(4),
        jac=lambda v: 2 * v,
        constraints={"type": "ineq", "fun": lambda v: normals @ v + offsets},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    if np.linalg.norm(nearest.x) < 1:
        assert reached == 2
        assert point == pytest.approx(nearest.x, abs=1e-6)
    else:
        assert reached == 1


def test_lost_rows_and_a_conflict_add_up():
    sets = make_sets(
        [[1.0, 0.0], [0.0, 0.0], [0.0, 3.0], [5.0, 5.0], [0.0, 1.0]],
        [-3.0, -math.inf, -2.7, 8.0, 0.2],
    )
    assert solve(sets)[1:] == (3, 3)
    conflict = make_sets(
        [[1.0, 0.0], [0.0, 0.0], [0.0, 3.0], [5.0, 5.0], [0.0, -1.0]],
        [-3.0, -math.inf, -2.7, 8.0, 0.2],
    )
    assert solve(conflict)[1:] == (2, 2)


def test_rows_lost_by_a_rounding_do_not_spoil_the_rest():
    """The first is beyond the ball by one bit, which the check cannot prove."""
    sets = make_sets([[1.0, 0.0], [1.0, 0.0]], [-(1.0 + 2.0**-52), -2.0])
    assert solve(sets)[1:] == (0, 1)


def test_a_budget_of_zero():
    sets = make_sets([[1.0, 0.0], [1.0, 0.0]], [0.0, -1e-3], epsilon=0.0)
    assert solve(sets)[1:] == (1, 1)


@pytest.mark.bad_input
def test_three_rows_have_no_closed_form():
    sets = make_sets([[1.0, 0.0]] * 3, [-0.5] * 3)
    with pytest.raises(ValueError, match=r"at most two rows, got 3\."):
        closed_form(unit_rows(sets))
