r"""Both halves of the training images of one pair, and every bound on the second.

The first half trains f; fitted on it, v is a center that the second half has had no
part in. The second half fits v and is counted. The test images say how good v is.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from experiments.store.plain_values import plain
from paper_lib.bounds import (
    Bound,
    CompressedDefense,
    bounds_at,
    compress,
    compress_solution,
    compression_bound,
    fit_certified,
    held_out_bound,
    optimum_bound,
    regret_bound,
    spread_confidence,
)
from paper_lib.data import ClassPair, LabeledImages
from paper_lib.defense import maximize_coverage, ramp_ascent, upper_bound
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets

# Multiples of 0.01 up to 10, any of which may be the budget.
NUM_BUDGETS = 1000
# What the files call the fit of ``maximize_coverage``'s search, with 10 exchanges.
SEARCH_10 = "polished"


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


def train_half(
    pair: ClassPair, *, epsilon: float, train: TrainConfig, seed: int
) -> Halves:
    """Train on one half of the training images and linearize everywhere.

    Args:
        pair: The images.
        epsilon: Budget of both players.
        train: Settings of the classifier.
        seed: Seed of the halves and of training.

    Returns:
        The robust sets.
    """
    num = len(pair.train.labels)
    order = torch.randperm(num, generator=torch.Generator().manual_seed(seed))
    halves = [
        some_images(pair.train, rows) for rows in (order[: num // 2], order[num // 2 :])
    ]
    model = train_classifier(halves[0], config=train, seed=seed).model
    trained, counted, test = (
        RobustSets.from_linearization(linearize(model, part.images), epsilon)
        for part in (*halves, pair.test)
    )
    return Halves(trained=trained, counted=counted, test=test)


def bound_half(
    halves: Halves,
    center: Float[Tensor, " d"],
    size: int,
    *,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """Fit in several ways on the first points of the second half, and bound each fit.

    Args:
        halves: The robust sets.
        center: A perturbation the points have had no part in.
        size: How many points.
        confidence: Confidence of every bound, all budgets together.
        seed: Seed of the fits.

    Returns:
        For each fit its coverage of the points counted and of the test images, its
        bounds and its bounds of the regret; and what is certified of the best v.
    """
    sets = halves.counted.subset(slice(size))
    each = spread_confidence(confidence, NUM_BUDGETS)
    fits, compressed = _fits(sets, center, each, seed)
    certificate = upper_bound(sets, None, seed=seed, start=fits[SEARCH_10])
    # Each end of a regret takes half of the chance of failure.
    half = spread_confidence(confidence, 2 * NUM_BUDGETS)
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
                **shares(halves, sets, v),
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
    annealed, searched = (
        maximize_coverage(sets, method=method, seed=seed).perturbation
        for method in ("annealed", "search")
    )
    few = compress(sets, confidence=confidence, seed=seed)
    held = compress_solution(sets, searched)
    compressed = {"compressed": few} | ({} if held is None else {"least norm": held})
    fits = {
        "ramp": ramp,
        "annealed": annealed,
        SEARCH_10: searched,
        "certified": fit_certified(sets, ramp, confidence=confidence, center=center),
    }
    return fits | {k: one.perturbation for k, one in compressed.items()}, compressed


def _plain(bounds: dict[str, Bound]) -> dict[str, Any]:
    return {name: plain(asdict(bound)) for name, bound in bounds.items()}


def shares(
    halves: Halves, sets: RobustSets, v: Float[Tensor, " d"]
) -> dict[str, float]:
    """Say what a perturbation keeps.

    Args:
        halves: The robust sets, those of the test images among them.
        sets: Those that are counted.
        v: The perturbation.

    Returns:
        Its coverage of both, and its length.
    """
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
