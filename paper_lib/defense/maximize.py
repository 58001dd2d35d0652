r"""Every method for Eq. (7) behind one name, with its bounds, anytime.

Which method a problem gets, and which stages a method has, one after another: a search
first, say, and then bounds. :mod:`paper_lib.defense.anytime` runs them.
"""

import math
from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import check_count, check_seed
from paper_lib.checks.arguments import check_number
from paper_lib.defense.anytime import Best, Clock, Stage, lifted, run
from paper_lib.defense.certificates.certificate import Certificate
from paper_lib.defense.certificates.conflicts import matching_evidence
from paper_lib.defense.certificates.moments import moment_bounds
from paper_lib.defense.certificates.span import narrow_rows
from paper_lib.defense.exact.boxes import box_search
from paper_lib.defense.exact.closed_forms import closed_form, touching_point
from paper_lib.defense.exact.hitting_sets import hitting_set_search
from paper_lib.defense.exact.planar_solver import plane_sweep
from paper_lib.defense.exact.touch import tangent_point
from paper_lib.defense.ramp import check_start, ramp_ascent
from paper_lib.defense.rows import UnitRows, unit_rows
from paper_lib.defense.search.annealing import anneal_from_several
from paper_lib.defense.search.local_search import MARGIN, hold_point, insert, search
from paper_lib.defense.search.min_norm import Gram, MinNorm
from paper_lib.defense.solution import Progress, Solution
from paper_lib.geometry import project_l2_ball
from paper_lib.robust_sets import RobustSets

Method = Literal[
    "auto",
    "closed_form",
    "plane",
    "boxes",
    "hitting_sets",
    "search",
    "annealed",
    "ramp",
]
# Without a time limit work is limited instead, so that results repeat. Where more is
# to follow, time on the search is well spent.
_TRIALS, _TRIALS_A_COUNT = 60, 20
_NODES, _FEW_NODES = 101, 21
# The share of a time limit after which the search makes room for the bounds.
_SEARCH_SHARE = 0.3
# How large a problem "auto" hands to the exact methods.
_BOX_DIM, _HITTING_SET_ROWS = 3, 40
# Seconds that the first steps towards a bound may take, for each pair of rows and for
# each product in a cell's matrix: generous, and only looked at under a time limit.
_PAIR_SECONDS, _CELL_SECONDS = 1e-7, 4e-10
# Conflicts cost the square of the number of rows; up to here they come unasked.
_FEW_ROWS = 1000


def maximize_coverage(
    sets: RobustSets,
    method: Method = "auto",
    time_limit: float | None = None,
    seed: int = 0,
    *,
    max_trials: int = 10,
) -> Solution:
    r"""Look for the perturbation in most robust sets, and say how good it is.

    Maximizes :math:`\phi_n(v)`, Eq. (7), over V. Methods: ``"closed_form"`` for up to
    two rows (Sec. 4), ``"plane"`` in two dimensions, ``"boxes"`` in few, and
    ``"hitting_sets"`` for few rows are exact; ``"search"`` anneals, polishes and
    exchanges rows; ``"annealed"`` and ``"ramp"`` (the paper's) stop earlier.

    Args:
        sets: The robust sets.
        method: The method; ``"auto"`` picks by size.
        time_limit: Seconds, kept within about a tenth unless one step takes longer.
            What is left after the search goes into the upper bound. None: a fixed
            amount of work, the same on every run; for large problems the upper bound
            is then the trivial one, and :func:`upper_bound` gives a better one.
        seed: Seed of all random choices.
        max_trials: How often the search exchanges rows where no time limit says so;
            more may gain a row or two.

    Returns:
        The best perturbation found, its coverage and certificate, and which method it
        was. After Ctrl-C as well, with ``stopped_by`` saying so.

    Raises:
        TypeError: If the time limit or ``max_trials`` is no such number.
        ValueError: If the method is unknown or does not fit the rows, the time limit
            is not > 0, or the seed or ``max_trials`` is negative.

    Example:
        >>> import torch
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]),
        ...     offsets=torch.tensor([-0.5, -0.5, -0.5]),
        ...     epsilon=1.0,
        ... )
        >>> solution = maximize_coverage(sets)
        >>> solution.method, round(solution.coverage, 3), solution.certificate.gap
        ('plane', 0.667, 0.0)
    """
    seed = _check(method, time_limit, seed)
    max_trials = check_count(max_trials, "max_trials", 0)
    rows = unit_rows(sets)
    chosen = _pick(rows) if method == "auto" else method
    clock = Clock(limit=time_limit)
    best = Best.of(rows)
    run(_stages(chosen, best, seed, clock, max_trials), best, clock)
    defense = best.defense
    return Solution(
        perturbation=defense,
        coverage=float(sets.coverage(defense)),
        certificate=best.certificate(),
        method=chosen,
        stopped_by=best.stopped_by,
    )


