r"""The subsets of half-planes that hold together in a disc, in exact arithmetic.

Finite floats are rational numbers, so each row :math:`c_i^\top v + b_i \ge 0` can be
scaled to integers, and the disc has a rational squared radius. The subset of rows that
hold at v is the same for all v of a face of the arrangement. Faces are cells, edges and
vertices. Half-planes are closed, so faces without area count: at a vertex more rows
hold than in any cell around it, where they meet at that point alone.

Every face touches a chord, the part of a boundary line inside the disc, unless no chord
is there. Along a chord every other row is a ray that begins or ends at a rational
place; the ends of the chord are square roots, compared by squaring. So no step rounds.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class _Row:
    """A half-plane a x + b y + c >= 0 in integers, and its bit in a subset."""

    a: int
    b: int
    c: int
    bit: int


@dataclass(frozen=True, slots=True)
class _Chord:
    """What the rows look like along one boundary line.

    The place t on the line is t times its direction from the foot of the center, so
    the chord holds the t with ``t * t <= room``.
    """

    room: Fraction
    held: int  # rows that hold where the chord begins, but for rays that begin there
    begins: dict[Fraction, int]
    ends: dict[Fraction, int]
    same: int  # rows with this boundary and this side


def scale_to_integers(values: list[float]) -> list[int]:
    """Multiply floats by one power of two that makes all of them integers.

    Args:
        values: Finite floats.

    Returns:
        The integers; ratios and signs are those of the floats.
    """
    exact = [Fraction(value) for value in values]
    factor = max(value.denominator for value in exact)
    return [int(value * factor) for value in exact]


def planar_subsets(
    normals: list[list[float]], offsets: list[float], radius: float
) -> set[int]:
    r"""List the subsets of rows that hold at v, over all v in the closed disc.

    Args:
        normals: Finite normals of the rows, in the plane or on the line, where the
            second coordinate is zero. All numbers are taken as exact.
        offsets: Their offsets; minus infinity for a row nothing satisfies.
        radius: Radius of the disc.

    Returns:
        One integer for each subset, with bit i set where row i belongs to it.
    """
    square = Fraction(radius) ** 2
    fixed, lines = 0, []
    for row in _rows(normals, offsets):
        room = square * (row.a**2 + row.b**2) - row.c**2
        if (row.a or row.b) and room >= 0:
            lines.append(row)
        elif row.c >= 0:
            fixed |= row.bit
    found = {sum(row.bit for row in lines if row.c >= 0)}
    for line in lines:
        found |= set(_along(_chord(line, lines, square)))
    return {fixed | subset for subset in found}


def _rows(normals: list[list[float]], offsets: list[float]) -> Iterator[_Row]:
    """Read the rows as integers."""
    for i, (normal, offset) in enumerate(zip(normals, offsets, strict=True)):
        a, b = (*normal, 0.0)[:2]
        if offset == -float("inf"):
            a, b, offset = 0.0, 0.0, -1.0
        x, y, level = scale_to_integers([a, b, offset])
        yield _Row(x, y, level, 1 << i)


def _chord(line: _Row, lines: list[_Row], square: Fraction) -> _Chord:
    """Restrict all rows to one boundary line."""
    length = line.a**2 + line.b**2
    room = square * length - line.c**2
    held, same = 0, 0
    begins: defaultdict[Fraction, int] = defaultdict(int)
    ends: defaultdict[Fraction, int] = defaultdict(int)
    for row in lines:
        cosine = line.a * row.a + line.b * row.b
        slope = line.a * row.b - line.b * row.a
        level = row.c * length - line.c * cosine
        if slope == 0:
            holds = level >= 0
            same |= row.bit if level == 0 and cosine > 0 else 0
        else:
            place = Fraction(-level, slope)
            is_before = place < 0 and place**2 > room
            holds = is_before == (slope > 0)
            if not is_before:
                rays = begins if slope > 0 else ends
                rays[place] |= row.bit
        held |= row.bit if holds else 0
    return _Chord(room, held, begins, ends, same)


def _along(chord: _Chord) -> Iterator[int]:
    """Walk along a chord: its vertices, the edges between, the cells beside those."""
    places = sorted(chord.begins.keys() | chord.ends.keys())
    inside = [place for place in places if place**2 <= chord.room]
    held = chord.held
    if chord.room == 0:  # a tangent meets the disc at one point
        yield held | chord.begins.get(Fraction(0), 0)
        return
    for place in inside:
        if place > 0 or place**2 < chord.room:
            yield from _beside(chord, held)
        held |= chord.begins.get(place, 0)
        yield held
        held &= ~chord.ends.get(place, 0)
    if not inside or inside[-1] < 0 or inside[-1] ** 2 < chord.room:
        yield from _beside(chord, held)


def _beside(chord: _Chord, held: int) -> tuple[int, int]:
    """Take the subset of an edge, and of the cell on the side where its row fails."""
    # On the other side all rows of the edge hold, unless one has the same boundary and
    # the opposite side; then that side is listed with the chord of that row.
    return held, held & ~chord.same
