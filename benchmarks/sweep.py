"""A sweep over pairs from an empty store: one worker against two, or one batch."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from tqdm.auto import tqdm

from benchmarks.report import Part, Report, join_parts, markdown_table, verdict
from experiments.gpu.batched import TOGETHER
from experiments.store.provenance import device_name
from experiments.sweep.runner import process_pool
from experiments.tables.group_sweep import run_plan
from experiments.tables.planning import ALL_PAIRS, plan
from paper_lib.data import load_pair
from paper_lib.data.pairs import Dataset

AIM_SPEEDUP = 1.8
AIM_MINUTES = 6.0
AIM_SECONDS = 60.0


def run(*, runs: int = 3, pairs: int = 12, device: str = "cpu") -> Report:
    """Time sweeps of one seed, protocol, reading and solver.

    Args:
        runs: Interleaved rounds.
        pairs: Pairs of MNIST and as many of Fashion-MNIST, 1 to 45.
        device: "cpu": with one worker and with two. Another: each data set as one
            batch on this device, all pairs, in a process of its own.

    Returns:
        Times, the speed of two workers relative to one, and the time of all 90 pairs:
        measured if all are run, else in proportion.
    """
    source = _source()
    if device != "cpu":
        return join_parts("Sweep, GPU", [_batches(runs, device, source)])
    chosen = ALL_PAIRS[:: max(1, len(ALL_PAIRS) // pairs)][:pairs]
    times: dict[int, list[float]] = {1: [], 2: []}
    for number in tqdm(range(runs), desc="sweeps", unit="round"):
        # The order alternates, so that neither always comes to a warm cache first.
        for workers in (1, 2) if number % 2 == 0 else (2, 1):
            with process_pool(workers) as pool:
                times[workers].append(_sweep(chosen, source, executor=pool))
    return join_parts("Sweep", [_part(times, len(chosen), source)])


def _source() -> str:
    """Take the complete data where they are, else what travels with the package."""
    try:
        load_pair("mnist", (0, 1))
        load_pair("fashion-mnist", (0, 1))
    except FileNotFoundError:
        return "embedded"
    return "auto"


def _datasets(source: str) -> tuple[Dataset, ...]:
    """The embedded images are of MNIST alone."""
    return ("mnist", "fashion-mnist") if source == "auto" else ("mnist",)


def _sweep(pairs: Sequence[tuple[int, int]], source: str, **options: Any) -> float:
    """Run a sweep from an empty store; processes start within the time."""
    datasets = _datasets(source)
    groups = plan(datasets=datasets, pairs=pairs, seeds=(0,), primary_only=True)
    with tempfile.TemporaryDirectory() as store:
        began = time.perf_counter()
        run_plan(groups, store, source=source, **options)
        return time.perf_counter() - began


def _batches(runs: int, device: str, source: str) -> Part:
    """Run all pairs as batches on a device, each time in a process of its own."""
    times = []
    for _ in range(runs):
        with process_pool(1) as pool:
            options = {"device": device, "stages": TOGETHER}
            sweep = pool.submit(_sweep, ALL_PAIRS, source, **options)
            times.append(sweep.result())
    name = device_name(device)
    text = [
        f"All pairs of each data set as one batch, source {source}, on {name}; data "
        "loading and the start of CUDA are in the time, imports are not.",
        markdown_table(
            ["round", "seconds"],
            [[str(number), f"{one:.1f}"] for number, one in enumerate(times, 1)],
        ),
        verdict(
            f"the slowest of {runs} rounds takes {max(times):.1f} seconds",
            f"< {AIM_SECONDS:g}",
            max(times) < AIM_SECONDS,
        ),
    ]
    data = {
        "device": name,
        "source": source,
        "pairs": len(ALL_PAIRS),
        "datasets": list(_datasets(source)),
        "times": times,
    }
    return Part(heading="Batches", text="\n\n".join(text), data=data)


def _part(times: dict[int, list[float]], pairs: int, source: str) -> Part:
    ratios = [one / two for one, two in zip(times[1], times[2], strict=True)]
    two, speedup = statistics.median(times[2]), statistics.median(ratios)
    rows = [
        [str(workers), f"{statistics.median(seconds):.1f}", _spread(seconds)]
        for workers, seconds in times.items()
    ]
    text = [
        f"{pairs} pairs of each data set, source {source}, one thread a worker.",
        markdown_table(["workers", "seconds, median", "from, to"], rows),
        verdict(
            f"two workers are {speedup:.2f} times as fast as one ({_spread(ratios)})",
            f">= {AIM_SPEEDUP}",
            speedup >= AIM_SPEEDUP,
        ),
    ]
    if source == "auto":
        minutes = two / 60.0 * len(ALL_PAIRS) / pairs
        how = "measured" if pairs == len(ALL_PAIRS) else "in proportion"
        text.append(
            verdict(
                f"all 90 pairs with two workers, {how}: {minutes:.1f} minutes",
                f"< {AIM_MINUTES:g}",
                minutes < AIM_MINUTES,
            )
        )
    data = {
        "source": source,
        "pairs": pairs,
        "datasets": list(_datasets(source)),
        "times": times,
    }
    return Part(heading="Workers", text="\n\n".join(text), data=data)


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"
