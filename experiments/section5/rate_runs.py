r"""Measured rates of Sec. 5 where :math:`\phi` is known, and their store.

``load_or_measure("results/generalization/rates.json")`` reads what is there and
measures what is missing, all of it in some 15 minutes on one core.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from tqdm import tqdm

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
from experiments.store.provenance import one_thread, surroundings
from experiments.store.record_files import load_record, plain, save_record

RATES_SCHEMA = "paper-lib/rates/1"
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
class RatePlan:
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


def load_or_measure(
    path: str | os.PathLike[str],
    plans: Sequence[RatePlan] = RATE_PLANS,
    *,
    compute: bool = True,
    progress: bool = False,
) -> tuple[Rates, ...]:
    """Read the rates a store has and measure those it lacks.

    The store is written anew after each plan, so that a run that is stopped goes on
    from there. It keeps what it holds of other plans.

    Args:
        path: The file; made, with its folder, if it is not there.
        plans: What is asked for.
        compute: Measure what is missing; otherwise it is an error.
        progress: Show progress bars.

    Returns:
        The rates, one a plan, in order.

    Raises:
        FileNotFoundError: If there is no such file and nothing is to be measured.
        ValueError: If the file is damaged or of another schema, or lacks a plan that is
            not to be measured.
    """
    file = Path(path)
    if not compute:
        return load_rates(file, plans)
    file.parent.mkdir(parents=True, exist_ok=True)
    entries = _entries(file) if file.exists() else []
    for plan in tqdm(plans, desc="plans", disable=not progress):
        if _find(entries, plan) is None:
            entries.append(_measure(plan, progress))
            save_record({"schema": RATES_SCHEMA, "entries": entries}, file)
    return load_rates(file, plans)


def load_rates(
    path: str | os.PathLike[str], plans: Sequence[RatePlan] = RATE_PLANS
) -> tuple[Rates, ...]:
    """Read stored rates.

    Args:
        path: The file.
        plans: What is asked for.

    Returns:
        The rates, one a plan, in order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, of another schema, or lacks a plan.
    """
    entries = _entries(path)
    found = []
    for plan in plans:
        entry = _find(entries, plan)
        if entry is None:
            raise ValueError(f"{path} must hold every plan, but lacks {plan}.")
        found.append(_rates(plan, entry))
    return tuple(found)


def _entries(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    return load_record(path, schema=RATES_SCHEMA)["entries"]


def _find(entries: Sequence[dict[str, Any]], plan: RatePlan) -> dict[str, Any] | None:
    """Look up the result of a plan."""
    wanted = plain(asdict(plan))
    return next((entry for entry in entries if entry["config"] == wanted), None)


def _measure(plan: RatePlan, progress: bool) -> dict[str, Any]:
    """Carry out a plan, and write the result in plain values."""
    with one_thread():
        rates = measure_rates(
            plan.population(),
            plan.sizes,
            repetitions=plan.repetitions,
            seed=plan.seed,
            solver=plan.solver,
            with_deviations=plan.with_deviations,
            progress=progress,
        )
    entry = {
        "config": plain(asdict(plan)),
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
    if plan.with_deviations:
        entry["deviations"] = [
            [round(draw.deviation.lower, _DECIMALS) for draw in row]
            for row in rates.draws
        ]
        widths = [
            draw.deviation.upper - draw.deviation.lower
            for row in rates.draws
            for draw in row
        ]
        entry["deviation_width"] = max(widths) + 10.0**-_DECIMALS
    return entry


def _rates(plan: RatePlan, entry: dict[str, Any]) -> Rates:
    """Read a result back."""
    best = entry["best"]
    point = torch.tensor(best["perturbation"], dtype=torch.float64)
    return Rates(
        best=PopulationMaximum(
            perturbation=point, coverage=best["coverage"], upper=best["upper"]
        ),
        sizes=plan.sizes,
        draws=tuple(_draws(plan, entry, place) for place in range(len(plan.sizes))),
    )


def _draws(plan: RatePlan, entry: dict[str, Any], place: int) -> tuple[Draw, ...]:
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
