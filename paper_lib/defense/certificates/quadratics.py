r"""Evidence by quadratic functions that lie below the indicators of violated rows.

For a row :math:`g^\top u \ge t` and a shift s with t + s > 0,

.. math:: \mathbf 1[g^\top u < t] \ \ge\ 1 - \frac{(g^\top u + s)^2}{(t + s)^2},

because the right side is at most 1, and at most 0 where the row holds. This is the
quadratic behind Cantelli's inequality. A sum of such functions is bounded below over a
cell of the unit ball by Lagrangian duality, as in the S-lemma: with multipliers
:math:`\lambda, \nu_j \ge 0` and cuts :math:`l_j \le a_j^\top u \le h_j`,

.. math:: \sum_i \Bigl(1 - \tfrac{(g_i^\top u + s_i)^2}{(t_i + s_i)^2}\Bigr)
   + \lambda (\|u\|^2 - 1) + \sum_j \nu_j (a_j^\top u - l_j)(a_j^\top u - h_j)

is no more than the number of violated rows. Where its matrix is positive semidefinite,
which a Cholesky factorization shows, its minimum is one linear system away.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from paper_lib.defense.certificates.arrays import FINITE, cells, fits, is_tree
from paper_lib.defense.certificates.span import SafeSpan, span_basis
from paper_lib.defense.rows import UNIT_ROUNDOFF, SafeRows, safe_rows
from paper_lib.robust_sets import RobustSets

# Larger multipliers could overflow, and no proof needs them.
_HUGE = 1e100


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class QuadraticEvidence:
    r"""A partition of the unit ball, and for each cell a quadratic that bounds it.

    Attributes:
        directions: Vectors a along which the ball is cut, of length about one.
        splits: A binary tree in preorder: the direction an inner node cuts along, its
            side :math:`a^\top u \le h` first; -1 for a leaf.
        cuts: For each node where it cuts; zero for a leaf.
        shifts: For each leaf and row the shift s; NaN where the row is left out.
        ball_multipliers: :math:`\lambda` of each leaf.
        cut_multipliers: :math:`\nu` of each leaf and direction.
    """

    directions: Float[np.ndarray, "k d"]
    splits: Int[np.ndarray, " nodes"]
    cuts: Float[np.ndarray, " nodes"]
    shifts: Float[np.ndarray, "leaves n"]
    ball_multipliers: Float[np.ndarray, " leaves"]
    cut_multipliers: Float[np.ndarray, "leaves k"]

    def violated_at_least(self, sets: RobustSets) -> int:
        """Prove how many rows every perturbation violates.

        Args:
            sets: The robust sets.

        Returns:
            The number proven; -1 when the evidence is malformed or proves nothing.
        """
        if not self._is_well_formed(*sets.normals.shape):
            return -1
        rows, directions = safe_rows(sets), self.directions
        lost = int(np.isposinf(rows.thresholds).sum())
        reach = np.sqrt(np.square(directions).sum(axis=1)) * (1.0 + 1e-9)
        slabs = cells(self.splits, self.cuts, -reach, reach)
        basis = span_basis(np.concatenate([rows.normals, directions]))
        if basis is not None:
            span = SafeSpan.of(basis)
            rows = span.rows(rows)
            directions, left_out = span.coordinates(directions)
            slabs = (span.slab(low, high, left_out) for low, high in slabs)
        least = len(rows.thresholds)
        # Numbers may be anything here; what overflows proves nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            for leaf, (low, high) in enumerate(slabs):
                bound = quadratic_bound(
                    rows,
                    directions,
                    low,
                    high,
                    shifts=self.shifts[leaf].astype(np.float64),
                    ball_multiplier=float(self.ball_multipliers[leaf]),
                    cut_multipliers=self.cut_multipliers[leaf],
                )
                if bound is None:
                    return -1
                least = min(least, max(math.ceil(bound), 0))
                if least == 0:
                    break
        return lost + least

    def _is_well_formed(self, num_rows: int, dim: int) -> bool:
        """Tell whether arrays fit each other, before anything is computed."""
        # Rounding is accounted for in double precision.
        if not (
            fits(self.directions, "f8", (None, dim), (-2.0, 2.0))
            and is_tree(self.splits, count := len(self.directions))
        ):
            return False
        leaves = int((self.splits == -1).sum())
        lengths = np.linalg.norm(self.directions, axis=1)
        return (
            bool((np.abs(lengths - 1.0) < 0.5).all())
            and fits(self.cuts, "f8", self.splits.shape, FINITE)
            and fits(self.shifts, "f", (leaves, num_rows))
            and fits(self.ball_multipliers, "f8", (leaves,), (0.0, _HUGE))
            and fits(self.cut_multipliers, "f8", (leaves, count), (0.0, _HUGE))
        )


def quadratic_bound(
    rows: SafeRows,
    directions: Float[np.ndarray, "k d"],
    low: Float[np.ndarray, " k"],
    high: Float[np.ndarray, " k"],
    *,
    shifts: Float[np.ndarray, " n"],
    ball_multiplier: float,
    cut_multipliers: Float[np.ndarray, " k"],
) -> float | None:
    """Bound from below the rows violated anywhere in a cell, rounding included.

    Args:
        rows: Rows whose violation is certain; those with infinite thresholds are left
            out.
        directions: Vectors along which the ball is cut.
        low: What products with them are at least in the cell.
        high: What they are at most.
        shifts: The shift of each row; NaN where it is left out.
        ball_multiplier: The multiplier of the ball.
        cut_multipliers: The multiplier of each direction.

    Returns:
        The bound; None where the matrix is not positive definite, or too large.
    """
    used = np.isfinite(shifts) & np.isfinite(rows.thresholds)
    used[used] = rows.thresholds[used] + shifts[used] > 1e-9
    shift = shifts[used]
    curves = (1.0 + 16 * UNIT_ROUNDOFF) / np.square(rows.thresholds[used] + shift)
    normals = rows.normals[used]
    cut = cut_multipliers > 0
    ways, nu = directions[cut], cut_multipliers[cut]
    low, high = low[cut], high[cut]

    matrix = (ways.T * nu) @ ways - (normals.T * curves) @ normals
    matrix[np.diag_indices_from(matrix)] += ball_multiplier
    linear = -normals.T @ (curves * shift) - ways.T @ (nu * (low + high) / 2)
    constant = len(shift) - curves @ shift**2 - ball_multiplier + nu @ (low * high)
    try:
        u = -cho_solve(cho_factor(matrix, lower=True), linear)
    except (LinAlgError, ValueError):  # the latter where a number is not finite
        return None
    slope = 2 * (matrix @ u + linear)
    value = u @ (matrix @ u) + 2 * linear @ u + constant
    length = 1.0 + float(np.linalg.norm(u))
    size = (
        np.trace(matrix)
        + len(shift)
        + curves @ np.square(1.0 + np.abs(shift))
        + nu @ np.square(np.linalg.norm(ways, axis=1) + np.abs(low) + np.abs(high))
        + ball_multiplier
    )
    steep = float(np.linalg.norm(slope)) * (1.0 + 1e-9)
    bound = float(value - steep * length - _error(normals, ways, size, length))
    return bound if math.isfinite(bound) else None


def _error(
    normals: Float[np.ndarray, "m d"],
    ways: Float[np.ndarray, "k d"],
    size: float,
    length: float,
) -> float:
    """Bound all rounding errors of a quadratic, its factor and its value together.

    Args:
        normals: The rows in the sum.
        ways: The directions in it.
        size: More than the sum of absolute values of all its terms.
        length: One more than the length of u.

    Returns:
        The bound. Sums of m + k products form the matrix, factoring it adds d + 2
        roundings of its trace (Higham, Accuracy and Stability of Numerical Algorithms,
        Theorem 10.3), evaluating it d more. Each of them
        is relative to ``size`` times the square of the length.
    """
    operations = len(normals) + len(ways) + 2 * normals.shape[1] + 32
    return 16 * operations * UNIT_ROUNDOFF * float(size) * length**2
