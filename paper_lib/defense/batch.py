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
from threadpoolctl import threadpool_limits
from torch import Tensor

from paper_lib.checks import check_seed
from paper_lib.defense.annealing import AnnealConfig, anneal
from paper_lib.defense.local_search import MARGIN, hold_point, insert, search
from paper_lib.defense.min_norm import EMPTY, Active, Gram, MinNorm
from paper_lib.defense.rows import as_perturbation, safe_rows
from paper_lib.defense.solution import Solution, certify
from paper_lib.geometry import l2_norm
from paper_lib.robust_sets import RobustSets

# First all budgets together, on some of the rows and with wide functions; then each one
# by itself, from the better of what that gave and its neighbor's solution.
_COARSE = AnnealConfig(num_steps=50, last_width=0.03)
_COARSE_ROWS = 2000
_FINE = AnnealConfig(num_steps=40, first_width=0.05, first_step=0.03)
_PATH_TRIALS, _BATCH_TRIALS = 4, 60


def coverage_path(family: Sequence[RobustSets], seed: int = 0) -> tuple[Solution, ...]:
    """Maximize the coverage of one classifier at many budgets.

    The largest budget comes first. What it covers a smaller one covers with less than
    its norm, and so each begins with what the one before held.

    Args:
        family: Robust sets with equal normals, budgets in increasing order.
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
    check_seed(seed)
    _check_family(family)
    gram = Gram(safe_rows(family[0]).normals)
    asked = _family_thresholds(family)
    with threadpool_limits(limits=1):
        starts = _coarse(gram, asked, seed)
        found: list[Float[Tensor, " d"]] = []
        point, active = np.zeros(starts.shape[1]), EMPTY
        for sets, thresholds, start in reversed(
            list(zip(family, asked, starts, strict=True))
        ):
            counts = [_count(gram, thresholds, u) for u in (start, point)]
            better = start if counts[0] > counts[1] else point
            point, active = _fine(gram, thresholds, better, active, seed)
            found.append(as_perturbation(point, sets))
    return tuple(
        _solution(sets, v, "path")
        for sets, v in zip(family, reversed(found), strict=True)
    )


def _family_thresholds(family: Sequence[RobustSets]) -> Float[np.ndarray, "k m"]:
    """Compute what each row asks for at each budget; decided rows ask for 2 or -2."""
    normals = family[0].normals.detach().cpu()
    lengths = l2_norm(normals)
    lines = []
    for sets in family:
        offsets = sets.offsets.detach().cpu().double()
        reach = lengths * sets.epsilon
        asked = torch.where(reach > 0, -offsets / reach, -offsets.sign() * torch.inf)
        lines.append(asked.nan_to_num(nan=-torch.inf).clamp(-2.0, 2.0))
    return torch.stack(lines).numpy()


def _coarse(
    gram: Gram, asked: Float[np.ndarray, "k m"], seed: int
) -> Float[np.ndarray, "k d"]:
    """Anneal each budget from zero and from the mean normal; keep the better."""
    draw = np.random.default_rng(seed)
    rows = draw.permutation(asked.shape[1])[:_COARSE_ROWS]
    mean = gram.normals.mean(axis=0)
    mean = 0.5 * mean / max(float(np.linalg.norm(mean)), 1e-12)
    starts = np.repeat([np.zeros_like(mean), mean], len(asked), axis=0)
    found = anneal(
        torch.from_numpy(gram.normals[rows]),
        torch.from_numpy(np.tile(asked[:, rows], (2, 1)).astype(np.float32)),
        torch.from_numpy(starts.astype(np.float32)),
        config=_COARSE,
    ).numpy()
    counts = (found @ gram.normals.T >= np.tile(asked, (2, 1))).sum(axis=1)
    second = counts[len(asked) :] > counts[: len(asked)]
    choice = np.arange(len(asked)) + np.where(second, len(asked), 0)
    return found[choice].astype(np.float64)


def _count(
    gram: Gram, thresholds: Float[np.ndarray, " m"], u: Float[np.ndarray, " d"]
) -> int:
    """Count the rows that a point satisfies."""
    return int((gram.normals @ u.astype(np.float32) >= thresholds).sum())


def _fine(
    gram: Gram,
    thresholds: Float[np.ndarray, " m"],
    start: Float[np.ndarray, " d"],
    active: Active,
    seed: int,
) -> tuple[Float[np.ndarray, " d"], Active]:
    """Anneal a little from a start, polish, and exchange a few rows."""
    u = anneal(
        torch.from_numpy(gram.normals),
        torch.from_numpy(thresholds.astype(np.float32))[None],
        torch.from_numpy(start.astype(np.float32))[None],
        config=_FINE,
    )[0]
    return _polish(gram, thresholds, u.double().numpy(), active, seed, _PATH_TRIALS)


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
        ValueError: If there is no problem, shapes or devices differ, or the seed is
            negative.
    """
    check_seed(seed)
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
    solutions = []
    for sets, asked, u in zip(problems, scaled, found.double().cpu(), strict=True):
        point, _ = _polish(
            Gram(asked.normals), asked.thresholds, u.numpy(), EMPTY, seed, _BATCH_TRIALS
        )
        solutions.append(_solution(sets, as_perturbation(point, sets), "batch"))
    return tuple(solutions)


def _polish(
    gram: Gram,
    thresholds: Float[np.ndarray, " m"],
    u: Float[np.ndarray, " d"],
    active: Active,
    seed: int,
    trials: int,
) -> tuple[Float[np.ndarray, " d"], Active]:
    """Polish a point and exchange a few rows, unless that loses rows."""
    problem = MinNorm(gram, thresholds + MARGIN)
    held = insert(problem, hold_point(problem, u, active))
    for better in search(problem, held, seed=seed, max_trials=trials):
        held = better
    if held.count < _count(gram, thresholds, u):
        return u, held.active
    return problem.point(held.active), held.active


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
