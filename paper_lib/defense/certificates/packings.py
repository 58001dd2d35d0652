"""How many rows the known subsystems cost: packings of them, by branching on rows.

Weights on subsystems that load no row by more than one add up to a lower bound on the
number of violated rows. Where the best of them leave a gap, a row is branched on: on
one side it is violated, on the other it is satisfied and leaves its subsystems. What
comes out is stated as :class:`SubsystemEvidence
<paper_lib.defense.certificates.subsystems.SubsystemEvidence>`.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linprog
from scipy.sparse import csr_array

from paper_lib.defense.certificates.subsystems import (
    WEIGHT_ONE,
    Lists,
    SubsystemEvidence,
    are_infeasible,
)
from paper_lib.defense.exact.feasibility import Subsystem
from paper_lib.defense.rows import UnitRows, scaled_rows
from paper_lib.defense.solution import Progress


@dataclass(frozen=True, slots=True, eq=False)
class PackingTree:
    """Packings of subsystems on the leaves of a tree, and the bound they prove.

    Attributes:
        splits: In preorder, the row an inner node branches on; -1 for a leaf.
        packings: For each leaf the subsystems it weighs.
        weights: For each leaf their weights, in units of 1 / 2^30.
        bound: How many of the rows every point violates.
    """

    splits: list[int]
    packings: list[Int[np.ndarray, " _weighed"]]
    weights: list[Int[np.ndarray, " _weighed"]]
    bound: int


def incidence(found: list[Subsystem], num_rows: int) -> csr_array:
    """Write subsystems as a matrix of zeros and ones.

    Args:
        found: The subsystems.
        num_rows: How many rows there are.

    Returns:
        Subsystems by rows, ``(len(found), num_rows)``.
    """
    lists = Lists.of([subsystem.rows for subsystem in found])
    ones = np.ones(len(lists.items))
    shape = (len(found), num_rows)
    return csr_array((ones, lists.items, lists.starts), shape=shape)


def prove_bound(
    found: list[Subsystem],
    num_rows: int,
    goal: int,
    max_nodes: int,
    remaining: Callable[[], float],
) -> Generator[Progress, None, PackingTree]:
    """Branch on rows until subsystems are packed densely enough on every leaf.

    Args:
        found: The subsystems.
        num_rows: How many rows there are.
        goal: The bound that is enough.
        max_nodes: Nodes of the tree, at most.
        remaining: Seconds left, asked at every node.

    Yields:
        Nothing, after every node.

    Returns:
        The tree; its bound falls short of the goal where nodes or time ran out.
    """
    matrix = incidence(found, num_rows)
    tree = PackingTree([], [], [], num_rows)
    bounds, pending, opened = [num_rows], [([], [])], 1
    while pending:
        violated, satisfied = pending.pop()
        free, hit = np.ones(num_rows), np.zeros(num_rows)
        free[satisfied], hit[violated] = 0.0, 1.0
        chosen, weights, cover = _pack(matrix, hit, free)
        bound = len(violated) - (-int(weights.sum()) // WEIGHT_ONE)
        row = -1 if cover is None else _fractional_row(cover)
        if bound >= goal or row == -1 or opened + 2 > max_nodes or remaining() <= 0:
            row = -1
            tree.packings.append(chosen)
            tree.weights.append(weights)
            bounds.append(bound)
        else:
            opened += 2
            pending += [(violated, [*satisfied, row]), ([*violated, row], satisfied)]
        tree.splits.append(row)
        yield Progress()
    return PackingTree(tree.splits, tree.packings, tree.weights, min(bounds))


def packed_evidence(
    rows: UnitRows, found: Sequence[Subsystem], tree: PackingTree
) -> SubsystemEvidence:
    """State a proof in terms of all rows; those that nobody satisfies stand alone.

    Args:
        rows: The rows.
        found: The subsystems, of unit rows.
        tree: How they are weighed.

    Returns:
        The evidence, which can be checked without a solver; what rounding keeps from
        being proven is left out, and so is what is not weighed.
    """
    lengths = np.linalg.norm(scaled_rows(rows.sets)[0], axis=1)
    index, alone = rows.index.numpy(), rows.lost.numpy()
    weighed = np.unique(np.concatenate([np.zeros(0, np.int64), *tree.packings]))
    used = [found[k] for k in weighed]
    lists = Lists.of([*(index[one.rows] for one in used), *alone[:, np.newaxis]])
    scales = np.concatenate([np.ones(0), *(one.multipliers for one in used)])
    whole = len(scales)
    proofs = np.append(scales / lengths[lists.items[:whole]], np.ones(len(alone)))
    proven = are_infeasible(rows.sets, lists, proofs)
    number = np.cumsum(proven) - 1
    last = len(used) + np.arange(len(alone))
    packings = [np.append(np.searchsorted(weighed, p), last) for p in tree.packings]
    weights = [np.append(w, np.full(len(alone), WEIGHT_ONE)) for w in tree.weights]
    kept = [proven[packing] for packing in packings]
    return SubsystemEvidence(
        subsystems=Lists.of([lists[k] for k in np.flatnonzero(proven).tolist()]),
        multipliers=proofs[proven[lists.owners]],
        splits=np.array([-1 if row == -1 else index[row] for row in tree.splits]),
        packings=Lists.of([number[p[k]] for p, k in zip(packings, kept, strict=True)]),
        weights=np.concatenate([w[k] for w, k in zip(weights, kept, strict=True)]),
    )


def _pack(
    matrix: csr_array, hit: Float[np.ndarray, " m"], free: Float[np.ndarray, " m"]
) -> tuple[
    Int[np.ndarray, " weighed"],
    Int[np.ndarray, " weighed"],
    Float[np.ndarray, " m"] | None,
]:
    """Weigh subsystems so that no free row is loaded by more than one.

    Those hit already are left out; rows that are not free have left the others.

    Returns:
        Subsystems, their weights in units of 1 / 2^30, and the fractional cover of
        them that the linear program gives; None where there is nothing to cover.
    """
    active = np.flatnonzero(matrix @ hit == 0)
    part = csr_array(matrix[active])
    # Each keeps a free row: the last one covers it alone, and is not branched on.
    part.data = free[part.indices]
    if len(active) == 0:
        return active, active, None
    cost, ones = np.ones(len(free)), -np.ones(len(active))
    result = linprog(cost, A_ub=-part, b_ub=ones, method="highs")
    if result.status != 0:
        return active[:0], active[:0], None
    weights = np.clip(-result.ineqlin.marginals, 0.0, 1.0)
    # Rounded down after a little is taken off: in whole units no row is overloaded.
    weights *= (1.0 - 1e-12) / max(1.0, float((part.T @ weights).max()))
    whole = np.floor(weights * WEIGHT_ONE).astype(np.int64)
    return active[whole > 0], whole[whole > 0], result.x


def _fractional_row(cover: Float[np.ndarray, " m"]) -> int:
    """Choose the row to branch on, the one nearest to one half; -1: none is split."""
    row = int(np.abs(cover - 0.5).argmin())
    return row if 1e-6 < cover[row] < 1.0 - 1e-6 else -1
