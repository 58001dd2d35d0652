r"""Every bound on one pair: half of the training images count, the other half trains.

The budget comes from outside as a multiple of 0.01 up to 10, and all thousand of these
share the chance of failure, so that it may have been chosen on any images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from experiments.section5.halves import (
    NUM_BUDGETS,
    SEARCH_10,
    Halves,
    bound_half,
    shares,
)
from experiments.store.keyed import Computed, Record, Run
from experiments.store.pair_settings import HERE, PairSettings, Site, some_images
from experiments.store.provenance import provenance
from paper_lib.bounds import Bound, spread_confidence
from paper_lib.checks import check_radius
from paper_lib.defense import ramp_ascent
from paper_lib.linearize import linearize
from paper_lib.models import train_classifier
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True)
class FitBounds:
    """A fitted v, and what bounds say of it.

    Attributes:
        coverage: The share of the points counted that it keeps.
        coverage_test: The share of the test images.
        bounds: Lower bounds of its coverage of the population, by name.
        norm: Its length; None where it is not stored.
        regrets: Upper bounds of its regret, by the bounds they rest on.
    """

    coverage: float
    coverage_test: float
    bounds: Mapping[str, Bound]
    norm: float | None = None
    regrets: Mapping[str, Bound] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Optimum:
    """What the certificate says of the largest coverage.

    Attributes:
        lower_count: Points counted that some v keeps.
        upper_count: Points that no v exceeds.
        optimum: Upper bound of the population's largest coverage.
    """

    lower_count: int
    upper_count: int
    optimum: Bound


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeBounds:
    """All that was fitted and bounded on one number of points.

    Attributes:
        num: Points counted.
        certificate: What is certified of the best v.
        fits: Each fit, by the name the files give it.
        center: The exact bound for the center, which has not seen the points.
    """

    num: int
    certificate: Optimum
    fits: Mapping[str, FitBounds]
    center: Bound

    @property
    def searched(self) -> FitBounds:
        """The fit by the search with 10 exchanges, the best solution known."""
        return self.fits[SEARCH_10]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairBounds(Computed["BoundsConfig"]):
    """Every bound on one pair.

    Attributes:
        num_trained: Images that trained the classifier.
        num_counted: Images that are counted.
        num_test: Test images.
        num_budgets: Budgets that share the chance of failure.
        center: Its length, and the shares it keeps of the half that is counted, of the
            half it was fitted on and of the test images.
        sizes: One entry for each number of points, all of them last.
    """

    num_trained: int
    num_counted: int
    num_test: int
    num_budgets: int
    center: Mapping[str, float]
    sizes: tuple[SizeBounds, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundsConfig(PairSettings, Run[PairBounds]):
    """Everything that decides the bounds of one pair, apart from the data.

    The seed is also that of the halves and of the fits.

    Attributes:
        epsilon: Budget of both players, a multiple of 0.01 up to 10.
        sizes: Numbers of points counted: the first of the second half. Sizes it does
            not have are left out; all of it comes last.
        confidence: Confidence of every bound, all budgets together.

    Raises:
        ValueError: If the budget is no such multiple, or the seed is no seed.
    """

    schema: ClassVar[str] = "paper-lib/bounds-record/1"
    result_type = PairBounds
    prefix: ClassVar[str] = "bounds-"

    epsilon: float
    sizes: tuple[int, ...] = ()
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Reject settings for which the bounds are undefined.

        Raises:
            ValueError: See the class.
        """
        PairSettings.__post_init__(self)
        check_radius(self.epsilon, "epsilon")
        if self.epsilon not in {k / 100 for k in range(1, NUM_BUDGETS + 1)}:
            raise ValueError(
                f"epsilon must be a multiple of 0.01 up to 10, got {self.epsilon}."
            )
        spread_confidence(self.confidence, NUM_BUDGETS)

    def halves(self, site: Site = HERE) -> tuple[Halves, dict[str, Any]]:
        """Train on one half of the training images and linearize everywhere.

        Args:
            site: Where to find the images; the CPU computes.

        Returns:
            The robust sets, and the provenance of the run.
        """
        pair = self.images(site)
        num = len(pair.train.labels)
        order = torch.randperm(num, generator=torch.Generator().manual_seed(self.seed))
        first, second = (
            some_images(pair.train, rows)
            for rows in (order[: num // 2], order[num // 2 :])
        )
        model = train_classifier(first, config=self.train, seed=self.seed).model
        trained, counted, test = (
            RobustSets.from_linearization(linearize(model, part.images), self.epsilon)
            for part in (first, second, pair.test)
        )
        sets = Halves(trained=trained, counted=counted, test=test)
        return sets, provenance(pair)

    def measure(self, site: Site) -> Record:
        """Fit on the second half in several ways and compute every bound.

        Args:
            site: Where to find the images; the CPU computes.

        Returns:
            For each number of points, for each fit its coverage of the points counted
            and of the test images, its bounds and those of the regret.
        """
        halves, source_of = self.halves(site)
        num = len(halves.counted.offsets)
        center = ramp_ascent(halves.trained).perturbation
        settings = {"confidence": self.confidence, "seed": self.seed}
        return {
            "provenance": source_of,
            "num_trained": len(halves.trained.offsets),
            "num_counted": num,
            "num_test": len(halves.test.offsets),
            "num_budgets": NUM_BUDGETS,
            "center": shares(halves, halves.counted, center)
            | {"coverage_trained": float(halves.trained.coverage(center))},
            "sizes": [
                bound_half(halves, center, size, **settings)
                for size in (*(size for size in self.sizes if size < num), num)
            ],
        }
