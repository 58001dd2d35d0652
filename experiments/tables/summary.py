"""The rows of Table 1 from the records of its runs, as they are published."""

import csv
import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from experiments.store.record_files import save_bytes, save_record
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.planning import (
    PRIMARY_CLASSIFIER,
    PRIMARY_PROTOCOL,
    PRIMARY_READING,
    PRIMARY_SOLVER,
)
from experiments.tables.reports import rows_of
from experiments.tables.table_1 import LineResult
from paper_lib.evaluation.plays import Cell

MANIFEST_SCHEMA = "paper-lib/manifest/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SummaryRow:
    """One cell of Table 1 over the pairs of a data set.

    Attributes:
        dataset: The data set.
        protocol: How the budget was set.
        classifier: Name of the classifier.
        pgd_reading: The reading of PGD; empty where the attack is another.
        attack: ``"none"``, ``"FGM"`` or ``"PGD"``.
        defense: ``"none"``, ``"SMOOTH"``, ``"uniform"`` or ``"gaussian"``.
        solver: What fitted SMOOTH; one draw or a vote of isotropic ones; else empty.
        accuracy: ``"true"`` or ``"approximate"``.
        mean: Mean over pairs, then over seeds, in percent.
        std: Standard deviation over the pairs of a seed, the mean over seeds.
        low: Lower end of the 95% t-interval of the mean over seeds; None for one seed.
        high: Its upper end.
        epsilon: The budget, the mean over seeds; None where each pair has its own.
        quantile: The quantile of the margins that is each pair's budget, or None.
        n_train: Training images of a pair, the mean.
        n_fit: How many of them the defense is fitted on, at most.
        pairs: How many pairs.
        seeds: How many seeds.
        primary: Whether this was declared primary before the run.
        paper_mean: What the paper reports, or None.
        paper_std: What it calls the variance, or None.
    """

    dataset: str
    protocol: str
    classifier: str
    pgd_reading: str
    attack: str
    defense: str
    solver: str
    accuracy: str
    mean: float
    std: float
    low: float | None
    high: float | None
    epsilon: float | None
    quantile: float | None
    n_train: int
    n_fit: int
    pairs: int
    seeds: int
    primary: bool
    paper_mean: float | None
    paper_std: float | None


def summarize(results: Sequence[LineResult]) -> tuple[SummaryRow, ...]:
    """Bring the lines of a plan together, those that differ in their seed as one.

    Args:
        results: What ``run_lines`` gave; lines at multiples of the budget are left out.

    Returns:
        A row for each data set, protocol, classifier and cell.

    Raises:
        ValueError: If some were computed one by one and others in batches.
    """
    if len({result.path == "single" for result in results}) > 1:
        raise ValueError(
            "results must all be of single runs or all of batches, got "
            f"{sorted({result.path for result in results})}."
        )
    groups: dict[tuple[str, str, str], list[LineResult]] = {}
    for result in results:
        if result.line.multiple != 1.0:
            continue
        config = result.line.calibration
        key = (config.dataset, config.protocol, result.line.classifier)
        groups.setdefault(key, []).append(result)
    return tuple(row for members in groups.values() for row in _group_rows(members))


def primary_results(results: Sequence[LineResult], seed: int) -> dict[str, LineResult]:
    """Pick the primary choice among the lines of a plan.

    Args:
        results: What ``run_lines`` gave.
        seed: The seed to take it at.

    Returns:
        The line of each data set that has one, under its name.
    """
    return {
        result.line.calibration.dataset: result
        for result in results
        if result.line.classifier == PRIMARY_CLASSIFIER
        and result.line.calibration.protocol == PRIMARY_PROTOCOL
        and result.line.calibration.seed == seed
        and result.line.multiple == 1.0
    }


def cell_percents(result: LineResult) -> dict[Cell, np.ndarray]:
    """Collect each cell over the pairs of a line.

    Args:
        result: A line with its records.

    Returns:
        For each attack, defense and accuracy, as the records name them, the accuracy
        of every pair in percent, in the order of the pairs.
    """
    cells: dict[Cell, list[float]] = {}
    for record in result.scores:
        for row in rows_of(record):
            key = (row.attack, row.defense, row.accuracy)
            cells.setdefault(key, []).append(row.percent)
    return {cell: np.array(values) for cell, values in cells.items()}


