r"""The bias of the paper's ramp where :math:`\phi` is known: a floor of its regret.

Paper: Sec. 4 maximizes the mean of :math:`\min(\max(0, \alpha), 1)`, :math:`\alpha =
c^\top v + b`, in place of :math:`\phi`. Its maximizer is another one, however many
samples there are and however well it is found, and it moves with the scale of the
logit, which :math:`\phi` does not know.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from scipy.special import ndtr
from torch import Tensor

from experiments.populations.distributions import GaussianRows
from paper_lib.geometry import project_l2_ball

# The interval of lengths is looked over at this many points before it is refined.
_LENGTHS = 1001


def mean_ramp(rows: GaussianRows, v: Float[Tensor, "k d"]) -> Float[Tensor, " k"]:
    r"""Compute the mean ramp of a population, the limit of the paper's objective.

    For :math:`\alpha` normal with mean m and deviation s it is :math:`s (\psi(m / s) -
    \psi((m - 1) / s))`, where :math:`\psi(z) = z \Phi(z) + \Phi'(z)` is the mean of
    :math:`\max(0, z + Z)`.

    Args:
        rows: The population.
        v: Perturbations, float64; they need not be in V.

    Returns:
        The mean ramp at each.

    Raises:
        ValueError: If the shape, dtype or device does not fit, or v is not finite.

    Example:
        >>> rows = GaussianRows(2)
        >>> round(float(mean_ramp(rows, torch.zeros(1, 2, dtype=torch.float64))), 4)
        0.5
    """
    means, spreads = (part.numpy() for part in rows.moments(v))
    ramp = spreads * (_psi(means / spreads) - _psi((means - 1.0) / spreads))
    return torch.from_numpy(ramp)


def _psi(z: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    return z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)


def ramp_maximizer(rows: GaussianRows) -> Float[Tensor, " d"]:
    r"""Maximize the mean ramp of a population over V.

    Among vectors of one length the spread of :math:`\alpha` is the same, and the mean
    ramp grows with its mean: a maximizer lies along the mean normal. What is left is a
    search over lengths.

    Args:
        rows: The population.

    Returns:
        The maximizer, inside V.
    """
    direction = torch.eye(rows.dim, dtype=torch.float64)[0]

    def loss(length: float) -> float:
        return -float(mean_ramp(rows, (length * direction).unsqueeze(0)))

    lengths = np.linspace(0.0, rows.epsilon, _LENGTHS)
    place = int(
        mean_ramp(rows, torch.from_numpy(lengths)[:, None] * direction).argmax()
    )
    around = lengths[max(place - 1, 0)], lengths[min(place + 1, _LENGTHS - 1)]
    found = minimize_scalar(loss, bounds=around, options={"xatol": 1e-10})
    length = min([float(found.x), float(lengths[place])], key=loss)
    return project_l2_ball(length * direction, rows.epsilon)


def ramp_floor(rows: GaussianRows) -> float:
    r"""Compute what the ramp costs with all samples there are.

    :math:`\phi(v^*) - \phi(w)`, where w maximizes the mean ramp: the limit of the
    regret of the paper's method, should its ascent find the maximizer every time.

    Args:
        rows: The population.

    Returns:
        The floor; zero where both maximizers are one.

    Example:
        >>> rows = GaussianRows(2)
        >>> [round(ramp_floor(rows.scaled(s)), 5) for s in (1.0, 3.0, 5.0, 10.0)]
        [0.00267, 0.00267, 0.00138, 0.00031]
    """
    reached = float(rows.coverage(ramp_maximizer(rows)))
    return max(rows.maximum().coverage - reached, 0.0)
