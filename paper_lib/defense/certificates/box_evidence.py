r"""Evidence by boxes: a partition of the cube around the ball, with few rows on each.

On a box :math:`[l, h]` the product :math:`g^\top u` is at most
:math:`\sum_j \max(g_j l_j, g_j h_j)`; a row that asks for more is violated
on all of it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from paper_lib.defense.certificates.trees import are_kinds, is_tree
from paper_lib.defense.rows import TINY, UNIT_ROUNDOFF, SafeRows, safe_rows
from paper_lib.robust_sets import RobustSets

# Products of a row and a box formed at once: bounds memory.
_BLOCK = 2**21


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BoxEvidence:
    """A partition of the cube [-1, 1]^d into boxes, each with many violated rows.

    Attributes:
        splits: A binary tree in preorder: the axis an inner node cuts, its lower side
            first; -1 for a leaf.
        cuts: For each node where it cuts, inside its box; zero for a leaf.
    """

    splits: Int[np.ndarray, " nodes"]
    cuts: Float[np.ndarray, " nodes"]

    def violated_at_least(self, sets: RobustSets) -> int:
        """Count the rows violated on each leaf, all rounding taken outward.

        Args:
            sets: The robust sets.

        Returns:
            The least number over all leaves that meet the unit ball; -1 when the
            evidence is malformed.
        """
        dim = sets.normals.shape[1]
        if not self._is_well_formed(dim):
            return -1
        leaves = _leaf_boxes(self.splits.tolist(), self.cuts.tolist(), dim)
        if leaves is None:
            return -1
        return _least_violated(safe_rows(sets), *leaves)

    def _is_well_formed(self, dim: int) -> bool:
        """Tell whether the arrays form one tree; what cuts may be is seen later."""
        return bool(
            are_kinds([self.splits], "i")
            and are_kinds([self.cuts], "f")
            and self.splits.shape == self.cuts.shape
            and ((self.splits >= -1) & (self.splits < dim)).all()
            and (self.cuts[self.splits == -1] == 0).all()
            and is_tree(self.splits)
        )


def largest_products(
    normals: Float[np.ndarray, "n d"],
    low: Float[np.ndarray, "boxes d"],
    high: Float[np.ndarray, "boxes d"],
) -> Float[np.ndarray, "boxes n"]:
    """Maximize the product with each normal over each box, up to rounding.

    Args:
        normals: Unit normals.
        low: Least coordinates of each box.
        high: Largest coordinates of each box.

    Returns:
        The largest products.
    """
    return high @ np.maximum(normals, 0.0).T + low @ np.minimum(normals, 0.0).T


def misses_ball(
    low: Float[np.ndarray, "boxes d"], high: Float[np.ndarray, "boxes d"]
) -> Bool[np.ndarray, " boxes"]:
    """Tell which boxes surely have no point of the unit ball.

    Args:
        low: Least coordinates of each box.
        high: Largest coordinates of each box.

    Returns:
        The verdicts.
    """
    nearest = np.maximum(np.maximum(low, -high), 0.0)
    error = 4 * (low.shape[1] + 2) * UNIT_ROUNDOFF
    return np.square(nearest).sum(axis=1) > 1.0 + error


def _leaf_boxes(
    splits: list[int], cuts: list[float], dim: int
) -> tuple[Float[np.ndarray, "leaves d"], Float[np.ndarray, "leaves d"]] | None:
    """Follow the cuts down to the leaves; None when one lies outside its box."""
    pending = [((-1.0,) * dim, (1.0,) * dim)]
    leaves = []
    for axis, cut in zip(splits, cuts, strict=True):
        low, high = pending.pop()
        if axis == -1:
            leaves.append((low, high))
            continue
        if not low[axis] < cut < high[axis]:
            return None
        pending.append(((*low[:axis], cut, *low[axis + 1 :]), high))
        pending.append((low, (*high[:axis], cut, *high[axis + 1 :])))
    boxes = np.array(leaves)
    return boxes[:, 0], boxes[:, 1]


def _least_violated(
    rows: SafeRows,
    low: Float[np.ndarray, "leaves d"],
    high: Float[np.ndarray, "leaves d"],
) -> int:
    """Count the rows violated on each whole box; the least count."""
    num, dim = rows.normals.shape
    # Two sums of d products and their sum, factors at most one.
    error = 1.01 * (2 * dim + 2) * UNIT_ROUNDOFF * np.abs(rows.normals).sum(axis=1)
    limits = rows.thresholds - 1.01 * error - TINY
    least, step = num, max(1, _BLOCK // num)
    for first in range(0, len(low), step):
        part = slice(first, first + step)
        violated = (largest_products(rows.normals, low[part], high[part]) < limits).sum(
            axis=1
        )
        outside = misses_ball(low[part], high[part])
        least = min(least, int(np.where(outside, num, violated).min()))
    return least
