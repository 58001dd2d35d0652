"""Which records a commit computes again: others each time, so that all have a turn."""

import math
import subprocess
from numbers import Real
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def drawn(items):
    """Draw one of a sequence by the number of the commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return items[int(commit or "0", 16) % len(items)]


def share_of_equal(fresh, stored):
    """The share of stored numbers that come out again, to four digits; none lacks."""
    numbers = list(_numbers(fresh, stored))
    same = [math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-6) for _, a, b in numbers]
    return sum(same) / len(same)


def far_apart(fresh, stored):
    """Name the numbers that another processor does not explain: one kind may be few."""
    return [
        name
        for name, a, b in _numbers(fresh, stored)
        if abs(a - b) > 0.05 * abs(b) + 0.005
    ]


def _numbers(fresh, stored, name=""):
    if isinstance(stored, dict):
        assert fresh.keys() == stored.keys()
        for key, part in stored.items():
            yield from _numbers(fresh[key], part, f"{name}/{key}")
    elif isinstance(stored, list):
        for k, (one, other) in enumerate(zip(fresh, stored, strict=True)):
            yield from _numbers(one, other, f"{name}/{k}")
    elif isinstance(stored, Real):
        yield name, fresh, stored
    else:
        assert fresh == stored
