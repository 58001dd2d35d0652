"""Run the benchmarks and print their tables: ``python -m benchmarks --help``."""

import argparse
import math
import sys

from benchmarks import attacks, ball_proofs, bounds, defense, extremes, precision, sweep
from benchmarks.environment import PeersError
from benchmarks.report import Report
from benchmarks.workers import WorkerError
from paper_lib.checks.arguments import available_device

_NAMES = (
    "attacks",
    "precision",
    "defense",
    "bounds",
    "sweep",
    "extremes",
    "ball_proofs",
)
# A part of the defense's can be run alone.
_CHOICES = (*_NAMES, *defense.PARTS)


def main() -> int:
    options = _parse()
    try:
        for name in dict.fromkeys(map(_whole, options.names or _NAMES)):
            report = _run(name, options)
            print(f"\n{report.markdown}", flush=True)
            if options.write:
                print("\n".join(f"wrote {path.name}" for path in report.write()))
    except (PeersError, WorkerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the benchmark under way wrote nothing.", file=sys.stderr)
        return 130
    return 0


def _whole(name: str) -> str:
    """Parts of one benchmark are one report."""
    return "defense" if name in defense.PARTS else name


def _run(name: str, options: argparse.Namespace) -> Report:
    if name == "attacks":
        return attacks.run(runs=options.runs, with_peers=not options.no_peers)
    if name == "defense":
        asked = [part for part in defense.PARTS if part in options.names]
        return defense.run(
            runs=options.runs,
            search_seconds=options.search_seconds,
            limit=options.instances,
            workers=options.workers,
            device=options.device,
            names=asked if asked and name not in options.names else defense.PARTS,
        )
    if name == "bounds":
        return bounds.run(
            bound_seconds=options.bound_seconds,
            limit=options.instances,
            workers=options.workers,
        )
    if name == "sweep":
        return sweep.run(
            runs=min(options.runs, 3),
            pairs=min(options.pairs, 45),
            device=options.device,
        )
    if name == "ball_proofs":
        return ball_proofs.run(pairs=options.proofs, with_peers=not options.no_peers)
    return extremes.run() if name == "extremes" else precision.run()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"which of {', '.join(_NAMES)}, or of the defense's parts "
        f"{', '.join(defense.PARTS)}; without a name, all",
    )
    parser.add_argument(
        "--runs", type=int, default=20, help="interleaved runs of each case (20)"
    )
    parser.add_argument(
        "--no-peers", action="store_true", help="compare with plain torch alone"
    )
    parser.add_argument(
        "--search-seconds",
        type=float,
        default=30.0,
        help="length of the search that says what defenses left to find (30)",
    )
    parser.add_argument(
        "--bound-seconds",
        type=float,
        default=60.0,
        help="time limit of each upper bound (60)",
    )
    parser.add_argument(
        "--instances",
        type=int,
        default=100,
        help="instances of a kind to run for the defense, at most (100)",
    )
    parser.add_argument(
        "--pairs",
        type=int,
        default=12,
        help="pairs of each data set in a sweep, 45 for all (12)",
    )
    parser.add_argument(
        "--proofs",
        type=int,
        default=10_000,
        help="pairs of a point and a radius for the proofs in balls (10,000)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="processes that share the instances of the defense and of bounds (1)",
    )
    parser.add_argument(
        "--device",
        default="cpu",
        help="cuda: also measure batches and the sweep on a GPU (cpu)",
    )
    parser.add_argument(
        "--write", action="store_true", help="store results in benchmarks/results"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(_CHOICES):
        parser.error(f"a name must be one of {_CHOICES}, got {sorted(unknown)}")
    for option in (
        "runs",
        "search_seconds",
        "bound_seconds",
        "instances",
        "pairs",
        "proofs",
        "workers",
    ):
        if not 0 < (value := getattr(options, option)) < math.inf:
            name = option.replace("_", "-")
            parser.error(f"--{name} must be finite and > 0, got {value}")
    # The parts that need it come after half an hour of others.
    try:
        available_device(options.device)
    except ValueError as error:
        parser.error(f"--{error}")
    return options


if __name__ == "__main__":
    sys.exit(main())
