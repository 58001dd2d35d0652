"""Rays of a line: where they begin and end, and how many hold between."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int


def ray_pieces(
    slopes: Float[np.ndarray, " n"],
    levels: Float[np.ndarray, " n"],
    half: float,
    critical: Sequence[float] = (),
) -> tuple[Float[np.ndarray, " k"], Int[np.ndarray, " j"]]:
    r"""Cut a line where half-planes of it begin and end: :math:`s z + l \ge 0`.

    Args:
        slopes: The factors s.
        levels: The terms l.
        half: The line is looked at from minus this to this.
        critical: Where to cut besides.

    Returns:
        As :func:`pieces`.
    """
    bounds = -levels / np.where(slopes == 0, 1.0, slopes)
    starts, ends = bounds[slopes > 0], bounds[slopes < 0]
    first = ((slopes == 0) & (levels >= 0)).sum()
    first += (starts <= -half).sum() + (ends >= -half).sum()
    return pieces(starts, ends, (-half, half), int(first), critical)


def pieces(
    starts: Float[np.ndarray, " s"],
    ends: Float[np.ndarray, " t"],
    whole: tuple[float, float],
    first: int,
    critical: Sequence[float] = (),
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
