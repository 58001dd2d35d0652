r"""Upper bounds on coverage from the first two moments of u, with branching.

Let the defender draw u at random. Of a row only the mean m and the variance v of
:math:`g^\top u` are kept; by Cantelli's inequality it is violated with probability at
least :math:`\delta^2 / (v + \delta^2)` where :math:`\delta = (t - m)_+`. The least sum
of these, over all means and covariances that a law on the ball can have, bounds the
number of violated rows from below; :mod:`paper_lib.defense.certificates.relaxation`
finds it. A law spread along one direction cheats
most, so the ball is cut along the direction of largest variance, again and again.

The multipliers at the minimum are the certificate; see
:mod:`paper_lib.defense.certificates.quadratics`. Nothing here has to be trusted.
"""

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from paper_lib.defense.certificates.quadratics import QuadraticEvidence, quadratic_bound
from paper_lib.defense.certificates.relaxation import Cell, least_moments, row_moments
from paper_lib.defense.certificates.span import SafeSpan, span_basis
from paper_lib.defense.rows import SafeRows, safe_rows
from paper_lib.defense.solution import Progress
from paper_lib.robust_sets import RobustSets

# The relaxation is solved in the span of this many principal directions; the bound it
# leads to holds in all of the space.
_BASIS = 100
# Columns of the factor of the covariance.
_RANK = 4
# A direction this near to one that was cut before is the same direction.
_SAME_DIRECTION = 0.8
# A new direction has to promise this much more than a narrower cut along an old one.
_NEW_DIRECTION = 0.5
# Kept in hand: a checker adds in another order and gives the ball a little more room.
_SPARE = 1e-4


@dataclass(kw_only=True, slots=True, eq=False)
class _Search:
    """Rows that can be satisfied and violated, and the directions of all cuts so far.

    In full means in the span of all rows, where they are fewer than dimensions;
    directions are given in the reduced basis.
    """

    safe: SafeRows
    span: Float[np.ndarray, "full d"] | None
    kept: Bool[np.ndarray, " n"]
    thresholds: Float[np.ndarray, " m"]
    normals: Float[np.ndarray, "m d"]
    basis: Float[np.ndarray, "d r"]
    reduced: Float[np.ndarray, "m r"]
    draw: np.random.Generator
    directions: Float[np.ndarray, "k r"]


@dataclass(kw_only=True, slots=True, eq=False)
class _Node:
    """A cell of the ball, what was found there, and its two halves once it is cut."""

    cell: Cell
    bound: float = 0.0
    moments: Float[np.ndarray, "r columns"]
    multipliers: Float[np.ndarray, " cuts"]
    ball_multiplier: float = 1.0
    shifts: Float[np.ndarray, " n"]
    halves: "tuple[_Node, ...]" = ()
    split: int = -1
    cut: float = 0.0


def moment_bounds(
    sets: RobustSets,
    *,
    seed: int,
    start: Float[np.ndarray, " d"] | None = None,
    max_nodes: int | None = None,
) -> Iterator[Progress]:
    """Bound coverage ever more tightly, cell by cell.

    Args:
        sets: The robust sets.
        seed: Seed of the small random parts of each start.
        start: A good point of the unit ball, where the relaxation starts; None: zero.
        max_nodes: Cells to solve, at most; None: no limit.

    Yields:
        Evidence whenever it proves more, else nothing, after every cell.
    """
    search = _prepare(sets, seed)
    lost = int(np.isposinf(search.safe.thresholds).sum())
    if not len(search.thresholds):
        return
    whole = Cell(ways=search.directions, low=np.zeros(0), high=np.zeros(0))
    root = _solve(search, whole, _first_moments(search, start))
    counter = itertools.count()
    queue = [(root.bound, next(counter), root)]
    proven, solved = -1 if lost else 0, 1
    while True:
        progress = Progress()
        if (found := math.ceil(queue[0][0] - _SPARE)) > proven:
            proven = found
            evidence = _evidence(search, root)
            progress = Progress(evidence=evidence, violated=lost + proven)
        yield progress
        if max_nodes is not None and solved + 2 > max_nodes:
            return
        bound, _, node = heapq.heappop(queue)
        for half in _branch(search, node):
            half.bound = max(half.bound, bound)
            heapq.heappush(queue, (half.bound, next(counter), half))
        solved += 2


def _prepare(sets: RobustSets, seed: int) -> _Search:
    """Scale the rows and find the directions along which they vary most."""
    safe = safe_rows(sets)
    span = span_basis(safe.normals)
    if span is not None:
        safe = SafeSpan.of(span).rows(safe)
    kept = (safe.thresholds > -1.0) & np.isfinite(safe.thresholds)
    normals = safe.normals[kept]
    _, vectors = np.linalg.eigh(normals.T @ normals)
    basis = vectors[:, ::-1][:, : min(_BASIS, normals.shape[1])]
    return _Search(
        safe=safe,
        span=span,
        kept=kept,
        thresholds=safe.thresholds[kept],
        normals=normals,
        basis=basis,
        reduced=(normals @ basis).astype(np.float32),
        draw=np.random.default_rng(seed),
        directions=np.zeros((0, basis.shape[1])),
    )


def _first_moments(
    search: _Search, start: Float[np.ndarray, " d"] | None
) -> Float[np.ndarray, "r columns"]:
    """Begin at the start, with a little variance in every direction."""
    basis, span = search.basis, search.span
    if start is not None and span is not None:
        start = start @ span
    mean = np.zeros(basis.shape[1]) if start is None else 0.7 * start @ basis
    spread = 0.1 * search.draw.standard_normal((basis.shape[1], _RANK))
    return np.column_stack([mean, spread])


