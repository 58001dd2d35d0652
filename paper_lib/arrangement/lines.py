"""Half-planes scaled to the unit disc, in unit normals."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from paper_lib.checks import check_radius

# Two things nearer than this, in radii of the disc, touch.
TOUCH = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HalfPlanes:
    """Half-planes of the unit disc.

    Attributes:
        normals: Unit normals; zero for a zero normal.
        offsets: Signed distance of the center from the boundary, positive inside;
            infinite where the normal is zero.
    """

    normals: Float[np.ndarray, "n 2"]
    offsets: Float[np.ndarray, " n"]

    @property
    def crosses(self) -> Bool[np.ndarray, " n"]:
        """Which boundaries meet the disc, so that points of it differ on the row."""
        return (self.offsets < 1.0) & (self.offsets >= -1.0 - TOUCH)

    def line(self, row: int) -> tuple[complex, float]:
        """Give one boundary line as regions are cut by it.

        Args:
            row: Which.

        Returns:
            Its unit normal as a complex number, and its offset.
        """
        x, y = self.normals[row].tolist()
        return complex(x, y), float(self.offsets[row])

    def take(self, rows: Bool[np.ndarray, " n"]) -> "HalfPlanes":
        """Keep some rows.

        Args:
            rows: Which.

        Returns:
            Those rows.
        """
        return HalfPlanes(normals=self.normals[rows], offsets=self.offsets[rows])

    def distances(self, point: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " n"]:
        """Measure how far inside each half-plane a point is.

        Args:
            point: A point of the unit disc.

        Returns:
            Signed distances, positive inside.
        """
        return self.normals @ point + self.offsets


def half_planes(
    normals: Float[np.ndarray, "n 2"], offsets: Float[np.ndarray, " n"], radius: float
) -> HalfPlanes:
    r"""Scale :math:`c^\top v + b \ge 0` to unit normals and the disc to radius one.

    Args:
        normals: The normals, one a row; zero where offsets alone decide.
        offsets: The offsets; minus infinity for a row nothing satisfies.
        radius: Radius of the disc.

    Returns:
        The scaled half-planes.

    Raises:
        ValueError: If shapes do not fit, an entry is NaN or a normal infinite, or the
            radius is negative, NaN or infinite.
    """
    radius = check_radius(radius)
    if normals.shape != (len(offsets), 2) or offsets.ndim != 1:
        raise ValueError(
            "normals must be (n, 2) and offsets (n,), got shapes "
            f"{normals.shape} and {offsets.shape}."
        )
    if not np.isfinite(normals).all() or np.isnan(offsets).any():
        raise ValueError("normals must be finite and offsets not NaN.")
    normals, offsets = normals.astype(np.float64), offsets.astype(np.float64)
    lengths = np.hypot(normals[:, 0], normals[:, 1])
    reach = lengths * radius
    flat = np.where(offsets >= 0, np.inf, -np.inf)
    with np.errstate(over="ignore", under="ignore"):
        scaled = offsets / np.where(reach > 0, reach, 1.0)
    return HalfPlanes(
        normals=normals / np.where(lengths > 0, lengths, 1.0)[:, np.newaxis],
        offsets=np.where(reach > 0, scaled, flat),
    )
