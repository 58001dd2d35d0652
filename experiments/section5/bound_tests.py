r"""Whether a bound holds as often as it says.

A bound with confidence :math:`1 - \delta` may fail in a share :math:`\delta` of all
samples. Draw many, fit a v to each, and count. The bound is rejected when even the
99.9% lower Clopper-Pearson limit of its failure rate exceeds :math:`\delta`. So that
the test could have rejected it, the bound is shrunk: its distance from the observed
share is multiplied by ever smaller factors until the test does.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from paper_lib.bounds import clopper_pearson

# Factors tried, from the bound as it is downwards.
_FACTORS = tuple(round(1.0 - 0.01 * k, 2) for k in range(101))


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
    side: Literal["lower", "upper"]
    observed: Float[np.ndarray, " r"]
    values: Float[np.ndarray, " r"]
    truths: Float[np.ndarray, " r"]

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

    def limit(self, factor: float = 1.0) -> float:
        """Bound the failure rate from below, with 99.9% confidence.

        Args:
            factor: What its distance from the observed share is multiplied by.

        Returns:
            The lower limit.
        """
        num = len(self.values)
        return clopper_pearson(self.failures(factor), num, confidence=0.999)

    def is_rejected(self, factor: float = 1.0) -> bool:
        """Test whether it fails more often than it may.

        Args:
            factor: What its distance from the observed share is multiplied by.

        Returns:
            Whether the limit of the failure rate exceeds what the confidence allows.
        """
        return self.limit(factor) > 1.0 - self.confidence

    def summary(self) -> BoundTest:
        """Summarize it.

        Returns:
            What a page shows.
        """
        return BoundTest(
            side=self.side,
            confidence=self.confidence,
            failures=self.failures(),
            limit=self.limit(),
            is_rejected=self.is_rejected(),
            rejecting_factor=next(filter(self.is_rejected, _FACTORS), None),
            mean_observed=float(self.observed.mean()),
            mean_value=float(self.values.mean()),
            mean_truth=float(self.truths.mean()),
        )
