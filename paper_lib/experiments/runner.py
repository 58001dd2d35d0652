"""Many independent tasks through any executor, each result kept as soon as it is there.

Only the driver writes. What it has written stays whatever happens to a worker, to the
driver or to another task, so a sweep that is run again goes on where it was.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

# Submitted and not yet done, at most: enough for the executor never to wait, few
# enough that arguments are not all in memory.
_IN_FLIGHT = 32


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


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Make a pool of processes with one torch thread each.

    Args:
        workers: How many processes.

    Returns:
        The pool; new processes, so that no state of this one decides a result.

    Raises:
        ValueError: If there is no worker.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}.")
    return ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(1,),
    )


@contextlib.contextmanager
def executor_for(workers: int = 2, scheduler: str | None = None) -> Iterator[Executor]:
    """Give the executor of a sweep, and close it at the end.

    Args:
        workers: Processes on this machine; 0: this process alone.
        scheduler: Address of a Dask scheduler, ``tcp://host:port``, whose workers are
            taken instead; None: none.

    Yields:
        The executor.

    Raises:
        ValueError: If ``workers`` is negative.
        ImportError: If a scheduler is named and ``distributed`` is not installed.
        OSError: If the scheduler does not answer.
    """
    if scheduler:
        try:
            from distributed import Client
        except ImportError as error:
            raise ImportError(
                "scheduler needs the package distributed; install paper-lib[cluster]."
            ) from error
        with Client(scheduler) as client:
            yield client.get_executor()
    elif workers == 0:
        yield InProcess()
    else:
        with process_pool(workers) as pool:
            yield pool


def run_tasks(
    tasks: Iterable[Task],
    executor: Executor,
    *,
    total: int,
    title: str,
    progress: bool = False,
) -> None:
    """Run tasks and keep each result as it comes.

    Args:
        tasks: The tasks; taken one by one as there is room for them.
        executor: Where to run them.
        total: How many there are.
        title: What the progress bar calls them.
        progress: Show the bar, with an estimate of the time left.

    Raises:
        SweepError: After all others are done, if some failed; at once, if the workers
            are gone. It names them.
    """
    room = 1 if isinstance(executor, InProcess) else _IN_FLIGHT
    waiting: dict[Future, Task] = {}
    failed: dict[str, BaseException] = {}
    source = iter(tasks)
    with tqdm(total=total, desc=title, unit="run", disable=not progress) as bar:
        try:
            while True:
                for task in source:
                    waiting[executor.submit(task.call)] = task
                    if len(waiting) >= room:
                        break
                if not waiting:
                    break
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    task = waiting.pop(future)
                    _settle(future, task, failed)
                    bar.update()
        except BrokenExecutor as error:
            raise SweepError(
                f"the workers are gone while {title} were run, with "
                f"{', '.join(t.label for t in waiting.values()) or 'none'} in flight; "
                "what was done is kept, run the sweep again to go on."
            ) from error
        finally:
            for future in waiting:
                future.cancel()
    if failed:
        first = next(iter(failed.values()))
        raise SweepError(
            f"{len(failed)} of {total} {title} failed, the others are kept: "
            + "; ".join(f"{label}: {error}" for label, error in failed.items())
        ) from first


def _settle(future: Future, task: Task, failed: dict[str, BaseException]) -> None:
    """Keep a result, or note why there is none."""
    try:
        result = future.result()
    except BrokenExecutor:
        raise
    except Exception as error:
        failed[task.label] = error
        return
    task.keep(result)


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
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = os.open(store / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise SweepError(
            f"results are missing, and the store {store} cannot be written to: {error}."
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SweepError(
                f"another sweep is writing to the store {store}; wait for it, or take "
                "another store."
            ) from error
        for left in store.glob(".saving-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(lock)
