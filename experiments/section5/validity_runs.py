r"""Every bound on a thousand samples of a population whose phi is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from experiments.populations.distributions import GaussianRows, Population
from experiments.populations.finite_population import FinitePopulation
from experiments.populations.linear_rows import LinearRows
from experiments.populations.validity import Validity, check_bounds
from experiments.store.keyed import Record, Run, read_record
from experiments.store.provenance import one_thread, surroundings
from paper_lib.bounds import (
    Bound,
    bounds_at,
    clopper_pearson,
    compress,
    compress_solution,
    compression_bound,
    gaussian_coverage,
    held_out_bound,
    optimum_bound,
    pac_bayes_bound,
    regret_bound,
    trace_bound,
)
from paper_lib.checks import check_count, check_seed
from paper_lib.defense import maximize_coverage
from paper_lib.generalization import trace_count
from paper_lib.robust_sets import RobustSets

# Samples of the center and of finite populations, apart from those of the test.
_CENTER_SEED = 2**40
# So few that the bounds are put to the test, so many that some say something.
_NUM_CENTER = 200
_MAX_POINTS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidityConfig(Run["ValidityRecord"]):
    """Everything that decides a test of the bounds.

    Attributes:
        kind: The population: rows jointly normal, a linear classifier, or finitely many
            rows.
        dim: Dimension d.
        num_rows: Rows in a sample.
        repetitions: Samples.
        seed: Seed of the first sample.
        confidence: Confidence of every bound.
        fit: How v is fitted to a sample.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If a count is below 1, or the seed is no seed.
    """

    schema: ClassVar[str] = "paper-lib/validity-record/1"
    needs_data: ClassVar[bool] = False

    kind: Literal["gaussian", "linear", "finite"]
    dim: int
    num_rows: int = 200
    repetitions: int = 1000
    seed: int = 0
    confidence: float = 0.95
    fit: Literal["search", "annealed"] = "search"

    def __post_init__(self) -> None:
        """Reject settings for which a test is undefined.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        for name in ("dim", "num_rows", "repetitions"):
            check_count(getattr(self, name), name, 1)
        check_seed(self.seed)

    @property
    def label(self) -> str:
        """What a person calls the test."""
        return f"{self.kind} rows in dimension {self.dim}"

    @property
    def stem(self) -> str:
        """What the name of its record begins with."""
        return f"validity-{self.kind}-{self.dim}"

    def run(self) -> Record:
        """Test every bound and keep what a page shows.

        Returns:
            The record.
        """
        with one_thread():
            found = measure_validity(self)
        return {
            "schema": self.schema,
            "config": self.settings,
            "provenance": surroundings(),
            "bounds": {name: _summary(one) for name, one in found.items()},
        }

    @classmethod
    def result(cls, record: Record) -> "ValidityRecord":
        """Read a record."""
        return read_record(ValidityRecord, record)

    def population(self) -> Population:
        """Make the population.

        Returns:
            The population.
        """
        if self.kind == "linear":
            return LinearRows.symmetric(self.dim)
        rows = GaussianRows.isotropic(self.dim)
        if self.kind == "gaussian":
            return rows
        return FinitePopulation(sets=rows.draw(500, seed=_CENTER_SEED + 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundTest:
    """What came of one bound over all samples.

    Attributes:
        side: Whether it lies below or above what it bounds.
        confidence: Its confidence.
        failures: Samples in which it was false.
        limit: Lower limit of its failure rate, with 99.9% confidence.
        is_rejected: Whether that exceeds what the confidence allows.
        rejecting_factor: The largest factor of its price at which it is rejected; None
            if there is none.
        mean_observed: Mean share of the sample it starts from.
        mean_value: Mean bound.
        mean_truth: Mean of what it bounds.
    """

    side: Literal["lower", "upper"]
    confidence: float
    failures: int
    limit: float
    is_rejected: bool
    rejecting_factor: float | None
    mean_observed: float
    mean_value: float
    mean_truth: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidityRecord:
    """A test of every bound on one population.

    Attributes:
        config: The settings of the test.
        provenance: What it was computed with.
        bounds: What came of each, by name.
    """

    config: ValidityConfig
    provenance: Mapping[str, Any]
    bounds: Mapping[str, BoundTest]


def measure_validity(
    config: ValidityConfig, *, progress: bool = False
) -> dict[str, Validity]:
    """Fit a v to each sample and compare every bound with the truth.

    Args:
        config: The test.
        progress: Show a progress bar.

    Returns:
        What came of each bound, by name. The last, ``"held out, v fitted"``, is the
        control: a bound for one v fixed in advance, at a v that was not.
    """
    population = config.population()
    center = _fit(config, population.draw(_NUM_CENTER, seed=_CENTER_SEED), 0)
    best = population.maximum()

    def trial(sets: RobustSets, seed: int) -> _Found:
        fit = _Fitted(
            population=population,
            sets=sets,
            v=_fit(config, sets, seed),
            center=center,
            confidence=config.confidence,
        )
        return {
            **_for_every_v(fit),
            **_rebuilt(fit, seed),
            "held out": (
                held_out_bound(sets, center, confidence=config.confidence),
                float(population.coverage(center)),
            ),
            **(_in_the_plane(fit, best.upper) if config.dim == 2 else {}),
            "held out, v fitted": (
                held_out_bound(sets, fit.v, confidence=config.confidence),
                fit.truth,
            ),
        }

    return check_bounds(
        population,
        trial,
        num_rows=config.num_rows,
        repetitions=config.repetitions,
        seed=config.seed,
        progress=progress,
    )


# Bounds by name, each with what it bounds.
_Found = dict[str, tuple[Bound, float]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Fitted:
    """A perturbation fitted to a sample, and a center that is not."""

    population: Population
    sets: RobustSets
    v: Float[Tensor, " d"]
    center: Float[Tensor, " d"]
    confidence: float

    @property
    def truth(self) -> float:
        """Its coverage of the population."""
        return float(self.population.coverage(self.v))


def _for_every_v(fit: _Fitted) -> _Found:
    """Compute the bounds that allow for any fit."""
    bounds = bounds_at(fit.sets, fit.v, confidence=fit.confidence, center=fit.center)
    truth, population = fit.truth, fit.population
    noisy = {k: b for k, b in bounds.items() if b.holds_for == "a Gaussian around v"}
    found = {k: (b, truth) for k, b in bounds.items() if k not in noisy}
    # What a noisy defense keeps is known exactly where the rows are finitely many.
    if isinstance(population, FinitePopulation):
        for name, bound in noisy.items():
            kept = gaussian_coverage(population.sets, fit.v, noise=bound.terms["noise"])
            found[name] = (bound, kept)
    return found


def _rebuilt(fit: _Fitted, seed: int) -> _Found:
    """Compute the bounds for what a few points rebuild."""
    few = compress(
        fit.sets, confidence=fit.confidence, max_points=_MAX_POINTS, seed=seed
    )
    held = compress_solution(fit.sets, fit.v) or few
    return {
        name: (
            compression_bound(fit.sets, one, confidence=fit.confidence),
            float(fit.population.coverage(one.perturbation)),
        )
        for name, one in (("compression", few), ("least norm", held))
    }


def _in_the_plane(fit: _Fitted, maximum: float) -> _Found:
    """Compute the bounds that take a count of traces, or the exact maximizer."""
    # Against the larger end of what is known of the population's maximum they could
    # only fail too often.
    sets, v, confidence = fit.sets, fit.v, fit.confidence
    certificate = maximize_coverage(sets, method="plane").certificate
    each = (1.0 + confidence) / 2
    traces = trace_bound(
        sets, v, num_traces=trace_count(sets, "robust_sets"), confidence=confidence
    )
    regret = regret_bound(
        optimum_bound(certificate, confidence=each),
        pac_bayes_bound(sets, v, confidence=each, center=fit.center),
    )
    return {
        "traces": (traces, fit.truth),
        "optimum": (optimum_bound(certificate, confidence=confidence), maximum),
        "regret": (regret, maximum - fit.truth),
    }


def _summary(one: Validity) -> dict[str, Any]:
    failures = one.failures()
    return {
        "side": one.side,
        "confidence": one.confidence,
        "failures": failures,
        "limit": clopper_pearson(failures, one.repetitions, confidence=0.999),
        "is_rejected": one.is_rejected(),
        "rejecting_factor": one.rejecting_factor,
        "mean_observed": float(one.observed.mean()),
        "mean_value": float(one.values.mean()),
        "mean_truth": float(one.truths.mean()),
    }


def _fit(config: ValidityConfig, sets: RobustSets, seed: int) -> Float[Tensor, " d"]:
    return maximize_coverage(sets, method=config.fit, seed=seed).perturbation
