"""Table 1 and what it depends on, as Markdown tables of the page on all pairs."""

from collections.abc import Sequence

import numpy as np

from experiments.figures.markdown import markdown_table
from experiments.tables.planning import (
    ALL_PAIRS,
    CLASSIFIERS,
    PRIMARY_READING,
    PRIMARY_SOLVER,
    Line,
)
from experiments.tables.summary import SummaryRow
from experiments.tables.table_1 import LineResult
from paper_lib.evaluation import PLAYS, play_name
from paper_lib.evaluation.plays import Cell, Play

NOT_APPLICABLE = "not applicable"
# How far from the paper the primary choice was to come, in points, by the attack.
GOALS = {"FGM": 3.0, "PGD": 5.0}


def stored_cell(play: Play, accuracy: str = "approximate") -> Cell:
    """Name a play as the records name it, under the primary choice.

    Args:
        play: The attack and the defense.
        accuracy: ``"true"`` or ``"approximate"``.

    Returns:
        The names of attack, defense and accuracy.
    """
    attack, defense = play
    return (
        f"PGD {PRIMARY_READING}" if attack == "PGD" else attack,
        PRIMARY_SOLVER if defense == "SMOOTH" else defense,
        accuracy,
    )


def missing_lines(missing: Sequence[Line]) -> list[str]:
    """Say which runs a store lacks.

    Args:
        missing: The lines of which something is missing.

    Returns:
        A sentence for each classifier, protocol and multiple of the budget.
    """
    seeds: dict[tuple[str, str, float], set[int]] = {}
    for line in missing:
        kind = (line.classifier, line.calibration.protocol, line.multiple)
        seeds.setdefault(kind, set()).add(line.calibration.seed)
    return [
        f"not run yet: classifier {classifier}, {protocol}, {multiple:g} times the "
        f"budget, seeds {sorted(lacking)}"
        for (classifier, protocol, multiple), lacking in seeds.items()
    ]


def calibration_table(results: Sequence[LineResult]) -> str:
    """Say which budgets were set, and how near each came to its target.

    Args:
        results: The lines; those at multiples of the budget are left out.

    Returns:
        The table.
    """
    lines = []
    for result in results:
        if result.line.multiple != 1.0:
            continue
        config = result.line.calibration
        low, *_, high = sorted(result.calibration["budgets"] * 2)
        lines.append(
            [
                config.dataset,
                result.line.classifier,
                config.protocol,
                str(config.seed),
                f"{low:.2f} to {high:.2f}" if low < high else f"{low:.2f}",
                f"{100 * config.target:.1f}",
                _mean_and_spread(100 * np.array(result.calibration["kept"])),
            ]
        )
    header = [
        "data set",
        "classifier",
        "protocol",
        "seed",
        "budget (pixels)",
        "target (%)",
        "reached, mean (spread) over pairs",
    ]
    return markdown_table(header, lines, align="lllrrrr")


def table_1(rows: Sequence[SummaryRow]) -> str:
    """Set the primary choice beside the paper's Table 1.

    Args:
        rows: What ``summarize`` gave.

    Returns:
        The table; the paper's means are over all pairs, so that a difference to them is
        given for all pairs alone.
    """
    lines = []
    for row in rows:
        if not row.primary or row.accuracy != "approximate" or row.paper_mean is None:
            continue
        interval = "one seed" if row.low is None else f"[{row.low:.1f}, {row.high:.1f}]"
        whole = row.pairs == len(ALL_PAIRS)
        lines.append(
            [
                row.dataset,
                play_name((row.attack, row.defense)),
                f"{row.paper_mean:.1f} ({row.paper_std:.1f})",
                _row_text(row),
                interval,
                f"{row.mean - row.paper_mean:+.1f}" if whole else NOT_APPLICABLE,
            ]
        )
    header = ["data set", "play", "paper", "here", "over seeds", "difference"]
    return markdown_table(header, lines, align="llrrrr")


