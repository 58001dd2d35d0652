r"""A forward pass, how far its numbers are from the exact ones, and how far they move.

The exact numbers are those of real arithmetic on the stored float64 weights. A sum of m
products is off by at most :math:`(m + 1) u` times the sum of absolute values, to first
order and in any order of summation, with :math:`u = 2^{-53}`: that gives the errors.
Constants here are at least twice what is needed, which pays for the higher orders.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from paper_lib.local_linearity.dense_blocks import Block

# Points that go forward together.
_BATCH = 64
# Twice the rounding of one operation, relative.
ROUNDING = 2.0**-52
# The least normal number: more than any operation loses to underflow.
TINY = 2.0**-1022
# Pays for the rounding of sums of up to 2^20 terms, none of them negative.
WIDE = 1.0 + 2.0**-30


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sizes:
    """The entries of one block at one point, before the largest are chosen.

    Attributes:
        values: The entries, zero at the end.
        errors: How far rounding may have moved them: from the exact ones, and from
            those of the exact linear map that the choices make.
        moves: How far an entry gets from the latter within the ball.
        chosen: The largest of each group, the first of equal ones.
    """

    values: Float[Tensor, " p"]
    errors: Float[Tensor, " p"]
    moves: Float[Tensor, " p"]
    chosen: Int64[Tensor, " u"]


def long_norms(rows: Float[Tensor, "r d"]) -> Float[Tensor, " r"]:
    """Bound the lengths of rows from above.

    Args:
        rows: One vector a row.

    Returns:
        Their lengths or a little more.
    """
    dim = rows.shape[-1]
    lengths = torch.linalg.vector_norm(rows, dim=-1)
    # Squares may be lost to underflow.
    return lengths * (1.0 + (dim + 4) * ROUNDING) + math.sqrt(dim * TINY)


def forward_sizes(
    blocks: tuple[Block, ...], points: Float[Tensor, "n ..."], radius: float
) -> Iterator[tuple[Sizes, ...]]:
    """Run points through the blocks, some at a time.

    Args:
        blocks: The classifier.
        points: Inputs, as float64.
        radius: Radius of the ball in which the input moves.

    Yields:
        For each point the sizes of every block.
    """
    for values in points.flatten(1).split(_BATCH):
        errors, moves, found = torch.zeros_like(values), None, []
        for block in blocks:
            entries = _values(block, values)
            wrong, far = _errors(block, values, errors), _moves(block, moves, radius)
            places = entries[:, block.groups].argmax(-1, keepdim=True)
            groups = block.groups.expand(len(values), -1, -1)
            chosen = groups.gather(2, places).squeeze(2)
            found.append(
                {
                    "values": entries,
                    "errors": wrong,
                    "moves": far.expand_as(wrong),
                    "chosen": chosen,
                }
            )
            values = entries.gather(1, chosen)
            errors = wrong[:, block.groups].amax(-1)
            # What is not chosen is above the chosen by no more than rounding hides.
            moves = far[:, block.groups].amax(-1) + 2 * errors
        for number in range(len(values)):
            yield tuple(
                Sizes(**{name: part[number] for name, part in parts.items()})
                for parts in found
            )


def _values(block: Block, values: Float[Tensor, "n m"]) -> Float[Tensor, "n p"]:
    """Apply the layer itself, so that ties are broken as where it is differentiated."""
    entries = block.layer(values.view(len(values), *block.shape)).flatten(1)
    return torch.cat([entries, entries.new_zeros(len(entries), 1)], dim=1)


def _errors(
    block: Block, values: Float[Tensor, "n m"], errors: Float[Tensor, "n m"]
) -> Float[Tensor, "n p"]:
    """Bound the rounding of the entries, that of what they are made of included."""
    terms = block.weight.shape[1] + 4
    share = terms * ROUNDING
    sizes = (share * values.abs() + errors) @ block.weight.abs().T
    return (sizes + share * block.bias.abs()) * WIDE + terms * TINY


def _moves(
    block: Block, moves: Float[Tensor, "n m"] | None, radius: float
) -> Float[Tensor, "n p"]:
    """Bound how far entries move, at first by the lengths of the rows."""
    if moves is None:
        return (radius * long_norms(block.weight) * WIDE).unsqueeze(0)
    return moves @ block.weight.abs().T * WIDE + block.weight.shape[1] * TINY
