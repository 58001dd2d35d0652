r"""Implicit hitting sets: the maximum of coverage where rows are few.

Whoever maximizes coverage gives up at least one row of every infeasible subsystem: the
rows given up hit them all. The master finds a smallest hitting set of the subsystems
known so far, whose size bounds the number of violated rows from below; the oracle asks
whether some point of the unit ball satisfies all other rows. If so it is optimal, if
not the answer holds new subsystems. By Farkas' lemma for the ball, rows are infeasible
together just when :math:`\sum_i \mu_i t_i > \|\sum_i \mu_i g_i\|` for a
:math:`\mu \ge 0`; nonnegative least squares finds it, or the shortest point.
"""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import Bounds, LinearConstraint, linprog, milp, nnls
from scipy.sparse import csr_array

from paper_lib.checks import check_count
from paper_lib.defense.rows import UnitRows, scaled_rows
from paper_lib.defense.solution import Progress
from paper_lib.defense.subsystems import (
    WEIGHT_ONE,
    Lists,
    SubsystemEvidence,
    are_infeasible,
)
from paper_lib.robust_sets import RobustSets

# What a proof of infeasibility must exceed, more than all rounding in its check.
_MARGIN = 1e-9
# How far inside all rows a point should lie: the first of these that can be had.
_DEPTHS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 0.0)
# Conflicting pairs to start from; others are found when they are needed.
_MAX_PAIRS = 20_000
_ELASTIC_STEPS = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Subsystem:
    """Rows that exclude each other, with multipliers that add up to one."""

    rows: Int[np.ndarray, " length"]
    multipliers: Float[np.ndarray, " length"]


@dataclass(frozen=True, slots=True, eq=False)
class _Tree:
    """What ``SubsystemEvidence`` says of subsystems, and the bound it proves."""

    splits: list[int]
    packings: list[Int[np.ndarray, " _weighed"]]
    weights: list[Int[np.ndarray, " _weighed"]]
    bound: int


def hitting_set_search(
    sets: RobustSets,
    rows: UnitRows,
    *,
    start: Float[np.ndarray, " d"] | None = None,
    remaining: Callable[[], float] = lambda: math.inf,
    max_nodes: int = 2000,
) -> Iterator[Progress]:
    """Alternate between master and oracle until the bounds meet.

    Args:
        sets: The robust sets.
        rows: The same rows as ``unit_rows`` gives them; a few hundred.
        start: A good point of the unit ball; None: its center.
        remaining: Seconds left, asked before each step that may take long.
        max_nodes: Nodes of the tree that proves the bound, at most.

    Yields:
        Points that satisfy more rows than those before, evidence whenever it proves
        more, and nothing after the other steps.

    Raises:
        ValueError: If ``start`` does not fit the rows or ``max_nodes`` is not positive.
    """
    normals, thresholds = rows.normals.numpy(), rows.thresholds.numpy()
    point = np.zeros(normals.shape[1]) if start is None else start
    _check(point, normals.shape[1], max_nodes)
    found = _conflicting_pairs(normals, thresholds)
    least, proven, size, decided = len(thresholds) + 1, -1, 0, False
    while remaining() > 0:
        if (count := _violated(normals, thresholds, point)) < least:
            least = count
            yield Progress(point=point)
        goal_nodes = max_nodes if decided else 1
        tree = yield from _prove(found, len(thresholds), least, goal_nodes, remaining)
        if tree.bound > proven:
            proven = tree.bound
            yield Progress(evidence=_evidence(sets, rows, found, tree))
        if proven >= least or decided:
            return
        # Costs that differ slow the master down, unless the linear program is exact.
        preference = np.clip(normals @ point - thresholds, -1.0, 1.0) / 2 + 0.5
        preference *= size <= proven
        hit = _smallest_hitting_set(found, preference, remaining())
        if hit is None:
            return
        size = int(hit.sum())
        if decided := size >= least:
            continue
        guess = _elastic_point(normals[~hit], thresholds[~hit], point)
        point, decided = yield from _ask(normals, thresholds, ~hit, found)
        if _violated(normals, thresholds, guess) <= _violated(
            normals, thresholds, point
        ):
            point = guess


