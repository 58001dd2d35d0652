"""Implicit hitting sets: the maximum of coverage where rows are few.

Whoever maximizes coverage gives up at least one row of every infeasible subsystem: the
rows given up hit them all. The master finds a smallest hitting set of the subsystems
known so far, whose size bounds the number of violated rows from below; the oracle of
:mod:`paper_lib.defense.exact.feasibility` says whether some point of the unit ball
satisfies all other rows. If so it is optimal, if not the answer holds new subsystems.
:mod:`paper_lib.defense.certificates.packings` turns those known into evidence for the
bound.
"""

import math
from collections.abc import Callable, Generator, Iterator
from functools import partial

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import Bounds, LinearConstraint, milp

from paper_lib.checks import check_count
from paper_lib.defense.certificates import packings
from paper_lib.defense.certificates.conflicts import clearest_pairs
from paper_lib.defense.exact.feasibility import Subsystem, common_point, find_subsystem
from paper_lib.defense.rows import UnitRows
from paper_lib.defense.solution import Progress

_ELASTIC_STEPS = 100


def hitting_set_search(
    rows: UnitRows,
    *,
    start: Float[np.ndarray, " d"] | None = None,
    remaining: Callable[[], float] = lambda: math.inf,
    max_nodes: int = 2000,
) -> Iterator[Progress]:
    """Alternate between master and oracle until the bounds meet.

    Args:
        rows: The rows, a few hundred.
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
    dim = normals.shape[1]
    check_count(max_nodes, "max_nodes", 1)
    point = np.zeros(dim) if start is None else start
    if point.shape != (dim,) or not np.isfinite(point).all():
        raise ValueError(
            f"start must be a finite point of shape ({dim},), got shape {point.shape}."
        )
    found = clearest_pairs(rows)
    least, proven, size, decided = len(thresholds) + 1, -1, 0, False
    while remaining() > 0:
        # Where rows only touch, rounding counts too few: decided points are shown.
        if (count := _violated(rows, point)) < least or decided:
            least = min(count, least)
            yield Progress(point=point)
        tree = yield from packings.prove_bound(
            found, len(thresholds), least, max_nodes if decided else 1, remaining
        )
        if tree.bound > proven:
            proven = tree.bound
            yield Progress(evidence=packings.packed_evidence(rows, found, tree))
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
        point, decided = yield from _ask(rows, ~hit, found)
        point = min(guess, point, key=partial(_violated, rows))


def _violated(rows: UnitRows, point: Float[np.ndarray, " d"]) -> int:
    """Count the rows a point violates."""
    return int((rows.normals.numpy() @ point < rows.thresholds.numpy()).sum())


def _ask(
    rows: UnitRows, kept: Bool[np.ndarray, " m"], found: list[Subsystem]
) -> Generator[Progress, None, tuple[Float[np.ndarray, " d"], bool]]:
    """Look for a point of all kept rows; where there is none, of as many as possible.

    Subsystems met on the way are added to ``found``: disjoint ones first, then those
    that keep a row from being satisfied beside the others.

    Returns:
        The point, and whether no proof was found that the kept rows have none.
    """
    normals, thresholds = rows.normals.numpy(), rows.thresholds.numpy()
    kept, size = kept.copy(), len(found)
    while (bad := find_subsystem(rows, kept)) is not None:
        found.append(bad)
        kept[bad.rows] = False
        yield Progress()
    point, decided = common_point(normals[kept], thresholds[kept]), len(found) == size
    if point is None:
        return np.zeros(normals.shape[1]), decided
    if decided:
        return point, True
    slack = normals @ point - thresholds
    kept |= slack >= 0
    for row in np.argsort(-slack).tolist():
        more = kept.copy()
        more[row] = True
        if kept[row] or any(more[known.rows].all() for known in found):
            continue
        yield Progress()
        if (bad := find_subsystem(rows, more)) is not None:
            found.append(bad)
        elif (better := common_point(normals[more], thresholds[more])) is not None:
            point, kept = better, more | (normals @ better >= thresholds)
    return point, False


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


def _smallest_hitting_set(
    found: list[Subsystem], preference: Float[np.ndarray, " m"], seconds: float
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
        constraints=LinearConstraint(packings.incidence(found, num), lb=1.0),
        options={"mip_rel_gap": 0.0, **limit},
    )
    return result.x > 0.5 if result.status == 0 else None
