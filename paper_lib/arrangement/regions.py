"""Convex parts of the unit disc, bounded by segments and arcs.

Points are complex numbers, boundaries run counterclockwise. A region is cut by a line
without a case for each way they can meet: edges are cut first, then sorted by the side
their middle lies on, and gaps closed by segments.
"""

import cmath
import itertools
import math
from dataclasses import dataclass

from paper_lib.arrangement.lines import TOUCH


@dataclass(frozen=True, slots=True)
class Edge:
    """A piece of the boundary.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        is_arc: Whether it follows the unit circle; otherwise it is straight.
    """

    start: complex
    end: complex
    is_arc: bool

    @property
    def angle(self) -> float:
        """The angle an arc spans at the center; 0 for a segment."""
        return _angle(self.start, self.end) if self.is_arc else 0.0

    @property
    def middle(self) -> complex:
        """The point halfway along it."""
        if self.is_arc:
            return self.start * cmath.rect(1.0, self.angle / 2)
        return (self.start + self.end) / 2


Region = tuple[Edge, ...]
_CORNERS = [cmath.rect(1.0, 2 * math.pi * k / 3) for k in range(3)]
# The whole disc. Its corners are on no line; where arcs meet is no vertex.
DISC: Region = tuple(Edge(_CORNERS[k], _CORNERS[(k + 1) % 3], True) for k in range(3))


def cut(region: Region, normal: complex, offset: float) -> tuple[Region, Region]:
    """Cut a region by a line.

    Args:
        region: The region.
        normal: Unit normal of the line.
        offset: Signed distance of the center from it.

    Returns:
        The part where the signed distance is positive and the part where it is
        negative; no edges for one that is missing. Both share the new edge.
    """
    pieces = [piece for edge in region for piece in _pieces(edge, normal, offset)]
    sides = [_distance(piece.middle, normal, offset) for piece in pieces]
    inside = [p for p, side in zip(pieces, sides, strict=True) if side > TOUCH]
    outside = [p for p, side in zip(pieces, sides, strict=True) if side < -TOUCH]
    return _closed(inside), _closed(outside)


def measure(region: Region) -> tuple[float, complex]:
    """Compute area and centroid: a polygon and the circular segments on its arcs.

    The centroid of a convex region is at least a third of its width away from every
    tangent, so it is well inside.

    Args:
        region: The region.

    Returns:
        The area and the centroid; the mean of the edges' middles for area zero.
    """
    origin = region[0].start  # near the region, so that little cancels
    area, moment = 0.0, 0j
    for edge in region:
        left, right = edge.start - origin, edge.end - origin
        triangle = (left.conjugate() * right).imag / 2
        cap = (edge.angle - math.sin(edge.angle)) / 2
        lever = 2 / 3 * math.sin(edge.angle / 2) ** 3 * _direction(edge.middle)
        area += triangle + cap
        moment += triangle * (left + right) / 3 + lever - cap * origin
    if area <= 0.0:
        return 0.0, sum(edge.middle for edge in region) / len(region)
    return area, origin + moment / area


def merge_arcs(region: Region) -> Region:
    """Join arcs that follow each other, so that edges meet in vertices alone.

    Args:
        region: The region.

    Returns:
        The same region; no edges for the whole disc, which has no vertex.
    """
    if all(edge.is_arc for edge in region):
        return ()
    first = next(k for k, edge in enumerate(region) if not edge.is_arc)
    merged: list[Edge] = []
    for edge in (*region[first:], *region[:first]):
        if merged and edge.is_arc and merged[-1].is_arc:
            edge = Edge(merged.pop().start, edge.end, True)
        merged.append(edge)
    return tuple(merged)


def _distance(point: complex, normal: complex, offset: float) -> float:
    """Signed distance from a line."""
    return normal.real * point.real + normal.imag * point.imag + offset


def _angle(start: complex, end: complex) -> float:
    """Angle from one point to another, counterclockwise, in [0, 2 pi)."""
    return cmath.phase(end * start.conjugate()) % (2 * math.pi)


def _direction(point: complex) -> complex:
    """Scale to length one; zero stays."""
    return point / abs(point) if point else point


def _pieces(edge: Edge, normal: complex, offset: float) -> list[Edge]:
    """Cut one edge where it crosses a line, unless it does so at an end."""
    points = _arc_crossings if edge.is_arc else _segment_crossings
    stops = [edge.start, *points(edge, normal, offset), edge.end]
    return [Edge(left, right, edge.is_arc) for left, right in itertools.pairwise(stops)]


def _segment_crossings(edge: Edge, normal: complex, offset: float) -> list[complex]:
    """Find where a segment crosses a line."""
    left = _distance(edge.start, normal, offset)
    right = _distance(edge.end, normal, offset)
    if min(left, right) >= -TOUCH or max(left, right) <= TOUCH:
        return []
    return [edge.start + (edge.end - edge.start) * (left / (left - right))]


def _arc_crossings(edge: Edge, normal: complex, offset: float) -> list[complex]:
    """Find where an arc crosses a line."""
    if abs(offset) >= 1.0:
        return []
    half = math.sqrt((1.0 - offset) * (1.0 + offset))
    points = [_direction(normal * complex(-offset, side)) for side in (half, -half)]
    found = sorted((_angle(edge.start, point), k) for k, point in enumerate(points))
    return [points[k] for turn, k in found if TOUCH < turn < edge.angle - TOUCH]


def _closed(edges: list[Edge]) -> Region:
    """Join edges, in their order, by segments."""
    closed: list[Edge] = []
    for edge, after in zip(edges, edges[1:] + edges[:1], strict=True):
        closed.append(edge)
        if edge.end != after.start:
            closed.append(Edge(edge.end, after.start, False))
    return tuple(closed)
