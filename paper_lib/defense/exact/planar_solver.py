"""The maximum of coverage in two dimensions, by a sweep along every boundary line."""

from collections.abc import Iterator

from paper_lib.arrangement.line_sweep import sweep
from paper_lib.defense.rows import UnitRows
from paper_lib.defense.solution import Progress


def plane_sweep(rows: UnitRows) -> Iterator[Progress]:
    r"""Solve Eq. (7) for d = 2 in :math:`O(m^2 \log m)`.

    Points well inside their cell come first. Where more half-planes touch in a vertex
    or a segment, up to rounding, than meet in any cell, a point of it comes last: only
    an exact count can tell whether it is better.

    Args:
        rows: The rows left to decide, in the plane.

    Yields:
        The best point so far, some tens of milliseconds apart; after the last one the
        better of all is the maximizer.

    Raises:
        ValueError: If the rows have another dimension.
    """
    dim = rows.normals.shape[1]
    if dim != 2:
        raise ValueError(f"the sweep needs rows of dimension 2, got dimension {dim}.")
    for found in sweep(rows.normals.numpy(), -rows.thresholds.numpy(), 1.0):
        yield Progress(point=found.point)
