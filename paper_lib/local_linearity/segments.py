"""A classifier along a segment: exactly piecewise linear, with every bend found.

Layer by layer, in float64. Where all neurons of a layer are linear between neighboring
positions, ReLU adds the positions where one of them crosses zero, and a maximum those
where another neuron takes over; all else keeps them linear. The idea is ExactLine's
(Sotoudeh and Thakur 2019, arXiv 1908.06214).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.local_linearity.layers import piecewise_linear_layers, pool_windows

# Numbers that one layer may hold at a time, beyond which positions are parted.
_ENTRIES = 4_000_000
# A neuron this near the maximum, relative, may be the one that takes over.
_NEAR = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SegmentPath:
    r"""A function along a segment, linear between neighboring positions.

    Attributes:
        positions: From 0, the start, to 1, the end, in increasing order; as float64.
        values: The function there.
    """

    positions: Float[Tensor, " k"]
    values: Float[Tensor, " k"]

    def at(self, positions: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        """Interpolate.

        Args:
            positions: From 0 to 1.

        Returns:
            The values there.
        """
        return _interpolated(self.positions, self.values, positions)

    def sign_changes(self) -> Float[Tensor, " m"]:
        """Find where the sign changes, the first zero where there is more than one.

        Returns:
            The positions; a zero between equal signs is none.
        """
        kept = self.values.nonzero()[:, 0]
        changed = self.values[kept[1:]].sign() != self.values[kept[:-1]].sign()
        left, right = kept[:-1][changed], kept[1:][changed]
        # From the left one to its neighbor, which may be zero itself.
        before, after = self.values[left], self.values[left + 1]
        share = torch.where(right > left + 1, 1.0, before / (before - after))
        return torch.lerp(self.positions[left], self.positions[left + 1], share)


def follow_segment(
    model: nn.Module, start: Float[Tensor, "*shape"], end: Float[Tensor, "*shape"]
) -> SegmentPath:
    r"""Follow a classifier from one input to another, exactly.

    Along :math:`x(t) = (1 - t) x_0 + t x_1` a network of the layers below is piecewise
    linear in t.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``. An
            ``nn.Sequential`` of convolutions, fully connected layers, ReLU, LeakyReLU,
            batch normalization, maximum and average pooling, ``nn.Flatten``, dropout
            and identity, or
            :class:`~paper_lib.models.PairCNN`; left as it was.
        start: One input, without the axis of points, in the model's dtype.
        end: Another, of the same shape.

    Returns:
        All positions where f may bend, and f there, as float64. Equal positions are
        given once; at some of them f may go straight on.

    Raises:
        ValueError: If the shapes, dtypes or devices differ, a number is NaN or
            infinite, or the model has a layer that is not known.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Flatten(0)).double()
        >>> _ = model[0].weight.data.fill_(1.0), model[0].bias.data.fill_(-1.0)
        >>> ends = torch.tensor([[0.0], [4.0]], dtype=torch.float64)
        >>> path = follow_segment(model, *ends)
        >>> path.positions.tolist(), path.values.tolist()
        ([0.0, 0.25, 1.0], [0.0, 0.0, 3.0])
    """
    check_same_kind(start=start, end=end)
    if start.shape != end.shape or start.ndim == 0:
        raise ValueError(
            "start and end must be two inputs of one shape, got shapes "
            f"{tuple(start.shape)} and {tuple(end.shape)}."
        )
    check_finite(start=start, end=end)
    ends = torch.stack([start, end]).detach()
    return follow_layers(piecewise_linear_layers(model, ends), ends.double())


@torch.no_grad()
def follow_layers(layers: nn.Sequential, ends: Float[Tensor, "2 ..."]) -> SegmentPath:
    """Follow a sequence of layers; see :func:`follow_segment`.

    Args:
        layers: From ``piecewise_linear_layers``.
        ends: Start and end, as float64.

    Returns:
        The path.
    """
    positions = torch.tensor([0.0, 1.0], dtype=torch.float64, device=ends.device)
    # Neighboring pieces share a position.
    pieces = [
        (where[number > 0 :], values[number > 0 :])
        for number, (where, values) in enumerate(_traced(layers, positions, ends))
    ]
    positions, values = map(torch.cat, zip(*pieces, strict=True))
    return SegmentPath(positions=positions, values=values)


def _traced(
    layers: nn.Sequential,
    positions: Float[Tensor, " k"],
    values: Float[Tensor, "k ..."],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give positions and values after the last layer, piece by piece."""
    if len(layers) == 0:
        yield positions, values
        return
    layer = layers[0]
    bends = _bends(layer, positions, values)
    refined = torch.cat([positions, bends]).unique() if len(bends) else positions
    size = max(_ENTRIES // values[0].numel(), 2)
    for first in range(0, len(refined) - 1, size - 1):
        piece = refined[first : first + size]
        known = values[first : first + size]
        here = _interpolated(positions, values, piece) if len(bends) else known
        yield from _traced(layers[1:], piece, layer(here))


def _bends(layer: nn.Module, positions: Tensor, values: Tensor) -> Float[Tensor, " m"]:
    """Find where a layer bends between positions at which its inputs are known."""
    if isinstance(layer, nn.ReLU | nn.LeakyReLU):
        values = values.flatten(1)
        before, after = values[:-1], values[1:]
        interval, neuron = (before.sign() * after.sign() < 0).nonzero(as_tuple=True)
        before, after = before[interval, neuron], after[interval, neuron]
        share = before / (before - after)
    elif isinstance(layer, nn.MaxPool2d):
        windows = pool_windows(layer, values[:1])
        interval, share = _takeovers(values.flatten(1)[:, windows])
    else:
        return positions[:0]
    return torch.lerp(positions[interval], positions[interval + 1], share)


def _takeovers(windows: Float[Tensor, "k w m"]) -> tuple[Tensor, Tensor]:
    """Find in which interval, and at what share of it, a maximum changes hands."""
    before, after = windows[:-1], windows[1:]
    # Of the largest at the start, the one that grows most: does it stay the largest?
    leads = before == before.amax(-1, keepdim=True)
    stays = after.masked_fill(~leads, -torch.inf).amax(-1) == after.amax(-1)
    interval, window = (~stays).nonzero(as_tuple=True)
    before, after = before[interval, window], after[interval, window]
    first, second = torch.triu_indices(windows.shape[-1], windows.shape[-1], 1)
    ahead, behind = ((v[:, first] - v[:, second]) for v in (before, after))
    row, pair = (ahead.sign() * behind.sign() < 0).nonzero(as_tuple=True)
    ahead, behind = ahead[row, pair], behind[row, pair]
    share = ahead / (ahead - behind)
    there = torch.lerp(before[row], after[row], share.unsqueeze(1))
    largest = there.amax(-1)
    meeting = there[torch.arange(len(row)), first[pair]]
    size = torch.maximum(before[row].abs(), after[row].abs()).amax(-1)
    at_top = meeting >= largest - _NEAR * size
    return interval[row][at_top], share[at_top]


def _interpolated(
    positions: Float[Tensor, " k"],
    values: Float[Tensor, "k ..."],
    wanted: Float[Tensor, " m"],
) -> Float[Tensor, "m ..."]:
    """Interpolate between neighboring positions, exactly at each of them."""
    left = torch.searchsorted(positions, wanted, right=True) - 1
    left = left.clamp(0, len(positions) - 2)
    share = (wanted - positions[left]) / (positions[left + 1] - positions[left])
    share = share.view(-1, *[1] * (values.ndim - 1))
    return torch.lerp(values[left], values[left + 1], share)
