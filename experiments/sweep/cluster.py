"""Who computes for a sweep: what a worker runs, and whether its cluster is there."""

import gc
import logging
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from typing import Any

from experiments.store.provenance import signature
from paper_lib.checks.extras import needing

# Seconds between two looks at a cluster.
PATIENCE = 3.0


class ForeignWorkerError(BrokenExecutor):
    """A worker runs other code than this process, or another torch."""


# What a person calls a worker, what ``signature`` gave there, and a call's result.
Signed = tuple[str, dict[str, str], Any]


def sign(call: Callable[[], Any], wanted: Mapping[str, str]) -> Signed:
    """Make a call in a worker, and sign what it returns.

    Args:
        call: The call.
        wanted: The signature of the sweep; the call is not made under another.

    Returns:
        The signed result; None in its place if no call was made.
    """
    own = signature()
    return _own_name(), own, call() if own == wanted else None


def refuse_foreign(worker: str, found: Mapping[str, str]) -> None:
    """Refuse a worker whose results would not be those of this process.

    Args:
        worker: What a person calls it.
        found: Its signature.

    Raises:
        ForeignWorkerError: If it runs other code or another torch.
    """
    own = signature()
    differing = [
        f"its {name} is {found.get(name, 'unknown')[:12]} instead of {here[:12]}"
        for name, here in own.items()
        if found.get(name) != here
    ]
    if differing:
        raise ForeignWorkerError(
            f"{worker} was refused, as {' and '.join(differing)} (start it from this "
            "checkout and environment),"
        )


def _own_name() -> str:
    """Name this process: by its address on a cluster, or by its number."""
    if "distributed" in sys.modules:
        from distributed import get_worker

        try:
            return f"worker {get_worker().address}"
        except ValueError:
            pass
    return f"process {os.getpid()} on {platform.node()}"


@contextmanager
def connected(scheduler: str) -> Iterator[Executor]:
    """Give the executor of a Dask scheduler, and let go of it at the end.

    Args:
        scheduler: Its address.

    Yields:
        The executor.

    Raises:
        ImportError: If ``distributed`` is not installed.
        ValueError: If it is no address.
        OSError: If nothing answers there.
    """
    with needing("distributed", "scheduler", "cluster"):
        from distributed import Client
    wanted = "scheduler must be the address of a Dask scheduler, like tcp://host:8786"
    try:
        client = Client(scheduler)
    except (OSError, TypeError, ValueError) as error:
        # The frames hold a client that is half made. Collected while the next one is
        # made it takes away that one's event loop, or waits for its lock for ever.
        error.__traceback__ = None
        gc.collect()
        kind = OSError if isinstance(error, OSError) else ValueError
        raise kind(f"{wanted}, got {scheduler!r}: {error}.") from error
    try:
        yield client.get_executor()
    finally:
        # Without its scheduler it reports, at length, that closing ends its search.
        log = logging.getLogger("distributed.client")
        log.disabled = client.status != "running"
        client.close()
        log.disabled = False


class Cluster:
    """The Dask cluster behind an executor, as a sweep watches it.

    Args:
        client: The client of its scheduler.
    """

    def __init__(self, client: Any) -> None:
        """Look at nothing yet."""
        self._client = client
        self._name = getattr(client.scheduler, "address", "of the cluster")
        self._id: str | None = None
        self._known: set[str] = set()
        self._is_idle = False
        self._next_look = 0.0

    def __str__(self) -> str:
        """Name it by its scheduler."""
        return f"the scheduler {self._name}"

    @classmethod
    def behind(cls, executor: Executor) -> "Cluster | None":
        """Find the cluster of an executor.

        Args:
            executor: Any executor.

        Returns:
            The cluster; None if it is no executor of Dask.
        """
        client = getattr(executor, "_client", None)
        return None if client is None else cls(client)

    @property
    def is_lost(self) -> bool:
        """Whether the connection is; what comes after a new one knows of no job."""
        return self._client.status != "running"

    def check(self, jobs: int) -> None:
        """Look at the cluster, unless it was looked at a moment ago.

        Args:
            jobs: How many are out.

        Raises:
            BrokenExecutor: If the scheduler is gone, or is not the one it was.
            ForeignWorkerError: If a worker runs other code or another torch.

        Warns:
            UserWarning: If there are jobs and no worker.
        """
        if time.monotonic() < self._next_look:
            return
        if self.is_lost:
            raise BrokenExecutor(f"{self} is lost")
        try:
            found = self._client.scheduler_info().get("id")
            workers = set(self._client.nthreads())
        except Exception as error:  # it fails in many ways once it is not connected
            raise BrokenExecutor(f"{self} is lost") from error
        if found is None or found != (self._id or found):
            raise BrokenExecutor(f"{self} is lost")
        self._id = found
        if workers - self._known:
            self._meet(workers - self._known)
        self._known = workers
        if jobs and not workers and not self._is_idle:
            warnings.warn(
                f"no worker is connected to {self}; {jobs} jobs wait for one.",
                UserWarning,
                stacklevel=2,
            )
        self._is_idle = bool(jobs and not workers)
        self._next_look = time.monotonic() + PATIENCE

    def _meet(self, workers: set[str]) -> None:
        """Ask workers for their signatures."""
        asked = sorted(workers)
        signatures = self._client.run(signature, workers=asked, on_error="return")
        for worker, found in signatures.items():
            if isinstance(found, OSError):
                continue  # it left; what it still sends is signed
            if isinstance(found, BaseException):
                found = {}  # it has no such function
            refuse_foreign(f"worker {worker}", found)
