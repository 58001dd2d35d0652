r"""Evidence that many rows must be violated, checked without a solver.

A set of rows that no point of V satisfies together, an infeasible subsystem, loses at
least one of them wherever v is. By Cauchy and Schwarz, multipliers
:math:`\mu_i \ge 0` prove it:

.. math:: \sum_i \mu_i (-b_i) > \epsilon \Bigl\| \sum_i \mu_i c_i \Bigr\|_2 .

Weights on subsystems that load no row by more than one, a fractional packing, add up to
a lower bound on the number of violated rows: the dual of the linear program that covers
every subsystem. Sums of such inequalities may be rounded up, because rows are violated
or not, and a row may be branched on: where it is satisfied it leaves its subsystems,
where it is violated it covers them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from paper_lib.defense.certificates.arrays import FINITE, fits, is_tree
from paper_lib.defense.rows import TINY, UNIT_ROUNDOFF, scaled_rows
from paper_lib.robust_sets import RobustSets

# Weights are whole numbers of this unit, so that sums of them are exact.
WEIGHT_ONE = 2**30
# Subsystems whose combined normals are formed at once: bounds memory.
_BLOCK = 2048
_FREE, _VIOLATED, _SATISFIED = 0, 1, 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lists:
    """Lists of different lengths, one after another in one array.

    Attributes:
        starts: Where each list begins, and where the last one ends.
        items: Their entries.
    """

    starts: Int[np.ndarray, " k_plus_1"]
    items: Int[np.ndarray, " total"]

    def __len__(self) -> int:
        """Count the lists."""
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> Int[np.ndarray, " length"]:
        """Take one list."""
        return self.items[self.starts[number] : self.starts[number + 1]]

    @property
    def owners(self) -> Int[np.ndarray, " total"]:
        """The list each entry belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def is_valid(self, bound: int) -> bool:
        """Tell whether the lists are well formed and entries lie in [0, bound).

        Args:
            bound: One more than the largest entry allowed.

        Returns:
            The verdict.
        """
        total = self.items.size
        return (
            fits(self.items, "i", (None,), (0, bound - 1))
            and fits(self.starts, "i", (None,), (0, total))
            and len(self.starts) > 0
            and bool(self.starts[0] == 0 and self.starts[-1] == total)
            and bool((np.diff(self.starts) >= 0).all())
        )

    @classmethod
    def of(cls, lists: Sequence[Int[np.ndarray, " _"]]) -> "Lists":
        """Join arrays into lists.

        Args:
            lists: The arrays.

        Returns:
            The same entries, in order.
        """
        lengths = [len(items) for items in lists]
        joined = np.concatenate([np.zeros(0, np.int64), *lists]).astype(np.int64)
        return cls(starts=np.cumsum([0, *lengths], dtype=np.int64), items=joined)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SubsystemEvidence:
    r"""Infeasible subsystems with their proofs, and what they add up to.

    Attributes:
        subsystems: The rows of each subsystem.
        multipliers: :math:`\mu_i \ge 0` for each entry of ``subsystems``, on rows
            scaled by the power of two that brings their largest entry into [1/2, 1).
        splits: A binary tree in preorder: the row an inner node branches on, its
            violated side first; -1 for a leaf. One leaf alone: no branching.
        packings: For each leaf the subsystems it weighs.
        weights: For each entry of ``packings`` its weight, in units of 1 / 2^30.
    """

    subsystems: Lists
    multipliers: Float[np.ndarray, " entries"]
    splits: Int[np.ndarray, " nodes"]
    packings: Lists
    weights: Int[np.ndarray, " weighed"]

    def violated_at_least(self, sets: RobustSets) -> int:
        """Prove how many rows every perturbation violates.

        Every product and sum is bounded outward, weights are added as integers.

        Args:
            sets: The robust sets.

        Returns:
            The number proven; -1 when the evidence is malformed or proves nothing.
        """
        if not self._is_well_formed(len(sets.offsets)):
            return -1
        if not are_infeasible(sets, self.subsystems, self.multipliers).all():
            return -1
        return _tree_bound(self, len(sets.offsets))

    def _is_well_formed(self, num_rows: int) -> bool:
        """Tell whether arrays fit each other, before anything is computed."""
        if not (
            {type(self.subsystems), type(self.packings)} == {Lists}
            and self.subsystems.is_valid(num_rows)
            and self.packings.is_valid(len(self.subsystems))
            and is_tree(self.splits, num_rows)
        ):
            return False
        proofs, weighed = self.subsystems.items.shape, self.packings.items.shape
        return (
            fits(self.multipliers, "f", proofs, (0.0, FINITE[1]))
            # Others than whole numbers would be rounded where rows are loaded.
            and fits(self.weights, "i", weighed, (0, WEIGHT_ONE))
            and len(self.packings) == int((self.splits == -1).sum())
        )


