r"""Branch and bound over boxes: the maximum of coverage where dimensions are few.

On a box :math:`[l, h]` the product :math:`g^\top u` is at most
:math:`\sum_j \max(g_j l_j, g_j h_j)`. A row that asks for more is violated on the whole
box, so the rows that are left bound what any point of the box satisfies. The box with
the largest bound is cut in two, until no bound exceeds the best count.
"""

import heapq
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Int

from paper_lib.checks import check_count
from paper_lib.defense.certificates.box_evidence import (
    BoxEvidence,
    largest_products,
    misses_ball,
)
from paper_lib.defense.exact.feasibility import common_point
from paper_lib.defense.rows import UnitRows
from paper_lib.defense.solution import Progress

# Boxes cut in one step: a step of 4,000 rows takes a few milliseconds.
_BATCH = 64
# More than all rounding in the check of the evidence, so that it finds the same bound.
_SLACK = 1e-11
# Shorter boxes are not cut: what a smaller one shows is lost in rounding.
_SHORTEST = 1e-9


def box_search(
    rows: UnitRows,
    *,
    reached: Callable[[], int] | None = None,
    max_boxes: int = 200_000,
) -> Iterator[Progress]:
    """Cut the most promising boxes first; exact where it runs to its end.

    Candidates are the centers of boxes, pulled into the ball, and now and then a common
    point of the rows left on the most promising box. Where rows only touch, rounding
    can leave a gap.

    Args:
        rows: The rows to decide, in few dimensions.
        reached: Asked in each step for a number of all rows that some point is known to
            satisfy: boxes that cannot exceed it are not cut.
        max_boxes: Boxes in the tree, at most.

    Yields:
        Points that satisfy more of the rows than those before; evidence at the end and
        whenever the tree has doubled and proves more; nothing after every other step.

    Raises:
        ValueError: If ``max_boxes`` is not positive.
    """
    max_boxes = check_count(max_boxes, "max_boxes", 1)
    search = _Search(rows, max_boxes)
    known, best, proven, checkpoint = 0, -1, len(rows.thresholds) + 1, 1
    side = np.ones((1, rows.normals.shape[1]))
    created = search.add(-side, side)  # the cube around the ball
    while True:
        count, point = search.best_center(created)
        yield Progress(point=point if count > best else None)
        best = max(best, count)
        if reached is not None:
            known = max(known, reached() - rows.num_free)
        done = not search.may_improve(max(best, known))
        if (done or search.size >= checkpoint) and search.bound < proven:
            proven, checkpoint = search.bound, 2 * search.size
            count, point = search.common_point(best)
            yield Progress(evidence=search.evidence(), point=point)
            best = max(best, count)
        if done or not search.may_improve(max(best, known)):
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

    def add(
        self, low: Float[np.ndarray, "boxes d"], high: Float[np.ndarray, "boxes d"]
    ) -> Int[np.ndarray, " boxes"]:
        """Bound new boxes and offer them to be cut."""
        violated = largest_products(self.normals, low, high) < self.thresholds - _SLACK
        kept = len(self.thresholds) - violated.sum(axis=1)
        upper = np.where(misses_ball(low, high), 0, kept)
        boxes = np.arange(self.size, self.size + len(low))
        self.low[boxes], self.high[boxes], self.upper[boxes] = low, high, upper
        self.size += len(low)
        long = (high - low).max(axis=1) > _SHORTEST
        self.settled = max(self.settled, *upper[~long].tolist(), 0)
        for entry in zip((-upper[long]).tolist(), boxes[long].tolist(), strict=True):
            heapq.heappush(self.heap, entry)
        return boxes

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
        halves = np.concatenate([low, upper_low]), np.concatenate([lower_high, high])
        created = self.add(*halves)
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

    def common_point(self, least: int) -> tuple[int, Float[np.ndarray, " d"] | None]:
        """Satisfy all rows left on the most promising box, touches included.

        Returns:
            How many rows a point surely satisfies, and the point; None unless it
            satisfies more than a given number, up to rounding.
        """
        if not self.heap:
            return 0, None
        box = self.heap[0][1]
        most = largest_products(self.normals, self.low[[box]], self.high[[box]])[0]
        left = most >= self.thresholds - _SLACK
        point = common_point(self.normals[left], self.thresholds[left])
        if point is None:
            return 0, None
        slack = self.normals @ point - self.thresholds
        if (slack >= -_SLACK).sum() <= least:
            return 0, None
        return int((slack >= 0).sum()), point

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

    def _most_promising(self) -> int:
        """Look up the largest bound of a box that may be cut."""
        return -self.heap[0][0] if self.heap else 0
