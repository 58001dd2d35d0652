r"""The largest deviation in the plane, for rows that are jointly normal.

On a face of the sample's arrangement :math:`\phi_n` is constant, so that the largest
deviation is where :math:`\phi` is least or largest on its closure. There :math:`\phi`
grows with the ratio r(v) of the mean of :math:`c^\top v + b` to its standard deviation,
whose critical points are few and known: one in the whole plane, at most one on a line,
and two on a circle, along the mean normal. Cut there, r is monotone along every edge,
and only ends of edges count. All edges are listed line by line, :math:`O(n^2 \log n)`
in all.
"""

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtr

from experiments.populations.distributions import GaussianRows
from experiments.populations.ray_counts import pieces, ray_pieces
from paper_lib.arrangement.lines import HalfPlanes, half_planes
from paper_lib.robust_sets import RobustSets


def gaussian_deviation(rows: GaussianRows, sets: RobustSets) -> float:
    r"""Compute :math:`\sup_v |\phi_n(v) - \phi(v)|` over the disc, up to rounding.

    Lines are taken to be in general position, as drawn ones are: no three meet in a
    point, and none is drawn twice.

    Args:
        rows: The population, in the plane.
        sets: The robust sets drawn.

    Returns:
        The largest deviation.
    """
    length, scale = rows.epsilon * rows.mean_length, rows.epsilon * rows.scale
    unit = replace(rows, mean_length=length, scale=scale, epsilon=1.0)
    n = len(sets.offsets)
    planes = half_planes(sets.normals.numpy(), sets.offsets.numpy(), sets.epsilon)
    lines = planes.take(planes.crosses)
    whole = int((~planes.crosses & (planes.offsets > 0)).sum())
    found = [_on_the_circle(lines, unit, whole, n), _at_the_peak(planes, unit, n)]
    found += [_on_a_chord(lines, k, unit, whole, n) for k in range(len(lines.offsets))]
    return max(found)


def _coverages(
    unit: GaussianRows, points: Float[np.ndarray, "k 2"]
) -> Float[np.ndarray, " k"]:
    """Compute phi, also where rounding leaves the disc."""
    mean, spread = unit.moments(torch.from_numpy(points))
    return ndtr((mean / spread).numpy())


def _critical_on_a_line(
    unit: GaussianRows,
    base: Float[np.ndarray, " 2"],
    direction: Float[np.ndarray, " 2"],
) -> float:
    """Find where phi is critical on a line."""
    mean, variances = unit.mean.numpy(), unit.variances.numpy()
    u, step = np.append(base, 1.0), np.append(direction, 0.0)
    m0, m1 = float(u @ mean), float(step @ mean)
    both = ((u, u), (u, step), (step, step))
    q0, q1, q2 = (float((x * variances) @ y) for x, y in both)
    bend = m1 * q1 - m0 * q2
    return (m0 * q1 - m1 * q0) / bend if bend else math.inf


def _at_the_peak(planes: HalfPlanes, unit: GaussianRows, n: int) -> float:
    """Compute the deviation where phi is critical in the plane, if the disc has it."""
    pull = unit.offset_scale**2 * unit.mean_length
    level = unit.scale**2 * unit.mean_offset
    if abs(pull) >= abs(level):
        return 0.0
    point = np.array([pull / level, 0.0])
    share = (planes.distances(point) >= 0).sum() / n
    return abs(float(share - _coverages(unit, point[np.newaxis])[0]))


def _on_a_chord(
    lines: HalfPlanes, line: int, unit: GaussianRows, whole: int, n: int
) -> float:
    """Compute the largest deviation on the faces on both sides of a chord."""
    normal, offset = lines.normals[line], float(lines.offsets[line])
    direction, base = np.array([-normal[1], normal[0]]), -offset * normal
    half = math.sqrt(max((1.0 - offset) * (1.0 + offset), 0.0))
    levels = lines.offsets - offset * (lines.normals @ normal)
    slopes, levels = (np.delete(x, line) for x in (lines.normals @ direction, levels))
    critical = _critical_on_a_line(unit, base, direction)
    cuts, counts = ray_pieces(slopes, levels, half, [critical])
    counts += whole + 1  # the chord's own half-plane is closed
    values = _coverages(unit, base + cuts[:, np.newaxis] * direction)
    return _farthest(values, counts / n, (counts - 1) / n)


def _on_the_circle(lines: HalfPlanes, unit: GaussianRows, whole: int, n: int) -> float:
    """Compute the largest deviation on the faces along the circle."""
    centers = np.arctan2(lines.normals[:, 1], lines.normals[:, 0])
    reach = np.arccos(np.clip(-lines.offsets, -1.0, 1.0))
    turn = 2 * math.pi
    starts, ends = (centers - reach) % turn, (centers + reach) % turn
    first = whole + int((starts > ends).sum())
    # Critical at zero and half a turn: zero is an end of the interval as it is.
    cuts, counts = pieces(starts, ends, (0.0, turn), first, [math.pi])
    values = _coverages(unit, np.column_stack([np.cos(cuts), np.sin(cuts)]))
    return _farthest(values, counts / n, counts / n)


def _farthest(
    values: Float[np.ndarray, " k"],
    most: Float[np.ndarray, " j"],
    least: Float[np.ndarray, " j"],
) -> float:
    """Compare the values at both ends of each piece with the shares beside it."""
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    return float(max((most - low).max(), (high - least).max()))
