r"""How many regions n hyperplanes cut out of :math:`\mathbb R^m`. Paper: below Fig. 2.

In general position there are :math:`\sum_{k \le m} \binom nk` of them, and never more.
In the plane this is :math:`(n^2 + n + 2)/2`.
"""

import math

import numpy as np

from paper_lib.checks import check_count

# Where the series of Stirling's remainder is good to the last digit.
_SERIES_FROM = 20
# Terms of a sum smaller than this, relative to the first, are left out.
_NEGLIGIBLE = 1e-20
# Terms added at once.
_BLOCK = 4096


def num_regions(n: int, m: int) -> int:
    r"""Count the regions of n hyperplanes in general position. Paper: below Fig. 2.

    Exact. It grows as :math:`2^n` while :math:`n \le m`, and as :math:`n^m` from there
    on.

    Args:
        n: Hyperplanes, at least 1.
        m: Dimension of the space, at least 1.

    Returns:
        :math:`\sum_{k=0}^m \binom nk`, the largest number of regions of any n
        hyperplanes.

    Raises:
        TypeError: If n or m is no integer.
        ValueError: If n or m is below 1.

    Example:
        >>> [num_regions(n, 2) for n in (1, 2, 3, 4)]
        [2, 4, 7, 11]
    """
    n, m = check_count(n, "n", 1), check_count(m, "m", 1)
    if m >= n:
        return 2**n
    if 2 * m > n:
        return 2**n - _partial_sum(n, n - m - 1)
    return _partial_sum(n, m)


def log_num_regions(n: int, m: int) -> float:
    r"""Compute the logarithm of :func:`num_regions` for any n and m.

    Works with logarithms throughout, in time of order :math:`\sqrt n` at most.

    Args:
        n: Hyperplanes, at least 1.
        m: Dimension of the space, at least 1.

    Returns:
        The natural logarithm, with a relative error below 1e-9 for n up to 10^9.

    Raises:
        TypeError: If n or m is no integer.
        ValueError: If n or m is below 1.

    Example:
        >>> round(log_num_regions(10**9, 784), 6)
        11801.892189
    """
    n, m = check_count(n, "n", 1), check_count(m, "m", 1)
    whole = n * math.log(2.0)
    if m >= n:
        return whole
    if 2 * m > n:
        rest = _log_partial_sum(n, n - m - 1)
        return whole + math.log1p(-math.exp(rest - whole))
    return _log_partial_sum(n, m)


def _partial_sum(n: int, m: int) -> int:
    """Add up the first m + 1 binomials."""
    term, total = 1, 1
    for k in range(m):
        term = term * (n - k) // (k + 1)
        total += term
    return total


def _log_partial_sum(n: int, m: int) -> float:
    """Add up the first m + 1 binomials, from the last and largest: m at most n / 2."""
    total, term, first = 1.0, 1.0, 0
    while term > _NEGLIGIBLE and first < m:
        steps = np.arange(first, min(first + _BLOCK, m), dtype=np.float64)
        ratios = term * np.cumprod((m - steps) / (n - m + 1.0 + steps))
        total += float(ratios.sum())
        term, first = float(ratios[-1]), first + _BLOCK
    return _log_binomial(n, m) + math.log(total)


def _log_binomial(n: int, m: int) -> float:
    """Compute the logarithm of a binomial, by sums without cancellation."""
    if m == 0:
        return 0.0
    rest = n - m
    entropy = m * math.log(n / m) - rest * math.log1p(-m / n)
    width = 0.5 * (math.log(n / m) - math.log(2.0 * math.pi * rest))
    return entropy + width + _remainder(n) - _remainder(m) - _remainder(rest)


def _remainder(x: int) -> float:
    """Compute what Stirling's formula leaves of the logarithm of a factorial."""
    if x < _SERIES_FROM:
        stirling = (x + 0.5) * math.log(x) - x + 0.5 * math.log(2.0 * math.pi)
        return math.lgamma(x + 1.0) - stirling
    inverse = 1.0 / x**2
    return (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x
