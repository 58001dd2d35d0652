r"""The largest deviation in the plane, for rows that are jointly normal.

On a face of the sample's arrangement :math:`\phi_n` is constant, so that the largest
deviation is where :math:`\phi` is least or largest on its closure. There :math:`\phi`
grows with the ratio r(v) of the mean of :math:`c^\top v + b` to its standard deviation,
whose critical points are few and known: one in the whole plane, at most one on a line,
and six on a circle. Cut there, r is monotone along every edge, and only ends of edges
count. All edges are listed line by line, :math:`O(n^2 \log n)` in all.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from paper_lib.arrangement.lines import HalfPlanes, half_planes
from paper_lib.robust_sets import RobustSets

# Roots of a polynomial count as angles when they are this near the unit circle. One too
# many only adds a cut.
_NEAR_CIRCLE = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Ratio:
    """Mean over standard deviation at points of the unit disc."""

    mean: Float[np.ndarray, " 3"]
    covariance: Float[np.ndarray, "3 3"]

    def at(self, points: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, " k"]:
        """Evaluate it."""
        u = np.column_stack([points, np.ones(len(points))])
        return (u @ self.mean) / np.sqrt(((u @ self.covariance) * u).sum(1))

    def peak(self) -> Float[np.ndarray, "k 2"]:
        """Find its critical point in the plane, where the disc has it."""
        u = np.linalg.solve(self.covariance, self.mean)
        inside = np.hypot(u[0], u[1]) < abs(u[2])
        return (u[:2] / u[2])[np.newaxis] if inside else np.zeros((0, 2))

    def along(
        self,
        base: Float[np.ndarray, " 2"],
        direction: Float[np.ndarray, " 2"],
    ) -> tuple[tuple[float, float], tuple[float, float, float], float]:
        """Restrict it to a line: mean, variance, and where it is critical."""
        u, step = np.append(base, 1.0), np.append(direction, 0.0)
        m0, m1 = float(u @ self.mean), float(step @ self.mean)
        q0, q1, q2 = (
            float(x @ self.covariance @ y) for x, y in ((u, u), (u, step), (step, step))
        )
        bend = m1 * q1 - m0 * q2
        critical = (m0 * q1 - m1 * q0) / bend if bend else math.inf
        return (m0, m1), (q0, q1, q2), critical

    def critical_angles(self) -> Float[np.ndarray, " k"]:
        """Find where it is critical on the circle, and perhaps a few angles more."""
        # Its derivative's numerator is a trigonometric polynomial of degree three.
        angles = 2 * math.pi * np.arange(8) / 8
        u = np.column_stack([np.cos(angles), np.sin(angles), np.ones(8)])
        turn = np.column_stack([-np.sin(angles), np.cos(angles), np.zeros(8)])
        variance = ((u @ self.covariance) * u).sum(1)
        bent = ((u @ self.covariance) * turn).sum(1)
        slope = (turn @ self.mean) * variance - (u @ self.mean) * bent
        powers = np.fft.fft(slope)[[3, 2, 1, 0, 7, 6, 5]] / 8
        largest = np.abs(powers).max()
        if largest == 0.0:
            return np.zeros(0)
        roots = np.roots(np.where(np.abs(powers) > 1e-14 * largest, powers, 0.0))
        return np.angle(roots[np.abs(np.abs(roots) - 1.0) < _NEAR_CIRCLE])


def gaussian_deviation(
    mean: Float[np.ndarray, " 3"],
    covariance: Float[np.ndarray, "3 3"],
    sets: RobustSets,
) -> float:
    r"""Compute :math:`\sup_v |\phi_n(v) - \phi(v)|` over the disc, up to rounding.

    Lines are taken to be in general position, as drawn ones are: no three meet in a
    point, and none is drawn twice.

    Args:
        mean: Mean of the row (c, b).
        covariance: Its covariance, positive definite.
        sets: The robust sets drawn.

    Returns:
        The largest deviation.
    """
    scale = np.array([sets.epsilon, sets.epsilon, 1.0])
    ratio = _Ratio(mean=scale * mean, covariance=np.outer(scale, scale) * covariance)
    n = len(sets.offsets)
    planes = half_planes(sets.normals.numpy(), sets.offsets.numpy(), sets.epsilon)
    lines = planes.take(planes.crosses)
    whole = int((~planes.crosses & (planes.offsets > 0)).sum())
    found = [_on_the_circle(lines, ratio, whole, n)]
    found += [_at(point, planes, ratio, n) for point in ratio.peak()]
    found += [_on_a_chord(lines, k, ratio, whole, n) for k in range(len(lines.offsets))]
    return max(found)


def _at(
    point: Float[np.ndarray, " 2"], planes: HalfPlanes, ratio: _Ratio, n: int
) -> float:
    """Compute the deviation at a point."""
    share = (planes.distances(point) >= 0).sum() / n
    return abs(float(share - ndtr(ratio.at(point[np.newaxis]))[0]))


def _on_a_chord(
    lines: HalfPlanes, line: int, ratio: _Ratio, whole: int, n: int
) -> float:
    """Compute the largest deviation on the faces on both sides of a chord."""
    normal, offset = lines.normals[line], float(lines.offsets[line])
    direction = np.array([-normal[1], normal[0]])
    half = math.sqrt(max((1.0 - offset) * (1.0 + offset), 0.0))
    slopes = lines.normals @ direction
    levels = lines.offsets - offset * (lines.normals @ normal)
    slopes[line] = 0.0
    bounds = -levels / np.where(slopes == 0, 1.0, slopes)
    starts, ends = bounds[slopes > 0], bounds[slopes < 0]
    flat = (slopes == 0) & (levels >= 0)
    flat[line] = True  # the chord's own half-plane is closed
    at_first = flat.sum() + (starts <= -half).sum() + (ends >= -half).sum()
    (m0, m1), (q0, q1, q2), critical = ratio.along(-offset * normal, direction)
    cuts, counts = _pieces(
        starts, ends, (-half, half), whole + int(at_first), [critical]
    )
    values = ndtr((m0 + m1 * cuts) / np.sqrt(q0 + cuts * (2 * q1 + cuts * q2)))
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    return float(max((counts / n - low).max(), (high - (counts - 1) / n).max()))


def _on_the_circle(lines: HalfPlanes, ratio: _Ratio, whole: int, n: int) -> float:
    """Compute the largest deviation on the faces along the circle."""
    centers = np.arctan2(lines.normals[:, 1], lines.normals[:, 0])
    reach = np.arccos(np.clip(-lines.offsets, -1.0, 1.0))
    turn = 2 * math.pi
    starts, ends = (centers - reach) % turn, (centers + reach) % turn
    first = whole + int((starts > ends).sum())
    cuts, counts = _pieces(
        starts, ends, (0.0, turn), first, (ratio.critical_angles() % turn).tolist()
    )
    values = ndtr(ratio.at(np.column_stack([np.cos(cuts), np.sin(cuts)])))
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    return float(max((counts / n - low).max(), (high - counts / n).max()))


def _pieces(
    starts: Float[np.ndarray, " s"],
    ends: Float[np.ndarray, " t"],
    whole: tuple[float, float],
    first: int,
    critical: list[float],
) -> tuple[Float[np.ndarray, " k"], Int[np.ndarray, " j"]]:
    """Cut an interval where rays begin and end, and count them on each piece.

    Args:
        starts: Where rays begin.
        ends: Where rays end.
        whole: The interval.
        first: How many rays hold where it begins.
        critical: Where to cut besides.

    Returns:
        The cuts, the ends of the interval among them, and a count between each two.
    """
    low, high = whole
    starts = starts[(starts > low) & (starts < high)]
    ends = ends[(ends >= low) & (ends < high)]
    more = np.array([at for at in critical if low < at < high])
    cuts = np.concatenate([starts, ends, more])
    changes = np.repeat([1, -1, 0], [len(starts), len(ends), len(more)])
    order = np.argsort(cuts, kind="stable")
    counts = first + np.concatenate([[0], np.cumsum(changes[order])])
    return np.concatenate([[low], cuts[order], [high]]), counts
