"""The same lines computed pair by pair and as batches, as Markdown tables."""

from collections.abc import Sequence

import numpy as np

from experiments.figures.all_pairs.pair_tables import stored_cell
from experiments.figures.markdown import markdown_table
from experiments.tables.planning import PRIMARY_SOLVER
from experiments.tables.summary import cell_percents
from experiments.tables.table_1 import LineResult
from paper_lib.evaluation import PLAYS, play_name

Both = tuple[LineResult, LineResult]


def both_paths(
    singly: Sequence[LineResult], batched: Sequence[LineResult]
) -> list[Both]:
    """Match the lines that were computed pair by pair and once more in a batch.

    Args:
        singly: Lines of single runs.
        batched: Lines of batches.

    Returns:
        Both results of each line, in the order of the batches.
    """
    alone = {
        (one.line.classifier, one.line.calibration, one.line.multiple): one
        for one in singly
        if one.path == "single"
    }
    keys = [
        (one.line.classifier, one.line.calibration, one.line.multiple)
        for one in batched
    ]
    return [
        (alone[key], one)
        for key, one in zip(keys, batched, strict=True)
        if key in alone
    ]


def both_paths_table(twice: Sequence[Both]) -> str:
    """Show how far the primary table moves between the two paths.

    Args:
        twice: What ``both_paths`` gave.

    Returns:
        The table: means, and differences over seeds and over pairs.
    """
    lines = []
    by_dataset: dict[str, list[Both]] = {}
    for both in twice:
        by_dataset.setdefault(both[0].line.calibration.dataset, []).append(both)
    for dataset, members in by_dataset.items():
        for play in PLAYS:
            cell = stored_cell(play)
            values = np.array(
                [[cell_percents(one)[cell] for one in both] for both in members]
            )
            here, there = values.mean(axis=(0, 2))
            gaps = values[:, 1] - values[:, 0]
            by_seed, by_pair = gaps.mean(axis=1), np.abs(gaps)
            lines.append(
                [
                    dataset,
                    play_name(play),
                    f"{here:.1f}",
                    f"{there:.1f}",
                    f"{there - here:+.2f}",
                    f"{by_seed.min():+.2f} to {by_seed.max():+.2f}",
                    f"{np.percentile(by_pair, 95):.1f}",
                    f"{by_pair.max():.1f}",
                ]
            )
    header = [
        "data set",
        "play",
        "one by one",
        "batch on a GPU",
        "difference",
        "of single seeds",
        "of a pair, 95%",
        "of a pair, largest",
    ]
    return markdown_table(header, lines, align="llrrrrrr")


def moved_table(twice: Sequence[Both], *, num: int = 4, far: float = 3.0) -> str:
    """List the single runs whose row FGM, SMOOTH moves most between the two paths.

    Args:
        twice: What ``both_paths`` gave.
        num: How many to list.
        far: A difference, in points; how many runs exceed it is said first.

    Returns:
        A sentence and the table.
    """
    runs = sorted(
        (run for both in twice for run in _moves(both)), key=lambda run: -abs(run[0])
    )
    header = [
        "data set",
        "classes",
        "seed",
        "difference, SMOOTH",
        "difference, no defense",
        "coverage when fitted, one by one",
        "batch",
    ]
    beyond = sum(abs(gap) > far for gap, _ in runs)
    table = markdown_table(header, [line for _, line in runs[:num]], align="lllrrrr")
    said = f"Runs that move by more than {far:g} points: {beyond} of {len(runs)}."
    return f"{said}\n\n{table}"


def _moves(both: Both) -> list[tuple[float, list[str]]]:
    """Give the move of each pair of a line, with the cells of its row."""
    alone, batch = both
    config = alone.line.calibration
    cells = [stored_cell(("FGM", defense)) for defense in ("SMOOTH", "none")]
    smooth, none = (cell_percents(batch)[c] - cell_percents(alone)[c] for c in cells)
    fits = zip(alone.scores, batch.scores, strict=True)
    return [
        (
            float(gap),
            [
                config.dataset,
                f"{pair[0]}-{pair[1]}",
                str(config.seed),
                f"{gap:+.1f}",
                f"{other:+.1f}",
                *(
                    f"{100 * one['defenses'][PRIMARY_SOLVER]['train_coverage']:.1f}"
                    for one in fitted
                ),
            ],
        )
        for pair, gap, other, fitted in zip(
            config.pairs, smooth, none, fits, strict=True
        )
    ]
