"""Inputs of unusual shape: few rows in many dimensions, games of many points.

Each case runs in a process of its own; memory is its peak beyond process and data.
"""

import json
import subprocess
import sys
import time

import numpy as np
import torch

from benchmarks.footprint import peak_gib
from benchmarks.report import Report, markdown_table, verdict
from paper_lib.defense import maximize_coverage
from paper_lib.game import equilibrium, solve_matrix_game
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

# Seconds and GiB aimed at.
CASES = {
    "coverage of 60 rows of 150,528": (5.0, 1.0),
    "coverage of 500 rows of 3,072": (60.0, None),
    "equilibrium of 500 points of 3,072": (60.0, None),
    "matrix game of 12,000 points, signs": (10.0, 0.5),
    "matrix game of 12,000 points, reals": (10.0, 0.5),
}


def run() -> Report:
    """Measure every case.

    Returns:
        A table and verdicts.
    """
    found = {name: _in_a_process(name) for name in CASES}
    lines, verdicts = [], []
    for name, figures in found.items():
        seconds, memory = CASES[name]
        took, used = figures["seconds"], figures["gib"]
        lines.append([name, f"{took:.2f}", f"{used:.2f}", figures["says"]])
        verdicts.append(verdict(f"{name}: {took:.2f} s", f"{seconds}", took <= seconds))
        if memory is not None:
            what = f"{name}: {used:.2f} GiB"
            verdicts.append(verdict(what, f"{memory}", used <= memory))
    table = markdown_table(["case", "seconds", "GiB", "result"], lines)
    text = "\n".join([table, "", *verdicts])
    return Report(title="Extremes", text=text, data=dict(found))


def _in_a_process(name: str) -> dict:
    """Run one case and read what it printed."""
    command = [sys.executable, "-m", "benchmarks.extremes", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _linear(num: int, dim: int) -> Linearization:
    """Points whose gradients conflict, in single precision."""
    draw = torch.Generator().manual_seed(0)
    gradients = torch.randn(num, dim, generator=draw)
    share = 1.0 - 0.3 * torch.rand(num, generator=draw)
    return Linearization(logits=share * gradients.norm(dim=1), gradients=gradients)


def _case(name: str) -> None:
    """Solve one case and print what it took."""
    torch.set_num_threads(1)
    if name.startswith("matrix"):
        draw, shape = np.random.default_rng(0), (12_000, 21, 10)
        data = draw.normal(size=shape)
        data = np.sign(data) if name.endswith("signs") else data
        solve = solve_matrix_game
    else:
        lin = _linear(*((60, 150_528) if "60" in name else (500, 3_072)))
        is_pair = name.startswith("equilibrium")
        data = lin if is_pair else RobustSets.from_linearization(lin, 1.0)

        def solve(data):
            if is_pair:
                return equilibrium(data, epsilon=1.0).solution
            return maximize_coverage(data)

    before, began = peak_gib(), time.perf_counter()
    solved = solve(data)
    took, used = time.perf_counter() - began, peak_gib() - before
    if name.startswith("matrix"):
        says = f"value {solved.value:.6f}, gap {solved.duality_gap:.1e}"
    else:
        bounds = solved.certificate
        assert bounds.verify(data if isinstance(data, RobustSets) else _sets(data))
        says = f"{bounds.lower_count} to {bounds.upper_count} rows"
    print(json.dumps({"seconds": took, "gib": used, "says": says}))


def _sets(lin: Linearization) -> RobustSets:
    return RobustSets.from_linearization(lin, 1.0)


if __name__ == "__main__":
    _case(sys.argv[1])
