"""Many runs over one store: load what is there, compute what is missing."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from paper_lib.data import Source
from paper_lib.experiments.pair import PairConfig, run_pair
from paper_lib.experiments.store import (
    SCHEMA,
    save_record,
    settings_digest,
    stored_record,
)


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
        record = stored_record(path, config, schema=SCHEMA, source=source)
        if record is None:
            record = run_pair(
                config, root=root, source=source, device=device, progress=progress
            )
            save_record(record, path)
        records.append(record)
    return records
