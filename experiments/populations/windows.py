r"""One dimension: how much of a mixture of normals a sliding window leaves out.

For a linear classifier :math:`\phi` depends on one number z, and is the mass outside a
window of length :math:`2 \epsilon` around -z (see :class:`LinearRows
<experiments.populations.distributions.LinearRows>`). It is a sum of a growing and a
falling function of z, so that its range on an interval is bounded by its ends. Halving
intervals then bounds any maximum as closely as is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

# Halvings until intervals are as short as rounding allows.
_ROUNDS = 60


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WindowMass:
    """A mixture of normals and the window that slides over it.

    Attributes:
        means: Mean of each normal.
        scales: Its standard deviation.
        shares: Its share.
        half_width: Half the length of the window, and how far it slides.
    """

    means: Float[np.ndarray, " parts"]
    scales: Float[np.ndarray, " parts"]
    shares: Float[np.ndarray, " parts"]
    half_width: float

    def above(self, z: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Give the mass above the window around -z, which grows with z."""
        edges = self.half_width - z
        parts = ndtr((self.means - edges[:, np.newaxis]) / self.scales)
        return parts @ self.shares

    def below(self, z: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Give the mass below the window around -z, which falls with z."""
        edges = -self.half_width - z
        parts = ndtr((edges[:, np.newaxis] - self.means) / self.scales)
        return parts @ self.shares

    def outside(self, z: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Give the mass outside the window around -z."""
        return self.above(z) + self.below(z)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Steps:
    """A function of z that is constant between cuts.

    Attributes:
        cuts: Where it may jump, and the ends of its range; increasing.
        levels: Its value between each two neighbors.
    """

    cuts: Float[np.ndarray, " k"]
    levels: Float[np.ndarray, " j"]

    def middle_of_best(self) -> float:
        """Find the middle of the longest piece where it is largest."""
        lengths = np.diff(self.cuts)
        best = self.levels[lengths > 0].max()
        k = int(np.argmax(np.where(self.levels == best, lengths, -1.0)))
        return float((self.cuts[k] + self.cuts[k + 1]) / 2)


def farthest(
    windows: WindowMass, steps: Steps, *, tol: float
) -> tuple[float, float, float]:
    """Bracket the largest difference between the mass outside and a step function.

    Args:
        windows: The mixture and the window.
        steps: The step function.
        tol: How far apart the ends of the bracket may be.

    Returns:
        Where the lower end is reached, up to a limit from one side; the lower end; the
        upper end.

    Example:
        >>> bell = WindowMass(
        ...     means=np.zeros(1),
        ...     scales=np.ones(1),
        ...     shares=np.ones(1),
        ...     half_width=1.0,
        ... )
        >>> nothing = Steps(cuts=np.array([-1.0, 1.0]), levels=np.zeros(1))
        >>> z, _, upper = farthest(bell, nothing, tol=1e-9)
        >>> abs(z), round(upper, 6)  # the window from 0 to 2, or from -2 to 0
        (1.0, 0.52275)
    """
    low, high, level = steps.cuts[:-1], steps.cuts[1:], steps.levels
    place, best, settled = float(low[0]), -np.inf, -np.inf
    for last in range(_ROUNDS, -1, -1):
        ups = [windows.above(low), windows.above(high)]
        downs = [windows.below(low), windows.below(high)]
        for ends, side in ((low, 0), (high, 1)):
            found = np.abs(ups[side] + downs[side] - level)
            k = int(np.argmax(found))
            if found[k] > best:
                place, best = float(ends[k]), float(found[k])
        most = np.maximum(ups[1] + downs[0] - level, level - ups[0] - downs[1])
        open_ones = most > best + tol if last else np.zeros_like(most, dtype=bool)
        settled = max(settled, float(most[~open_ones].max(initial=-np.inf)))
        if not open_ones.any():
            break
        low, high, level = low[open_ones], high[open_ones], level[open_ones]
        middle = (low + high) / 2
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        level = np.concatenate([level, level])
    return place, best, max(best, settled)


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
