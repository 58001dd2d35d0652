"""Conflicting pairs against other programs, and what a matching of them proves."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import linprog

from paper_lib.defense.certificates import conflicts
from paper_lib.defense.certificates.conflicts import (
    conflicting_pairs,
    matching_evidence,
)
from paper_lib.defense.certificates.subsystems import WEIGHT_ONE
from paper_lib.defense.rows import unit_rows
from tests.paper_lib.defense.defense_cases import few_rows, make_sets, most_satisfied


def arcs(sets):
    """In the plane a row holds on the circle between two angles: middle and half."""
    normals, offsets = sets.normals.numpy(), sets.offsets.numpy()
    asked = -offsets / np.linalg.norm(normals, axis=1) / sets.epsilon
    return np.arctan2(normals[:, 1], normals[:, 0]), np.arccos(asked)


@pytest.mark.parametrize("seed", range(10))
def test_pairs_are_arcs_of_the_circle_that_miss_each_other(seed):
    """Caps that cut off less than half a disk meet only if they do on the circle."""
    draw = np.random.default_rng(seed)
    angles = draw.uniform(0.0, 2 * np.pi, 40)
    normals = np.column_stack([np.cos(angles), np.sin(angles)])
    sets = make_sets(normals * draw.uniform(0.1, 9.0, (40, 1)), np.zeros(40), 0.7)
    lengths = np.linalg.norm(sets.normals.numpy(), axis=1)
    sets = make_sets(sets.normals, -lengths * 0.7 * draw.uniform(0.0, 1.0, 40), 0.7)
    middle, half = arcs(sets)
    expected = {
        (i, j)
        for i in range(40)
        for j in range(i + 1, 40)
        if abs(math.remainder(middle[i] - middle[j], 2 * math.pi)) > half[i] + half[j]
    }
    rows = unit_rows(sets)
    assert len(rows.index) == 40
    assert {tuple(pair) for pair in conflicting_pairs(rows).tolist()} == expected


def test_no_row_excludes_itself_nor_its_double():
    """In single precision the product of a unit normal with itself is not one."""
    normals = few_rows(200, 30, seed=1).normals
    offsets = -normals.norm(dim=1) * (1.0 - 1e-9)
    sets = make_sets(normals, offsets, 1.0)
    rows = unit_rows(sets)
    pairs = conflicting_pairs(rows)
    assert len(rows.index) == 200
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert matching_evidence(unit_rows(sets)).violated_at_least(sets) == 100


def fractional_optimum(pairs, num):
    """The linear program over pairs: as much weight as no row is overloaded by."""
    loads = np.zeros((num, len(pairs)))
    for number, pair in enumerate(pairs):
        loads[pair, number] = 1.0
    return -linprog(-np.ones(len(pairs)), A_ub=loads, b_ub=np.ones(num)).fun


@pytest.mark.parametrize("seed", range(12))
def test_the_matching_is_worth_what_the_linear_program_finds(seed):
    dim = 2 + seed % 3
    sets = few_rows(30, dim, seed=seed, shift=-0.8)
    rows = unit_rows(sets)
    pairs = conflicting_pairs(rows)
    evidence = matching_evidence(unit_rows(sets))
    worth = evidence.weights.sum() / WEIGHT_ONE - len(rows.lost)
    assert worth == pytest.approx(fractional_optimum(pairs, len(rows.index)))
    proven = evidence.violated_at_least(sets)
    assert proven == math.ceil(worth - 1e-9) + len(rows.lost)
    assert len(rows.lost) > 0
    assert proven <= 30 - most_satisfied(sets)


def test_an_odd_cycle_counts_a_half_more():
    """Five rows around a circle, each excludes the two across: 2.5, so 3."""
    angles = 2 * np.pi * np.arange(5) / 5
    sets = make_sets(np.column_stack([np.cos(angles), np.sin(angles)]), [-0.5] * 5)
    evidence = matching_evidence(unit_rows(sets))
    assert evidence.weights.sum() == 5 * WEIGHT_ONE // 2
    assert evidence.violated_at_least(sets) == 3
    assert most_satisfied(sets) == 2


def test_lost_rows_count_and_free_ones_do_not():
    sets = make_sets(
        [[1.0], [0.0], [0.0], [1.0], [1.0], [1.0], [-1.0]],
        [-1.5, -1.0, 1.0, -math.inf, 2.0, -0.5, -0.5],
    )
    assert matching_evidence(unit_rows(sets)).violated_at_least(sets) == 4
    nothing = make_sets([[1.0], [0.0]], [0.0, 0.0], 0.0)
    assert matching_evidence(unit_rows(nothing)).violated_at_least(nothing) == 0


def test_rows_beyond_a_block_are_paired_too(monkeypatch):
    sets = few_rows(90, 4, seed=3, shift=-0.8)
    rows = unit_rows(sets)
    whole = conflicting_pairs(rows)
    monkeypatch.setattr(conflicts, "_BLOCK", 17)
    np.testing.assert_array_equal(conflicting_pairs(rows), whole)


def test_a_few_partners_of_each_row_are_some_of_all():
    sets = few_rows(120, 4, seed=3, shift=-0.8)
    rows = unit_rows(sets)
    every = {tuple(pair) for pair in conflicting_pairs(rows).tolist()}
    few = conflicting_pairs(rows, most_partners=3)
    assert {tuple(pair) for pair in few.tolist()} < every
    chosen = np.bincount(few.ravel(), minlength=len(rows.index))
    possible = np.bincount(np.array(list(every)).ravel(), minlength=len(rows.index))
    assert (chosen >= np.minimum(possible, 3)).all()
    np.testing.assert_array_equal(few, conflicting_pairs(rows, most_partners=3))


@pytest.mark.parametrize("seed", range(3))
def test_conflicting_pairs_are_those_without_a_common_point(seed):
    sets = few_rows(25, 2, seed, epsilon=1.0, shift=-0.6)
    rows = unit_rows(sets)
    normals, asked = rows.normals.numpy(), rows.thresholds.numpy()
    angles = np.linspace(0.0, 2 * np.pi, 3000)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    radii = np.sqrt(np.linspace(0.0, 1.0, 40))
    disc = (radii[:, None, None] * circle).reshape(-1, 2)
    holds = disc @ normals.T >= asked - 2e-3
    found = {tuple(pair) for pair in conflicting_pairs(rows).tolist()}
    for i, j in itertools.combinations(range(len(asked)), 2):
        if (i, j) in found:
            assert not (disc @ normals[[i, j]].T >= asked[[i, j]]).all(axis=1).any()
        else:
            assert (holds[:, i] & holds[:, j]).any()


def test_the_matching_counts_pairs_halves_and_lost_rows():
    """Three rows at 120 degrees exclude each other: three halves, so two rows."""
    angles = 2 * np.pi * np.arange(3) / 3
    triangle = np.column_stack([np.cos(angles), np.sin(angles)]).tolist()
    sets = make_sets([*triangle, [0.0, 0.0]], [-0.6, -0.6, -0.6, -1.0])
    assert matching_evidence(unit_rows(sets)).violated_at_least(sets) == 3
    pair = make_sets([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [-0.1, -0.1, -0.1])
    assert matching_evidence(unit_rows(pair)).violated_at_least(pair) == 1


def test_few_partners_still_prove_a_bound():
    sets = few_rows(1200, 3, 0, epsilon=1.0, shift=-0.8)
    full = matching_evidence(unit_rows(sets), most_partners=None).violated_at_least(
        sets
    )
    some = matching_evidence(unit_rows(sets), most_partners=4).violated_at_least(sets)
    assert 0.8 * full <= some <= full
