"""Every bound that applies to any v, side by side."""

import math

from jaxtyping import Float
from torch import Tensor

from paper_lib.bounds.bound import Bound
from paper_lib.bounds.margin import margin_bound
from paper_lib.bounds.pac_bayes import pac_bayes_bound
from paper_lib.bounds.uniform import uniform_bound
from paper_lib.checks.arguments import check_type
from paper_lib.generalization import log_num_regions, vc_bound
from paper_lib.robust_sets import RobustSets


def bounds_at(
    sets: RobustSets,
    v: Float[Tensor, " d"],
    *,
    confidence: float = 0.95,
    center: Float[Tensor, " d"] | None = None,
) -> dict[str, Bound]:
    r"""Bound :math:`\phi(v)` from below in every way that allows for a fitted v.

    Each bound has the confidence by itself. Whoever picks the best of them after
    looking spreads the confidence over all.

    Args:
        sets: The robust sets of the sample; v may have been fitted on them.
        v: The perturbation, in V.
        confidence: The confidence of each bound.
        center: A point of V chosen without the sample; None: bounds around it are left
            out.

    Returns:
        The bounds by name: ``"Eq. (20)"`` and ``"regions"`` from the count of regions,
        ``"ramp"`` and ``"PAC-Bayes"`` from the origin and, with ``", center"``, from
        the center. Those with ``"noisy"`` speak of a noisy defense.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, or the confidence is no
            number.
        ValueError: If v or the center does not fit or lies outside V, or the confidence
            is not strictly between 0 and 1.

    Example:
        >>> import torch
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> bounds = bounds_at(sets, torch.tensor([0.5, 0.5]))
        >>> sorted(bounds)
        ['Eq. (20)', 'PAC-Bayes', 'noisy PAC-Bayes', 'ramp', 'regions']
        >>> all(bound.value < 1.0 == bound.observed for bound in bounds.values())
        True
    """
    check_type(sets, "sets", RobustSets)
    num, dim = sets.normals.shape
    # One side alone is needed, and half-planes cut at most as many subsets as regions.
    exact = math.sqrt(2 * log_num_regions(num, dim) / num)
    # Eq. (20) is false for one point; no deviation exceeds 1.
    paper = vc_bound(num, dim).value if num > 1 else 1.0
    bounds = {
        name: uniform_bound(
            sets, v, mean_deviation=mean, confidence=confidence, method=name
        )
        for name, mean in (("Eq. (20)", paper), ("regions", exact))
    }
    centers = {"": None} if center is None else {"": None, ", center": center}
    for suffix, origin in centers.items():
        bounds[f"ramp{suffix}"] = margin_bound(
            sets, v, confidence=confidence, center=origin
        )
        for name, alone in (("PAC-Bayes", True), ("noisy PAC-Bayes", False)):
            bounds[f"{name}{suffix}"] = pac_bayes_bound(
                sets, v, confidence=confidence, center=origin, deterministic=alone
            )
    return bounds
