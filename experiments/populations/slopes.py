"""A power of n fitted to repeated measurements, with an interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from paper_lib.checks.arguments import check_count, check_fraction, check_seed


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SlopeFit:
    """A power of n fitted to the means of repeated measurements.

    Attributes:
        slope: The power: slope of the line through log n and log mean.
        interval: A bootstrap interval for it.
        intercept: The line's value at n = 1, a logarithm.
        sizes: Sizes with a mean above zero.
        means: Mean at each of them.
        mean_intervals: A bootstrap interval for each, of the same level.
        smallest: The line is fitted to the sizes from here on.
        left_out: Sizes whose mean is not above zero, which has no logarithm.
        lost: Share of bootstrap samples without a line, for the same reason; the
            interval is of the others.
    """

    slope: float
    interval: tuple[float, float]
    intercept: float
    sizes: tuple[int, ...]
    means: tuple[float, ...]
    mean_intervals: tuple[tuple[float, float], ...]
    smallest: int
    left_out: tuple[int, ...]
    lost: float

    def at(self, n: int | float) -> float:
        """Evaluate the fitted power at n."""
        return math.exp(self.intercept + self.slope * math.log(n))


def paper_rate(n: int | float) -> float:
    r"""Compute :math:`\sqrt{\log n / n}`, the rate of Eq. (20) without its constant.

    Args:
        n: Number of samples, at least 1.

    Returns:
        The rate.

    Raises:
        ValueError: If n is below 1.

    Example:
        >>> round(paper_rate(100), 4)
        0.2146
    """
    if not n >= 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    return math.sqrt(math.log(n) / n)


def fit_slope(
    sizes: Sequence[int],
    values: Sequence[Sequence[float]],
    *,
    smallest: int = 1,
    confidence: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
) -> SlopeFit:
    r"""Fit a power of n: a line through log n and the logarithm of the mean.

    The interval is the percentile bootstrap's: repetitions are drawn anew within each
    size. It says how sure the slope over these sizes is, not whether the power goes on
    beyond them.

    Args:
        sizes: The sizes.
        values: For each size, one value a repetition, at least two.
        smallest: Sizes below it are averaged, but the line is not fitted to them: a
            power may hold for large n alone.
        confidence: The level of the interval.
        num_resamples: Bootstrap samples.
        seed: Seed of the bootstrap.

    Returns:
        The slope and its interval, and the sizes that a mean of zero or less left out.

    Raises:
        TypeError: If a number is no integer.
        ValueError: If lengths do not fit, a value is not finite, a size has one value
            alone, fewer than two sizes to fit have a positive mean, half of the
            bootstrap samples have no line, or a setting is out of range.

    Example:
        >>> halves = [[2.0 * n**-0.5, 2.2 * n**-0.5] for n in (10, 100, 1000)]
        >>> fit = fit_slope([10, 100, 1000], halves)
        >>> round(fit.slope, 6), fit.interval[0] <= -0.5 <= fit.interval[1]
        (-0.5, True)
    """
    _check_values(sizes, values)
    check_fraction(confidence)
    means = np.array([np.mean(row) for row in values])
    kept = np.flatnonzero(means > 0).tolist()
    used = np.array(sizes)[kept]
    tail = used >= smallest
    if tail.sum() < 2:
        raise ValueError(
            f"values must have a mean above 0 for at least two sizes from {smallest}, "
            f"got means {means.tolist()}."
        )
    logs = np.log(used[tail])
    slope, intercept = np.polyfit(logs, np.log(means[kept][tail]), 1).tolist()
    resampled = _resampled_means([values[k] for k in kept], num_resamples, seed)
    usable = _usable(resampled[:, tail])
    slopes, _ = np.polyfit(logs, np.log(resampled[usable][:, tail]).T, 1)
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(slopes, levels).tolist()
    of_means = np.quantile(resampled, levels, axis=0).T.tolist()
    return SlopeFit(
        slope=slope,
        interval=(low, high),
        intercept=intercept,
        sizes=tuple(used.tolist()),
        means=tuple(means[kept].tolist()),
        mean_intervals=tuple((low, high) for low, high in of_means),
        smallest=smallest,
        left_out=tuple(n for k, n in enumerate(sizes) if k not in kept),
        lost=float(1 - usable.mean()),
    )


def _check_values(sizes: Sequence[int], values: Sequence[Sequence[float]]) -> None:
    """Check what a power of n is fitted to.

    Raises:
        ValueError: See :func:`fit_slope`.
    """
    if len(sizes) != len(values) or len(set(sizes)) != len(sizes):
        raise ValueError(
            "sizes must be different and as many as there are rows of values, got "
            f"{list(sizes)} and {len(values)} rows."
        )
    for n, row in zip(sizes, values, strict=True):
        check_count(n, "sizes", 1)
        if len(row) < 2 or not np.isfinite(row).all():
            raise ValueError(
                f"values must be finite, two or more a size, got {list(row)} at {n}."
            )


def _resampled_means(
    rows: Sequence[Sequence[float]], count: int, seed: int
) -> Float[np.ndarray, "count k"]:
    """Average samples drawn from each row with replacement."""
    check_count(count, "num_resamples", 1)
    generator = np.random.default_rng(check_seed(seed))
    drawn = (generator.choice(row, (count, len(row))) for row in rows)
    return np.stack([sample.mean(axis=1) for sample in drawn], axis=1)


def _usable(resampled: Float[np.ndarray, "count k"]) -> Bool[np.ndarray, " count"]:
    """Find the samples that have a line, which most must have."""
    usable = resampled.min(axis=1) > 0
    if usable.mean() <= 0.5:
        raise ValueError(
            "values must be mostly above 0 for an interval, got a mean of 0 or less in "
            f"{1 - usable.mean():.0%} of the bootstrap samples."
        )
    return usable
