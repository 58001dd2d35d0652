"""What a result was computed with."""

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from typing import Any

import torch

from experiments.store.record_files import code_digest
from paper_lib.checks.arguments import available_device
from paper_lib.data.pairs import ClassPair

_PACKAGES = ("torch", "torchvision", "numpy", "paper-lib")
# Of the code as it is imported: an edit during a long run does not change the run.
CODE_DIGEST = code_digest()


def provenance(pair: ClassPair, device: str = "cpu") -> dict[str, Any]:
    """Say what a result was computed with.

    Args:
        pair: The images.
        device: Where the computation ran.

    Returns:
        Source and fingerprint of the data, device, processor kernels, threads,
        versions, and a digest of the library's source.
    """
    return {
        "data": {"source": pair.source, "fingerprint": pair.fingerprint},
        **surroundings(device),
    }


def surroundings(device: str = "cpu") -> dict[str, Any]:
    """Say what a result that needs no images was computed with.

    Args:
        device: Where the computation ran.

    Returns:
        As :func:`provenance`, without the data.
    """
    return {
        "device": device_name(device),
        "processor": platform.machine(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()}
        | {name: _version(name) for name in _PACKAGES},
        "code": CODE_DIGEST,
    }


def note_seconds(records: Sequence[dict[str, Any]], started: float) -> None:
    """Note in the provenance of each record its share of the time, so that they add up.

    Args:
        records: Records that were computed together.
        started: When that began, by ``time.perf_counter``.
    """
    share = round((time.perf_counter() - started) / len(records), 2)
    for record in records:
        record["provenance"]["seconds"] = share


def signature() -> dict[str, str]:
    """Say what decides whether two processes compute the same.

    Returns:
        The digest of the library's source and the version of torch, of this process.
    """
    return {"code": CODE_DIGEST, "torch": _version("torch")}


def device_name(device: str) -> str:
    """Say what a device is.

    Args:
        device: As torch calls it.

    Returns:
        The model of a GPU; else the device as given.

    Raises:
        ValueError: If it is not there.
    """
    place = available_device(device)
    return torch.cuda.get_device_name(place) if place.type == "cuda" else str(place)


@cache
def _version(name: str) -> str:
    """Read a version once; a sweep asks for every record."""
    return metadata.version(name)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one torch thread, as every task does, and restore the number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
