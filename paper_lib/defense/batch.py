r"""Many problems at once: one classifier at many budgets.

Budgets share their normals: only the thresholds :math:`1 - m_i / \epsilon` move with
them. So one matrix product serves all budgets in a step of the annealing, and each is
polished on the rows near its boundary. The rows' device does the annealing.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits
from torch import Tensor

from paper_lib.checks import check_seed
from paper_lib.checks.arguments import check_type
from paper_lib.defense.rows import as_perturbation, row_thresholds, safe_rows
from paper_lib.defense.search.annealing import anneal_from_several
from paper_lib.defense.search.local_search import MARGIN, hold_point, insert, search
from paper_lib.defense.search.min_norm import Gram, MinNorm
from paper_lib.defense.solution import Solution, Solver, certify
from paper_lib.geometry import l2_norm
from paper_lib.geometry.sums import full_precision
from paper_lib.robust_sets import RobustSets

# Rows far from their boundary rarely change sides while a point is polished: this share
# of the rows is near, and this many at least.
_NEAR, _LEAST_NEAR = 0.125, 500
# Decided rows get this threshold, or minus it: finite, and out of reach.
DECIDED = 2.0
_EXCHANGES = 10


@full_precision()
def coverage_path(family: Sequence[RobustSets], seed: int = 0) -> tuple[Solution, ...]:
    """Maximize the coverage of one classifier at many budgets.

    As the search of ``maximize_coverage`` does for each budget, with the annealing of
    all of them as one batch and the polish on the rows near their boundary alone.

    Args:
        family: Robust sets with equal normals, budgets in increasing order,
            on one device, which does the annealing.
        seed: Seed of all random choices.

    Returns:
        A solution for each budget, with the trivial upper bound. The same on every run.

    Raises:
        TypeError: If the family is no sequence of robust sets.
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
    asked = asked.clamp(-DECIDED, DECIDED)
    with threadpool_limits(limits=1):
        points = anneal_from_several(normals, asked.float().to(device), seed=seed)
        slack = (points @ normals.T).cpu() - asked
        normals = normals.cpu()
        points = [
            _finish(normals, *one, seed)
            for one in zip(asked, points.cpu(), slack, strict=True)
        ]
    return tuple(
        solution_at(sets, as_perturbation(point, sets), "path")
        for sets, point in zip(family, points, strict=True)
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
    polished = polish_exchanging(gram, asked, start, seed, _EXCHANGES)
    after = normals @ torch.from_numpy(polished).float() >= thresholds
    return polished if after.sum() >= (slack >= 0).sum() else start


def _nearest(slack: Float[Tensor, " m"]) -> Int[Tensor, " k"]:
    """Choose the rows whose slack is next to zero, in order."""
    count = max(_LEAST_NEAR, int(_NEAR * len(slack)))
    return slack.abs().argsort(stable=True)[:count].sort().values


def polish_exchanging(
    gram: Gram,
    thresholds: Float[np.ndarray, " m"],
    u: Float[np.ndarray, " d"],
    seed: int,
    exchanges: int,
) -> Float[np.ndarray, " d"]:
    """Polish a point and exchange rows so many times, unless that loses rows.

    Args:
        gram: The rows, and their products so far.
        thresholds: What each row asks of its product with the point.
        u: The point.
        seed: Seed of the exchanges.
        exchanges: How many.

    Returns:
        The result; the point as it was where that satisfies more rows.
    """
    problem = MinNorm(gram, thresholds + MARGIN)
    held = insert(problem, hold_point(problem, u))
    for better in search(problem, held, seed=seed, exchanges=exchanges):
        held = better
    before = int((gram.normals @ u.astype(np.float32) >= thresholds).sum())
    return problem.point(held.active) if held.count >= before else u


def solution_at(sets: RobustSets, v: Float[Tensor, " d"], method: Solver) -> Solution:
    """Count the coverage of a perturbation and certify it.

    Args:
        sets: The robust sets.
        v: The perturbation.
        method: What found it.

    Returns:
        The solution, with the trivial upper bound.
    """
    return Solution(
        perturbation=v,
        coverage=float(sets.coverage(v)),
        certificate=certify(sets, v),
        method=method,
    )


def _check_family(family: Sequence[RobustSets]) -> None:
    """Reject what is no family of budgets.

    Raises:
        TypeError: See :func:`coverage_path`.
        ValueError: Likewise.
    """
    check_type(family, "family", Sequence)
    for place, sets in enumerate(family):
        check_type(sets, f"family[{place}]", RobustSets)
    if len(devices := {sets.normals.device for sets in family}) > 1:
        raise ValueError(
            f"family must be on one device, got {sorted(map(str, devices))}."
        )
    if not family:
        raise ValueError("family must hold robust sets for one budget at least, got 0.")
    budgets = [sets.epsilon for sets in family]
    if sorted(set(budgets)) != budgets:
        raise ValueError(f"family must have increasing budgets, got {budgets}.")
    first = family[0].normals
    if not all(torch.equal(sets.normals, first) for sets in family[1:]):
        raise ValueError("family must have equal normals, got others at some budget.")
