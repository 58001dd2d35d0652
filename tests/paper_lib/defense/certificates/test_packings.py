"""Packings of subsystems, and the tree they need where half a row is not to be had."""

import itertools

import numpy as np
import pytest

from paper_lib.defense.certificates.packings import prove_bound
from paper_lib.defense.certificates.subsystems import WEIGHT_ONE
from paper_lib.defense.exact.feasibility import Subsystem


def pairs(edges):
    """Subsystems of two rows each: the edges of a graph."""
    return [
        Subsystem(rows=np.array(edge), multipliers=np.full(2, 0.5)) for edge in edges
    ]


def solve(edges, num, *, goal, max_nodes=99, seconds=1.0):
    steps = prove_bound(pairs(edges), num, goal, max_nodes, lambda: seconds)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


COMPLETE = list(itertools.combinations(range(4), 2))


def heaviest_loads(tree, edges):
    """The most that each leaf puts on a row, in units of a whole weight."""
    for packing, weights in zip(tree.packings, tree.weights, strict=True):
        loads = np.zeros(4)
        for k, weight in zip(packing, weights, strict=True):
            loads[list(edges[k])] += weight / WEIGHT_ONE
        yield loads.max()


def test_a_triangle_is_packed_by_halves():
    """Three halves, of which none can be left out, round up to two."""
    tree = solve([(0, 1), (0, 2), (1, 2)], 3, goal=2)
    assert (tree.splits, tree.bound) == ([-1], 2)
    assert tree.packings[0].tolist() == [0, 1, 2]
    assert tree.weights[0] == pytest.approx(np.full(3, WEIGHT_ONE / 2), abs=2)
    assert tree.weights[0].max() <= WEIGHT_ONE / 2


def test_one_row_branched_on_shows_that_three_of_four_go():
    """Each two of four rows conflict: packings alone give two, a row more gives three.

    Where the row is satisfied, each other one goes alone; where it is violated, the
    other three are the triangle.
    """
    alone = solve(COMPLETE, 4, goal=3, max_nodes=1)
    assert (alone.splits, alone.bound) == ([-1], 2)
    assert sum(map(np.sum, alone.weights)) == pytest.approx(2 * WEIGHT_ONE, abs=9)
    tree = solve(COMPLETE, 4, goal=3)
    assert tree.bound == 3
    assert tree.splits[1:] == [-1, -1]
    row = tree.splits[0]
    assert row in range(4)
    assert len(tree.packings) == len(tree.weights) == 2
    violated, satisfied = (
        {COMPLETE[k] for k in packing.tolist()} for packing in tree.packings
    )
    assert violated == {edge for edge in COMPLETE if row not in edge}
    assert satisfied == {edge for edge in COMPLETE if row in edge}
    loads = list(heaviest_loads(tree, COMPLETE))
    # Where the row is satisfied, nobody counts what is put on it.
    assert loads[0] <= 1.0
    assert loads[1] == pytest.approx(3.0)


def test_each_two_of_six_exclude_each_other():
    edges = list(itertools.combinations(range(6), 2))
    tree = solve(edges, 6, goal=5)
    assert tree.bound == 5
    assert len(tree.splits) == 2 * len(tree.packings) - 1


def test_nothing_to_pack_proves_nothing():
    tree = solve([], 3, goal=1)
    assert (tree.splits, tree.bound) == ([-1], 0)
    assert [len(one) for one in tree.packings] == [0]


def test_when_the_time_is_up_the_bound_is_what_was_packed():
    tree = solve(COMPLETE, 4, goal=3, seconds=0.0)
    assert (tree.splits, tree.bound) == ([-1], 2)
