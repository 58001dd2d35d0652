"""Table 2 over seeds, classifiers and readings of PGD, and a live classifier."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from experiments.figures.markdown import titled_table
from experiments.tables.classifier_choice import Candidate
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.points import LinearizedPair
from experiments.tables.results import Scores
from experiments.tables.scoring import ScoreResult
from experiments.tables.table_2 import BudgetScores, PairResult
from paper_lib.attacks import PGD_READINGS
from paper_lib.defense import ramp_ascent
from paper_lib.evaluation import PLAYS, disagreement, percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.geometry import scale_to_radius, unit_vectors
from paper_lib.plotting.perturbations import plot_images
from paper_lib.robust_sets import RobustSets

# Results of one classifier, a seed each, under the classifier's name.
Runs = Mapping[str, Sequence[PairResult]]
# How far from the paper approximate accuracy with SMOOTH was to come, in points.
GOALS_TABLE_2 = {"FGM": 5.0, "PGD": 8.0}


def seed_goal_table(runs: Runs, reading: str = "literal") -> str:
    """Judge the goals that were set for Table 2 before the run, seed by seed.

    Args:
        runs: The results of each classifier.
        reading: The reading of PGD.

    Returns:
        The table.
    """
    rows = []
    for name, results in runs.items():
        for attack, goal in GOALS_TABLE_2.items():
            cell = (attack, "SMOOTH", "approximate")
            values = _values(results, reading, cell)
            gaps = [value - PAPER_TABLE_2[cell] for value in values]
            within = sum(abs(gap) <= goal for gap in gaps)
            row = {
                "approximate accuracy": f"{name}: {attack}, SMOOTH",
                "difference by seed": ", ".join(f"{gap:+.1f}" for gap in gaps),
                "goal": f"{goal:.0f}",
                "seeds within": f"{within} of {len(gaps)}",
            }
            rows.append(row)
    return titled_table(rows)


def reading_table(name: str, results: Sequence[PairResult]) -> str:
    """Set all readings of PGD beside the paper's Table 2, for one classifier.

    Args:
        name: The classifier's name.
        results: Its results.

    Returns:
        The table: means over seeds, with the smallest and largest.
    """
    return titled_table(
        [
            {name: f"{cell[2]}: {play_name(cell[:2])}", "paper": f"{printed:.1f}"}
            | {
                reading: _mean_and_span(_values(results, reading, cell))
                for reading in PGD_READINGS
            }
            for cell, printed in PAPER_TABLE_2.items()
        ]
    )


def outside_table(runs: Runs) -> str:
    """List the cells of Table 2 that lie outside what the seeds span.

    Args:
        runs: The results of each classifier.

    Returns:
        The table, a line for each classifier and reading.
    """
    rows = []
    for name, results in runs.items():
        for reading in PGD_READINGS:
            outside = []
            for cell, printed in PAPER_TABLE_2.items():
                values = _values(results, reading, cell)
                if not min(values) <= printed <= max(values):
                    outside.append(f"{cell[2]} {play_name(cell[:2])}")
            within = len(PAPER_TABLE_2) - len(outside)
            row = {
                "classifier, reading": f"{name}, {reading}",
                "within the seeds": f"{within} of {len(PAPER_TABLE_2)}",
                "outside": "; ".join(outside),
            }
            rows.append(row)
    return titled_table(rows, align="lll")


def origin_table(runs: Runs) -> str:
    """Say with what each result was computed.

    Args:
        runs: The results of each classifier.

    Returns:
        The table.
    """
    return titled_table(
        [
            {
                "run": f"{name}, seed {result.config.seed}",
                "budget": f"{result.epsilon:.3f}",
                "training points": str(result.sizes["train"]),
                "test points": str(result.sizes["test"]),
                "torch": result.provenance.versions["torch"],
                "device": result.provenance.device,
                "seconds": f"{result.provenance.seconds:.0f}",
            }
            for name, results in runs.items()
            for result in results
        ]
    )


def dead_zone_table(curve: Sequence[BudgetScores], reading: str) -> str:
    """Show where the ascent ends as the budget grows.

    Args:
        curve: The accuracies at several budgets.
        reading: The reading of PGD that was run.

    Returns:
        The table.
    """
    cell = ("FGM", "SMOOTH", "approximate")
    return titled_table(
        [
            {
                "budget": f"{point.epsilon:.2f}",
                "FGM, SMOOTH, approximate (%)": f"{_percent(point, reading, cell):.1f}",
                "steps taken": str(fitted.steps),
                "gradient zero": "yes" if fitted.in_dead_zone else "no",
            }
            for point in curve
            for fitted in point.defenses.values()
        ]
    )


def choice_table(candidates: Sequence[Candidate]) -> str:
    """Show what each classifier's defense covers of its training points.

    Args:
        candidates: The classifiers that were compared.

    Returns:
        The table.
    """
    return titled_table(
        [
            {
                "classifier": candidate.name,
                "training coverage of SMOOTH, three seeds (%)": ", ".join(
                    f"{100 * run.train_coverage:.1f}" for run in candidate.runs
                ),
                "mean": f"{candidate.percent:.2f}",
            }
            for candidate in candidates
        ]
    )


def lemma_2_holds(result: Scores) -> bool:
    """Say whether no reading of PGD leaves less than FGM at the same defense.

    Args:
        result: Accuracies with one defense.

    Returns:
        Whether approximate accuracy is nowhere lower, defended or not.
    """
    return all(
        _percent(result, reading, ("PGD", defense, "approximate"))
        >= _percent(result, reading, ("FGM", defense, "approximate"))
        for reading in result.num_returned
        for defense in ("none", "SMOOTH")
    )


def plot_attack_and_defense(
    at: LinearizedPair, attack: Float[Tensor, "n d"], v: Float[Tensor, " d"]
) -> Figure:
    """Draw two test images of each class, the attack and the defense.

    Args:
        at: The classifier at its points.
        attack: The perturbation of each test point.
        v: The defense.

    Returns:
        The figure; under each image the class that f itself sees.
    """
    labels, digits = at.test.labels, at.pair.classes
    chosen = torch.cat([(labels == label).nonzero()[:2, 0] for label in (-1.0, 1.0)])
    clean, moves = at.test.images[chosen].flatten(1), attack[chosen]
    defense = v.expand(len(chosen), -1)
    images = {
        "image $x$": clean,
        "attack $a$": moves,
        "$x + a$": clean + moves,
        "defense $v$": defense,
        "$x + a + v$": clean + moves + defense,
    }
    signed = ("attack $a$", "defense $v$")
    with torch.no_grad():
        seen = {
            title: [
                f"seen as {digits[int(logit > 0)]}"
                for logit in at.model(rows.reshape(-1, 1, 28, 28))
            ]
            for title, rows in images.items()
            if title not in signed
        }
    return plot_images(images, signed=signed, notes=seen)


def disagreement_table(
    at: LinearizedPair,
    fgm_attack: Float[Tensor, "n d"],
    pgd_attack: Float[Tensor, "n d"],
    v: Float[Tensor, " d"],
) -> str:
    """Show for each play how often the network and its linear model disagree.

    Args:
        at: The classifier at its points.
        fgm_attack: What FGM plays at the test points.
        pgd_attack: What PGD plays there.
        v: The defense.

    Returns:
        The table.
    """
    still = torch.zeros_like(v).unsqueeze(0)
    moves = {"none": still, "FGM": fgm_attack, "PGD": pgd_attack}
    answers = {"none": still, "SMOOTH": v.unsqueeze(0)}
    rows = []
    for attack, defense in PLAYS:
        only_f, only_linear = disagreement(
            at.model, at.test.images, at.lin, moves[attack], answers[defense]
        )
        row = {
            "percent of test points": play_name((attack, defense)),
            "only f keeps": f"{100 * only_f:.1f}",
            "only f_L keeps": f"{100 * only_linear:.1f}",
        }
        rows.append(row)
    return titled_table(rows)


def coverage_from_elsewhere(
    at: LinearizedPair, curve: Sequence[ScoreResult]
) -> list[float]:
    """Start the ascent in the direction of the mean unit normal instead of at zero.

    Args:
        at: The classifier at its points.
        curve: The accuracies at several budgets.

    Returns:
        The training coverage it ends with at each of these budgets.
    """
    coverages = []
    for point in curve:
        sets = RobustSets.from_linearization(at.fit, point.config.epsilon)
        start = scale_to_radius(unit_vectors(sets.normals).mean(0), sets.epsilon)
        coverages.append(ramp_ascent(sets, start=start).coverage)
    return coverages


def start_table(
    multiples: Sequence[float], from_zero: Sequence[float], elsewhere: Sequence[float]
) -> str:
    """Set the training coverage from both starts side by side.

    Args:
        multiples: The budgets, as multiples of the calibrated one.
        from_zero: The coverage from zero at each.
        elsewhere: The coverage from the mean normal.

    Returns:
        The table.
    """
    return titled_table(
        [
            {
                "budget, multiple": f"{multiple}",
                "from zero (%)": f"{100 * zero:.1f}",
                "from the mean normal (%)": f"{100 * other:.1f}",
            }
            for multiple, zero, other in zip(
                multiples, from_zero, elsewhere, strict=True
            )
        ]
    )


def _percent(result: Scores, reading: str, cell: Cell) -> float:
    return percents(result.table_3(reading))[cell]


def _values(results: Sequence[PairResult], reading: str, cell: Cell) -> list[float]:
    """Read one cell of each result, in percent."""
    return [_percent(result.score, reading, cell) for result in results]


def _mean_and_span(values: Sequence[float]) -> str:
    span = f" [{min(values):.1f}, {max(values):.1f}]" if len(values) > 1 else ""
    return f"{sum(values) / len(values):.1f}{span}"
