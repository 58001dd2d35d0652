r"""The layers of a classifier as blocks: a matrix, then the largest of a few entries.

ReLU and max-pool are one thing: of each group of numbers, zero among them where there
is a ReLU, the largest goes on. A pool and a ReLU in a row are groups that hold both. A
LeakyReLU is the larger of a number and of that times the slope.

A forward pass tells how far its numbers are from the exact ones, and how far they move.
The exact numbers are those of real arithmetic on the stored float64 weights. A sum of m
products is off by at most :math:`(m + 1) u` times the sum of absolute values, to first
order and in any order of summation, with :math:`u = 2^{-53}`: that gives the errors.
Constants here are at least twice what is needed, which pays for the higher orders.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from paper_lib.local_linearity.layers import maxima_of

# Twice the rounding of one operation, relative.
ROUNDING = 2.0**-52
# The least normal number: more than any operation loses to underflow.
TINY = 2.0**-1022
# Pays for the rounding of sums of up to 2^20 terms, none of them negative.
WIDE = 1.0 + 2.0**-30
# What a proof may take.
MOST_BYTES = 8e9
# So many inputs are pushed through a layer at once.
_AT_ONCE = 256
_Maximum = nn.ReLU | nn.LeakyReLU | nn.MaxPool2d


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    r"""One linear map and the groups of which the largest entries go on.

    Attributes:
        layer: The map with its bias, on inputs in their shape.
        shape: That shape.
        weight: The map as a matrix; its last row is zero, for the zero of ReLU.
        absolute: The same of absolute values, which are larger where a padding repeats
            a pixel within one sum.
        terms: What an entry, or one of the matrix, is a sum of, and a few more.
        bias: What is added, zero in that row.
        groups: Which rows belong together.
        maxima: How the largest is chosen, one layer after another: the slope of a
            LeakyReLU, by which all entries are multiplied to have more of them, and
            which places each of the layer's maxima is of, see :func:`_choices`.
    """

    layer: nn.Module
    shape: tuple[int, ...]
    weight: Float[Tensor, "p m"]
    absolute: Float[Tensor, "p m"]
    terms: int
    bias: Float[Tensor, " p"]
    groups: Int64[Tensor, "u k"]
    maxima: tuple[tuple[float | None, Int64[Tensor, "_ _"]], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """The entries of one block at one point, before the largest are chosen.

    Attributes:
        block: The block.
        values: The entries, zero at the end.
        errors: How far rounding may have moved them: from the exact ones, and from
            those of the exact linear map that the choices make.
        moves: How far an entry gets from the latter within the ball.
        chosen: The largest of each group, of equal ones that by which torch
            differentiates: the first that a layer meets.
        reach: How far all that they are made of moves within the ball, added up.
    """

    block: Block
    values: Float[Tensor, " p"]
    errors: Float[Tensor, " p"]
    moves: Float[Tensor, " p"]
    chosen: Int64[Tensor, " u"]
    reach: float


def dense_blocks(
    layers: nn.Sequential, points: Float[Tensor, "n ..."]
) -> tuple[Block, ...]:
    """Write layers as blocks; a map without a maximum after it has groups of one.

    Args:
        layers: From :func:`~paper_lib.local_linearity.layers.piecewise_linear_layers`.
        points: Inputs, as float64, for their shape and device.

    Returns:
        The blocks, on flat vectors. A matrix of p by m takes 8 p m bytes.

    Raises:
        ValueError: If the matrices would take more than ``MOST_BYTES``.
    """
    _check_memory(layers, points)
    image = torch.zeros_like(points[:1])
    blocks: list[Block] = []
    pending = False  # whether the last block may still take a maximum
    for layer in layers:
        if isinstance(layer, _Maximum):
            if not pending:
                blocks.append(_linear_block(nn.Identity(), image))
                pending = True
            blocks[-1] = _with_maximum(blocks[-1], layer, image)
        elif not isinstance(layer, nn.Flatten):
            blocks.append(_linear_block(layer, image))
            pending = True
        image = layer(image)
    return tuple(blocks or [_linear_block(nn.Identity(), points[:1])])


def _check_memory(layers: nn.Sequential, points: Float[Tensor, "n ..."]) -> None:
    """Reject layers whose matrices do not fit, before one of them is made.

    Three rows an entry of a group: a proof holds rows of weights, of their absolute
    values, of tangents and of leads, and makes copies of the latter.

    Raises:
        ValueError: See the summary.
    """
    image, sizes, counts = points[:1], [points[0].numel()], []
    for layer in layers:
        before, image = image, layer(image)
        is_maximum = isinstance(layer, _Maximum)
        if not isinstance(layer, nn.Flatten) and not (is_maximum and counts):
            sizes.append(image.numel())
            counts.append(before.numel() * (before if is_maximum else image).numel())
        if is_maximum:
            counts[-1] = counts[-1] // before.numel() * maxima_of(layer, before).numel()
    needed = 24 * sum(counts)
    if needed > MOST_BYTES:
        widths = " - ".join(map(str, sizes))
        raise ValueError(
            f"model must have layers whose matrices take at most {MOST_BYTES / 1e9:.1f}"
            f" GB, got {needed / 1e9:.1f} GB for layers of {widths} entries; take "
            "smaller inputs, fewer channels or larger strides, search with "
            "find_disagreements, which needs none, or set dense_blocks.MOST_BYTES."
        )


def _linear_block(layer: nn.Module, image: Tensor) -> Block:
    """Push unit vectors through a layer without its bias: its weights come out."""
    size, terms, ways = image.numel(), image.numel() + 4, [layer]
    if isinstance(layer, nn.Conv2d):
        terms += layer.weight[0].numel() if layer.padding_mode != "zeros" else 0
        weights = (layer.weight, layer.weight.abs())
        ways = [partial(layer._conv_forward, weight=one, bias=None) for one in weights]
    elif isinstance(layer, nn.Linear):
        ways = [lambda units: units @ layer.weight.T]
    bias = layer(torch.zeros_like(image))  # that of no bias, of a pool too, is zero
    rows, absolute = image.new_zeros(2, bias.numel() + 1, size)
    for part in torch.arange(size, device=image.device).split(_AT_ONCE):
        units = nn.functional.one_hot(part, size).to(image).view(-1, *image.shape[1:])
        at = slice(part[0], part[-1] + 1)
        found = [way(units).flatten(1).T for way in ways]
        rows[:-1, at], absolute[:-1, at] = found[0], found[-1].abs()
    own = torch.arange(len(rows) - 1, device=image.device)
    return Block(
        layer=layer,
        shape=tuple(image.shape[1:]),
        weight=rows,
        absolute=absolute,
        terms=terms,
        bias=torch.cat([bias.flatten(), bias.new_zeros(1)]),
        groups=own.unsqueeze(1),
    )


def _with_maximum(block: Block, layer: nn.Module, image: Tensor) -> Block:
    """Let a layer choose among the groups that a block has."""
    slope, places = getattr(layer, "negative_slope", None), maxima_of(layer, image)
    groups = _choices(block.groups, len(block.bias), slope, places).flatten(1)
    block = replace(block, groups=groups, maxima=(*block.maxima, (slope, places)))
    if slope is None:
        return block
    weight, bias = (torch.cat([r, slope * r]) for r in (block.weight, block.bias))
    # What a product loses to underflow still depends on the input.
    lost = float(slope > 0) * TINY * block.absolute.sign()
    absolute, terms = slope * block.absolute + lost, block.terms + 1
    absolute = torch.cat([block.absolute, absolute])
    return replace(block, weight=weight, absolute=absolute, terms=terms, bias=bias)


def _choices(
    groups: Int64[Tensor, "u k"], count: int, slope: float | None, places: Tensor
) -> Int64[Tensor, "v l k"]:
    """List the entries, of so many, that each maximum of a layer is of.

    Args:
        groups: The entries that the layer's inputs may be.
        count: How many entries there are, zero the last.
        slope: That of a LeakyReLU, which has as many entries more; None: another layer.
        places: Its inputs, then these multiplied, or zero: what each maximum is of.

    Returns:
        The entries.
    """
    others = torch.full_like(groups[:1], count - 1) if slope is None else groups + count
    return torch.cat([groups, others])[places]


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


def sizes_at(
    layers: nn.Sequential, points: Float[Tensor, "n ..."], radius: float
) -> Iterator[tuple[Sizes, ...]]:
    """Run points through the blocks one by one, so that none depends on another.

    Args:
        layers: From :func:`~paper_lib.local_linearity.layers.piecewise_linear_layers`.
        points: Inputs, as float64.
        radius: Radius of the ball in which the input moves.

    Yields:
        For each point the sizes of every block.
    """
    blocks = dense_blocks(layers, points) if len(points) else ()
    for point in points:
        yield _forward(blocks, point, radius)


def _forward(
    blocks: tuple[Block, ...], point: Float[Tensor, "..."], radius: float
) -> tuple[Sizes, ...]:
    """Run one point through the blocks."""
    values, found = point.flatten(), []
    errors, moves = torch.zeros_like(values), torch.full_like(values, radius)
    for block in blocks:
        # The layer itself, so that ties are broken as where it is differentiated.
        entries = block.layer(values.view(1, *block.shape)).flatten()
        entries = nn.functional.pad(entries, (0, 1))
        chosen = torch.arange(len(entries) - 1, device=entries.device).unsqueeze(1)
        for slope, places in block.maxima:
            among = _choices(chosen, len(entries), slope, places).flatten(1)
            if slope is not None:
                entries = torch.cat([entries, slope * entries])
            chosen = among.gather(1, entries[among].argmax(1, keepdim=True))
        chosen = chosen.squeeze(1)
        share = block.terms * ROUNDING
        wrong = block.absolute @ (share * values.abs() + errors)
        wrong = (wrong + share * block.bias.abs()) * WIDE + block.terms * TINY
        if found:
            far = block.absolute @ moves * WIDE + len(moves) * TINY
        else:
            far = radius * long_norms(block.absolute) * WIDE
        found.append(Sizes(block, entries, wrong, far, chosen, float(moves.sum())))
        values, errors = entries[chosen], wrong[block.groups].amax(1)
        # What is not chosen is above the chosen by no more than rounding hides.
        moves = far[block.groups].amax(1) + 2 * errors
    return tuple(found)
