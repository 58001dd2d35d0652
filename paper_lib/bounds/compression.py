r"""Sample compression: a v that a few of the points rebuild.

Fix a rule that makes a perturbation of k rows. For each choice of k points the others
are a sample that the rebuilt v has had no part in, so that Chernoff's bound holds for
it; and by the union bound it holds for all choices at once (Littlestone and Warmuth
1986; Langford 2005), at the price of the logarithm of how many there are:

.. math:: \mathrm{kl}(\hat L \| L) \le \frac{1}{n - k} \Bigl(
    \log \tbinom{n}{k} + \log \tfrac{2 k (k + 1)}{\delta} \Bigr)

with two rules and :math:`\sum_k 1 / k(k + 1) = 1`. Nothing but the points decides v,
so the dimension does not matter, nor how the points were found.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from paper_lib.bounds.bound import Bound, log_inverse_failure
from paper_lib.bounds.distances import distances_at_zero, unit_normals
from paper_lib.bounds.kl import kl_upper
from paper_lib.checks import check_choice, check_count, check_seed
from paper_lib.checks.arguments import check_type
from paper_lib.defense.rows import UnitRows, as_perturbation, unit_rows
from paper_lib.defense.search.local_search import MARGIN, hold
from paper_lib.defense.search.min_norm import Gram, MinNorm
from paper_lib.geometry import scale_to_radius
from paper_lib.robust_sets import RobustSets

Rule = Literal["sum of normals", "least norm"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompressedDefense:
    """A perturbation and the points that rebuild it.

    Attributes:
        points: Their places in the sample, in increasing order; a sum of normals may
            take a point more than once.
        rule: What is made of them.
        perturbation: The result, in V.
        coverage: The share of all robust sets that contain it.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> found = compress(sets)
        >>> len(found.points), found.coverage
        (1, 1.0)
    """

    points: tuple[int, ...]
    rule: Rule
    perturbation: Float[Tensor, " d"]
    coverage: float


def rebuild(sets: RobustSets, points: tuple[int, ...], rule: Rule) -> CompressedDefense:
    """Make a perturbation of a few points, and of nothing else.

    Args:
        sets: The robust sets of the sample.
        points: Places of the points, in any order.
        rule: ``"sum of normals"`` takes the direction of the sum of their unit normals
            and all of the budget; ``"least norm"`` the shortest perturbation that all
            of their robust sets contain, a share of 2e-5 of the budget inside.

    Returns:
        The perturbation and the points, sorted.

    Raises:
        ValueError: If there is no point, one is not in the sample, the rule is unknown,
            or no perturbation in V lies in all robust sets of a least norm.
    """
    num = len(sets.offsets)
    if not points or not all(0 <= point < num for point in points):
        raise ValueError(
            f"points must be at least one of 0 to {num - 1}, got {points}."
        )
    check_choice(rule, "rule", get_args(Rule))
    chosen = tuple(sorted(points if rule == "sum of normals" else set(points)))
    few = sets.subset(torch.tensor(chosen))
    if rule == "least norm":
        v = _least_norm(few)
    else:
        v = scale_to_radius(unit_normals(few).sum(0).to(few.normals), few.epsilon)
    return CompressedDefense(
        points=chosen, rule=rule, perturbation=v, coverage=float(sets.coverage(v))
    )


def _least_norm(few: RobustSets) -> Float[Tensor, " d"]:
    rows = unit_rows(few)
    if not len(rows.lost) and not len(rows.thresholds):
        return torch.zeros_like(few.normals[0])
    problem = _problem(rows)
    wanted = np.ones(len(rows.thresholds), dtype=bool)
    held = None if len(rows.lost) else hold(problem, wanted)
    if held is None:
        raise ValueError("points must have robust sets with a common perturbation.")
    return as_perturbation(problem.point(held.active), few)


def _problem(rows: UnitRows) -> MinNorm:
    return MinNorm(Gram(rows.normals.numpy()), rows.thresholds.numpy() + MARGIN)


def compress_solution(
    sets: RobustSets, v: Float[Tensor, " d"]
) -> CompressedDefense | None:
    """Find the few constraints that hold the shortest v with the same robust sets.

    Args:
        sets: The robust sets of the sample.
        v: A perturbation, such as a polished solution.

    Returns:
        The shortest perturbation in all robust sets that contain v (a share of 2e-5 of
        the budget inside), rebuilt from its active constraints; None if there are none.

    Raises:
        ValueError: If v does not fit the rows.
    """
    sets.check_one(v)
    rows = unit_rows(sets)
    if not len(rows.thresholds):
        return None
    problem = _problem(rows)
    direction = v.detach().cpu().double() / (sets.epsilon or 1.0)
    held = hold(problem, (rows.normals @ direction).numpy() >= problem.thresholds)
    if held is None or not len(held.active.rows):
        return None
    places = rows.index[torch.from_numpy(held.active.rows)]
    return rebuild(sets, tuple(places.tolist()), "least norm")


def compress(
    sets: RobustSets,
    *,
    confidence: float = 0.95,
    max_points: int = 12,
    num_candidates: int = 2000,
    seed: int = 0,
) -> CompressedDefense:
    r"""Fit a perturbation of few points, chosen for its own bound.

    Greedy: to the sum of unit normals that of the point is added which brings most
    coverage, and the number of points with the largest bound is kept. The bound allows
    for all choices, so it holds for this one.

    Args:
        sets: The robust sets of the sample.
        confidence: The confidence of the bound.
        max_points: The largest number of points tried.
        num_candidates: How many points, drawn at random, may be taken.
        seed: Seed of that draw.

    Returns:
        The perturbation and its points.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, a count is no integer, or the
            confidence no number.
        ValueError: If the sample has fewer than two points, a count is below 1, the
            confidence is not strictly between 0 and 1, or the seed is no seed.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> found = compress(sets)
        >>> found.rule, found.coverage
        ('sum of normals', 1.0)
    """
    check_type(sets, "sets", RobustSets)
    seed = check_seed(seed)
    max_points = check_count(max_points, "max_points", 1)
    num_candidates = check_count(num_candidates, "num_candidates", 1)
    num = len(sets.offsets)
    if num < 2:
        raise ValueError(f"sets must have at least 2 points to compress, got {num}.")
    generator = torch.Generator().manual_seed(seed)
    pool = torch.randperm(num, generator=generator)[:num_candidates].sort().values
    taken = _grow(sets, pool, max_points)
    found = [
        rebuild(sets, tuple(taken[: k + 1]), "sum of normals")
        for k in range(len(taken))
        if len(set(taken[: k + 1])) < num
    ]
    return max(
        found, key=lambda one: compression_bound(sets, one, confidence=confidence).value
    )


def _grow(sets: RobustSets, pool: Int64[Tensor, " p"], max_points: int) -> list[int]:
    """Take points greedily, in single precision."""
    normals = unit_normals(sets).cpu().float()
    levels = distances_at_zero(sets).cpu().float()
    products = normals @ normals[pool].T
    total = torch.zeros(normals.shape[1])
    taken: list[int] = []
    for _ in range(max_points):
        reach = normals @ total
        # |total + g|^2 for each candidate g, and its product with every row.
        squared = total @ total + 2 * reach[pool] + normals[pool].square().sum(-1)
        scale = sets.epsilon / squared.clamp_min(1e-12).sqrt()
        kept = (reach[:, None] + products) * scale + levels[:, None] >= 0
        best = int(pool[int(kept.sum(0).argmax())])
        taken.append(best)
        total = total + normals[best]
    return taken


def compression_bound(
    sets: RobustSets, defense: CompressedDefense, *, confidence: float = 0.95
) -> Bound:
    r"""Bound :math:`\phi(v)` from below by the points that v was not rebuilt from.

    Args:
        sets: The robust sets of the sample.
        defense: The perturbation and its points; it is rebuilt and compared.
        confidence: The probability, over the sample, that the bound holds.

    Returns:
        The bound.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, ``defense`` is no
            :class:`CompressedDefense`, or the confidence is no number.
        ValueError: If the points do not rebuild the perturbation, or are all of the
            sample, or the confidence is not strictly between 0 and 1.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> bound = compression_bound(sets, compress(sets))
        >>> round(bound.value, 2), bound.holds_for
        (0.91, 'the v rebuilt from few points')
    """
    check_type(sets, "sets", RobustSets)
    check_type(defense, "defense", CompressedDefense)
    again = rebuild(sets, defense.points, defense.rule)
    if not torch.equal(again.perturbation, defense.perturbation):
        raise ValueError("defense must be what its points rebuild, got another v.")
    num, size = len(sets.offsets), len(again.points)
    left = num - len(set(again.points))
    if not left:
        raise ValueError("defense must leave points of the sample to count, got none.")
    log_choices = _log_choices(num, size, again.rule)
    nats = log_choices + log_inverse_failure(confidence, 2 * size * (size + 1))
    contained = sets.contains(again.perturbation)
    contained[list(set(again.points))] = False
    kept = int(contained.sum())
    return Bound(
        value=1.0 - kl_upper(1.0 - kept / left, nats / left),
        confidence=confidence,
        observed=again.coverage,
        method=f"compression, {again.rule}",
        holds_for="the v rebuilt from few points",
        terms={
            "points": float(size),
            "log choices": log_choices,
            "kept of the others": kept / left,
        },
    )


def _log_choices(num: int, size: int, rule: Rule) -> float:
    """Count choices of points, with repetition where the rule allows it."""
    total = num + size - 1 if rule == "sum of normals" else num
    return (
        math.lgamma(total + 1) - math.lgamma(size + 1) - math.lgamma(total - size + 1)
    )
