r"""Branch and bound over boxes: the maximum of coverage where dimensions are few.

On a box :math:`[l, h]` the product :math:`g^\top u` is at most
:math:`\sum_j \max(g_j l_j, g_j h_j)`. A row that asks for more is violated on the whole
box, so the rows that are left bound what any point of the box satisfies. The box with
the largest bound is cut in two, until no bound exceeds the best count.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from paper_lib.defense.rows import TINY, UNIT_ROUNDOFF, SafeRows, UnitRows, safe_rows
from paper_lib.defense.solution import Progress
from paper_lib.defense.trees import are_kinds, is_tree
from paper_lib.robust_sets import RobustSets

# Boxes cut in one step: a step of 4,000 rows takes a few milliseconds.
_BATCH = 64
# Products of a row and a box formed at once: bounds memory.
_BLOCK = 2**21
# More than all rounding in the check of the evidence, so that it finds the same bound.
_SLACK = 1e-11
# Shorter boxes are not cut: what a smaller one shows is lost in rounding.
_SHORTEST = 1e-9


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


def box_search(
    rows: UnitRows, *, target: int | None = None, max_boxes: int = 200_000
) -> Iterator[Progress]:
    """Cut the most promising boxes first; exact where it runs to its end.

    Candidates are the centers of boxes, pulled into the ball. Rows that only touch,
    whose common points have no interior, can leave a gap.

    Args:
        rows: The rows to decide, in few dimensions.
        target: A number of all rows that some point is known to satisfy: boxes that
            cannot exceed it are not cut.
        max_boxes: Boxes in the tree, at most.

    Yields:
        Points that satisfy more of the rows than those before; evidence at the end and
        whenever the tree has doubled and proves more; nothing after every other step.

    Raises:
        ValueError: If ``max_boxes`` is not positive.
    """
    if max_boxes < 1:
        raise ValueError(f"max_boxes must be at least 1, got {max_boxes}.")
    search = _Search(rows, max_boxes)
    known = max(0, (target or 0) - rows.num_free)
    best, proven, checkpoint = -1, len(rows.thresholds) + 1, 1
    created = search.add_root()
    while True:
        count, point = search.best_center(created)
        yield Progress(point=point if count > best else None)
        best = max(best, count)
        done = not search.may_improve(max(best, known))
        if (done or search.size >= checkpoint) and search.bound < proven:
            proven, checkpoint = search.bound, 2 * search.size
            yield Progress(evidence=search.evidence())
        if done:
            return
        created = search.cut(search.pop(max(best, known)))


class _Search:
    """The tree of boxes and the heap of those that may be cut."""

    def __init__(self, rows: UnitRows, max_boxes: int) -> None:
        """Make room for the tree."""
        self.normals = rows.normals.numpy()
        self.thresholds = rows.thresholds.numpy()
        dim = self.normals.shape[1]
        self.size, self.room = 0, max_boxes
        self.low, self.high = (np.zeros((max_boxes + 1, dim)) for _ in range(2))
        self.upper = np.zeros(max_boxes + 1, dtype=np.int64)
        self.splits = np.full(max_boxes + 1, -1)
        self.cuts = np.zeros(max_boxes + 1)
        self.children = np.zeros((max_boxes + 1, 2), dtype=np.int64)
        self.heap: list[tuple[int, int]] = []
        self.settled = 0  # the largest bound among boxes that are not cut any more

    @property
    def bound(self) -> int:
        """What no point exceeds: the largest bound of a leaf."""
        return max(self.settled, self._most_promising())

    def add_root(self) -> Int[np.ndarray, " boxes"]:
        """Start from the cube around the ball."""
        dim = self.normals.shape[1]
        return self._add(-np.ones((1, dim)), np.ones((1, dim)))

    def may_improve(self, known: int) -> bool:
        """Tell whether a box is left to cut that may exceed a count that is reached."""
        return self.room - self.size >= 2 and self._most_promising() > known

    def pop(self, known: int) -> Int[np.ndarray, " boxes"]:
        """Take the boxes that may exceed a count that is reached, up to a batch."""
        chosen: list[int] = []
        most = min(_BATCH, (self.room - self.size) // 2)
        while len(chosen) < most and self._most_promising() > known:
            chosen.append(heapq.heappop(self.heap)[1])
        return np.array(chosen, dtype=np.int64)

    def cut(self, boxes: Int[np.ndarray, " boxes"]) -> Int[np.ndarray, " twice"]:
        """Halve boxes along their longest edges."""
        low, high = self.low[boxes], self.high[boxes]
        axes = (high - low).argmax(axis=1)
        each = np.arange(len(boxes))
        middle = (low[each, axes] + high[each, axes]) / 2
        lower_high, upper_low = high.copy(), low.copy()
        lower_high[each, axes] = upper_low[each, axes] = middle
        self.splits[boxes], self.cuts[boxes] = axes, middle
        created = self._add(
            np.concatenate([low, upper_low]), np.concatenate([lower_high, high])
        )
        self.children[boxes] = created.reshape(2, -1).T
        return created

    def best_center(self, boxes: Int[np.ndarray, " boxes"]) -> tuple[int, np.ndarray]:
        """Try the centers of boxes."""
        centers = (self.low[boxes] + self.high[boxes]) / 2
        lengths = np.sqrt(np.square(centers).sum(axis=1, keepdims=True))
        centers = centers / np.maximum(lengths, 1.0)
        counts = (centers @ self.normals.T >= self.thresholds).sum(axis=1)
        winner = int(counts.argmax())
        return int(counts[winner]), centers[winner]

    def evidence(self) -> BoxEvidence:
        """Write the tree in preorder, no deeper than its bound needs."""
        bound, order, pending = self.bound, [], [0]
        cut = (self.splits >= 0) & (self.upper > bound)
        while pending:
            box = pending.pop()
            order.append(box)
            if cut[box]:
                pending += self.children[box, ::-1].tolist()
        return BoxEvidence(
            splits=np.where(cut, self.splits, -1)[order],
            cuts=np.where(cut, self.cuts, 0.0)[order],
        )

    def _add(
        self, low: Float[np.ndarray, "boxes d"], high: Float[np.ndarray, "boxes d"]
    ) -> Int[np.ndarray, " boxes"]:
        """Bound new boxes and offer them to be cut."""
        violated = _largest_products(self.normals, low, high) < self.thresholds - _SLACK
        upper = np.where(
            _misses_ball(low, high), 0, len(self.thresholds) - violated.sum(axis=1)
        )
        boxes = np.arange(self.size, self.size + len(low))
        self.low[boxes], self.high[boxes], self.upper[boxes] = low, high, upper
        self.size += len(low)
        long = (high - low).max(axis=1) > _SHORTEST
        self.settled = max(self.settled, *upper[~long].tolist(), 0)
        for entry in zip((-upper[long]).tolist(), boxes[long].tolist(), strict=True):
            heapq.heappush(self.heap, entry)
        return boxes

    def _most_promising(self) -> int:
        """Look up the largest bound of a box that may be cut."""
        return -self.heap[0][0] if self.heap else 0


def _largest_products(
    normals: Float[np.ndarray, "n d"],
    low: Float[np.ndarray, "boxes d"],
    high: Float[np.ndarray, "boxes d"],
) -> Float[np.ndarray, "boxes n"]:
    """Maximize the product with each normal over each box, up to rounding."""
    return high @ np.maximum(normals, 0.0).T + low @ np.minimum(normals, 0.0).T


def _misses_ball(
    low: Float[np.ndarray, "boxes d"], high: Float[np.ndarray, "boxes d"]
) -> Bool[np.ndarray, " boxes"]:
    """Tell which boxes surely have no point of the unit ball."""
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
        violated = (
            _largest_products(rows.normals, low[part], high[part]) < limits
        ).sum(axis=1)
        outside = _misses_ball(low[part], high[part])
        least = min(least, int(np.where(outside, num, violated).min()))
    return least
