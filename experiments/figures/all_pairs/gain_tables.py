"""What SMOOTH and other defenses change on each pair of classes, as Markdown tables."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from experiments.figures.all_pairs.pair_pictures import CLASS_LABELS
from experiments.figures.markdown import Row, markdown_table, share_of, tabulated
from experiments.tables.claims import (
    PairGain,
    dyadic_interval,
    extreme_gains,
    holm,
    pair_gains,
)
from experiments.tables.defenses import SOLVERS
from experiments.tables.groups import GroupResult
from experiments.tables.planning import PRIMARY_PGD, PRIMARY_SOLVER
from experiments.tables.table_1 import cell_percents
from paper_lib.attacks import PGD_READINGS
from paper_lib.evaluation.plays import Cell

# The primary group of each data set.
Primary = Mapping[str, GroupResult]
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


@tabulated("lllrrrr")
def gain_table(primary: Primary) -> Iterator[Row]:
    """Test the second claim under Table 1: SMOOTH helps, over pairs and on each.

    Args:
        primary: The primary group of each data set.

    Yields:
        For each data set, attack and accuracy the gain; a pair gains or loses if
        McNemar's test, adjusted for all pairs, says so at 5%.
    """
    kinds = product(primary.values(), ("FGM", PRIMARY_PGD), ("approximate", "true"))
    for result, attack, accuracy in kinds:
        gains = pair_gains(result.scores, PRIMARY_SOLVER, attack, accuracy)
        values = [gain.points for gain in gains]
        adjusted = holm([gain.p_value for gain in gains])
        certain = [v for v, p in zip(values, adjusted, strict=True) if p < 0.05]
        yield {
            "data set": result.dataset,
            "attack": attack,
            "accuracy": accuracy,
            "mean gain (points)": mean_with_interval(values, result.pairs),
            "gain (significant)": sum(value > 0 for value in certain),
            "lose (significant)": sum(value < 0 for value in certain),
            "from, to": f"{min(values):+.1f} to {max(values):+.1f}",
        }


@tabulated("llrrrrr")
def extreme_table(primary: Primary) -> Iterator[Row]:
    """Describe the pairs that SMOOTH helps least and most against PGD.

    Args:
        primary: The primary group of each data set.

    Yields:
        The pairs that ``extreme_gains`` chooses.
    """
    for dataset, result in primary.items():
        by_fgm = pair_gains(result.scores, PRIMARY_SOLVER, "FGM", "approximate")
        lost = {gain.classes: sum(gain.lost) for gain in by_fgm}
        for gain in extreme_gains(result.scores):
            yield {
                "data set": dataset,
                "classes": pair_name(dataset, gain),
                "gain (points)": f"{gain.points:+.1f}",
                "first class: saved / lost": f"{gain.saved[0]} / {gain.lost[0]}",
                "second class": f"{gain.saved[1]} / {gain.lost[1]}",
                "lost under FGM": lost[gain.classes],
                "coverage when fitted (%)": f"{100 * gain.train_coverage:.1f}",
            }


def pair_name(dataset: str, gain: PairGain) -> str:
    """Name the two classes of a pair.

    Args:
        dataset: The data set.
        gain: What a defense changes on the pair.

    Returns:
        What the classes are called.
    """
    return ", ".join(CLASS_LABELS[dataset][label] for label in gain.classes)


@tabulated("llrrrr")
def losing_table(primary: Primary, results: Sequence[GroupResult]) -> Iterator[Row]:
    """Show what other solvers and seeds do where SMOOTH lowers accuracy under PGD.

    Args:
        primary: The primary group of each data set.
        results: Groups to take the other seeds of the primary choice from.

    Yields:
        All pairs that lose, the worst first: gains under PGD of each solver on the same
        classifier, and of the primary one on those of other seeds.
    """
    for dataset, result in primary.items():
        by_solver = {solver: _gains_of(result, solver) for solver in SOLVERS}
        by_seed = [
            _gains_of(one, PRIMARY_SOLVER)
            for one in results
            if one.group.kind == result.group.kind and one.seed != result.seed
        ]
        for gain in extreme_gains(result.scores, worst=len(result.scores), best=0):
            if gain.points < 0:
                row = {"data set": dataset, "classes": pair_name(dataset, gain)}
                for solver, gains in by_solver.items():
                    row[solver] = _or_not_run(gains.get(gain.classes), "+.1f")
                others = [f"{gains[gain.classes]:+.1f}" for gains in by_seed]
                row[f"other seeds, {PRIMARY_SOLVER}"] = ", ".join(others) or _NOT_RUN
                yield row


def _gains_of(result: GroupResult, solver: str) -> dict[tuple[int, int], float]:
    """Compute the gain of a solver under PGD on each pair; empty if it was not run."""
    if solver not in result.group.solvers:
        return {}
    gains = pair_gains(result.scores, solver, PRIMARY_PGD, "approximate")
    return {gain.classes: gain.points for gain in gains}


def _or_not_run(value: float | None, form: str = ".1f") -> str:
    return _NOT_RUN if value is None else format(value, form)


@tabulated("llrrrr")
def other_side_table(primary: Primary) -> Iterator[Row]:
    """Ask whether any defense of the records does better against FGM than SMOOTH.

    Args:
        primary: The primary group of each data set.

    Yields:
        For each defense approximate accuracy under FGM, and on how many pairs it is
        ahead of the paper's ascent, on the points scored and on those it was fitted on.
    """
    for dataset, result in primary.items():
        means = _means(result)
        for defense in ("none", *SOLVERS, *ISOTROPIC):
            if ("FGM", defense, "approximate") in means:
                gap, ahead = _beside_smooth(result, "FGM", defense, "approximate")
                yield {
                    "data set": dataset,
                    "defense": ISOTROPIC.get(defense, defense),
                    "FGM, approximate": f"{means['FGM', defense, 'approximate']:.1f}",
                    f"beside {PRIMARY_SOLVER}": gap,
                    "pairs ahead": ahead,
                    "ahead when fitted": _ahead_when_fitted(result, defense),
                }


def _ahead_when_fitted(result: GroupResult, defense: str) -> str:
    if defense not in result.group.solvers:
        return "not fitted"
    fits = [score.defenses for score in result.scores]
    return share_of(
        fit[defense].train_coverage > fit[PRIMARY_SOLVER].train_coverage for fit in fits
    )


@tabulated("llrrrr")
def isotropic_table(primary: Primary) -> Iterator[Row]:
    """Set isotropic smoothing beside SMOOTH and no defense.

    Args:
        primary: The primary group of each data set.

    Yields:
        For each defense both accuracies under FGM and PGD.
    """
    kinds = {"none": "no defense", PRIMARY_SOLVER: "SMOOTH", **ISOTROPIC}
    for dataset, result in primary.items():
        means = _means(result)
        for defense, name in kinds.items():
            row = {"data set": dataset, "defense": name}
            for kind, attack in product(("approximate", "true"), ("FGM", PRIMARY_PGD)):
                mean = means.get((attack, defense, kind))
                row[f"{attack.split()[0]}, {kind}"] = _or_not_run(mean)
            yield row


def _means(result: GroupResult) -> dict[Cell, float]:
    """Average each cell over pairs, in percent."""
    return {cell: values.mean() for cell, values in cell_percents(result).items()}


def noise_table(primary: Primary) -> str:
    """Judge uniform noise against SMOOTH, in the linear model and for f itself.

    Args:
        primary: The primary group of each data set.

    Returns:
        For each attack the gain of one uniform draw over SMOOTH, the mean over pairs,
        and on how many pairs it is ahead: approximate accuracy, then true accuracy.
    """
    noise = "uniform, one draw"
    attacks = ("none", "FGM", *(f"PGD {reading}" for reading in PGD_READINGS))
    lines = [
        [
            dataset,
            "no attack" if attack == "none" else attack,
            *_beside_smooth(result, attack, noise, "approximate"),
            *_beside_smooth(result, attack, noise, "true"),
        ]
        for (dataset, result), attack in product(primary.items(), attacks)
        if (attack, noise, "true") in cell_percents(result)
    ]
    header = ["data set", "attack", "$f_L$: noise over SMOOTH", "pairs ahead"]
    header += ["$f$: noise over SMOOTH", "pairs ahead"]
    return markdown_table(header, lines, align="llrrrr")


def _beside_smooth(
    result: GroupResult, attack: str, defense: str, accuracy: str
) -> tuple[str, str]:
    """Give a defense's gain over SMOOTH, and on how many pairs it is ahead."""
    cells = cell_percents(result)
    gaps = cells[attack, defense, accuracy] - cells[attack, PRIMARY_SOLVER, accuracy]
    return mean_with_interval(gaps.tolist(), result.pairs), share_of(gaps > 0)
