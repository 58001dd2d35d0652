"""Checks of tensors, and of how they fit each other."""

import torch
from torch import Tensor

from paper_lib.checks.arguments import check_type

_PRECISIONS = (torch.float32, torch.float64)
# Devices that do not know float64, in which points are judged.
_WITHOUT_FLOAT64 = ("mps",)


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
    check_entries(name, labels, count, labels.abs() == 1, "-1 or +1")


def check_entries(
    name: str, values: Tensor, count: int, is_right: Tensor, wanted: str
) -> None:
    """Reject what is not one number a point, or holds one that will not do.

    Args:
        name: The argument's name, for the message.
        values: The numbers.
        count: How many points there are.
        is_right: Which of the numbers will do.
        wanted: What they must be, for the message.

    Raises:
        ValueError: If the shape is not ``(count,)``, or a number will not do; says how
            many, and the first.
    """
    if values.shape != (count,):
        raise ValueError(
            f"{name} must be of shape {(count,)}, each {wanted}, got "
            f"{tuple(values.shape)}."
        )
    if wrong := (~is_right).nonzero()[:, 0].tolist():
        raise ValueError(
            f"{name} must be {wanted}, got {len(wrong)} other entries, the first "
            f"{values[wrong[0]].item()} at index {wrong[0]}."
        )


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
            kind = type(tensor).__name__
            hint = "; torch.from_numpy makes one of it" if kind == "ndarray" else ""
            raise TypeError(f"{name} must be a torch.Tensor, got {kind}{hint}.")
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


def check_rows(**tensors: Tensor) -> None:
    """Reject rows and numbers that do not go together.

    Args:
        **tensors: Rows ``(n, d)``, then a number for each ``(n,)``, under their names.

    Raises:
        ValueError: If shapes, dtypes or devices do not fit, or there is no row.
    """
    check_same_kind(**tensors)
    (name, rows), (other, numbers) = tensors.items()
    if rows.ndim != 2 or numbers.shape != rows.shape[:1] or rows.numel() == 0:
        raise ValueError(
            f"{name} must be (n, d) and {other} (n,) with n and d at least 1, got "
            f"shapes {tuple(rows.shape)} and {tuple(numbers.shape)}."
        )


def check_shape(name: str, tensor: Tensor, *shapes: tuple[int, ...]) -> None:
    """Reject a tensor that has none of a few shapes.

    Args:
        name: The argument's name, for the message.
        tensor: The tensor.
        *shapes: The shapes that will do.

    Raises:
        ValueError: If it has another.
    """
    if tuple(tensor.shape) not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(tensor.shape)}.")


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
    num, dim = points.shape
    check_shape(name, perturbation, (num, dim), (1, dim))
    check_finite(**{name: perturbation})


def check_constant(name: str, perturbation: Tensor, points: Tensor) -> None:
    """Reject what is not one perturbation for all points.

    Args:
        name: The argument's name, for the message.
        perturbation: What has to be of shape ``(d,)``.
        points: What it is added to, ``(n, d)``.

    Raises:
        TypeError: If it is no tensor.
        ValueError: As :func:`check_perturbation`.
    """
    check_type(perturbation, name, Tensor)
    check_shape(name, perturbation, tuple(points.shape[1:]))
    check_perturbation(name, perturbation.unsqueeze(0), points)


def detach(holder: object, *names: str) -> None:
    """Take the tensors that a frozen dataclass holds out of the graph they are in.

    Args:
        holder: The dataclass, inside its ``__post_init__``.
        *names: Its fields.
    """
    for name in names:
        if getattr(holder, name).requires_grad:
            object.__setattr__(holder, name, getattr(holder, name).detach())
