r"""Upper bounds on coverage from the first two moments of u, with branching.

Let the defender draw u at random. Of a row only the mean m and the variance v of
:math:`g^\top u` are kept; by Cantelli's inequality it is violated with probability at
least :math:`\delta^2 / (v + \delta^2)` where :math:`\delta = (t - m)_+`. The least sum
of these, over all means and covariances that a law on the ball can have, bounds the
number of violated rows from below: a convex semidefinite relaxation (Shor's), solved
here in factored form (Burer and Monteiro 2003). A law spread along one direction cheats
most, so the ball is cut along the direction of largest variance, again and again.

The multipliers at the minimum are the certificate; see
:mod:`paper_lib.defense.certificates.quadratics`. Nothing here has to be trusted.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize

from paper_lib.defense.certificates.quadratics import (
    Cell,
    QuadraticEvidence,
    quadratic_bound,
    whole_rows,
)
from paper_lib.defense.certificates.span import SafeSpan, span_basis
from paper_lib.defense.rows import SafeRows, safe_rows
from paper_lib.defense.solution import Progress
from paper_lib.robust_sets import RobustSets

# The relaxation is solved in the span of this many principal directions; the bound it
# leads to holds in all of the space.
_BASIS = 100
# Columns of the factor of the covariance.
_RANK = 4
# Weight of the cuts in the augmented Lagrangian, for each row.
_PENALTY = 25.0
_ROUNDS, _ITERATIONS = 3, 80
# A direction this near to one that was cut before is the same direction.
_SAME_DIRECTION = 0.8
# A new direction has to promise this much more than a narrower cut along an old one.
_NEW_DIRECTION = 0.5
_TINY = 1e-12
# Kept in hand: a checker adds in another order and gives the ball a little more room.
_SPARE = 1e-4


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Rows:
    """Rows that can be satisfied and violated, in full and in the reduced basis.

    In full means in their span, where they are fewer than dimensions.
    """

    safe: SafeRows
    span: Float[np.ndarray, "full d"] | None
    kept: Bool[np.ndarray, " n"]
    thresholds: Float[np.ndarray, " m"]
    normals: Float[np.ndarray, "m d"]
    basis: Float[np.ndarray, "d r"]
    reduced: Float[np.ndarray, "m r"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Cut:
    """A slab low <= a u <= high, a given in the reduced basis."""

    number: int
    direction: Float[np.ndarray, " r"]
    low: float
    high: float


@dataclass(kw_only=True, slots=True, eq=False)
class _Node:
    """A cell of the ball, what was found there, and its two halves once it is cut."""

    cuts: tuple[_Cut, ...]
    bound: float = 0.0
    moments: Float[np.ndarray, "r columns"]
    multipliers: Float[np.ndarray, " cuts"]
    ball_multiplier: float = 1.0
    shifts: Float[np.ndarray, " n"]
    halves: "tuple[_Node, _Node] | None" = None
    split: int = -1
    cut: float = 0.0


@dataclass(kw_only=True, slots=True, eq=False)
class _Search:
    """The tree and the directions used in it."""

    rows: _Rows
    draw: np.random.Generator
    directions: list[Float[np.ndarray, " d"]] = field(default_factory=list)


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
    rows = _prepare(sets)
    lost = int(np.isposinf(rows.safe.thresholds).sum())
    if not len(rows.thresholds):
        return
    search = _Search(rows=rows, draw=np.random.default_rng(seed))
    root = _solve(search, (), _first_moments(search, start))
    counter = itertools.count()
    queue = [(root.bound, next(counter), root)]
    proven, solved = -1 if lost else 0, 1
    while True:
        progress = Progress()
        if (found := whole_rows(queue[0][0] - _SPARE)) > proven:
            proven = found
            progress = Progress(
                evidence=_evidence(search, root, len(sets.offsets)),
                violated=lost + proven,
            )
        yield progress
        if max_nodes is not None and solved + 2 > max_nodes:
            return
        bound, _, node = heapq.heappop(queue)
        for half in _branch(search, node):
            half.bound = max(half.bound, bound)
            heapq.heappush(queue, (half.bound, next(counter), half))
        solved += 2


def _prepare(sets: RobustSets) -> _Rows:
    """Scale the rows and find the directions along which they vary most."""
    safe = safe_rows(sets)
    span = span_basis(safe.normals)
    if span is not None:
        safe = SafeSpan.of(span).rows(safe)
    kept = (safe.thresholds > -1.0) & np.isfinite(safe.thresholds)
    normals = safe.normals[kept]
    _, vectors = np.linalg.eigh(normals.T @ normals)
    basis = vectors[:, ::-1][:, : min(_BASIS, normals.shape[1])]
    return _Rows(
        safe=safe,
        span=span,
        kept=kept,
        thresholds=safe.thresholds[kept],
        normals=normals,
        basis=basis,
        reduced=(normals @ basis).astype(np.float32),
    )


def _first_moments(
    search: _Search, start: Float[np.ndarray, " d"] | None
) -> Float[np.ndarray, "r columns"]:
    """Begin at the start, with a little variance in every direction."""
    basis, span = search.rows.basis, search.rows.span
    if start is not None and span is not None:
        start = start @ span
    mean = np.zeros(basis.shape[1]) if start is None else 0.7 * start @ basis
    spread = 0.1 * search.draw.standard_normal((basis.shape[1], _RANK))
    return np.column_stack([mean, spread])


def _solve(
    search: _Search, cuts: tuple[_Cut, ...], start: Float[np.ndarray, "r columns"]
) -> _Node:
    """Solve the relaxation in a cell and turn its multipliers into a bound."""
    rows = search.rows
    moments, multipliers = _least_moments(rows, cuts, start)
    mean, variance = _row_moments(rows, moments)
    shortfall = rows.thresholds - mean
    used = shortfall > 1e-9
    shifts = np.full(len(rows.kept), np.nan, dtype=np.float32)
    shifts[np.flatnonzero(rows.kept)[used]] = (
        variance[used] / shortfall[used] - mean[used]
    )
    node = _Node(cuts=cuts, moments=moments, multipliers=multipliers, shifts=shifts)
    node.ball_multiplier = _ball_multiplier(rows, node)
    bound = quadratic_bound(
        rows.safe,
        _ways(rows, cuts),
        _cell(cuts),
        shifts=shifts.astype(np.float64),
        ball_multiplier=node.ball_multiplier,
        cut_multipliers=multipliers,
    )
    node.bound = 0.0 if bound is None else bound
    return node


def _row_moments(
    rows: _Rows, moments: Float[np.ndarray, "r columns"]
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Compute mean and variance of each row's product with u."""
    products = (rows.reduced @ moments.astype(np.float32)).astype(np.float64)
    return products[:, 0], np.square(products[:, 1:]).sum(axis=1)


