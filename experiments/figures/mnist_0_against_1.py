"""Table 2 over readings of PGD and budgets, and how its classifier was chosen."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from experiments.figures.drawing import COLORS, MARKERS, legend_outside, new_figure
from experiments.figures.markdown import Row, cell_name, mean_and_span, tabulated
from experiments.tables.classifier_choice import Candidate
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.table_2 import PairResult
from paper_lib.attacks import PGD_READINGS
from paper_lib.evaluation import PLAYS, percents, play_name
from paper_lib.evaluation.scores import TableRow


@tabulated()
def reading_table(name: str, results: Sequence[PairResult]) -> Iterator[Row]:
    """Set all readings of PGD beside the paper's Table 2, for one classifier.

    Args:
        name: The classifier's name.
        results: Its results.

    Yields:
        Each cell: means over seeds, with the smallest and largest.
    """
    tables = {
        reading: [percents(one.score.table_3(reading)) for one in results]
        for reading in PGD_READINGS
    }
    for cell, printed in PAPER_TABLE_2.items():
        yield {
            name: cell_name(cell),
            "paper": f"{printed:.1f}",
            **{
                reading: mean_and_span([one[cell] for one in by_seed])
                for reading, by_seed in tables.items()
            },
        }


@tabulated()
def choice_table(candidates: Sequence[Candidate]) -> Iterator[Row]:
    """Show what each classifier's defense covers of its training points.

    Args:
        candidates: The classifiers that were compared.

    Yields:
        Each classifier.
    """
    for candidate in candidates:
        shares = [f"{100 * run.train_coverage:.1f}" for run in candidate.runs]
        yield {
            "classifier": candidate.name,
            "training coverage of SMOOTH, three seeds (%)": ", ".join(shares),
            "mean": f"{candidate.percent:.2f}",
        }


def plot_accuracy_against_budget(
    epsilons: Sequence[float],
    tables: Sequence[Sequence[TableRow]],
    *,
    calibrated: float,
) -> Figure:
    """Draw the five rows of Table 2 against the budget, approximate and true.

    Args:
        epsilons: Budgets, increasing.
        tables: For each budget, the ten rows of Table 3.
        calibrated: The budget at which the rows are compared with the paper, whose
            numbers are drawn there as hollow markers.

    Returns:
        The figure.
    """
    figure, axes = new_figure(6.2, 4.4, 2, 1, sharex=True)
    for axis, accuracy in zip(axes, ("approximate", "true"), strict=True):
        for play, color, marker in zip(PLAYS, COLORS, MARKERS, strict=True):
            values = [percents(rows)[(*play, accuracy)] for rows in tables]
            (curve,) = axis.plot(epsilons, values, color=color, marker=marker, ms=4)
            curve.set_label(play_name(play))
            printed = PAPER_TABLE_2[*play, accuracy]
            axis.plot(calibrated, printed, marker, color=color, ms=10, mfc="none")
        axis.axvline(calibrated, color="gray", linestyle=":", linewidth=1)
        axis.set(ylabel=f"{accuracy} (%)", ylim=(-3, 103))
    axes[1].set_xlabel(r"budget $\epsilon$ (pixels)")
    legend_outside(figure, 3)
    return figure
