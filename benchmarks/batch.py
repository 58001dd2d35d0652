"""Many problems annealed as one batch, on a device, beside one solve after another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from torch import Tensor

from benchmarks.instances import Instance
from benchmarks.quality import count
from benchmarks.report import Part, markdown_table
from benchmarks.workers import rotated
from experiments.gpu.batched_maximizers import maximize_batch
from experiments.store.provenance import device_name
from paper_lib import defense
from paper_lib.checks.arguments import available_device
from paper_lib.geometry.sums import full_precision

SINGLE = "one by one"


def batch(
    instances: Sequence[Instance], source: str, *, runs: int, device: str
) -> Part:
    """Compare batches on the CPU and on a device with single solves.

    Args:
        instances: The problems, of one shape.
        source: Where they come from, in words.
        runs: Rounds; the first one more warms up.
        device: The device beside the CPU; "cpu": none.

    Returns:
        Seconds of all problems together, and the rows covered.
    """
    places = dict.fromkeys(["cpu", device])
    methods = {SINGLE: _one_by_one(instances)} | {
        f"batch, {place}": _batched(instances, place) for place in places
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    points: dict[str, list[Tensor]] = {}
    for number in range(runs + 1):
        for name in rotated(list(methods), number):
            began = time.perf_counter()
            points[name] = methods[name]()
            seconds[name].append(time.perf_counter() - began)
    counts = {
        name: [
            count(instance.sets, v)
            for instance, v in zip(instances, found, strict=True)
        ]
        for name, found in points.items()
    }
    gained = [
        [mine - other for mine, other in zip(counts[name], counts[SINGLE], strict=True)]
        for name in methods
    ]
    lines = [
        [
            name,
            f"{median(seconds[name][1:]):.2f}",
            f"{min(seconds[name][1:]):.2f} to {max(seconds[name][1:]):.2f}",
            str(sum(counts[name])),
            f"{min(gains)} to {max(gains)}",
        ]
        for name, gains in zip(methods, gained, strict=True)
    ]
    header = ["method", "seconds", "from, to", "rows covered", "gain over single, rows"]
    heading = (
        f"{source} {len(instances)} problems, {runs} rounds after one to warm up, one "
        f"thread. Device: {device_name(device)}."
    )
    return Part(
        heading="Batch",
        text="\n\n".join([heading, markdown_table(header, lines)]),
        data={"seconds": seconds, "counts": counts, "device": device_name(device)},
    )


def _one_by_one(instances: Sequence[Instance]) -> Callable[[], list[Tensor]]:
    return lambda: [
        defense.maximize_coverage(instance.sets).perturbation for instance in instances
    ]


def _batched(instances: Sequence[Instance], device: str) -> Callable[[], list[Tensor]]:
    place = available_device(device)
    problems = [
        replace(
            instance.sets,
            normals=instance.sets.normals.to(place),
            offsets=instance.sets.offsets.to(place),
        )
        for instance in instances
    ]

    def solve() -> list[Tensor]:
        with full_precision():
            solutions = maximize_batch(problems)
        return [solution.perturbation.cpu() for solution in solutions]

    return solve
