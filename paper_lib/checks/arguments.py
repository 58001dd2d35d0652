"""Checks of numbers, words, seeds, types and devices."""

import math
from collections.abc import Collection
from numbers import Integral, Real

import torch


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
        got = getattr(value, "shape", ()) or value  # of an array no entries
        raise TypeError(f"{name} must be {wanted}, got {got!r}.")


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

    Example:
        >>> check_radius(0.5)
        0.5
        >>> check_radius(-1.0, "epsilon")
        Traceback (most recent call last):
            ...
        ValueError: epsilon must be finite and >= 0, got -1.0.
    """
    check_number(radius, name)
    if not 0.0 <= radius < math.inf:
        raise ValueError(f"{name} must be finite and >= 0, got {radius}.")
    return float(radius)


def check_length(length: float, name: str, wanted: str = "a number") -> float:
    """Reject a length, or another amount, of nothing.

    Args:
        length: The length to check.
        name: The argument's name, for the message.
        wanted: What the argument has to be, for the message.

    Returns:
        The length as Python's own float.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is not above zero and finite.
    """
    check_number(length, name, wanted)
    if not 0.0 < length < math.inf:
        raise ValueError(f"{name} must be finite and > 0, got {length}.")
    return float(length)


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

    Example:
        >>> check_count(0, "num_steps", 1)
        Traceback (most recent call last):
            ...
        ValueError: num_steps must be at least 1, got 0.
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

    Example:
        >>> check_between(1.5, "accuracy", 0.0, 1.0)
        Traceback (most recent call last):
            ...
        ValueError: accuracy must be from 0 to 1, got 1.5.
    """
    check_number(value, name)
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value}.")
    return float(value)


def check_fraction(value: float, name: str = "confidence") -> float:
    """Reject what does not lie strictly between 0 and 1.

    Args:
        value: The number to check.
        name: The argument's name, for the message.

    Returns:
        The number as Python's own float.

    Raises:
        TypeError: If it is no number.
        ValueError: If it does not, or is NaN.
    """
    check_number(value, name)
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must be strictly between 0 and 1, got {value}.")
    return float(value)


def check_choice(value: str, name: str, choices: Collection[str]) -> None:
    """Reject what is none of a few words.

    Args:
        value: The word to check.
        name: The argument's name, for the message.
        choices: The words that will do.

    Raises:
        ValueError: If it is none of them; the message lists them.

    Example:
        >>> check_choice("l1", "norm", ("l2", "linf"))
        Traceback (most recent call last):
            ...
        ValueError: norm must be one of 'l2', 'linf', got 'l1'.
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

    Example:
        >>> check_seed(7)
        7
        >>> check_seed(-1)
        Traceback (most recent call last):
            ...
        ValueError: seed must be an integer from 0 to 2**62, got -1.
    """
    is_whole = isinstance(seed, Integral) and not isinstance(seed, bool)
    if not (is_whole and 0 <= seed <= 2**62):
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
