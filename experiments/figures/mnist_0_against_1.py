"""Table 2 over seeds, classifiers, readings of PGD and budgets."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.markdown import Row, cell_name, mean_and_span, tabulated
from experiments.tables.classifier_choice import Candidate
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.results import Scores
from experiments.tables.table_2 import BudgetScores, PairResult
from paper_lib.attacks import PGD_READINGS
from paper_lib.evaluation import PLAYS, percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow
from paper_lib.linearize import Linearization
from paper_lib.plotting.style import COLORS, MARKERS, new_figure

# Results of one classifier, a seed each, under the classifier's name.
Runs = Mapping[str, Sequence[PairResult]]
# How far from the paper approximate accuracy with SMOOTH was to come, in points.
GOALS_TABLE_2 = {"FGM": 5.0, "PGD": 8.0}


@tabulated()
def seed_goal_table(runs: Runs, reading: str = "literal") -> Iterator[Row]:
    """Judge the goals that were set for Table 2 before the run, seed by seed.

    Args:
        runs: The results of each classifier.
        reading: The reading of PGD.

    Yields:
        Each classifier and attack.
    """
    for (name, results), (attack, goal) in product(runs.items(), GOALS_TABLE_2.items()):
        cell = (attack, "SMOOTH", "approximate")
        values = _values(results, reading, cell)
        gaps = [value - PAPER_TABLE_2[cell] for value in values]
        within = sum(abs(gap) <= goal for gap in gaps)
        yield {
            "approximate accuracy": f"{name}: {attack}, SMOOTH",
            "difference by seed": ", ".join(f"{gap:+.1f}" for gap in gaps),
            "goal": f"{goal:.0f}",
            "seeds within": f"{within} of {len(gaps)}",
        }


@tabulated()
def reading_table(name: str, results: Sequence[PairResult]) -> Iterator[Row]:
    """Set all readings of PGD beside the paper's Table 2, for one classifier.

    Args:
        name: The classifier's name.
        results: Its results.

    Yields:
        Each cell: means over seeds, with the smallest and largest.
    """
    for cell, printed in PAPER_TABLE_2.items():
        row = {name: cell_name(cell), "paper": f"{printed:.1f}"}
        for reading in PGD_READINGS:
            row[reading] = mean_and_span(_values(results, reading, cell))
        yield row


@tabulated("lll")
def outside_table(runs: Runs) -> Iterator[Row]:
    """List the cells of Table 2 that lie outside what the seeds span.

    Args:
        runs: The results of each classifier.

    Yields:
        Each classifier and reading.
    """
    for (name, results), reading in product(runs.items(), PGD_READINGS):
        outside = []
        for cell, printed in PAPER_TABLE_2.items():
            values = _values(results, reading, cell)
            if not min(values) <= printed <= max(values):
                outside.append(f"{cell[2]} {play_name(cell[:2])}")
        within = len(PAPER_TABLE_2) - len(outside)
        yield {
            "classifier, reading": f"{name}, {reading}",
            "within the seeds": f"{within} of {len(PAPER_TABLE_2)}",
            "outside": "; ".join(outside),
        }


@tabulated()
def origin_table(runs: Runs) -> Iterator[Row]:
    """Say with what each result was computed.

    Args:
        runs: The results of each classifier.

    Yields:
        Each result.
    """
    for name, results in runs.items():
        for result in results:
            yield {
                "run": f"{name}, seed {result.config.seed}",
                "budget": f"{result.epsilon:.3f}",
                "training points": result.sizes["train"],
                "test points": result.sizes["test"],
                "torch": result.provenance.versions["torch"],
                "device": result.provenance.device,
                "seconds": f"{result.provenance.seconds:.0f}",
            }


@tabulated()
def dead_zone_table(curve: Sequence[BudgetScores], reading: str) -> Iterator[Row]:
    """Show where the ascent ends as the budget grows.

    Args:
        curve: The accuracies at several budgets.
        reading: The reading of PGD that was run.

    Yields:
        Each budget.
    """
    cell = ("FGM", "SMOOTH", "approximate")
    for point in curve:
        share = percent_of(point, reading, cell)
        for fitted in point.defenses.values():
            yield {
                "budget": f"{point.epsilon:.2f}",
                "FGM, SMOOTH, approximate (%)": f"{share:.1f}",
                "steps taken": fitted.steps,
                "gradient zero": "yes" if fitted.in_dead_zone else "no",
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


def percent_of(result: Scores, reading: str, cell: Cell) -> float:
    """Read one cell under a reading of PGD, in percent.

    Args:
        result: Accuracies with one defense.
        reading: The reading.
        cell: Attack, defense and accuracy, as Table 3 names them.

    Returns:
        The accuracy.
    """
    return percents(result.table_3(reading))[cell]


def _values(results: Sequence[PairResult], reading: str, cell: Cell) -> list[float]:
    """Read one cell of each result, in percent."""
    return [percent_of(result.score, reading, cell) for result in results]
