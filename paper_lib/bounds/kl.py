r"""The relative entropy of two coins, turned around.

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


def kl_upper(q: float, nats: float) -> float:
    r"""Find the largest p with :math:`\mathrm{kl}(q \| p) \le c`.

    Here :math:`\mathrm{kl}(q \| p)` is
    :math:`q \log(q / p) + (1 - q) \log((1 - q) / (1 - p))`, in nats.

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
    wrong = ~((q >= 0.0) & (q <= 1.0))
    if wrong.any():
        raise ValueError(f"q must be in [0, 1], got {q[wrong][0]}.")
    if not (nats >= 0.0).all():
        raise ValueError(f"nats must be at least 0, got {nats.min()}.")
    # More than the rounding of the entropy: what is near the bound counts as within.
    most = nats + _SLACK * (nats + 2.0)
    inside, outside = q, np.ones_like(q)
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        fits = _kl(q, middle) <= most
        inside = np.where(fits, middle, inside)
        outside = np.where(fits, outside, middle)
    return np.where(_kl(q, np.ones_like(q)) <= most, 1.0, outside)


def _kl(
    q: Float[np.ndarray, " k"], p: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    return np.maximum(rel_entr(q, p) + rel_entr(1.0 - q, 1.0 - p), 0.0)
