r"""The shortest u that satisfies given rows, kept up to date as rows come and go.

.. math:: \min \|u\|_2 \quad\text{subject to}\quad g_i^\top u \ge t_i,\ i \in S,

by the dual active-set method (Goldfarb and Idnani 1983): :math:`u = \sum_i \mu_i g_i`
over a few active rows with :math:`\mu \ge 0`, and each violated row that is added makes
u longer. So a row that would make it longer than one is recognized early, and since
only products between rows enter, columns of the Gram matrix are computed when a row
first becomes active and kept. A row whose part outside the span of the active rows is
shorter than 0.001 counts as dependent on them, and replaces one of them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

# Rows are satisfied up to this, which the margin of the thresholds has to exceed.
TOLERANCE = 2e-6
# A row whose part outside the span of the active ones is shorter than the root of this
# depends on them.
_DEPENDENT = 1e-6
_MAX_CHANGES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Active:
    """Which rows hold the point, and how hard.

    Attributes:
        rows: The active rows.
        multipliers: What each adds to u.
        inverse: The inverse of their Gram matrix.
    """

    rows: Int[np.ndarray, " k"]
    multipliers: Float[np.ndarray, " k"]
    inverse: Float[np.ndarray, "k k"]

    def with_row(
        self, row: int, multiplier: float, products: Float[np.ndarray, " k"]
    ) -> "Active":
        """Add a row.

        Args:
            row: The row.
            multiplier: Its multiplier.
            products: Its products with the active rows.

        Returns:
            The larger set.
        """
        size = len(self.rows)
        r = self.inverse @ products
        rest = max(1.0 - products @ r, 1e-12)
        inverse = np.empty((size + 1, size + 1))
        inverse[:size, :size] = self.inverse + np.multiply.outer(r, r / rest)
        inverse[size, :size] = inverse[:size, size] = -r / rest
        inverse[size, size] = 1.0 / rest
        multipliers = np.concatenate([self.multipliers, [multiplier]])
        return Active(np.concatenate([self.rows, [row]]), multipliers, inverse)

    def without(self, place: int) -> "Active":
        """Take a row out and leave the other multipliers as they are.

        Args:
            place: Where it stands among the active rows.

        Returns:
            The smaller set.
        """
        keep = np.arange(len(self.rows) - 1)
        keep[place:] += 1
        column = self.inverse[place].take(keep)
        fall = np.multiply.outer(column, column / self.inverse[place, place])
        inverse = self.inverse.take(keep, 0).take(keep, 1) - fall
        return Active(self.rows[keep], self.multipliers[keep], inverse)


EMPTY = Active(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros((0, 0)))


class Gram:
    """Products of unit normals, a column computed when it is first asked for."""

    def __init__(self, normals: Float[np.ndarray, "m d"]) -> None:
        """Keep the normals.

        Args:
            normals: Unit normals; single precision is enough and faster.
        """
        self.normals = np.ascontiguousarray(normals, dtype=np.float32)
        self._slots = np.full(len(normals), -1)
        self._columns = np.empty((64, len(normals)), dtype=np.float32)
        self._used = 0

    def columns(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k m"]:
        """Give the products of some rows with all rows.

        Args:
            rows: The rows.

        Returns:
            One line for each.
        """
        slots = self._slots[rows]
        if self._used < len(self.normals) and (slots < 0).any():
            self._compute(rows[slots < 0])
            slots = self._slots[rows]
        return self._columns.take(slots, axis=0)

    def _compute(self, rows: Int[np.ndarray, " k"]) -> None:
        """Fill the next columns by one product."""
        used, self._used = self._used, self._used + len(rows)
        if self._used > len(self._columns):
            more = np.empty((self._used, len(self.normals)), dtype=np.float32)
            self._columns = np.concatenate([self._columns[:used], more])
        slots = np.arange(used, self._used)
        self._columns[slots] = self.normals[rows] @ self.normals.T
        self._columns[slots, rows] = 1.0
        self._slots[rows] = slots


class MinNorm:
    """Solves the problem for changing sets of rows; the active set is passed around."""

    def __init__(self, gram: Gram, thresholds: Float[np.ndarray, " m"]) -> None:
        """Keep the rows.

        Args:
            gram: Their products.
            thresholds: What each row asks for, a margin included.
        """
        self.gram, self.thresholds = gram, thresholds

    def values(self, active: Active) -> Float[np.ndarray, " m"]:
        """Compute the product of each row with u.

        Args:
            active: The active set.

        Returns:
            The products.
        """
        if not len(active.rows):
            return np.zeros(len(self.thresholds))
        columns = self.gram.columns(active.rows)
        return (active.multipliers.astype(np.float32) @ columns).astype(np.float64)

    def length_squared(self, active: Active) -> float:
        """Compute the squared length of u, whose active rows hold with equality.

        Args:
            active: The active set.

        Returns:
            The squared length.
        """
        return float(active.multipliers @ self.thresholds[active.rows])

    def point(self, active: Active) -> Float[np.ndarray, " d"]:
        """Compute u.

        Args:
            active: The active set.

        Returns:
            The shortest point, as float64.
        """
        chosen = self.gram.normals[active.rows].astype(np.float64)
        return active.multipliers @ chosen

    def add(self, active: Active, row: int, limit: float) -> Active | None:
        """Satisfy one more row, and keep the active ones satisfied.

        Args:
            active: The active set.
            row: A row that is violated.
            limit: The squared length that u must not exceed.

        Returns:
            The new active set; None if there is none within the limit.
        """
        column = self.gram.columns(np.array([row]))[0]
        multiplier, length = 0.0, self.length_squared(active)
        for _ in range(_MAX_CHANGES):
            products = column[active.rows].astype(np.float64)
            r = active.inverse @ products
            rest = 1.0 - products @ r
            asked = self.thresholds[row]
            violation = asked - products @ active.multipliers - multiplier
            if violation <= 0.0:
                return active.with_row(row, multiplier, products)
            full = violation / rest if rest > _DEPENDENT else np.inf
            steps = np.full(len(r), np.inf)
            np.divide(active.multipliers, r, out=steps, where=r > 1e-12)
            partial = float(steps.min(initial=np.inf))
            step = min(full, partial)
            if not np.isfinite(step):
                return None
            # u moves orthogonally to the active rows, and so only grows longer.
            length += max(rest, 0.0) * step * (2 * multiplier + step)
            if length > limit:
                return None
            multiplier += step
            moved = Active(active.rows, active.multipliers - step * r, active.inverse)
            if full <= partial:
                return moved.with_row(row, multiplier, products)
            active = moved.without(int(np.argmin(steps)))
        return None

    def enforce(
        self, active: Active, wanted: Bool[np.ndarray, " m"], limit: float
    ) -> Active | None:
        """Satisfy all wanted rows, the most violated first.

        Args:
            active: Where to begin, active rows among the wanted.
            wanted: The rows to satisfy.
            limit: The squared length that u must not exceed.

        Returns:
            The active set of the shortest point; None if it exceeds the limit.
        """
        asked = np.where(wanted, self.thresholds, -np.inf)
        for _ in range(_MAX_CHANGES):
            violation = asked - self.values(active)
            violation[active.rows] = -np.inf
            worst = int(np.argmax(violation))
            if violation[worst] <= TOLERANCE:
                return active
            if (changed := self.add(active, worst, limit)) is None:
                return None
            active = changed
        return None

    def release(self, active: Active, rows: Int[np.ndarray, " r"]) -> Active:
        """Take rows out and restore an active set with multipliers of one sign.

        Args:
            active: The active set.
            rows: Rows to take out; those that are not active do not matter.

        Returns:
            A smaller active set, exact for its own rows.
        """
        leaving = np.flatnonzero(np.isin(active.rows, rows))
        for place in leaving[::-1].tolist():
            active = _drop(active, place)
        while len(active.rows) and active.multipliers.min() <= 0.0:
            active = _drop(active, int(np.argmin(active.multipliers)))
        return active


def _drop(active: Active, place: int) -> Active:
    """Take a row out and keep the other active rows satisfied with equality."""
    share = active.multipliers[place] / active.inverse[place, place]
    moved = active.multipliers - share * active.inverse[:, place]
    return Active(active.rows, moved, active.inverse).without(place)
