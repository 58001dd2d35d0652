"""What a store lacks of many runs is computed through any executor, and kept."""

import os
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from experiments.store.keyed import Run, Store, open_store
from experiments.store.pair_settings import Site
from experiments.sweep.runner import InProcess, SweepError, Task, only_writer, run_tasks
from paper_lib.data.pairs import Source

Result = TypeVar("Result")


def load_or_compute(
    runs: Sequence[Run[Result]],
    place: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    root: str | None = None,
    source: Source = "auto",
    compute: bool = True,
    progress: bool = False,
) -> list[Result]:
    """Load the records a store has and compute those it lacks.

    Every record is written as soon as its run is done, so a sweep that is stopped loses
    the runs in flight and goes on from there.

    Args:
        runs: The runs.
        place: The folder of the records, made if something is missing; or one
            ``.json`` file that holds all.
        executor: Where to run what is missing; None: in this process.
        root: Folder of the data, for runs that are missing.
        source: Source of the data; a record of other data is computed again.
        compute: Compute what is missing; otherwise it is an error.
        progress: Show a progress bar.

    Returns:
        What each record says, in order.

    Raises:
        FileNotFoundError: If something is missing that is not to be computed.
        ValueError: If one file holds all and is damaged or of another schema.
        SweepError: If a run failed, the store cannot be written to although something
            is missing, or another sweep writes to it.

    Warns:
        UserWarning: If a stored record is damaged, or of another schema, settings or
            data; it is named, and computed again and replaced if ``compute`` says so.
    """
    store = open_store(place, source=source, compute=compute)
    found = [store.load(run) for run in runs]
    wanted = [run for run, result in zip(runs, found, strict=True) if result is None]
    if wanted and not compute:
        names = ", ".join(run.record_name() for run in wanted)
        raise FileNotFoundError(
            f"store must hold every record, but {place} lacks {names}; compute=True "
            "runs what is missing."
        )
    if wanted:
        site = Site(root=root, source=source)
        with only_writer(store.folder):
            run_tasks(
                (_task(run, store, site) for run in wanted),
                executor or InProcess(),
                total=len(wanted),
                title="runs",
                progress=progress,
            )
        found = [store.load(run) for run in runs]
    results = [result for result in found if result is not None]
    if len(results) != len(runs):
        raise SweepError(f"records in {place} vanished while they were written.")
    return results


def _task(run: Run, store: Store, site: Site) -> Task:
    return Task(
        label=run.label,
        call=partial(run.run, site),
        keep=lambda record: store.save(record, run),
    )
