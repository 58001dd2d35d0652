"""Perturbations as images."""

from collections.abc import Iterable, Mapping, Sequence

from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from paper_lib.plotting.style import new_figure


def plot_images(
    columns: Mapping[str, Float[Tensor, "k 784"]],
    *,
    signed: Iterable[str] = (),
    notes: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Draw images in rows, one column for each thing that was done to them.

    Args:
        columns: Title of each column and its images, flattened.
        signed: Titles of columns that hold perturbations, drawn around zero, blue
            below and red above; the others are drawn from 0, black, to 1, white.
        notes: For some columns, a line under each image.

    Returns:
        The figure.

    Example:
        >>> import torch
        >>> images = torch.zeros(2, 784)
        >>> figure = plot_images({"clean": images, "attack": images}, signed=["attack"])
        >>> [axes.get_title() for axes in figure.axes]
        ['clean', 'attack', '', '']
    """
    notes = notes or {}
    num_rows = len(next(iter(columns.values())))
    size = (1.55 * len(columns), 1.8 * num_rows)
    figure, axes = new_figure(*size, num_rows, len(columns))
    reach = max((float(columns[title].abs().max()) for title in signed), default=1.0)
    for column, (title, images) in enumerate(columns.items()):
        for row, image in enumerate(images.reshape(-1, 28, 28).tolist()):
            axis = axes[row * len(columns) + column]
            if title in signed:
                axis.imshow(image, cmap="RdBu_r", vmin=-reach, vmax=reach)
            else:
                axis.imshow(image, cmap="gray", vmin=0.0, vmax=1.0)
            axis.set(xticks=[], yticks=[])
            if row == 0:
                axis.set_title(title, fontsize=10)
            if title in notes:
                axis.set_xlabel(notes[title][row], fontsize=9)
    return figure
