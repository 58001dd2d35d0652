"""What is drawn in a figure, and rows to draw, for tests."""

import io

import numpy as np
from PIL import Image

from paper_lib.evaluation import PLAYS
from paper_lib.evaluation.scores import TableRow


def patches(figure, kind):
    """List the patches of one kind in the first axes of a figure."""
    return [patch for patch in figure.axes[0].patches if type(patch) is kind]


def area(outline):
    """Compute the area of a polygon."""
    x, y = outline.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def ten_rows(correct):
    """Ten rows with the same count, of 200 points."""
    return [
        TableRow(
            attack=attack,
            defense=defense,
            accuracy=accuracy,
            correct=correct,
            total=200,
        )
        for accuracy in ("true", "approximate")
        for attack, defense in PLAYS
    ]


def cells_of(table):
    """The lines of a Markdown table, without its head."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    ][2:]


def sheet_colors(sheet):
    """Red, green and blue of a sheet of small images, as another program reads it."""
    stored = Image.open(io.BytesIO(sheet._repr_png_()))
    return np.asarray(stored.convert("RGB")).astype(int)
