"""Bounds from moments, against counts that need no theory."""

import numpy as np
import pytest

from paper_lib.defense.certificates.moments import moment_bounds
from tests.paper_lib.defense.defense_cases import (
    best_in_the_plane,
    make_sets,
    random_sets,
)


def bounds_of(sets, nodes=15, seed=0):
    """Every bound on the way: what it claims, and its evidence."""
    steps = moment_bounds(sets, seed=seed, max_nodes=nodes)
    return [(p.violated, p.evidence) for p in steps if p.evidence is not None]


@pytest.mark.parametrize("seed", range(6))
def test_in_the_plane_no_bound_is_below_the_maximum(seed):
    sets = random_sets(n=14, dim=2, seed=seed, shift=-0.6)
    best = best_in_the_plane(sets)
    for violated, evidence in bounds_of(sets):
        assert 14 - violated >= best
        assert evidence.violated_at_least(sets) >= violated


def test_bounds_grow_with_the_cells_and_are_not_vacuous():
    sets = random_sets(n=200, dim=3, seed=1, shift=-0.8)
    claims = [violated for violated, _ in bounds_of(sets, nodes=31)]
    assert claims == sorted(set(claims))
    assert claims[-1] > claims[0] > 0


def test_equal_seeds_give_equal_evidence():
    sets = random_sets(n=60, dim=5, seed=2, shift=-0.8)
    one, two = (bounds_of(sets)[-1] for _ in range(2))
    assert one[0] == two[0]
    assert np.array_equal(one[1].shifts, two[1].shifts, equal_nan=True)


def test_tampering_is_found_or_proves_less():
    sets = random_sets(n=60, dim=5, seed=2, shift=-0.8)
    violated, evidence = bounds_of(sets, nodes=9)[-1]
    arrays = {
        name: getattr(evidence, name)
        for name in (
            "directions",
            "splits",
            "cuts",
            "shifts",
            "ball_multipliers",
            "cut_multipliers",
        )
    }
    changes = {
        "shifts": lambda a: np.where(np.isnan(a), a, a + 1.0),
        "ball_multipliers": lambda a: 0.5 * a,
        "cut_multipliers": lambda a: 3.0 * a,
        "cuts": lambda a: a + 0.2,
        "directions": lambda a: -a[::-1],
    }
    for name, change in changes.items():
        changed = type(evidence)(**{**arrays, name: change(arrays[name]).copy()})
        assert changed.violated_at_least(sets) < violated, name


def test_rows_of_another_problem_do_not_verify():
    sets = random_sets(n=60, dim=5, seed=2, shift=-0.8)
    easier = random_sets(n=60, dim=5, seed=2, shift=0.2)
    violated, evidence = bounds_of(sets, nodes=9)[-1]
    assert evidence.violated_at_least(easier) < violated


def test_rows_that_nobody_satisfies_count_whole():
    sets = make_sets(
        [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [-1.0, 0.0]],
        [-5.0, -1.0, -0.1, -0.9],
    )
    best = best_in_the_plane(sets)
    violated, _ = bounds_of(sets)[-1]
    assert 2 <= violated <= 4 - best


def test_all_satisfiable_gives_no_bound():
    assert bounds_of(make_sets([[1.0, 0.0]], [-0.2])) == []
    assert bounds_of(make_sets([[1.0, 0.0]], [2.0])) == []