def _group_rows(members: Sequence[LineResult]) -> Iterator[SummaryRow]:
    """Summarize the seeds of one data set, protocol and classifier."""
    by_seed = [cell_percents(result) for result in members]
    for cell in dict.fromkeys(cell for cells in by_seed for cell in cells):
        chosen = [
            (result, cells[cell])
            for result, cells in zip(members, by_seed, strict=True)
            if cell in cells
        ]
        yield _row(cell, [result for result, _ in chosen], [v for _, v in chosen])


def _row(
    cell: Cell, results: Sequence[LineResult], values: Sequence[np.ndarray]
) -> SummaryRow:
    """Summarize one cell."""
    line, config = results[0].line, results[0].line.calibration
    means = np.array([value.mean() for value in values])
    names = _names(cell)
    low, high = _t_interval(means)
    shared = config.protocol == "one budget"
    paper = _paper(config.dataset, names, cell[2])
    budgets = [result.calibration["budgets"][0] for result in results]
    sizes = [record["sizes"]["train"] for record in results[0].scores]
    return SummaryRow(
        dataset=config.dataset,
        protocol=config.protocol,
        classifier=line.classifier,
        **names,
        accuracy=cell[2],
        mean=float(means.mean()),
        std=float(np.mean([value.std(ddof=1) for value in values]))
        if len(values[0]) > 1
        else 0.0,
        low=low,
        high=high,
        epsilon=float(np.mean(budgets)) if shared else None,
        quantile=None if shared else round(1.0 - config.target, 6),
        n_train=round(float(np.mean(sizes))),
        n_fit=config.num_fit,
        pairs=len(config.pairs),
        seeds=len(results),
        primary=(
            line.classifier == PRIMARY_CLASSIFIER
            and config.protocol == PRIMARY_PROTOCOL
            and names["pgd_reading"] in ("", PRIMARY_READING)
            and names["solver"] in ("", PRIMARY_SOLVER)
        ),
        paper_mean=paper[0],
        paper_std=paper[1],
    )


def _names(cell: Cell) -> dict[str, str]:
    """Translate the names of a record into the columns of the table."""
    attack, _, reading = cell[0].partition(" ")
    defense, _, kind = cell[1].partition(", ")
    if cell[1] == "none" or defense in ("uniform", "gaussian"):
        solver = kind
    else:
        defense, solver = "SMOOTH", cell[1]
    return {
        "pgd_reading": reading,
        "attack": attack,
        "defense": defense,
        "solver": solver,
    }


def _paper(
    dataset: str, names: Mapping[str, str], accuracy: str
) -> tuple[float | None, float | None]:
    """Look a cell up in the paper, which has approximate accuracies only."""
    play = (names["attack"], names["defense"])
    if accuracy != "approximate" or play not in PAPER_TABLE_1[dataset]:
        return None, None
    return PAPER_TABLE_1[dataset][play]


def _t_interval(means: np.ndarray) -> tuple[float | None, float | None]:
    """Compute a 95% interval for the mean over seeds."""
    num = len(means)
    if num < 2:
        return None, None
    half = stats.t.ppf(0.975, num - 1) * means.std(ddof=1) / np.sqrt(num)
    return float(means.mean() - half), float(means.mean() + half)


def write_csv(rows: Sequence[SummaryRow], path: str | os.PathLike[str]) -> None:
    """Write rows as a table of comma-separated values, whole or not at all.

    Args:
        rows: The rows.
        path: The file to write or replace; its folder must exist.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text, [field.name for field in fields(SummaryRow)], lineterminator="\n"
    )
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: f"{value:.4f}" if isinstance(value, float) else value
                for name, value in asdict(row).items()
            }
        )
    save_bytes(text.getvalue().encode(), path)


def write_manifest(
    results: Sequence[LineResult], store: str | os.PathLike[str]
) -> dict[str, Any]:
    """List the files of a run with their checksums, and what they were computed with.

    Args:
        results: What ``run_lines`` gave.
        store: The folder of its records.

    Returns:
        The manifest, as written to ``manifest.json`` in the store.
    """
    folder = Path(store)
    names = sorted({name for result in results for name in result.names})
    scores = [record for result in results for record in result.scores]
    manifest = {
        "schema": MANIFEST_SCHEMA,
        "files": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in names
        },
        "runs": len(scores),
        "seconds": round(sum(r["provenance"]["seconds"] for r in scores), 1),
        "devices": sorted({r["provenance"]["device"] for r in scores}),
        "processors": sorted(
            {
                f"{r['provenance']['processor']} {r['provenance']['kernels']}"
                for r in scores
            }
        ),
        "torch": sorted({r["provenance"]["versions"]["torch"] for r in scores}),
    }
    save_record(manifest, folder / "manifest.json")
    return manifest
