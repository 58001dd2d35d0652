"""Images, margins, and the rows of Table 2 against the budget."""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from paper_lib.evaluation import PLAYS, percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow
from paper_lib.linearize import Linearization
from paper_lib.plotting.style import COLORS, MARKERS


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
    figure, axes = plt.subplots(
        num_rows,
        len(columns),
        figsize=(1.55 * len(columns), 1.8 * num_rows),
        squeeze=False,
        layout="constrained",
    )
    reach = max((float(columns[title].abs().max()) for title in signed), default=1.0)
    for column, (title, images) in enumerate(columns.items()):
        for row, image in enumerate(images.reshape(-1, 28, 28).tolist()):
            axis = axes[row, column]
            if title in signed:
                axis.imshow(image, cmap="RdBu_r", vmin=-reach, vmax=reach)
            else:
                axis.imshow(image, cmap="gray", vmin=0.0, vmax=1.0)
            axis.set(xticks=[], yticks=[])
            if row == 0:
                axis.set_title(title, fontsize=10)
            if title in notes:
                axis.set_xlabel(notes[title][row], fontsize=9)
    plt.close(figure)
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
    figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    margins = lin.margins[lin.margins.isfinite()].numpy()
    signs = lin.signs[lin.margins.isfinite()].numpy()
    edges = np.linspace(0.0, margins.max(), 41)
    for name, sign, color in zip(classes, (-1.0, 1.0), COLORS[1:3], strict=True):
        axis.hist(
            margins[signs == sign],
            bins=edges,
            alpha=0.6,
            color=color,
            label=f"classified as {name}",
        )
    axis.axvline(epsilon, color="black", linestyle="--", label="budget")
    axis.set(xlabel=r"margin $|f(x)| / \|\nabla f(x)\|_2$ (pixels)", ylabel="points")
    axis.legend(frameon=False)
    plt.close(figure)
    return figure


def plot_accuracy_against_budget(
    epsilons: Sequence[float],
    tables: Sequence[Sequence[TableRow]],
    *,
    calibrated: float,
    paper: Mapping[Cell, float] | None = None,
) -> Figure:
    """Draw the five rows of Table 2 against the budget, approximate and true.

    Args:
        epsilons: Budgets, increasing.
        tables: For each budget, the ten rows of Table 3.
        calibrated: The budget at which the rows are compared with the paper.
        paper: The paper's values in percent, drawn as hollow markers there.

    Returns:
        The figure.
    """
    figure, axes = plt.subplots(
        1, 2, figsize=(9.0, 3.8), sharey=True, layout="constrained"
    )
    for axis, accuracy in zip(axes, ("approximate", "true"), strict=True):
        for play, color, marker in zip(PLAYS, COLORS, MARKERS, strict=True):
            values = [percents(rows)[(*play, accuracy)] for rows in tables]
            axis.plot(
                epsilons,
                values,
                color=color,
                marker=marker,
                markersize=4,
                label=play_name(play),
            )
            if paper is not None:
                axis.plot(
                    calibrated,
                    paper[(*play, accuracy)],
                    color=color,
                    marker=marker,
                    markersize=10,
                    fillstyle="none",
                    linestyle="none",
                )
        axis.axvline(calibrated, color="gray", linestyle=":", linewidth=1)
        axis.set(title=f"{accuracy} accuracy", xlabel=r"budget $\epsilon$ (pixels)")
    axes[0].set_ylabel("percent of test points")
    axes[0].set_ylim(-3, 103)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3
    )
    plt.close(figure)
    return figure
