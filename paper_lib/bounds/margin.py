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
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.bounds.bound import (
    INDEPENDENT,
    INDEPENDENT_CENTER,
    Bound,
    check_confidence,
    log_inverse_failure,
)
from paper_lib.bounds.distances import center_or_zero, signed_distances
from paper_lib.geometry import l2_norm
from paper_lib.geometry.ball import check_in_l2_ball
from paper_lib.robust_sets import RobustSets

# Widths of the ramp that are compared, as shares of the budget.
_WIDTHS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)
# Distances from a center that are compared, as shares of the budget. The last is the
# largest possible, but for the slack of the ball.
_RADII = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0, 2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    """One setting of the bound, and what it gives."""

    value: float
    ramp_mean: float
    ramp_width: float
    radius: float
    complexity: float
    tail: float


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
        TypeError: If the confidence is no number.
        ValueError: If v or the center does not fit or lies outside V, the width is not
            above zero and finite, or the confidence is not strictly between 0 and 1.
    """
    confidence = check_confidence(confidence)
    if ramp_width is not None and not 0.0 < ramp_width < math.inf:
        raise ValueError(
            f"ramp_width must be a length above 0 and finite, got {ramp_width}."
        )
    distances = signed_distances(sets, v)
    check_in_l2_ball("v", v, sets.epsilon)
    origin = center_or_zero(sets, center)
    if center is not None:
        check_in_l2_ball("center", center, sets.epsilon)
    widths = (
        [s * sets.epsilon for s in _WIDTHS]
        if ramp_width is None
        else [float(ramp_width)]
    )
    radii = [s * sets.epsilon for s in (_RADII if center is not None else (1.0,))]
    away = float(l2_norm(v.detach().double() - origin))
    # float32 vectors of V may be longer than the budget by a millionth.
    reach = [r * (1.0 + 2e-6) for r in radii]
    at_center = signed_distances(sets, origin.to(sets.normals))
    nats = log_inverse_failure(confidence, 2 * len(widths) * len(radii))
    choices = [
        choice
        for width, radius in product(widths, reach)
        if away <= radius and width > 0.0
        for choice in _both_forms(distances, at_center, width, radius, nats)
    ]
    best = max(choices, key=lambda choice: choice.value, default=_NOTHING)
    return Bound(
        value=max(best.value, 0.0),
        side="lower",
        confidence=confidence,
        observed=float(sets.coverage(v)),
        method="ramp and Rademacher complexity",
        holds_for="every v at once",
        assumptions=INDEPENDENT if center is None else INDEPENDENT_CENTER,
        terms={
            "ramp mean": best.ramp_mean,
            "ramp width": best.ramp_width,
            "radius": best.radius,
            "distance from center": away,
            "complexity": best.complexity,
            "tail": best.tail,
        },
    )


# Where the budget is zero no ramp has a width.
_NOTHING = _Choice(
    value=0.0, ramp_mean=0.0, ramp_width=0.0, radius=0.0, complexity=0.0, tail=0.0
)


def _both_forms(
    distances: Float[Tensor, " n"],
    at_center: Float[Tensor, " n"],
    width: float,
    radius: float,
    nats: float,
) -> tuple[_Choice, _Choice]:
    """Bound by the complexity of all rows, and by that of the rows that vary."""
    num = len(distances)
    mean = float((distances / width).clamp(0.0, 1.0).mean())
    varies = (at_center > -radius) & (at_center < radius + width)

    def choice(rows: int, tail: float) -> _Choice:
        complexity = 2 * radius * math.sqrt(rows) / (width * num)
        return _Choice(
            value=mean - complexity - tail,
            ramp_mean=mean,
            ramp_width=width,
            radius=radius,
            complexity=complexity,
            tail=tail,
        )

    # The second form needs two events, each at half its chance of failure.
    doubled = nats + math.log(2)
    return (
        choice(num, math.sqrt(nats / (2 * num))),
        choice(int(torch.count_nonzero(varies)), 3 * math.sqrt(doubled / (2 * num))),
    )
