"""Implicit hitting sets against brute force, and evidence that must not pass."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from paper_lib.defense.certificates.subsystems import WEIGHT_ONE
from paper_lib.defense.exact import feasibility
from paper_lib.defense.exact.hitting_sets import hitting_set_search
from paper_lib.defense.rows import unit_rows
from tests.paper_lib.defense.defense_cases import (
    F32,
    F64,
    bounds_of,
    certified,
    few_rows,
    make_sets,
    most_satisfied,
)


def solve(sets, **settings):
    return certified(hitting_set_search, sets, **settings)


@pytest.mark.parametrize("seed", range(60))
def test_it_agrees_with_brute_force(seed):
    n, dim = 3 + seed % 7, 3 + seed % 4
    sets = few_rows(n, dim, seed, shift=-0.6 + 0.1 * (seed % 5))
    most = most_satisfied(sets)
    found = solve(sets)
    assert bounds_of(found) == (most, most)
    assert found.verify(sets)


def test_random_sets_are_of_all_kinds():
    """Negative control: the cases above are not all trivial."""
    counts = {
        (len(sets.offsets) - most_satisfied(sets))
        for seed in range(60)
        for sets in [few_rows(3 + seed % 7, 3 + seed % 4, seed, shift=-0.4)]
    }
    assert {0, 1, 2, 3} <= counts


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_any_scale(seed, dtype):
    plain = few_rows(8, 3, seed, shift=-0.4, dtype=dtype)
    scales = torch.tensor([1e-30, 1.0, 1e30, 1e-30] * 2, dtype=dtype)
    sets = make_sets(
        plain.normals * scales[:, None], plain.offsets * scales, plain.epsilon, dtype
    )
    most = most_satisfied(plain)
    assert bounds_of(solve(plain)) == bounds_of(solve(sets)) == (most, most)


# The edges of a triangle and of a star around the center: three pairs of four rows.
TRIANGLE = [[math.cos(a), math.sin(a)] for a in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)]


def test_three_pairs_that_share_rows_by_hand():
    """Each two of three rows conflict; half of each pair adds up to 3/2: two go."""
    sets = make_sets(TRIANGLE, [-0.6] * 3)
    found = solve(sets)
    assert bounds_of(found) == (1, 1)
    evidence = found.evidence
    assert sorted(map(sorted, map(list, by_list(evidence.subsystems)))) == [
        [0, 1],
        [0, 2],
        [1, 2],
    ]
    assert evidence.weights.tolist() == pytest.approx([WEIGHT_ONE / 2] * 3, abs=2)


def test_a_subsystem_larger_than_a_pair_by_hand():
    """Each two of the rows meet, all three do not: one subsystem of weight one."""
    sets = make_sets(TRIANGLE, [-0.3] * 3)
    found = solve(sets)
    assert bounds_of(found) == (2, 2)
    assert [sorted(rows) for rows in by_list(found.evidence.subsystems)] == [[0, 1, 2]]
    shares = found.evidence.multipliers / found.evidence.multipliers.sum()
    lengths = np.ldexp(1.0, -np.frexp(np.abs(TRIANGLE).max(axis=1))[1])
    expected = (1 / lengths) / (1 / lengths).sum()
    assert np.sort(shares) == pytest.approx(np.sort(expected), abs=1e-6)


def test_pairs_are_seen_before_anything_is_solved():
    """Opposed, acute and obtuse pairs, along an axis of their own each."""
    angles = [math.pi, 1.5, 2.5]
    normals = np.zeros((6, 6))
    for k, angle in enumerate(angles):
        normals[2 * k, 2 * k] = 1.0
        normals[2 * k + 1, 2 * k : 2 * k + 2] = math.cos(angle), math.sin(angle)
    # In pairs, each just beyond or short of what the angle allows.
    for shift, lost in ((0.01, 3), (-0.01, 0)):
        wide = np.array([2.0, 0.78, 1.5])
        thresholds = np.cos(np.stack([wide, np.array(angles) - wide], 1)) + shift
        sets = make_sets(normals, -thresholds.flatten())
        steps = list(hitting_set_search(unit_rows(sets)))
        first = next(step.evidence for step in steps if step.evidence)
        assert len(first.subsystems) == lost
        assert first.violated_at_least(sets) == lost


@pytest.mark.parametrize("seed", range(4))
def test_no_row_of_a_subsystem_can_be_spared(seed):
    sets = few_rows(20, 3, seed, epsilon=1.0)
    subsystems = by_list(solve(sets).evidence.subsystems)
    assert max(map(len, subsystems)) > 2 or seed
    for rows in subsystems:
        part = make_sets(sets.normals[rows], sets.offsets[rows])
        assert most_satisfied(part) == len(rows) - 1
        for row in range(len(rows)):
            rest = [r for k, r in enumerate(rows) if k != row]
            if rest:
                part = make_sets(sets.normals[rest], sets.offsets[rest])
                assert most_satisfied(part) == len(rest)


def by_list(lists):
    return [lists[k].tolist() for k in range(len(lists))]


def test_half_spaces_that_touch_end_with_a_bound():
    """Only points with x = 0.2 satisfy both: rounding may miss them, a proof may not.

    Beside them a pair that conflicts, so that there is something to prove.
    """
    sets = make_sets(
        [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [-0.2, 0.2, -0.5, -0.5]
    )
    found = solve(sets)
    assert found.lower_count >= 2
    assert found.upper_count == 3


@pytest.fixture(scope="module")
def branched():
    """A case that packings alone do not decide, with the proof by branching."""
    sets = few_rows(50, 3, 14, epsilon=1.0)
    return sets, solve(sets)


def test_branching_closes_what_packings_leave_open(branched):
    sets, found = branched
    assert found.gap == 0.0
    assert found.verify(sets)
    assert len(found.evidence.splits) > 1
    weaker = solve(sets, max_nodes=1)
    assert len(weaker.evidence.splits) == 1
    assert weaker.lower_count == found.lower_count
    assert weaker.upper_count == found.upper_count + 2


@pytest.mark.parametrize("seed", range(2))
def test_a_planted_point_is_found_and_proven(seed):
    """As the benchmarks' planted instances: 20 opposed pairs hide among free rows."""
    draw = np.random.default_rng(seed)
    units = draw.standard_normal((60, 10))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    hidden = 0.9 * units[0]
    thresholds = units[1:] @ hidden - draw.uniform(0.0, 0.3, 59)
    normals = np.concatenate([units[1:], -units[1:21]])
    offsets = np.concatenate([-thresholds, thresholds[:20] - 0.3])
    sets = make_sets(normals, offsets)
    assert bounds_of(solve(sets)) == (59, 59)
    steps = list(hitting_set_search(unit_rows(sets), start=hidden))
    assert np.array_equal(steps[0].point, hidden)
    assert [s.point is None for s in steps[1:]] == [True] * (len(steps) - 1)
    assert steps[-1].evidence.violated_at_least(sets) == 20