def _ways(rows: _Rows, cuts: tuple[_Cut, ...]) -> Float[np.ndarray, "cuts d"]:
    """Give the directions of cuts in all of the space."""
    ways = np.array([rows.basis @ cut.direction for cut in cuts])
    return ways.reshape(len(cuts), len(rows.basis))


def _cell(cuts: tuple[_Cut, ...]) -> Cell:
    """Collect the bounds of cuts."""
    return Cell(
        low=np.array([cut.low for cut in cuts]),
        high=np.array([cut.high for cut in cuts]),
    )


def _least_moments(
    rows: _Rows, cuts: tuple[_Cut, ...], start: Float[np.ndarray, "r columns"]
) -> tuple[Float[np.ndarray, "r columns"], Float[np.ndarray, " cuts"]]:
    """Minimize the sum of Cantelli's bounds by an augmented Lagrangian.

    Args:
        rows: The rows.
        cuts: The cuts that make the cell.
        start: Where to begin.

    Returns:
        Mean and factor of the covariance as one matrix on the unit sphere, so that the
        second moment of u is one; and the multipliers of the cuts.
    """
    ways = np.array([cut.direction for cut in cuts]).reshape(len(cuts), len(start))
    cell = _cell(cuts)
    penalty = _PENALTY * len(rows.thresholds)
    multipliers = np.zeros(len(cuts))
    flat = start.ravel() / np.linalg.norm(start)
    for _ in range(_ROUNDS if cuts else 1):
        found = minimize(
            _lagrangian,
            flat,
            args=(rows, ways, cell, multipliers, penalty, start.shape),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _ITERATIONS, "maxcor": 20},
        )
        flat = found.x / np.linalg.norm(found.x)
        _, excess, _ = _excess(flat.reshape(start.shape), ways, cell)
        multipliers = np.maximum(0.0, multipliers + penalty * excess)
    return flat.reshape(start.shape), multipliers


