r"""The maximum of coverage in the plane, by a sweep along every boundary line.

Where a set of half-planes meets inside the disc and is not all of it, it meets on the
boundary of one of them. So the maximum over all chords is the maximum over the disc. On
a chord every half-plane is a ray; sorted by where they begin and end, rays are counted
in one pass: :math:`O(n \log n)` a line, :math:`O(n^2 \log n)` in all.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from paper_lib.arrangement.lines import TOUCH, HalfPlanes, half_planes
from paper_lib.arrangement.regions import DISC, cut, measure

# Shorter edges, in radii, do not show that a cell has interior.
_SHORTEST = 1e-9
# Rays counted between two results of a sweep: some 30 milliseconds.
_RAYS_PER_STEP = 200_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlanarMaximum:
    """A point of the disc and the half-planes that contain it.

    Attributes:
        point: The point; the centroid of its cell where that has interior.
        count: How many half-planes contain it, closed and touching up to 1e-12 radii.
        satisfied: Which.
        slack: Distance to the nearest of their boundaries or the circle; zero, up to
            rounding, where they meet in a point or a segment alone.
    """

    point: Float[np.ndarray, " 2"]
    count: int
    satisfied: Bool[np.ndarray, " n"]
    slack: float


@dataclass(frozen=True, slots=True)
class _Face:
    """A part of a chord where the count is the same."""

    count: int
    low: float
    high: float
    line: int


_NO_FACE = _Face(count=-1, low=0.0, high=0.0, line=-1)


def _rank(face: _Face) -> tuple[int, float]:
    """What is larger is better."""
    return face.count, face.high - face.low


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Chord:
    """A boundary line inside the unit disc, and all half-planes seen from it.

    A point at s along the line is ``levels + s * slopes`` inside each of them.
    """

    line: int
    half: float  # the chord runs from -half to half
    levels: Float[np.ndarray, " m"]
    slopes: Float[np.ndarray, " m"]
    is_pinched: bool  # another half-plane has the same boundary and the other side


def maximum_coverage(
    normals: Float[np.ndarray, "n 2"], offsets: Float[np.ndarray, " n"], radius: float
) -> PlanarMaximum:
    r"""Find a point that most half-planes contain. Paper: Eq. (7) for d = 2.

    Half-planes :math:`c^\top v + b \ge 0` are closed; they touch where they come
    within 1e-12 radii. Among the faces with the largest count one with interior is
    preferred, so that rounding does not decide at the point returned.

    Args:
        normals: Normals of the half-planes; zero where offsets alone decide.
        offsets: Their offsets; minus infinity for one nothing satisfies.
        radius: Radius of the disc.

    Returns:
        The maximizer and its count.

    Raises:
        ValueError: If shapes do not fit, an entry is NaN or a normal infinite, or the
            radius is negative, NaN or infinite.

    Example:
        >>> sides = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
        >>> maximum_coverage(sides, np.array([-0.5, 0.25, -0.5]), radius=1.0).count
        2
    """
    *_, last = sweep(normals, offsets, radius)
    return last


def sweep(
    normals: Float[np.ndarray, "n 2"], offsets: Float[np.ndarray, " n"], radius: float
) -> Iterator[PlanarMaximum]:
    """Search for the maximum and report, every few lines, the best cell so far.

    Args:
        normals: Normals of the half-planes; zero where offsets alone decide.
        offsets: Their offsets; minus infinity for one nothing satisfies.
        radius: Radius of the disc.

    Yields:
        Maxima over cells with interior among those seen; the last is the maximum over
        the disc, be it in a cell or where half-planes touch.

    Raises:
        ValueError: If shapes do not fit, an entry is NaN or a normal infinite, or the
            radius is negative, NaN or infinite.
    """
    planes = half_planes(normals, offsets, radius)
    lines = planes.take(planes.crosses)
    touching, solid, shown = _NO_FACE, _NO_FACE, _NO_FACE
    best = _judge(planes, radius, 0j)
    step = max(_RAYS_PER_STEP // max(len(lines.offsets), 1), 1)
    for first in range(0, len(lines.offsets), step):
        for line in range(first, min(first + step, len(lines.offsets))):
            any_face, solid_face = _best_faces(_chord(lines, line))
            touching = max(touching, any_face, key=_rank)
            solid = max(solid, solid_face, key=_rank)
        if solid is not shown:
            shown, best = solid, _judge(planes, radius, _center(lines, solid))
        yield best
    if touching.count > solid.count:
        points = _vertices(_chord(lines, touching.line), lines, touching)
        found = [_judge(planes, radius, point) for point in points]
        best = max(found, key=lambda one: one.count)
    yield best


def _chord(lines: HalfPlanes, line: int) -> _Chord:
    """Restrict all half-planes to one boundary line."""
    (x, y), offset = lines.normals[line], lines.offsets[line]
    slopes = x * lines.normals[:, 1] - y * lines.normals[:, 0]
    cosines = x * lines.normals[:, 0] + y * lines.normals[:, 1]
    levels = lines.offsets - offset * cosines
    opposite = (np.abs(slopes) <= TOUCH) & (np.abs(levels) <= TOUCH) & (cosines < 0)
    return _Chord(
        line=line,
        half=math.sqrt(max((1.0 - offset) * (1.0 + offset), 0.0)),
        levels=levels,
        slopes=slopes,
        is_pinched=bool(opposite.any()),
    )


def _best_faces(chord: _Chord) -> tuple[_Face, _Face]:
    """Find the best face on a chord, and the best that borders on a cell."""
    lows, counts = _count_rays(chord)
    lengths = np.diff(lows, append=chord.half)

    def longest(allowed: Bool[np.ndarray, " k"]) -> _Face:
        if not allowed.any():
            return _NO_FACE
        best = allowed & (counts == counts[allowed].max())
        k = int(np.argmax(np.where(best, lengths, -1.0)))
        low = float(lows[k])
        return _Face(int(counts[k]), low, low + float(lengths[k]), chord.line)

    solid = (lengths > _SHORTEST) & (not chord.is_pinched)
    return longest(np.ones_like(solid)), longest(solid)


def _count_rays(chord: _Chord) -> tuple[Float[np.ndarray, " k"], Int[np.ndarray, " k"]]:
    """Cut a chord where rays begin and end, and count them on each piece."""
    flat = np.abs(chord.slopes) <= TOUCH
    bounds = -(chord.levels + TOUCH) / np.where(flat, 1.0, chord.slopes)
    starts = bounds[~flat & (chord.slopes > 0)]
    ends = bounds[~flat & (chord.slopes < 0)]
    everywhere = (flat & (chord.levels >= -TOUCH)).sum()
    at_first = (starts <= -chord.half).sum() + (ends >= -chord.half).sum()
    starts = starts[(starts > -chord.half) & (starts <= chord.half)]
    ends = ends[(ends >= -chord.half) & (ends < chord.half)]
    cuts = np.concatenate([[-chord.half], starts, ends])
    changes = np.repeat([0, 1, -1], [1, len(starts), len(ends)])
    order = np.argsort(cuts, kind="stable")  # closed: rays begin before others end
    return cuts[order], everywhere + at_first + np.cumsum(changes[order])


def _point_on(lines: HalfPlanes, line: int, along: float) -> complex:
    """Find the point at a position along a line."""
    normal, offset = lines.line(line)
    return normal * complex(-offset, along)


def _center(lines: HalfPlanes, face: _Face) -> complex:
    """Find the centroid of the cell on the satisfied side of a face."""
    base = _point_on(lines, face.line, (face.low + face.high) / 2)
    distances = lines.distances(np.array([base.real, base.imag]))
    region, reach = DISC, 2.0
    for row in np.argsort(distances):
        if distances[row] < -TOUCH:
            continue
        if distances[row] > reach:
            break
        inside, _ = cut(region, *lines.line(int(row)))
        region = inside or region
        reach = max(abs(edge.start - base) + edge.angle for edge in region)
    area, center = measure(region)
    return center if area > 0 else base


def _vertices(chord: _Chord, lines: HalfPlanes, face: _Face) -> list[complex]:
    """List where a face without interior may be: its middle, or a vertex there."""
    middle = (face.low + face.high) / 2
    if face.high - face.low > _SHORTEST:
        return [_point_on(lines, face.line, middle)]
    meets = np.abs(chord.slopes) > TOUCH
    exact = -chord.levels[meets] / chord.slopes[meets]
    stops = np.concatenate([exact, [-chord.half, chord.half]])
    nearest = float(stops[np.argmin(np.abs(stops - middle))])
    return [_point_on(lines, face.line, along) for along in (nearest, middle)]


def _judge(planes: HalfPlanes, radius: float, point: complex) -> PlanarMaximum:
    """Count the half-planes that contain a point of the unit disc."""
    point = point / max(abs(point), 1.0)
    unit = np.array([point.real, point.imag])
    distances = planes.distances(unit)
    satisfied = distances >= -TOUCH
    slack = distances[satisfied].min(initial=1.0 - abs(point))
    return PlanarMaximum(
        point=radius * unit,
        count=int(satisfied.sum()),
        satisfied=satisfied,
        slack=radius * float(slack),
    )
