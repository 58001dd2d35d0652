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

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

# Twice the rounding of one operation, relative.
ROUNDING = 2.0**-52
# The least normal number: more than any operation loses to underflow.
TINY = 2.0**-1022
# Pays for the rounding of sums of up to 2^20 terms, none of them negative.
WIDE = 1.0 + 2.0**-30
# What matrices may take.
MOST_BYTES = 4e9
_MAXIMA = (nn.ReLU, nn.LeakyReLU, nn.MaxPool2d)


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
        groups: Which rows belong together; of equal entries the first counts, as it
            does where torch differentiates.
        slopes: By what all entries are multiplied to have more of them, again and again
            for each LeakyReLU.
    """

    layer: nn.Module
    shape: tuple[int, ...]
    weight: Float[Tensor, "p m"]
    absolute: Float[Tensor, "p m"]
    terms: int
    bias: Float[Tensor, " p"]
    groups: Int64[Tensor, "u k"]
    slopes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """The entries of one block at one point, before the largest are chosen.

    Attributes:
        block: The block.
        values: The entries, zero at the end.
        errors: How far rounding may have moved them: from the exact ones, and from
            those of the exact linear map that the choices make.
        moves: How far an entry gets from the latter within the ball.
        chosen: The largest of each group, the first of equal ones.
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
        if isinstance(layer, _MAXIMA):
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

    Each is held beside its absolute values, and once its rows are subtracted.

    Raises:
        ValueError: See the summary.
    """
    image, sizes, counts = points[:1], [points[0].numel()], []
    for layer in layers:
        before, image = image.numel(), layer(image)
        joins = isinstance(layer, _MAXIMA)
        if not isinstance(layer, nn.Flatten) and not (joins and counts):
            counts.append(before * (before if joins else image.numel()))
            sizes.append(image.numel())
        if isinstance(layer, nn.LeakyReLU):
            counts[-1] *= 2
    needed = 16 * sum(counts) + 8 * max(counts, default=0)
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
    size = image.numel()
    units = torch.eye(size, dtype=image.dtype, device=image.device)
    units = units.view(size, *image.shape[1:])
    bias = layer(torch.zeros_like(image))  # that of no bias, of a pool too, is zero
    terms = size + 4
    if isinstance(layer, nn.Conv2d):
        weights = (layer.weight, layer.weight.abs())
        rows, absolute = (layer._conv_forward(units, w, None) for w in weights)
        terms += layer.weight[0].numel() if layer.padding_mode != "zeros" else 0
    else:
        rows = units @ layer.weight.T if isinstance(layer, nn.Linear) else layer(units)
        absolute = rows.abs()
    rows, absolute = (
        torch.cat([one.reshape(size, -1).T, one.new_zeros(1, size)])
        for one in (rows, absolute)
    )
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
    """Let a ReLU or a pool choose among the groups that a block has."""
    if isinstance(layer, nn.LeakyReLU):
        slope, count = layer.negative_slope, len(block.bias)
        return replace(
            block,
            weight=torch.cat([block.weight, slope * block.weight]),
            absolute=torch.cat([block.absolute, slope * block.absolute]),
            terms=block.terms + 1,
            bias=torch.cat([block.bias, slope * block.bias]),
            groups=torch.cat([block.groups + count, block.groups], dim=1),
            slopes=(*block.slopes, slope),
        )
    none = len(block.bias) - 1  # the row of zeros
    if isinstance(layer, nn.MaxPool2d):
        chosen = pool_windows(layer, image)
    else:
        own = torch.arange(image.numel(), device=image.device)
        chosen = torch.stack([torch.full_like(own, len(own)), own], dim=1)
    zero = torch.full_like(block.groups[:1], none)
    groups = torch.cat([block.groups, zero])[chosen].flatten(1)
    return replace(block, groups=groups)


def pool_windows(
    pool: nn.MaxPool2d, image: Float[Tensor, "1 c h w"]
) -> Int64[Tensor, "u k"]:
    """List the places that each window of a pool looks at, line by line.

    Args:
        pool: The pool.
        image: One of its inputs, for the shape.

    Returns:
        Places in the flat image, some twice at its edges.

    Raises:
        ValueError: If a window lies in the padding, of which the largest is -inf.
    """
    counts = pool(image).shape[2:]
    settings = (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    pairs = [(one, one) if isinstance(one, int) else one for one in settings]
    axes = list(zip(*pairs, strict=True))
    # In the end more, for windows that begin inside and end beyond, of ``ceil_mode``.
    sides = [
        n for _, step, margin, _ in axes[::-1] for n in (margin, margin + step - 1)
    ]
    places = torch.arange(image.numel(), device=image.device).view(image.shape)
    places = nn.functional.pad(places, sides, value=-1)
    for axis, (size, step, _, rate) in enumerate(axes, 2):
        places = places.unfold(axis, rate * (size - 1) + 1, step)[..., ::rate]
        places = places.narrow(axis, 0, counts[axis - 2])
    windows = places.flatten(4).flatten(0, 3)
    if bool((windows < 0).all(-1).any()):
        raise ValueError(
            "model must have pools of which every window reaches into the image, got "
            f"{pool} on {tuple(image.shape[1:])}, one window of which is all padding."
        )
    # A place of the padding, which is never the largest, becomes the first inside.
    inside = windows.where(windows >= 0, image.numel()).amin(-1, keepdim=True)
    return windows.where(windows >= 0, inside)


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
    blocks = dense_blocks(layers, points)
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
        entries = torch.cat([entries, entries.new_zeros(1)])
        for slope in block.slopes:
            entries = torch.cat([entries, slope * entries])
        first = entries[block.groups].argmax(1, keepdim=True)
        chosen = block.groups.gather(1, first).squeeze(1)
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