def test_it_stops_when_the_time_is_up():
    sets = few_rows(60, 3, 1, epsilon=1.0)
    assert list(hitting_set_search(unit_rows(sets), remaining=lambda: 0.0)) == []
    ticks = itertools.count(1.0, -0.05)
    steps = list(hitting_set_search(unit_rows(sets), remaining=lambda: next(ticks)))
    assert steps[0].point is not None
    assert 0 < steps[1 + 1].evidence.violated_at_least(sets) < 29


def test_two_runs_are_equal_and_the_rows_untouched():
    sets = few_rows(30, 4, 3)
    rows = unit_rows(sets)
    before = rows.normals.clone(), rows.thresholds.clone()
    one, two = (
        [s.point for s in hitting_set_search(rows) if s.point is not None]
        for _ in range(2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert torch.equal(rows.normals, before[0])
    assert torch.equal(rows.thresholds, before[1])


def replaced(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


def lists_with(lists, **changes):
    return dataclasses.replace(lists, **changes)


def inner_node(evidence):
    return int(np.flatnonzero(evidence.splits >= 0)[0])


FREE_ROW = 50  # a row the tests add, which is in no subsystem

TAMPERED = {
    "a row of a subsystem": lambda e: {
        "subsystems": lists_with(
            e.subsystems, items=replaced(e.subsystems.items, 0, FREE_ROW)
        )
    },
    "a row out of range": lambda e: {
        "subsystems": lists_with(
            e.subsystems, items=replaced(e.subsystems.items, 0, 51)
        )
    },
    "a multiplier left out": lambda e: {"multipliers": replaced(e.multipliers, 0, 0.0)},
    "a negative multiplier": lambda e: {"multipliers": -e.multipliers},
    "an infinite multiplier": lambda e: {
        "multipliers": replaced(e.multipliers, 0, np.inf)
    },
    "multipliers cut off": lambda e: {"multipliers": e.multipliers[:-1]},
    "another row to branch on": lambda e: {
        "splits": replaced(e.splits, inner_node(e), FREE_ROW)
    },
    "no branching": lambda e: {"splits": np.array([-1])},
    "half a tree": lambda e: {"splits": e.splits[:-1]},
    "two trees": lambda e: {"splits": np.append(e.splits, -1)},
    "larger weights": lambda e: {"weights": np.minimum(2 * e.weights, WEIGHT_ONE)},
    "smaller weights": lambda e: {"weights": e.weights // 2},
    "negative weights": lambda e: {"weights": -e.weights},
    "weights cut off": lambda e: {"weights": e.weights[:-1]},
    "a packing out of range": lambda e: {
        "packings": lists_with(
            e.packings, items=replaced(e.packings.items, 0, len(e.subsystems))
        )
    },
    "a subsystem weighed twice": lambda e: {
        "packings": lists_with(
            e.packings, items=np.full_like(e.packings.items, e.packings.items[0])
        )
    },
    "a packing left out": lambda e: {
        "packings": lists_with(e.packings, starts=e.packings.starts[:-1])
    },
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_evidence_proves_less_or_nothing(branched, name):
    sets, found = branched
    sets = make_sets(
        torch.cat([sets.normals, torch.ones(1, 3, dtype=F64)]),
        torch.cat([sets.offsets, torch.ones(1, dtype=F64)]),
    )
    claimed = found.evidence.violated_at_least(sets)
    assert claimed == 50 - found.lower_count
    changed = dataclasses.replace(found.evidence, **TAMPERED[name](found.evidence))
    assert changed.violated_at_least(sets) < claimed


def test_evidence_for_other_rows_proves_nothing(branched):
    sets, found = branched
    other = make_sets(sets.normals, sets.offsets + 0.05)
    assert found.evidence.violated_at_least(other) == -1


def test_least_squares_that_do_not_converge_leave_a_valid_bound(monkeypatch):
    """The point is lost then, never the proof."""

    def fail(matrix, target):
        raise RuntimeError("Maximum number of iterations reached.")

    sets = few_rows(30, 3, 5)
    exact = solve(sets)
    monkeypatch.setattr(feasibility, "nnls", fail)
    found = solve(sets)
    assert found.lower_count <= exact.lower_count <= found.upper_count < 30
    assert found.verify(sets)


@pytest.mark.bad_input
@pytest.mark.parametrize("start", [np.zeros(4), np.array([0.0, np.nan, 0.0])])
def test_a_start_that_does_not_fit_is_refused(start):
    sets = few_rows(5, 3, 0)
    with pytest.raises(
        ValueError, match=r"start must be a finite point of shape \(3,\)"
    ):
        next(hitting_set_search(unit_rows(sets), start=start))


@pytest.mark.bad_input
def test_a_tree_without_nodes_is_refused():
    sets = few_rows(5, 3, 0)
    with pytest.raises(ValueError, match="max_nodes must be at least 1, got 0"):
        next(hitting_set_search(unit_rows(sets), max_nodes=0))
