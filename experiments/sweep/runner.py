"""Many independent tasks through any executor, each result kept as soon as it is there.

Only the driver writes. What it has written stays whatever happens to a worker, to the
driver or to another task, so a sweep that is run again goes on where it was.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from experiments.store.provenance import signature
from experiments.sweep.cluster import (
    PATIENCE,
    Cluster,
    ForeignWorkerError,
    connected,
    refuse_foreign,
    sign,
)
from experiments.sweep.locks import holding
from paper_lib.checks import check_count

# Submitted and not yet done, at most: enough for the executor never to wait, few
# enough that arguments are not all in memory.
_IN_FLIGHT = 32
# Tasks that a message names.
_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A call to make somewhere.

    Attributes:
        label: What a person calls it.
        call: The function and its arguments; has to travel to the executor's workers.
        keep: What to do with the result, here.
    """

    label: str
    call: Callable[[], Any]
    keep: Callable[[Any], None]


class SweepError(RuntimeError):
    """Some runs of a sweep failed; the others are kept."""


class InProcess(Executor):
    """An executor that makes each call at once, in this process."""

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Make a call.

        Args:
            fn: The function.
            *args: Its arguments.
            **kwargs: Its named arguments.

        Returns:
            A future that is done.
        """
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def process_pool(workers: int) -> futures.ProcessPoolExecutor:
    """Make a pool of processes with one torch thread each.

    Args:
        workers: How many processes.

    Returns:
        The pool; new processes, so that no state of this one decides a result.

    Raises:
        TypeError: If ``workers`` is no integer.
        ValueError: If there is no worker.
    """
    check_count(workers, "workers", 1)
    start, prepare = get_context("spawn"), torch.set_num_threads
    return futures.ProcessPoolExecutor(workers, start, prepare, (1,))


def executor_for(
    workers: int = 2, scheduler: str | None = None
) -> contextlib.AbstractContextManager[Executor]:
    """Give the executor of a sweep, which a ``with`` statement closes at the end.

    Args:
        workers: Processes on this machine; 0: this process alone.
        scheduler: Address of a Dask scheduler, ``tcp://host:port``, whose workers are
            taken instead; None: none.

    Returns:
        What a ``with`` statement takes the executor from.

    Raises:
        TypeError: If ``workers`` is no integer.
        ValueError: If ``workers`` is negative, or ``scheduler`` no address.
        ImportError: If a scheduler is named and ``distributed`` is not installed.
        OSError: If the scheduler does not answer.
    """
    if scheduler:
        return connected(scheduler)
    if check_count(workers, "workers", 0) == 0:
        return InProcess()
    return process_pool(workers)


def run_tasks(
    tasks: Iterable[Task],
    executor: Executor,
    *,
    total: int,
    title: str,
    progress: bool = False,
) -> None:
    """Run tasks and keep each result as it comes.

    What a worker of other code or another torch computed is not kept, and ends the
    sweep: each job says what ran it, before it begins.

    Args:
        tasks: The tasks; taken one by one as there is room for them.
        executor: Where to run them.
        total: How many there are.
        title: What the progress bar calls them.
        progress: Show the bar, with an estimate of the time left.

    Raises:
        SweepError: After all others are done, if some failed, whose names it says; at
            once, if the workers or their scheduler are gone, or one runs other code.

    Warns:
        UserWarning: If a cluster has no worker; the tasks wait for one.
    """
    waiting: dict[Future, Task] = {}
    failed: dict[str, BaseException] = {}
    num_kept = 0
    cluster = Cluster.behind(executor)
    with tqdm(total=total, desc=title, unit="run", disable=not progress) as bar:
        try:
            for done in _as_done(iter(tasks), executor, cluster, waiting):
                # Those that ended well first: the others may end the sweep.
                for future in sorted(done, key=_is_broken):
                    num_kept += _settle(future, waiting[future], failed)
                    del waiting[future]
                    bar.update()
        except (BrokenExecutor, CancelledError) as error:
            reason = f"{cluster} is lost" if cluster else "the workers are gone"
            reason = str(error) if isinstance(error, ForeignWorkerError) else reason
            lost = _some([task.label for task in waiting.values()])
            raise SweepError(
                f"{reason} while {title} were run, with {lost} in flight; {num_kept} "
                f"of {total} are kept, run the sweep again to go on."
            ) from error
        finally:
            for future in waiting:
                future.cancel()
    if failed:
        first = next(iter(failed.values()))
        raise SweepError(
            f"{len(failed)} of {total} {title} failed, the others are kept: "
            + _causes(failed)
        ) from first


def _as_done(
    tasks: Iterator[Task],
    executor: Executor,
    cluster: Cluster | None,
    waiting: dict[Future, Task],
) -> Iterator[set[Future]]:
    """Submit tasks as there is room, and give those that are done, until all are."""
    room = 1 if isinstance(executor, InProcess) else _IN_FLIGHT
    patience = PATIENCE if cluster else None
    while True:
        if cluster:
            cluster.check(len(waiting))
        for task in tasks:
            waiting[_submit(executor, cluster, task)] = task
            if len(waiting) >= room:
                break
        if not waiting:
            return
        yield futures.wait(waiting, patience, futures.FIRST_COMPLETED).done


def _submit(executor: Executor, cluster: Cluster | None, task: Task) -> Future:
    """Hand a task over; a client that lost its scheduler fails in ways of its own."""
    try:
        return executor.submit(partial(sign, task.call, signature()))
    except Exception as error:
        if cluster and cluster.is_lost:
            raise BrokenExecutor(str(error)) from error
        raise


def _is_broken(future: Future) -> bool:
    """Tell whether a future ended because those who should have made it are gone."""
    return future.cancelled() or isinstance(future.exception(), BrokenExecutor)


def _settle(future: Future, task: Task, failed: dict[str, BaseException]) -> bool:
    """Keep a result, or note why there is none; tell which."""
    try:
        worker, made_by, result = future.result()
    except (BrokenExecutor, CancelledError):
        raise
    except Exception as error:
        failed[task.label] = error
        return False
    refuse_foreign(worker, made_by)
    task.keep(result)
    return True


def _causes(failed: dict[str, BaseException]) -> str:
    """Say each cause once, after the names of the tasks that it made fail."""
    labels: dict[str, list[str]] = {}
    for label, error in failed.items():
        labels.setdefault(str(error) or type(error).__name__, []).append(label)
    return "; ".join(f"{_some(names)}: {cause}" for cause, names in labels.items())


def _some(labels: list[str]) -> str:
    """Name the first tasks and how many more there are."""
    more = len(labels) - _NAMED
    named = ", ".join(labels[:_NAMED]) or "none"
    return f"{named} and {more} more" if more > 0 else named


@contextlib.contextmanager
def only_writer(store: Path) -> Iterator[None]:
    """Be the only sweep that writes to a store, and clear what killed ones left.

    Args:
        store: The folder; made if it is not there.

    Yields:
        Nothing.

    Raises:
        SweepError: If another sweep writes to it, or it cannot be written to.
    """
    with contextlib.ExitStack() as stack:
        try:
            store.mkdir(parents=True, exist_ok=True)
            held = stack.enter_context(holding(store / ".lock"))
        except BlockingIOError as error:
            raise SweepError(
                f"another sweep is writing to the store {store}; wait for it, or take "
                "another store."
            ) from error
        except OSError as error:
            raise SweepError(
                f"results are missing, and the store {store} cannot be written to: "
                f"{error}."
            ) from error
        # Where there are no locks it might be another sweep's.
        for left in store.glob(".saving-*") if held else ():
            shutil.rmtree(left, ignore_errors=True)
        yield
