r"""Measured rates on images: the test set is the population, so that phi is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from experiments.populations.distributions import PopulationMaximum
from experiments.populations.sample_methods import Bracket, FinitePopulation, SolverName
from experiments.populations.sample_rates import Draw, Rates, measure_rates
from experiments.section5.bound_runs import BoundsConfig
from experiments.store.keyed import Computed, Record, Run
from experiments.store.pair_settings import Site
from paper_lib.defense import maximize_coverage, upper_bound
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRates(Computed["ImageRatesConfig"]):
    """Counts on samples of a test set and on all of it.

    Attributes:
        num: Images in the test set.
        best_count: Images that the best perturbation known keeps.
        upper_count: Images that no perturbation exceeds.
        counts: For each solver, for each size and sample: the rows kept of the sample
            and of the test set.
    """

    num: int
    best_count: int
    upper_count: int
    counts: Mapping[str, tuple[tuple[tuple[int, int], ...], ...]]

    @property
    def rates(self) -> dict[str, Rates]:
        """The rates of each solver.

        Their ``best`` has the coverage of the best perturbation known, but not the
        perturbation, which is zero there.
        """
        best = PopulationMaximum(
            perturbation=torch.zeros(1, dtype=torch.float64),
            coverage=self.best_count / self.num,
            upper=self.upper_count / self.num,
        )
        sizes, rates = self.config.sizes, {}
        for solver, rows in self.counts.items():
            draws = tuple(
                tuple(
                    Draw(
                        seed=self.config.seed,
                        sample_coverage=kept / n,
                        coverage=all_kept / self.num,
                        deviation=Bracket(),
                    )
                    for kept, all_kept in row
                )
                for n, row in zip(sizes, rows, strict=True)
            )
            rates[solver] = Rates(best=best, sizes=sizes, draws=draws)
        return rates


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRatesConfig(Run[ImageRates]):
    """Everything that decides the rates of one pair, apart from the data.

    Attributes:
        pair: The classifier and its budget; half of the training images train it.
        sizes: Sizes of the samples, which are drawn from the test set with replacement.
        repetitions: Samples of each size.
        solvers: How a sample is solved.
        seed: Seed of all samples.
    """

    schema: ClassVar[str] = "paper-lib/image-rates-record/1"
    result_type = ImageRates

    pair: BoundsConfig
    sizes: tuple[int, ...] = (10, 30, 100, 300, 1000, 3000, 10_000)
    repetitions: tuple[int, ...] = (20, 20, 20, 20, 10, 6, 4)
    solvers: tuple[SolverName, ...] = ("ramp", "annealed", "polished")
    seed: int = 0

    @property
    def stem(self) -> str:
        """What the name of its record begins with."""
        first, second = self.pair.classes
        return f"rates-{self.pair.dataset}-{first}-{second}"

    def measure(self, site: Site) -> Record:
        """Draw samples of the test set, solve them, and compare with all of it.

        Args:
            site: Where to find the images; the CPU computes.

        Returns:
            Counts on the sample and on the test set, the best perturbation known for
            the test set, and a certified bound on any other.
        """
        halves, source_of = self.pair.halves(site)
        test, num = halves.test, len(halves.test.offsets)
        counts = {solver: self._counts(test, solver) for solver in self.solvers}
        best = maximize_coverage(test, method="search", seed=self.seed)
        certificate = upper_bound(test, None, seed=self.seed, start=best.perturbation)
        found = max(pair[1] for rows in counts.values() for row in rows for pair in row)
        return {
            "provenance": source_of,
            "num": num,
            "best_count": max(found, round(num * best.coverage)),
            "upper_count": certificate.upper_count,
            "counts": counts,
        }

    def _counts(self, test: RobustSets, solver: SolverName) -> list[list[list[int]]]:
        """Count what each sample's perturbation keeps of it, and of the test set."""
        rates = measure_rates(
            FinitePopulation(sets=test),
            self.sizes,
            repetitions=self.repetitions,
            seed=self.seed,
            solver=solver,
            with_deviations=False,
        )
        num = len(test.offsets)
        return [
            [[round(n * one.sample_coverage), round(num * one.coverage)] for one in row]
            for n, row in zip(rates.sizes, rates.draws, strict=True)
        ]
