r"""Bounded differences and the inequality of McDiarmid. Paper: Eqs. (8) to (10).

If changing the i-th argument alone moves h by at most :math:`c_i`, then for independent
arguments

.. math:: \Pr[h - E h \ge t] \le \exp\Bigl(\frac{-2 t^2}{\sum_i c_i^2}\Bigr),

and the same for :math:`E h - h`. The two-sided inequality is the sum of both, so it has
a factor of 2. The paper prints it without.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from paper_lib.checks import check_radius
from paper_lib.checks.arguments import check_fraction

Number = int | float | Fraction


def difference_bounds(
    function: Callable[..., Number], alphabets: Sequence[Sequence[Any]]
) -> tuple[Number, ...]:
    r"""Compute the least constants for which h has bounded differences. Paper: Eq. (8).

    Takes one call for each point of the product of the alphabets.

    Args:
        function: h, called with one argument from each alphabet.
        alphabets: The values each argument can take; at least one argument, and at
            least one value each.

    Returns:
        :math:`c_i` for each argument, exact where h is: the largest change of h when
        that argument alone changes.

    Raises:
        ValueError: If there is no argument, an alphabet is empty, or h is NaN or
            infinite somewhere.

    Example:
        >>> difference_bounds(lambda x, y: x + 2 * y, [(0, 1), (0, 1)])
        (1, 2)
    """
    if not alphabets or not all(len(alphabet) for alphabet in alphabets):
        raise ValueError(
            "alphabets must be at least one, none of them empty, got lengths "
            f"{[len(alphabet) for alphabet in alphabets]}."
        )
    values = np.empty([len(alphabet) for alphabet in alphabets], dtype=object)
    for place in np.ndindex(values.shape):
        point = [alphabet[k] for alphabet, k in zip(alphabets, place, strict=True)]
        value = function(*point)
        if not math.isfinite(value):
            raise ValueError(f"function must be finite, got {value} at {point}.")
        values[place] = value
    return tuple(
        (values.max(axis=i, keepdims=True) - values.min(axis=i, keepdims=True)).max()
        for i in range(values.ndim)
    )


def mcdiarmid_tail(
    differences: Sequence[Number], deviation: float, *, two_sided: bool = True
) -> float:
    r"""Bound the probability that h is at least a deviation away from its mean.

    The bound is :math:`2 \exp(-2 t^2 / \sum_i c_i^2)`, or without the factor 2 for one
    tail, and never above 1.

    Args:
        differences: The constants :math:`c_i`, one for each argument.
        deviation: t, at least zero.
        two_sided: Whether deviations in both directions count.

    Returns:
        A probability.

    Raises:
        ValueError: If there is no constant, one is negative, NaN or infinite, or the
            deviation is.

    Note:
        Eqs. (9) and (10) print the bound for one tail and claim it for both. For one
        toss of a fair coin, h is always one half from its mean, and it is 0.61 at one
        half.

    Example:
        >>> round(mcdiarmid_tail([0.1] * 10, 0.5), 4)
        0.0135
    """
    total = _sum_of_squares(differences)
    deviation = check_radius(deviation, "deviation")
    if total == 0.0:
        return 1.0 if deviation == 0.0 else 0.0
    tails = 2.0 if two_sided else 1.0
    return min(1.0, tails * math.exp(-2.0 * (deviation / math.sqrt(total)) ** 2))


def mcdiarmid_deviation(
    differences: Sequence[Number], *, confidence: float, two_sided: bool = True
) -> float:
    r"""Find the deviation that h exceeds with probability at most 1 - confidence.

    Args:
        differences: The constants :math:`c_i`, one for each argument.
        confidence: :math:`1 - \delta`, between 0 and 1.
        two_sided: Whether deviations in both directions count.

    Returns:
        :math:`\sqrt{\sum_i c_i^2 \log(k / \delta) / 2}` with k = 2, or 1 for one tail.

    Raises:
        ValueError: If there is no constant, one is negative, NaN or infinite, or the
            confidence is not between 0 and 1.

    Example:
        >>> deviation = mcdiarmid_deviation([0.01] * 100, confidence=0.95)
        >>> round(deviation, 4)
        0.1358
        >>> round(mcdiarmid_tail([0.01] * 100, deviation), 4)
        0.05
    """
    total = _sum_of_squares(differences)
    confidence = check_fraction(confidence)
    tails = math.log(2.0) if two_sided else 0.0
    return math.sqrt(total * (tails - math.log1p(-confidence)) / 2.0)


def _sum_of_squares(differences: Sequence[Number]) -> float:
    """Add up squared constants; none, or one that is no length, is an error."""
    if len(differences) == 0:
        raise ValueError("differences must hold at least one constant, got none.")
    return math.fsum(
        check_radius(float(one), "differences") ** 2 for one in differences
    )
