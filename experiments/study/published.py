"""The rows of the declared combination in the published Table 1."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from experiments.study.combinations import Combination
from experiments.study.misses import KINDS
from experiments.study.study_plan import StudyRun
from experiments.tables.planning import DATASETS
from experiments.tables.summary import DECLARED_AFTER, SummaryRow, cell_columns
from paper_lib.evaluation.plays import PLAYS, Play

# What fits the defense: the ascent on raw rows, those of the attack that it meets.
OWN_ROWS = "ramp, own rows"


def declared_rows(
    runs: Sequence[StudyRun], combination: Combination
) -> Iterator[SummaryRow]:
    """Summarize a combination as Table 1 is summarized.

    Args:
        runs: Its runs, one for each data set and seed.
        combination: The combination.

    Yields:
        A row for each data set, play and accuracy.

    Raises:
        KeyError: If the runs lack a cell.
    """
    for dataset in DATASETS:
        seeds = [run for run in runs if run.key[2] == dataset]
        for play, kind in product(PLAYS, KINDS if seeds else ()):
            yield _row(seeds, combination, play, kind)


def _row(
    runs: Sequence[StudyRun], combination: Combination, play: Play, kind: str
) -> SummaryRow:
    """Summarize one cell."""
    cell, accuracy = combination.cell, KINDS.index(kind)
    values = [
        np.array([one.percents[cell(play, one)][accuracy] for one in run.results])
        for run in runs
    ]
    attack, defense = play
    own = combination.rows == "own" and attack == "PGD"
    return SummaryRow(
        **cell_columns(runs, (*play, kind), values),
        classifier=combination.network,
        pgd_reading=combination.reading if attack == "PGD" else "",
        solver="" if defense == "none" else OWN_ROWS if own else "ramp, raw rows",
        choice=DECLARED_AFTER,
    )
