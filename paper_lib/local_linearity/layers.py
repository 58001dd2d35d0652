"""A classifier as the flat sequence of its layers, of the few kinds that are known.

What is proven here about a classifier is proven about this sequence, in float64. Every
kind is linear or piecewise linear: convolutions, fully connected layers, ReLU, maximum
and average pooling. Any other module is refused by name.
"""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.models import PairCNN
from paper_lib.models.cnn import InputConv, MaxPool
from paper_lib.models.guard import call, check_inputs, frozen_evaluation

# Inputs on which the layers are compared with the model.
_COMPARED = 8
# Rounding of one float64 operation, relative.
_UNIT_ROUNDOFF = 2.0**-53
# Layers that change nothing in eval mode.
_SILENT = (nn.Identity, nn.Dropout, nn.Dropout2d)

Named = Iterator[tuple[str, nn.Module]]


def piecewise_linear_layers(
    model: nn.Module, inputs: Float[Tensor, "n ..."]
) -> tuple[nn.Module, ...]:
    """Write a classifier as a sequence of layers in float64.

    Of the kinds ``nn.Conv2d``, ``nn.Linear``, ``nn.ReLU``, ``nn.MaxPool2d``,
    ``nn.AvgPool2d`` and ``nn.Flatten``; the last is ``nn.Flatten(0)`` and gives one
    logit a point. Sequences and :class:`~paper_lib.models.PairCNN` are unfolded,
    batch normalization becomes a layer with the statistics it holds, and what does
    nothing in eval mode is left out.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``; left as it was.
        inputs: Inputs in its dtype and on its device; the first are run through both.

    Returns:
        The layers: copies with frozen weights, in eval mode.

    Raises:
        ValueError: If a layer is of another kind, with its class and place; if the
            layers give other logits than the model; or if the inputs do not fit it.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 1), nn.Dropout(), nn.Flatten(0))
        >>> piecewise_linear_layers(model, torch.zeros(1, 2))[:-1]
        (Linear(in_features=2, out_features=1, bias=True),)
    """
    check_inputs(model, inputs, 1)
    named = list(_unfold("model", model))
    while named and _flattens_all(named[-1][1]):
        named.pop()
    for place, layer in named:
        if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) != (
            1,
            -1,
        ):
            _refuse(place, layer, "only the last layer may join points")
    layers = (*(layer.eval() for _, layer in named), nn.Flatten(0))
    _compare(model, layers, inputs.detach()[:_COMPARED])
    return layers


def evaluate_layers(
    layers: tuple[nn.Module, ...], values: Float[Tensor, "n ..."]
) -> Float[Tensor, "n ..."]:
    """Run inputs through layers, one after another.

    Args:
        layers: From :func:`piecewise_linear_layers`, or some of them.
        values: What goes into the first.

    Returns:
        What comes out of the last.
    """
    for layer in layers:
        values = layer(values)
    return values


def rounding_bound(
    layers: tuple[nn.Module, ...], sizes: Float[Tensor, "n ..."]
) -> Float[Tensor, " n"]:
    r"""Bound how far rounding may move a logit, or a sum of its terms, in float64.

    A sum of m products is off by at most m + 1 roundings of the sum of their absolute
    values, in any order. Through all layers that makes :math:`\sum (m_l + 2)` roundings
    of what the layers give for absolute values of weights, biases and inputs.

    Args:
        layers: From :func:`piecewise_linear_layers`.
        sizes: Absolute values of the inputs, at least.

    Returns:
        The bounds, each twice what is needed.
    """
    steps = sum(_terms(layer) + 2 for layer in layers)
    size = sizes.double().abs()
    for layer in layers:
        size = _absolute(layer)(size)
    return 2.0 * steps * _UNIT_ROUNDOFF * size


def _absolute(layer: nn.Module) -> nn.Module:
    """Copy a layer with the absolute values of its weights."""
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        return layer
    layer = copy.deepcopy(layer)
    for weight in layer.parameters():
        weight.abs_()
    return layer


