"""Checks of arguments that many functions share, and the words of their errors."""

import math
from collections.abc import Collection
from numbers import Integral, Real

import torch
from torch import Tensor

_PRECISIONS = (torch.float32, torch.float64)
# Devices that do not know float64, in which points are judged.
_WITHOUT_FLOAT64 = ("mps",)


def check_number(value: object, name: str, wanted: str = "a number") -> None:
    """Reject what is no real number, truth values among them.

    Args:
        value: What to check.
        name: The argument's name, for the message.
        wanted: What the argument has to be, for the message.

    Raises:
        TypeError: If it is no number.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {wanted}, got {value!r}.")


def check_radius(radius: float, name: str = "radius") -> float:
    """Reject a length that is no budget.

    Args:
        radius: The length to check.
        name: The argument's name, for the message.

    Returns:
        The length as Python's own float, whatever kind of number it came as.

    Raises:
        TypeError: If it is no number.
        ValueError: If ``radius`` is negative, NaN or infinite.
    """
    check_number(radius, name)
    if not 0.0 <= radius < math.inf:
        raise ValueError(f"{name} must be finite and >= 0, got {radius}.")
    return float(radius)


def check_count(value: int, name: str, least: int, most: int | None = None) -> int:
    """Reject what is no whole number, or too small or large a one.

    Args:
        value: The number to check.
        name: The argument's name, for the message.
        least: The smallest that will do.
        most: The largest that will do; None: any.

    Returns:
        The number as Python's own integer.

    Raises:
        TypeError: If it is no integer.
        ValueError: If it is below ``least`` or above ``most``.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}.")
    if most is not None and not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, got {value}.")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}.")
    return int(value)


def check_between(value: float, name: str, low: float, high: float) -> float:
    """Reject a number outside a closed range.

    Args:
        value: The number to check.
        name: The argument's name, for the message.
        low: The smallest that will do.
        high: The largest that will do.

    Returns:
        The number as Python's own float.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is outside the range, or NaN.
    """
    check_number(value, name)
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value}.")
    return float(value)


def check_choice(value: str, name: str, choices: Collection[str]) -> None:
    """Reject what is none of a few words.

    Args:
        value: The word to check.
        name: The argument's name, for the message.
        choices: The words that will do.

    Raises:
        ValueError: If it is none of them; the message lists them.
    """
    if value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{name} must be one of {known}, got {value!r}.")


def check_seed(seed: int) -> int:
    """Reject what is no seed for both NumPy and torch.

    Args:
        seed: The seed to check.

    Returns:
        The seed as Python's own integer.

    Raises:
        ValueError: If ``seed`` is no integer from 0 to 2^62.
    """
    if (
        isinstance(seed, bool)
        or not isinstance(seed, Integral)
        or not 0 <= seed <= 2**62
    ):
        raise ValueError(f"seed must be an integer from 0 to 2**62, got {seed!r}.")
    return int(seed)


def check_type(value: object, name: str, kind: type) -> None:
    """Reject an object of another kind.

    Args:
        value: The object to check.
        name: The argument's name, for the message.
        kind: The class it has to be of.

    Raises:
        TypeError: If it is not.
    """
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} must be a {kind.__name__}, got {type(value).__name__}."
        )


def check_labels(labels: Tensor, name: str, count: int) -> None:
    """Reject what is not one label -1 or +1 a point.

    Args:
        labels: The labels to check.
        name: The argument's name, for the message.
        count: How many points there are.

    Raises:
        TypeError: If they are no tensor.
        ValueError: If the shape does not fit, or an entry is another number; says how
            many, and the first.
    """
    check_type(labels, name, Tensor)
    if labels.shape != (count,):
        raise ValueError(
            f"{name} must be of shape {(count,)}, one -1 or +1 a point, got "
            f"{tuple(labels.shape)}."
        )
    if wrong := (labels.abs() != 1).nonzero()[:, 0].tolist():
        raise ValueError(
            f"{name} must be -1 or +1, got {len(wrong)} other entries, the first "
            f"{labels[wrong[0]].item()} at index {wrong[0]}."
        )


def detach(holder: object, *names: str) -> None:
    """Take the tensors that a frozen dataclass holds out of the graph they are in.

    Args:
        holder: The dataclass, inside its ``__post_init__``.
        *names: Its fields.
    """
    for name in names:
        if getattr(holder, name).requires_grad:
            object.__setattr__(holder, name, getattr(holder, name).detach())


def check_same_kind(**tensors: Tensor) -> None:
    """Reject tensors that are not floating point, or differ in dtype or device.

    Args:
        **tensors: The tensors under their argument names; the first sets the standard.

    Raises:
        TypeError: If one is not a tensor.
        ValueError: If a dtype is neither float32 nor float64, or two tensors differ.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{name} must be a torch.Tensor, got {type(tensor).__name__}; "
                "torch.from_numpy makes one of an array."
            )
    (first, standard), *_ = tensors.items()
    for name, tensor in tensors.items():
        if tensor.dtype not in _PRECISIONS:
            raise ValueError(f"{name} must be float32 or float64, got {tensor.dtype}.")
        if tensor.device.type in _WITHOUT_FLOAT64:
            raise ValueError(
                f"{name} must be on a device with float64, in which points are judged, "
                f"got {tensor.device}; move model and inputs to the CPU."
            )
        for kind in ("dtype", "device"):
            found, expected = getattr(tensor, kind), getattr(standard, kind)
            if found != expected:
                raise ValueError(
                    f"{name} must have the {kind} of {first}, {expected}, got {found}."
                )


def check_finite(first_row: int = 0, /, **tensors: Tensor) -> None:
    """Reject NaN and infinite entries.

    Args:
        first_row: Index of the first sample, where the tensors are part of a batch.
        **tensors: The tensors under their argument names, samples first.

    Raises:
        ValueError: If an entry is not finite; says how many, and the first index.
    """
    for name, tensor in tensors.items():
        # NaN and infinity survive a sum, which is ten times faster to look at; a sum
        # of finite entries that overflows is looked into below.
        if bool(torch.isfinite(tensor.sum())):
            continue
        bad = ~torch.isfinite(tensor)
        if count := int(bad.sum()):
            row, *rest = bad.nonzero()[0].tolist()
            raise ValueError(
                f"{name} must be finite, got {count} NaN or infinite entries, "
                f"the first at index {(first_row + row, *rest)}."
            )


def check_perturbation(name: str, perturbation: Tensor, points: Tensor) -> None:
    """Reject a perturbation that cannot be added to flattened points.

    Args:
        name: The argument's name, for the message.
        perturbation: A row for each point, or one row ``(1, d)`` for all of them.
        points: What it is added to, ``(n, d)``.

    Raises:
        ValueError: If the shape, dtype or device does not fit, or an entry is NaN or
            infinite.
    """
    check_same_kind(**{"the points": points, name: perturbation})
    expected = tuple(points.shape)
    if tuple(perturbation.shape) not in (expected, (1, expected[1])):
        raise ValueError(
            f"{name} must have shape {expected} or {(1, expected[1])}, "
            f"got {tuple(perturbation.shape)}."
        )
    check_finite(**{name: perturbation})


def available_device(device: str | torch.device) -> torch.device:
    """Resolve a device, and fail with a clear message when it is not there.

    Args:
        device: A device or its name.

    Returns:
        The device.

    Raises:
        ValueError: If this machine has no such device.
    """
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except Exception as error:  # each backend fails in its own way
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device must be one this machine has, got {device!r}: {reason}"
        ) from error
    return place
