r"""The maximum over a ball of an affine function divided by its standard deviation.

With :math:`u = (v, 1)` the row's value :math:`c^\top v + b` has mean :math:`m(v) =
a^\top u` and variance :math:`s(v)^2 = u^\top \Sigma u`. Where m is positive the ratio
m / s is quasi-concave: its maximizer minimizes the convex :math:`s^2 - 2 \rho m` over
the ball for one :math:`\rho`, and at it :math:`\rho = s^2 / m`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

# Doublings of rho until its bracket must have closed.
_DOUBLINGS = 200


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RatioMaximum:
    """A point of the ball and what bounds the ratio on all of it.

    Attributes:
        point: The point.
        ratio: The ratio there.
        upper: What the ratio exceeds nowhere in the ball, up to rounding.
    """

    point: Float[np.ndarray, " d"]
    ratio: float
    upper: float


def maximize_ratio(
    mean: Float[np.ndarray, " e"], covariance: Float[np.ndarray, "e e"], radius: float
) -> RatioMaximum:
    r"""Maximize :math:`a^\top u / \sqrt{u^\top \Sigma u}` for u = (v, 1) over a ball.

    The bound needs no trust in the search: s is convex, so it lies above its tangent l
    at the point found, and :math:`m(v) - t\, l(v)` with t the ratio there is affine in
    v. Its maximum h over the ball is known, zero at the maximizer, and :math:`m \le t s
    + h` bounds the ratio by :math:`t + h / \min s`, where :math:`s^2` is at least the
    smallest eigenvalue of :math:`\Sigma`.

    Args:
        mean: a: the mean normal, then the mean offset.
        covariance: Covariance of the row (c, b), positive definite.
        radius: Radius of the ball.

    Returns:
        The maximizer and the bound.

    Raises:
        ValueError: If the mean is positive nowhere in the ball, where the ratio is not
            quasi-concave.

    Example:
        >>> best = maximize_ratio(np.array([1.0, 0.5]), np.diag([1.0, 0.36]), 1.0)
        >>> best.point.round(6).tolist(), round(best.upper - best.ratio, 9)
        ([0.72], 0.0)
    """
    slope, level = mean[:-1], float(mean[-1])
    most = level + radius * float(np.linalg.norm(slope))
    if most <= 0.0:
        raise ValueError(
            "the mean of c^T v + b must be positive somewhere in the ball, got at most "
            f"{most}."
        )
    frontier = _Frontier(slope, covariance, radius)

    def excess(rho: float) -> float:
        u = np.append(frontier.point(rho), 1.0)
        return float(u @ covariance @ u - rho * (mean @ u))

    high = 1.0
    for _ in range(_DOUBLINGS):
        if excess(high) <= 0.0:
            break
        high *= 2.0
    point = frontier.point(_root(excess, high))
    u = np.append(point, 1.0)
    spread = math.sqrt(u @ covariance @ u)
    ratio = float(mean @ u) / spread
    rest = mean - ratio * (covariance @ u) / spread
    above = float(rest[-1] + radius * np.linalg.norm(rest[:-1]))
    least = float(np.linalg.eigvalsh(covariance)[0])
    slack = max(above, 0.0) / math.sqrt(least) if least > 0.0 else math.inf
    return RatioMaximum(point=point, ratio=ratio, upper=ratio + slack)


def _root(function: Callable[[float], float], high: float) -> float:
    """Find where a function changes its sign between zero and a bracket's end."""
    settings: dict[str, Any] = {"xtol": 1e-300, "rtol": 1e-15, "maxiter": 500}
    root: Any = brentq(function, 0.0, high, **settings)
    return float(root)


class _Frontier:
    r"""Minimizers of :math:`s(v)^2 - 2 \rho m(v)` over the ball."""

    def __init__(
        self,
        slope: Float[np.ndarray, " d"],
        covariance: Float[np.ndarray, "e e"],
        radius: float,
    ) -> None:
        """Diagonalize once."""
        self.values, self.axes = np.linalg.eigh(covariance[:-1, :-1])
        self.slope = self.axes.T @ slope
        self.cross = self.axes.T @ covariance[:-1, -1]
        self.radius = radius

    def point(self, rho: float) -> Float[np.ndarray, " d"]:
        """Find the minimizer, shrunk by a multiplier where it would leave the ball."""
        pull = rho * self.slope - self.cross

        def overshoot(multiplier: float) -> float:
            length = float(np.linalg.norm(pull / (self.values + multiplier)))
            return length - self.radius

        if overshoot(0.0) <= 0.0:
            return self.axes @ (pull / self.values)
        if self.radius == 0.0:
            return np.zeros(len(pull))
        high = float(np.linalg.norm(pull)) / self.radius
        found = self.axes @ (pull / (self.values + _root(overshoot, high)))
        return found * min(1.0, self.radius / float(np.linalg.norm(found)))
