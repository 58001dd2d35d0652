r"""Trading violated rows for slack in the norm: the polish, and steps beyond it.

The rows that a point satisfies are satisfied by a shorter one too, the point of least
norm. What is left of the budget pays for further rows, the cheapest first. When none is
affordable a few of the rows that hold the point are given up and others take their
place; the change is kept unless it loses rows.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from paper_lib.defense.rows import UnitRows
from paper_lib.defense.search.annealing import anneal_rows
from paper_lib.defense.search.min_norm import EMPTY, TOLERANCE, Active, Gram, MinNorm
from paper_lib.defense.solution import Progress

# How far inside its half-space and the ball a point is kept, in shares of the budget:
# more than the rounding of single precision.
MARGIN = 2e-5
# The squared length that leaves as much.
_LIMIT = (1.0 - MARGIN / 2) ** 2
_MOST_GIVEN_UP = 4
# A better point is shown after so many trials.
_TRIALS_A_COUNT = 20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Held:
    """Rows that one point satisfies, and what holds it.

    Attributes:
        satisfied: The rows, a margin included.
        active: The active set of the shortest such point.
        values: The product of each row with it.
    """

    satisfied: Bool[np.ndarray, " m"]
    active: Active
    values: Float[np.ndarray, " m"]

    @property
    def count(self) -> int:
        """How many rows are satisfied."""
        return int(self.satisfied.sum())


def hold(
    problem: MinNorm,
    satisfied: Bool[np.ndarray, " m"],
    active: Active = EMPTY,
) -> Held | None:
    """Find the shortest point that satisfies given rows, and all that it satisfies.

    Args:
        problem: The rows.
        satisfied: Those to satisfy.
        active: Where to begin.

    Returns:
        The point; None if it would be too long.
    """
    holding = problem.enforce(active, satisfied, _LIMIT)
    if holding is None:
        return None
    values = problem.values(holding)
    more = values >= problem.thresholds - TOLERANCE
    return Held(satisfied=satisfied | more, active=holding, values=values)


def hold_point(problem: MinNorm, u: Float[np.ndarray, " d"]) -> Held:
    """Begin with the rows that a point satisfies.

    Args:
        problem: The rows.
        u: A point of the unit ball.

    Returns:
        The shortest point that satisfies as much; less where the margin makes that too
        long.
    """
    values = problem.gram.normals @ u.astype(np.float32)
    for slack in (0.0, 1e-4, 1e-3, 1e-2, 1e-1):
        satisfied = values >= problem.thresholds + slack
        if (held := hold(problem, satisfied)) is not None:
            return held
    values = np.zeros(len(problem.thresholds))
    return Held(satisfied=problem.thresholds <= 0, active=EMPTY, values=values)


def insert(
    problem: MinNorm, held: Held, barred: Bool[np.ndarray, " m"] | None = None
) -> Held:
    """Satisfy further rows while the norm allows, the cheapest first.

    Args:
        problem: The rows.
        held: Where to begin.
        barred: Rows not to insert.

    Returns:
        A point to which no row can be added.
    """
    hopeless = np.zeros(len(held.satisfied), dtype=bool) if barred is None else barred
    hopeless = hopeless.copy()
    while True:
        for row in _affordable(problem, held, hopeless):
            if (more := _hold_another(problem, held, row)) is not None:
                held = more
                break
            hopeless[row] = True
        else:
            return held


def _hold_another(problem: MinNorm, held: Held, row: int) -> Held | None:
    """Satisfy one more row if the norm allows."""
    changed = problem.add(held.active, row, _LIMIT)
    if changed is None:
        return None
    wanted = held.satisfied.copy()
    wanted[row] = True
    return hold(problem, wanted, changed)


def _affordable(
    problem: MinNorm, held: Held, hopeless: Bool[np.ndarray, " m"]
) -> list[int]:
    """List the rows that the norm may allow, the one that lengthens u least first.

    Args:
        problem: The rows.
        held: Where to begin.
        hopeless: Rows not to consider.

    Returns:
        The rows. The first step towards a row, with all active rows kept, is a lower
        bound on what it costs.
    """
    spare = _LIMIT - problem.length_squared(held.active)
    missing = problem.thresholds - held.values
    near = ~held.satisfied & ~hopeless & (missing**2 <= spare)
    rows = np.flatnonzero(near)
    costs = missing[rows] ** 2
    if len(held.active.rows):
        products = problem.gram.columns(held.active.rows)[:, rows].astype(np.float64)
        explained = (products * (held.active.inverse @ products)).sum(axis=0)
        costs = costs / np.maximum(1.0 - explained, 1e-9)
    order = np.argsort(costs, kind="stable")
    return rows[order[costs[order] <= spare]].tolist()


def search(
    problem: MinNorm, held: Held, *, seed: int, exchanges: int | None
) -> Iterator[Held]:
    """Give up a few rows that hold the point and put others in their place.

    Args:
        problem: The rows.
        held: Where to begin.
        seed: Seed of the choice of rows.
        exchanges: How many to try; None: no limit.

    Yields:
        The best point so far, after every trial.
    """
    draw = np.random.default_rng(seed)
    best = current = held
    trials = itertools.count() if exchanges is None else range(exchanges)
    for _ in trials if len(held.active.rows) else ():
        changed = _exchange(problem, current, _to_give_up(current.active, draw))
        if changed is not None and changed.count >= current.count:
            current = changed
        if current.count > best.count:
            best = current
        yield best


def _to_give_up(active: Active, draw: np.random.Generator) -> Int[np.ndarray, " k"]:
    """Draw rows with probabilities that follow what giving them up would save."""
    savings = active.multipliers**2 / np.diag(active.inverse)
    weights = savings / savings.sum()
    number = min(int(draw.integers(1, _MOST_GIVEN_UP + 1)), int((weights > 0).sum()))
    return draw.choice(active.rows, size=number, replace=False, p=weights)


def _exchange(problem: MinNorm, held: Held, rows: Int[np.ndarray, " k"]) -> Held | None:
    """Give up some rows, insert others, then try the given ones again."""
    wanted = held.satisfied.copy()
    wanted[rows] = False
    active = problem.release(held.active, rows)
    smaller = hold(problem, wanted, active)
    if smaller is None:
        return None
    given_up = ~wanted & held.satisfied
    # What cannot be afforded now cannot be afforded later, with more rows held.
    return insert(problem, insert(problem, smaller, given_up), ~given_up)


def exchange_search(
    rows: UnitRows, seed: int, exchanges: int | None
) -> Iterator[Progress]:
    """Anneal, polish, then exchange rows.

    Args:
        rows: The rows to decide.
        seed: Seed of all random choices.
        exchanges: How many to try; None: no limit.

    Yields:
        The polished point, later on better ones, and nothing after the other steps.
    """
    if not len(rows.thresholds):
        return
    start = anneal_rows(rows, seed)
    yield Progress()
    problem = MinNorm(Gram(rows.normals.numpy()), rows.thresholds.numpy() + MARGIN)
    held = shown = best = insert(problem, hold_point(problem, start))
    yield Progress(point=problem.point(held.active))
    for trial, best in enumerate(search(problem, held, seed=seed, exchanges=exchanges)):
        # Counting exactly takes as long as a few trials.
        better = best.count > shown.count and trial % _TRIALS_A_COUNT == 0
        shown = best if better else shown
        yield Progress(point=problem.point(best.active) if better else None)
    if best.count > shown.count:
        yield Progress(point=problem.point(best.active))
