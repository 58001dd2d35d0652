"""What SMOOTH and other defenses change on each pair of classes, as Markdown tables."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.figures.all_pairs.pair_pictures import CLASS_LABELS
from experiments.figures.markdown import markdown_table
from experiments.tables.claims import (
    PairGain,
    dyadic_interval,
    extreme_gains,
    holm,
    pair_gains,
)
from experiments.tables.defenses import SOLVERS
from experiments.tables.planning import PRIMARY_READING, PRIMARY_SOLVER
from experiments.tables.summary import cell_percents
from experiments.tables.table_1 import LineResult
from paper_lib.attacks import PGD_READINGS

_PGD = f"PGD {PRIMARY_READING}"
# The defenses of the records beside SMOOTH, and what a reader calls them.
ISOTROPIC = {
    "uniform, one draw": "uniform, one draw",
    "uniform, vote": "uniform, vote of five",
    "gaussian, one draw": "Gaussian, one draw",
    "gaussian, vote": "Gaussian, vote of five",
}
_NOT_RUN = "not run"


def mean_with_interval(
    values: Sequence[float], pairs: Sequence[tuple[int, int]]
) -> str:
    """Write a mean over pairs with its interval, where there are classes enough.

    Args:
        values: One a pair.
        pairs: The two classes of each.

    Returns:
        The mean, and in brackets a 95% interval if there are three classes or more.
    """
    text = f"{np.mean(values):+.1f}"
    if len({label for pair in pairs for label in pair}) < 3:
        return text
    _, low, high = dyadic_interval(values, pairs)
    return f"{text} [{low:+.1f}, {high:+.1f}]"


def gain_table(primary: Mapping[str, LineResult]) -> str:
    """Test the second claim under Table 1: SMOOTH helps, over pairs and on each.

    Args:
        primary: The primary line of each data set.

    Returns:
        The table; a pair gains or loses if McNemar's test, adjusted for all pairs, says
        so at 5%.
    """
    lines = []
    for dataset, result in primary.items():
        for attack in ("FGM", _PGD):
            for accuracy in ("approximate", "true"):
                gains = pair_gains(result.scores, PRIMARY_SOLVER, attack, accuracy)
                values = [gain.points for gain in gains]
                adjusted = holm([gain.p_value for gain in gains])
                certain = [v for v, p in zip(values, adjusted, strict=True) if p < 0.05]
                lines.append(
                    [
                        dataset,
                        attack,
                        accuracy,
                        mean_with_interval(values, result.line.calibration.pairs),
                        str(sum(value > 0 for value in certain)),
                        str(sum(value < 0 for value in certain)),
                        f"{min(values):+.1f} to {max(values):+.1f}",
                    ]
                )
    header = [
        "data set",
        "attack",
        "accuracy",
        "mean gain (points)",
        "pairs that gain",
        "pairs that lose",
        "from, to",
    ]
    return markdown_table(header, lines, align="lllrrrr")


def extreme_table(primary: Mapping[str, LineResult]) -> str:
    """Describe the pairs that SMOOTH helps least and most against PGD.

    Args:
        primary: The primary line of each data set.

    Returns:
        The table, of the pairs that ``extreme_gains`` chooses.
    """
    lines = []
    for dataset, result in primary.items():
        under_fgm = {
            gain.classes: sum(gain.lost)
            for gain in pair_gains(result.scores, PRIMARY_SOLVER, "FGM", "approximate")
        }
        lines += [
            [
                dataset,
                pair_name(dataset, gain),
                f"{gain.points:+.1f}",
                f"{gain.saved[0]} / {gain.lost[0]}",
                f"{gain.saved[1]} / {gain.lost[1]}",
                str(under_fgm[gain.classes]),
                f"{100 * gain.train_coverage:.1f}",
                "yes" if gain.in_dead_zone else "no",
            ]
            for gain in extreme_gains(result.scores)
        ]
    header = [
        "data set",
        "classes",
        "gain (points)",
        "first class: saved / lost",
        "second class",
        "lost under FGM",
        "coverage when fitted (%)",
        "gradient zero",
    ]
    return markdown_table(header, lines, align="llrrrrrl")


def pair_name(dataset: str, gain: PairGain) -> str:
    """Name the two classes of a pair.

    Args:
        dataset: The data set.
        gain: What a defense changes on the pair.

    Returns:
        What the classes are called.
    """
    return ", ".join(CLASS_LABELS[dataset][label] for label in gain.classes)


def losing_table(
    primary: Mapping[str, LineResult], results: Sequence[LineResult]
) -> str:
    """Show what other solvers and seeds do where SMOOTH lowers accuracy under PGD.

    Args:
        primary: The primary line of each data set.
        results: Lines to take the other seeds of the primary choice from.

    Returns:
        The table of all pairs that lose, the worst first: gains under PGD of each
        solver on the same classifier, and of the primary one on those of other seeds.
    """
    lines = []
    for dataset, result in primary.items():
        by_solver = [_gains_of(result, solver) for solver in SOLVERS]
        others = [_gains_of(one, SOLVERS[0]) for one in _other_seeds(result, results)]
        for gain in extreme_gains(result.scores, worst=len(result.scores), best=0):
            if gain.points < 0:
                seeds = [found[gain.classes] for found in others]
                lines.append(
                    [
                        dataset,
                        pair_name(dataset, gain),
                        *(_signed(found.get(gain.classes)) for found in by_solver),
                        ", ".join(map(_signed, seeds)) or _NOT_RUN,
                    ]
                )
    header = ["data set", "classes", *SOLVERS, "other seeds, " + SOLVERS[0]]
    return markdown_table(header, lines, align="llrrrr")


def _gains_of(result: LineResult, solver: str) -> dict[tuple[int, int], float]:
    """Compute the gain of a solver under PGD on each pair; empty if it was not run."""
    if any(solver not in record["defenses"] for record in result.scores):
        return {}
    gains = pair_gains(result.scores, solver, _PGD, "approximate")
    return {gain.classes: gain.points for gain in gains}


def _other_seeds(result: LineResult, results: Sequence[LineResult]) -> list[LineResult]:
    """Find the lines that differ from one in their seed alone."""
    config = result.line.calibration
    return [
        one
        for one in results
        if (one.line.classifier, one.line.multiple) == (result.line.classifier, 1.0)
        and one.line.calibration.dataset == config.dataset
        and one.line.calibration.protocol == config.protocol
        and one.line.calibration.seed != config.seed
    ]


def _signed(points: float | None) -> str:
    return _NOT_RUN if points is None else f"{points:+.1f}"


def other_side_table(primary: Mapping[str, LineResult]) -> str:
    """Ask whether any defense of the records does better against FGM than SMOOTH.

    Args:
        primary: The primary line of each data set.

    Returns:
        The table: approximate accuracy under FGM, and on how many pairs each defense is
        ahead of the paper's ascent, on the points scored and on those it was fitted on.
    """
    lines = []
    for dataset, result in primary.items():
        cells = cell_percents(result)
        smooth = cells["FGM", PRIMARY_SOLVER, "approximate"]
        for defense in ("none", *SOLVERS, *ISOTROPIC):
            if ("FGM", defense, "approximate") not in cells:
                continue
            gaps = cells["FGM", defense, "approximate"] - smooth
            fitted = [
                record["defenses"][defense]["train_coverage"]
                > record["defenses"][PRIMARY_SOLVER]["train_coverage"]
                for record in result.scores
                if defense in record["defenses"]
            ]
            lines.append(
                [
                    dataset,
                    ISOTROPIC.get(defense, defense),
                    f"{(smooth + gaps).mean():.1f}",
                    mean_with_interval(gaps.tolist(), result.line.calibration.pairs),
                    f"{(gaps > 0).sum()} of {len(gaps)}",
                    f"{sum(fitted)} of {len(fitted)}" if fitted else "not fitted",
                ]
            )
    header = [
        "data set",
        "defense",
        "FGM, approximate",
        "beside " + PRIMARY_SOLVER,
        "pairs ahead",
        "ahead when fitted",
    ]
    return markdown_table(header, lines, align="llrrrr")


def isotropic_table(primary: Mapping[str, LineResult]) -> str:
    """Set isotropic smoothing beside SMOOTH and no defense.

    Args:
        primary: The primary line of each data set.

    Returns:
        The table of both accuracies under FGM and PGD.
    """
    kinds = {"none": "no defense", PRIMARY_SOLVER: "SMOOTH", **ISOTROPIC}
    columns = [(a, kind) for kind in ("approximate", "true") for a in ("FGM", _PGD)]
    lines = []
    for dataset, result in primary.items():
        cells = cell_percents(result)
        for defense, title in kinds.items():
            found = [cells.get((attack, defense, kind)) for attack, kind in columns]
            values = [_NOT_RUN if one is None else f"{one.mean():.1f}" for one in found]
            lines.append([dataset, title, *values])
    header = ["data set", "defense"]
    header += [f"{attack.split()[0]}, {kind}" for attack, kind in columns]
    return markdown_table(header, lines, align="llrrrr")


def noise_table(primary: Mapping[str, LineResult]) -> str:
    """Judge uniform noise against SMOOTH, in the linear model and for f itself.

    Args:
        primary: The primary line of each data set.

    Returns:
        For each attack the gain of one uniform draw over SMOOTH, the mean over pairs,
        and on how many pairs it is ahead: approximate accuracy, then true accuracy.
    """
    noise = "uniform, one draw"
    lines = []
    for dataset, result in primary.items():
        cells, pairs = cell_percents(result), result.line.calibration.pairs
        for attack in ("none", "FGM", *(f"PGD {reading}" for reading in PGD_READINGS)):
            if (attack, noise, "true") not in cells:
                continue
            line = [dataset, "no attack" if attack == "none" else attack]
            for kind in ("approximate", "true"):
                ahead = cells[attack, noise, kind] - cells[attack, PRIMARY_SOLVER, kind]
                line += [
                    mean_with_interval(ahead.tolist(), pairs),
                    f"{(ahead > 0).sum()} of {len(ahead)}",
                ]
            lines.append(line)
    header = ["data set", "attack", "$f_L$: noise over SMOOTH", "pairs ahead"]
    header += ["$f$: noise over SMOOTH", "pairs ahead"]
    return markdown_table(header, lines, align="llrrrr")
