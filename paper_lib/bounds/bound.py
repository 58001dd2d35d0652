r"""What every bound of this package returns, and the confidence it is stated with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from paper_lib.checks import check_count
from paper_lib.checks.arguments import check_fraction

HoldsFor = Literal[
    "every v at once",
    "the v rebuilt from few points",
    "one v fixed in advance",
    "a Gaussian around v",
    "the maximizer of phi",
    "the regret of v",
]
INDEPENDENT = (
    "the points counted are independent draws",
    "the classifier and the budget do not depend on them",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    r"""One side of an interval for a probability, and what it rests on.

    Attributes:
        value: The bound, in [0, 1].
        side: Whether it lies below or above what it bounds.
        confidence: The probability, over the sample, that it holds; at least this.
        observed: The share of the sample it starts from.
        method: What gave it.
        holds_for: For which v it holds. A bound for one v fixed in advance is wrong
            for a v that was fitted on the same sample.
        assumptions: What must be true besides.
        terms: What was chosen and what it cost, by name.

    Example:
        >>> bound = Bound(
        ...     value=0.5,
        ...     confidence=0.95,
        ...     observed=0.75,
        ...     method="by hand",
        ...     holds_for="one v fixed in advance",
        ... )
        >>> bound.side, bound.price
        ('lower', 0.25)
    """

    value: float
    side: Literal["lower", "upper"] = "lower"
    confidence: float
    observed: float
    method: str
    holds_for: HoldsFor
    assumptions: tuple[str, ...] = INDEPENDENT
    terms: Mapping[str, float] = field(default_factory=dict)

    @property
    def price(self) -> float:
        """How far it lies from the observed share."""
        return abs(self.observed - self.value)


def spread_confidence(confidence: float, num: int) -> float:
    """Find the confidence of each of many bounds that hold all at once.

    By the union bound the chance of failure is shared in equal parts. So whoever picks
    one of ``num`` settings after looking at the sample computes its bound with this
    confidence, and states it with the first.

    Args:
        confidence: That of all together.
        num: How many there are.

    Returns:
        That of each.

    Raises:
        TypeError: If an argument is no number, or ``num`` no integer.
        ValueError: If the confidence is not strictly between 0 and 1, or so near 1
            that each would have 1, or ``num`` is below 1.

    Example:
        >>> round(spread_confidence(0.95, 5), 3)
        0.99
    """
    confidence = check_fraction(confidence)
    num = check_count(num, "num", 1)
    each = 1.0 - (1.0 - confidence) / num
    if each == 1.0:
        raise ValueError(
            f"confidence must leave {num} bounds a chance to fail that a float can "
            f"tell from 0, got {confidence}."
        )
    return each


def assumed(center: object) -> tuple[str, ...]:
    """List what a bound assumes that may be measured from a point of one's own.

    Args:
        center: The point; None: zero.

    Returns:
        The assumptions.
    """
    return INDEPENDENT + ("the center does not depend on them",) * (center is not None)


def log_inverse_failure(confidence: float, num: int = 1) -> float:
    r"""Compute :math:`\log(k / \delta)` for a confidence :math:`1 - \delta`.

    Args:
        confidence: The confidence.
        num: How many bounds share the chance of failure.

    Returns:
        The logarithm.

    Raises:
        TypeError: If the confidence is no number.
        ValueError: If it is not strictly between 0 and 1.
    """
    check_fraction(confidence)
    return math.log(num) - math.log1p(-confidence)