def are_infeasible(
    sets: RobustSets, subsystems: Lists, multipliers: Float[np.ndarray, " entries"]
) -> Bool[np.ndarray, " k"]:
    """Check proofs of infeasibility with rounding allowed for.

    Args:
        sets: The robust sets.
        subsystems: Rows that should have no point of V in common.
        multipliers: Their proofs; a row with offset minus infinity needs none.

    Returns:
        For each subsystem whether it is proven infeasible.
    """
    normals, offsets = scaled_rows(sets)
    owners, rows = subsystems.owners, subsystems.items
    proven = np.zeros(len(subsystems), dtype=bool)
    proven[owners[(offsets == -np.inf)[rows] & (multipliers > 0)]] = True
    # Only the ratios of multipliers matter: near one they neither over- nor underflow.
    peaks = np.zeros(len(subsystems))
    np.maximum.at(peaks, owners, multipliers)
    ratios = multipliers / np.where(peaks > 0, peaks, 1.0)[owners]
    finite = np.where(np.isinf(offsets), 0.0, offsets)
    ratios[np.isposinf(offsets)[rows]] = 0.0  # a free row proves nothing
    shape = (len(subsystems), len(offsets))
    mix = csr_array((ratios, rows, subsystems.starts), shape=shape)
    for first in range(0, len(subsystems), _BLOCK):
        part = slice(first, first + _BLOCK)
        proven[part] |= _pull_exceeds_reach(mix[part], normals, finite, sets.epsilon)
    return proven


def _pull_exceeds_reach(
    mix: csr_array,
    normals: Float[np.ndarray, "n d"],
    offsets: Float[np.ndarray, " n"],
    epsilon: float,
) -> Bool[np.ndarray, " k"]:
    r"""Test :math:`\sum_i \mu_i (-b_i) > \epsilon \|\sum_i \mu_i c_i\|`, for sure."""
    # A sum of k products is off by k + 1 roundings of the sum of absolute values.
    roundings = 1.01 * (np.diff(mix.indptr) + 4) * UNIT_ROUNDOFF
    lengths = np.sqrt(np.square(normals).sum(axis=1)) * 1.01 + TINY
    combined = mix @ normals
    relative = 1.01 * (normals.shape[1] + 8) * UNIT_ROUNDOFF
    norm = np.sqrt(np.square(combined).sum(axis=1)) * (1.0 + relative)
    reach = (norm + 1.01 * roundings * (mix @ lengths) + TINY) * epsilon
    pull = mix @ -offsets
    error = 1.01 * roundings * (mix @ np.abs(offsets)) + TINY
    with np.errstate(over="ignore"):
        return pull - error > reach * (1.0 + 16 * UNIT_ROUNDOFF) + TINY


def _tree_bound(evidence: SubsystemEvidence, num_rows: int) -> int:
    """Take the least bound of all leaves; -1 when one of them is not valid."""
    pending: list[tuple[list[int], list[int]]] = [([], [])]
    leaf, best = 0, num_rows
    for split in evidence.splits.tolist():
        violated, satisfied = pending.pop()
        if split != -1:
            if split in violated or split in satisfied:
                return -1
            pending += [
                (violated, [*satisfied, split]),
                ([*violated, split], satisfied),
            ]
            continue
        status = np.full(num_rows, _FREE, dtype=np.int8)
        status[violated], status[satisfied] = _VIOLATED, _SATISFIED
        bound = _leaf_bound(evidence, leaf, status)
        if bound < 0:
            return -1
        leaf, best = leaf + 1, min(best, bound)
    return best


def _leaf_bound(
    evidence: SubsystemEvidence, leaf: int, status: Int[np.ndarray, " n"]
) -> int:
    """Count the rows violated for sure where some are fixed; -1 for an overload."""
    chosen = evidence.packings[leaf]
    part = slice(evidence.packings.starts[leaf], evidence.packings.starts[leaf + 1])
    loads = np.zeros(len(status), dtype=np.int64)
    total = 0
    for subsystem, weight in zip(
        chosen.tolist(), evidence.weights[part].tolist(), strict=True
    ):
        rows = evidence.subsystems[subsystem]
        if (status[rows] == _VIOLATED).any():
            continue
        if weight > 0 and (status[rows] == _SATISFIED).all():
            return len(status)  # nobody can be here
        loads[rows] += weight
        total += weight
    if (loads[status == _FREE] > WEIGHT_ONE).any():
        return -1
    violated = int((status == _VIOLATED).sum())
    return violated + -(-total // WEIGHT_ONE)
