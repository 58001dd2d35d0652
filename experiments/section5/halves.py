r"""Both halves of the training images of one pair, and every bound on the second.

The first half trains f; fitted on it, v is a center that the second half has had no
part in. The second half fits v and is counted. The test images say how good v is.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from experiments.store.record_files import plain
from paper_lib import bounds
from paper_lib.bounds.compression import CompressedDefense, compress_solution
from paper_lib.defense import maximize_coverage, ramp_ascent, upper_bound
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
    each = bounds.spread_confidence(confidence, NUM_BUDGETS)
    fits, compressed = _fits(sets, center, each, seed)
    certificate = upper_bound(sets, None, seed=seed, start=fits[SEARCH_10])
    # Each end of a regret takes half of the chance of failure.
    half = bounds.spread_confidence(confidence, 2 * NUM_BUDGETS)
    optimum = bounds.optimum_bound(certificate, confidence=half)
    found = {}
    for name, v in fits.items():
        every, halved = (
            fit_bounds(sets, v, compressed.get(name), confidence=one, center=center)
            for one in (each, half)
        )
        regrets = {
            key: bounds.regret_bound(optimum, bound)
            for key, bound in halved.items()
            if bound.holds_for != "a Gaussian around v"
        }
        found[name] = {**shares(halves, sets, v), "bounds": every, "regrets": regrets}
    of_optimum = {
        "lower_count": certificate.lower_count,
        "upper_count": certificate.upper_count,
        "optimum": bounds.optimum_bound(certificate, confidence=each),
    }
    # The one bound that is not for a fitted v: the center has not seen the half.
    fixed = bounds.held_out_bound(sets, center, confidence=each)
    return plain(
        {"num": size, "certificate": of_optimum, "fits": found, "center": fixed}
    )


def fit_bounds(
    sets: RobustSets,
    v: Float[Tensor, " d"],
    few: CompressedDefense | None,
    *,
    confidence: float,
    center: Float[Tensor, " d"] | None = None,
) -> dict[str, bounds.Bound]:
    """Compute every bound of a fit.

    Args:
        sets: The robust sets it is counted on.
        v: The perturbation.
        few: The points that rebuild a perturbation, with a bound of their own; or None.
        confidence: Confidence of each bound.
        center: As for :func:`paper_lib.bounds.bounds_at`.

    Returns:
        The bounds by name.
    """
    found = bounds.bounds_at(sets, v, confidence=confidence, center=center)
    if few is not None:
        found["compression"] = bounds.compression_bound(
            sets, few, confidence=confidence
        )
    return found


def _fits(
    sets: RobustSets, center: Float[Tensor, " d"], confidence: float, seed: int
) -> tuple[dict[str, Float[Tensor, " d"]], dict[str, CompressedDefense]]:
    """Fit in every way; give those that few points rebuild with their points too."""
    ramp = ramp_ascent(sets).perturbation
    annealed, searched = (
        maximize_coverage(sets, method=method, seed=seed).perturbation
        for method in ("annealed", "search")
    )
    few = bounds.compress(sets, confidence=confidence, seed=seed)
    held = compress_solution(sets, searched)
    compressed = {"compressed": few} | ({} if held is None else {"least norm": held})
    fits = {
        "ramp": ramp,
        "annealed": annealed,
        SEARCH_10: searched,
        "certified": bounds.fit_certified(
            sets, ramp, confidence=confidence, center=center
        ),
    }
    return fits | {k: one.perturbation for k, one in compressed.items()}, compressed


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
