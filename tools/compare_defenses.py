"""Compare the methods for Eq. (7) on the complete data, and store what they found.

One record for each instance of ``benchmarks/instances.py`` under ``results/defense``,
and for each path over budgets one of counts and one of images. A record that is there
is kept; delete it to have it computed again::

    PAPER_LIB_DATA=/path/to/data python -m tools.compare_defenses

Everything is limited by work, not by time, so that a machine gives the same counts
again; the seconds are of the machine that ran it.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.instances import Instance, real_instance, real_instances
from experiments.store.byte_images import pack_signed
from experiments.store.provenance import provenance
from experiments.store.record_files import load_record, save_record
from paper_lib.data import load_pair
from paper_lib.defense import (
    RampConfig,
    coverage_path,
    fit_defense,
    maximize_coverage,
    ramp_ascent,
    upper_bound,
)
from paper_lib.defense.certificates.conflicts import matching_evidence
from paper_lib.defense.rows import unit_rows
from paper_lib.robust_sets import RobustSets

FOLDER = Path(__file__).resolve().parent.parent / "results" / "defense"
SCHEMA = "paper-lib/defense-comparison/1"
NODES = 101
TRIALS = 60
PATH_NODES = 31
PATHS = (("mnist", (0, 1)), ("mnist", (2, 4)))
PATH_MULTIPLES = tuple(round(0.5 + 0.05 * step, 2) for step in range(20))

METHODS: dict[str, Callable[[RobustSets], torch.Tensor]] = {
    "no defense": lambda sets: torch.zeros_like(sets.normals[0]),
    "ramp, raw rows": lambda sets: ramp_ascent(sets).perturbation,
    "ramp, unit rows": lambda sets: (
        ramp_ascent(sets, config=RampConfig(rows="unit")).perturbation
    ),
    "annealed": lambda sets: maximize_coverage(sets, method="annealed").perturbation,
    "search": lambda sets: (
        maximize_coverage(sets, method="search", exchanges=TRIALS).perturbation
    ),
    "fit_defense": lambda sets: fit_defense(sets).perturbation,
}


def measure(instance: Instance) -> dict[str, Any]:
    """Run every method once, and both bounds."""
    methods, best = {}, None
    for name, method in METHODS.items():
        started = time.perf_counter()
        v = method(instance.sets)
        seconds = time.perf_counter() - started
        count = int(instance.sets.contains(v).sum())
        methods[name] = {
            "count": count,
            "holdout": float(instance.holdout.coverage(v)),
            "seconds": round(seconds, 2),
        }
        if best is None or count > best[0]:
            best = (count, v)
    return {"methods": methods, "bounds": bounds(instance.sets, best[1])}


def bounds(sets: RobustSets, start: torch.Tensor) -> dict[str, Any]:
    """Bound by conflicting pairs alone and by moments, and check both."""
    num, started = len(sets.offsets), time.perf_counter()
    matching = matching_evidence(unit_rows(sets), most_partners=None)
    pairs = num - max(matching.violated_at_least(sets), 0)
    middle = time.perf_counter()
    certificate = upper_bound(sets, None, max_nodes=NODES, start=start)
    return {
        "pairs": {"count": pairs, "seconds": round(middle - started, 1)},
        "moments": {
            "count": certificate.upper_count,
            "seconds": round(time.perf_counter() - middle, 1),
            "nodes": NODES,
            "verified": certificate.verify(sets),
        },
    }


def follow(dataset: str, classes: tuple[int, int]) -> list[dict[str, Any]]:
    """Solve a pair at many budgets, and bound each."""
    family = [real_instance(dataset, classes, m).sets for m in PATH_MULTIPLES]
    points = []
    for multiple, sets, solution in zip(
        PATH_MULTIPLES, family, coverage_path(family), strict=True
    ):
        v = solution.perturbation
        certificate = upper_bound(sets, None, max_nodes=PATH_NODES, start=v)
        points.append(
            {
                "multiple": multiple,
                "epsilon": sets.epsilon,
                "none": float(sets.coverage(torch.zeros_like(v))),
                "ramp": ramp_ascent(sets).coverage,
                "lower": certificate.lower,
                "upper": certificate.upper,
            }
        )
    return points


def show(dataset: str, classes: tuple[int, int]) -> list[dict[str, Any]]:
    """Keep what the ascent and the path find at each budget, as images."""
    family = [real_instance(dataset, classes, m).sets for m in PATH_MULTIPLES]
    points = []
    for multiple, sets, solution in zip(
        PATH_MULTIPLES, family, coverage_path(family), strict=True
    ):
        found = {"ramp": ramp_ascent(sets), "lower": solution}
        points.append({"multiple": multiple, "epsilon": sets.epsilon})
        for name, one in found.items():
            v = one.perturbation
            points[-1][name] = {
                "coverage": one.coverage,
                "levels": pack_signed(v, float(v.abs().max())),
            }
    return points


def keep(name: str, compute: Callable[[], dict[str, Any]]) -> None:
    """Compute a record unless it is there."""
    path = FOLDER / f"{name}.json"
    if path.exists():
        load_record(path, schema=SCHEMA)  # a damaged one is an error that names it
        return
    started = time.perf_counter()
    record = {"schema": SCHEMA, **compute()}
    record["provenance"]["seconds"] = round(time.perf_counter() - started, 1)
    save_record(record, path)


def comparison(dataset: str, classes: tuple[int, int], multiple: float) -> dict:
    """Make the record of one instance."""
    instance = real_instance(dataset, classes, multiple)
    return {
        "instance": {
            "dataset": dataset,
            "classes": list(classes),
            "multiple": multiple,
            "epsilon": instance.sets.epsilon,
            "rows": len(instance.sets.offsets),
            "holdout_rows": len(instance.holdout.offsets),
        },
        **measure(instance),
        "provenance": provenance(load_pair(dataset, classes)),
    }


def path(
    dataset: str,
    classes: tuple[int, int],
    measured: Callable[..., list[dict[str, Any]]] = follow,
) -> dict[str, Any]:
    """Make the record of one path over budgets."""
    return {
        "instance": {"dataset": dataset, "classes": list(classes)},
        "points": measured(dataset, classes),
        "provenance": provenance(load_pair(dataset, classes)),
    }


def main() -> None:
    """Compute the records that are missing."""
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for dataset, classes, multiple in tqdm(real_instances(), desc="instances"):
        name = f"{dataset}-{classes[0]}-{classes[1]}-{multiple:g}"
        keep(name, lambda one=(dataset, classes, multiple): comparison(*one))
    for dataset, classes in tqdm(PATHS, desc="paths"):
        name = f"{dataset}-{classes[0]}-{classes[1]}-path"
        keep(name, lambda one=(dataset, classes): path(*one))
        keep(f"{name}-images", lambda one=(dataset, classes): path(*one, show))


if __name__ == "__main__":
    # It takes no options; --help and a mistyped one must not start the work.
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
