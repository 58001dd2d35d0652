"""Maximizers of many problems as one batch, for devices where launches dominate."""

from collections.abc import Sequence

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.nn.utils.rnn import pad_sequence

from paper_lib.checks import check_seed
from paper_lib.checks.operands import check_same_kind
from paper_lib.defense import RampConfig, RampSolution, Solution
from paper_lib.defense.batch import DECIDED, polish_exchanging, solution_at
from paper_lib.defense.ramp import ascend, ramp_and_slope, ramp_rows, ramp_solution
from paper_lib.defense.rows import as_perturbation, safe_rows
from paper_lib.defense.search.annealing import anneal
from paper_lib.defense.search.min_norm import Gram
from paper_lib.geometry import project_l2_ball
from paper_lib.geometry.sums import full_precision
from paper_lib.robust_sets import RobustSets

_EXCHANGES = 60


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
        asked = thresholds.clamp(-DECIDED, DECIDED).float().to(device)
        starts = torch.zeros(len(problems), normals.shape[-1], device=device)
        points = anneal(normals.float().to(device), asked, starts)
        solutions = []
        for sets, rows, u in zip(
            problems, scaled, points.cpu().double().numpy(), strict=True
        ):
            gram = Gram(rows.normals)
            point = polish_exchanging(gram, rows.thresholds, u, seed, _EXCHANGES)
            solutions.append(solution_at(sets, as_perturbation(point, sets), "batch"))
    return tuple(solutions)


@full_precision()
def ramp_ascents(
    problems: Sequence[RobustSets], *, config: RampConfig | None = None
) -> tuple[RampSolution, ...]:
    r"""Run the paper's ascent on several problems as one batch, each from v = 0.

    Budgets and numbers of points may differ: lengths are measured in budgets, and rows
    that are missing are zero. Meant for devices where the launch of a product takes
    longer than the product; all rows are copied once.

    Args:
        problems: The robust sets of each problem.
        config: Settings of all of them; None: the defaults.

    Returns:
        The solutions, in order; those of :func:`~paper_lib.defense.ramp_ascent` up to
        rounding.

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


def _check_alike(problems: Sequence[RobustSets]) -> None:
    """Reject problems that do not fit one batch."""
    if not problems:
        raise ValueError("problems must be at least one, got none.")
    normals = {f"problems[{i}]": sets.normals for i, sets in enumerate(problems)}
    check_same_kind(**normals)
    dims = [rows.shape[1] for rows in normals.values()]
    if len(set(dims)) > 1:
        raise ValueError(f"problems must be of one dimension, got {dims}.")
