"""Many runs over one store: load what is there, compute what is missing."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from paper_lib.data import Source
from paper_lib.experiments.pair import PairConfig, run_pair
from paper_lib.experiments.store import load_record, plain, save_record, settings_digest


def record_name(config: PairConfig) -> str:
    """Name the file of a run: what a reader looks for, and a digest of all settings.

    Args:
        config: The run.

    Returns:
        A file name; two configurations that differ anywhere have different names.
    """
    digest = settings_digest(asdict(config))
    first, second = config.classes
    return f"{config.dataset}-{first}-{second}-seed{config.seed}-{digest}.json"


def load_or_run(
    configs: Sequence[PairConfig],
    folder: str | os.PathLike[str],
    *,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
    progress: bool = False,
) -> list[dict[str, Any]]:
    """Load the records a store has and compute those it lacks.

    Each record is written as soon as its run is done, so a sweep that is stopped
    loses at most the run in flight and goes on from there.

    Args:
        configs: The runs.
        folder: The store; made if it is not there.
        root: Folder of the data, for runs that are missing.
        source: Source of the data, for runs that are missing.
        device: Where to compute.
        progress: Show progress bars.

    Returns:
        One record a configuration, in order.

    Warns:
        UserWarning: If a stored record is damaged, or belongs to other settings or to
            the embedded data where the complete data are asked for, or the other way
            round; it is named, computed again and replaced.
    """
    store = Path(folder)
    store.mkdir(parents=True, exist_ok=True)
    records = []
    for config in tqdm(configs, desc="runs", disable=not progress):
        path = store / record_name(config)
        record = _stored(path, config, source)
        if record is None:
            record = run_pair(
                config, root=root, source=source, device=device, progress=progress
            )
            save_record(record, path)
        records.append(record)
    return records


def _stored(path: Path, config: PairConfig, source: Source) -> dict[str, Any] | None:
    """Load a record if it is there, whole, and answers what is asked."""
    if not path.exists():
        return None
    try:
        record = load_record(path)
        if record.get("config") != plain(asdict(config)):
            raise ValueError(f"{path} holds the result of other settings.")
        found = record.get("provenance", {}).get("data", {}).get("source")
        if (found == "embedded") != (source == "embedded"):
            raise ValueError(
                f"{path} was computed on {found!r} data, not on source={source!r}."
            )
    except ValueError as error:
        warnings.warn(f"{error} It is computed again.", UserWarning, stacklevel=3)
        return None
    return record
