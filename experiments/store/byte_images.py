"""Images and perturbations as text, a byte a pixel, for records that show them."""

from base64 import b64decode, b64encode

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks.arguments import check_length
from paper_lib.checks.operands import check_entries

# A perturbation of the largest size is as many levels from the middle, 128.
_LEVELS = 127


def pack_image(image: Float[Tensor, " d"]) -> str:
    """Write an image.

    Args:
        image: Pixels in [0, 1], multiples of 1/255 to come back as they are.

    Returns:
        The text.

    Raises:
        ValueError: If a pixel is outside [0, 1], or NaN.

    Example:
        >>> unpack_image(pack_image(torch.tensor([0.0, 0.2, 1.0])))
        tensor([0.0000, 0.2000, 1.0000], dtype=torch.float64)
    """
    check_entries("image", image, len(image), image == image.clamp(0, 1), "in [0, 1]")
    return _text(255 * image)


def unpack_image(text: str) -> Float[Tensor, " d"]:
    """Read what :func:`pack_image` wrote.

    Args:
        text: The text.

    Returns:
        The pixels.
    """
    return _bytes(text) / 255


def pack_signed(move: Float[Tensor, " d"], reach: float) -> str:
    """Write a perturbation, rounded to a 127th of the reach.

    Args:
        move: The perturbation.
        reach: The largest absolute value that can be written.

    Returns:
        The text.

    Raises:
        ValueError: If the reach is not above zero and finite, or if an entry of the
            perturbation is larger in absolute value, or NaN.

    Example:
        >>> unpack_signed(pack_signed(torch.tensor([-2.0, 0.0, 1.0]), 2.0), 2.0)
        tensor([-2.0000,  0.0000,  1.0079], dtype=torch.float64)
    """
    check_length(reach, "reach")
    check_entries("move", move, len(move), move.abs() <= reach, f"within {reach} of 0")
    return _text(_LEVELS * move / reach + _LEVELS + 1)


def unpack_signed(text: str, reach: float) -> Float[Tensor, " d"]:
    """Read what :func:`pack_signed` wrote.

    Args:
        text: The text.
        reach: The reach it was written with.

    Returns:
        The perturbation.
    """
    return (_bytes(text) - _LEVELS - 1) / _LEVELS * reach


def _text(levels: Float[Tensor, " d"]) -> str:
    return b64encode(bytes(levels.round().to(torch.uint8).tolist())).decode()


def _bytes(text: str) -> Float[Tensor, " d"]:
    return torch.tensor(list(b64decode(text)), dtype=torch.float64)
