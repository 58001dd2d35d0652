"""Bounds pair by pair, put to the test on populations, and on one sample for all."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from experiments.figures.markdown import Row, markdown_table, share_of, tabulated
from experiments.section5.bound_runs import BoundsConfig, PairBounds, SizeBounds
from experiments.section5.reuse import Reuse, ReuseConfig
from experiments.section5.validity_runs import ValidityRecord
from paper_lib.bounds import Bound


def pair_name(config: BoundsConfig | ReuseConfig) -> str:
    """Name the pair of classes of a run.

    Args:
        config: The run.

    Returns:
        The data set and both classes.
    """
    return f"{config.dataset} {'-'.join(map(str, config.classes))}"


def bound_values(
    entries: Sequence[SizeBounds], shown: Mapping[str, tuple[str, str]]
) -> dict[str, list[float]]:
    """Pick some bounds of some fits.

    Args:
        entries: Where to pick them.
        shown: For each title a fit and a bound of it.

    Returns:
        Under each title one value an entry.
    """
    return {
        title: [entry.fits[fit].bounds[key].value for entry in entries]
        for title, (fit, key) in shown.items()
    }


def better_of_two(entries: Sequence[SizeBounds]) -> list[float]:
    """Take the better of compression and the fit for PAC-Bayes.

    Args:
        entries: Bounds on pairs.

    Returns:
        For each the larger of both, which share the chance of failure: half of it for
        each, as stored with the bounds of the regret.
    """
    either = {"compressed": "compression", "certified": "PAC-Bayes, center"}
    return [
        max(
            entry.fits[fit].coverage
            - (entry.fits[fit].regrets or {})[key].terms["below the coverage"]
            for fit, key in either.items()
        )
        for entry in entries
    ]


def fit_table(entry: SizeBounds) -> str:
    """Set the bounds of every fit to the same points beside each other.

    Args:
        entry: The fits.

    Returns:
        The table; empty where a bound is not of that fit, ``none`` where it is zero.
    """
    fits = entry.fits.values()
    lines = [
        ["in the sample", "measured", *(f"{fit.coverage:.3f}" for fit in fits)],
        ["test images", "measured", *(f"{fit.coverage_test:.3f}" for fit in fits)],
    ]
    for key in entry.fits["compressed"].bounds:
        found = [fit.bounds.get(key) for fit in fits]
        (holds_for,) = {bound.holds_for for bound in found if bound}
        lines.append([key, holds_for, *map(_bound_text, found)])
    renamed = {"certified": "fit for PAC-Bayes"}
    names = [renamed.get(name, name) for name in entry.fits]
    header = ["lower bound", "holds for", *names]
    return markdown_table(header, lines, align="ll" + "r" * len(names))


@tabulated()
def goal_table(
    bounds: Sequence[PairBounds],
    values: Mapping[str, Sequence[float]],
    *,
    within: float,
) -> Iterator[Row]:
    """Count, split by split, the pairs whose bounds are close to the held-out share.

    Args:
        bounds: The pairs.
        values: For each bound one value a pair.
        within: How close is close.

    Yields:
        Each bound, with its largest distance below the held-out share.
    """
    splits = sorted({pair.config.seed for pair in bounds})
    for title, found in values.items():
        gaps: dict[int, list[float]] = {split: [] for split in splits}
        for pair, value in zip(bounds, found, strict=True):
            gap = pair.sizes[-1].searched.coverage_test - value
            gaps[pair.config.seed].append(gap)
        row = {"bound": title}
        for split, own in gaps.items():
            title = f"within {within:.2f}, split {split}"
            row[title] = share_of(gap <= within for gap in own)
        yield row | {"largest distance": f"{max(map(max, gaps.values())):.3f}"}


@tabulated("llrrrlr")
def validity_table(tests: Sequence[ValidityRecord]) -> Iterator[Row]:
    """Say of each bound how it fared on samples of populations that are known.

    Args:
        tests: The tests.

    Yields:
        Each bound on each population.
    """
    for test in tests:
        config = test.config
        for name, found in test.bounds.items():
            silent = found.side == "lower" and found.mean_value < 0.005
            verdict = "says nothing" if silent else "holds"
            factor = found.rejecting_factor
            shrunk = f"{factor:.2f}" if factor else "not rejected"
            yield {
                "population": f"{config.kind}, d = {config.dim}, n = {config.num_rows}",
                "bound": name,
                "mean bound": f"{found.mean_value:.3f}",
                "mean truth": f"{found.mean_truth:.3f}",
                "failures in 1,000": found.failures,
                "verdict": "rejected" if found.is_rejected else verdict,
                "rejected when shrunk to": shrunk,
            }


@tabulated("lrlllrrrl")
def reuse_table(runs: Sequence[Reuse]) -> Iterator[Row]:
    """Say what bounds are worth on the images that trained f, and on fresh ones.

    Args:
        runs: The runs.

    Yields:
        Each fit and bound of each run.
    """
    for run in runs:
        trained = "300 images by heart" if run.config.num else "all images"
        trained += ", labels tossed" if run.config.random_labels else ""
        counted = [("the same images", "no guarantee", run.fits)]
        if run.fresh:
            counted.append(("fresh images", "applies", run.fresh))
        shown = product(counted, (("ramp", "PAC-Bayes"), ("compressed", "compression")))
        for (where, applies, fits), (name, key) in shown:
            fit, value = fits[name], fits[name].bounds[key].value
            verdict = "false" if value > fit.coverage_test else "true"
            yield {
                "pair": pair_name(run.config),
                "budget": f"{run.epsilon:.2f}",
                "$f$ is trained on": trained,
                "n": f"{run.num:,}, {where}",
                "fit and bound": f"{name}, {key}",
                "in the sample": f"{fit.coverage:.3f}",
                "bound": f"{value:.3f}",
                "test images": f"{fit.coverage_test:.3f}",
                "verdict": f"{applies}: {verdict}",
            }


def _bound_text(bound: Bound | None) -> str:
    if bound is None:
        return ""
    return f"{bound.value:.3f}" if bound.value > 0 else "none"