def _terms(layer: nn.Module) -> int:
    """Count the products that a layer adds up for one of its outputs."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        return layer.weight[0].numel() + 1
    if isinstance(layer, nn.AvgPool2d):
        size = layer.kernel_size
        return size**2 if isinstance(size, int) else math.prod(size)
    return 0


def _compare(
    model: nn.Module, layers: tuple[nn.Module, ...], inputs: Float[Tensor, "n ..."]
) -> None:
    """Reject a model whose forward pass is not that of its layers."""
    twin = copy.deepcopy(model).double()
    for one, points in ((model, inputs), (twin, inputs.double())):
        with frozen_evaluation(one), torch.no_grad():
            logits = _called(one, points.clone())
    found = _chained(layers, inputs.double())
    bound = 10 * rounding_bound(layers, inputs.double())  # a normalization adds to it
    if found.shape != logits.shape or bool(((found - logits).abs() > bound).any()):
        raise ValueError(
            "model must compute what its layers say, one after another, but its "
            f"forward pass does more: {logits.tolist()} instead of {found.tolist()}."
        )


def _chained(
    layers: tuple[nn.Module, ...], inputs: Float[Tensor, "n ..."]
) -> Float[Tensor, "..."]:
    """Run the layers, which may not even fit each other without a forward pass."""
    try:
        return evaluate_layers(layers, inputs)
    except RuntimeError as error:
        raise ValueError(
            "model must compute what its layers say, one after another, but they do "
            f"not fit each other: {str(error).splitlines()[0]}"
        ) from error


def _called(model: nn.Module, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """Evaluate a model, or say which inputs it could not take."""
    try:
        return call(model, inputs)
    except RuntimeError as error:
        raise ValueError(
            f"inputs must have a shape that model takes, got {tuple(inputs.shape)}: "
            f"{str(error).splitlines()[0]}"
        ) from error


def _refuse(place: str, module: nn.Module, reason: str) -> NoReturn:
    """Say which layer is not known, where it is, and why."""
    known = "Conv2d, Linear, ReLU, MaxPool2d, AvgPool2d, Flatten, BatchNorm, Dropout"
    raise ValueError(
        f"model must be a PairCNN or nn.Sequential of layers of the kinds {known} and "
        f"Identity, got {type(module).__name__} at {place}: {reason}."
    )


def _flattens_all(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Flatten) and layer.start_dim == 0


def _unfold(place: str, module: nn.Module) -> Named:
    """List the layers of a module as copies, each with its place."""
    if type(module) is nn.Sequential:
        for name, child in module.named_children():
            yield from _unfold(f"{place}.{name}", child)
    elif type(module) is PairCNN:
        mean, std = module.settings["input_mean"], module.settings["input_std"]
        if (mean, std) != (0.0, 1.0):
            like = next(module.parameters())
            scale = like.new_full((1,), 1.0 / std, dtype=torch.float64)
            yield place, _scaling(scale, -mean * scale)
        yield from _unfold(f"{place}.layers", module.layers)
        yield place, nn.Flatten(0)
    elif type(module) not in _SILENT:
        if type(module) not in _COPIES:
            _refuse(place, module, "nothing is known of this kind")
        yield place, _COPIES[type(module)](place, module)


def _conv(place: str, conv: nn.Conv2d) -> nn.Module:
    if conv.padding_mode != "zeros":
        _refuse(place, conv, f"padding_mode is {conv.padding_mode!r}")
    padding = conv.padding
    if isinstance(padding, str):
        shape = zip(conv.dilation, conv.kernel_size, strict=True)
        around = [rate * (size - 1) if padding == "same" else 0 for rate, size in shape]
        if any(total % 2 for total in around):
            _refuse(place, conv, "its padding differs from side to side")
        padding = tuple(total // 2 for total in around)
    settings = {
        "kernel_size": conv.kernel_size,
        "stride": conv.stride,
        "padding": padding,
        "dilation": conv.dilation,
        "groups": conv.groups,
    }
    sizes = (conv.in_channels, conv.out_channels)
    return _filled(nn.Conv2d, conv.weight, conv.bias, *sizes, **settings)


def _linear(place: str, linear: nn.Linear) -> nn.Module:
    sizes = (linear.in_features, linear.out_features)
    return _filled(nn.Linear, linear.weight, linear.bias, *sizes)


def _max_pool(place: str, pool: nn.MaxPool2d) -> nn.Module:
    if pool.return_indices:
        _refuse(place, pool, "return_indices is on")
    return copy.deepcopy(pool)


def _batch_norm(place: str, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Module:
    if norm.running_mean is None or norm.running_var is None:
        _refuse(place, norm, "it takes the statistics of the batch")
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight.detach().double()
    shift = -norm.running_mean.double() * scale
    if norm.affine:
        shift = shift + norm.bias.detach().double()
    if isinstance(norm, nn.BatchNorm2d):
        return _scaling(scale, shift)
    return _filled(nn.Linear, scale.diag(), shift, len(scale), len(scale))


def _scaling(scale: Float[Tensor, " c"], shift: Float[Tensor, " c"]) -> nn.Module:
    """Scale and shift each channel of an image."""
    count = len(scale)
    settings = {"kernel_size": 1, "groups": count}
    weight = scale.view(-1, 1, 1, 1)
    return _filled(nn.Conv2d, weight, shift, count, count, **settings)


def _filled(
    kind: type[nn.Module],
    weight: Tensor,
    bias: Tensor | None,
    *sizes: int,
    **settings: Any,
) -> nn.Module:
    """Build a layer around copies of weights, frozen; draws nothing."""
    place = {"dtype": torch.float64, "device": weight.device}
    settings |= {"bias": bias is not None}
    layer = nn.utils.skip_init(kind, *sizes, **settings, **place)
    layer.requires_grad_(False)
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None:
            getattr(layer, name).copy_(values.detach())
    return layer


_COPIES: dict[type, Callable[[str, Any], nn.Module]] = {
    nn.Conv2d: _conv,
    InputConv: _conv,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.MaxPool2d: _max_pool,
    MaxPool: lambda place, pool: nn.MaxPool2d(2),
    nn.ReLU: lambda place, layer: nn.ReLU(),
    nn.AvgPool2d: lambda place, pool: copy.deepcopy(pool),
    nn.Flatten: lambda place, layer: copy.deepcopy(layer),
}