def _excess(
    moments: Float[np.ndarray, "r columns"],
    ways: Float[np.ndarray, "cuts r"],
    cell: Cell,
) -> tuple[
    Float[np.ndarray, "cuts columns"],
    Float[np.ndarray, " cuts"],
    Float[np.ndarray, " cuts"],
]:
    """Compute by how much E (a u - low)(a u - high) exceeds zero, with its parts."""
    products = ways @ moments
    mean = products[:, 0]
    variance = np.square(products[:, 1:]).sum(axis=1)
    excess = variance - (cell.high - mean) * (mean - cell.low)
    return products, excess, 2 * mean - cell.high - cell.low


def _lagrangian(
    flat: Float[np.ndarray, " size"],
    rows: _Rows,
    ways: Float[np.ndarray, "cuts r"],
    cell: Cell,
    multipliers: Float[np.ndarray, " cuts"],
    penalty: float,
    shape: tuple[int, int],
) -> tuple[float, Float[np.ndarray, " size"]]:
    """Evaluate the augmented Lagrangian and its gradient, on the sphere."""
    length = np.linalg.norm(flat)
    moments = (flat / length).reshape(shape)
    products = rows.reduced @ moments.astype(np.float32)
    mean = products[:, 0].astype(np.float64)
    variance = np.square(products[:, 1:]).sum(axis=1, dtype=np.float64)
    shortfall = np.maximum(rows.thresholds - mean, 0.0)
    total = variance + shortfall**2 + _TINY
    value = float((shortfall**2 / total).sum())
    pull = np.empty_like(products)
    pull[:, 0] = -2 * shortfall * variance / total**2
    pull[:, 1:] = (-2 * shortfall**2 / total**2)[:, np.newaxis] * products[:, 1:]
    gradient = (rows.reduced.T @ pull).astype(np.float64)
    if len(ways):
        along, excess, slope = _excess(moments, ways, cell)
        force = np.maximum(0.0, multipliers + penalty * excess)
        value += float((force**2 - multipliers**2).sum()) / (2 * penalty)
        gradient[:, 0] += ways.T @ (force * slope)
        gradient[:, 1:] += 2 * ways.T @ (force[:, np.newaxis] * along[:, 1:])
    tangent = gradient - moments * (gradient * moments).sum()
    return value, (tangent / length).ravel()


def _ball_multiplier(rows: _Rows, node: _Node) -> float:
    """Choose the multiplier of the ball that makes the bound largest.

    Args:
        rows: The rows.
        node: A cell with its shifts and the multipliers of its cuts.

    Returns:
        The multiplier. With the eigenvectors of the matrix the bound is a concave
        function of it alone.
    """
    shifts = node.shifts[rows.kept].astype(np.float64)
    used = np.isfinite(shifts)
    normals, shifts = rows.normals[used], shifts[used]
    curves = 1.0 / np.square(rows.thresholds[used] + shifts)
    ways = _ways(rows, node.cuts)
    cell, nu = _cell(node.cuts), node.multipliers
    matrix = (normals.T * curves) @ normals - (ways.T * nu) @ ways
    linear = normals.T @ (curves * shifts) + ways.T @ (nu * (cell.low + cell.high) / 2)
    values, vectors = np.linalg.eigh(matrix)
    weights = np.square(vectors.T @ linear)
    least = max(float(values[-1]), 0.0)
    choices = least + np.geomspace(1e-9, 1e2, 221) * max(least, 1.0)
    bounds = [-choice - (weights / (choice - values)).sum() for choice in choices]
    return float(choices[int(np.argmax(bounds))])


