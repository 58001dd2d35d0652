"""Table 1, what it depends on and what a batch moves, as Markdown tables."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from experiments.figures.markdown import (
    NOT_APPLICABLE,
    Row,
    mean_with_spread,
    table_of,
    tabulated,
)
from experiments.tables.groups import GroupResult
from experiments.tables.planning import ALL_PAIRS, PRIMARY_SOLVER, RunGroup, stored_cell
from experiments.tables.summary import SummaryRow
from experiments.tables.table_1 import cell_percents
from paper_lib.evaluation import PLAYS, play_name

# How far from the paper the primary choice was to come, in points.
GOALS = {("FGM", "SMOOTH"): 3.0, ("PGD", "none"): 5.0, ("PGD", "SMOOTH"): 5.0}


def missing_runs(missing: Sequence[RunGroup]) -> list[str]:
    """Say which runs a store lacks.

    Args:
        missing: The groups of which something is missing.

    Returns:
        A sentence for each classifier, protocol and multiple of the budget.
    """
    seeds: dict[tuple[str, str, float], set[int]] = {}
    for group in missing:
        kind = (group.classifier, group.calibration.protocol, group.multiple)
        seeds.setdefault(kind, set()).add(group.calibration.seed)
    return [
        f"not run yet: classifier {classifier}, {protocol}, {multiple:g} times the "
        f"budget, seeds {sorted(lacking)}"
        for (classifier, protocol, multiple), lacking in seeds.items()
    ]


@tabulated("lllrrrr")
def calibration_table(results: Sequence[GroupResult]) -> Iterator[Row]:
    """Say which budgets were set, and how near each came to its target.

    Args:
        results: The groups; those at multiples of the budget are left out.

    Yields:
        Each of the others.
    """
    for result in results:
        if result.group.multiple != 1.0:
            continue
        config, found = result.group.calibration, result.calibration
        low, high = min(found.budgets), max(found.budgets)
        kept = 100 * np.array(found.kept)
        spread = kept.std(ddof=1) if len(kept) > 1 else None
        yield {
            "data set": config.dataset,
            "classifier": result.group.classifier,
            "protocol": config.protocol,
            "seed": config.seed,
            "budget (pixels)": f"{low:.2f}" + (f" to {high:.2f}" if low < high else ""),
            "target (%)": f"{100 * config.target:.1f}",
            "reached, mean (spread) over pairs": mean_with_spread(kept.mean(), spread),
        }


@tabulated("llrrrrl")
def table_1(rows: Sequence[SummaryRow]) -> Iterator[Row]:
    """Set the primary choice beside the paper's Table 1, and judge the goals it had.

    Args:
        rows: What ``summarize`` gave.

    Yields:
        Each cell that the paper has; the paper's means are over all pairs, so that a
        difference to them is given for all pairs alone.
    """
    for row in rows:
        if row.is_primary and row.paper_mean is not None:
            span = "" if row.low is None else f"[{row.low:.1f}, {row.high:.1f}]"
            gap = row.mean - row.paper_mean if row.pairs == len(ALL_PAIRS) else None
            yield {
                "data set": row.dataset,
                "play": play_name((row.attack, row.defense)),
                "paper": mean_with_spread(row.paper_mean, row.paper_std),
                "here": _row_text(row),
                "over seeds": span or "one seed",
                "difference": NOT_APPLICABLE if gap is None else f"{gap:+.1f}",
                "goal": _goal_text(GOALS.get((row.attack, row.defense)), gap),
            }


def _goal_text(goal: float | None, gap: float | None) -> str:
    """Say which distance to the paper was set as the goal, and whether it was met."""
    if goal is None:
        return "none"
    if gap is None:
        return NOT_APPLICABLE
    return f"{goal:.0f} points: {'met' if abs(gap) <= goal else 'missed'}"


@tabulated("lllllrrrl")
def cell_table(rows: Sequence[SummaryRow], accuracy: str) -> Iterator[Row]:
    """List every cell under every choice.

    Args:
        rows: What ``summarize`` gave.
        accuracy: ``"true"`` or ``"approximate"``.

    Yields:
        Each cell of that accuracy.
    """
    for row in rows:
        if row.accuracy == accuracy and row.defense in ("none", "SMOOTH"):
            yield {
                "data set": row.dataset,
                "classifier": row.classifier,
                "protocol": row.protocol,
                "attack": ", ".join(filter(None, (row.attack, row.pgd_reading))),
                "defense": ", ".join(filter(None, (row.defense, row.solver))),
                "here": _row_text(row),
                "paper": mean_with_spread(row.paper_mean, row.paper_std),
                "seeds": row.seeds,
                "choice": row.choice,
            }


def _row_text(row: SummaryRow) -> str:
    return mean_with_spread(row.mean, row.std if row.pairs > 1 else None)


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
    return [
        (one, two)
        for two, one in product(batched, singly)
        if one.batching == "single"
        and one.group.calibration == two.group.calibration
        and one.group.multiple == two.group.multiple
    ]


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
        values = np.array([[cell_percents(x)[cell] for x in both] for both in of_set])
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
    cells = (stored_cell(("FGM", defense)) for defense in ("SMOOTH", "none"))
    smooth, none = (after[cell] - before[cell] for cell in cells)
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
    seconds = dict.fromkeys((one.seed for one in batches), 0.0)
    for one in batches:
        seconds[one.seed] += sum(score.provenance.seconds for score in one.scores)
    return seconds


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
