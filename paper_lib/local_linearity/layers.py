"""A classifier as the flat sequence of its layers, of the few kinds that are known.

What is proven here about a classifier is proven about this sequence, in float64. Every
kind is linear or piecewise linear: convolutions, fully connected layers, ReLU,
LeakyReLU, maximum and average pooling. A batch normalization in eval mode is one factor
and one shift a channel, as float64 computes them. Any other module is refused by
name.
"""

import copy
import math
from collections.abc import Iterator
from inspect import signature
from typing import Any, NoReturn

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from paper_lib.checks.operands import check_same_kind
from paper_lib.models import PairCNN
from paper_lib.models.cnn import InputConv, MaxPool
from paper_lib.models.guard import call, check_inputs, frozen_evaluation

# Inputs on which the layers are compared with the model.
_COMPARED = 8
# Rounding of one float64 operation, relative.
_UNIT_ROUNDOFF = 2.0**-53
# So many roundings of which are more than an operation loses to underflow.
_UNDERFLOW = 2.0**-969
# Layers that change nothing in eval mode.
_SILENT = (nn.Identity, nn.Dropout, nn.Dropout2d)
# Layers that are built anew, the first of which take images.
_OF_IMAGES = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
_KINDS = (*_OF_IMAGES, nn.Linear, nn.ReLU, nn.LeakyReLU, nn.Flatten)
# What those by stored statistics are written as.
_NORMS = {nn.BatchNorm1d: nn.Linear, nn.BatchNorm2d: nn.Conv2d}


def piecewise_linear_layers(
    model: nn.Module, inputs: Float[Tensor, "n ..."]
) -> nn.Sequential:
    """Write a classifier as a sequence of layers in float64.

    Of the kinds ``nn.Conv2d``, ``nn.Linear``, ``nn.ReLU``, ``nn.LeakyReLU``,
    ``nn.MaxPool2d``, ``nn.AvgPool2d`` and ``nn.Flatten``; the last is ``nn.Flatten(0)``
    and gives one logit a point. Sequences and :class:`~paper_lib.models.PairCNN` are
    unfolded, and what does nothing in eval mode is left out.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``; left as it was.
        inputs: Inputs in its dtype and on its device; the first are run through both.

    Returns:
        The layers, built anew with copies of the weights, frozen and in eval mode.

    Raises:
        ValueError: If a layer is of another kind, with its class and place; if the
            layers give other logits than the model; or if the inputs do not fit it.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 1), nn.Dropout(), nn.Flatten(0))
        >>> piecewise_linear_layers(model, torch.zeros(1, 2))[:-1]
        Sequential(
          (0): Linear(in_features=2, out_features=1, bias=True)
        )
    """
    check_inputs(model, inputs, 1)
    for weight in model.parameters():
        check_same_kind(model=weight, inputs=inputs)
    layers = nn.Sequential(*_unfold("model", model), nn.Flatten(0))
    layers.eval().requires_grad_(False)
    if inputs.ndim == 3 and any(isinstance(layer, _OF_IMAGES) for layer in layers):
        raise ValueError(
            "inputs must have the shape (n, channels, height, width) for convolutions "
            f"and pools, got {tuple(inputs.shape)}."
        )
    _compare(model, layers, inputs.detach()[:_COMPARED].double())
    return layers


