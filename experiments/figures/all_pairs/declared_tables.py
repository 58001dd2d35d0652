"""The combination that the study of Table 1 declared, as Markdown tables."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import numpy as np

from experiments.figures.all_pairs.gain_tables import mean_with_interval
from experiments.figures.markdown import (
    Row,
    mean_with_spread,
    share_of,
    tabulated,
)
from experiments.study.misses import ATTACKED, KINDS, StudyTable
from experiments.study.own_rows import STARTS
from experiments.study.study_cells import POINTS, UNDEFENDED
from experiments.study.study_plan import StudyRun
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.planning import DATASETS
from experiments.tables.summary import SummaryRow
from paper_lib.evaluation.plays import play_name


@tabulated("llrrrrr")
def declared_table(found: StudyTable, others: StudyTable) -> Iterator[Row]:
    """Set one combination beside the paper's Table 1.

    Args:
        found: The combination on all pairs, with fresh seeds.
        others: The same on the pairs that did not explore.

    Yields:
        Each data set and attacked play: mean and spread over pairs.
    """
    parts = (found.printed, found.numbers[0], others.numbers[0], found.misses[0])
    by_play = np.stack([found.of_table_1(part) for part in parts], 2)
    for place, dataset in enumerate(found.datasets):
        for number, play in enumerate(ATTACKED):
            seeds = found.table_1[0, :, place, number, :, 1].mean(-1)
            paper, here, apart, miss = by_play[place, number].tolist()
            yield {
                "data set": dataset,
                "play": play_name(play),
                "paper": mean_with_spread(*paper),
                "here": mean_with_spread(*here),
                "over seeds": f"{seeds.min():.1f} to {seeds.max():.1f}",
                "the other pairs": mean_with_spread(*apart),
                "miss of mean and spread": "{:+.1f}, {:+.1f}".format(*miss),
            }


def clean_line(rows: Iterable[SummaryRow]) -> str:
    """Say how many points a combination labels right without attack and defense.

    Args:
        rows: Its rows of the published table.

    Returns:
        A sentence.
    """
    clean = [r for r in rows if (r.attack, r.accuracy) == ("none", "approximate")]
    return "Without attack and defense: " + "; ".join(
        f"{row.dataset} {mean_with_spread(row.mean, row.std)}, "
        f"in the paper {mean_with_spread(row.paper_mean, row.paper_std)}"
        for row in clean
    )


@tabulated("llrrr")
def training_table(runs: Sequence[StudyRun]) -> Iterator[Row]:
    """Show how many points each classifier labels right, without attack and defense.

    Args:
        runs: Runs of one seed and protocol.

    Yields:
        Each data set and classifier: mean and spread over pairs, of test points and of
        points that trained it, beside the paper's.
    """
    for run in sorted(runs, key=lambda run: DATASETS.index(run.key[2])):
        network, _, dataset, _ = run.key
        row = {"data set": dataset, "classifier": network}
        for points in POINTS:
            cell = (points, "none", *UNDEFENDED)
            some = np.array([one.percents[cell][0] for one in run.results])
            shown = mean_with_spread(some.mean(), some.std(ddof=1))
            row[f"{points} points"] = shown
        printed = PAPER_TABLE_1[dataset]["none", "none"]
        yield row | {"paper": mean_with_spread(*printed)}


@tabulated("lllrr")
def declared_gains(found: StudyTable) -> Iterator[Row]:
    """Ask under one combination whether SMOOTH helps, over pairs.

    Args:
        found: The combination on several pairs; gains are means over seeds.

    Yields:
        For each data set, attack and accuracy the gain, and how many pairs gain.
    """
    means = found.table_1[0].mean(0)
    kinds = product(enumerate(found.datasets), ("FGM", "PGD"), reversed(KINDS))
    for (place, dataset), attack, kind in kinds:
        plays = [ATTACKED.index((attack, one)) for one in ("SMOOTH", "none")]
        defended, alone = means[place, plays, :, KINDS.index(kind)]
        gains = defended - alone
        yield {
            "data set": dataset,
            "attack": attack,
            "accuracy": kind,
            "mean gain (points)": mean_with_interval(gains.tolist(), found.pairs),
            "pairs that gain": share_of(gains > 0),
        }


@tabulated("llrrrrr")
def starts_table(runs: Sequence[StudyRun]) -> Iterator[Row]:
    """Ask whether another start, or the search, does better against FGM than v = 0.

    Args:
        runs: Runs of one classifier, seed and protocol.

    Yields:
        For each data set and other start, mean approximate accuracy under FGM of test
        points, its gain, and on how many pairs it is ahead, there and when fitted.
    """
    for run, start in product(runs, STARTS[1:]):
        cells = [("test", "FGM", "FGM", begin) for begin in (STARTS[0], start)]
        first, other = np.array(
            [[one.percents[cell][1] for one in run.results] for cell in cells]
        )
        pairs = run.group.calibration.pairs
        yield {
            "data set": run.group.calibration.dataset,
            "defense": start,
            "FGM, approximate": f"{other.mean():.1f}",
            f"with {STARTS[0]}": f"{first.mean():.1f}",
            "difference": mean_with_interval((other - first).tolist(), pairs),
            "pairs ahead": share_of(other > first),
            "ahead when fitted": share_of(ahead_when_fitted([run], start)),
        }


def ahead_when_fitted(runs: Iterable[StudyRun], start: str) -> list[bool]:
    """Tell on which pairs a start covers more fitted points than v = 0.

    Args:
        runs: Runs whose defenses were fitted to the rows of Eq. (7).
        start: The start, or the search.

    Returns:
        For each run and pair whether it does.
    """
    covered = [one.coverages["FGM"] for run in runs for one in run.results]
    return [by_start[start] > by_start[STARTS[0]] for by_start in covered]
