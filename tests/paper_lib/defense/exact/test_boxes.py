"""Boxes against brute force, and evidence that must not pass."""

import dataclasses

import numpy as np
import pytest
import torch

from paper_lib.defense.exact.boxes import BoxEvidence, box_search
from paper_lib.defense.rows import as_perturbation, unit_rows
from paper_lib.defense.solution import certify
from paper_lib.robust_sets import RobustSets
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
    return certified(box_search, sets, **settings)


@pytest.mark.parametrize("seed", range(100))
def test_it_agrees_with_brute_force(seed):
    dim = 2 + seed % 2
    sets = few_rows(4 + seed % 12, dim, seed, shift=-0.6 + 0.1 * (seed % 5))
    most = most_satisfied(sets)
    found = solve(sets)
    assert bounds_of(found) == (most, most)
    assert found.verify(sets)


@pytest.mark.parametrize("dim", [1, 4])
def test_one_and_four_dimensions_agree_too(dim):
    sets = few_rows(9, dim, 50 + dim)
    most = most_satisfied(sets)
    assert bounds_of(solve(sets)) == (most, most)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_any_scale(seed, dtype):
    plain = few_rows(8, 2, seed, shift=-0.4, dtype=dtype)
    scales = torch.tensor([1e-30, 1.0, 1e30, 1e-30] * 2, dtype=dtype)
    sets = make_sets(
        plain.normals * scales[:, None], plain.offsets * scales, plain.epsilon, dtype
    )
    most = most_satisfied(plain)
    assert bounds_of(solve(plain)) == bounds_of(solve(sets)) == (most, most)


def test_thousands_of_rows_of_the_plane_are_decided():
    sets = few_rows(4000, 2, 7, epsilon=1.0)
    found = solve(sets)
    assert found.gap == 0.0
    assert found.verify(sets)


def test_half_spaces_that_touch_end_with_a_gap_of_one():
    """Only the points with x = 0.2 satisfy both, which no center need hit."""
    sets = make_sets([[1.0, 0.0], [-1.0, 0.0]], [-0.2, 0.2])
    found = solve(sets, max_boxes=2000)
    assert found.lower_count >= 1
    assert found.upper_count == 2


def test_boxes_too_short_to_cut_end_the_search():
    """On a line, rows that touch leave boxes of the last bits only."""
    sets = make_sets([[1.0], [-1.0]], [-0.2, 0.2])
    steps = list(box_search(unit_rows(sets)))
    assert 20 < len(steps) < 200
    assert [s.evidence is None for s in steps] == [i != 1 for i in range(len(steps))]
    assert steps[1].evidence.violated_at_least(sets) == 0


def test_fewer_boxes_give_a_weaker_bound_and_a_smaller_tree():
    sets = few_rows(300, 3, 11, epsilon=1.0)
    tight, loose = solve(sets), solve(sets, max_boxes=100)
    assert len(loose.evidence.splits) <= 100
    assert tight.upper_count < loose.upper_count < 300
    assert loose.lower_count <= tight.lower_count == tight.upper_count
    only_root = solve(sets, max_boxes=1)
    assert only_root.lower_count <= loose.lower_count


def test_evidence_on_the_way_gets_better():
    sets = few_rows(300, 3, 11, epsilon=1.0)
    steps = list(box_search(unit_rows(sets)))
    bounds = [s.evidence.violated_at_least(sets) for s in steps if s.evidence]
    assert bounds == sorted(set(bounds))
    assert 2 < len(bounds) < 20
    counts = [
        certify(sets, as_perturbation(s.point, sets)).lower_count
        for s in steps
        if s.point is not None
    ]
    assert counts == sorted(set(counts))


def test_a_known_count_saves_boxes():
    """Of all rows: those that are free count too."""
    sets = few_rows(200, 3, 12, epsilon=1.0)
    assert unit_rows(sets).num_free > 5
    most = solve(sets).lower_count
    plain = len(list(box_search(unit_rows(sets))))
    informed = len(list(box_search(unit_rows(sets), reached=lambda: most)))
    assert informed <= plain
    assert solve(sets, reached=lambda: most).upper_count == most
    # A count nobody reaches is no bound: what is proven stays true.
    too_much = solve(sets, reached=lambda: most + 30)
    assert too_much.upper_count >= most + 1
    assert len(list(box_search(unit_rows(sets), reached=lambda: most + 30))) < plain


def test_two_runs_are_equal_and_the_rows_untouched():
    rows = unit_rows(few_rows(40, 3, 3))
    before = rows.normals.clone(), rows.thresholds.clone()
    one, two = (list(box_search(rows))[-1].evidence for _ in range(2))
    assert np.array_equal(one.splits, two.splits)
    assert np.array_equal(one.cuts, two.cuts)
    assert torch.equal(rows.normals, before[0])
    assert torch.equal(rows.thresholds, before[1])


