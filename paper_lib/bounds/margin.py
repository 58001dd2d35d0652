r"""A bound without the dimension in it, through the ramp and Rademacher complexity.

The ramp of width g of a signed distance h is 0 below 0, 1 above g, and straight
between. It lies under the indicator, and over all v within r of a center its Rademacher
complexity is at most :math:`r / (g \sqrt n)`: moving v by r moves each distance by at
most r, and the ramp has slope 1/g (Ledoux and Talagrand's contraction). So with
probability :math:`1 - \delta`, for all such v,

.. math:: \phi(v) \ge \frac1n \sum_i \mathrm{ramp}_g(h_i(v)) - \frac{2 r}{g \sqrt n}
    - \sqrt{\frac{\log(1/\delta)}{2n}}.

Rows that are 0 or 1 throughout the class drop out. The count of the others belongs to
the sample, so that form pays for two concentrations, as for a count of subsets. Widths,
radii and both forms share the chance of failure, so all may be chosen after looking.
"""

import math
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.bounds.bound import Bound, assumed, log_inverse_failure
from paper_lib.bounds.distances import center_or_zero, signed_distances
from paper_lib.checks.arguments import check_length, check_type
from paper_lib.geometry import l2_norm
from paper_lib.robust_sets import RobustSets

# Widths of the ramp that are compared, as shares of the budget.
_WIDTHS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)
# Distances from a center that are compared, as shares of the budget. The last is the
# largest possible, but for the slack of the ball.
_RADII = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0, 2.0)
_TERMS = ("ramp mean", "ramp width", "radius", "complexity", "tail")
# What is left where the budget is zero, and no ramp has a width.
_NOTHING: dict[str, float] = {name: 0.0 for name in _TERMS}


def margin_bound(
    sets: RobustSets,
    v: Float[Tensor, " d"],
    *,
    ramp_width: float | None = None,
    confidence: float = 0.95,
    center: Float[Tensor, " d"] | None = None,
) -> Bound:
    r"""Bound :math:`\phi(v)` from below, for every v in V at once.

    Args:
        sets: The robust sets of the sample; v may have been fitted on them.
        v: The perturbation.
        ramp_width: Width g of the ramp, a length in the units of the inputs, chosen
            without the sample; None: the best of twelve shares of the budget.
        confidence: The probability, over the sample, that the bound holds.
        center: A point of V chosen without the sample, such as a v fitted on other
            points; the bound gains where v is near. None: the origin, and a class that
            is all of V.

    Returns:
        The bound.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, or the confidence is no
            number.
        ValueError: If v or the center does not fit or lies outside V, the width is not
            above zero and finite, or the confidence is not strictly between 0 and 1.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> bound = margin_bound(sets, torch.tensor([0.7, 0.7]))
        >>> bound.holds_for, round(bound.value, 2)
        ('every v at once', 0.54)
    """
    check_type(sets, "sets", RobustSets)
    sets.check_in_ball(v)
    origin = center_or_zero(sets, center)
    sets.check_in_ball(origin.to(sets.normals), "center")
    shares = (1.0,) if center is None else _RADII
    # float32 vectors of V may be longer than the budget by a millionth.
    radii = [s * sets.epsilon * (1.0 + 2e-6) for s in shares]
    widths = [s * sets.epsilon for s in _WIDTHS]
    if ramp_width is not None:
        widths = [check_length(ramp_width, "ramp_width")]
    away = float(l2_norm(v.detach().double() - origin))
    at_v = signed_distances(sets, v)
    at_center = signed_distances(sets, origin.to(sets.normals))
    nats = log_inverse_failure(confidence, 2 * len(widths) * len(radii))
    choices = [
        terms
        for width, radius in product(widths, radii)
        if away <= radius and width > 0.0
        for terms in _both_forms(at_v, at_center, width, radius, nats)
    ]
    best = max(choices, key=_value, default=_NOTHING)
    return Bound(
        value=max(_value(best), 0.0),
        confidence=confidence,
        observed=float(sets.coverage(v)),
        method="ramp and Rademacher complexity",
        holds_for="every v at once",
        assumptions=assumed(center),
        terms={**best, "distance from center": away},
    )


def _value(terms: dict[str, float]) -> float:
    return terms["ramp mean"] - terms["complexity"] - terms["tail"]


def _both_forms(
    at_v: Float[Tensor, " n"],
    at_center: Float[Tensor, " n"],
    width: float,
    radius: float,
    nats: float,
) -> list[dict[str, float]]:
    """Bound by the complexity of all rows, and by that of the rows that vary."""
    num = len(at_v)
    mean = float((at_v / width).clamp(0.0, 1.0).mean())
    varies = (at_center > -radius) & (at_center < radius + width)
    # The second form needs two events, each at half its chance of failure.
    doubled = nats + math.log(2)
    forms = (
        (num, math.sqrt(nats / (2 * num))),
        (int(torch.count_nonzero(varies)), 3 * math.sqrt(doubled / (2 * num))),
    )
    return [
        {
            "ramp mean": mean,
            "ramp width": width,
            "radius": radius,
            "complexity": 2 * radius * math.sqrt(rows) / (width * num),
            "tail": tail,
        }
        for rows, tail in forms
    ]
