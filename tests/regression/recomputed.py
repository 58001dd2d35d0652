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
    pairs = list(_numbers(fresh, stored))
    same = [math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-6) for a, b in pairs]
    return sum(same) / len(same)


def _numbers(fresh, stored):
    if isinstance(stored, dict):
        assert fresh.keys() == stored.keys()
        for name, part in stored.items():
            yield from _numbers(fresh[name], part)
    elif isinstance(stored, list):
        for one, other in zip(fresh, stored, strict=True):
            yield from _numbers(one, other)
    elif isinstance(stored, Real):
        yield fresh, stored
    else:
        assert fresh == stored
