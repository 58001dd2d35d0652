"""The solvers of Eq. (7): coverage, time, memory, and how they grow."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from statistics import median

import numpy as np
import torch
from tqdm.auto import tqdm

from benchmarks.batch import batch
from benchmarks.instances import available_instances, planted_instance, real_instance
from benchmarks.quality import METHODS, OURS, count, quality
from benchmarks.report import Part, Report, join_parts, markdown_table, verdict
from benchmarks.scaling import scaling
from benchmarks.workers import each
from paper_lib import defense

PARTS = ("quality", "planted", "scaling", "path", "batch")
NUM_PLANTED, PLANTED_AIM = 100, 0.95
NUM_BUDGETS, PATH_AIM = 20, 4.0
PATH_PAIRS = (
    ("mnist", (0, 1)),
    ("mnist", (2, 4)),
    ("mnist", (0, 5)),
    ("mnist", (1, 7)),
    ("fashion-mnist", (5, 7)),
)


def run(
    *,
    runs: int = 20,
    search_seconds: float = 30.0,
    limit: int = 100,
    workers: int = 1,
    device: str = "cpu",
    names: Sequence[str] = PARTS,
) -> Report:
    """Measure quality, planted optima, growth, paths of budgets and batches.

    Args:
        runs: Interleaved rounds of each comparison of times.
        search_seconds: Length of the search that says what is left to find.
        limit: How many instances of a kind, at most.
        workers: Processes that share the instances of quality and of planted ones.
        device: Where batches are annealed.
        names: Which parts, of ``PARTS``.

    Returns:
        Tables and verdicts.
    """
    torch.set_num_threads(1)
    instances = cache(partial(available_instances, limit, workers=workers))
    measure: dict[str, Callable[[], Part]] = {
        "quality": lambda: quality(
            *instances(),
            runs=runs,
            search_seconds=search_seconds,
            workers=workers,
        ),
        "planted": lambda: planted(min(limit, NUM_PLANTED), workers=workers),
        "scaling": lambda: scaling(runs=runs),
        "path": lambda: path(runs=min(runs, 3)),
        "batch": lambda: batch(*instances(), runs=min(runs, 3), device=device),
    }
    title = "Defense" if tuple(names) == PARTS else f"Defense, {' and '.join(names)}"
    return join_parts(title, [measure[name]() for name in names])


def planted(num: int = NUM_PLANTED, *, workers: int = 1) -> Part:
    """Solve instances whose optimum is known.

    Args:
        num: How many.
        workers: Processes that share them.

    Returns:
        Shares solved and certified, with verdicts.
    """
    found = each(_solve_planted, range(num), workers=workers, title="planted")
    optimum = [one["optimum"] for one in found]
    solved = {
        name: sum(
            one["counts"][name] == best
            for one, best in zip(found, optimum, strict=True)
        )
        for name in METHODS
    }
    certified = sum(one["upper"] == one["optimum"] for one in found)
    lines = [
        [
            name,
            f"{solved[name]} of {num}",
            f"{np.mean([one['counts'][name] for one in found]):.1f}",
            f"{median(one['seconds'][name] for one in found):.2f}",
        ]
        for name in METHODS
    ]
    heading = f"{num} instances of n = 500, d = 50, optimum {optimum[0]}."
    table = markdown_table(["method", "solved", "mean count", "seconds"], lines)
    aim = f"{PLANTED_AIM:.0%}"
    verdicts = [
        verdict(f"{name} {number} of {num}", aim, number >= PLANTED_AIM * num)
        for name, number in (("solved", solved[OURS]), ("certified", certified))
    ]
    text = "\n\n".join([heading, table, "\n".join(verdicts)])
    return Part(heading="Planted", text=text, data={"instances": found})


def _solve_planted(seed: int) -> dict[str, object]:
    """Run every method once, ours with its certificate."""
    instance = planted_instance(seed)
    counts, seconds = {}, {}
    for name, method in METHODS.items():
        began = time.perf_counter()
        if name == OURS:
            solution = defense.maximize_coverage(instance.sets)
            point = solution.perturbation
        else:
            point = method(instance.sets)
        seconds[name] = round(time.perf_counter() - began, 4)
        counts[name] = count(instance.sets, point)
    return {
        "name": instance.name,
        "optimum": instance.optimum,
        "counts": counts,
        "seconds": seconds,
        "upper": solution.certificate.upper_count,
        "verified": solution.certificate.verify(instance.sets),
    }


def path(*, runs: int = 3) -> Part:
    """Solve for many budgets at once, and one by one, in turn.

    Args:
        runs: How often the path is timed, with a share of the single solves each time.

    Returns:
        Times and coverage, with verdicts.
    """
    full = bool(os.environ.get("PAPER_LIB_DATA"))
    pairs = PATH_PAIRS if full else PATH_PAIRS[:1]
    found = [
        _follow(*pair, "auto" if full else "embedded", runs)
        for pair in tqdm(pairs, desc="path", unit="pair")
    ]
    header = ["pair", "path, s", "single, s", "ratio", "fewer rows", "more rows"]
    lines = [
        [
            one["name"],
            f"{one['path_seconds']:.2f}",
            f"{one['single_seconds']:.2f}",
            f"{one['ratio']:.2f}",
            _budgets(gain for gain in one["gains"] if gain < 0),
            _budgets(gain for gain in one["gains"] if gain > 0),
        ]
        for one in found
    ]
    ratio = max(one["ratio"] for one in found)
    least = min(min(one["gains"]) for one in found)
    verdicts = [
        verdict(f"path to one single {ratio:.2f}", f"{PATH_AIM:g}", ratio < PATH_AIM),
        verdict(f"least gain over single {least} rows", "at least 0", least >= 0),
    ]
    heading = (
        f"{NUM_BUDGETS} budgets, 0.5 to 1.5 times the median margin; seconds of the "
        "processor, a single solve is the median over budgets."
    )
    table = markdown_table(header, lines)
    text = "\n\n".join([heading, table, "\n".join(verdicts)])
    return Part(heading="Path", text=text, data={"pairs": found})


def _follow(
    dataset: str, pair: tuple[int, int], source: str, runs: int
) -> dict[str, object]:
    """Time a path and the single solves of its budgets."""
    multiples = np.linspace(0.5, 1.5, NUM_BUDGETS).tolist()
    sets = [
        real_instance(dataset, pair, multiple, source=source).sets
        for multiple in multiples
    ]
    _timed(lambda: defense.maximize_coverage(sets[0]))  # warms up
    joint, single = [], {}
    for turn in range(runs):
        joint.append(_timed(lambda: defense.coverage_path(sets)))
        for place in range(turn, len(sets), runs):
            one = sets[place]
            single[place] = _timed(lambda one=one: defense.maximize_coverage(one))
    counts = [
        count(one, solution.perturbation)
        for one, solution in zip(sets, joint[0][1], strict=True)
    ]
    alone = [
        count(one, single[place][1].perturbation) for place, one in enumerate(sets)
    ]
    path_seconds = median(seconds for seconds, _ in joint)
    single_seconds = median(seconds for seconds, _ in single.values())
    return {
        "name": f"{dataset} {pair[0]}-{pair[1]}",
        "rows": len(sets[0].offsets),
        "multiples": multiples,
        "path_counts": counts,
        "single_counts": alone,
        "gains": [mine - other for mine, other in zip(counts, alone, strict=True)],
        "path_seconds": path_seconds,
        "single_seconds": single_seconds,
        "ratio": path_seconds / single_seconds,
    }


def _budgets(gains: Iterable[int]) -> str:
    """Say at how many budgets, and between which extremes."""
    ordered = sorted(map(abs, gains))
    extent = f", {ordered[0]} to {ordered[-1]}" if ordered else ""
    return f"{len(ordered)} budgets{extent}"


def _timed(solve: Callable[[], object]) -> tuple[float, object]:
    """Measure the time of the processor, which other programs disturb less."""
    began = time.process_time()
    result = solve()
    return time.process_time() - began, result
