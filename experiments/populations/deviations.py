r"""How far :math:`\phi_n` is from :math:`\phi` on a population that is known.

The population is finite: the rows of robust sets in the plane, all equally likely. Then
:math:`\phi(v)` is the coverage of v. The subsets that v can pick are listed exactly, so
suprema over all v are maxima over a list, faces without area included.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

from paper_lib.checks import check_count, check_seed
from paper_lib.generalization import traces
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DeviationDraws:
    r"""What independent samples of n points from a known population gave.

    Attributes:
        n: Size of each sample.
        deviations: :math:`\sup_v |\phi_n(v) - \phi(v)|`, one for each sample.
        overshoots: :math:`\sup_v (\phi_n(v) - \phi(v))`, one sign alone.
        regrets: :math:`\phi(v^*) - \phi(v_n^*)`, the largest over all maximizers of
            :math:`\phi_n`.
    """

    n: int
    deviations: Float[np.ndarray, " k"]
    overshoots: Float[np.ndarray, " k"]
    regrets: Float[np.ndarray, " k"]


def draw_deviations(
    population: RobustSets, n: int, *, num_draws: int, seed: int
) -> DeviationDraws:
    r"""Draw samples from a population and measure the suprema of Eqs. (17) to (19).

    Args:
        population: Robust sets on the line or in the plane, all equally likely.
        n: Size of a sample, drawn with replacement.
        num_draws: How many samples.
        seed: Seed of the draws.

    Returns:
        Deviations, overshoots and regrets, exact for each sample up to one rounding.

    Raises:
        TypeError: If n or the number of draws is no integer.
        ValueError: If n or the number of draws is below 1, the seed is none, or the
            robust sets have more than two dimensions.
    """
    n = check_count(n, "n", 1)
    num_draws = check_count(num_draws, "num_draws", 1)
    seed = check_seed(seed)
    listed = traces(population, "robust_sets").astype(np.float64)
    size = listed.shape[1]
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(n, np.full(size, 1 / size), size=num_draws)
    covered = counts @ listed.T  # sums of integers: exact
    value = listed.sum(axis=1)
    gaps = (covered * size - value * n) / (n * size)
    best = covered == covered.max(axis=1, keepdims=True)
    worst = np.where(best, value, np.inf).min(axis=1)
    return DeviationDraws(
        n=n,
        deviations=np.abs(gaps).max(axis=1),
        overshoots=gaps.max(axis=1),
        regrets=(value.max() - worst) / size,
    )


def supremum_deviation(population: RobustSets, sample: Sequence[int]) -> Fraction:
    r"""Compute :math:`\sup_v |\phi_n(v) - \phi(v)|` for one sample, exactly.

    Args:
        population: Robust sets on the line or in the plane, all equally likely.
        sample: Rows of the population, at least one; a row may come several times.

    Returns:
        The supremum, a rational number.

    Raises:
        ValueError: If the sample is empty or names no row, or the robust sets have more
            than two dimensions.
    """
    size = len(population.offsets)
    if not sample or not all(0 <= row < size for row in sample):
        raise ValueError(
            f"sample must hold at least one row from 0 to {size - 1}, got "
            f"{list(sample)}."
        )
    listed = traces(population, "robust_sets").astype(np.int64)
    return supremum(listed, np.bincount(sample, minlength=size))


def deviation_distribution(population: RobustSets, n: int) -> dict[Fraction, Fraction]:
    r"""Compute the exact distribution of :math:`\sup_v |\phi_n(v) - \phi(v)|`.

    Goes through all multisets of n rows, so for small populations and samples.

    Args:
        population: Robust sets on the line or in the plane, all equally likely.
        n: Size of a sample, drawn with replacement.

    Returns:
        The probability of each value.

    Raises:
        TypeError: If n is no integer.
        ValueError: If n is below 1, or the robust sets have more than two dimensions.
    """
    n = check_count(n, "n", 1)
    listed = traces(population, "robust_sets").astype(np.int64)
    size = listed.shape[1]
    law: defaultdict[Fraction, Fraction] = defaultdict(Fraction)
    for sample in itertools.combinations_with_replacement(range(size), n):
        counts = np.bincount(sample, minlength=size)
        same = math.prod(map(math.factorial, counts.tolist()))
        orders = math.factorial(n) // same
        law[supremum(listed, counts)] += Fraction(orders, size**n)
    return dict(law)


def supremum(listed: Int[np.ndarray, "t n"], counts: Int[np.ndarray, " n"]) -> Fraction:
    """Compare the share of each subset in a sample with that in the population.

    Args:
        listed: The subsets of the population that some v picks, as zeros and ones.
        counts: How often each row is in the sample.

    Returns:
        The largest difference, a rational number.
    """
    size, n = len(counts), int(counts.sum())
    gaps = (listed @ counts) * size - listed.sum(axis=1) * n
    return Fraction(int(np.abs(gaps).max()), n * size)
