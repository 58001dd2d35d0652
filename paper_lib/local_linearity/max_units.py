r"""Linear bounds on the largest entries of a block around a point.

At the point a unit's largest entry is :math:`p_w`. The tangent keeps that choice, and
the unit exceeds it by :math:`e = \max(0, \max_j t_j)` with :math:`t_j = p_j - p_w`,
none of them positive at the point. Only entries that may overtake count: where
:math:`l_j \le t_j \le u_j` and :math:`u_j > 0`, and for any
:math:`0 \le k_j \le 1`,

.. math::

    0 \le e \le \sum_j k_j (t_j - l_j) + \max_j \bigl(u_j - k_j (u_j - l_j)\bigr)^+ .

With :math:`k_j = u_j / (u_j - l_j)` that is a chord for each entry, with 0 a constant.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from paper_lib.local_linearity.dense_blocks import Block
from paper_lib.local_linearity.forward_sizes import ROUNDING, WIDE, Sizes


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rivals:
    """Entries that may overtake the chosen ones of their units.

    Attributes:
        unit: The unit of each.
        rows: Its row of the block's matrix less that of the chosen entry.
        start: Its lead :math:`t_j` at the point, at most zero.
        error: How far that is from the exact lead, at most.
        reach: How far the lead gets from that, at most, whatever else is known.
    """

    unit: Int64[Tensor, " c"]
    rows: Float[Tensor, "c m"]
    start: Float[Tensor, " c"]
    error: Float[Tensor, " c"]
    reach: Float[Tensor, " c"]

    def only(self, keep: Bool[Tensor, " c"]) -> "Rivals":
        """Leave the others out."""
        return Rivals(
            unit=self.unit[keep],
            rows=self.rows[keep],
            start=self.start[keep],
            error=self.error[keep],
            reach=self.reach[keep],
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MaxUnits:
    """The units of a block: their tangent, and bounds on what they exceed it by.

    Attributes:
        tangent: The rows of the chosen entries.
        unit: The unit of each entry that a bound is linear in.
        rows: The rows of these entries' leads.
        slopes: What each lead is multiplied by.
        rise: The constant of the bound.
        slack: What rounding may add to a product with any row, relative to it.
        loose: Whether another entry may overtake the chosen one.
    """

    tangent: Float[Tensor, "u m"]
    unit: Int64[Tensor, " c"]
    rows: Float[Tensor, "c m"]
    slopes: Float[Tensor, " c"]
    rise: Float[Tensor, " u"]
    slack: Float[Tensor, " u"]
    loose: Bool[Tensor, " u"]

    def pull(
        self, rows: Float[Tensor, "r u"]
    ) -> tuple[Float[Tensor, "r m"], Float[Tensor, " r"]]:
        """Bound a combination of what the units exceed their tangent by, from above.

        Args:
            rows: The combinations.

        Returns:
            A bound that is linear in the block's input, and a constant.
        """
        up = rows.clamp(min=0)
        return (up[:, self.unit] * self.slopes) @ self.rows, up @ self.rise


def find_rivals(block: Block, sizes: Sizes) -> Rivals:
    """List the entries of which it is not plain that they stay behind.

    Args:
        block: The block.
        sizes: Its entries at the point.

    Returns:
        The entries.
    """
    groups, chosen = block.groups, sizes.chosen.unsqueeze(1)
    # With the rounding of a difference of two entries, and of two rows.
    errors = sizes.errors + 4 * ROUNDING * (sizes.values.abs() + sizes.moves)
    start = sizes.values[groups] - sizes.values[chosen]
    error, reach = (v[groups] + v[chosen] for v in (errors, sizes.moves))
    behind = start + (reach + error) * WIDE <= 0  # False for NaN
    unit, place = ((groups != chosen) & ~behind).nonzero(as_tuple=True)
    rows = block.weight[groups[unit, place]] - block.weight[sizes.chosen[unit]]
    start, error, reach = (v[unit, place] for v in (start, error, reach))
    return Rivals(unit=unit, rows=rows, start=start, error=error, reach=reach)


def bound_units(
    block: Block,
    sizes: Sizes,
    rivals: Rivals,
    low: Float[Tensor, " c"],
    high: Float[Tensor, " c"],
) -> MaxUnits:
    """Choose a linear bound for each unit.

    All chords, or a constant: what is less at the point.

    Args:
        block: The block.
        sizes: Its entries at the point.
        rivals: Those that may overtake.
        low: Lower bounds on their leads.
        high: Upper bounds, positive.

    Returns:
        The units.
    """
    unit, start = rivals.unit, rivals.start + rivals.error
    none = high.new_zeros(len(block.groups))
    width = high - low

    def constant(slopes: Tensor) -> Tensor:
        left = high - slopes * width + 4 * ROUNDING * width
        return none.scatter_reduce(0, unit, left, "amax").index_add(
            0, unit, slopes * (start - low)
        )

    chords, flat = high / width, torch.zeros_like(high)
    better = constant(chords) <= constant(flat)
    slopes = torch.where(better[unit], chords, flat)
    used = slopes.nonzero().squeeze(1)
    # Each step of a pass is a product of rows with these, rounded.
    terms, size = sum(block.weight.shape) + len(used) + 8, block.groups.shape[1]
    moves = (sizes.moves + 2 * sizes.errors)[block.groups].amax(1)
    return MaxUnits(
        tangent=block.weight[sizes.chosen],
        unit=unit[used],
        rows=rivals.rows[used],
        slopes=slopes[used],
        rise=constant(slopes),
        slack=2 * (1 + 2 * size) * terms * ROUNDING * moves,
        loose=none.bool().index_fill(0, unit, True),
    )
