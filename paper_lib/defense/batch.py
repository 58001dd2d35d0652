r"""Many problems at once: one classifier at many budgets, or many pairs of classes.

Budgets share their normals: only the thresholds :math:`1 - m_i / \epsilon` move with
them. So the products between rows are computed once, and each budget begins with what
the one before found. Pairs share nothing but their shape; they are annealed as one
batch, on the device the rows are on, and polished one by one.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.defense.annealing import AnnealConfig, anneal
from paper_lib.defense.local_search import MARGIN, hold_point, insert, search
from paper_lib.defense.maximize import maximize_coverage
from paper_lib.defense.min_norm import Gram, MinNorm
from paper_lib.defense.rows import as_perturbation, safe_rows
from paper_lib.defense.solution import Solution, certify
from paper_lib.robust_sets import RobustSets

# A warm start needs neither wide functions nor many steps.
_WARM = AnnealConfig(
    num_steps=25, first_width=0.03, last_width=0.003, first_step=0.02, last_step=0.002
)
_WARM_TRIALS = 12


def coverage_path(family: Sequence[RobustSets], seed: int = 0) -> tuple[Solution, ...]:
    """Maximize the coverage of one classifier at many budgets.

    The middle budget is solved from scratch; from there each one begins with the
    solution of its neighbor.

    Args:
        family: Robust sets with equal normals, budgets in increasing order.
        seed: Seed of all random choices.

    Returns:
        A solution for each budget, with the trivial upper bound. The same on every run.

    Raises:
        ValueError: If the family is empty, normals differ, or budgets do not increase.
        KeyboardInterrupt: If interrupted: part of a path is no path.
    """
    _check_family(family)
    gram = Gram(safe_rows(family[0]).normals)
    middle = len(family) // 2
    first = maximize_coverage(family[middle], method="search", seed=seed)
    if first.stopped_by == "interrupt":
        raise KeyboardInterrupt
    found = {middle: first.perturbation}
    for numbers in (range(middle + 1, len(family)), range(middle - 1, -1, -1)):
        near, previous = first.perturbation, family[middle]
        for number in numbers:
            start = near.double().cpu().numpy() / (previous.epsilon or 1.0)
            near = _warm(family[number], gram, start, seed)
            found[number], previous = near, family[number]
    return tuple(
        _solution(sets, found[number], "path") for number, sets in enumerate(family)
    )


def maximize_batch(
    problems: Sequence[RobustSets],
    seed: int = 0,
    *,
    config: AnnealConfig | None = None,
) -> tuple[Solution, ...]:
    """Maximize the coverage of several problems of one shape, annealed as one batch.

    Args:
        problems: Robust sets of equal shape, on one device, which does the annealing.
        seed: Seed of all random choices.
        config: Settings of the annealing; None: the defaults.

    Returns:
        A solution for each, with the trivial upper bound.

    Raises:
        ValueError: If there is no problem, or shapes or devices differ.
    """
    shapes = {(sets.normals.shape, sets.normals.device) for sets in problems}
    if len(shapes) != 1:
        raise ValueError(
            "problems must be robust sets of one shape on one device, got "
            f"{sorted(map(str, shapes))}."
        )
    device = problems[0].normals.device
    scaled = [safe_rows(sets) for sets in problems]
    normals = torch.from_numpy(np.stack([rows.normals for rows in scaled]))
    thresholds = torch.from_numpy(np.stack([rows.thresholds for rows in scaled]))
    found = anneal(
        normals.float().to(device),
        # Rows decided beforehand get a finite threshold that decides them as well.
        thresholds.clamp(-2.0, 2.0).float().to(device),
        torch.zeros(len(problems), normals.shape[-1], device=device),
        config=config or AnnealConfig(),
    )
    return tuple(
        _solution(sets, _polish(sets, Gram(rows.normals), u, seed), "batch")
        for sets, rows, u in zip(
            problems, scaled, found.double().cpu().numpy(), strict=True
        )
    )


def _solution(sets: RobustSets, v: Float[Tensor, " d"], method: str) -> Solution:
    """Count and certify."""
    return Solution(
        perturbation=v,
        coverage=float(sets.coverage(v)),
        certificate=certify(sets, v),
        method=method,
    )


def _check_family(family: Sequence[RobustSets]) -> None:
    """Reject what is no family of budgets.

    Raises:
        ValueError: See :func:`coverage_path`.
    """
    if not family:
        raise ValueError("family must hold robust sets for one budget at least, got 0.")
    budgets = [sets.epsilon for sets in family]
    if sorted(set(budgets)) != budgets:
        raise ValueError(f"family must have increasing budgets, got {budgets}.")
    if not all(torch.equal(sets.normals, family[0].normals) for sets in family):
        raise ValueError("family must have equal normals, got others at some budget.")


def _warm(
    sets: RobustSets, gram: Gram, start: Float[np.ndarray, " d"], seed: int
) -> Float[Tensor, " d"]:
    """Anneal a little from a neighbor's solution, then polish."""
    thresholds = np.clip(safe_rows(sets).thresholds, -2.0, 2.0)
    u = anneal(
        torch.from_numpy(gram.normals),
        torch.from_numpy(thresholds).float()[None],
        torch.from_numpy(start).float()[None],
        config=_WARM,
    )[0]
    return _polish(sets, gram, u.double().numpy(), seed)


def _polish(
    sets: RobustSets, gram: Gram, u: Float[np.ndarray, " d"], seed: int
) -> Float[Tensor, " d"]:
    """Polish a point and exchange a few rows."""
    problem = MinNorm(gram, safe_rows(sets).thresholds + MARGIN)
    held = insert(problem, hold_point(problem, u))
    for better in search(problem, held, seed=seed, max_trials=_WARM_TRIALS):
        held = better
    polished = as_perturbation(problem.point(held.active), sets)
    plain = as_perturbation(u, sets)
    return max(polished, plain, key=lambda v: float(sets.coverage(v)))
