"""The rows of Table 2 against the budget."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from paper_lib.evaluation import PLAYS, percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow
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
