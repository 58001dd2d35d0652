"""Result objects -> matplotlib figures and Markdown tables, for the book's pages.

Each function returns a new figure, closed for pyplot, so that a page shows it once, by
ending a cell with it, and a script saves it.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from paper_lib.arrangement import cells, maximum_coverage
from paper_lib.evaluation import PLAYS, Accuracy, Attack, Defense, TableRow
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

# Okabe and Ito's palette, told apart with every common color vision.
_COLORS = ("#000000", "#D55E00", "#0072B2", "#E69F00", "#56B4E9")
_MARKERS = ("o", "v", "^", "s", "D")


def play_name(play: tuple[Attack, Defense]) -> str:
    """Name an attack and a defense for a legend or a table.

    Args:
        play: The attack and the defense.

    Returns:
        Words for both.

    Example:
        >>> play_name(("FGM", "none"))
        'FGM, no defense'
    """
    attack, defense = play
    return (
        f"{'no attack' if attack == 'none' else attack}, "
        f"{'no defense' if defense == 'none' else defense}"
    )


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
    for name, sign, color in zip(classes, (-1.0, 1.0), _COLORS[1:3], strict=True):
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
    paper: Mapping[tuple[Attack, Defense, Accuracy], float] | None = None,
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
        for play, color, marker in zip(PLAYS, _COLORS, _MARKERS, strict=True):
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


def percents(
    rows: Iterable[TableRow],
) -> dict[tuple[Attack, Defense, Accuracy], float]:
    """Key rows by attack, defense and accuracy.

    Args:
        rows: Rows of Table 3.

    Returns:
        The accuracy of each in percent.
    """
    return {(row.attack, row.defense, row.accuracy): row.percent for row in rows}


def markdown_table(
    header: Sequence[str],
    lines: Iterable[Sequence[str]],
    *,
    align: str | None = None,
) -> str:
    """Write a Markdown table.

    Args:
        header: Titles of the columns.
        lines: Cells, as many a line as there are titles.
        align: For each column ``l`` or ``r``; None: the first left, the others right.

    Returns:
        The table.

    Raises:
        ValueError: If a line has another number of cells than the header, or ``align``
            is not one letter for each column.

    Example:
        >>> print(markdown_table(["row", "value"], [["a", "1"]]))
        | row | value |
        | :-- | --: |
        | a | 1 |
    """
    align = "l" + "r" * (len(header) - 1) if align is None else align
    if len(align) != len(header) or set(align) - {"l", "r"}:
        raise ValueError(f"align must be {len(header)} letters l or r, got {align!r}.")
    table = [header, [{"l": ":--", "r": "--:"}[side] for side in align], *lines]
    for line in table:
        if len(line) != len(header):
            raise ValueError(f"each line must have {len(header)} cells, got {line}.")
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def comparison_table(
    runs: Sequence[Sequence[TableRow]],
    paper: Mapping[tuple[Attack, Defense, Accuracy], float],
) -> str:
    """Set measured rows beside the paper's numbers.

    Args:
        runs: The ten rows of Table 3, once for each seed.
        paper: The paper's values, in percent.

    Returns:
        A Markdown table: for each row the paper's value, the measured one (the mean
        over seeds, with the smallest and largest), and the difference in points.
    """
    measured = [percents(run) for run in runs]
    lines = []
    for key, printed in paper.items():
        values = [run[key] for run in measured]
        mean = sum(values) / len(values)
        spread = f" [{min(values):.1f}, {max(values):.1f}]" if len(values) > 1 else ""
        lines.append(
            [
                f"{key[2]}: {play_name(key[:2])}",
                f"{printed:.1f}",
                f"{mean:.1f}{spread}",
                f"{mean - printed:+.1f}",
            ]
        )
    return markdown_table(["accuracy in percent", "paper", "here", "difference"], lines)


def plot_half_planes(
    sets: RobustSets, *, points: Mapping[str, Float[Tensor, " 2"]] | None = None
) -> Figure:
    """Draw robust sets in the plane, how many hold where, and a maximizer.

    Each cell of the disc is shaded by its count, the darker the more rows hold. Short
    ticks at a boundary line point to the side that holds. For some dozens of rows.

    Args:
        sets: The robust sets, with d = 2 and a positive budget.
        points: Other perturbations to mark, under their names.

    Returns:
        The figure.

    Raises:
        ValueError: If d is not 2 or the budget is zero.
    """
    if sets.normals.shape[1] != 2 or sets.epsilon == 0.0:
        raise ValueError(
            "a drawing needs d = 2 and a positive budget, got d = "
            f"{sets.normals.shape[1]} and epsilon = {sets.epsilon}."
        )
    figure, axis = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    normals, offsets = sets.normals.double().numpy(), sets.offsets.double().numpy()
    _shade_cells(axis, normals, offsets, sets.epsilon)
    for color, normal, offset in zip(
        itertools.cycle(_COLORS[1:]), normals, offsets, strict=False
    ):
        _draw_line(axis, normal, float(offset), sets.epsilon, color)
    best = maximum_coverage(normals, offsets, sets.epsilon)
    axis.plot(
        *best.point,
        "*k",
        markersize=11,
        label=f"maximizer: {best.count} of {len(offsets)}",
    )
    for (name, point), marker in zip(
        (points or {}).items(), itertools.cycle(_MARKERS), strict=False
    ):
        axis.plot(*point.tolist(), f"{marker}k", fillstyle="none", label=name)
    axis.set(aspect="equal", xlabel="$v_1$", ylabel="$v_2$")
    axis.set(xlim=(-1.08 * sets.epsilon, 1.08 * sets.epsilon))
    axis.set(ylim=(-1.08 * sets.epsilon, 1.08 * sets.epsilon))
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    plt.close(figure)
    return figure


def _shade_cells(
    axis: Axes,
    normals: Float[np.ndarray, "n 2"],
    offsets: Float[np.ndarray, " n"],
    radius: float,
) -> None:
    """Fill each cell by its count, with a bar that tells what a shade means."""
    found = cells(normals, offsets, radius)
    counts = np.array([cell.satisfied.sum() for cell in found])
    low, high = counts.min(), counts.max()
    # The darkest stays lighter than ink.
    levels = np.linspace(0.0, 0.6, high - low + 1)
    shades = ListedColormap(plt.get_cmap("Greys")(levels))
    patches = PolyCollection(
        [cell.outline() for cell in found],
        array=counts,
        cmap=shades,
        clim=(low - 0.5, high + 0.5),
        edgecolors="face",
        linewidths=0.3,
    )
    axis.add_collection(patches)
    axis.add_patch(Circle((0.0, 0.0), radius, fill=False, color="black"))
    ticks = MaxNLocator(integer=True)
    plt.colorbar(patches, ax=axis, ticks=ticks, label="rows that hold", shrink=0.8)


def _draw_line(
    axis: Axes,
    normal: Float[np.ndarray, " 2"],
    offset: float,
    radius: float,
    color: str,
) -> None:
    """Draw a boundary line inside the disc, if it meets it, and tick its side."""
    length = float(np.hypot(*normal))
    if not abs(offset) < length * radius:
        return
    unit, distance = normal / length, offset / length
    half = np.sqrt(radius**2 - distance**2)
    along = half * np.array([[-unit[1], unit[0]]])
    chord = -distance * unit + along * np.array([[-1.0], [1.0]])
    axis.plot(*chord.T, color=color, linewidth=1.5)
    starts = -distance * unit + along * np.linspace(-0.9, 0.9, 13)[:, np.newaxis]
    ticks = np.stack([starts, starts + 0.03 * radius * unit], axis=1)
    axis.add_collection(LineCollection(list(ticks), colors=color, linewidths=1.0))
