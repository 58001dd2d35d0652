"""The same groups computed pair by pair and as batches, as Markdown tables."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from experiments.figures.markdown import Row, table_of, tabulated
from experiments.tables.group_results import GroupResult, cell_percents
from experiments.tables.planning import PRIMARY_SOLVER, stored_cell
from paper_lib.evaluation import PLAYS, play_name

# A group computed pair by pair, and in a batch.
Twice = tuple[GroupResult, GroupResult]


def computed_twice(
    singly: Sequence[GroupResult], batched: Sequence[GroupResult]
) -> list[Twice]:
    """Match the groups that were computed pair by pair and once more in a batch.

    Args:
        singly: Groups of single runs.
        batched: Groups of batches.

    Returns:
        Both results of each group, in the order of the batches.
    """
    alone = {
        (one.group.calibration, one.group.multiple): one
        for one in singly
        if one.batching == "single"
    }
    found = [alone.get((one.group.calibration, one.group.multiple)) for one in batched]
    return [(one, two) for one, two in zip(found, batched, strict=True) if one]


@tabulated("llrrrrrr")
def computed_twice_table(twice: Sequence[Twice]) -> Iterator[Row]:
    """Show how far the primary table moves between the two computations.

    Args:
        twice: What ``computed_twice`` gave.

    Yields:
        For each data set and play, means, and differences over seeds and over pairs.
    """
    datasets = dict.fromkeys(both[0].dataset for both in twice)
    for dataset, play in product(datasets, PLAYS):
        cell = stored_cell(play)
        of_set = [both for both in twice if both[0].dataset == dataset]
        values = np.array(
            [[cell_percents(one)[cell] for one in both] for both in of_set]
        )
        here, there = values.mean(axis=(0, 2))
        gaps = values[:, 1] - values[:, 0]
        by_seed, by_pair = gaps.mean(axis=1), np.abs(gaps)
        yield {
            "data set": dataset,
            "play": play_name(play),
            "one by one": f"{here:.1f}",
            "batch on a GPU": f"{there:.1f}",
            "difference": f"{there - here:+.2f}",
            "of single seeds": f"{by_seed.min():+.2f} to {by_seed.max():+.2f}",
            "of a pair, 95%": f"{np.percentile(by_pair, 95):.1f}",
            "of a pair, largest": f"{by_pair.max():.1f}",
        }


def moved_table(twice: Sequence[Twice], *, num: int = 4, far: float = 3.0) -> str:
    """List the single runs whose row FGM, SMOOTH moves most between the two.

    Args:
        twice: What ``computed_twice`` gave.
        num: How many to list.
        far: A difference, in points; how many runs exceed it is said first.

    Returns:
        A sentence and the table.
    """
    runs = [run for both in twice for run in _moves(both)]
    runs.sort(key=lambda run: -abs(run[0]))
    beyond = sum(abs(gap) > far for gap, _ in runs)
    table = table_of([row for _, row in runs[:num]], align="lllrrrr")
    said = f"Runs that move by more than {far:g} points: {beyond} of {len(runs)}."
    return f"{said}\n\n{table}"


def _moves(both: Twice) -> Iterator[tuple[float, Row]]:
    """Give the move of each pair of a group, with its row."""
    before, after = map(cell_percents, both)
    smooth, none = (
        after[cell] - before[cell]
        for cell in (stored_cell(("FGM", "SMOOTH")), stored_cell(("FGM", "none")))
    )
    fits = ([score.defenses[PRIMARY_SOLVER] for score in one.scores] for one in both)
    alone, batch = ([100 * fit.train_coverage for fit in one] for one in fits)
    for place, (first, second) in enumerate(both[0].pairs):
        row = {
            "data set": both[0].dataset,
            "classes": f"{first}-{second}",
            "seed": both[0].seed,
            "difference, SMOOTH": f"{smooth[place]:+.1f}",
            "difference, no defense": f"{none[place]:+.1f}",
            "coverage when fitted, one by one": f"{alone[place]:.1f}",
            "batch": f"{batch[place]:.1f}",
        }
        yield float(smooth[place]), row


def seconds_by_seed(batches: Sequence[GroupResult]) -> dict[int, float]:
    """Add up what the accuracies of a seed took, all data sets and pairs together.

    Args:
        batches: Groups.

    Returns:
        Seconds for each seed, as the records have them: without training, without
        reading the data and without what starts before the first run.
    """
    seconds: defaultdict[int, float] = defaultdict(float)
    for one in batches:
        for score in one.scores:
            seconds[one.seed] += score.provenance.seconds
    return dict(seconds)


def seconds_line(batches: Sequence[GroupResult]) -> str:
    """Say how long scoring took on which device.

    Args:
        batches: Groups of batches, at least one.

    Returns:
        A sentence.
    """
    seconds = seconds_by_seed(batches).values()
    devices = ", ".join({one.scores[0].provenance.device for one in batches})
    return (
        f"on {devices}: scoring a seed took {min(seconds):.1f} to "
        f"{max(seconds):.1f} seconds, training and start not counted"
    )
