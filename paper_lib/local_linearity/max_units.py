r"""Linear bounds on the largest entries of a block around a point.

At the point a unit's largest entry is :math:`p_w`. The tangent keeps that choice, and
the unit exceeds it by :math:`e = \max(0, \max_j t_j)` with :math:`t_j = p_j - p_w`,
none of them positive at the point. Only entries that may overtake count: where
:math:`l_j \le t_j \le u_j` and :math:`u_j > 0`, and for any
:math:`0 \le k_j \le 1`,

.. math::

    0 \le e \le \sum_j k_j (t_j - l_j) + \max_j \bigl(u_j - k_j (u_j - l_j)\bigr)^+ .

With :math:`k_j = u_j / (u_j - l_j)` that is a chord for each entry, with 0 a constant.

Constants add up as if each unit had the whole ball to itself, but units share its
radius. In the first block :math:`t_j = s_j + d_j^\top o` with :math:`s_j \le 0`, so
that :math:`e_i \le \max_j c_j |d_j^\top o|` with :math:`c_j = u_j / (u_j - s_j)`. Over
units with constants :math:`\rho_i`, by Cauchy-Schwarz,
:math:`\sum_i a_i e_i \le r \sigma \|(a_i \rho_i)_i\|`, with :math:`\sigma` the spectral
norm of the rows :math:`c_j d_j / \rho_i`. On blank backgrounds, where all entries of a
pool are equal, that is about half of the sum of the constants.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from paper_lib.local_linearity.dense_blocks import (
    ROUNDING,
    TINY,
    WIDE,
    Sizes,
    long_norms,
)

# What a constant counts beside chords; of a few values the best on trained classifiers.
_WORTH = 0.6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rivals:
    """Entries that may overtake the chosen ones of their units.

    Attributes:
        unit: The unit of each.
        rows: Its row of the block's matrix less that of the chosen entry.
        start: Its lead :math:`t_j` at the point, at most zero.
        error: How far that is from the exact lead, at most.
        low: A lower bound on the lead.
        high: An upper one.
    """

    unit: Int64[Tensor, " c"]
    rows: Float[Tensor, "c m"]
    start: Float[Tensor, " c"]
    error: Float[Tensor, " c"]
    low: Float[Tensor, " c"]
    high: Float[Tensor, " c"]

    def only(self, keep: Bool[Tensor, " c"]) -> "Rivals":
        """Leave the others out."""
        return Rivals(**{name: getattr(self, name)[keep] for name in self.__slots__})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MaxUnits:
    """The units of a block: their tangent, and bounds on what they exceed it by.

    Attributes:
        tangent: The rows of the chosen entries.
        unit: The unit of each entry that a bound is linear in.
        rows: The rows of these entries' leads.
        slopes: What each lead is multiplied by.
        rise: The constant of a bound with slopes.
        flat: The constant of one without.
        shared: What the length of a combination of the latter is multiplied by to bound
            their sum; infinite: nothing is known.
        slack: What rounding may add to a product with any row, relative to it.
        lost: What underflow may, whatever the row.
        loose: Whether another entry may overtake the chosen one.
    """

    tangent: Float[Tensor, "u m"]
    unit: Int64[Tensor, " c"]
    rows: Float[Tensor, "c m"]
    slopes: Float[Tensor, " c"]
    rise: Float[Tensor, " u"]
    flat: Float[Tensor, " u"]
    shared: float
    slack: Float[Tensor, " u"]
    lost: float
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
        constant = up @ self.flat
        if self.shared < math.inf:
            together = self.shared * long_norms(up * self.flat)
            constant = torch.minimum(constant, together)
        linear = (up[:, self.unit] * self.slopes) @ self.rows
        return linear, up @ self.rise + constant


def find_rivals(sizes: Sizes) -> Rivals:
    """List the entries of which it is not plain that they stay behind.

    Args:
        sizes: The block's entries at the point.

    Returns:
        The entries.
    """
    groups, chosen = sizes.block.groups, sizes.chosen.unsqueeze(1)
    # With the rounding of a difference of two entries, and of two rows.
    errors = sizes.errors + 4 * ROUNDING * (sizes.values.abs() + sizes.moves)
    start = sizes.values[groups] - sizes.values[chosen]
    error, reach = (v[groups] + v[chosen] for v in (errors, sizes.moves))
    far = (reach + error) * WIDE
    ahead = ~(start + far <= 0)  # True for NaN
    unit, place = ((groups != chosen) & ahead).nonzero(as_tuple=True)
    weight = sizes.block.weight
    rows = weight[groups[unit, place]] - weight[sizes.chosen[unit]]
    start, error, far = (v[unit, place] for v in (start, error, far))
    low, high = start - far, start + far
    return Rivals(unit=unit, rows=rows, start=start, error=error, low=low, high=high)


def bound_units(sizes: Sizes, rivals: Rivals) -> MaxUnits:
    """Choose a linear bound for each unit.

    All chords, or a constant where that is not much more at the point.

    Args:
        sizes: The block's entries at the point.
        rivals: Those that may overtake.

    Returns:
        The units.
    """
    chords = rivals.high / (rivals.high - rivals.low)
    block, flat = sizes.block, torch.zeros_like(chords)
    count, size = block.groups.shape
    rise, constant = (_rise(rivals, slopes, count) for slopes in (chords, flat))
    is_flat = ~(rise <= _WORTH * constant)  # True for NaN
    slopes = torch.where(is_flat[rivals.unit], flat, chords)
    used = slopes.nonzero().squeeze(1)
    # Each step of a pass is a product of rows with these, rounded.
    terms = len(block.weight) + block.terms + len(used) + 4
    entries = sizes.moves + 2 * sizes.errors.amax()
    moves = entries[block.groups].amax(1)
    return MaxUnits(
        tangent=block.weight[sizes.chosen],
        unit=rivals.unit[used],
        rows=rivals.rows[used],
        slopes=slopes[used],
        rise=rise.where(~is_flat, 0.0),
        flat=constant.where(is_flat, 0.0),
        shared=math.inf,
        slack=2 * (1 + 2 * size) * terms * ROUNDING * moves,
        lost=4 * terms * TINY * (1.0 + sizes.reach),
        loose=torch.zeros_like(is_flat).index_fill(0, rivals.unit, True),
    )


def _rise(
    rivals: Rivals, slopes: Float[Tensor, " c"], count: int
) -> Float[Tensor, " u"]:
    """Compute the constants of bounds with given slopes, for so many units."""
    none, width = slopes.new_zeros(count), rivals.high - rivals.low
    left = rivals.high - slopes * width + 4 * ROUNDING * width
    top = none.scatter_reduce(0, rivals.unit, left, "amax")
    start = rivals.start + rivals.error
    return top.index_add(0, rivals.unit, slopes * (start - rivals.low))


def share_radius(units: MaxUnits, rivals: Rivals, radius: float) -> MaxUnits:
    """Bound what the flat units of the first block exceed their tangent by together.

    Args:
        units: The units.
        rivals: The entries that may overtake.
        radius: Radius of the ball.

    Returns:
        The units, with what rounding hides of the leads in their slack.
    """
    flat = (units.flat[rivals.unit] > 0).nonzero().squeeze(1)
    if len(flat) == 0:
        return units
    shares = rivals.high / (rivals.high - rivals.start) / units.flat[rivals.unit]
    rows = shares[flat].unsqueeze(1) * rivals.rows[flat]
    none = torch.zeros_like(units.slack)
    unsure = none.scatter_reduce(0, rivals.unit, rivals.error, "amax")
    shared = radius * _spectral_norm(rows) * WIDE
    return replace(units, shared=shared, slack=units.slack + unsure)


def _spectral_norm(rows: Float[Tensor, "r d"]) -> float:
    """Bound a spectral norm from above: LAPACK's error is a few dim roundings."""
    rows = rows if len(rows) > rows.shape[1] else rows.T
    gram = rows.T @ rows
    error = (sum(rows.shape) + len(gram) ** 2) * ROUNDING * float(gram.trace())
    error += rows.numel() * TINY
    if not math.isfinite(error):
        return math.inf
    return math.sqrt(float(torch.linalg.eigvalsh(gram)[-1]) + error)
