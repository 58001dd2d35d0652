r"""Measured rates on images: the test set is the population, so that phi is known."""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from experiments.populations.distributions import PopulationMaximum
from experiments.populations.finite_population import FinitePopulation
from experiments.populations.largest_deviation import Bracket
from experiments.populations.sample_rates import Draw, Rates, measure_rates
from experiments.populations.sample_solvers import SolverName
from experiments.section5.bound_runs import BoundsConfig, half_pair
from experiments.store.provenance import one_thread
from experiments.store.record_files import plain, settings_digest
from paper_lib.data.pairs import Source
from paper_lib.defense import maximize_coverage, upper_bound

IMAGE_RATES_SCHEMA = "paper-lib/image-rates-record/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRatesConfig:
    """Everything that decides the rates of one pair, apart from the data.

    Attributes:
        pair: The classifier and its budget; half of the training images train it.
        sizes: Sizes of the samples, which are drawn from the test set with replacement.
        repetitions: Samples of each size.
        solvers: How a sample is solved.
        seed: Seed of all samples.
    """

    pair: BoundsConfig
    sizes: tuple[int, ...] = (10, 30, 100, 300, 1000, 3000, 10_000)
    repetitions: tuple[int, ...] = (20, 20, 20, 20, 10, 6, 4)
    solvers: tuple[SolverName, ...] = ("ramp", "annealed", "polished")
    seed: int = 0

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"rates of {self.pair.label}"

    @property
    def record_name(self) -> str:
        """The name of its record."""
        digest = settings_digest(asdict(self))
        first, second = self.pair.classes
        return f"rates-{self.pair.dataset}-{first}-{second}-{digest}.json"


def run_image_rates(
    config: ImageRatesConfig, *, root: str | None = None, source: Source = "auto"
) -> dict[str, Any]:
    """Draw samples of the test set, solve them, and compare with all of it.

    Args:
        config: The run.
        root: Folder of the data.
        source: Source of the data.

    Returns:
        The record: counts on the sample and on the test set, the best perturbation
        known for the test set, and a certified bound on any other.
    """
    with one_thread():
        halves, source_of = half_pair(config.pair, root=root, source=source)
        population = FinitePopulation(sets=halves.test)
        num = len(halves.test.offsets)
        measured = {
            solver: measure_rates(
                population,
                config.sizes,
                repetitions=config.repetitions,
                seed=config.seed,
                solver=solver,
                with_deviations=False,
            )
            for solver in config.solvers
        }
        best = maximize_coverage(halves.test, method="search", seed=config.seed)
        certificate = upper_bound(
            halves.test, None, seed=config.seed, start=best.perturbation
        )
        counts = {solver: _counts(rates, num) for solver, rates in measured.items()}
        found = max(pair[1] for rows in counts.values() for row in rows for pair in row)
        return {
            "schema": IMAGE_RATES_SCHEMA,
            "config": plain(asdict(config)),
            "provenance": source_of,
            "num": num,
            "best_count": max(found, round(num * best.coverage)),
            "upper_count": certificate.upper_count,
            "counts": counts,
        }


def _counts(rates: Rates, num: int) -> list[list[list[int]]]:
    """Count, for each size and sample, the rows kept of it and of the test set."""
    return [
        [[round(n * one.sample_coverage), round(num * one.coverage)] for one in row]
        for n, row in zip(rates.sizes, rates.draws, strict=True)
    ]


def image_rates(record: dict[str, Any]) -> dict[str, Rates]:
    """Read the rates of each solver back from a record.

    Args:
        record: What :func:`run_image_rates` returned.

    Returns:
        The rates. Their ``best`` has the coverage of the best perturbation known, but
        not the perturbation, which is zero there.
    """
    num, sizes = record["num"], tuple(record["config"]["sizes"])
    best = PopulationMaximum(
        perturbation=torch.zeros(1, dtype=torch.float64),
        coverage=record["best_count"] / num,
        upper=record["upper_count"] / num,
    )
    unknown = Bracket(lower=0.0, upper=float("inf"))
    return {
        solver: Rates(
            best=best,
            sizes=sizes,
            draws=tuple(
                tuple(
                    Draw(
                        seed=record["config"]["seed"],
                        sample_coverage=kept / n,
                        coverage=all_kept / num,
                        deviation=unknown,
                    )
                    for kept, all_kept in row
                )
                for n, row in zip(sizes, rows, strict=True)
            ),
        )
        for solver, rows in record["counts"].items()
    }
