"""Table 2 over seeds, classifiers and readings of PGD, as Markdown tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.figures.markdown import markdown_table
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.reports import table_rows
from paper_lib.attacks import PGD_READINGS
from paper_lib.evaluation import percents, play_name
from paper_lib.evaluation.plays import Cell

# Records of one classifier, a seed each, under the classifier's name.
Runs = Mapping[str, Sequence[Mapping[str, Any]]]
# How far from the paper approximate accuracy with SMOOTH was to come, in points.
GOALS_TABLE_2 = {"FGM": 5.0, "PGD": 8.0}


def seed_goal_table(runs: Runs, reading: str = "literal") -> str:
    """Judge the goals that were set for Table 2 before the run, seed by seed.

    Args:
        runs: The records of each classifier.
        reading: The reading of PGD.

    Returns:
        The table.
    """
    lines = []
    for name, records in runs.items():
        for attack, goal in GOALS_TABLE_2.items():
            cell = (attack, "SMOOTH", "approximate")
            gaps = [
                value - PAPER_TABLE_2[cell] for value in _values(records, reading, cell)
            ]
            lines.append(
                [
                    f"{name}: {attack}, SMOOTH",
                    ", ".join(f"{gap:+.1f}" for gap in gaps),
                    f"{goal:.0f}",
                    f"{sum(abs(gap) <= goal for gap in gaps)} of {len(gaps)}",
                ]
            )
    header = ["approximate accuracy", "difference by seed", "goal", "seeds within"]
    return markdown_table(header, lines)


def reading_table(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Set all readings of PGD beside the paper's Table 2, for one classifier.

    Args:
        name: The classifier's name.
        records: Its records.

    Returns:
        The table: means over seeds, with the smallest and largest.
    """
    lines = []
    for cell, printed in PAPER_TABLE_2.items():
        line = [_cell_name(cell), f"{printed:.1f}"]
        for reading in PGD_READINGS:
            values = _values(records, reading, cell)
            span = f" [{min(values):.1f}, {max(values):.1f}]" if len(values) > 1 else ""
            line.append(f"{sum(values) / len(values):.1f}{span}")
        lines.append(line)
    return markdown_table([name, "paper", *PGD_READINGS], lines)


def outside_table(runs: Runs) -> str:
    """List the cells of Table 2 that lie outside what the seeds span.

    Args:
        runs: The records of each classifier.

    Returns:
        The table, a line for each classifier and reading.
    """
    lines = []
    for name, records in runs.items():
        for reading in PGD_READINGS:
            outside = [
                f"{cell[2]} {play_name(cell[:2])}"
                for cell, printed in PAPER_TABLE_2.items()
                if not _spans(_values(records, reading, cell), printed)
            ]
            within = f"{len(PAPER_TABLE_2) - len(outside)} of {len(PAPER_TABLE_2)}"
            lines.append([f"{name}, {reading}", within, "; ".join(outside)])
    header = ["classifier, reading", "within the seeds", "outside"]
    return markdown_table(header, lines, align="lll")


def origin_table(runs: Runs) -> str:
    """Say with what each record was computed.

    Args:
        runs: The records of each classifier.

    Returns:
        The table.
    """
    lines = [
        [
            f"{name}, seed {record['config']['seed']}",
            f"{record['epsilon']:.3f}",
            str(record["sizes"]["train"]),
            str(record["sizes"]["test"]),
            record["provenance"]["versions"]["torch"],
            record["provenance"]["device"],
            f"{record['provenance']['seconds']:.0f}",
        ]
        for name, records in runs.items()
        for record in records
    ]
    header = ["run", "budget", "training points", "test points"]
    return markdown_table([*header, "torch", "device", "seconds"], lines)


def dead_zone_table(curve: Sequence[Mapping[str, Any]], reading: str) -> str:
    """Show where the ascent ends as the budget grows.

    Args:
        curve: A record's ``"curve"``.
        reading: The reading of PGD it holds.

    Returns:
        The table.
    """
    cell = ("FGM", "SMOOTH", "approximate")
    lines = [
        [
            f"{point['epsilon']:.2f}",
            f"{percents(table_rows(point, reading))[cell]:.1f}",
            str(fitted["steps"]),
            "yes" if fitted["in_dead_zone"] else "no",
        ]
        for point in curve
        for fitted in point["defenses"].values()
    ]
    header = ["budget", "FGM, SMOOTH, approximate (%)", "steps taken", "gradient zero"]
    return markdown_table(header, lines)


def _values(
    records: Sequence[Mapping[str, Any]], reading: str, cell: Cell
) -> list[float]:
    """Read one cell of each record, in percent."""
    return [percents(table_rows(record["score"], reading))[cell] for record in records]


def _spans(values: Sequence[float], value: float) -> bool:
    return min(values) <= value <= max(values)


def _cell_name(cell: Cell) -> str:
    return f"{cell[2]}: {play_name(cell[:2])}"
