r"""All faces where the weight of closed half-planes is largest, in the plane.

A face is where the same half-planes hold. Half-planes are closed, so a corner of a face
satisfies all that the face does; where the face is among the heaviest, it satisfies no
more. So the corners of the arrangement name every heaviest face, those without area
too, and each face is the intersection of its half-planes with the disc: convex, closed,
and apart from the others.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from paper_lib.arrangement.lines import TOUCH, HalfPlanes, half_planes
from paper_lib.arrangement.partition import SMALLEST_AREA, Cell, as_cell, vertices
from paper_lib.arrangement.regions import DISC, cut, measure

# Distances compared at once.
_BLOCK = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Face:
    """A part of the disc, be it a cell, a segment or a point, and what holds there.

    Attributes:
        satisfied: Which half-planes hold on all of it, closed and touching up to 1e-12
            radii.
        weight: The sum of their weights.
        point: A point of it: the centroid of a cell, the middle of a segment.
        cell: Its shape; None where it has no area.
    """

    satisfied: Bool[np.ndarray, " n"]
    weight: float
    point: Float[np.ndarray, " 2"]
    cell: Cell | None

    @property
    def area(self) -> float:
        """Its area, zero for a segment or a point."""
        return 0.0 if self.cell is None else self.cell.area


def heaviest_faces(
    normals: Float[np.ndarray, "n 2"],
    offsets: Float[np.ndarray, " n"],
    radius: float,
    *,
    weights: Float[np.ndarray, " n"] | None = None,
) -> tuple[Face, ...]:
    """List every face of the disc where the weight of the half-planes is largest.

    Takes the cube of the number of half-planes, for some hundreds of them. Lines that
    meet at an angle below 1e-12 count as parallel, and areas below 1e-13 of the squared
    radius as none.

    Args:
        normals: Normals of the half-planes; zero where offsets alone decide.
        offsets: Their offsets; minus infinity for one nothing satisfies.
        radius: Radius of the disc.
        weights: A weight above zero for each half-plane; None: one for each.

    Returns:
        The faces, the largest first. Together they are the set of all maximizers.

    Raises:
        ValueError: If shapes do not fit, an entry is NaN or a normal infinite, a weight
            is not above zero, or the radius is negative, NaN or infinite.

    Example:
        >>> halves = np.array([[1.0, 0.0], [-1.0, 0.0]])
        >>> faces = heaviest_faces(halves, np.array([-0.5, -0.5]), radius=1.0)
        >>> [(round(face.area, 3), int(face.weight)) for face in faces]
        [(0.614, 1), (0.614, 1)]
    """
    planes = half_planes(normals, offsets, radius)
    heavy = np.ones(len(offsets)) if weights is None else weights
    if heavy.shape != offsets.shape or not (np.isfinite(heavy) & (heavy > 0)).all():
        raise ValueError(
            f"weights must be {len(offsets)} finite numbers above 0, got {heavy}."
        )
    corners = np.zeros((1, 2))
    if radius > 0.0:
        found = vertices(normals, offsets, radius) / radius
        corners = np.concatenate([corners, found])
    groups = _heaviest(planes, heavy, corners)
    faces = [_face(planes, heavy, held, at, radius) for held, at in groups]
    return tuple(sorted(faces, key=lambda face: -face.area))


def _heaviest(
    planes: HalfPlanes,
    weights: Float[np.ndarray, " n"],
    points: Float[np.ndarray, "k 2"],
) -> list[tuple[Bool[np.ndarray, " n"], Float[np.ndarray, "j 2"]]]:
    """Group the points of largest weight by what holds there."""
    tolerance = 1e-12 * weights.sum()
    best, held, at = -np.inf, [], []
    step = max(_BLOCK // len(weights), 1)
    for first in range(0, len(points), step):
        block = points[first : first + step]
        holds = block @ planes.normals.T + planes.offsets >= -TOUCH
        scores = holds @ weights
        if scores.max() > best + tolerance:
            best, held, at = scores.max(), [], []
        chosen = scores >= best - tolerance
        held.append(holds[chosen])
        at.append(block[chosen])
    patterns, group = np.unique(np.concatenate(held), axis=0, return_inverse=True)
    places = np.concatenate(at)
    return [(one, places[group.ravel() == k]) for k, one in enumerate(patterns)]


def _face(
    planes: HalfPlanes,
    weights: Float[np.ndarray, " n"],
    satisfied: Bool[np.ndarray, " n"],
    corners: Float[np.ndarray, "k 2"],
    radius: float,
) -> Face:
    """Cut the disc down to where some half-planes hold."""
    region = DISC
    for row in np.flatnonzero(satisfied & planes.crosses):
        region, _ = cut(region, *planes.line(int(row)))
        if not region:
            break
    solid = radius > 0.0 and region and measure(region)[0] > SMALLEST_AREA
    cell = as_cell(region, tuple(satisfied.tolist()), radius) if solid else None
    # Corners may stand just outside the circle, by a rounding.
    middle = corners.mean(axis=0) / max(1.0, float(np.hypot(*corners.mean(axis=0))))
    return Face(
        satisfied=satisfied,
        weight=float(weights[satisfied].sum()),
        point=radius * middle if cell is None else cell.interior,
        cell=cell,
    )
