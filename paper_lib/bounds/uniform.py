r"""Bounds for every v at once, from a count of subsets: Eqs. (10) and (11).

The supremum of :math:`\phi_n(v) - \phi(v)` over v changes by at most 1/n with one
point, so by McDiarmid's inequality it exceeds its mean by more than
:math:`\sqrt{\log(1/\delta) / 2n}` with probability at most :math:`\delta`. Its mean is
at most twice the Rademacher complexity, and that is at most
:math:`\sqrt{\log N / 2n}` (Massart) where the sets cut N subsets out of the sample.
"""

import math

from jaxtyping import Float
from torch import Tensor

from paper_lib.bounds.bound import Bound, log_inverse_failure
from paper_lib.checks.arguments import check_number, check_type
from paper_lib.robust_sets import RobustSets


def uniform_bound(
    sets: RobustSets,
    v: Float[Tensor, " d"],
    *,
    mean_deviation: float,
    confidence: float = 0.95,
    method: str = "counted regions",
) -> Bound:
    r"""Bound :math:`\phi(v)` from below, given the mean of the largest deviation.

    Args:
        sets: The robust sets of the sample; v may have been fitted on them.
        v: The perturbation.
        mean_deviation: A bound on the mean, over samples, of
            :math:`\sup_v \phi_n(v) - \phi(v)`, such as that of Eq. (19) or (20).
        confidence: The probability, over the sample, that the bound holds.
        method: Where ``mean_deviation`` comes from, for the record.

    Returns:
        The bound.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, or ``mean_deviation`` or the
            confidence is no number.
        ValueError: If v does not fit or lies outside V, ``mean_deviation`` is negative
            or NaN, or the confidence is not strictly between 0 and 1.

    Example:
        >>> import torch
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> v = torch.tensor([0.5, 0.5])
        >>> round(uniform_bound(sets, v, mean_deviation=0.1).value, 3)
        0.778
    """
    check_type(sets, "sets", RobustSets)
    check_number(mean_deviation, "mean_deviation")
    mean_deviation = float(mean_deviation)
    if not mean_deviation >= 0.0:
        raise ValueError(f"mean_deviation must be at least 0, got {mean_deviation}.")
    tail = math.sqrt(log_inverse_failure(confidence) / (2 * len(sets.offsets)))
    sets.check_in_ball(v)
    observed = float(sets.coverage(v))
    return Bound(
        value=max(observed - mean_deviation - tail, 0.0),
        confidence=confidence,
        observed=observed,
        method=method,
        holds_for="every v at once",
        terms={"complexity": mean_deviation, "tail": tail},
    )
