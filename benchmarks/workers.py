"""Processes: of other environments, in turn, or of this one, side by side."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm.auto import tqdm

from benchmarks.environment import ROOT
from experiments.sweep.runner import process_pool

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class WorkerError(Exception):
    """A worker ended before it answered; its own message is above."""


class Worker:
    """A process of one environment that waits for something to run."""

    def __init__(self, python: str | Path) -> None:
        """Start ``benchmarks.worker`` under an interpreter.

        A session of its own keeps the terminal's Ctrl-C from it: it ends with the
        parent, which closes its stdin.
        """
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-m", "benchmarks.worker"],
            cwd=ROOT,
            env=os.environ | _ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, command: str, group: str, name: str) -> dict[str, float]:
        """Have a case run once and wait for the answer.

        Args:
            command: "timed" or "label_kept".
            group: The group the case is in.
            name: The case's name.

        Returns:
            What the command reports.

        Raises:
            WorkerError: If the process ended instead.
        """
        try:
            self._process.stdin.write(json.dumps([command, group, name]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        if not (answer := self._process.stdout.readline()):
            raise WorkerError(f"the worker that was to run {name!r} ended.")
        return json.loads(answer)

    def stop(self) -> None:
        """End the process, in the middle of a run if need be."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@contextmanager
def start_workers(
    interpreters: dict[str, str | Path],
) -> Iterator[dict[str, Worker]]:
    """Start one worker for each environment and end them all afterwards.

    Args:
        interpreters: The Python of each environment.

    Yields:
        The workers under the same names.
    """
    with ExitStack() as stack:
        workers = {}
        for name, python in interpreters.items():
            workers[name] = Worker(python)
            stack.callback(workers[name].stop)
        yield workers


_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


def each(
    work: Callable[[_Item], _Found],
    items: Sequence[_Item],
    *,
    workers: int,
    title: str,
) -> list[_Found]:
    """Work on items one by one, or several at a time with one thread each.

    Args:
        work: What to do; with several workers it has to be pickled.
        items: The items.
        workers: Processes; 1: this one alone.
        title: What the progress bar says.

    Returns:
        One result an item, in order.
    """
    with ExitStack() as stack:
        if workers == 1:
            results = map(work, items)
        else:
            pool = stack.enter_context(process_pool(min(workers, len(items))))
            results = pool.map(work, items)
        return list(tqdm(results, total=len(items), desc=title))


def rotated(items: Sequence, places: int) -> list:
    """Start a list further on: A B C, then B C A, then C A B."""
    start = places % len(items)
    return [*items[start:], *items[:start]]