def _solve(search: _Search, cell: Cell, start: Float[np.ndarray, "r columns"]) -> _Node:
    """Solve the relaxation in a cell and turn its multipliers into a bound."""
    moments, multipliers = least_moments(search.reduced, search.thresholds, cell, start)
    mean, variance = row_moments(search.reduced, moments)
    shortfall = search.thresholds - mean
    used = shortfall > 1e-9
    shifts = np.full(len(search.kept), np.nan, dtype=np.float32)
    rows = np.flatnonzero(search.kept)[used]
    shifts[rows] = variance[used] / shortfall[used] - mean[used]
    node = _Node(cell=cell, moments=moments, multipliers=multipliers, shifts=shifts)
    node.ball_multiplier = _ball_multiplier(search, node)
    bound = quadratic_bound(
        search.safe,
        _in_full(search, cell.ways),
        cell.low,
        cell.high,
        shifts=shifts.astype(np.float64),
        ball_multiplier=node.ball_multiplier,
        cut_multipliers=multipliers,
    )
    node.bound = 0.0 if bound is None else bound
    return node


def _in_full(
    search: _Search, ways: Float[np.ndarray, "cuts r"]
) -> Float[np.ndarray, "cuts d"]:
    """Give directions in all of the space."""
    # One by one, so that each has the same bits wherever it is used.
    found = np.array([search.basis @ way for way in ways])
    return found.reshape(len(ways), len(search.basis))


def _ball_multiplier(search: _Search, node: _Node) -> float:
    """Choose the multiplier of the ball that makes the bound largest."""
    shifts = node.shifts[search.kept].astype(np.float64)
    used = np.isfinite(shifts)
    normals, shifts = search.normals[used], shifts[used]
    curves = 1.0 / np.square(search.thresholds[used] + shifts)
    cell, nu = node.cell, node.multipliers
    ways = _in_full(search, cell.ways)
    matrix = (normals.T * curves) @ normals - (ways.T * nu) @ ways
    linear = normals.T @ (curves * shifts) + ways.T @ (nu * (cell.low + cell.high) / 2)
    # In its eigenvectors the bound is a concave function of the multiplier alone.
    values, vectors = np.linalg.eigh(matrix)
    weights = np.square(vectors.T @ linear)
    least = max(float(values[-1]), 0.0)
    choices = least + np.geomspace(1e-9, 1e2, 221) * max(least, 1.0)
    bounds = [-choice - (weights / (choice - values)).sum() for choice in choices]
    return float(choices[int(np.argmax(bounds))])


def _branch(search: _Search, node: _Node) -> tuple[_Node, ...]:
    """Cut a cell in two where that promises most, and solve both halves."""
    moments, cell = node.moments, node.cell
    left, spread, _ = np.linalg.svd(moments[:, 1:], full_matrices=False)
    which = _cut_to_narrow(node, left[:, 0], float(spread[0]))
    if which is None:
        node.split, way, low, high = len(search.directions), left[:, 0], -1.0, 1.0
        search.directions = np.vstack([search.directions, way])
        node.cut = float(way @ moments[:, 0])
        others = np.arange(len(cell.ways))
    else:
        node.split, way = cell.numbers[which], cell.ways[which]
        low, high = float(cell.low[which]), float(cell.high[which])
        fifth = (high - low) / 5
        node.cut = min(max(float(way @ moments[:, 0]), low + fifth), high - fifth)
        others = np.delete(np.arange(len(cell.ways)), which)
    halves = []
    for lower, upper, sign in ((low, node.cut, -1.0), (node.cut, high, 1.0)):
        half = Cell(
            numbers=(*(cell.numbers[k] for k in others), node.split),
            ways=np.vstack([cell.ways[others], way]),
            low=np.append(cell.low[others], lower),
            high=np.append(cell.high[others], upper),
        )
        start = moments.copy()
        start[:, 0] += 0.6 * sign * spread[0] * left[:, 0]
        start[:, 1:] *= 0.7
        start[:, 1:] += 0.02 * search.draw.standard_normal(start[:, 1:].shape)
        halves.append(_solve(search, half, start))
    node.halves = tuple(halves)
    return node.halves


def _cut_to_narrow(
    node: _Node, direction: Float[np.ndarray, " r"], spread: float
) -> int | None:
    """Choose the old cut to narrow; None where a new direction promises more."""
    cell = node.cell
    if not cell.numbers:
        return None
    mean = np.array([way @ node.moments[:, 0] for way in cell.ways])
    gains = node.multipliers * (cell.high - mean) * (mean - cell.low)
    best = int(np.argmax(gains))
    alike = [abs(way @ direction) > _SAME_DIRECTION for way in cell.ways]
    if gains[best] > _NEW_DIRECTION * node.ball_multiplier * spread**2 or any(alike):
        return best
    return None


def _evidence(search: _Search, root: _Node) -> QuadraticEvidence:
    """Write the tree down in preorder."""
    nodes: list[_Node] = []
    pending = [root]
    while pending:
        nodes.append(pending.pop())
        pending += reversed(nodes[-1].halves)
    leaves = [node for node in nodes if not node.halves]
    multipliers = np.zeros((len(leaves), len(search.directions)))
    for leaf, node in enumerate(leaves):
        multipliers[leaf, list(node.cell.numbers)] = node.multipliers
    directions = _in_full(search, search.directions)
    if search.span is not None:
        directions = directions @ search.span.T
    return QuadraticEvidence(
        directions=directions,
        splits=np.array([node.split for node in nodes]),
        cuts=np.array([node.cut for node in nodes]),
        shifts=np.array([node.shifts for node in leaves]),
        ball_multipliers=np.array([node.ball_multiplier for node in leaves]),
        cut_multipliers=multipliers,
    )