def search_only(sets: RobustSets, seed: int) -> Float[Tensor, " d"]:
    """Anneal, polish and exchange rows, without any bound.

    Args:
        sets: The robust sets.
        seed: Seed of all random choices.

    Returns:
        The perturbation.

    Raises:
        KeyboardInterrupt: If interrupted.
    """
    best, clock = Best.of(unit_rows(sets)), Clock(limit=None)
    run([(_whole_search(best.rows, seed), 1.0)], best, clock)
    if best.stopped_by == "interrupt":
        raise KeyboardInterrupt
    return best.perturbation


def upper_bound(
    sets: RobustSets,
    time_limit: float | None = 10.0,
    *,
    max_nodes: int | None = None,
    seed: int = 0,
    start: Float[Tensor, " d"] | None = None,
) -> Certificate:
    r"""Bound the maximum of :math:`\phi_n` from above, with a proof.

    Conflicting pairs first, then the moments of
    :mod:`paper_lib.defense.certificates.moments`.

    Args:
        sets: The robust sets.
        time_limit: Seconds; None: ``max_nodes`` alone ends it, so that the result is
            the same on every run.
        max_nodes: Cells of the ball to solve, at most; None: no limit, or about a
            hundred without a time limit.
        seed: Seed of all random choices.
        start: A good perturbation, the witness of the lower bound; None: one is looked
            for.

    Returns:
        The certificate.

    Raises:
        TypeError: If a limit is no such number.
        ValueError: If a limit is not > 0, the seed is negative, or ``start`` does not
            fit the rows or lies outside V.
    """
    seed = _check("search", time_limit, seed)
    if max_nodes is not None:
        max_nodes = check_count(max_nodes, "max_nodes", 1)
    clock, best = Clock(limit=time_limit), Best.of(unit_rows(sets))
    if start is not None:
        check_start(sets, start)
        start = start.detach()
        best.offer(project_l2_ball(start, sets.epsilon))
        best.has_result = True
    stages = [(_bounds(best, seed, _node_limit(max_nodes, time_limit), clock), 1.0)]
    if start is None:
        stages.insert(0, (_whole_search(best.rows, seed), _SEARCH_SHARE))
    run(stages, best, clock)
    return best.certificate()


