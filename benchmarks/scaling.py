"""A large instance within time and memory, and the cost of a step as sizes grow."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from tqdm.auto import tqdm

from benchmarks.instances import real_instance
from benchmarks.quality import count
from benchmarks.reference import annealed_and_polished
from benchmarks.report import Part, markdown_table, verdict
from paper_lib.defense.search.annealing import anneal
from paper_lib.robust_sets import RobustSets

LARGE, DIM, MEDIUM = 12_000, 784, 4_000
SECONDS_AIM, MEMORY_AIM = 20.0, 2.0
SLACK, RATIO_AIM = 0.15, 2.0
# A factor of 16 in each: from rows that the caches hold to a large data set, and from a
# data set on, where all rows come from farther away at every size.
_DOUBLINGS = range(5)
RANGES = {
    "n": tuple((LARGE >> k, DIM) for k in _DOUBLINGS),
    "d": tuple((MEDIUM, DIM >> k) for k in _DOUBLINGS),
    "n, further": tuple((MEDIUM << k, DIM) for k in _DOUBLINGS),
    "d, further": tuple((MEDIUM, DIM << k) for k in _DOUBLINGS),
}
_SHORT, _LONG = 10, 60


def scaling(*, runs: int = 20) -> Part:
    """Measure the large instance and the growth of a step.

    Args:
        runs: How often each step is timed.

    Returns:
        Tables and verdicts.
    """
    large, source = _large_sets()
    footprint = measure_footprint(large)
    polished = count(large, annealed_and_polished(large))
    sizes = sorted({size for sizes in RANGES.values() for size in sizes})
    steps = [_time_steps(*size, runs) for size in tqdm(sizes, desc="steps")]
    exponents = {
        name: _exponents(steps, chosen, "rows" if name.startswith("n") else "dim")
        for name, chosen in RANGES.items()
    }
    heading = (
        f"{source}: {footprint['seconds']:.1f} s, {footprint['peak_gib']:.2f} GiB at "
        f"the peak of its process ({footprint['before_gib']:.2f} before), "
        f"{footprint['count']} rows covered, annealed + polish {polished}.\n\n"
        "A step of the annealing from one start beside two bare products with the "
        f"same rows, float32; median of {runs} runs."
    )
    text = "\n\n".join(
        [heading, _table(steps), _verdicts(footprint, polished, steps, exponents)]
    )
    data = {
        "large": footprint | {"polished": polished, "source": source},
        "steps": steps,
        "exponents": exponents,
    }
    return Part(heading="Scaling", text=text, data=data)


def _large_sets() -> tuple[RobustSets, str]:
    """Take 12,000 points of 0 and 1; without the complete data, synthetic rows."""
    where = f"n = {LARGE:,}, d = {DIM}"
    if os.environ.get("PAPER_LIB_DATA"):
        return (
            real_instance("mnist", (0, 1), 1.0, num_points=LARGE).sets,
            f"MNIST 0-1, {where}",
        )
    return synthetic_sets(LARGE, DIM), f"Synthetic rows, {where}"


def synthetic_sets(num: int, dim: int, *, seed: int = 0) -> RobustSets:
    """Draw rows in clusters, half of them mirrored, with margins around the budget.

    Args:
        num: Rows.
        dim: Dimension.
        seed: Seed of the draw.

    Returns:
        The rows, float32, with budget one.
    """
    draw = np.random.default_rng(seed)
    centers = draw.standard_normal((10, dim))
    gradients = centers[draw.integers(10, size=num)] + centers[0]
    gradients += draw.standard_normal((num, dim))
    signs = np.where(draw.uniform(size=num) < 0.5, -1.0, 1.0)
    lengths = np.linalg.norm(gradients, axis=1)
    margins = lengths * np.exp(0.4 * draw.standard_normal(num))
    return RobustSets(
        normals=torch.from_numpy(signs[:, np.newaxis] * gradients).float(),
        offsets=torch.from_numpy(margins - lengths).float(),
        epsilon=1.0,
    )


# --- time and memory --------------------------------------------------------------


def measure_footprint(sets: RobustSets) -> dict[str, float]:
    """Solve in a process of its own, whose peak of memory is then known.

    Args:
        sets: The robust sets.

    Returns:
        Seconds, GiB at the peak and before the solver was called, and the count.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.safetensors"
        save_file({"normals": sets.normals, "offsets": sets.offsets}, path)
        command = [sys.executable, "-m", "benchmarks.footprint"]
        answer = subprocess.run(
            [*command, str(path), repr(sets.epsilon)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parent.parent,
        )
    return json.loads(answer.stdout)


# --- the cost of a step -----------------------------------------------------------


def _time_steps(num: int, dim: int, runs: int) -> dict[str, float]:
    """Time a step of the annealing and two bare products, in turn."""
    sets = synthetic_sets(num, dim)
    lengths = sets.normals.norm(dim=1)
    normals = sets.normals / lengths[:, None]
    thresholds = -sets.offsets / lengths
    u, weights = torch.full((dim,), dim**-0.5), torch.full((num,), 1 / num)

    def bare() -> Tensor:
        return (normals @ u).sum() + (weights @ normals).sum()

    def ascend(steps: int) -> Callable[[], Tensor]:
        start = torch.zeros(1, dim)
        return lambda: anneal(normals, thresholds[None], start, num_steps=steps)

    short, long = ascend(_SHORT), ascend(_LONG)
    ours, theirs = [], []
    for _ in range(runs + 1):  # the first warms up
        span = _seconds(long) - _seconds(short)
        ours.append(span / (_LONG - _SHORT))
        theirs.append(_seconds(bare, _LONG) / _LONG)
    ratios = np.divide(ours[1:], theirs[1:])
    return {
        "rows": num,
        "dim": dim,
        "step": median(ours[1:]),
        "bare": median(theirs[1:]),
        "ratio": float(np.median(ratios)),
    }


def _seconds(work: Callable[[], object], times: int = 1) -> float:
    """Measure the time of the processor, which other programs disturb less."""
    began = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - began


def _exponents(
    steps: Sequence[dict], sizes: Sequence[tuple[int, int]], key: str
) -> dict[str, float]:
    """Fit a power of the size to the times, ours and bare."""
    chosen = [step for step in steps if (step["rows"], step["dim"]) in sizes]
    sizes = np.log([step[key] for step in chosen])
    return {
        what: float(np.polyfit(sizes, np.log([step[what] for step in chosen]), 1)[0])
        for what in ("step", "bare")
    }


def _table(steps: Sequence[dict]) -> str:
    lines = [
        [
            f"{step['rows']:,}",
            str(step["dim"]),
            f"{1e3 * step['step']:.3f}",
            f"{1e3 * step['bare']:.3f}",
            f"{step['ratio']:.2f}",
        ]
        for step in steps
    ]
    return markdown_table(["n", "d", "step, ms", "two products, ms", "ratio"], lines)


def _verdicts(
    footprint: dict[str, float],
    polished: int,
    steps: Sequence[dict],
    exponents: dict[str, dict[str, float]],
) -> str:
    seconds, peak = footprint["seconds"], footprint["peak_gib"]
    gain = int(footprint["count"]) - polished
    ratio = max(step["ratio"] for step in steps)
    lines = [
        verdict(f"{seconds:.1f} s", f"{SECONDS_AIM:g} s", seconds < SECONDS_AIM),
        verdict(f"{peak:.2f} GiB", f"{MEMORY_AIM:g} GiB", peak < MEMORY_AIM),
        verdict(f"{gain} rows more than annealed + polish", "at least 0", gain >= 0),
        *(
            verdict(
                f"a step grows with the power {fit['step']:.2f} of {name[0]} "
                f"{_extent(name)} (bare products {fit['bare']:.2f})",
                f"1 within {SLACK:g}",
                abs(fit["step"] - 1.0) <= SLACK,
            )
            for name, fit in exponents.items()
        ),
        verdict(
            f"largest ratio of a step to two products {ratio:.2f}",
            f"{RATIO_AIM:g}",
            ratio <= RATIO_AIM,
        ),
    ]
    return "\n".join(lines)


def _extent(name: str) -> str:
    """Say from where to where a size grows."""
    place = 0 if name.startswith("n") else 1
    values = [size[place] for size in RANGES[name]]
    return f"from {min(values):,} to {max(values):,}"
