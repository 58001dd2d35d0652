r"""Every method for Eq. (7) behind one name, with its bounds, anytime.

Which method a problem gets, and which stages a method has, one after another: a search
first, say, and then bounds. :mod:`paper_lib.defense.anytime` runs them.
"""

from collections.abc import Iterator
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor

from paper_lib.arrangement.line_sweep import sweep
from paper_lib.checks import check_choice, check_count, check_seed
from paper_lib.defense.anytime import Best, Clock, Stage, lifted, run
from paper_lib.defense.certificates.certificate import Certificate
from paper_lib.defense.certificates.conflicts import matching_evidence
from paper_lib.defense.certificates.moments import moment_bounds
from paper_lib.defense.certificates.span import narrow_rows
from paper_lib.defense.exact.boxes import box_search
from paper_lib.defense.exact.closed_forms import closed_form, touching_point
from paper_lib.defense.exact.hitting_sets import hitting_set_search
from paper_lib.defense.exact.touch import tangent_point
from paper_lib.defense.ramp import ramp_ascent
from paper_lib.defense.rows import UnitRows, unit_rows
from paper_lib.defense.search.annealing import anneal_rows
from paper_lib.defense.search.local_search import exchange_search
from paper_lib.defense.solution import Method, Progress, Solution
from paper_lib.geometry import project_l2_ball
from paper_lib.robust_sets import RobustSets

# Without a time limit work is limited instead, so that results repeat. Where more is
# to follow, time on the search is well spent.
_EXCHANGES = 60
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
    method: Literal["auto", Method] = "auto",
    time_limit: float | None = None,
    seed: int = 0,
    *,
    exchanges: int = 10,
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
        exchanges: How often the search exchanges rows where no time limit says so; with
            none it ends with the polish, with more it may gain a row or two.

    Returns:
        The best perturbation found, its coverage and certificate, and which method it
        was. After Ctrl-C as well, with ``stopped_by`` saying so.

    Raises:
        TypeError: If the time limit or ``exchanges`` is no such number.
        ValueError: If the method is unknown or does not fit the rows, the time limit
            is not > 0, or the seed or ``exchanges`` is negative.

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
    check_choice(method, "method", ("auto", *get_args(Method)))
    clock, seed = Clock(limit=time_limit), check_seed(seed)
    exchanges = check_count(exchanges, "exchanges", 0)
    best = Best(rows=unit_rows(sets))
    chosen = _pick(best.rows) if method == "auto" else method
    run(_stages(chosen, best, seed, clock, exchanges), best, clock)
    defense = best.defense
    return Solution(
        perturbation=defense,
        coverage=float(sets.coverage(defense)),
        certificate=best.certificate(),
        method=chosen,
        stopped_by=best.stopped_by,
    )


def search_only(sets: RobustSets, seed: int) -> Float[Tensor, " d"]:
    """Anneal, polish and exchange rows sixty times, without any bound.

    Args:
        sets: The robust sets.
        seed: Seed of all random choices.

    Returns:
        The perturbation.

    Raises:
        KeyboardInterrupt: If interrupted.
    """
    best = Best(rows=unit_rows(sets))
    run([(_narrow_search(best.rows, seed), 1.0)], best, Clock(limit=None))
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

    Example:
        >>> import torch
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]),
        ...     offsets=torch.tensor([-0.5, -0.5]),
        ...     epsilon=1.0,
        ... )
        >>> certificate = upper_bound(sets, time_limit=None)
        >>> certificate.upper_count, certificate.verify(sets)
        (1, True)
    """
    clock, seed = Clock(limit=time_limit), check_seed(seed)
    if max_nodes is not None:
        max_nodes = check_count(max_nodes, "max_nodes", 1)
    elif time_limit is None:
        max_nodes = _NODES
    best = Best(rows=unit_rows(sets))
    stages = [(_bounds(best, seed, max_nodes, clock), 1.0)]
    if start is None:
        stages.insert(0, (_narrow_search(best.rows, seed), _SEARCH_SHARE))
    else:
        sets.check_in_ball(start, "start")
        best.offer(project_l2_ball(start.detach(), sets.epsilon))
        best.has_result = True
    run(stages, best, clock)
    return best.certificate()


def _pick(rows: UnitRows) -> Method:
    """Choose a method by the number of rows left to decide and their dimension."""
    num, dim = rows.normals.shape
    if num <= 2:
        return "closed_form"
    if dim == 2:
        return "plane"
    if dim <= _BOX_DIM:
        return "boxes"
    return "hitting_sets" if num <= _HITTING_SET_ROWS else "search"


def _stages(
    method: Method, best: Best, seed: int, clock: Clock, exchanges: int
) -> Iterator[Stage]:
    """Give the steps of a method in their order, each with its share of the time."""
    rows, limit = best.rows, clock.limit
    narrow, basis = narrow_rows(rows)
    boxes = box_search(rows, reached=lambda: max(best.count, best.reached))
    if method not in ("annealed", "ramp"):
        yield iter([Progress(point=tangent_point(rows))]), 1.0
    if method == "closed_form":
        solved = closed_form(rows)  # refuses more than two rows
        # With room first: a point on a boundary is another one's after rounding.
        yield iter([solved, Progress(point=touching_point(rows))]), 1.0
    elif method == "plane":
        yield plane_sweep(rows), 1.0
        yield boxes, 1.0
    elif method == "boxes":
        yield exchange_search(rows, seed, _EXCHANGES), _SEARCH_SHARE
        yield boxes, 1.0
    elif method == "hitting_sets":
        yield lifted(exchange_search(narrow, seed, _EXCHANGES), basis), _SEARCH_SHARE
        start = best.point if basis is None else best.point @ basis
        exact = hitting_set_search(narrow, remaining=clock.remaining, start=start)
        yield lifted(exact, basis), 1.0
    elif method == "search":
        number = None if limit else exchanges
        yield lifted(exchange_search(narrow, seed, number), basis), _SEARCH_SHARE
        if limit or len(rows.thresholds) <= _FEW_ROWS:
            yield _bounds(best, seed, None if limit else _FEW_NODES, clock), 1.0
    elif method == "annealed":
        annealed = Progress(point=anneal_rows(narrow, seed))
        yield lifted(iter([annealed]), basis), 1.0
    else:
        best.offer(ramp_ascent(rows.sets).perturbation)


def _narrow_search(rows: UnitRows, seed: int) -> Iterator[Progress]:
    """Search in the span of the rows."""
    narrow, basis = narrow_rows(rows)
    return lifted(exchange_search(narrow, seed, _EXCHANGES), basis)


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


def plane_sweep(rows: UnitRows) -> Iterator[Progress]:
    r"""Solve Eq. (7) for d = 2 in :math:`O(m^2 \log m)`.

    Points well inside their cell come first. Where more half-planes touch in a vertex
    or a segment, up to rounding, than meet in any cell, a point of it comes last: only
    an exact count can tell whether it is better.

    Args:
        rows: The rows left to decide, in the plane.

    Yields:
        The best point so far, some tens of milliseconds apart; after the last one the
        better of all is the maximizer.

    Raises:
        ValueError: If the rows have another dimension.
    """
    dim = rows.normals.shape[1]
    if dim != 2:
        raise ValueError(f"the sweep needs rows of dimension 2, got dimension {dim}.")
    for found in sweep(rows.normals.numpy(), -rows.thresholds.numpy(), 1.0):
        yield Progress(point=found.point)
