r"""Sound bounds on a classifier in a ball, or in a cap of it, around a point.

Linear bounds go backwards through the blocks, from what is to be bounded to the input,
where a linear function on a ball has its largest value in closed form. What every pass
needs of a block comes from the passes before it, so that blocks are done in order.

All of it is about the exact piecewise linear function of the stored weights. Every
bound is wider by what rounding may have changed, see
:mod:`~paper_lib.local_linearity.dense_blocks`.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.geometry import scale_to_radius
from paper_lib.local_linearity import max_units
from paper_lib.local_linearity.dense_blocks import TINY, WIDE, Sizes, long_norms

# So many bends of a block are tried, the nearest.
_MOST_BENDS = 32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cap:
    r"""Offsets with :math:`\|o\| \le r` and :math:`n^\top o \ge q`.

    Attributes:
        radius: :math:`r`.
        normal: :math:`n`, of any length; None: the whole ball.
        least: :math:`q`.
    """

    radius: float
    normal: Float[Tensor, " d"] | None = None
    least: float = -math.inf

    def largest(self, rows: Float[Tensor, "r d"]) -> Float[Tensor, " r"]:
        r"""Bound linear functions on the cap from above.

        For any :math:`\lambda \ge 0` by :math:`r \|c + \lambda n\| - \lambda q`.

        Args:
            rows: One function :math:`c` a row.

        Returns:
            The bounds; for the whole ball the largest values, but for rounding.
        """
        ball = self.radius * long_norms(rows)
        if self.normal is None:
            return ball
        length = float(long_norms(self.normal.unsqueeze(0)))
        depth = self.least / length
        along = rows @ self.normal / length
        across = (rows.square().sum(1) - along.square()).clamp(min=0).sqrt()
        # Products, as a power that overflows is an error.
        rest = math.sqrt(max(self.radius * self.radius - depth * depth, TINY))
        best = ((depth * across / rest - along) / length).clamp(min=0)
        moved = self.radius * long_norms(rows + best.unsqueeze(1) * self.normal)
        sizes = ball + moved + best * (self.radius * length + abs(self.least))
        # Far more than rounding: what is added to a negative number may cancel it.
        cut = moved - best * self.least + (WIDE - 1.0) * sizes
        return torch.where(cut < ball, cut, ball)


def relax(sizes: Sequence[Sizes], cap: Cap) -> Iterator[max_units.MaxUnits]:
    """Bound the units of every block.

    Args:
        sizes: The classifier at the point.
        cap: Where the bounds have to hold.

    Yields:
        The units of each block.
    """
    done: list[max_units.MaxUnits] = []
    for size in sizes:
        rivals = max_units.find_rivals(size)
        high = torch.minimum(rivals.high, rivals.start + _lead(rivals, 1, done, cap))
        rivals = replace(rivals, high=high).only(~(high <= 0))  # True for NaN
        low = torch.maximum(rivals.low, rivals.start - _lead(rivals, -1, done, cap))
        rivals = replace(rivals, low=low)
        units = max_units.bound_units(size, rivals)
        units = units if done else max_units.share_radius(units, rivals, cap.radius)
        done.append(units)
        yield units


def _lead(
    rivals: max_units.Rivals, sign: int, done: Sequence[max_units.MaxUnits], cap: Cap
) -> Float[Tensor, " c"]:
    """Bound how far leads move one way; at least not at all, as at the point."""
    linear, constant = backwards(done, sign * rivals.rows)
    # On a cap without the point some must move the other way; no chord may begin there.
    return ((cap.largest(linear) + constant + rivals.error) * WIDE).clamp(min=0)


def backwards(
    done: Sequence[max_units.MaxUnits],
    rows: Float[Tensor, "r u"],
    tangents: Sequence[Float[Tensor, "1 _"]] | None = None,
) -> tuple[Float[Tensor, "r d"], Float[Tensor, " r"]]:
    """Bound combinations of units' moves by a linear function of the offset.

    Args:
        done: The blocks' units, first to last.
        rows: Combinations of the last block's units.
        tangents: More to combine, a row for each block: what a tangent makes of it is
            left out of the bound. None: nothing.

    Returns:
        The linear functions and the constants to add.
    """
    constant = rows.new_zeros(len(rows))
    for number in reversed(range(len(done))):
        units = done[number]
        constant = constant + rows.abs() @ units.slack + units.lost
        both = rows
        if tangents is not None:
            both = rows + tangents[number]
            constant = constant + tangents[number].abs() @ units.slack + units.lost
        linear, more = units.pull(both)
        rows, constant = rows @ units.tangent + linear, constant + more
    return rows, constant


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tangent:
    r"""The function :math:`f_L` at a point, as far as rounding lets it be known.

    Attributes:
        cap: Where f is bounded.
        units: The blocks of f, relaxed there.
        value: :math:`f(x)`.
        error: How far that is from the exact value, at most.
        rows: The derivative of f in the units of each block, as one row.
        gradient: The derivative in the input, as one row.
        slack: How far :math:`\nabla f(x)^\top o` is from the exact one, at most.
    """

    cap: Cap
    units: tuple[max_units.MaxUnits, ...]
    value: float
    error: float
    rows: tuple[Float[Tensor, "1 _"], ...]
    gradient: Float[Tensor, "1 d"]
    slack: float

    @property
    def sign(self) -> float:
        """That of f(x), 1 for zero."""
        return -1.0 if self.value < 0 else 1.0


def tangent_of(sizes: Sequence[Sizes], cap: Cap) -> Tangent:
    """Differentiate a classifier, and relax it.

    Args:
        sizes: The classifier at the point.
        cap: Where to bound it.

    Returns:
        The tangent.
    """
    units = tuple(relax(sizes, cap))
    row, rows, slack = sizes[-1].values.new_ones(1, 1), [], 0.0
    for one in reversed(units):
        rows.insert(0, row)
        slack += float(row.abs() @ one.slack + one.lost) * WIDE
        row = row @ one.tangent
    return Tangent(
        cap=cap,
        units=units,
        value=float(sizes[-1].values[sizes[-1].chosen]),
        error=float(sizes[-1].errors.amax()),
        rows=tuple(rows),
        gradient=row,
        slack=slack,
    )


def lower_bound(tangent: Tangent) -> float:
    """Bound f times its sign at the point from below.

    Args:
        tangent: The tangent.

    Returns:
        The bound; NaN if a number overflowed.
    """
    row = torch.full_like(tangent.rows[-1], -tangent.sign)
    linear, constant = backwards(tangent.units, row)
    fall = float(tangent.cap.largest(linear) + constant) * WIDE
    return abs(tangent.value) - (fall + 2 * tangent.error) * WIDE


def error_bound(tangent: Tangent, sign: float) -> float:
    r"""Bound :math:`f - f_L` times a sign from above.

    The linear parts of the two cancel before anything is bounded.

    Args:
        tangent: The tangent.
        sign: -1 or 1.

    Returns:
        The bound; NaN if a number overflowed.
    """
    rows = [sign * row for row in tangent.rows]
    linear, constant = backwards(tangent.units, torch.zeros_like(rows[-1]), rows)
    widest = float(tangent.cap.largest(linear) + constant) + tangent.slack
    return (widest + 2 * tangent.error) * WIDE


def is_linear(sizes: Sequence[Sizes], units: Iterable[max_units.MaxUnits]) -> bool:
    r"""Tell whether f is proven to be :math:`f_L` on a cap.

    It is where no entry overtakes the chosen one, in any unit that the chosen entries
    make f depend on.

    Args:
        sizes: The classifier at the point.
        units: The blocks, relaxed there; those after one that decides are not read.

    Returns:
        Whether it is proven.
    """
    counts, matters = torch.ones_like(sizes[-1].chosen, dtype=torch.bool), []
    for size in reversed(sizes):
        matters.insert(0, counts)
        # Joined to the logit by weights that are not zero.
        counts = (size.block.absolute[size.chosen[counts]] != 0).any(0)
    return not any(
        bool((one.loose & counts).any())
        for one, counts in zip(units, matters, strict=True)
    )


def past_bends(sizes: Sequence[Sizes], radius: float) -> Float[Tensor, "k d"]:
    """Go to the edge of the ball across the nearest bends of the tangent's piece.

    Args:
        sizes: The classifier at the point.
        radius: Radius of the ball.

    Returns:
        Offsets, each along the gradient of a lead that changes hands before the edge;
        and the point itself.
    """
    tangent, ends = None, [torch.zeros_like(sizes[0].block.weight[:1])]
    for size in sizes:
        rivals = max_units.find_rivals(size)
        rows = rivals.rows if tangent is None else rivals.rows @ tangent
        distances = -rivals.start / torch.linalg.vector_norm(rows, dim=1)
        nearest = distances.argsort()[:_MOST_BENDS]
        nearest = nearest[distances[nearest] < radius]  # False for NaN
        ends.append(scale_to_radius(rows[nearest], radius))
        own = size.block.weight[size.chosen]
        tangent = own if tangent is None else own @ tangent
    return torch.cat(ends)
