r"""Every bound on a thousand samples of a population whose phi is known."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float
from torch import Tensor

from experiments.populations import sample_methods
from experiments.section5.bound_tests import BoundTest, Validity
from experiments.store.keyed import Computed, Record, Run
from experiments.store.pair_settings import Site
from paper_lib import bounds
from paper_lib.bounds.bound import log_inverse_failure
from paper_lib.bounds.compression import compress_solution
from paper_lib.bounds.pac_bayes import gaussian_coverage
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
class ValidityRecord(Computed["ValidityConfig"]):
    """A test of every bound on one population.

    Attributes:
        bounds: What came of each, by name.
    """

    bounds: Mapping[str, BoundTest]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidityConfig(Run[ValidityRecord]):
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
    result_type = ValidityRecord

    kind: sample_methods.Kind
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
    def stem(self) -> str:
        """What the name of its record begins with."""
        return f"validity-{self.kind}-{self.dim}"

    def measure(self, site: Site) -> Record:
        """Test every bound and keep what a page shows.

        Args:
            site: Not asked: the rows are drawn.

        Returns:
            What came of each bound.
        """
        found = measure_validity(self)
        return {"bounds": {name: asdict(one.summary()) for name, one in found.items()}}

    def population(self) -> sample_methods.Population:
        """Make the population.

        Returns:
            The population.
        """
        return sample_methods.known_population(
            self.kind, self.dim, rows=500, seed=_CENTER_SEED + 1
        )


def measure_validity(config: ValidityConfig) -> dict[str, Validity]:
    """Fit a v to each sample and compare every bound with the truth.

    Args:
        config: The test.

    Returns:
        What came of each bound, by name. The last, ``"held out, v fitted"``, is the
        control: a bound for one v fixed in advance, at a v that was not.
    """
    population = config.population()
    center = _fit(config, population.draw(_NUM_CENTER, seed=_CENTER_SEED), 0)
    most = population.maximum().upper
    found = [
        _trial(config, population, center, most, seed)
        for seed in range(config.seed, config.seed + config.repetitions)
    ]
    return {name: _collect([one[name] for one in found]) for name in found[0]}


# Bounds by name, each with what it bounds.
_Found = dict[str, tuple[bounds.Bound, float]]


def _collect(found: list[tuple[bounds.Bound, float]]) -> Validity:
    """Put the samples of one bound together."""
    first, _ = found[0]
    return Validity(
        confidence=first.confidence,
        side=first.side,
        observed=np.array([bound.observed for bound, _ in found]),
        values=np.array([bound.value for bound, _ in found]),
        truths=np.array([truth for _, truth in found]),
    )


def _trial(
    config: ValidityConfig,
    population: sample_methods.Population,
    center: Float[Tensor, " d"],
    most: float,
    seed: int,
) -> _Found:
    """Draw a sample, fit a v to it, and compute every bound."""
    sets = population.draw(config.num_rows, seed=seed)
    v = _fit(config, sets, seed)
    confidence, truth = config.confidence, float(population.coverage(v))
    at_v = bounds.bounds_at(sets, v, confidence=confidence, center=center)
    noisy = {k: b for k, b in at_v.items() if b.holds_for == "a Gaussian around v"}
    found = {k: (b, truth) for k, b in at_v.items() if k not in noisy}
    # What a noisy defense keeps is known exactly where the rows are finitely many.
    if isinstance(population, sample_methods.FinitePopulation):
        for name, bound in noisy.items():
            kept = gaussian_coverage(population.sets, v, noise=bound.terms["noise"])
            found[name] = (bound, kept)
    few = bounds.compress(
        sets, confidence=confidence, max_points=_MAX_POINTS, seed=seed
    )
    held = compress_solution(sets, v) or few
    for name, one in (("compression", few), ("least norm", held)):
        bound = bounds.compression_bound(sets, one, confidence=confidence)
        found[name] = (bound, float(population.coverage(one.perturbation)))
    fixed = bounds.held_out_bound(sets, center, confidence=confidence)
    found["held out"] = (fixed, float(population.coverage(center)))
    if config.dim == 2:
        # Against the larger end of what is known of the population's maximum the last
        # two could only fail too often.
        against = {"traces": truth, "optimum": most, "regret": most - truth}
        planar = _in_the_plane(sets, v, center, confidence)
        found |= {name: (bound, against[name]) for name, bound in planar.items()}
    fitted = bounds.held_out_bound(sets, v, confidence=confidence)
    return found | {"held out, v fitted": (fitted, truth)}


def _in_the_plane(
    sets: RobustSets,
    v: Float[Tensor, " d"],
    center: Float[Tensor, " d"],
    confidence: float,
) -> dict[str, bounds.Bound]:
    """Compute the bounds that take a count of traces, or the exact maximizer."""
    certificate = maximize_coverage(sets, method="plane").certificate
    each, count = (1.0 + confidence) / 2, trace_count(sets, "robust_sets")
    return {
        "traces": trace_bound(sets, v, num_traces=count, confidence=confidence),
        "optimum": bounds.optimum_bound(certificate, confidence=confidence),
        "regret": bounds.regret_bound(
            bounds.optimum_bound(certificate, confidence=each),
            bounds.pac_bayes_bound(sets, v, confidence=each, center=center),
        ),
    }


def _fit(config: ValidityConfig, sets: RobustSets, seed: int) -> Float[Tensor, " d"]:
    return maximize_coverage(sets, method=config.fit, seed=seed).perturbation


def trace_bound(
    sets: RobustSets,
    v: Float[Tensor, " d"],
    *,
    num_traces: int,
    confidence: float = 0.95,
) -> bounds.Bound:
    r"""Bound :math:`\phi(v)` from below by the subsets that V cuts out of the sample.

    A count on the sample is not the shatter coefficient. Given the sample, it bounds
    the empirical Rademacher complexity, which itself changes by at most 1/n with one
    point; with both concentrations, each at half the chance of failure,

    .. math:: \phi(v) \ge \phi_n(v) - \sqrt{2 \log N / n}
        - 3 \sqrt{\log(2/\delta) / 2n}.

    Args:
        sets: The robust sets of the sample; v may have been fitted on them.
        v: The perturbation.
        num_traces: The subsets of rows, among all v in V, that v satisfies; in the
            plane ``trace_count`` counts them.
        confidence: The probability, over the sample, that the bound holds.

    Returns:
        The bound.

    Raises:
        TypeError: If the confidence is no number or ``num_traces`` no integer.
        ValueError: If v does not fit or lies outside V, ``num_traces`` is below 1, or
            the confidence is not strictly between 0 and 1.
    """
    num_traces = check_count(num_traces, "num_traces", 1)
    num = len(sets.offsets)
    complexity = math.sqrt(2 * math.log(num_traces) / num)
    tail = 3 * math.sqrt(log_inverse_failure(confidence, 2) / (2 * num))
    sets.check_in_ball(v)
    observed = float(sets.coverage(v))
    return bounds.Bound(
        value=max(observed - complexity - tail, 0.0),
        confidence=confidence,
        observed=observed,
        method="traces of the sample",
        holds_for="every v at once",
        terms={"complexity": complexity, "tail": tail},
    )
