"""Bounds pair by pair, put to the test on populations, and on one sample for all."""

from collections.abc import Mapping, Sequence

from experiments.figures.markdown import markdown_table
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
    names = [
        "fit for PAC-Bayes" if name == "certified" else name for name in entry.fits
    ]
    header = ["lower bound", "holds for", *names]
    return markdown_table(header, lines, align="ll" + "r" * len(names))


def goal_verdicts(
    bounds: Sequence[PairBounds],
    values: Mapping[str, Sequence[float]],
    *,
    within: float,
) -> str:
    """Judge, split by split, whether bounds come close to the held-out share.

    Args:
        bounds: The pairs.
        values: For each bound one value a pair.
        within: How close is close.

    Returns:
        A Markdown list.
    """
    lines = []
    for title, found in values.items():
        for split in sorted({pair.config.seed for pair in bounds}):
            gaps = {
                pair_name(pair.config): pair.sizes[-1].searched.coverage_test - value
                for pair, value in zip(bounds, found, strict=True)
                if pair.config.seed == split
            }
            missed = [name for name, gap in gaps.items() if gap > within]
            share = f"{len(gaps) - len(missed)} of {len(gaps)} pairs"
            names = f", not on {', '.join(missed)}" if missed else ""
            lines.append(
                f"- {title}, split {split}: within {within:.2f} on {share}{names}; "
                f"largest distance {max(gaps.values()):.3f}."
            )
    return "\n".join(lines)


def validity_table(tests: Sequence[ValidityRecord]) -> str:
    """Say of each bound how it fared on samples of populations that are known.

    Args:
        tests: The tests.

    Returns:
        The table.
    """
    lines = []
    for test in tests:
        config = test.config
        population = f"{config.kind}, d = {config.dim}, n = {config.num_rows}"
        for name, found in test.bounds.items():
            silent = found.side == "lower" and found.mean_value < 0.005
            verdict = "says nothing" if silent else "holds"
            verdict = "rejected" if found.is_rejected else verdict
            factor = found.rejecting_factor
            shrunk = "not rejected" if factor is None else f"{factor:.2f}"
            means = f"{found.mean_value:.3f}", f"{found.mean_truth:.3f}"
            line = [population, name, *means, str(found.failures), verdict, shrunk]
            lines.append(line)
    header = ["population", "bound", "mean bound", "mean truth", "failures in 1,000"]
    header += ["verdict", "rejected when shrunk to"]
    return markdown_table(header, lines, align="llrrrlr")


def reuse_table(runs: Sequence[Reuse]) -> str:
    """Say what bounds are worth on the images that trained f, and on fresh ones.

    Args:
        runs: The runs.

    Returns:
        The table.
    """
    lines = []
    for run in runs:
        trained = "300 images by heart" if run.config.num else "all images"
        trained += ", labels tossed" if run.config.random_labels else ""
        counted = [("the same images", "no guarantee", run.fits)]
        if run.fresh:
            counted.append(("fresh images", "applies", run.fresh))
        for where, applies, fits in counted:
            for name, key in (("ramp", "PAC-Bayes"), ("compressed", "compression")):
                fit, value = fits[name], fits[name].bounds[key].value
                verdict = "false" if value > fit.coverage_test else "true"
                of_run = pair_name(run.config), f"{run.epsilon:.2f}", trained
                counts = f"{run.num:,}, {where}", f"{name}, {key}"
                shares = (fit.coverage, value, fit.coverage_test)
                written = (f"{share:.3f}" for share in shares)
                lines.append([*of_run, *counts, *written, f"{applies}: {verdict}"])
    header = ["pair", "budget", "$f$ is trained on", "n", "fit and bound"]
    header += ["in the sample", "bound", "test images", "verdict"]
    return markdown_table(header, lines, align="lrlllrrrl")


def _bound_text(bound: Bound | None) -> str:
    if bound is None:
        return ""
    return f"{bound.value:.3f}" if bound.value > 0 else "none"
