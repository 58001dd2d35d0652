r"""The least sum of Cantelli's bounds over all means and covariances on a cell.

A law on the unit ball has a second moment of at most one. To minimize over the moments
of such laws is a convex semidefinite relaxation (Shor's), solved here in factored form
(Burer and Monteiro 2003): the mean and a factor of the covariance are the columns of
one matrix on the unit sphere. Cuts of the ball enter by an augmented Lagrangian.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

# Weight of the cuts in the augmented Lagrangian, for each row.
_PENALTY = 25.0
_ROUNDS, _ITERATIONS = 3, 80
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cell:
    """Slabs low <= a u <= high of the unit ball.

    Attributes:
        numbers: What their directions a are called.
        ways: The directions, in the basis of the rows.
        low: What each product is at least.
        high: What it is at most.
    """

    numbers: tuple[int, ...] = ()
    ways: Float[np.ndarray, "cuts r"]
    low: Float[np.ndarray, " cuts"]
    high: Float[np.ndarray, " cuts"]


def least_moments(
    rows: Float[np.ndarray, "m r"],
    thresholds: Float[np.ndarray, " m"],
    cell: Cell,
    start: Float[np.ndarray, "r columns"],
) -> tuple[Float[np.ndarray, "r columns"], Float[np.ndarray, " cuts"]]:
    """Minimize the sum of Cantelli's bounds by an augmented Lagrangian.

    Args:
        rows: Normals, in single precision.
        thresholds: What they ask for.
        cell: The cell.
        start: Where to begin.

    Returns:
        Mean and factor of the covariance as one matrix on the unit sphere, so that the
        second moment of u is one; and the multipliers of the cuts.
    """
    penalty = _PENALTY * len(thresholds)
    multipliers = np.zeros(len(cell.ways))
    flat = start.ravel() / np.linalg.norm(start)
    for _ in range(_ROUNDS if len(cell.ways) else 1):
        found = minimize(
            _lagrangian,
            flat,
            args=(rows, thresholds, cell, multipliers, penalty, start.shape),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _ITERATIONS, "maxcor": 20},
        )
        flat = found.x / np.linalg.norm(found.x)
        _, excess, _ = _excess(flat.reshape(start.shape), cell)
        multipliers = np.maximum(0.0, multipliers + penalty * excess)
    return flat.reshape(start.shape), multipliers


def _excess(
    moments: Float[np.ndarray, "r columns"], cell: Cell
) -> tuple[
    Float[np.ndarray, "cuts columns"],
    Float[np.ndarray, " cuts"],
    Float[np.ndarray, " cuts"],
]:
    """Compute by how much E (a u - low)(a u - high) exceeds zero, with its parts."""
    products = cell.ways @ moments
    mean = products[:, 0]
    variance = np.square(products[:, 1:]).sum(axis=1)
    excess = variance - (cell.high - mean) * (mean - cell.low)
    return products, excess, 2 * mean - cell.high - cell.low


def _lagrangian(
    flat: Float[np.ndarray, " size"],
    rows: Float[np.ndarray, "m r"],
    thresholds: Float[np.ndarray, " m"],
    cell: Cell,
    multipliers: Float[np.ndarray, " cuts"],
    penalty: float,
    shape: tuple[int, int],
) -> tuple[float, Float[np.ndarray, " size"]]:
    """Evaluate the augmented Lagrangian and its gradient, on the sphere."""
    length = np.linalg.norm(flat)
    moments = (flat / length).reshape(shape)
    products = rows @ moments.astype(np.float32)
    mean = products[:, 0].astype(np.float64)
    variance = np.square(products[:, 1:]).sum(axis=1, dtype=np.float64)
    shortfall = np.maximum(thresholds - mean, 0.0)
    total = variance + shortfall**2 + _TINY
    value = float((shortfall**2 / total).sum())
    pull = np.empty_like(products)
    pull[:, 0] = -2 * shortfall * variance / total**2
    pull[:, 1:] = (-2 * shortfall**2 / total**2)[:, np.newaxis] * products[:, 1:]
    gradient = (rows.T @ pull).astype(np.float64)
    if len(cell.ways):
        along, excess, slope = _excess(moments, cell)
        force = np.maximum(0.0, multipliers + penalty * excess)
        value += float((force**2 - multipliers**2).sum()) / (2 * penalty)
        gradient[:, 0] += cell.ways.T @ (force * slope)
        gradient[:, 1:] += 2 * cell.ways.T @ (force[:, np.newaxis] * along[:, 1:])
    tangent = gradient - moments * (gradient * moments).sum()
    return value, (tangent / length).ravel()


def row_moments(
    rows: Float[np.ndarray, "m r"], moments: Float[np.ndarray, "r columns"]
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Compute mean and variance of each row's product with u.

    Args:
        rows: Normals, in single precision.
        moments: The mean, and a factor of the covariance.

    Returns:
        Both.
    """
    products = (rows @ moments.astype(np.float32)).astype(np.float64)
    return products[:, 0], np.square(products[:, 1:]).sum(axis=1)