# Opposed rows x >= 0.5 and -x >= 0.5: two cuts of the plane decide them.
OPPOSED = make_sets([[1.0, 0.0], [-1.0, 0.0]], [-0.5, -0.5])
BY_HAND = BoxEvidence(
    splits=np.array([0, -1, -1]),
    cuts=np.array([0.0, 0.0, 0.0]),
)


def test_one_cut_by_hand():
    assert BY_HAND.violated_at_least(OPPOSED) == 1
    uncut = BoxEvidence(splits=np.array([-1]), cuts=np.array([0.0]))
    assert uncut.violated_at_least(OPPOSED) == 0
    three = BoxEvidence(splits=np.array([0, -1, 0, -1, -1]), cuts=np.zeros(5))
    three.cuts[[0, 2]] = -0.25, 0.25
    assert three.violated_at_least(OPPOSED) == 1


@pytest.mark.parametrize("cut", [-1.0, 1.0, -1.5, 1.5, np.nan, np.inf, -np.inf])
def test_a_cut_has_to_lie_inside_its_box(cut):
    outside = dataclasses.replace(BY_HAND, cuts=np.array([cut, 0.0, 0.0]))
    assert outside.violated_at_least(OPPOSED) == -1


def test_a_box_that_only_touches_a_row_does_not_violate_it():
    touching = dataclasses.replace(BY_HAND, cuts=np.array([0.5, 0.0, 0.0]))
    assert touching.violated_at_least(OPPOSED) == 0
    inside = dataclasses.replace(BY_HAND, cuts=np.array([0.499, 0.0, 0.0]))
    assert inside.violated_at_least(OPPOSED) == 1


def test_corners_beyond_the_ball_count_as_all_rows():
    """Both rows hold from (0.75, 0.75) on, which lies outside the disk."""
    high = make_sets([[1.0, 0.0], [0.0, 1.0]], [-0.75, -0.75])
    corner = BoxEvidence(
        splits=np.array([0, -1, 1, -1, -1]), cuts=np.array([0.74, 0, 0.74, 0, 0])
    )
    assert corner.violated_at_least(high) == 1
    # From (0.7, 0.7) on there are points of the disk: nothing is proven for the box.
    wider = dataclasses.replace(corner, cuts=np.array([0.7, 0, 0.7, 0, 0]))
    assert wider.violated_at_least(high) == 0


@pytest.fixture(scope="module")
def solved():
    sets = few_rows(40, 3, 21, epsilon=1.0)
    return sets, solve(sets).evidence


def replaced(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


MALFORMED = {
    "an axis out of range": lambda e: {"splits": replaced(e.splits, 0, 3)},
    "a negative axis": lambda e: {"splits": replaced(e.splits, 0, -2)},
    "half a tree": lambda e: {"splits": e.splits[:-1], "cuts": e.cuts[:-1]},
    "two trees": lambda e: {
        "splits": np.append(e.splits, -1),
        "cuts": np.append(e.cuts, 0.0),
    },
    "no tree": lambda e: {"splits": e.splits[:0], "cuts": e.cuts[:0]},
    "cuts cut off": lambda e: {"cuts": e.cuts[:-1]},
    "a cut outside its box": lambda e: {"cuts": replaced(e.cuts, 0, 1.5)},
    "a cut on the edge": lambda e: {"cuts": replaced(e.cuts, 0, -1.0)},
    "a cut that is NaN": lambda e: {"cuts": replaced(e.cuts, 0, np.nan)},
    "an infinite cut": lambda e: {"cuts": replaced(e.cuts, 0, -np.inf)},
    "a leaf with a cut": lambda e: {"cuts": replaced(e.cuts, -1, 0.5)},
    "a leaf that is NaN": lambda e: {"cuts": replaced(e.cuts, -1, np.nan)},
}


SHAPES = {"cuts cut off"}  # the hook would speak first


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.bad_input] if name in SHAPES else [])
        for name in MALFORMED
    ],
)
def test_malformed_evidence_proves_nothing(solved, name):
    sets, evidence = solved
    assert evidence.violated_at_least(sets) > 0
    changed = dataclasses.replace(evidence, **MALFORMED[name](evidence))
    assert changed.violated_at_least(sets) == -1


def test_evidence_of_another_tree_proves_less(solved):
    """A pruned tree and axes in another order are trees, but prove less."""
    sets, evidence = solved
    claimed = evidence.violated_at_least(sets)
    root = BoxEvidence(splits=np.array([-1]), cuts=np.zeros(1))
    assert -1 < root.violated_at_least(sets) < claimed
    turned = np.where(evidence.splits >= 0, (evidence.splits + 1) % 3, -1)
    assert (
        dataclasses.replace(evidence, splits=turned).violated_at_least(sets) < claimed
    )
    other = RobustSets(
        normals=sets.normals, offsets=sets.offsets + 0.1, epsilon=sets.epsilon
    )
    assert evidence.violated_at_least(other) < claimed


@pytest.mark.bad_input
def test_a_tree_without_boxes_is_refused():
    rows = unit_rows(few_rows(5, 2, 0))
    with pytest.raises(ValueError, match="max_boxes must be at least 1, got 0"):
        next(box_search(rows, max_boxes=0))
