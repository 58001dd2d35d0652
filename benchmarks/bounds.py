"""How far coverage found and coverage excluded are apart, and whether the proof holds.

The bound by fractional matching is the comparison; both gaps are taken from the same
lower bound, the one that is certified.
"""

import math
import time
from collections.abc import Sequence
from functools import partial

import torch

from benchmarks.instances import Instance, available_instances
from benchmarks.reference import matching_bound
from benchmarks.report import Part, Report, join_parts, markdown_table, verdict
from benchmarks.workers import each
from paper_lib import defense

AIM_POINTS = 1.0
_EASY = "mnist 0-1"


def run(*, bound_seconds: float = 60.0, limit: int = 100, workers: int = 1) -> Report:
    """Bound the optimum of the real instances.

    Args:
        bound_seconds: Time limit of each bound.
        limit: How many instances, at most.
        workers: Processes that share the instances.

    Returns:
        A table with verdicts.
    """
    torch.set_num_threads(1)
    instances, source = available_instances(limit, workers=workers)
    part = bounds(instances, source, seconds=bound_seconds, workers=workers)
    return join_parts("Bounds", [part])


def bounds(
    instances: Sequence[Instance], source: str, *, seconds: float, workers: int = 1
) -> Part:
    """Compare certified gaps with those that matching leaves.

    Args:
        instances: The problems.
        source: Where they come from, in words.
        seconds: Time limit of each bound.
        workers: Processes that share the instances.

    Returns:
        A table with verdicts.
    """
    measure = partial(_measure, limit=seconds)
    found = each(measure, instances, workers=workers, title="bounds")
    heading = (
        f"{source} {seconds:g} s for each certificate, {workers} at a time, gaps in "
        "points."
    )
    text = "\n\n".join([heading, _table(found), _verdicts(found, seconds)])
    return Part(heading="Certificates", text=text, data={"instances": found})


def _measure(instance: Instance, limit: float) -> dict[str, object]:
    sets = instance.sets
    began = time.perf_counter()
    certificate = defense.upper_bound(sets, time_limit=limit)
    bounded = time.perf_counter()
    verified = certificate.verify(sets)
    checked = time.perf_counter()
    matching = matching_bound(sets)
    matched = time.perf_counter()
    lower, scale = certificate.lower_count, 100 / len(sets.offsets)
    return {
        "name": instance.name,
        "lower": lower,
        "upper": certificate.upper_count,
        "matching": matching,
        "gap": scale * (certificate.upper_count - lower),
        "matching_gap": scale * (matching - lower),
        "ratio": _share(certificate.upper_count - lower, matching - lower),
        "aim": 0.5 if instance.name.startswith(_EASY) else 0.75,
        "verified": verified,
        "seconds": round(bounded - began, 2),
        "check_seconds": round(checked - bounded, 2),
        "matching_seconds": round(matched - checked, 2),
    }


def _share(part: int, whole: int) -> float:
    """Divide gaps; nothing left of nothing is nothing."""
    if part == 0:
        return 0.0
    return part / whole if whole else math.inf


def _table(found: Sequence[dict]) -> str:
    header = [
        "instance",
        "found",
        "certified",
        "matching",
        "gap",
        "matching gap",
        "ratio",
        "aim",
        "verified",
        "seconds",
        "to check",
        "matching's",
    ]
    lines = [
        [
            one["name"],
            *(str(one[key]) for key in ("lower", "upper", "matching")),
            *(f"{one[key]:.2f}" for key in ("gap", "matching_gap", "ratio", "aim")),
            "yes" if one["verified"] else "NO",
            *(
                f"{one[key]:.1f}"
                for key in ("seconds", "check_seconds", "matching_seconds")
            ),
        ]
        for one in found
    ]
    return markdown_table(header, lines)


def _verdicts(found: Sequence[dict], limit: float) -> str:
    num = len(found)
    verified = sum(one["verified"] for one in found)
    small = sum(one["gap"] <= AIM_POINTS for one in found)
    in_time = sum(one["seconds"] <= 1.1 * limit for one in found)
    lines = [verdict(f"verified {verified} of {num}", "all", verified == num)]
    for aim, where in ((0.5, "on 0-1"), (0.75, "elsewhere")):
        ratios = [one["ratio"] for one in found if one["aim"] == aim]
        if ratios:
            worst = f"largest ratio of gaps {where} {max(ratios):.2f}"
            lines.append(verdict(worst, f"{aim:g}", max(ratios) <= aim))
    lines += [
        verdict(
            f"gap of {AIM_POINTS:g} point on {small} of {num}", "all", small == num
        ),
        verdict(f"time limit kept on {in_time} of {num}", "all", in_time == num),
    ]
    return "\n".join(lines)
