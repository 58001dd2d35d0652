r"""Evidence by boxes: a partition of the cube around the ball, with few rows on each.

On a box :math:`[l, h]` the product :math:`g^\top u` is at most
:math:`\sum_j \max(g_j l_j, g_j h_j)`; a row that asks for more is violated
on all of it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from paper_lib.defense.certificates.arrays import FINITE, cells, fits, is_tree
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
        if not (
            is_tree(self.splits, dim)
            and fits(self.cuts, "f", self.splits.shape, FINITE)
            and (self.cuts[self.splits == -1] == 0).all()
        ):
            return -1
        boxes = np.array(
            list(cells(self.splits, self.cuts, -np.ones(dim), np.ones(dim)))
        )
        low, high = boxes[:, 0], boxes[:, 1]
        # Otherwise a cut does not lie inside its box.
        return _least_violated(safe_rows(sets), low, high) if (low < high).all() else -1


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
        most = largest_products(rows.normals, low[part], high[part])
        violated = (most < limits).sum(axis=1)
        outside = misses_ball(low[part], high[part])
        least = min(least, int(np.where(outside, num, violated).min()))
    return least
