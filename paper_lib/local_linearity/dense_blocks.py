r"""The layers of a classifier as blocks: a matrix, then the largest of a few entries.

ReLU and max-pool are one thing: of each group of numbers, zero among them where there
is a ReLU, the largest goes on. A pool and a ReLU in a row are groups that hold both.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    r"""One linear map and the groups of which the largest entries go on.

    Attributes:
        layer: The map with its bias, on inputs in their shape.
        shape: That shape.
        weight: The map as a matrix; its last row is zero, for the zero of ReLU.
        bias: What is added, zero in that row.
        groups: Which rows belong together; of equal entries the first counts, as it
            does where torch differentiates.
    """

    layer: nn.Module
    shape: tuple[int, ...]
    weight: Float[Tensor, "p m"]
    bias: Float[Tensor, " p"]
    groups: Int64[Tensor, "u k"]


def dense_blocks(
    layers: nn.Sequential, points: Float[Tensor, "n ..."]
) -> tuple[Block, ...]:
    """Write layers as blocks; a map without a maximum after it has groups of one.

    Args:
        layers: From :func:`~paper_lib.local_linearity.layers.piecewise_linear_layers`.
        points: Inputs, as float64, for their shape and device.

    Returns:
        The blocks, on flat vectors. A matrix of p by m takes 8 p m bytes.
    """
    image = torch.zeros_like(points[:1])
    blocks: list[Block] = []
    pending = False  # whether the last block may still take a maximum
    for layer in layers:
        if isinstance(layer, nn.ReLU | nn.MaxPool2d):
            if not pending:
                blocks.append(_linear_block(nn.Identity(), image))
                pending = True
            blocks[-1] = _with_maximum(blocks[-1], layer, image)
        elif not isinstance(layer, nn.Flatten):
            blocks.append(_linear_block(layer, image))
            pending = True
        image = layer(image)
    return tuple(blocks or [_linear_block(nn.Identity(), points[:1])])


def _linear_block(layer: nn.Module, image: Tensor) -> Block:
    """Push unit vectors through a layer without its bias: its weights come out."""
    size = image.numel()
    units = torch.eye(size, dtype=image.dtype, device=image.device)
    units = units.view(size, *image.shape[1:])
    bias = layer(torch.zeros_like(image))  # that of no bias, of a pool too, is zero
    if isinstance(layer, nn.Conv2d):
        rows = layer._conv_forward(units, layer.weight, None)
    else:
        rows = units @ layer.weight.T if isinstance(layer, nn.Linear) else layer(units)
    rows = rows.reshape(size, -1).T
    count = len(rows)
    return Block(
        layer=layer,
        shape=tuple(image.shape[1:]),
        weight=torch.cat([rows, rows.new_zeros(1, size)]),
        bias=torch.cat([bias.flatten(), bias.new_zeros(1)]),
        groups=torch.arange(count, device=image.device).unsqueeze(1),
    )


def _with_maximum(block: Block, layer: nn.Module, image: Tensor) -> Block:
    """Let a ReLU or a pool choose among the groups that a block has."""
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
    """
    _, channels, *sides = image.shape
    kernel, stride, padding, dilation = (
        (value, value) if isinstance(value, int) else value
        for value in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    )
    places = torch.arange(image.numel(), dtype=torch.float64, device=image.device)
    ends = []
    for axis, count in enumerate(pool(image).shape[2:]):
        reach = (count - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1
        ends.append(max(reach - sides[axis] - padding[axis], 0))
    around = (padding[1], ends[1], padding[0], ends[0])
    places = nn.functional.pad(places.view(image.shape), around, value=-1.0)
    windows = nn.functional.unfold(places, kernel, dilation, 0, stride)
    windows = windows.view(channels, math.prod(kernel), -1).transpose(1, 2).long()
    # A place of the padding, which is never the largest, becomes the first inside.
    inside = windows.where(windows >= 0, image.numel()).amin(-1, keepdim=True)
    return windows.where(windows >= 0, inside).flatten(0, 1)
