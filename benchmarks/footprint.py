"""Solve stored rows and print time and peak memory, in a process of their own."""

import json
import resource
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from paper_lib.defense import maximize_coverage
from paper_lib.robust_sets import RobustSets


def main(path: str, epsilon: str) -> None:
    torch.set_num_threads(1)
    rows = load_file(path)
    sets = RobustSets(
        normals=rows["normals"], offsets=rows["offsets"], epsilon=float(epsilon)
    )
    before = peak_gib()
    began = time.perf_counter()
    solution = maximize_coverage(sets)
    found = {
        "seconds": time.perf_counter() - began,
        "before_gib": before,
        "peak_gib": peak_gib(),
        "count": int(sets.contains(solution.perturbation).sum()),
    }
    print(json.dumps(found))


def peak_gib() -> float:
    """Read the peak of this process.

    Returns:
        GiB.
    """
    # On Linux ru_maxrss starts at the peak of the parent that forked; VmHWM does not.
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 2**20
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**30


if __name__ == "__main__":
    main(*sys.argv[1:])
