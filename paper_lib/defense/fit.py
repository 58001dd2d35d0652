r"""The perturbation to deploy: chosen for points that it was not fitted on.

A maximizer of :math:`\phi_n` follows its sample closely; the polish gains on the sample
and loses elsewhere. Here the sharpness of the relaxation, and whether to polish at all,
are chosen by cross-validation, the perturbation is then fitted on all points, and its
coverage is reported on points that neither the fit nor the choice saw.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from paper_lib.checks import check_count, check_seed
from paper_lib.checks.arguments import check_number, check_type
from paper_lib.defense.maximize import search_only
from paper_lib.defense.rows import as_perturbation, unit_rows
from paper_lib.defense.search.annealing import anneal_rows
from paper_lib.defense.solution import Solution, certify
from paper_lib.robust_sets import RobustSets

_Fit = Callable[[RobustSets], Float[Tensor, " d"]]
# Last widths of the logistic function that are compared, as shares of the budget.
_WIDTHS = (0.1, 0.05, 0.02, 0.01, 0.003)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FittedDefense(Solution):
    """A perturbation to deploy and how it was chosen.

    Attributes:
        choice: The candidate chosen, as ``validation`` names it.
        validation: For each candidate its coverage of points it was not fitted on, by
            cross-validation. The chosen one's is optimistic, being the largest.
        holdout_coverage: Coverage of the points that were set aside.
        num_holdout: How many these are.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(10, 1),
        ...     offsets=torch.full((20,), -0.5),
        ...     epsilon=1.0,
        ... )
        >>> fitted = fit_defense(sets)
        >>> fitted.choice in fitted.validation, fitted.num_holdout
        (True, 4)
    """

    choice: str
    validation: Mapping[str, float]
    holdout_coverage: float
    num_holdout: int


def fit_defense(
    sets: RobustSets,
    holdout: RobustSets | float = 0.2,
    seed: int = 0,
    *,
    num_folds: int = 5,
) -> FittedDefense:
    r"""Fit a perturbation for points that are not in the sample.

    Args:
        sets: The robust sets of the sample.
        holdout: Robust sets of further points, for the report alone; or the share of
            the sample that is set aside for it.
        seed: Seed of the split and of the search.
        num_folds: Parts of the cross-validation.

    Returns:
        The perturbation, the choice and the coverage of the points set aside.

    Raises:
        TypeError: If ``num_folds`` is no integer, or ``holdout`` neither robust sets
            nor a number.
        ValueError: If the holdout is no share in (0, 1) or has another budget or
            dimension, a fold would be empty, or the seed is negative.
        KeyboardInterrupt: If interrupted: a choice made on part of the folds is none.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(10, 1),
        ...     offsets=torch.full((20,), -0.5),
        ...     epsilon=1.0,
        ... )
        >>> fitted = fit_defense(sets)
        >>> fitted.coverage, fitted.holdout_coverage
        (1.0, 1.0)
    """
    check_type(sets, "sets", RobustSets)
    seed = check_seed(seed)
    fitted, aside = _set_aside(sets, holdout, seed)
    num = len(fitted.offsets)
    num_folds = check_count(num_folds, "num_folds", 2, num)
    order = torch.randperm(num, generator=torch.Generator().manual_seed(seed))
    folds = order.chunk(num_folds)
    # How sharp the relaxation ends, and the polish, with as many exchanges as it has.
    candidates: dict[str, _Fit] = {
        f"annealed to {width:g}": partial(_anneal, seed=seed, width=width)
        for width in _WIDTHS
    }
    candidates["polished"] = partial(search_only, seed=seed)
    validation = {
        name: _cross_validated(fitted, folds, fit) for name, fit in candidates.items()
    }
    choice = max(validation, key=lambda name: validation[name])
    v = candidates[choice](fitted)
    return FittedDefense(
        perturbation=v,
        coverage=float(fitted.coverage(v)),
        certificate=certify(fitted, v),
        method="fit",
        choice=choice,
        validation=validation,
        holdout_coverage=float(aside.coverage(v)),
        num_holdout=len(aside.offsets),
    )


def _anneal(sets: RobustSets, seed: int, width: float) -> Float[Tensor, " d"]:
    """Anneal to a given width."""
    point = anneal_rows(unit_rows(sets), seed, width)
    return as_perturbation(point, sets)


def _cross_validated(
    sets: RobustSets, folds: tuple[Int[Tensor, " _"], ...], fit: _Fit
) -> float:
    """Fit without each fold in turn and count the fold."""
    kept = 0
    for number, fold in enumerate(folds):
        rest = torch.cat([*folds[:number], *folds[number + 1 :]])
        v = fit(sets.subset(rest))
        kept += int(sets.subset(fold).contains(v).sum())
    return kept / len(sets.offsets)


def _set_aside(
    sets: RobustSets, holdout: RobustSets | float, seed: int
) -> tuple[RobustSets, RobustSets]:
    """Separate the rows to fit from those for the report.

    Args:
        sets: The robust sets of the sample.
        holdout: Further robust sets, or a share of the sample.
        seed: Seed of the split.

    Returns:
        Both parts.

    Raises:
        TypeError: If the holdout is neither.
        ValueError: If the holdout does not fit; see :func:`fit_defense`.
    """
    if isinstance(holdout, RobustSets):
        same = holdout.normals.shape[1:] == sets.normals.shape[1:]
        if not same or holdout.epsilon != sets.epsilon:
            raise ValueError(
                f"holdout must have dimension {sets.normals.shape[1]} and budget "
                f"{sets.epsilon}, got {holdout.normals.shape[1]} and {holdout.epsilon}."
            )
        return sets, holdout
    check_number(holdout, "holdout", "robust sets or a share in (0, 1)")
    num = len(sets.offsets)
    count = round(holdout * num) if 0.0 < holdout < 1.0 else 0
    if not 0 < count < num:
        raise ValueError(
            "holdout must be robust sets, or a share in (0, 1) that leaves rows on "
            f"both sides of the {num} there are, got {holdout}."
        )
    # Another stream than that of the folds.
    order = torch.randperm(num, generator=torch.Generator().manual_seed(seed + 2**31))
    return sets.subset(order[count:]), sets.subset(order[:count])
