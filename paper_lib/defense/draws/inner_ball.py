r"""The largest ball inside half-spaces cut with V: has their intersection volume?

.. math:: \max_{v, r} r \quad\text{subject to}\quad
    g_i^\top v \ge t_i + r \|g_i\|, \ \|v\|_2 \le 1 - r,

by a barrier method from any point of the ball: r may be negative, so a start that
violates a row will do.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_GROWTH, _ROUNDS, _NEWTON_STEPS = 10.0, 16, 60


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Half-spaces cut with the unit ball: a piece of V*, in units of the budget.

    Attributes:
        normals: Normals g of the half-spaces.
        thresholds: What a row asks of its product with a point.
    """

    normals: Float[np.ndarray, "m d"]
    thresholds: Float[np.ndarray, " m"]

    def reach(self, v: Float[np.ndarray, " d"]) -> float:
        """Measure how far a point is inside every row and the unit ball.

        Args:
            v: The point.

        Returns:
            The radius of a ball around it, where normals are of length one; negative
            where it violates a row.
        """
        slack = self.normals @ v - self.thresholds
        return float(slack.min(initial=1.0 - float(np.sqrt(v @ v))))


def inner_ball(
    piece: Piece, start: Float[np.ndarray, " d"], *, tolerance: float = 1e-9
) -> tuple[Float[np.ndarray, " d"], float]:
    """Find the largest ball inside a piece.

    Args:
        piece: The piece, with normals of length one.
        start: A point of the unit ball.
        tolerance: How near the radius comes to the largest one, relative to the unit
            ball.

    Returns:
        Center and radius. The radius is a lower bound, exact up to rounding, on the
        largest; negative where even the center violates a row.

    Example:
        >>> quadrant = Piece(np.eye(2), np.zeros(2))
        >>> round(inner_ball(quadrant, np.array([0.1, 0.2]))[1], 6)
        0.414214
    """
    center, radius = start, piece.reach(start)
    point = np.append(start, radius - 0.1)
    push = 1.0
    for _ in range(_ROUNDS):
        point = _center(piece, point, push)
        reach = piece.reach(point[:-1])
        if reach > radius:
            center, radius = point[:-1], reach
        if (len(piece.thresholds) + 2) / push < tolerance:
            break
        push *= _GROWTH
    return center, radius


def rounding(
    piece: Piece, start: Float[np.ndarray, " d"]
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "d d"]]:
    """Find the analytic center of a piece, and a map that makes a ball look like it.

    Args:
        piece: The piece.
        start: A point with slack on every row and to the sphere.

    Returns:
        The center, where the product of all slacks is largest. The map: it sends the
        unit ball to the ellipsoid of the barrier there (Dikin's), which lies inside the
        piece, up to the shift by the center, and fills it up to a factor of the rows'
        number.
    """
    point = _center(piece, np.append(start, 0.0), 0.0, len(start))
    _, hessian = _derivatives(piece, point, 0.0)
    root = np.linalg.cholesky(hessian[:-1, :-1])
    return point[:-1], np.linalg.inv(root).T


def _center(
    piece: Piece, point: Float[np.ndarray, " e"], push: float, size: int | None = None
) -> Float[np.ndarray, " e"]:
    """Maximize ``push * r`` plus the logarithms of all slacks, by Newton's method."""
    # With a size only so many of the first coordinates move.
    point = point.copy()
    for _ in range(_NEWTON_STEPS):
        gradient, hessian = _derivatives(piece, point, push)
        gradient, hessian = gradient[:size], hessian[:size, :size]
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            # Slacks are farther apart than the digits of a number reach. The radius is
            # measured at the point, so that what was found stands.
            break
        decrement = float(gradient @ step)
        if decrement < 1e-10:
            break
        # Within a distance of one in the local norm every slack stays positive.
        point[:size] += step / (1.0 + np.sqrt(decrement))
    return point


def _derivatives(
    piece: Piece, point: Float[np.ndarray, " e"], push: float
) -> tuple[Float[np.ndarray, " e"], Float[np.ndarray, "e e"]]:
    """Compute the gradient and minus the Hessian of the barrier problem."""
    v, r = point[:-1], point[-1]
    rows = np.column_stack([piece.normals, -np.ones(len(piece.thresholds))])
    inverse = 1.0 / (rows @ point - piece.thresholds)
    cone = (1.0 - r) ** 2 - v @ v
    slope = np.append(-2.0 * v, -2.0 * (1.0 - r)) / cone
    curvature = np.diag(np.append(np.full(len(v), 2.0), -2.0)) / cone
    weighted = rows * inverse[:, np.newaxis]
    gradient = weighted.sum(axis=0) + slope
    gradient[-1] += push
    return gradient, weighted.T @ weighted + curvature + np.outer(slope, slope)