def _check(method: str, time_limit: float | None, seed: int) -> int:
    """Reject an unknown method, a limit that is no time, and no seed.

    Returns:
        The seed as an integer of Python's own.

    Raises:
        TypeError: If the limit is no number.
        ValueError: See the summary.
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {get_args(Method)}, got {method!r}.")
    if time_limit is not None:
        check_number(time_limit, "time_limit", "seconds or None")
        if not 0.0 < time_limit < math.inf:
            raise ValueError(f"time_limit must be finite and > 0, got {time_limit}.")
    return check_seed(seed)


def _pick(rows: UnitRows) -> str:
    """Choose a method by the number of rows left to decide and their dimension."""
    num, dim = rows.normals.shape
    if num <= 2:
        return "closed_form"
    if dim == 2:
        return "plane"
    if dim <= _BOX_DIM:
        return "boxes"
    return "hitting_sets" if num <= _HITTING_SET_ROWS else "search"


def _node_limit(max_nodes: int | None, time_limit: float | None) -> int | None:
    return _NODES if max_nodes is None and time_limit is None else max_nodes


def _stages(
    method: str,
    best: Best,
    seed: int,
    clock: Clock,
    max_trials: int,
) -> Iterator[Stage]:
    """Give the steps of a method in their order, each with its share of the time."""
    rows, limit = best.rows, clock.limit
    narrow, basis = narrow_rows(rows)
    if method not in ("annealed", "ramp"):
        yield iter([Progress(point=tangent_point(rows))]), 1.0
    if method == "closed_form":
        solved = closed_form(rows)  # refuses more than two rows
        # With room first: a point on a boundary is another one's after rounding.
        yield iter([solved, Progress(point=touching_point(rows))]), 1.0
    elif method == "plane":
        yield plane_sweep(rows), 1.0
        yield box_search(rows, reached=lambda: max(best.count, best.reached)), 1.0
    elif method == "boxes":
        yield _search(rows, seed, _TRIALS), _SEARCH_SHARE
        yield box_search(rows, reached=lambda: max(best.count, best.reached)), 1.0
    elif method == "hitting_sets":
        yield lifted(_search(narrow, seed, _TRIALS), basis), _SEARCH_SHARE
        start = best.point if basis is None else best.point @ basis
        exact = hitting_set_search(narrow, remaining=clock.remaining, start=start)
        yield lifted(exact, basis), 1.0
    elif method == "search":
        trials = None if limit else max_trials
        yield lifted(_search(narrow, seed, trials), basis), _SEARCH_SHARE
        if limit or len(rows.thresholds) <= _FEW_ROWS:
            yield _bounds(best, seed, None if limit else _FEW_NODES, clock), 1.0
    elif method == "annealed":
        yield lifted(iter([Progress(point=_annealed(narrow, seed))]), basis), 1.0
    else:
        best.offer(ramp_ascent(rows.sets).perturbation)


def _annealed(rows: UnitRows, seed: int) -> Float[np.ndarray, " d"]:
    """Anneal in single precision, which is enough for a start."""
    if not len(rows.thresholds):
        return np.zeros(rows.normals.shape[1])
    normals, thresholds = rows.normals.float(), rows.thresholds.float()
    return anneal_from_several(normals, thresholds, seed=seed).double().numpy()


def _whole_search(rows: UnitRows, seed: int) -> Iterator[Progress]:
    """Search in the span of the rows for as long as other methods follow."""
    narrow, basis = narrow_rows(rows)
    return lifted(_search(narrow, seed, _TRIALS), basis)


def _search(rows: UnitRows, seed: int, max_trials: int | None) -> Iterator[Progress]:
    """Anneal, polish, then exchange rows."""
    if not len(rows.thresholds):
        return
    start = _annealed(rows, seed)
    yield Progress()
    problem = MinNorm(Gram(rows.normals.numpy()), rows.thresholds.numpy() + MARGIN)
    held = insert(problem, hold_point(problem, start))
    yield Progress(point=problem.point(held.active))
    found = best = held
    for trial, best in enumerate(
        search(problem, held, seed=seed, max_trials=max_trials)
    ):
        # Counting exactly takes as long as a few trials.
        better = best.count > found.count and trial % _TRIALS_A_COUNT == 0
        found = best if better else found
        yield Progress(point=problem.point(best.active) if better else None)
    if best.count > found.count:
        yield Progress(point=problem.point(best.active))


def _bounds(
    best: Best, seed: int, max_nodes: int | None, clock: Clock
) -> Iterator[Progress]:
    """Bound by conflicting pairs, then by moments, as far as there is time for each."""
    num, dim = best.sets.normals.shape
    if clock.remaining() > _PAIR_SECONDS * num**2:
        yield Progress(evidence=matching_evidence(best.rows))
    if clock.remaining() < _CELL_SECONDS * (num + dim) * min(num, dim) ** 2:
        return
    yield from moment_bounds(
        best.sets, seed=seed, start=best.point, max_nodes=max_nodes
    )
