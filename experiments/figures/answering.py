"""Pictures that answer: what their scripts are told, and the small images they show."""

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, UInt8

from experiments.store.record_files import plain

SIDE = 28
_WHITE = 127
# 128 grays from black to white, then blue below zero, white, red above.
_PALETTE = [
    round(255 * part)
    for name in ("gray", "RdBu_r")
    for color in mpl.colormaps[name](np.linspace(0, 1, 128))
    for part in color[:3]
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """What a notebook hands to a script of the book, which takes the place of a still.

    Attributes:
        script: The script's name in ``book/_static``, without its ending.
        told: Plain values and dataclasses of such.
    """

    script: str
    told: Any = field(repr=False)

    def _repr_html_(self) -> str:
        told = json.dumps(plain(self.told), separators=(",", ":"))
        return (
            f'<script type="application/json" id="{self.script}-data">{told}</script>'
            '<script src="../_static/picture_parts.js"></script>'
            f'<script src="../_static/{self.script}.js"></script>'
        )


def gray_levels(image: Float[np.ndarray, " d"]) -> UInt8[np.ndarray, "28 28"]:
    """Give an image as places in a sheet's palette.

    Args:
        image: From 0, black, to 1, white; what is beyond is cut off.

    Returns:
        The places.
    """
    return (127 * image.clip(0, 1)).round().astype(np.uint8).reshape(SIDE, SIDE)


def signed_levels(
    move: Float[np.ndarray, " d"], reach: float
) -> UInt8[np.ndarray, "28 28"]:
    """Give a perturbation as places in a sheet's palette.

    Args:
        move: The perturbation.
        reach: The value that is darkest red, and below zero darkest blue.

    Returns:
        The places.
    """
    levels = 128 + 63.5 + 63.5 * (move / reach).clip(-1, 1)
    return levels.round().astype(np.uint8).reshape(SIDE, SIDE)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sheet:
    """Many small images side by side, as one that a page loads.

    Attributes:
        levels: Places in the palette.
    """

    levels: UInt8[np.ndarray, "height width"] = field(repr=False)

    def _repr_png_(self) -> bytes:
        """Write it with its palette, which other writers replace by full colors."""
        height, width = self.levels.shape
        head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
        lines = b"".join(b"\0" + line.tobytes() for line in self.levels)
        parts = {b"IHDR": head, b"PLTE": bytes(_PALETTE)}
        parts |= {b"IDAT": zlib.compress(lines, 9), b"IEND": b""}
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data))
            + (kind + data)
            + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in parts.items()
        )


def draw_sheet(
    tiles: Iterable[tuple[tuple[int, int], UInt8[np.ndarray, "28 28"]]],
    columns: int,
    rows: int,
) -> Sheet:
    """Draw many small images side by side.

    Args:
        tiles: Column and row of each, and its places in the palette.
        columns: How many beside one another.
        rows: How many below one another.

    Returns:
        The sheet, white where there is no tile.
    """
    sheet = np.full((SIDE * rows, SIDE * columns), _WHITE, np.uint8)
    for (column, row), tile in tiles:
        down, right = SIDE * row, SIDE * column
        sheet[down : down + SIDE, right : right + SIDE] = tile
    return Sheet(levels=sheet)
