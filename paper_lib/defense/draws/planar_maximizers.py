r"""V*, the set of all maximizers of coverage, in the plane: all pieces, with areas.

The paper's defender draws uniformly from V* (Sec. 3). For :math:`\phi_n` it is a union
of convex pieces, each the intersection of some half-spaces with V. Where V* has no area
"uniform" says nothing; any point of it is a best response all the same, and the result
says so.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.arrangement import heaviest_faces
from paper_lib.arrangement.partition import Cell
from paper_lib.checks.arguments import check_count, check_seed, check_type
from paper_lib.defense.exact.touch import settle
from paper_lib.defense.rows import unit_rows
from paper_lib.robust_sets import RobustSets

# How far inside its rows a draw has to be, relative to the budget, so that neither
# storing nor counting it can round it out.
MARGIN = {torch.float32: 1e-5, torch.float64: 1e-13}
# Half or more of the box around a cell is kept, unless the cell is nearly all margin.
_MOST_ROUNDS = 50


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MaximizerSet:
    r"""V* in the plane: every piece of it, and its area.

    Attributes:
        sets: The robust sets.
        count: How many of them a maximizer lies in, up to 1e-12 radii where it is
            found at a touch.
        cells: The pieces with area, the largest first.
        touches: A point of each piece without area.

    Example:
        >>> sets = RobustSets(normals=torch.eye(2), offsets=torch.zeros(2), epsilon=1.0)
        >>> found = maximizer_set(sets)
        >>> found.coverage, [round(area, 4) for area in found.areas]
        (1.0, [0.7854])
    """

    sets: RobustSets
    count: int
    cells: tuple[Cell, ...]
    touches: Float[np.ndarray, "k 2"]

    @property
    def coverage(self) -> float:
        r"""The maximum of :math:`\phi_n`."""
        return self.count / len(self.sets.offsets)

    @property
    def areas(self) -> tuple[float, ...]:
        """The area of each cell, in squared units of the inputs."""
        return tuple(cell.area for cell in self.cells)

    @property
    def has_volume(self) -> bool:
        """Whether a uniform distribution on it exists."""
        return bool(self.cells)

    def draw(self, num_draws: int, seed: int) -> Float[Tensor, "num_draws 2"]:
        """Draw from V*: a cell by its area, then a uniform point of it.

        Args:
            num_draws: How many, at least one.
            seed: Seed of the draw.

        Returns:
            The draws, as the rows' dtype. Where V* has no area, one of its touching
            points each time, all equally likely: a best response, but not uniform.

        Raises:
            ValueError: If ``num_draws`` is below one or the seed is none.
        """
        num_draws = check_count(num_draws, "num_draws", 1)
        generator = np.random.default_rng(check_seed(seed))
        if not self.has_volume:
            chosen = generator.integers(len(self.touches), size=num_draws)
            return torch.from_numpy(self.touches[chosen]).to(self.sets.normals)
        shares = np.array(self.areas) / sum(self.areas)
        counts = generator.multinomial(num_draws, shares)
        parts = [
            self._draw_in(cell, int(count), generator)
            for cell, count in zip(self.cells, counts, strict=True)
        ]
        points = generator.permutation(np.concatenate(parts))
        return torch.from_numpy(points).to(self.sets.normals)

    def _draw_in(
        self, cell: Cell, count: int, generator: np.random.Generator
    ) -> Float[np.ndarray, "count 2"]:
        """Draw from one cell: from a box around it, kept where all rows hold."""
        # The box follows the longest diagonal, so that about half is kept or more.
        normals, offsets = _double(self.sets)
        normals, offsets = normals[cell.satisfied], offsets[cell.satisfied]
        margin = MARGIN[self.sets.normals.dtype] * cell.radius
        margins = margin * np.hypot(*normals.T)
        frame, low, high = _box(cell)
        kept, rounds = np.zeros((0, 2)), 0
        while len(kept) < count:
            rounds += 1
            if rounds == _MOST_ROUNDS:
                # Thinner than the margin: its points cannot be kept clear of rounding.
                margins, margin = 0.0 * margins, 0.0
            points = generator.uniform(low, high, size=(2 * count + 8, 2)) @ frame
            inside = (points @ normals.T + offsets >= margins).all(axis=1)
            inside &= np.hypot(*points.T) <= cell.radius - margin
            kept = np.concatenate([kept, points[inside]])
        return kept[:count]


def maximizer_set(sets: RobustSets) -> MaximizerSet:
    r"""Find V* in the plane, all pieces of it. Paper: Sec. 3, for :math:`\phi_n`.

    Args:
        sets: Robust sets with d = 2, some hundreds at most.

    Returns:
        The pieces with their areas.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`.
        ValueError: If d is not 2.

    Example:
        >>> sides = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        ...     offsets=torch.tensor([-0.5, -0.5]),
        ...     epsilon=1.0,
        ... )
        >>> found = maximizer_set(sides)
        >>> found.coverage, len(found.cells)
        (0.5, 2)
        >>> bool((found.draw(100, seed=0)[:, 0].abs() >= 0.5).all())
        True
    """
    check_type(sets, "sets", RobustSets)
    if (dim := sets.normals.shape[1]) != 2:
        raise ValueError(
            f"maximizer_set needs d = 2, got d = {dim}; draw_maximizers takes any d."
        )
    faces = heaviest_faces(*_double(sets), sets.epsilon)
    unit = sets.epsilon or 1.0
    rows = unit_rows(sets)
    touches = [
        settle(face.point / unit, rows).double().cpu().numpy()
        for face in faces
        if face.cell is None
    ]
    return MaximizerSet(
        sets=sets,
        count=int(faces[0].satisfied.sum()),
        cells=tuple(face.cell for face in faces if face.cell is not None),
        touches=np.array(touches, dtype=np.float64).reshape(-1, 2),
    )


def _double(
    sets: RobustSets,
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
    """Give the rows as arrays."""
    return sets.normals.double().cpu().numpy(), sets.offsets.double().cpu().numpy()


def _box(
    cell: Cell,
) -> tuple[Float[np.ndarray, "2 2"], Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
    """Enclose a cell in a box: its axes as rows, and the ends along both."""
    outline = cell.outline(60)
    pairs = (outline[:, np.newaxis] - outline[np.newaxis]).reshape(-1, 2)
    x, y = pairs[np.argmax((pairs**2).sum(axis=-1))].tolist()
    frame = np.array([[x, y], [-y, x]]) / np.hypot(x, y)
    high = np.array([_extent(cell, axis) for axis in frame])
    low = np.array([-_extent(cell, -axis) for axis in frame])
    return frame, low, high


def _extent(cell: Cell, direction: Float[np.ndarray, " 2"]) -> float:
    """Measure how far a cell reaches in a direction: to a corner, or on an arc."""
    angle = np.arctan2(direction[1], direction[0])
    corners = np.arctan2(cell.vertices[:, 1], cell.vertices[:, 0])
    turns = (np.roll(corners, -1) - corners) % (2 * np.pi)
    on_arc = cell.is_arc & ((angle - corners) % (2 * np.pi) <= turns)
    if len(corners) == 0 or on_arc.any():
        return cell.radius
    return float((cell.vertices @ direction).max())
