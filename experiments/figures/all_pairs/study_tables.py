"""What the study of Table 1 found, as Markdown tables."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from experiments.figures.all_pairs.gain_tables import mean_with_interval
from experiments.figures.markdown import Row, tabulated
from experiments.study.combinations import FACTORS, Combination
from experiments.study.misses import ATTACKED, StudyTable, effects
from experiments.tables.paper_numbers import PAPER_TABLE_1, PAPER_TABLE_2
from paper_lib.evaluation.plays import play_name

# The factors as the paper's readers call them.
FACTOR_NAMES = {
    "network": "classifier",
    "protocol": "budget",
    "start": "start of the ascent",
    "rows": "rows of the defense",
    "reading": "reading of PGD",
    "points": "points scored",
}
KINDS = ("true", "approximate")


def described(combination: Combination) -> str:
    """Write a combination in one line.

    Args:
        combination: The combination.

    Returns:
        Its choices, in the order of the factors.
    """
    return "; ".join(f"{FACTOR_NAMES[n]}: {getattr(combination, n)}" for n in FACTORS)


@tabulated("llrrrrr")
def declared_table(found: StudyTable, others: StudyTable) -> Iterator[Row]:
    """Set one combination beside the paper's Table 1.

    Args:
        found: The combination on all pairs, with fresh seeds.
        others: The same on the pairs that did not explore.

    Yields:
        Each data set and attacked play: mean and spread over pairs.
    """
    for place, dataset in enumerate(found.datasets):
        for number, play in enumerate(ATTACKED):
            here, apart = (
                table.table_1[0, :, place, number, :, 1] for table in (found, others)
            )
            paper = PAPER_TABLE_1[dataset][play]
            mean, spread = _mean_and_spread(here)
            yield {
                "data set": dataset,
                "play": play_name(play),
                "paper": "{:.1f} ({:.1f})".format(*paper),
                "here": f"{mean:.1f} ({spread:.1f})",
                "over seeds": f"{here.mean(-1).min():.1f} to {here.mean(-1).max():.1f}",
                "the other pairs": "{:.1f} ({:.1f})".format(*_mean_and_spread(apart)),
                "miss of mean and spread": f"{mean - paper[0]:+.1f}, "
                f"{spread - paper[1]:+.1f}",
            }


def _mean_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Take both over pairs, then the mean over seeds."""
    return float(values.mean()), float(values.std(-1, ddof=1).mean())


@tabulated("lrrr")
def declared_table_2(found: StudyTable) -> Iterator[Row]:
    """Set one combination beside the attacked cells of Table 2.

    Args:
        found: The combination, MNIST 0 against 1 among its pairs.

    Yields:
        Each cell: the paper's, the mean over seeds with the span, the difference.
    """
    cells = product(KINDS, ATTACKED)
    for (kind, play), values in zip(cells, found.table_2[0].T, strict=True):
        paper = PAPER_TABLE_2[*play, kind]
        yield {
            "accuracy in percent": f"{kind}: {play_name(play)}",
            "paper": f"{paper:.1f}",
            "here": f"{values.mean():.1f} [{values.min():.1f}, {values.max():.1f}]",
            "difference": f"{values.mean() - paper:+.1f}",
        }


@tabulated()
def effects_table(table: StudyTable) -> Iterator[Row]:
    """Show which factor moves which row of Table 1.

    Args:
        table: Combinations in which every choice meets every other.

    Yields:
        Each factor with several choices: by how much the mean over pairs, and behind it
        the spread, differ at most between two choices, the larger of both data sets.
    """
    for factor, sizes in effects(table).items():
        of_table_1 = sizes[: len(table.datasets) * len(ATTACKED) * 2]
        means, spreads = of_table_1.reshape(-1, len(ATTACKED), 2).max(0).T
        yield {
            "what is chosen": FACTOR_NAMES[factor],
            **{
                play_name(play): f"{mean:.1f} / {spread:.1f}"
                for play, mean, spread in zip(ATTACKED, means, spreads, strict=True)
            },
        }


@tabulated("llrlr")
def choices_table(table: StudyTable) -> Iterator[Row]:
    """Say how near the paper each choice can come, whatever is chosen besides.

    Args:
        table: The combinations.

    Yields:
        Each choice of each factor: the least distance of a combination that has it, and
        the number that this combination misses most.
    """
    for factor in FACTORS:
        choices = np.array([getattr(one, factor) for one in table.combinations])
        for choice in dict.fromkeys(choices.tolist()):
            own = np.flatnonzero(choices == choice)
            best = own[table.distances[own].argmin()]
            worst = np.abs(table.misses[best]).argmax()
            yield {
                "what is chosen": FACTOR_NAMES[factor],
                "choice": choice,
                "least distance": f"{table.distances[best]:.1f}",
                "which number misses most then": table.names[worst],
                "by": f"{table.misses[best][worst]:+.1f}",
            }


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
        defended, alone = (
            means[place, ATTACKED.index((attack, defense)), :, KINDS.index(kind)]
            for defense in ("SMOOTH", "none")
        )
        gains = defended - alone
        yield {
            "data set": dataset,
            "attack": attack,
            "accuracy": kind,
            "mean gain (points)": mean_with_interval(gains.tolist(), found.pairs),
            "pairs that gain": f"{(gains > 0).sum()} of {len(gains)}",
        }