def rounding_bound(
    layers: nn.Sequential, sizes: Float[Tensor, "n ..."]
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
    absolute = copy.deepcopy(layers)
    for weight in absolute.parameters():
        weight.abs_()
    sizes = sizes.double().abs()
    for layer in absolute:
        sizes = layer(sizes).abs() + _UNDERFLOW  # a pool may divide by less than zero
    return 2.0 * steps * _UNIT_ROUNDOFF * sizes


def _terms(layer: nn.Module) -> int:
    """Count the products that a layer adds up for one of its outputs."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        return layer.weight[0].numel() + 1
    if isinstance(layer, nn.AvgPool2d):
        size = layer.kernel_size
        return size**2 if isinstance(size, int) else math.prod(size)
    return 0


def _compare(
    model: nn.Module, layers: nn.Sequential, inputs: Float[Tensor, "n ..."]
) -> None:
    """Reject a model whose forward pass is not that of its layers."""
    twin = copy.deepcopy(model).double()
    with frozen_evaluation(twin), torch.no_grad():
        wanted = f"inputs must have a shape that model takes, got {tuple(inputs.shape)}"
        logits = _called(twin, inputs, wanted)
    wanted = "model must compute what its layers say, one after another, but "
    found = _called(layers, inputs, f"{wanted}they do not fit each other")
    if bool(((found - logits).abs() > 10 * rounding_bound(layers, inputs)).any()):
        raise ValueError(
            f"{wanted}its forward pass does more: {logits.tolist()} instead of "
            f"{found.tolist()}."
        )


def _called(
    model: nn.Module, inputs: Float[Tensor, "n ..."], wanted: str
) -> Float[Tensor, " n"]:
    """Evaluate a model, or say what it should have done."""
    try:
        return call(model, inputs.clone())
    except RuntimeError as error:
        raise ValueError(f"{wanted}: {str(error).splitlines()[0]}") from error


def _refuse(place: str, module: nn.Module, reason: str) -> NoReturn:
    """Say which layer is not known, where it is, and why."""
    known = (
        "LeakyReLU, BatchNorm1d and 2d with stored statistics, Conv2d, Linear, ReLU, "
        "MaxPool2d, AvgPool2d, Flatten, Dropout and Identity"
    )
    raise ValueError(
        f"model must be a PairCNN or nn.Sequential of layers of the kinds {known}, got "
        f"{type(module).__name__} at {place}: {reason}."
    )


def _unfold(place: str, module: nn.Module) -> Iterator[nn.Module]:
    """List the layers of a module as copies, without flattening to one axis."""
    axes = getattr(module, "start_dim", 1), getattr(module, "end_dim", -1)
    if type(module) is nn.Sequential:
        # Not ``named_children``, which lists a module once that is used twice.
        for name, child in zip(module._modules, module, strict=True):
            yield from _unfold(f"{place}.{name}", child)
    elif type(module) is PairCNN:
        mean, std = module.settings["input_mean"], module.settings["input_std"]
        if (mean, std) != (0.0, 1.0):
            one = torch.ones_like(next(module.parameters()).flatten()[:1]).double()
            yield _by_channel(one / std, -mean / std * one, nn.Conv2d)
        yield from _unfold(f"{place}.layers", module.layers)
    elif type(module) is MaxPool:
        yield nn.MaxPool2d(2)
    elif type(module) in _NORMS and module.running_mean is not None:
        if type(module) is nn.BatchNorm1d:
            yield nn.Flatten()  # so that signals, of channels by places, do not fit
        yield _by_channel(*_statistics(module), _NORMS[type(module)])
    elif type(module) not in _SILENT and axes != (0, -1):
        if axes != (1, -1):
            _refuse(place, module, "only the last layer may join points")
        yield _rebuilt(place, module)


def _statistics(norm: Any) -> tuple[Tensor, Tensor]:
    """Find what a normalization by stored statistics multiplies by, and adds."""
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight.detach()
    shift = 0.0 if norm.bias is None else norm.bias.detach()
    return scale, shift - norm.running_mean * scale


def _by_channel(scale: Tensor, shift: Tensor, kind: type[nn.Module]) -> nn.Module:
    """Write an affine map of each channel as a layer."""
    count, weights = len(scale), {"weight": scale.diag(), "bias": shift}
    if kind is nn.Linear:
        return _filled(kind, weights, {"in_features": count, "out_features": count})
    weights["weight"] = scale.view(-1, 1, 1, 1)
    sizes = {"in_channels": count, "out_channels": count, "groups": count}
    return _filled(kind, weights, {**sizes, "kernel_size": 1})


def _rebuilt(place: str, module: nn.Module) -> nn.Module:
    """Build a layer anew, so that no hook changes what it does."""
    kind: Any = nn.Conv2d if type(module) is InputConv else type(module)
    if kind not in _KINDS:
        _refuse(place, module, "nothing is known of this kind")
    if not 0.0 <= getattr(module, "negative_slope", 0.0) <= 1.0:
        _refuse(place, module, "its slope is not from 0 to 1")
    if getattr(module, "return_indices", False):
        _refuse(place, module, "return_indices is on")
    weights = {
        name: weight.detach().to(torch.float64, copy=True)
        for name, weight in module.named_parameters()
    }
    if not {*weights} <= {"weight", "bias"}:
        _refuse(place, module, f"it has the parameters {', '.join(weights)}")
    names = {*signature(kind).parameters} & {*kind.__constants__} - {"inplace"}
    settings = {name: getattr(module, name) for name in names}
    if weights:
        settings["bias"] = "bias" in weights
    return _filled(kind, weights, settings)


def _filled(
    kind: type[nn.Module], weights: dict[str, Tensor], settings: dict[str, Any]
) -> nn.Module:
    """Build a layer around weights; draws nothing."""
    with torch.device("meta"):
        layer = kind(**settings)
    layer.load_state_dict(weights, assign=True)
    return layer


def maxima_of(layer: nn.Module, image: Tensor) -> Int64[Tensor, "v l"]:
    """List the places that each maximum of a layer is of.

    Args:
        layer: A ReLU, a LeakyReLU or a pool.
        image: One of its inputs, for the shape.

    Returns:
        Places in the flat image; after these come, for a LeakyReLU, those of what is
        multiplied, and one of zero for a ReLU.

    Raises:
        ValueError: See :func:`pool_windows`.
    """
    if isinstance(layer, nn.MaxPool2d):
        return pool_windows(layer, image)
    own = torch.arange(image.numel(), device=image.device)
    return torch.stack([len(own) + own * isinstance(layer, nn.LeakyReLU), own], dim=1)


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
    sides = [n for _, step, end, _ in axes[::-1] for n in (end, end + step - 1)]
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
