r"""Shatter coefficients of named families in closed form. Paper: Eq. (12)."""

import math
from typing import Literal, get_args

from paper_lib.checks import check_choice, check_count
from paper_lib.generalization.region_counts import num_regions

Family = Literal["rectangles", "half_planes", "half_spaces", "robust_sets"]
_NEED_M = ("half_spaces", "robust_sets")
# All orders of 9 points were searched; averages over them settle 10 points as well.
_RECTANGLES_KNOWN = 10


def shatter_coefficient(n: int, family: Family, *, m: int | None = None) -> int:
    r"""Compute the most traces that a family has on any n points. Paper: Eq. (12).

    - Rectangles with sides along the axes: with :math:`I(k) = 1 + k (k + 1) / 2`, the
      traces of intervals on the line, it is
      :math:`I(\lceil n/2 \rceil)\, I(\lfloor n/2 \rfloor)`, reached by two falling
      chains, one above and to the right of the other. For n up to 10 no points have
      more. For larger n it is a bound, by averages: a trace is given by the points
      that bound it, up to four, and of the triples and quadruples that can
      do so there are at most 5/6 and 10/21, as among 10 points, on average.
    - Closed half-planes: :math:`n^2 - n + 2`.
    - Closed half-spaces of :math:`\mathbb R^m`:
      :math:`2 \sum_{k \le m} \binom{n - 1}{k}`, Cover's count.
    - The robust sets :math:`\{B_v\}` of Eq. (13) in m dimensions: the number of regions
      of n hyperplanes, which no classifier exceeds and some reach.

    Args:
        n: Number of points, at least 1.
        family: The family.
        m: Dimension, at least 1; for half-spaces and robust sets alone, which need it.

    Returns:
        The shatter coefficient, or an upper bound where it is not known.

    Raises:
        TypeError: If n or m is no integer.
        ValueError: If n or m is below 1, the family is unknown, or m is missing or
            given where the family has its own dimension.

    Example:
        >>> [shatter_coefficient(n, "rectangles") for n in (3, 4, 5, 6)]
        [8, 16, 28, 49]
    """
    n = check_count(n, "n", 1)
    check_choice(family, "family", get_args(Family))
    if (m is not None) != (family in _NEED_M):
        raise ValueError(
            f"m must be given for {' and '.join(_NEED_M)} alone, got m = {m} for "
            f"{family}."
        )
    if m is not None:
        return num_regions(n, m) if family == "robust_sets" else _half_spaces(n, m)
    if family == "rectangles":
        return _rectangles(n)
    return _half_spaces(n, 2)


def _half_spaces(n: int, m: int) -> int:
    """Count linear separations of points in general position."""
    m = check_count(m, "m", 1)
    return 2 if n == 1 else 2 * num_regions(n - 1, m)


def _intervals(n: int) -> int:
    """Count the runs of n points on the line, and the empty one."""
    return 1 + n * (n + 1) // 2


def _rectangles(n: int) -> int:
    """Count the most traces of rectangles, or bound them."""
    if n <= _RECTANGLES_KNOWN:
        return _intervals((n + 1) // 2) * _intervals(n // 2)
    small = 1 + n + math.comb(n, 2)
    return small + 5 * math.comb(n, 3) // 6 + 10 * math.comb(n, 4) // 21
