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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class InnerBall:
    """A ball, its radius negative where even its center violates a row.

    Attributes:
        center: The center.
        radius: How far every row and the unit sphere are away from it.
    """

    center: Float[np.ndarray, " d"]
    radius: float


def inner_ball(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    start: Float[np.ndarray, " d"],
    *,
    tolerance: float = 1e-9,
) -> InnerBall:
    """Find the largest ball in the intersection of half-spaces with the unit ball.

    Args:
        normals: Unit normals g.
        thresholds: What a row asks of its product with v.
        start: A point of the unit ball.
        tolerance: How near the radius comes to the largest one, relative to the unit
            ball.

    Returns:
        The ball. Its radius is a lower bound, exact up to rounding, on the largest.

    Example:
        >>> quadrant = inner_ball(np.eye(2), np.zeros(2), np.array([0.1, 0.2]))
        >>> round(quadrant.radius, 6)
        0.414214
    """
    point = np.append(start, _reach(normals, thresholds, start) - 0.1)
    best = InnerBall(center=start, radius=_reach(normals, thresholds, start))
    push = 1.0
    for _ in range(_ROUNDS):
        point = _center(normals, thresholds, point, push)
        reach = _reach(normals, thresholds, point[:-1])
        if reach > best.radius:
            best = InnerBall(center=point[:-1], radius=reach)
        if (len(thresholds) + 2) / push < tolerance:
            break
        push *= _GROWTH
    return best


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rounding:
    """A center of a convex set and a linear map that makes a ball look like the set.

    Attributes:
        center: The analytic center, where the product of all slacks is largest.
        shape: The map: it sends the unit ball to an ellipsoid inside the set, up to the
            shift by the center, that fills the set up to a factor of the rows' number.
    """

    center: Float[np.ndarray, " d"]
    shape: Float[np.ndarray, "d d"]


def rounding(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    start: Float[np.ndarray, " d"],
) -> Rounding:
    """Find the analytic center of half-spaces cut with the unit ball, and the shape.

    Args:
        normals: Normals g.
        thresholds: What a row asks of its product with a point.
        start: A point with slack on every row and to the sphere.

    Returns:
        The center and the ellipsoid of the barrier there (Dikin's).
    """
    point = np.append(start, 0.0)
    for _ in range(_NEWTON_STEPS):
        gradient, hessian = _derivatives(normals, thresholds, point, 0.0)
        step = np.linalg.solve(hessian[:-1, :-1], gradient[:-1])
        decrement = float(gradient[:-1] @ step)
        if decrement < 1e-10:
            break
        point[:-1] += step / (1.0 + np.sqrt(decrement))
    _, hessian = _derivatives(normals, thresholds, point, 0.0)
    root = np.linalg.cholesky(hessian[:-1, :-1])
    return Rounding(center=point[:-1], shape=np.linalg.inv(root).T)


def _reach(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    v: Float[np.ndarray, " d"],
) -> float:
    """Measure how far a point is inside every row and the unit ball."""
    return float((normals @ v - thresholds).min(initial=1.0 - float(np.sqrt(v @ v))))


def _center(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    point: Float[np.ndarray, " e"],
    push: float,
) -> Float[np.ndarray, " e"]:
    """Maximize ``push * r`` plus the logarithms of all slacks, by Newton's method."""
    for _ in range(_NEWTON_STEPS):
        gradient, hessian = _derivatives(normals, thresholds, point, push)
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
        point = point + step / (1.0 + np.sqrt(decrement))
    return point


def _derivatives(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    point: Float[np.ndarray, " e"],
    push: float,
) -> tuple[Float[np.ndarray, " e"], Float[np.ndarray, "e e"]]:
    """Compute the gradient and minus the Hessian of the barrier problem."""
    v, r = point[:-1], point[-1]
    rows = np.column_stack([normals, -np.ones(len(thresholds))])
    inverse = 1.0 / (rows @ point - thresholds)
    cone = (1.0 - r) ** 2 - v @ v
    slope = np.append(-2.0 * v, -2.0 * (1.0 - r)) / cone
    curvature = np.diag(np.append(np.full(len(v), 2.0), -2.0)) / cone
    weighted = rows * inverse[:, np.newaxis]
    gradient = weighted.sum(axis=0) + slope
    gradient[-1] += push
    return gradient, weighted.T @ weighted + curvature + np.outer(slope, slope)
