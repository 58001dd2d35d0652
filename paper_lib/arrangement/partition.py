"""The cells and vertices of an arrangement of lines in a disc."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from paper_lib.arrangement.lines import TOUCH, HalfPlanes, half_planes
from paper_lib.arrangement.regions import DISC, Region, cut, measure, merge_arcs

# Smaller parts of a cell, in squared radii, are rounding and not cut off.
SMALLEST_AREA = 1e-13


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cell:
    """A part of the disc in which the same half-planes are satisfied.

    Attributes:
        satisfied: Which half-planes hold inside it.
        area: Its area.
        interior: Its centroid, at least a third of its width from each side.
        vertices: Its corners, counterclockwise; none for the whole disc.
        is_arc: Whether the edge from each corner to the next follows the circle.
        radius: Radius of the disc.
    """

    satisfied: Bool[np.ndarray, " n"]
    area: float
    interior: Float[np.ndarray, " 2"]
    vertices: Float[np.ndarray, "k 2"]
    is_arc: Bool[np.ndarray, " k"]
    radius: float

    def outline(self, points_per_circle: int = 360) -> Float[np.ndarray, "p 2"]:
        """Trace the boundary, arcs as many short segments.

        Args:
            points_per_circle: Points on a full circle.

        Returns:
            Points of the boundary, counterclockwise.
        """
        if len(self.vertices) == 0:
            return self.radius * _on_circle(0.0, 2 * math.pi, points_per_circle)
        traced = []
        for k, corner in enumerate(self.vertices):
            traced.append(corner[np.newaxis])
            if self.is_arc[k]:
                after = self.vertices[(k + 1) % len(self.vertices)]
                start, end = (math.atan2(y, x) for x, y in (corner, after))
                turn = (end - start) % (2 * math.pi)
                count = 1 + int(turn / (2 * math.pi) * points_per_circle)
                traced.append(self.radius * _on_circle(start, turn, count)[1:])
        return np.concatenate(traced)


def cells(
    normals: Float[np.ndarray, "n 2"], offsets: Float[np.ndarray, " n"], radius: float
) -> tuple[Cell, ...]:
    """List the cells with interior, for some dozens of half-planes.

    The lines are drawn one after another, each cuts the cells it crosses. Parts below
    1e-13 of the squared radius stay with their neighbor.

    Args:
        normals: Normals of the half-planes; zero where offsets alone decide.
        offsets: Their offsets; minus infinity for one nothing satisfies.
        radius: Radius of the disc; 0 leaves no cell.

    Returns:
        The cells, which fill the disc.

    Raises:
        ValueError: If shapes do not fit, an entry is NaN or a normal infinite, or the
            radius is negative, NaN or infinite.

    Example:
        >>> quarters = cells(np.eye(2), np.zeros(2), radius=1.0)
        >>> sorted(int(cell.satisfied.sum()) for cell in quarters)
        [0, 1, 1, 2]
    """
    planes = half_planes(normals, offsets, radius)
    if radius == 0.0:
        return ()
    found: list[tuple[Region, tuple[bool, ...]]] = [(DISC, ())]
    for row in range(len(offsets)):
        found = [
            (part, (*signs, side))
            for region, signs in found
            for part, side in _halves(region, *planes.line(row))
        ]
    return tuple(as_cell(region, signs, radius) for region, signs in found)


def as_cell(region: Region, signs: tuple[bool, ...], radius: float) -> Cell:
    """Describe a region of the unit disc in the units of the disc.

    Args:
        region: The region, of positive area.
        signs: Which half-planes hold inside it.
        radius: Radius of the disc.

    Returns:
        The cell.
    """
    area, center = measure(region)
    edges = merge_arcs(region)
    corners = [(edge.start.real, edge.start.imag) for edge in edges]
    return Cell(
        satisfied=np.array(signs, dtype=bool),
        area=area * radius**2,
        interior=radius * np.array([center.real, center.imag]),
        vertices=radius * np.array(corners, dtype=np.float64).reshape(-1, 2),
        is_arc=np.array([edge.is_arc for edge in edges], dtype=bool),
        radius=radius,
    )


def vertices(
    normals: Float[np.ndarray, "n 2"], offsets: Float[np.ndarray, " n"], radius: float
) -> Float[np.ndarray, "k 2"]:
    """List the points of the disc where boundary lines meet, or the circle, each once.

    Args:
        normals: Normals of the half-planes.
        offsets: Their offsets.
        radius: Radius of the disc.

    Returns:
        The vertices.

    Raises:
        ValueError: If shapes do not fit, an entry is NaN or a normal infinite, or the
            radius is negative, NaN or infinite.

    Example:
        >>> found = vertices(np.eye(2), np.zeros(2), radius=1.0)
        >>> len(found), sorted(abs(found).sum(1).round(9).tolist())
        (5, [0.0, 1.0, 1.0, 1.0, 1.0])
    """
    planes = half_planes(normals, offsets, radius)
    planes = planes.take(planes.crosses)
    points = np.concatenate([_meetings(planes), _ends(planes)])
    if len(points) == 0:
        return points
    pairs = KDTree(points).query_pairs(1e3 * TOUCH, output_type="ndarray")
    return radius * np.delete(points, np.unique(pairs[:, 1]), axis=0)


def _halves(
    region: Region, normal: complex, offset: float
) -> list[tuple[Region, bool]]:
    """Cut a cell, or find the side of the line it lies on."""
    if not -1.0 < offset < 1.0:
        return [(region, offset > 0)]
    inside, outside = cut(region, normal, offset)
    parts = [(part, part is inside) for part in (inside, outside) if part]
    sizes = [measure(part)[0] for part, _ in parts]
    if len(parts) == 2 and min(sizes) > SMALLEST_AREA:
        return parts
    return [(region, parts[int(np.argmax(sizes))][1])]


def _meetings(planes: HalfPlanes) -> Float[np.ndarray, "k 2"]:
    """Find where lines meet each other, inside the unit disc."""
    left, right = np.triu_indices(len(planes.offsets), k=1)
    (a, b), (c, d) = planes.normals[left].T, planes.normals[right].T
    p, q = planes.offsets[left], planes.offsets[right]
    sine = a * d - b * c
    meet = np.abs(sine) > TOUCH
    sine = np.where(meet, sine, 1.0)
    points = np.stack([b * q - d * p, c * p - a * q], axis=1) / sine[:, np.newaxis]
    return points[meet & (np.hypot(*points.T) <= 1.0 + TOUCH)]


def _ends(planes: HalfPlanes) -> Float[np.ndarray, "k 2"]:
    """Find where lines meet the unit circle."""
    foot = -planes.offsets[:, np.newaxis] * planes.normals
    half = np.sqrt(np.maximum(1.0 - planes.offsets**2, 0.0))[:, np.newaxis]
    along = half * planes.normals[:, ::-1] * [-1.0, 1.0]
    return np.concatenate([foot + along, foot - along])


def _on_circle(start: float, turn: float, count: int) -> Float[np.ndarray, "count 2"]:
    """Spread points over an arc of the unit circle, its end left out."""
    angles = start + turn * np.arange(count) / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
