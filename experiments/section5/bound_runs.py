r"""Every bound on one pair: half of the training images count, the other half trains.

The budget comes from outside as a multiple of 0.01 up to 10, and all thousand of these
share the chance of failure, so that it may have been chosen on any images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from experiments.section5.halves import (
    NUM_BUDGETS,
    SEARCH_10,
    Halves,
    bound_half,
    shares,
    some_images,
)
from experiments.store.keyed import Record, Run
from experiments.store.provenance import one_thread, provenance
from paper_lib.bounds import Bound, spread_confidence
from paper_lib.checks import check_radius, check_seed
from paper_lib.data import load_pair
from paper_lib.data.pairs import Dataset, Source
from paper_lib.defense import ramp_ascent
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig, train_classifier
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
class PairBounds:
    """Every bound on one pair.

    Attributes:
        config: The settings of the run.
        provenance: What it was computed with.
        num_trained: Images that trained the classifier.
        num_counted: Images that are counted.
        num_test: Test images.
        num_budgets: Budgets that share the chance of failure.
        center: Its length, and the shares it keeps of the half that is counted, of the
            half it was fitted on and of the test images.
        sizes: One entry for each number of points, all of them last.
    """

    config: "BoundsConfig"
    provenance: Mapping[str, Any]
    num_trained: int
    num_counted: int
    num_test: int
    num_budgets: int
    center: Mapping[str, float]
    sizes: tuple[SizeBounds, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundsConfig(Run[PairBounds]):
    """Everything that decides the bounds of one pair, apart from the data.

    Attributes:
        epsilon: Budget of both players, a multiple of 0.01 up to 10.
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        classes: The two classes; the first is -1.
        seed: Seed of the halves, of training and of the fits.
        train: Settings of the classifier.
        sizes: Numbers of points counted: the first of the second half. Sizes it does
            not have are left out; all of it comes last.
        confidence: Confidence of every bound, all budgets together.

    Raises:
        ValueError: If the budget is no such multiple, or the seed is no seed.
    """

    schema: ClassVar[str] = "paper-lib/bounds-record/1"
    result_type = PairBounds

    epsilon: float
    dataset: Dataset = "mnist"
    classes: tuple[int, int] = (0, 1)
    seed: int = 0
    train: TrainConfig = field(default_factory=TrainConfig)
    sizes: tuple[int, ...] = ()
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Reject settings for which the bounds are undefined.

        Raises:
            ValueError: See the class.
        """
        check_radius(self.epsilon, "epsilon")
        check_seed(self.seed)
        if self.epsilon not in {k / 100 for k in range(1, NUM_BUDGETS + 1)}:
            raise ValueError(
                f"epsilon must be a multiple of 0.01 up to 10, got {self.epsilon}."
            )
        spread_confidence(self.confidence, NUM_BUDGETS)

    @property
    def stem(self) -> str:
        """What the name of its record begins with."""
        first, second = self.classes
        return f"bounds-{self.dataset}-{first}-{second}-seed{self.seed}"

    def halves(
        self, *, root: str | None = None, source: Source = "auto"
    ) -> tuple[Halves, dict[str, Any]]:
        """Train on one half of the training images and linearize everywhere.

        Args:
            root: Folder of the data.
            source: Source of the data.

        Returns:
            The robust sets, and the provenance of the run.
        """
        pair = load_pair(self.dataset, self.classes, root=root, source=source)
        num = len(pair.train.labels)
        order = torch.randperm(num, generator=torch.Generator().manual_seed(self.seed))
        halves = [
            some_images(pair.train, rows)
            for rows in (order[: num // 2], order[num // 2 :])
        ]
        model = train_classifier(halves[0], config=self.train, seed=self.seed).model
        trained, counted, test = (
            RobustSets.from_linearization(linearize(model, part.images), self.epsilon)
            for part in (*halves, pair.test)
        )
        sets = Halves(trained=trained, counted=counted, test=test)
        return sets, provenance(pair)

    def run(self, *, root: str | None = None, source: Source = "auto") -> Record:
        """Fit on the second half in several ways and compute every bound.

        Args:
            root: Folder of the data.
            source: Source of the data.

        Returns:
            The record: for each number of points, for each fit its coverage of the
            points counted and of the test images, its bounds and those of the regret.
        """
        with one_thread():
            halves, source_of = self.halves(root=root, source=source)
            num = len(halves.counted.offsets)
            center = ramp_ascent(halves.trained).perturbation
            sizes = [size for size in self.sizes if size < num]
            return {
                "schema": self.schema,
                "config": self.settings,
                "provenance": source_of,
                "num_trained": len(halves.trained.offsets),
                "num_counted": num,
                "num_test": len(halves.test.offsets),
                "num_budgets": NUM_BUDGETS,
                "center": shares(halves, halves.counted, center)
                | {"coverage_trained": float(halves.trained.coverage(center))},
                "sizes": [
                    bound_half(
                        halves,
                        center,
                        size,
                        confidence=self.confidence,
                        seed=self.seed,
                    )
                    for size in [*sizes, num]
                ],
            }
