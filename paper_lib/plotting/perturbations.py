"""Perturbations as images, and the margins that a budget has to reach."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from paper_lib.linearize import Linearization
from paper_lib.plotting.style import COLORS, new_figure


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


def plot_margins(
    lin: Linearization, *, epsilon: float, classes: Sequence[str]
) -> Figure:
    """Draw the distribution of margins of both classes, and a budget.

    Points right of the budget survive FGM without defense; so their share is the
    approximate accuracy of that row.

    Args:
        lin: The linearized classifier.
        epsilon: The budget, in the units of the inputs.
        classes: Names of the class of negative and of positive logits.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(6.4, 3.2)
    margins = lin.margins[lin.margins.isfinite()].numpy()
    signs = lin.signs[lin.margins.isfinite()].numpy()
    edges = np.linspace(0.0, margins.max(), 41)
    for name, sign, color in zip(classes, (-1.0, 1.0), COLORS[1:3], strict=True):
        own, label = margins[signs == sign], f"classified as {name}"
        axis.hist(own, bins=edges, alpha=0.6, color=color, label=label)
    axis.axvline(epsilon, color="black", linestyle="--", label="budget")
    axis.set(xlabel=r"margin $|f(x)| / \|\nabla f(x)\|_2$ (pixels)", ylabel="points")
    axis.legend(frameon=False)
    return figure
