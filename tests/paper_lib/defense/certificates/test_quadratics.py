"""Quadratics below the indicators, and the bound they add up to."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_lib.defense.certificates.quadratics import (
    QuadraticEvidence,
    quadratic_bound,
)
from paper_lib.defense.rows import SafeRows, safe_rows
from tests.paper_lib.defense.defense_cases import count, make_sets, random_sets

finite = st.floats(-1.0, 1.0)


@given(t=finite, s=st.floats(-1.0, 3.0), x=finite)
def test_the_quadratic_lies_below_the_indicator(t, s, x):
    if t + s > 1e-3:
        value = 1.0 - (x + s) ** 2 / (t + s) ** 2
        assert value <= (1.0 if x < t else 1e-9)


def test_a_negative_reach_would_break_it():
    """Negative control: with t + s < 0 it exceeds the indicator."""
    t, s, x = 0.5, -0.9, 0.6
    assert 1.0 - (x + s) ** 2 / (t + s) ** 2 > 0.0


def bound_of(normals, thresholds, shifts, multiplier):
    rows = SafeRows(normals=np.array(normals), thresholds=np.array(thresholds))
    return quadratic_bound(
        rows,
        np.zeros((0, rows.normals.shape[1])),
        np.zeros(0),
        np.zeros(0),
        shifts=np.array(shifts),
        ball_multiplier=multiplier,
        cut_multipliers=np.zeros(0),
    )


def test_two_opposed_rows_by_hand():
    """Rows x >= 1/2 and -x >= 1/2, s = 1/2: 2 - (x+1/2)^2 - (1/2-x)^2 = 3/2 - 2 x^2.

    With the multiplier 2 the Lagrangian is 3/2 - 2 = -1/2 at any x of the line; with
    larger multipliers it is less.
    """
    at = bound_of([[1.0], [-1.0]], [0.5, 0.5], [0.5, 0.5], 2.0 + 1e-9)
    assert at == pytest.approx(-0.5, abs=1e-6)
    assert bound_of([[1.0], [-1.0]], [0.5, 0.5], [0.5, 0.5], 3.0) < at - 0.9
    better = bound_of([[1.0], [-1.0]], [0.5, 0.5], [2.0, 2.0], 0.32 + 1e-9)
    assert better == pytest.approx(2 - 2 * 4 / 6.25 - 0.32, abs=1e-6)


def test_a_matrix_that_is_not_positive_definite_proves_nothing():
    assert bound_of([[1.0], [-1.0]], [0.5, 0.5], [0.5, 0.5], 1.9) is None


def test_the_bound_holds_in_exact_arithmetic():
    """The Lagrangian, as rational numbers, at many points: never below the bound."""
    rng = np.random.default_rng(3)
    normals = rng.standard_normal((3, 2))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    thresholds, shifts = np.array([0.5, 0.4, 0.75]), np.array([0.5, 1.0, 0.25])
    bound = bound_of(normals, thresholds, shifts, 6.0)
    curves = [
        1 / (Fraction(t) + Fraction(s)) ** 2
        for t, s in zip(thresholds, shifts, strict=True)
    ]
    least = None
    for u in rng.uniform(-1.0, 1.0, (4000, 2)).tolist():
        x = [Fraction(value) for value in u]
        value = 6 * (x[0] ** 2 + x[1] ** 2 - 1)
        for normal, shift, curve in zip(normals, shifts, curves, strict=True):
            product = sum(Fraction(g) * y for g, y in zip(normal, x, strict=True))
            value += 1 - curve * (product + Fraction(shift)) ** 2
        least = value if least is None else min(least, value)
    assert Fraction(bound) <= least
    assert float(least) - bound < 0.01


@pytest.mark.parametrize("seed", range(20))
def test_in_a_cell_it_is_no_more_than_any_point_violates(seed):
    """Random shifts and multipliers, not those of a solver."""
    rng = np.random.default_rng(seed)
    dim = 2 + seed % 4
    sets = random_sets(n=12, dim=dim, seed=seed)
    rows = safe_rows(sets)
    ways = rng.standard_normal((2, dim))
    low, high = np.array([-0.3, -0.1]), np.array([0.2, 0.5])
    shifts = rng.uniform(0.5, 3.0, 12)
    bound = quadratic_bound(
        rows,
        ways,
        low,
        high,
        shifts=shifts,
        ball_multiplier=float(rng.uniform(30.0, 60.0)),
        cut_multipliers=rng.uniform(0.0, 10.0, 2),
    )
    points = rng.standard_normal((4000, dim))
    points *= rng.uniform(size=(4000, 1)) / np.linalg.norm(points, axis=1)[:, None]
    along = points @ ways.T
    inside = points[((along >= low) & (along <= high)).all(axis=1)]
    violated = (inside @ rows.normals.T < rows.thresholds).sum(axis=1)
    assert len(inside) > 20
    assert bound is not None
    assert bound <= violated.min()


def test_safe_rows_are_violated_only_where_the_stored_rows_are():
    for seed in range(5):
        sets = random_sets(n=200, dim=3, seed=seed)
        rows = safe_rows(sets)
        rng = np.random.default_rng(seed)
        u = rng.standard_normal(3)
        u /= np.linalg.norm(u) * 1.001
        fails = rows.normals @ u < rows.thresholds
        v = sets.normals.new_tensor(u * sets.epsilon)
        assert not (fails & sets.contains(v).numpy()).any()
        assert fails.sum() == 200 - count(sets, v)


def one_leaf(sets, **changes):
    n, dim = sets.normals.shape
    arrays = {
        "directions": np.zeros((0, dim)),
        "splits": np.array([-1]),
        "cuts": np.zeros(1),
        "shifts": np.full((1, n), 2.0, dtype=np.float32),
        "ball_multipliers": np.array([1.0]),
        "cut_multipliers": np.zeros((1, 0)),
    }
    return QuadraticEvidence(**{**arrays, **changes})


OPPOSED = ([[1.0], [-1.0]], [-0.9, -0.9])


def test_evidence_of_one_leaf():
    assert one_leaf(make_sets(*OPPOSED)).violated_at_least(make_sets(*OPPOSED)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"splits": np.array([0, -1, -1]), "cuts": np.zeros(3)},
        {"splits": np.array([-1, -1]), "cuts": np.zeros(2)},
        {"splits": np.array([], dtype=np.int64), "cuts": np.zeros(0)},
        {"ball_multipliers": np.array([-1.0])},
        {"ball_multipliers": np.array([np.nan])},
        {"ball_multipliers": np.array([np.inf])},
        {"ball_multipliers": np.array([0.0])},
        pytest.param(
            {"shifts": np.full((2, 2), 2.0, dtype=np.float32)},
            marks=pytest.mark.bad_input,  # the hook would speak first
        ),
        {"shifts": np.full((1, 3), 2.0, dtype=np.float32)},
        {"cut_multipliers": np.array([[-1.0]]), "directions": np.ones((1, 1))},
        {"directions": np.full((1, 1), np.nan), "cut_multipliers": np.zeros((1, 1))},
        {"directions": np.zeros((0, 2))},
    ],
)
def test_malformed_evidence_proves_nothing(changes):
    sets = make_sets(*OPPOSED)
    assert one_leaf(sets, **changes).violated_at_least(sets) == -1


def test_rows_left_out_prove_nothing_more():
    sets = make_sets(*OPPOSED)
    nothing = np.full((1, 2), np.nan, dtype=np.float32)
    assert one_leaf(sets, shifts=nothing).violated_at_least(sets) <= 0


def test_the_tree_has_to_cover_the_ball():
    """A cut at 0 with both sides proven; one side's proof is not enough for both."""
    sets = make_sets([[1.0], [-1.0], [1.0]], [-0.5, -0.5, -0.5])
    good = QuadraticEvidence(
        directions=np.array([[1.0]]),
        splits=np.array([0, -1, -1]),
        cuts=np.zeros(3),
        shifts=np.array([[1.0, np.nan, 1.0], [np.nan, 1.0, np.nan]], dtype=np.float32),
        ball_multipliers=np.array([1e-6, 1e-6]),
        cut_multipliers=np.array([[16 / 9], [8 / 9]]),
    )
    assert good.violated_at_least(sets) == 1
    swapped = QuadraticEvidence(
        directions=good.directions,
        splits=good.splits,
        cuts=good.cuts,
        shifts=good.shifts[::-1].copy(),
        ball_multipliers=good.ball_multipliers,
        cut_multipliers=good.cut_multipliers[::-1].copy(),
    )
    assert swapped.violated_at_least(sets) <= 0
