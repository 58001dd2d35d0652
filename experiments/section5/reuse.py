r"""One sample for everything, as Section 5 has it: a bound without guarantee.

The images that train f are also those on which v is fitted and counted. Then f depends
on the points that are counted and no bound applies. With a classifier that generalizes
little is lost; with one that has learned its sample by heart the bound is wrong.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from experiments.section5.bound_runs import some_images
from experiments.store.provenance import one_thread, provenance
from experiments.store.record_files import plain, settings_digest
from paper_lib.bounds import bounds_at, compress, compression_bound
from paper_lib.checks import check_count, check_radius, check_seed
from paper_lib.data import LabeledImages, load_pair
from paper_lib.data.pairs import Dataset, Source
from paper_lib.defense import ramp_ascent
from paper_lib.geometry import l2_norm
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets

REUSE_SCHEMA = "paper-lib/reuse-record/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReuseConfig:
    """Everything that decides such a run, apart from the data.

    Attributes:
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        classes: The two classes; the first is -1.
        seed: Seed of the choice of images, of training and of random labels.
        train: Settings of the classifier.
        num: Training images, drawn at random; None: all.
        random_labels: Train on labels tossed by a coin: nothing to learn but the
            sample.
        epsilon: The budget; None: half the median margin of the sample.
        confidence: What the bounds would have.

    Raises:
        TypeError: If ``num`` is no integer.
        ValueError: If the budget is no budget, ``num`` below 2, or the seed no seed.
    """

    dataset: Dataset = "mnist"
    classes: tuple[int, int] = (0, 1)
    seed: int = 0
    train: TrainConfig = field(default_factory=TrainConfig)
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
        check_seed(self.seed)
        if self.num is not None:
            check_count(self.num, "num", 2)
        if self.epsilon is not None:
            check_radius(self.epsilon, "epsilon")

    @property
    def label(self) -> str:
        """What a person calls the run."""
        first, second = self.classes
        count = "all" if self.num is None else self.num
        return f"{self.dataset} {first}-{second}, {count} images for everything"

    @property
    def record_name(self) -> str:
        """The name of its record."""
        digest = settings_digest(asdict(self))
        first, second = self.classes
        return f"reuse-{self.dataset}-{first}-{second}-seed{self.seed}-{digest}.json"


def run_reuse(
    config: ReuseConfig, *, root: str | None = None, source: Source = "auto"
) -> dict[str, Any]:
    """Train, fit and count on the same images, and look at the test images.

    Args:
        config: The run.
        root: Folder of the data.
        source: Source of the data.

    Returns:
        The record: what the bounds would say, and the coverage of the test images. For
        part of the images also ``"fresh"``: the same with as many further images, which
        the classifier has not seen, in place of the sample. There the bounds apply.

    Raises:
        ValueError: If there are fewer images than asked for.
    """
    with one_thread():
        pair = load_pair(config.dataset, config.classes, root=root, source=source)
        sample, fresh = _samples(config, pair.train)
        model = train_classifier(sample, config=config.train, seed=config.seed).model
        seen = linearize(model, sample.images)
        epsilon = _half_median(seen) if config.epsilon is None else config.epsilon

        def robust_sets(lin: Linearization) -> RobustSets:
            return RobustSets.from_linearization(lin, epsilon)

        sets, test = robust_sets(seen), robust_sets(linearize(model, pair.test.images))
        record = {
            "schema": REUSE_SCHEMA,
            "config": plain(asdict(config)),
            "provenance": provenance(pair),
            "num": len(sets.offsets),
            "num_test": len(test.offsets),
            "epsilon": epsilon,
            "trained_accuracy": float(
                (seen.logits.sign() == sample.labels).double().mean()
            ),
            "fits": _fits(config, sets, test),
        }
        if fresh is not None:
            unseen = robust_sets(linearize(model, fresh.images))
            record["fresh"] = _fits(config, unseen, test)
        return record


def _fits(config: ReuseConfig, sets: RobustSets, test: RobustSets) -> dict[str, Any]:
    """Fit and count on some points, and look at the test images."""
    few = compress(sets, confidence=config.confidence, seed=config.seed)
    fits = {"ramp": ramp_ascent(sets).perturbation, "compressed": few.perturbation}
    found = {
        name: bounds_at(sets, v, confidence=config.confidence)
        for name, v in fits.items()
    }
    found["compressed"]["compression"] = compression_bound(
        sets, few, confidence=config.confidence
    )
    return {
        name: {
            "coverage": float(sets.coverage(v)),
            "coverage_test": float(test.coverage(v)),
            "bounds": {key: plain(asdict(bound)) for key, bound in found[name].items()},
        }
        for name, v in fits.items()
    }


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


def _half_median(lin: Linearization) -> float:
    margins = lin.logits.abs().double() / l2_norm(lin.gradients)
    return float(margins.nanmedian()) / 2