def _check(point: Float[np.ndarray, " d"], dim: int, max_nodes: int) -> None:
    """Reject settings for which the search is undefined.

    Raises:
        ValueError: See the summary.
    """
    if point.shape != (dim,) or not np.isfinite(point).all():
        raise ValueError(
            f"start must be a finite point of shape ({dim},), got shape {point.shape}."
        )
    check_count(max_nodes, "max_nodes", 1)


def _violated(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    point: Float[np.ndarray, " d"],
) -> int:
    """Count the rows a point violates."""
    return int((normals @ point < thresholds).sum())


def _conflicting_pairs(
    normals: Float[np.ndarray, "m d"], thresholds: Float[np.ndarray, " m"]
) -> list[_Subsystem]:
    """List the pairs of rows without a common point, the clearest first.

    For two rows the best multipliers are :math:`t_i - c t_j` and :math:`t_j - c t_i`,
    where c is the product of the normals.

    Returns:
        The pairs, no more than ``_MAX_PAIRS``.
    """
    pairs: list[tuple[float, _Subsystem]] = []
    for i in range(len(normals)):
        own, others = thresholds[i], thresholds[i + 1 :]
        product = normals[i + 1 :] @ normals[i]
        first, second = own - product * others, others - product * own
        total = first + second
        good = (first > 0) & (second > 0) & (total > _MARGIN)
        mix = np.stack([first, second], axis=1)[good] / total[good, np.newaxis]
        combined = mix[:, :1] * normals[i] + mix[:, 1:] * normals[i + 1 :][good]
        pull = mix[:, 0] * own + mix[:, 1] * others[good]
        margin = pull - np.sqrt(np.square(combined).sum(axis=1))
        for k in np.flatnonzero(margin > _MARGIN):
            both = np.array([i, i + 1 + np.flatnonzero(good)[k]])
            pairs.append((-float(margin[k]), _Subsystem(both, mix[k])))
    return [pair for _, pair in sorted(pairs, key=lambda entry: entry[0])][:_MAX_PAIRS]


