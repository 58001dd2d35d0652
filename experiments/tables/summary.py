"""The rows of Table 1 from the records of its runs, as they are published."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from experiments.store.keyed import SINGLE
from experiments.store.record_files import save_csv, save_record
from experiments.tables.defenses import SOLVERS
from experiments.tables.groups import GroupResult
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.planning import PRIMARY_READING, PRIMARY_SOLVER
from experiments.tables.table_1 import cell_percents
from paper_lib.evaluation.plays import Cell, Play

DECLARED_FIRST, DECLARED_AFTER = "declared first", "declared after the study"
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
        choice: ``"declared first"``, before any run; ``"declared after the study"``, of
            how the paper may have done it; or empty, for what neither names.
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
    choice: str
    paper_mean: float | None
    paper_std: float | None

    @property
    def is_primary(self) -> bool:
        """Whether this was declared before any run."""
        return self.choice == DECLARED_FIRST


def summarize(results: Sequence[GroupResult]) -> tuple[SummaryRow, ...]:
    """Bring the groups of a plan together, those that differ in their seed as one.

    Args:
        results: What ``run_plan`` gave; those at multiples of the budget are left out.

    Returns:
        A row for each data set, protocol, classifier and cell.

    Raises:
        ValueError: If some were computed one by one and others in batches.
    """
    if len({result.batching == SINGLE for result in results}) > 1:
        raise ValueError(
            "results must all be of single runs or all of batches, got "
            f"{sorted({result.batching for result in results})}."
        )
    kinds: dict[tuple, list[GroupResult]] = {}
    for result in results:
        if result.group.multiple == 1.0:
            kinds.setdefault(result.group.kind, []).append(result)
    return tuple(row for members in kinds.values() for row in _rows(members))


def _rows(members: Sequence[GroupResult]) -> Iterator[SummaryRow]:
    """Summarize the seeds of one kind, cell by cell."""
    by_seed = [(result, cell_percents(result)) for result in members]
    for cell in dict.fromkeys(cell for _, cells in by_seed for cell in cells):
        held = [(result, cells[cell]) for result, cells in by_seed if cell in cells]
        yield _row(cell, [result for result, _ in held], [values for _, values in held])


def _row(
    cell: Cell, results: Sequence[GroupResult], values: Sequence[np.ndarray]
) -> SummaryRow:
    """Summarize one cell."""
    group = results[0].group
    play, names = _names(cell)
    is_primary = (
        group.is_primary
        and names["pgd_reading"] in ("", PRIMARY_READING)
        and names["solver"] in ("", PRIMARY_SOLVER)
    )
    return SummaryRow(
        **cell_columns(results, (*play, cell[2]), values),
        **names,
        classifier=group.classifier,
        choice=DECLARED_FIRST if is_primary else "",
    )


def cell_columns(
    results: Sequence[GroupResult],
    cell: Cell,
    values: Sequence[Float[np.ndarray, " pairs"]],
) -> dict[str, Any]:
    """Summarize a cell, of which each seed has a value for every pair.

    Args:
        results: The group of each seed.
        cell: Attack, defense and accuracy, as the paper names them.
        values: For each seed, in percent.

    Returns:
        What a :class:`SummaryRow` says of them: mean, spread, interval, how many, at
        which budget, and what the paper's Table 1 says, which has approximate accuracy
        only; None where something says nothing.
    """
    means = np.array([value.mean() for value in values])
    num, pairs = len(values), len(values[0])
    low, high = None, None
    if num > 1:
        half = stats.t.ppf(0.975, num - 1) * means.std(ddof=1) / np.sqrt(num)
        low, high = float(means.mean() - half), float(means.mean() + half)
    config = results[0].group.calibration
    shared = config.protocol == "one budget"
    budgets = [result.calibration.budgets[0] for result in results]
    trained = [score.sizes["train"] for score in results[0].scores]
    attack, defense, accuracy = cell
    known = PAPER_TABLE_1[config.dataset] if accuracy == "approximate" else {}
    paper_mean, paper_std = known.get((attack, defense), (None, None))
    return {
        "dataset": config.dataset,
        "protocol": config.protocol,
        "attack": attack,
        "defense": defense,
        "accuracy": accuracy,
        "mean": float(means.mean()),
        "std": float(np.mean([v.std(ddof=1) for v in values])) if pairs > 1 else 0.0,
        "low": low,
        "high": high,
        "pairs": pairs,
        "seeds": num,
        "epsilon": float(np.mean(budgets)) if shared else None,
        "quantile": None if shared else round(1.0 - config.target, 6),
        "n_train": round(np.mean(trained)),
        "n_fit": config.num_fit,
        "paper_mean": paper_mean,
        "paper_std": paper_std,
    }


def _names(cell: Cell) -> tuple[Play, dict[str, Any]]:
    """Translate the names of a record into those of the paper, and what they leave."""
    attack, _, reading = cell[0].partition(" ")
    defense, _, kind = cell[1].partition(", ")
    if cell[1] in SOLVERS:
        defense, kind = "SMOOTH", cell[1]
    return (attack, defense), {"pgd_reading": reading, "solver": kind}


def write_csv(rows: Sequence[SummaryRow], path: str | os.PathLike[str]) -> None:
    """Write rows as a table of comma-separated values, whole or not at all.

    Args:
        rows: The rows.
        path: The file to write or replace; its folder must exist.
    """
    header = [field.name for field in fields(SummaryRow)]
    save_csv([header, *(astuple(row) for row in rows)], path, decimals=4)


def write_manifest(
    results: Sequence[GroupResult], store: str | os.PathLike[str]
) -> dict[str, Any]:
    """List the files of a run with their checksums, and what they were computed with.

    Args:
        results: What ``run_plan`` gave.
        store: The folder of its records.

    Returns:
        The manifest, as written to ``manifest.json`` in the store.
    """
    folder = Path(store)
    names = sorted({name for result in results for name in result.names})
    origins = [score.provenance for result in results for score in result.scores]
    manifest = {
        "schema": MANIFEST_SCHEMA,
        "files": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in names
        },
        "runs": len(origins),
        "seconds": round(sum(one.seconds for one in origins), 1),
        "devices": sorted({one.device for one in origins}),
        "processors": sorted({f"{one.processor} {one.kernels}" for one in origins}),
        "torch": sorted({one.versions["torch"] for one in origins}),
    }
    save_record(manifest, folder / "manifest.json")
    return manifest
