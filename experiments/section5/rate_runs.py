r"""Measured rates of Sec. 5 where :math:`\phi` is known: 15 minutes on one core."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch

from experiments.populations.distributions import (
    GaussianRows,
    Population,
    PopulationMaximum,
)
from experiments.populations.finite_population import FinitePopulation
from experiments.populations.largest_deviation import Bracket
from experiments.populations.linear_rows import LinearRows
from experiments.populations.sample_rates import (
    Draw,
    Rates,
    measure_rates,
    sample_seeds,
)
from experiments.populations.sample_solvers import SolverName
from experiments.store.keyed import Record, Run
from experiments.store.plain_values import from_plain
from experiments.store.provenance import one_thread, surroundings

SIZES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
# The same maximum, 0.9035 at 0.72 along the first axis, in every dimension.
_GAUSSIAN = {
    "mean_length": 1.0,
    "mean_offset": 0.5,
    "scale": 1.0,
    "offset_scale": 0.6,
    "epsilon": 1.0,
}
_LINEAR = {"distance": 2.0, "scale": 1.0, "shift": 0.25, "epsilon": 1.0}
# Of the finite population, which is itself a draw of the Gaussian one.
_FINITE = {"rows": 80, "seed": 0}
# Decimals kept of shares.
_DECIMALS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RatePlan(Run[Rates]):
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
    needs_data: ClassVar[bool] = False

    kind: Literal["gaussian", "linear", "finite"]
    dim: int
    solver: SolverName
    sizes: tuple[int, ...] = SIZES
    repetitions: tuple[int, ...] = (100,) * 7 + (60, 60)
    with_deviations: bool = False
    seed: int = 0
    parameters: dict[str, float] = field(init=False, hash=False)

    def __post_init__(self) -> None:
        """Fill in the parameters, so that they are stored with the result."""
        known = {"gaussian": _GAUSSIAN, "linear": _LINEAR, "finite": _FINITE}
        object.__setattr__(self, "parameters", known[self.kind])

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"rates of {self.stem}"

    @property
    def stem(self) -> str:
        """What it is called among the records of its file."""
        return f"{self.kind}-{self.dim}-{self.solver}"

    def population(self) -> Population:
        """Make the population.

        Returns:
            The population.
        """
        if self.kind == "linear":
            return LinearRows.symmetric(self.dim, **_LINEAR)
        rows = GaussianRows.isotropic(self.dim, **_GAUSSIAN)
        if self.kind == "gaussian":
            return rows
        return FinitePopulation(sets=rows.draw(_FINITE["rows"], seed=_FINITE["seed"]))

    def measure(self) -> Rates:
        """Draw the samples, solve them, and compare with the population.

        Returns:
            The rates.
        """
        return measure_rates(
            self.population(),
            self.sizes,
            repetitions=self.repetitions,
            seed=self.seed,
            solver=self.solver,
            with_deviations=self.with_deviations,
        )

    def run(self) -> Record:
        """Measure, and write the result in plain values.

        Returns:
            The record.
        """
        with one_thread():
            rates = self.measure()
        record = {
            "config": self.settings,
            "provenance": surroundings(),
            "best": {
                "perturbation": rates.best.perturbation.tolist(),
                "coverage": rates.best.coverage,
                "upper": rates.best.upper,
            },
            "counts": [
                [round(n * draw.sample_coverage) for draw in row]
                for n, row in zip(rates.sizes, rates.draws, strict=True)
            ],
            "coverages": [
                [round(draw.coverage, _DECIMALS) for draw in row] for row in rates.draws
            ],
        }
        if self.with_deviations:
            record["deviations"] = [
                [round(draw.deviation.lower, _DECIMALS) for draw in row]
                for row in rates.draws
            ]
            widths = [
                draw.deviation.upper - draw.deviation.lower
                for row in rates.draws
                for draw in row
            ]
            record["deviation_width"] = max(widths) + 10.0**-_DECIMALS
        return record

    @classmethod
    def result(cls, record: Record) -> Rates:
        """Read a record."""
        plan, best = from_plain(cls, record["config"]), record["best"]
        point = torch.tensor(best["perturbation"], dtype=torch.float64)
        return Rates(
            best=PopulationMaximum(
                perturbation=point, coverage=best["coverage"], upper=best["upper"]
            ),
            sizes=plan.sizes,
            draws=tuple(
                _draws(plan, record, place) for place in range(len(plan.sizes))
            ),
        )


def _few(place: int, last: Sequence[int], first: int = 100) -> dict[str, Any]:
    """Stop at a size, with fewer samples of the last few."""
    counts = [first] * (place - len(last)) + list(last)
    return {"sizes": SIZES[:place], "repetitions": tuple(counts)}


RATE_PLANS = (
    *(
        RatePlan(
            kind="linear",
            dim=dim,
            solver="exact",
            with_deviations=True,
            **_few(9, [200], 200),
        )
        for dim in (2, 100)
    ),
    RatePlan(kind="finite", dim=2, solver="exact", with_deviations=True),
    RatePlan(
        kind="gaussian",
        dim=2,
        solver="exact",
        with_deviations=True,
        **_few(7, [100, 30], 200),
    ),
    *(RatePlan(kind="gaussian", dim=dim, solver="annealed") for dim in (2, 10, 100)),
    *(
        RatePlan(kind="gaussian", dim=dim, solver="ramp", **_few(9, [60, 40, 20, 6]))
        for dim in (2, 10, 100)
    ),
    *(
        RatePlan(kind="gaussian", dim=dim, solver="polished", **_few(7, [20, 10], 20))
        for dim in (10, 100)
    ),
)


def _draws(plan: RatePlan, entry: Record, place: int) -> tuple[Draw, ...]:
    """Read the samples of one size back."""
    n, coverages = plan.sizes[place], entry["coverages"][place]
    shares = [count / n for count in entry["counts"][place]]
    if plan.with_deviations:
        lower = entry["deviations"][place]
        brackets = [
            Bracket(lower=low, upper=low + entry["deviation_width"]) for low in lower
        ]
    else:
        gaps = [abs(a - b) for a, b in zip(shares, coverages, strict=True)]
        brackets = [Bracket(lower=gap, upper=float("inf")) for gap in gaps]
    seeds = sample_seeds(plan.seed, place, len(shares))
    return tuple(
        Draw(seed=seed, sample_coverage=share, coverage=coverage, deviation=bracket)
        for seed, share, coverage, bracket in zip(
            seeds, shares, coverages, brackets, strict=True
        )
    )
