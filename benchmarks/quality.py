"""How many rows each method covers, held out as well, and what it takes.

The methods run one after another, again and again, each time from another start; a
ratio compares times of the same round.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

import torch
from torch import Tensor

from benchmarks import reference
from benchmarks.instances import Instance
from benchmarks.report import Part, markdown_table, verdict
from benchmarks.workers import each, rotated
from paper_lib import defense
from paper_lib.robust_sets import RobustSets

RAMP, UNIT_RAMP, POLISHED, OURS = "ramp", "ramp, unit rows", "polished", "ours"
TIME_RATIO, GAIN, DISTANCE = 2.0, 1.5, 0.1

METHODS: dict[str, Callable[[RobustSets], Tensor]] = {
    RAMP: reference.ramp,
    UNIT_RAMP: lambda sets: reference.ramp(sets, "unit"),
    POLISHED: reference.annealed_and_polished,
    OURS: lambda sets: defense.maximize_coverage(sets).perturbation,
}


def quality(
    instances: Sequence[Instance],
    source: str,
    *,
    runs: int,
    search_seconds: float,
    workers: int = 1,
) -> Part:
    """Compare all methods on all instances.

    Args:
        instances: The problems.
        source: Where they come from, in words.
        runs: Rounds, each of which runs every method once.
        search_seconds: Length of the search that says what is left to find.
        workers: Processes that share the instances.

    Returns:
        Tables and verdicts.
    """
    measure = partial(_measure, runs=runs, search_seconds=search_seconds)
    found = each(measure, instances, workers=workers, title="quality")
    heading = (
        f"{source} Median of {runs} interleaved rounds, one thread, {workers} at a "
        f"time; the longer search takes {search_seconds:g} s. *Polished*: annealed + "
        "polish."
    )
    tables = [_counts(found), _held_out(found), _seconds(found)]
    text = "\n\n".join([heading, *tables, _verdicts(found, search_seconds)])
    return Part(heading="Quality", text=text, data={"instances": found})


def _measure(instance: Instance, runs: int, search_seconds: float) -> dict[str, object]:
    """Compare all methods on one instance."""
    found = _compare(instance, runs)
    return found | _long_search(instance, found, search_seconds)


def _compare(instance: Instance, runs: int) -> dict[str, object]:
    """Run every method in every round; nothing may depend on the round."""
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    points: dict[str, Tensor] = {}
    repeats = True
    for number in range(runs):
        for name in rotated(list(METHODS), number):
            began = time.perf_counter()
            point = METHODS[name](instance.sets)
            seconds[name].append(round(time.perf_counter() - began, 4))
            repeats &= torch.equal(points.setdefault(name, point), point)
    held_out = instance.holdout and {
        name: float(instance.holdout.coverage(point)) for name, point in points.items()
    }
    return {
        "name": instance.name,
        "rows": len(instance.sets.offsets),
        "counts": {name: count(instance.sets, v) for name, v in points.items()},
        "held_out": held_out,
        "seconds": seconds,
        "time_ratio": median(
            ours / theirs
            for ours, theirs in zip(seconds[OURS], seconds[RAMP], strict=True)
        ),
        "repeats": repeats,
    }


def count(sets: RobustSets, v: Tensor) -> int:
    """Rows that a perturbation satisfies."""
    return int(sets.contains(v).sum())


def _long_search(
    instance: Instance, found: Mapping[str, dict], seconds: float
) -> dict[str, object]:
    """Search on, and take the best that anyone found."""
    began = time.perf_counter()
    longer = defense.maximize_coverage(instance.sets, time_limit=seconds)
    elapsed = time.perf_counter() - began
    searched = count(instance.sets, longer.perturbation)
    best = max(searched, *found["counts"].values())
    rows, ours = found["rows"], found["counts"][OURS]
    return {
        "searched": searched,
        "best": best,
        "search_seconds": round(elapsed, 2),
        "gain": 100 * (ours - found["counts"][RAMP]) / rows,
        "distance": 100 * (best - ours) / rows,
    }


def _counts(found: Sequence[dict]) -> str:
    header = [
        "rows covered",
        "of",
        *METHODS,
        "best of all",
        "gain over ramp, points",
        "to the best, points",
    ]
    lines = [
        [
            one["name"],
            str(one["rows"]),
            *(str(one["counts"][name]) for name in METHODS),
            str(one["best"]),
            f"{one['gain']:.2f}",
            f"{one['distance']:.2f}",
        ]
        for one in found
    ]
    return markdown_table(header, lines)


def _held_out(found: Sequence[dict]) -> str:
    lines = [
        [one["name"], *(f"{one['held_out'][name]:.4f}" for name in METHODS)]
        for one in found
        if one["held_out"]
    ]
    return markdown_table(["coverage held out", *METHODS], lines)


def _seconds(found: Sequence[dict]) -> str:
    lines = [
        [
            one["name"],
            *(f"{median(one['seconds'][name]):.2f}" for name in METHODS),
            f"{one['time_ratio']:.2f}",
        ]
        for one in found
    ]
    return markdown_table(["seconds", *METHODS, "ours to ramp"], lines)


def _verdicts(found: Sequence[dict], search_seconds: float) -> str:
    """Say of each aim whether it is met."""
    num = len(found)
    ours = [one["counts"][OURS] for one in found]
    over_polished = [
        mine - one["counts"][POLISHED] for mine, one in zip(ours, found, strict=True)
    ]
    over_ramp = [
        mine - max(one["counts"][RAMP], one["counts"][UNIT_RAMP])
        for mine, one in zip(ours, found, strict=True)
    ]
    no_less = sum(gain >= 0 for gain in over_polished)
    more = sum(gain > 0 for gain in over_polished)
    above = sum(gain > 0 for gain in over_ramp)
    ratio = max(one["time_ratio"] for one in found)
    gain = median(one["gain"] for one in found)
    distance = max(one["distance"] for one in found)
    repeated = sum(one["repeats"] for one in found)
    in_time = sum(one["search_seconds"] <= 1.1 * search_seconds for one in found)
    lines = [
        verdict(f"no less than polished on {no_less} of {num}", "all", no_less == num),
        verdict(
            f"more than polished on {more} of {num}", "at least half", 2 * more >= num
        ),
        verdict(f"more than both ramps on {above} of {num}", "all", above == num),
        verdict(
            f"largest ratio to the ramp's time {ratio:.2f}",
            f"at most {TIME_RATIO:g}",
            ratio <= TIME_RATIO,
        ),
        verdict(
            f"median gain over the ramp {gain:.2f} points",
            f"at least {GAIN:g}",
            gain >= GAIN,
        ),
        verdict(
            f"largest distance to the best of {search_seconds:g} s {distance:.2f} "
            "points",
            f"at most {DISTANCE:g}",
            distance <= DISTANCE,
        ),
        verdict(f"same in every round on {repeated} of {num}", "all", repeated == num),
        verdict(f"time limit kept on {in_time} of {num}", "all", in_time == num),
    ]
    return "\n".join(lines)
