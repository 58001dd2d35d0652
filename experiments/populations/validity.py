r"""Whether a bound holds as often as it says: a test on populations with known phi.

A bound with confidence :math:`1 - \delta` may fail in a share :math:`\delta` of all
samples. Draw many, fit a v to each, and count. The bound is rejected when even the
99.9% lower Clopper-Pearson limit of its failure rate exceeds :math:`\delta`. So that
the test could have rejected it, the bound is shrunk: its distance from the observed
share is multiplied by ever smaller factors until the test does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from experiments.populations.distributions import Population
from paper_lib.bounds import Bound
from paper_lib.bounds.held_out import clopper_pearson
from paper_lib.checks import check_count, check_seed
from paper_lib.robust_sets import RobustSets

# A sample and a seed in; by name, bounds and what they bound out.
Trial = Callable[[RobustSets, int], Mapping[str, tuple[Bound, float]]]

_LIMIT = 0.999
# Factors tried, from the bound as it is downwards.
_FACTORS = tuple(round(1.0 - 0.01 * k, 2) for k in range(101))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Validity:
    """A bound on many samples of one population.

    Attributes:
        confidence: What the bound says of itself.
        side: Whether it is a lower or an upper bound.
        observed: The share it starts from, one a sample.
        values: The bound, one a sample; zero or one where it says nothing.
        truths: What it bounds, one a sample.
    """

    confidence: float
    side: str
    observed: Float[np.ndarray, " r"]
    values: Float[np.ndarray, " r"]
    truths: Float[np.ndarray, " r"]

    @property
    def repetitions(self) -> int:
        """How many samples there are."""
        return len(self.values)

    @property
    def mean_price(self) -> float:
        """The mean distance of the bound from the observed share."""
        return float(np.abs(self.observed - self.values).mean())

    def failures(self, factor: float = 1.0) -> int:
        """Count samples in which the bound is wrong.

        Args:
            factor: What its distance from the observed share is multiplied by.

        Returns:
            The count.
        """
        shrunk = self.observed + factor * (self.values - self.observed)
        slack = 1e-12  # a population's phi is rounded
        if self.side == "lower":
            return int((shrunk > self.truths + slack).sum())
        return int((shrunk < self.truths - slack).sum())

    def is_rejected(self, factor: float = 1.0) -> bool:
        """Test whether it fails more often than it may.

        Args:
            factor: What its distance from the observed share is multiplied by.

        Returns:
            Whether the 99.9% lower limit of the failure rate exceeds what the
            confidence allows.
        """
        limit = clopper_pearson(
            self.failures(factor), self.repetitions, confidence=_LIMIT
        )
        return limit > 1.0 - self.confidence

    @property
    def rejecting_factor(self) -> float | None:
        """The largest factor, in steps of 0.01, at which the test rejects.

        The nearer to 1, the tighter the bound; None if not even the observed share
        itself, at factor 0, is rejected.
        """
        return next((one for one in _FACTORS if self.is_rejected(one)), None)


def check_bounds(
    population: Population,
    trial: Trial,
    *,
    num_rows: int,
    repetitions: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> dict[str, Validity]:
    """Draw samples and compare bounds with the truth.

    Args:
        population: Where samples come from.
        trial: Fits a perturbation to a sample; gives bounds and what they bound.
        num_rows: Size of a sample.
        repetitions: How many samples.
        seed: Seed of the first sample; the others follow.
        progress: Show a progress bar.

    Returns:
        For each bound, by name, the observed shares, the values and the truths.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If a count is below 1, the seed is no seed, or the bounds of one
            name are not of one side and confidence.
    """
    num_rows = check_count(num_rows, "num_rows", 1)
    repetitions = check_count(repetitions, "repetitions", 1)
    seed = check_seed(seed)
    found = [
        trial(population.draw(num_rows, seed=one), one)
        for one in tqdm(range(seed, seed + repetitions), disable=not progress)
    ]
    return {name: _collect(name, [one[name] for one in found]) for name in found[0]}


def _collect(name: str, found: list[tuple[Bound, float]]) -> Validity:
    """Put the samples of one bound together."""
    kinds = {(bound.side, bound.confidence) for bound, _ in found}
    if len(kinds) != 1:
        raise ValueError(
            f"trial must give bounds of one kind as {name!r}, got {sorted(kinds)}."
        )
    ((side, confidence),) = kinds
    return Validity(
        confidence=confidence,
        side=side,
        observed=np.array([bound.observed for bound, _ in found]),
        values=np.array([bound.value for bound, _ in found]),
        truths=np.array([truth for _, truth in found]),
    )
