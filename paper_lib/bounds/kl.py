r"""The relative entropy of two coins, and its inverses.

A mean of n independent numbers in [0, 1] with expectation p falls to q or below with
probability at most :math:`\exp(-n\,\mathrm{kl}(q \| p))` (Chernoff). Turned around,
p is at most the largest number with :math:`\mathrm{kl}(q \| p) \le c`. By Pinsker's
inequality this is never weaker than :math:`q + \sqrt{c / 2}`, and close to 0 and 1 far
better.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import rel_entr

# Halvings of an interval inside [0, 1]: down to a rounding or so.
_HALVINGS = 60
_SLACK = 1e-15


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
    _check_shares("q", np.array([q]))
    _check_shares("p", np.array([p]))
    return float(_kl(np.array([q]), np.array([p]))[0])


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
    return float(kl_uppers(np.array([q]), np.array([nats]))[0])


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
    return float(_outermost(np.array([q]), np.array([nats]), 0.0)[0])


def kl_uppers(
    q: Float[np.ndarray, " k"], nats: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    """Compute :func:`kl_upper` of many pairs at once.

    Args:
        q: The observed shares.
        nats: The bounds.

    Returns:
        The numbers, rounded outward.

    Raises:
        ValueError: If a share is outside [0, 1], or a bound negative or NaN.
    """
    return _outermost(q, nats, 1.0)


def _outermost(
    q: Float[np.ndarray, " k"], nats: Float[np.ndarray, " k"], end: float
) -> Float[np.ndarray, " k"]:
    """Halve the interval from q to an end; give the half that does not fit.

    Args:
        q: The observed shares.
        nats: The bounds.
        end: 0 or 1.

    Returns:
        The nearest numbers found to be too far out; the end where it fits.

    Raises:
        ValueError: If a share is outside [0, 1], or a bound negative or NaN.
    """
    _check_shares("q", q)
    if not (nats >= 0.0).all():
        raise ValueError(f"nats must be at least 0, got {nats.min()}.")
    # More than the rounding of the entropy: what is near the bound counts as within.
    most = nats + _SLACK * (nats + 2.0)
    inside, outside = q, np.full_like(q, end)
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        fits = _kl(q, middle) <= most
        inside = np.where(fits, middle, inside)
        outside = np.where(fits, outside, middle)
    return np.where(_kl(q, np.full_like(q, end)) <= most, end, outside)


def _kl(
    q: Float[np.ndarray, " k"], p: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    return np.maximum(rel_entr(q, p) + rel_entr(1.0 - q, 1.0 - p), 0.0)


def _check_shares(name: str, shares: Float[np.ndarray, " k"]) -> None:
    wrong = ~((shares >= 0.0) & (shares <= 1.0))
    if wrong.any():
        raise ValueError(f"{name} must be in [0, 1], got {shares[wrong][0]}.")
