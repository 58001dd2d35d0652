r"""Every bound on one pair: half of the training images count, the other half trains.

The first half trains f; fitted on it, v is a center that the second half has had no
part in. The second half fits v and is counted. The test images say how good v is. The
budget comes from outside as a multiple of 0.01 up to 10, and all thousand of these
share the chance of failure, so that it may have been chosen on any images.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from experiments.store.provenance import one_thread, provenance
from experiments.store.record_files import plain, settings_digest
from paper_lib.bounds import (
    Bound,
    bounds_at,
    compress,
    compression_bound,
    fit_certified,
    held_out_bound,
    optimum_bound,
    regret_bound,
    spread_confidence,
)
from paper_lib.bounds.compression import CompressedDefense, compress_solution
from paper_lib.checks import check_radius, check_seed
from paper_lib.data import Dataset, LabeledImages, Source, load_pair
from paper_lib.defense import maximize_coverage, ramp_ascent, upper_bound
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets

BOUNDS_SCHEMA = "paper-lib/bounds-record/1"
# Multiples of 0.01 up to 10, any of which may be the budget.
NUM_BUDGETS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundsConfig:
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
    def label(self) -> str:
        """What a person calls the run."""
        first, second = self.classes
        return f"{self.dataset} {first}-{second} seed {self.seed}"

    @property
    def record_name(self) -> str:
        """The name of its record."""
        digest = settings_digest(asdict(self))
        first, second = self.classes
        return f"bounds-{self.dataset}-{first}-{second}-seed{self.seed}-{digest}.json"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Halves:
    """The robust sets of one classifier, apart by what they are for.

    Attributes:
        trained: Those of the images that trained it.
        counted: Those of the other half of the training images.
        test: Those of the test images.
    """

    trained: RobustSets
    counted: RobustSets
    test: RobustSets


def half_pair(
    config: BoundsConfig, *, root: str | None = None, source: Source = "auto"
) -> tuple[Halves, dict[str, Any]]:
    """Train on one half of the training images and linearize everywhere.

    Args:
        config: The run.
        root: Folder of the data.
        source: Source of the data.

    Returns:
        The robust sets, and the provenance of the run.
    """
    pair = load_pair(config.dataset, config.classes, root=root, source=source)
    num = len(pair.train.labels)
    generator = torch.Generator().manual_seed(config.seed)
    order = torch.randperm(num, generator=generator)
    halves = [
        some_images(pair.train, rows) for rows in (order[: num // 2], order[num // 2 :])
    ]
    model = train_classifier(halves[0], config=config.train, seed=config.seed).model
    trained, counted, test = (
        RobustSets.from_linearization(linearize(model, part.images), config.epsilon)
        for part in (*halves, pair.test)
    )
    return Halves(trained=trained, counted=counted, test=test), provenance(pair)


def run_bounds(
    config: BoundsConfig, *, root: str | None = None, source: Source = "auto"
) -> dict[str, Any]:
    """Fit on the second half in several ways and compute every bound.

    Args:
        config: The run.
        root: Folder of the data.
        source: Source of the data.

    Returns:
        The record: for each number of points, for each fit its coverage of the points
        counted and of the test images, its bounds and its bounds of the regret.
    """
    with one_thread():
        halves, source_of = half_pair(config, root=root, source=source)
        num = len(halves.counted.offsets)
        center = ramp_ascent(halves.trained).perturbation
        sizes = [size for size in config.sizes if size < num]
        return {
            "schema": BOUNDS_SCHEMA,
            "config": plain(asdict(config)),
            "provenance": source_of,
            "num_trained": len(halves.trained.offsets),
            "num_counted": num,
            "num_test": len(halves.test.offsets),
            "num_budgets": NUM_BUDGETS,
            "center": _shares(halves, halves.counted, center)
            | {"coverage_trained": float(halves.trained.coverage(center))},
            "sizes": [_size(config, halves, center, size) for size in [*sizes, num]],
        }


def _size(
    config: BoundsConfig, halves: Halves, center: Float[Tensor, " d"], size: int
) -> dict[str, Any]:
    """Fit and bound on the first points of the second half."""
    sets = halves.counted.subset(slice(size))
    each = spread_confidence(config.confidence, NUM_BUDGETS)
    fits, compressed = _fits(sets, center, each, config.seed)
    certificate = upper_bound(sets, None, seed=config.seed, start=fits["polished"])
    # Each end of a regret takes half of the chance of failure.
    half = spread_confidence(config.confidence, 2 * NUM_BUDGETS)
    optimum = optimum_bound(certificate, confidence=half)

    def bounds(name: str, confidence: float) -> dict[str, Bound]:
        found = bounds_at(sets, fits[name], confidence=confidence, center=center)
        if name in compressed:
            found["compression"] = compression_bound(
                sets, compressed[name], confidence=confidence
            )
        return found

    def regrets(name: str) -> dict[str, Bound]:
        return {
            key: regret_bound(optimum, bound)
            for key, bound in bounds(name, half).items()
            if bound.holds_for != "a Gaussian around v"
        }

    return {
        "num": size,
        "certificate": {
            "lower_count": certificate.lower_count,
            "upper_count": certificate.upper_count,
            "optimum": plain(asdict(optimum_bound(certificate, confidence=each))),
        },
        "fits": {
            name: {
                **_shares(halves, sets, v),
                "bounds": _plain(bounds(name, each)),
                "regrets": _plain(regrets(name)),
            }
            for name, v in fits.items()
        },
        # The one bound that is not for a fitted v: the center has not seen the half.
        "center": plain(asdict(held_out_bound(sets, center, confidence=each))),
    }


def _fits(
    sets: RobustSets, center: Float[Tensor, " d"], confidence: float, seed: int
) -> tuple[dict[str, Float[Tensor, " d"]], dict[str, CompressedDefense]]:
    """Fit in every way; give those that few points rebuild with their points too."""
    ramp = ramp_ascent(sets).perturbation
    annealed, polished = (
        maximize_coverage(sets, method=method, seed=seed).perturbation
        for method in ("annealed", "search")
    )
    few = compress(sets, confidence=confidence, seed=seed)
    held = compress_solution(sets, polished)
    compressed = {"compressed": few} | ({} if held is None else {"least norm": held})
    fits = {
        "ramp": ramp,
        "annealed": annealed,
        "polished": polished,
        "certified": fit_certified(sets, ramp, confidence=confidence, center=center),
    }
    return fits | {k: one.perturbation for k, one in compressed.items()}, compressed


def _plain(bounds: dict[str, Bound]) -> dict[str, Any]:
    return {name: plain(asdict(bound)) for name, bound in bounds.items()}


def _shares(
    halves: Halves, sets: RobustSets, v: Float[Tensor, " d"]
) -> dict[str, float]:
    return {
        "coverage": float(sets.coverage(v)),
        "coverage_test": float(halves.test.coverage(v)),
        "norm": float(v.double().norm()),
    }


def some_images(images: LabeledImages, rows: Int64[Tensor, " k"]) -> LabeledImages:
    """Take some images.

    Args:
        images: The images.
        rows: Which.

    Returns:
        These, in that order.
    """
    return LabeledImages(images=images.images[rows], labels=images.labels[rows])
