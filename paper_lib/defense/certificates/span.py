r"""Rows in the coordinates of their own span, where they are fewer than dimensions.

How many rows a perturbation satisfies depends on its part in their span alone. With a
basis B of r columns, orthonormal up to rounding, :math:`y = B^\top u` is hardly longer
than u, and :math:`g^\top u = c^\top y + e^\top u` with :math:`c = B^\top g` and a
remainder e of rounding size. So a proof about the rows c in r dimensions, thresholds
lowered by :math:`\|e\|` and the ball stretched, is one about the rows g, whatever B is.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from paper_lib.defense.rows import TINY, UNIT_ROUNDOFF, SafeRows, UnitRows


def span_basis(vectors: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "d r"] | None:
    """Find an orthonormal basis of a space that holds all vectors.

    Args:
        vectors: The vectors.

    Returns:
        The basis, up to rounding; None where vectors are as many as dimensions.
    """
    num, dim = vectors.shape
    if not 0 < num < dim:
        return None
    # torch's is several times as fast as NumPy's.
    return torch.linalg.qr(torch.from_numpy(vectors).T).Q.numpy()


def narrow_rows(rows: UnitRows) -> tuple[UnitRows, Float[np.ndarray, "d r"] | None]:
    """Give rows for a search in the coordinates of their span.

    Args:
        rows: The rows.

    Returns:
        The rows there, and the basis; the same rows and None where nothing is saved.
    """
    basis = span_basis(rows.normals.numpy())
    if basis is None:
        return rows, None
    return replace(rows, normals=rows.normals @ torch.from_numpy(basis)), basis


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SafeSpan:
    """A basis, and how far what is computed in it can be off.

    Attributes:
        basis: Vectors, one a column, taken as exact.
        stretch: More than the length of any y, u in the unit ball.
    """

    basis: Float[np.ndarray, "d r"]
    stretch: float

    @classmethod
    def of(cls, basis: Float[np.ndarray, "d r"]) -> "SafeSpan":
        """Bound the norm of a basis.

        Args:
            basis: Vectors, near to orthonormal.

        Returns:
            The span.
        """
        dim, count = basis.shape
        excess = np.linalg.norm(basis.T @ basis - np.eye(count))
        rounding = 1.01 * (dim + 4) * UNIT_ROUNDOFF * np.square(basis).sum()
        return cls(basis=basis, stretch=1.0 + 1.01 * float(excess + rounding) + TINY)

    def coordinates(
        self, vectors: Float[np.ndarray, "m d"]
    ) -> tuple[Float[np.ndarray, "m r"], Float[np.ndarray, " m"]]:
        """Write vectors in the basis.

        Args:
            vectors: The vectors, of length about one.

        Returns:
            Coordinates, and for each vector a bound on what they leave out of it.
        """
        found = vectors @ self.basis
        rest = found @ self.basis.T
        np.subtract(vectors, rest, out=rest)
        dim, count = self.basis.shape
        size = np.linalg.norm(vectors, axis=1) + np.linalg.norm(found, axis=1) * (
            np.linalg.norm(self.basis)
        )
        rounding = 1.01 * (count + 4) * UNIT_ROUNDOFF * size + dim * TINY
        left_out = np.sqrt(np.einsum("md,md->m", rest, rest))
        return found, left_out * (1.0 + 2 * dim * UNIT_ROUNDOFF) + 1.01 * rounding

    def rows(self, rows: SafeRows) -> SafeRows:
        """Write rows for proofs in the basis.

        Args:
            rows: The rows.

        Returns:
            Rows of the unit ball there. What fails them at y / stretch fails the
            original ones at u.
        """
        normals, left_out = self.coordinates(rows.normals)
        thresholds = self._shrunk(rows.thresholds - left_out, -1)
        return SafeRows(normals=normals, thresholds=thresholds)

    def slab(
        self,
        low: Float[np.ndarray, " k"],
        high: Float[np.ndarray, " k"],
        left_out: Float[np.ndarray, " k"],
    ) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        """Widen bounds on products with u, so that they hold for coordinates.

        Args:
            low: What the products are at least.
            high: What they are at most.
            left_out: What coordinates leave out of each vector.

        Returns:
            Both bounds on products with y / stretch.
        """
        return self._shrunk(low - left_out, -1), self._shrunk(high + left_out, 1)

    def _shrunk(self, values: Float[np.ndarray, " k"], way: int) -> np.ndarray:
        """Divide by the stretch, rounded away from what would prove more."""
        size = np.where(np.isfinite(values), np.abs(values), 0.0)
        return values / self.stretch + way * (8 * UNIT_ROUNDOFF * (1.0 + size))
