r"""One sample for everything, as Section 5 has it: a bound without guarantee.

The images that train f are also those on which v is fitted and counted. Then f depends
on the points that are counted and no bound applies. With a classifier that generalizes
little is lost; with one that has learned its sample by heart the bound is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from experiments.section5.bound_runs import FitBounds
from experiments.section5.halves import fit_bounds
from experiments.store.keyed import Computed, Record, Run
from experiments.store.pair_settings import PairSettings, Site, some_images
from experiments.store.provenance import provenance
from experiments.store.record_files import plain
from paper_lib.bounds import compress
from paper_lib.checks import check_count, check_radius
from paper_lib.data import LabeledImages
from paper_lib.defense import ramp_ascent
from paper_lib.linearize import linearize
from paper_lib.models import train_classifier
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True)
class Reuse(Computed["ReuseConfig"]):
    """One sample for everything, and what came of it.

    Attributes:
        num: Images in the sample.
        num_test: Test images.
        epsilon: The budget.
        trained_accuracy: Share of the sample whose label was learned.
        fits: Each fit on the sample, by name: the bounds are without guarantee.
        fresh: Each fit on as many images that the classifier has not seen, where there
            are any: there the bounds apply.
    """

    num: int
    num_test: int
    epsilon: float
    trained_accuracy: float
    fits: Mapping[str, FitBounds]
    fresh: Mapping[str, FitBounds] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReuseConfig(PairSettings, Run[Reuse]):
    """Everything that decides such a run, apart from the data.

    The seed is also that of the choice of images and of random labels.

    Attributes:
        num: Training images, drawn at random; None: all.
        random_labels: Train on labels tossed by a coin: nothing to learn but the
            sample.
        epsilon: The budget; None: half the median margin of the sample.
        confidence: What the bounds would have.

    Raises:
        TypeError: If ``num`` is no integer.
        ValueError: If the budget is no budget, ``num`` below 2, or the seed no seed.
    """

    schema: ClassVar[str] = "paper-lib/reuse-record/1"
    result_type = Reuse
    prefix: ClassVar[str] = "reuse-"

    num: int | None = None
    random_labels: bool = False
    epsilon: float | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        PairSettings.__post_init__(self)
        if self.num is not None:
            check_count(self.num, "num", 2)
        if self.epsilon is not None:
            check_radius(self.epsilon, "epsilon")

    def measure(self, site: Site) -> Record:
        """Train, fit and count on the same images, and look at the test images.

        Args:
            site: Where to find the images; the CPU computes.

        Returns:
            What the bounds would say, and the coverage of the test images. For part of
            the images also ``"fresh"``: the same with as many further images, which the
            classifier has not seen, in place of the sample. There the bounds apply.

        Raises:
            ValueError: If there are fewer images than asked for.
        """
        pair = self.images(site)
        sample, fresh = _samples(self, pair.train)
        model = train_classifier(sample, config=self.train, seed=self.seed).model
        seen = linearize(model, sample.images)
        epsilon = self.epsilon
        if epsilon is None:
            epsilon = float(seen.margins.median()) / 2

        def robust_sets(images: LabeledImages) -> RobustSets:
            lin = linearize(model, images.images)
            return RobustSets.from_linearization(lin, epsilon)

        sets = RobustSets.from_linearization(seen, epsilon)
        test = robust_sets(pair.test)
        learned = seen.logits.sign() == sample.labels
        record = {
            "provenance": provenance(pair),
            "num": len(sets.offsets),
            "num_test": len(test.offsets),
            "epsilon": epsilon,
            "trained_accuracy": float(learned.double().mean()),
            "fits": _fits(self, sets, test),
        }
        if fresh is not None:
            record["fresh"] = _fits(self, robust_sets(fresh), test)
        return record


def _fits(config: ReuseConfig, sets: RobustSets, test: RobustSets) -> dict[str, Any]:
    """Fit and count on some points, and look at the test images."""
    few = compress(sets, confidence=config.confidence, seed=config.seed)
    ramp = ramp_ascent(sets).perturbation
    fits = {"ramp": (ramp, None), "compressed": (few.perturbation, few)}
    return plain(
        {
            name: {
                "coverage": float(sets.coverage(v)),
                "coverage_test": float(test.coverage(v)),
                "bounds": fit_bounds(sets, v, points, confidence=config.confidence),
            }
            for name, (v, points) in fits.items()
        }
    )


def _samples(
    config: ReuseConfig, images: LabeledImages
) -> tuple[LabeledImages, LabeledImages | None]:
    """Draw the images, and their labels where these are tossed.

    Args:
        config: The run.
        images: The training images.

    Returns:
        The sample, and as many further images where there are any.

    Raises:
        ValueError: If there are fewer images than asked for.
    """
    count = len(images.labels)
    num = count if config.num is None else config.num
    if num > count:
        raise ValueError(f"num must be at most the {count} images, got {num}.")
    generator = torch.Generator().manual_seed(config.seed)
    order = torch.randperm(count, generator=generator)
    drawn = some_images(images, order[:num])
    fresh = some_images(images, order[num : 2 * num]) if 2 * num <= count else None
    if config.random_labels:
        heads = torch.rand(num, generator=generator) < 0.5
        drawn = replace(drawn, labels=torch.where(heads, -1.0, 1.0))
    return drawn, fresh