def goal_lines(rows: Sequence[SummaryRow]) -> list[str]:
    """Judge the goals set beforehand for the primary choice.

    Args:
        rows: What ``summarize`` gave.

    Returns:
        A sentence for each cell that had a goal.
    """
    sentences = []
    for row in rows:
        play = (row.attack, row.defense)
        goal = None if play == ("FGM", "none") else GOALS.get(row.attack)
        if goal is None or not row.primary or row.paper_mean is None:
            continue
        gap = row.mean - row.paper_mean
        verdict = "within" if abs(gap) <= goal else "not within"
        judged = f"{gap:+.1f}, {verdict} {goal:.0f} points"
        if row.pairs != len(ALL_PAIRS):
            judged = f"{NOT_APPLICABLE}, the goal is for all {len(ALL_PAIRS)} pairs"
        sentences.append(f"{row.dataset}, {row.attack}, {row.defense}: {judged}")
    return sentences


def cell_table(rows: Sequence[SummaryRow], accuracy: str) -> str:
    """List every cell under every choice.

    Args:
        rows: What ``summarize`` gave.
        accuracy: ``"true"`` or ``"approximate"``.

    Returns:
        The table.
    """
    lines = [
        [
            row.dataset,
            row.classifier,
            row.protocol,
            row.attack + (f", {row.pgd_reading}" if row.pgd_reading else ""),
            row.defense + (f", {row.solver}" if row.solver else ""),
            _row_text(row),
            ""
            if row.paper_mean is None
            else f"{row.paper_mean:.1f} ({row.paper_std:.1f})",
            str(row.seeds),
            "yes" if row.primary else "",
        ]
        for row in rows
        if row.accuracy == accuracy and row.defense in ("none", "SMOOTH")
    ]
    header = [
        "data set",
        "classifier",
        "protocol",
        "attack",
        "defense",
        "here",
        "paper",
        "seeds",
        "primary",
    ]
    return markdown_table(header, lines, align="lllllrrrl")


def classifier_table(rows: Sequence[SummaryRow]) -> str:
    """Show how far each classifier and protocol comes from the paper's means.

    Args:
        rows: What ``summarize`` gave.

    Returns:
        The table, in points of approximate accuracy.
    """
    kinds = [
        (protocol, name)
        for protocol in ("one budget", "margin quantile")
        for name in CLASSIFIERS
    ]
    lines = [
        [
            dataset,
            play_name(play),
            *(_paper_gap(rows, dataset, play, *kind) for kind in kinds),
        ]
        for dataset in dict.fromkeys(row.dataset for row in rows)
        for play in PLAYS
    ]
    titles = [f"{protocol.removeprefix('margin ')}, {name}" for protocol, name in kinds]
    header = ["data set", "play", *titles]
    return markdown_table(header, lines, align="llrrrr")


def _paper_gap(
    rows: Sequence[SummaryRow], dataset: str, play: Play, protocol: str, classifier: str
) -> str:
    """Measure one cell's distance to the paper."""
    for row in rows:
        if (
            (row.dataset, row.attack, row.defense) == (dataset, *play)
            and (row.classifier, row.protocol) == (classifier, protocol)
            and row.pgd_reading in ("", PRIMARY_READING)
            and row.solver in ("", PRIMARY_SOLVER)
            and row.paper_mean is not None
        ):
            whole = row.pairs == len(ALL_PAIRS)
            return f"{row.mean - row.paper_mean:+.1f}" if whole else NOT_APPLICABLE
    return "not run"


def _row_text(row: SummaryRow) -> str:
    return f"{row.mean:.1f} ({row.std:.1f})" if row.pairs > 1 else f"{row.mean:.1f}"


def _mean_and_spread(values: np.ndarray) -> str:
    """Write a mean over pairs; a single pair has no spread."""
    spread = f" ({values.std(ddof=1):.1f})" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"
