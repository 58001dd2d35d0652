r"""The relative entropy of two coins, and its inverses.

A mean of n independent numbers in [0, 1] with expectation p falls to q or below with
probability at most :math:`\exp(-n\,\mathrm{kl}(q \| p))` (Chernoff). Turned around,
p is at most the largest number with :math:`\mathrm{kl}(q \| p) \le c`. By Pinsker's
inequality this is never weaker than :math:`q + \sqrt{c / 2}`, and close to 0 and 1 far
better.
"""

import math
from collections.abc import Callable

# Halvings of an interval inside [0, 1]: down to neighboring floats.
_HALVINGS = 80


def binary_kl(q: float, p: float) -> float:
    r"""Compute :math:`q \log(q / p) + (1 - q) \log((1 - q) / (1 - p))`.

    Args:
        q: The observed share.
        p: The probability.

    Returns:
        The relative entropy in nats, at least zero; infinite where p rules q out.

    Raises:
        ValueError: If an argument is outside [0, 1] or NaN.

    Example:
        >>> round(binary_kl(0.5, 0.25), 4)
        0.1438
    """
    _check_share("q", q)
    _check_share("p", p)
    return max(_part(q, p) + _part(1.0 - q, 1.0 - p), 0.0)


def _part(q: float, p: float) -> float:
    if q == 0.0:
        return 0.0
    return q * math.log(q / p) if p > 0.0 else math.inf


def kl_upper(q: float, nats: float) -> float:
    r"""Find the largest p with :math:`\mathrm{kl}(q \| p) \le c`.

    Args:
        q: The observed share.
        nats: The bound c.

    Returns:
        The number, rounded outward: no smaller than the true one.

    Raises:
        ValueError: If q is outside [0, 1], or ``nats`` negative or NaN.

    Example:
        >>> round(kl_upper(0.0, 0.1), 4)  # 1 - exp(-c)
        0.0952
    """
    _check_share("q", q)
    _check_nats(nats)
    return _bisect(q, 1.0, lambda p: binary_kl(q, p) <= nats)


def kl_lower(q: float, nats: float) -> float:
    r"""Find the smallest p with :math:`\mathrm{kl}(q \| p) \le c`.

    Args:
        q: The observed share.
        nats: The bound c.

    Returns:
        The number, rounded outward: no larger than the true one.

    Raises:
        ValueError: If q is outside [0, 1], or ``nats`` negative or NaN.

    Example:
        >>> round(kl_lower(1.0, 0.1), 4)  # exp(-c)
        0.9048
    """
    _check_share("q", q)
    _check_nats(nats)
    return _bisect(q, 0.0, lambda p: binary_kl(q, p) <= nats)


def _bisect(inside: float, outside: float, fits: Callable[[float], bool]) -> float:
    """Halve an interval; give the end that does not fit, unless both do."""
    if fits(outside):
        return outside
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        if fits(middle):
            inside = middle
        else:
            outside = middle
    return outside


def _check_share(name: str, share: float) -> None:
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{name} must be in [0, 1], got {share}.")


def _check_nats(nats: float) -> None:
    if not nats >= 0.0:
        raise ValueError(f"nats must be at least 0, got {nats}.")
