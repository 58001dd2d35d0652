"""The rows of Table 2 against the budget, and the margins that it has to reach."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from paper_lib.evaluation import PLAYS, percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow
from paper_lib.linearize import Linearization
from paper_lib.plotting.style import COLORS, MARKERS, new_figure


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
    figure, axes = new_figure(9.0, 3.8, 1, 2, sharey=True)
    for axis, accuracy in zip(axes, ("approximate", "true"), strict=True):
        for play, color, marker in zip(PLAYS, COLORS, MARKERS, strict=True):
            values = [percents(rows)[(*play, accuracy)] for rows in tables]
            (curve,) = axis.plot(epsilons, values, color=color, marker=marker, ms=4)
            curve.set_label(play_name(play))
            if paper is not None:
                printed = paper[(*play, accuracy)]
                axis.plot(calibrated, printed, marker, color=color, ms=10, mfc="none")
        axis.axvline(calibrated, color="gray", linestyle=":", linewidth=1)
        axis.set(title=f"{accuracy} accuracy", xlabel=r"budget $\epsilon$ (pixels)")
    axes[0].set(ylabel="percent of test points", ylim=(-3, 103))
    names = axes[0].get_legend_handles_labels()
    figure.legend(*names, loc="outside lower center", ncols=3)
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