def _branch(search: _Search, node: _Node) -> tuple[_Node, _Node]:
    """Cut a cell in two where that promises most, and solve both halves."""
    moments = node.moments
    left, spread, _ = np.linalg.svd(moments[:, 1:], full_matrices=False)
    which = _cut_to_narrow(node, left[:, 0], float(spread[0]))
    if which is None:
        number = len(search.directions)
        search.directions.append(search.rows.basis @ left[:, 0])
        old = _Cut(number=number, direction=left[:, 0], low=-1.0, high=1.0)
        others = node.cuts
    else:
        old = node.cuts[which]
        others = node.cuts[:which] + node.cuts[which + 1 :]
    fifth = (old.high - old.low) / 5
    at = float(old.direction @ moments[:, 0])
    at = min(max(at, old.low + fifth), old.high - fifth) if which is not None else at
    node.split, node.cut = old.number, at
    halves = []
    for low, high, sign in ((old.low, at, -1.0), (at, old.high, 1.0)):
        cut = _Cut(number=old.number, direction=old.direction, low=low, high=high)
        start = moments.copy()
        start[:, 0] += 0.6 * sign * spread[0] * left[:, 0]
        start[:, 1:] *= 0.7
        start[:, 1:] += 0.02 * search.draw.standard_normal(start[:, 1:].shape)
        halves.append(_solve(search, (*others, cut), start))
    node.halves = (halves[0], halves[1])
    return node.halves


def _cut_to_narrow(
    node: _Node, direction: Float[np.ndarray, " r"], spread: float
) -> int | None:
    """Choose the old cut to narrow; None where a new direction promises more."""
    if not node.cuts:
        return None
    mean = np.array([cut.direction @ node.moments[:, 0] for cut in node.cuts])
    cell = _cell(node.cuts)
    gains = node.multipliers * (cell.high - mean) * (mean - cell.low)
    best = int(np.argmax(gains))
    alike = [abs(cut.direction @ direction) > _SAME_DIRECTION for cut in node.cuts]
    if gains[best] > _NEW_DIRECTION * node.ball_multiplier * spread**2 or any(alike):
        return best
    return None


def _evidence(search: _Search, root: _Node, num_rows: int) -> QuadraticEvidence:
    """Write the tree down in preorder."""
    count = len(search.directions)
    nodes: list[_Node] = []
    pending = [root]
    while pending:
        node = pending.pop()
        nodes.append(node)
        if node.halves is not None:
            pending += [node.halves[1], node.halves[0]]
    leaves = [node for node in nodes if node.halves is None]
    multipliers = np.zeros((len(leaves), count))
    for leaf, node in enumerate(leaves):
        for cut, multiplier in zip(node.cuts, node.multipliers, strict=True):
            multipliers[leaf, cut.number] = multiplier
    directions = np.array(search.directions).reshape(count, len(search.rows.basis))
    if search.rows.span is not None:
        directions = directions @ search.rows.span.T
    return QuadraticEvidence(
        directions=directions,
        splits=np.array([node.split for node in nodes]),
        cuts=np.array([node.cut for node in nodes]),
        shifts=np.array([node.shifts for node in leaves]).reshape(-1, num_rows),
        ball_multipliers=np.array([node.ball_multiplier for node in leaves]),
        cut_multipliers=multipliers,
    )
