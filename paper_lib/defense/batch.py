r"""Many problems at once: one classifier at many budgets, or many pairs of classes.

Budgets share their normals: only the thresholds :math:`1 - m_i / \epsilon` move with
them. So one matrix product serves all budgets in a step of the annealing, and each is
polished on the rows near its boundary. Pairs share nothing but their shape; they are
annealed as one batch too, and polished one by one. The rows' device does the annealing.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from paper_lib.checks import check_seed
from paper_lib.checks.operands import check_same_kind
from paper_lib.defense.ramp import (
    RampConfig,
    RampSolution,
    ascend,
    ramp_and_slope,
    ramp_rows,
    ramp_solution,
)
from paper_lib.defense.rows import (
    as_perturbation,
    fingerprints,
    row_thresholds,
    safe_rows,
)
from paper_lib.defense.search.annealing import anneal, anneal_from_several
from paper_lib.defense.search.local_search import MARGIN, hold_point, insert, search
from paper_lib.defense.search.min_norm import Gram, MinNorm
from paper_lib.defense.solution import Solution, Solver, certify
from paper_lib.geometry import l2_norm, project_l2_ball
from paper_lib.geometry.sums import full_precision
from paper_lib.robust_sets import RobustSets

# Rows far from their boundary rarely change sides while a point is polished: this share
# of the rows is near, and this many at least.
_NEAR, _LEAST_NEAR = 0.125, 500
# Decided rows get this threshold, or minus it: finite, and out of reach.
_DECIDED = 2.0
_PATH_EXCHANGES, _BATCH_EXCHANGES = 10, 60


@full_precision()
def coverage_path(family: Sequence[RobustSets], seed: int = 0) -> tuple[Solution, ...]:
    """Maximize the coverage of one classifier at many budgets.

    As the search of ``maximize_coverage`` does for each budget, with the annealing of
    all of them as one batch and the polish on the rows near their boundary alone.

    Args:
        family: Robust sets with equal normals, bit by bit, budgets in increasing order,
            on one device, which does the annealing.
        seed: Seed of all random choices.

    Returns:
        A solution for each budget, with the trivial upper bound. The same on every run.

    Raises:
        ValueError: If the family is empty, normals differ, budgets do not increase, or
            the seed is negative.

    Example:
        >>> family = [
        ...     RobustSets(
        ...         normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        ...         offsets=torch.tensor([0.7 - budget, 0.8 - budget]),
        ...         epsilon=budget,
        ...     )
        ...     for budget in (0.5, 1.0)
        ... ]
        >>> [solution.coverage for solution in coverage_path(family)]
        [1.0, 0.5]
    """
    seed = check_seed(seed)
    _check_family(family)
    device = family[0].normals.device
    normals = torch.from_numpy(safe_rows(family[0]).normals).float().to(device)
    lengths = l2_norm(family[0].normals.cpu())
    asked = torch.stack([row_thresholds(sets, lengths) for sets in family])
    asked = asked.clamp(-_DECIDED, _DECIDED)
    with threadpool_limits(limits=1):
        points = anneal_from_several(normals, asked.float().to(device), seed=seed)
        slack = (points @ normals.T).cpu() - asked
        normals = normals.cpu()
        points = [
            _finish(normals, *one, seed)
            for one in zip(asked, points.cpu(), slack, strict=True)
        ]
    return tuple(
        _solution(sets, as_perturbation(point, sets), "path", name)
        for sets, point, name in zip(family, points, fingerprints(family), strict=True)
    )


def _finish(
    normals: Float[Tensor, "m d"],
    thresholds: Float[Tensor, " m"],
    point: Float[Tensor, " d"],
    slack: Float[Tensor, " m"],
    seed: int,
) -> Float[np.ndarray, " d"]:
    """Polish a point on the rows near their boundary and exchange some of them.

    Returns:
        The result; the point as it was where that satisfies more of all rows.
    """
    rows = _nearest(slack)
    gram = Gram(normals[rows].numpy())
    gram.columns(np.arange(len(rows)))  # all at once, as most are needed
    start = point.double().numpy()
    asked = thresholds[rows].numpy()
    polished = _polish(gram, asked, start, seed, _PATH_EXCHANGES)
    after = normals @ torch.from_numpy(polished).float() >= thresholds
    return polished if after.sum() >= (slack >= 0).sum() else start


def _nearest(slack: Float[Tensor, " m"]) -> Int[Tensor, " k"]:
    """Choose the rows whose slack is next to zero, in order."""
    count = max(_LEAST_NEAR, int(_NEAR * len(slack)))
    return slack.abs().argsort(stable=True)[:count].sort().values


def maximize_batch(
    problems: Sequence[RobustSets], seed: int = 0
) -> tuple[Solution, ...]:
    """Maximize the coverage of several problems of one shape, annealed as one batch.

    Args:
        problems: Robust sets of equal shape, on one device, which does the annealing.
        seed: Seed of all random choices.

    Returns:
        A solution for each, with the trivial upper bound.

    Raises:
        ValueError: If there is no problem, shapes or devices differ, or the seed is
            negative.
    """
    seed = check_seed(seed)
    shapes = {(sets.normals.shape, sets.normals.device) for sets in problems}
    if len(shapes) != 1:
        raise ValueError(
            "problems must be robust sets of one shape on one device, got "
            f"{sorted(map(str, shapes))}."
        )
    with threadpool_limits(limits=1):
        device = problems[0].normals.device
        scaled = [safe_rows(sets) for sets in problems]
        normals = torch.from_numpy(np.stack([rows.normals for rows in scaled]))
        thresholds = torch.from_numpy(np.stack([rows.thresholds for rows in scaled]))
        asked = thresholds.clamp(-_DECIDED, _DECIDED).float().to(device)
        starts = torch.zeros(len(problems), normals.shape[-1], device=device)
        points = anneal(normals.float().to(device), asked, starts)
        solutions = []
        for sets, rows, u in zip(
            problems, scaled, points.cpu().double().numpy(), strict=True
        ):
            gram = Gram(rows.normals)
            point = _polish(gram, rows.thresholds, u, seed, _BATCH_EXCHANGES)
            solutions.append(_solution(sets, as_perturbation(point, sets), "batch"))
    return tuple(solutions)


@full_precision()
def ramp_ascents(
    problems: Sequence[RobustSets], *, config: RampConfig | None = None
) -> tuple[RampSolution, ...]:
    r"""Run :func:`ramp_ascent` on several problems as one batch, each from v = 0.

    Budgets and numbers of points may differ: lengths are measured in budgets, and rows
    that are missing are zero. Meant for devices where the launch of a product takes
    longer than the product; all rows are copied once.

    Args:
        problems: The robust sets of each problem.
        config: Settings of all of them; None: the defaults.

    Returns:
        The solutions, in order; those of :func:`ramp_ascent` up to rounding.

    Raises:
        ValueError: If there is no problem, or they differ in dimension, dtype or
            device.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0]]),
        ...     offsets=torch.tensor([0.5]),
        ...     epsilon=1.0,
        ... )
        >>> [solution.coverage for solution in ramp_ascents([sets, sets])]
        [1.0, 1.0]
    """
    config = config or RampConfig()
    _check_alike(problems)
    parts = [ramp_rows(sets, config.rows) for sets in problems]
    normals = pad_sequence([normals for normals, _ in parts], batch_first=True)
    offsets = pad_sequence([offsets for _, offsets in parts], batch_first=True)
    counts = offsets.new_tensor([len(sets.offsets) for sets in problems])
    budgets = offsets.new_tensor([[sets.epsilon] for sets in problems])
    batched = torch.vmap(ramp_and_slope)
    # The gradient in v points where that in v / budget does, and only that counts.
    points, values, flat = ascend(
        lambda unit: batched(normals, offsets, counts, unit * budgets),
        torch.zeros_like(normals[:, 0]),
        1.0,
        config,
    )
    return tuple(
        ramp_solution(
            sets,
            config,
            project_l2_ball(points[i] * budgets[i], sets.epsilon),
            values[:, i],
            flat[:, i],
        )
        for i, sets in enumerate(problems)
    )


def _polish(
    gram: Gram,
    thresholds: Float[np.ndarray, " m"],
    u: Float[np.ndarray, " d"],
    seed: int,
    exchanges: int,
) -> Float[np.ndarray, " d"]:
    """Polish a point and exchange rows so many times, unless that loses rows."""
    problem = MinNorm(gram, thresholds + MARGIN)
    held = insert(problem, hold_point(problem, u))
    for better in search(problem, held, seed=seed, exchanges=exchanges):
        held = better
    before = int((gram.normals @ u.astype(np.float32) >= thresholds).sum())
    return problem.point(held.active) if held.count >= before else u


def _solution(
    sets: RobustSets, v: Float[Tensor, " d"], method: Solver, name: str | None = None
) -> Solution:
    """Count and certify."""
    return Solution(
        perturbation=v,
        coverage=float(sets.coverage(v)),
        certificate=certify(sets, v, name=name),
        method=method,
    )


def _check_family(family: Sequence[RobustSets]) -> None:
    """Reject what is no family of budgets.

    Raises:
        ValueError: See :func:`coverage_path`.
    """
    if len(devices := {sets.normals.device for sets in family}) > 1:
        raise ValueError(
            f"family must be on one device, got {sorted(map(str, devices))}."
        )
    if not family:
        raise ValueError("family must hold robust sets for one budget at least, got 0.")
    budgets = [sets.epsilon for sets in family]
    if sorted(set(budgets)) != budgets:
        raise ValueError(f"family must have increasing budgets, got {budgets}.")
    first = _bits(family[0])
    if not all(torch.equal(_bits(sets), first) for sets in family[1:]):
        raise ValueError("family must have equal normals, got others at some budget.")


def _check_alike(problems: Sequence[RobustSets]) -> None:
    """Reject problems that do not fit one batch."""
    if not problems:
        raise ValueError("problems must be at least one, got none.")
    normals = {f"problems[{i}]": sets.normals for i, sets in enumerate(problems)}
    check_same_kind(**normals)
    dims = [rows.shape[1] for rows in normals.values()]
    if len(set(dims)) > 1:
        raise ValueError(f"problems must be of one dimension, got {dims}.")


def _bits(sets: RobustSets) -> Int[Tensor, "n d"]:
    """View the normals as integers: fingerprints tell zeros of other signs apart."""
    kind = torch.int32 if sets.normals.dtype == torch.float32 else torch.int64
    return sets.normals.contiguous().view(kind)