def _multipliers(
    normals: Float[np.ndarray, "k d"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"] | None:
    """Prove that rows have no common point of the unit ball; None: no proof found."""
    weights = _least_squares(normals, thresholds)
    if weights is None or not (total := weights.sum()) > 0:
        return None
    weights = weights / total
    pull, combined = weights @ thresholds, weights @ normals
    return weights if pull - math.sqrt(combined @ combined) > _MARGIN else None


def _common_point(
    normals: Float[np.ndarray, "k d"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " d"] | None:
    """Find a point of the unit ball on or well inside all rows; None: there is none."""
    for depth in _DEPTHS:
        weights = _least_squares(normals, thresholds + depth)
        if weights is None or (pull := weights @ (thresholds + depth)) >= 1.0:
            continue
        point = weights @ normals / (1.0 - pull)
        length = math.sqrt(point @ point)
        if length <= 1.0 + (_MARGIN if depth == 0.0 else 0.0):
            return point / max(length, 1.0)
    return None


def _least_squares(
    normals: Float[np.ndarray, "k d"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"] | None:
    r"""Minimize :math:`\|\sum y_i g_i\|^2 + (1 - \sum y_i t_i)^2` over y >= 0.

    The shortest point with :math:`g_i^\top u \ge t_i` is
    :math:`\sum y_i g_i / (1 - \sum y_i t_i)`; it is longer than one, or there is none,
    just when :math:`\sum y_i t_i > 1/2`, and then y is a proof.

    Returns:
        The minimizer y; None: not found.
    """
    if len(thresholds) == 0:
        return np.zeros(0)
    matrix = np.vstack([normals.T, thresholds])
    try:
        return nnls(matrix, np.eye(1, len(matrix), len(matrix) - 1)[0])[0]
    except RuntimeError:
        return None


def _irreducible(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    rows: Int[np.ndarray, " k"],
    multipliers: Float[np.ndarray, " k"],
) -> _Subsystem:
    """Drop rows, the least weighed first, as long as the others exclude each other."""
    rows, multipliers = rows[multipliers > 0], multipliers[multipliers > 0]
    for row in rows[np.argsort(multipliers, kind="stable")].tolist():
        rest = rows[rows != row]
        proof = _multipliers(normals[rest], thresholds[rest])
        if len(rest) < len(rows) and proof is not None:
            rows, multipliers = rest[proof > 0], proof[proof > 0]
    return _Subsystem(rows, multipliers)


def _ask(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    kept: Bool[np.ndarray, " m"],
    found: list[_Subsystem],
) -> Generator[Progress, None, tuple[Float[np.ndarray, " d"], bool]]:
    """Look for a point of all kept rows; where there is none, of as many as possible.

    Subsystems met on the way are added to ``found``: disjoint ones first, then those
    that keep a row from being satisfied beside the others.

    Returns:
        The point, and whether no proof was found that the kept rows have none.
    """
    kept, size = kept.copy(), len(found)
    while (bad := _find_subsystem(normals, thresholds, kept)) is not None:
        found.append(bad)
        kept[bad.rows] = False
        yield Progress()
    point = _common_point(normals[kept], thresholds[kept])
    if point is None or len(found) == size:
        return np.zeros(normals.shape[1]) if point is None else point, len(
            found
        ) == size
    slack = normals @ point - thresholds
    kept |= slack >= 0
    for row in np.argsort(-slack).tolist():
        more = kept.copy()
        more[row] = True
        if kept[row] or any(more[known.rows].all() for known in found):
            continue
        yield Progress()
        if (bad := _find_subsystem(normals, thresholds, more)) is not None:
            found.append(bad)
        elif (better := _common_point(normals[more], thresholds[more])) is not None:
            point, kept = better, more | (normals @ better >= thresholds)
    return point, False


def _find_subsystem(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    kept: Bool[np.ndarray, " m"],
) -> _Subsystem | None:
    """Find rows among those kept that exclude each other."""
    rows = np.flatnonzero(kept)
    proof = _multipliers(normals[rows], thresholds[rows])
    if proof is None:
        return None
    return _irreducible(normals, thresholds, rows, proof)


def _elastic_point(
    normals: Float[np.ndarray, "k d"],
    thresholds: Float[np.ndarray, " k"],
    point: Float[np.ndarray, " d"],
) -> Float[np.ndarray, " d"]:
    """Lower the sum of squared violations over the ball by accelerated gradient."""
    step = 1.0 / max(np.linalg.norm(normals, ord=2) ** 2 if normals.size else 0.0, 1.0)
    ahead = point
    for count in range(_ELASTIC_STEPS):
        lack = np.maximum(thresholds - normals @ ahead, 0.0)
        moved = ahead + step * (lack @ normals)
        moved = moved / max(1.0, math.sqrt(moved @ moved))
        point, ahead = moved, moved + count / (count + 3) * (moved - point)
    return point


def _incidence(found: list[_Subsystem], num_rows: int) -> csr_array:
    """Write subsystems as a matrix of zeros and ones."""
    lists = Lists.of([subsystem.rows for subsystem in found])
    ones = np.ones(len(lists.items))
    shape = (len(found), num_rows)
    return csr_array((ones, lists.items, lists.starts), shape=shape)


def _smallest_hitting_set(
    found: list[_Subsystem], preference: Float[np.ndarray, " m"], seconds: float
) -> Bool[np.ndarray, " m"] | None:
    """Hit every subsystem by few rows, if possible by those of small preference.

    Preferences between 0 and 1 are weighed so low that they only decide among the
    smallest hitting sets.

    Returns:
        Which rows to give up; None: out of time.
    """
    num = len(preference)
    if not found:
        return np.zeros(num, dtype=bool)
    limit = {"time_limit": max(seconds, 0.0)} if math.isfinite(seconds) else {}
    result = milp(
        1.0 + preference / (2 * num),
        integrality=np.ones(num),
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(_incidence(found, num), lb=1.0),
        options={"mip_rel_gap": 0.0, **limit},
    )
    return result.x > 0.5 if result.status == 0 else None


def _prove(
    found: list[_Subsystem],
    num_rows: int,
    goal: int,
    max_nodes: int,
    remaining: Callable[[], float],
) -> Generator[Progress, None, _Tree]:
    """Branch on rows until subsystems are packed densely enough on every leaf.

    Returns:
        The tree; its bound falls short of the goal where nodes or time ran out.
    """
    matrix = _incidence(found, num_rows)
    tree = _Tree([], [], [], num_rows)
    bounds, pending, opened = [num_rows], [([], [])], 1
    while pending:
        violated, satisfied = pending.pop()
        free, hit = np.ones(num_rows), np.zeros(num_rows)
        free[satisfied], hit[violated] = 0.0, 1.0
        chosen, weights, cover = _pack(matrix, hit, free)
        bound = len(violated) - (-int(weights.sum()) // WEIGHT_ONE)
        if len(chosen) and cover is None:
            bound = num_rows  # a subsystem has no free row left
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
    return _Tree(tree.splits, tree.packings, tree.weights, min(bounds))


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
        them that the linear program gives; None where there is nothing to cover, or a
        subsystem without a free row, which is then the only one weighed.
    """
    active = np.flatnonzero(matrix @ hit == 0)
    part = csr_array(matrix[active])
    part.data = free[part.indices]
    empty = active[part.sum(axis=1) == 0]
    if len(empty) or len(active) == 0:
        chosen = empty[:1]
        return chosen, np.full(len(chosen), WEIGHT_ONE), None
    cost, ones = np.ones(len(free)), -np.ones(len(active))
    result = linprog(cost, A_ub=-part, b_ub=ones, method="highs")
    if result.status != 0:
        return active[:0], np.zeros(0, dtype=np.int64), None
    weights = np.clip(-result.ineqlin.marginals, 0.0, 1.0)
    # Rounded down after a little is taken off: in whole units no row is overloaded.
    weights *= (1.0 - 1e-12) / max(1.0, float((part.T @ weights).max()))
    whole = np.floor(weights * WEIGHT_ONE).astype(np.int64)
    return active[whole > 0], whole[whole > 0], result.x


def _fractional_row(cover: Float[np.ndarray, " m"]) -> int:
    """Choose the row to branch on, the one nearest to one half; -1: none is split."""
    row = int(np.abs(cover - 0.5).argmin())
    return row if 1e-6 < cover[row] < 1.0 - 1e-6 else -1


def _evidence(
    sets: RobustSets, rows: UnitRows, found: list[_Subsystem], tree: _Tree
) -> SubsystemEvidence:
    """State a proof in terms of all rows; those that nobody satisfies stand alone."""
    alone = rows.lost.numpy()[:, np.newaxis]
    proven = are_infeasible(sets, Lists.of([*alone]), np.ones(len(alone)))
    lost = alone[proven]
    used = np.unique(np.concatenate([np.zeros(0, np.int64), *tree.packings]))
    index = rows.index.numpy()
    lengths = np.sqrt(np.square(scaled_rows(sets)[0]).sum(axis=1))
    lists = [index[found[k].rows] for k in used]
    proofs = [found[k].multipliers / lengths[index[found[k].rows]] for k in used]
    last = len(used) + np.arange(len(lost))
    whole = np.full(len(lost), WEIGHT_ONE)
    packings = [np.append(np.searchsorted(used, p), last) for p in tree.packings]
    return SubsystemEvidence(
        subsystems=Lists.of([*lists, *lost]),
        multipliers=np.concatenate([np.zeros(0), *proofs, np.ones(len(lost))]),
        splits=np.array([-1 if row == -1 else index[row] for row in tree.splits]),
        packings=Lists.of(packings),
        weights=np.concatenate([np.append(w, whole) for w in tree.weights]),
    )
