r"""Measured rates of Sec. 5 where :math:`\phi` is known: 15 minutes on one core."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch

from experiments.populations import sample_methods, sample_rates
from experiments.populations.distributions import PopulationMaximum
from experiments.store.keyed import Record, Run
from experiments.store.pair_settings import Site
from experiments.store.record_files import from_plain

SIZES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
# Of the finite population, which is itself a draw of the Gaussian one.
_FINITE = {"rows": 80, "seed": 0}
# Decimals kept of shares.
_DECIMALS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RatePlan(Run[sample_rates.Rates]):
    """Samples of one population, solved in one way.

    Attributes:
        kind: The population: rows jointly normal, a linear classifier, or finitely many
            rows in the plane.
        dim: Dimension d.
        solver: How samples are solved.
        sizes: Numbers of rows in a sample.
        repetitions: Samples of each size.
        with_deviations: Whether the largest deviation is computed too.
        seed: Seed of all samples.
        parameters: Those of the population.
    """

    schema: ClassVar[str] = "paper-lib/rates/1"

    kind: sample_methods.Kind
    dim: int
    solver: sample_methods.SolverName
    sizes: tuple[int, ...] = SIZES
    repetitions: tuple[int, ...] = (100,) * 7 + (60, 60)
    with_deviations: bool = False
    seed: int = 0
    parameters: dict[str, float] = field(init=False, hash=False)

    def __post_init__(self) -> None:
        """Fill in the parameters, so that they are stored with the result."""
        settings = dict(_FINITE)
        if self.kind != "finite":
            population: Any = self.population()
            settings = asdict(population)
            del settings["dim"]
        object.__setattr__(self, "parameters", settings)

    @property
    def stem(self) -> str:
        """What it is called among the records of its file."""
        return f"{self.kind}-{self.dim}-{self.solver}"

    def population(self) -> sample_methods.Population:
        """Make the population.

        Returns:
            The population.
        """
        return sample_methods.known_population(self.kind, self.dim, **_FINITE)

    def rates(self) -> sample_rates.Rates:
        """Draw the samples, solve them, and compare with the population.

        Returns:
            The rates.
        """
        return sample_rates.measure_rates(
            self.population(),
            self.sizes,
            repetitions=self.repetitions,
            seed=self.seed,
            solver=self.solver,
            with_deviations=self.with_deviations,
        )

    def measure(self, site: Site) -> Record:
        """Measure, and write the result in plain values.

        Args:
            site: Not asked: the rows are drawn.

        Returns:
            The counts, and what they are compared with.
        """
        rates = self.rates()
        record = {
            "best": asdict(rates.best)
            | {"perturbation": rates.best.perturbation.tolist()},
            "counts": [
                [round(n * draw.sample_coverage) for draw in row]
                for n, row in zip(rates.sizes, rates.draws, strict=True)
            ],
            "coverages": [
                [round(draw.coverage, _DECIMALS) for draw in row] for row in rates.draws
            ],
        }
        if self.with_deviations:
            brackets = [[draw.deviation for draw in row] for row in rates.draws]
            record["deviations"] = [
                [round(one.lower, _DECIMALS) for one in row] for row in brackets
            ]
            widths = [one.upper - one.lower for row in brackets for one in row]
            record["deviation_width"] = max(widths) + 10.0**-_DECIMALS
        return record

    @classmethod
    def result(cls, record: Record) -> sample_rates.Rates:
        """Read a record."""
        plan, best = from_plain(cls, record["config"]), record["best"]
        point = torch.tensor(best["perturbation"], dtype=torch.float64)
        draws = tuple(_draws(plan, record, place) for place in range(len(plan.sizes)))
        best = PopulationMaximum(**best | {"perturbation": point})
        return sample_rates.Rates(best=best, sizes=plan.sizes, draws=draws)


def _plan(
    kind: sample_methods.Kind,
    dim: int,
    solver: sample_methods.SolverName,
    *,
    first: int = 100,
    last: Sequence[int] = (60, 60),
    until: int = 9,
) -> RatePlan:
    """Plan the first sizes, with fewer samples of the last few of them."""
    return RatePlan(
        kind=kind,
        dim=dim,
        solver=solver,
        sizes=SIZES[:until],
        repetitions=(*[first] * (until - len(last)), *last),
        with_deviations=solver == "exact",
    )


RATE_PLANS = (
    *(_plan("linear", dim, "exact", first=200, last=[200]) for dim in (2, 100)),
    _plan("finite", 2, "exact"),
    _plan("gaussian", 2, "exact", first=200, last=[100, 30], until=7),
    *(_plan("gaussian", dim, "annealed") for dim in (2, 10, 100)),
    *(_plan("gaussian", dim, "ramp", last=[60, 40, 20, 6]) for dim in (2, 10, 100)),
    *(
        _plan(
            "gaussian", dim, sample_methods.SEARCH_0, first=20, last=[20, 10], until=7
        )
        for dim in (10, 100)
    ),
)


def _draws(plan: RatePlan, entry: Record, place: int) -> tuple[sample_rates.Draw, ...]:
    """Read the samples of one size back."""
    n, coverages = plan.sizes[place], entry["coverages"][place]
    shares = [count / n for count in entry["counts"][place]]
    lower = [abs(a - b) for a, b in zip(shares, coverages, strict=True)]
    if plan.with_deviations:
        lower = entry["deviations"][place]
    width = entry.get("deviation_width", math.inf)
    seeds = sample_rates.sample_seeds(plan.seed, place, len(shares))
    samples = zip(seeds, shares, coverages, lower, strict=True)
    return tuple(
        sample_rates.Draw(
            seed=seed,
            sample_coverage=share,
            coverage=coverage,
            deviation=sample_methods.Bracket(lower=low, upper=low + width),
        )
        for seed, share, coverage, low in samples
    )
