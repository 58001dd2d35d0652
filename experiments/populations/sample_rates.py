r"""Measured rates: how fast a solution for a sample approaches the population's best.

Paper: Sec. 5 bounds :math:`\phi(v^*) - \phi(v_n^*)` by :math:`2 \sup_v |\phi_n(v) -
\phi(v)|`, Eq. (18), and that by a multiple of :math:`\sqrt{\log n / n}`, Eq. (20). Here
both are measured on populations whose :math:`\phi` is known; :mod:`slopes
<experiments.populations.slopes>` fits a power of n to either.

What to expect: the deviation falls as :math:`n^{-1/2}`. Where :math:`\phi` is smooth
and curved at a maximum inside V, the maximizer of :math:`\phi_n` is a cube-root
estimator (Kim and Pollard 1990), and :math:`\phi(v^*) - \phi(v_n^*)` falls as
:math:`n^{-2/3}` in the end; over the sizes that are measured it need not yet. The
ramp has another maximizer, so its regret stops at a floor: :mod:`ramp_floor
<experiments.populations.ramp_floor>`.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.populations import sample_methods
from experiments.populations.distributions import PopulationMaximum
from paper_lib.checks import check_count, check_seed


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    r"""What came of one sample.

    Attributes:
        seed: Seed of the sample and of the solver.
        sample_coverage: :math:`\phi_n(v_n)`.
        coverage: :math:`\phi(v_n)`.
        deviation: What :math:`\sup_v |\phi_n - \phi|` lies between; its lower end is
            the difference at :math:`v_n` where there is no more to be had.
    """

    seed: int
    sample_coverage: float
    coverage: float
    deviation: sample_methods.Bracket


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rates:
    r"""Samples of several sizes from one population, each solved in the same way.

    Attributes:
        best: The population's maximum.
        sizes: The sizes, increasing.
        draws: For each size, one entry a sample.
    """

    best: PopulationMaximum
    sizes: tuple[int, ...]
    draws: tuple[tuple[Draw, ...], ...]

    def regrets(self) -> list[list[float]]:
        r"""Give :math:`\phi(v^*) - \phi(v_n)` for each size and sample.

        Negative where :math:`v^*` is not the maximizer: the bound ``best.upper`` says
        by how much at most.

        Returns:
            The regrets.
        """
        return [[self.best.coverage - d.coverage for d in row] for row in self.draws]

    def deviations(self) -> list[list[float]]:
        r"""Give the lower ends of :math:`\sup_v |\phi_n - \phi|`, size by size."""
        return [[d.deviation.lower for d in row] for row in self.draws]


def measure_rates(
    population: sample_methods.Population,
    sizes: Sequence[int],
    *,
    repetitions: int | Sequence[int],
    seed: int,
    solver: sample_methods.SolverName = "exact",
    with_deviations: bool = True,
) -> Rates:
    r"""Draw samples, solve each, and compare with the population.

    Args:
        population: The population.
        sizes: Numbers n of robust sets in a sample, increasing.
        repetitions: Samples of each size, or one number for each size.
        seed: Seed of all samples: those of one size and place are the same for every
            solver.
        solver: ``"exact"``; ``"annealed"``; ``"polished"``, the search without an
            exchange: annealed and then pushed to the boundaries; ``"ramp"``, the
            paper's.
        with_deviations: Compute the largest deviation where there is a method; in the
            plane it takes the square of n.

    Returns:
        Coverage of sample and population for each, and the largest deviation where it
        can be computed.

    Raises:
        TypeError: If a number is no integer.
        ValueError: If the sizes are not increasing, a number is below one, the seed is
            no seed, or there is no exact solver for the population.

    Example:
        >>> from experiments.populations.linear_rows import LinearRows
        >>> rows = LinearRows(10)
        >>> rates = measure_rates(rows, [10, 1000], repetitions=5, seed=0)
        >>> few, many = (sum(row) / 5 for row in rates.regrets())
        >>> few > many > 0
        True
    """
    check_seed(seed)
    counts = _check_plan(sizes, repetitions)
    deviation = sample_methods.deviation_of(population) if with_deviations else None
    draws = []
    for place, (n, count) in enumerate(zip(sizes, counts, strict=True)):
        row = []
        for one in sample_seeds(seed, place, count):
            sets = population.draw(n, seed=one)
            v = sample_methods.solve_sample(population, sets, solver, seed=one)
            sample, whole = float(sets.coverage(v)), float(population.coverage(v))
            gap = sample_methods.Bracket(lower=abs(sample - whole))
            draw = Draw(
                seed=one,
                sample_coverage=sample,
                coverage=whole,
                deviation=deviation(sets) if deviation else gap,
            )
            row.append(draw)
        draws.append(tuple(row))
    return Rates(best=population.maximum(), sizes=tuple(sizes), draws=tuple(draws))


def sample_seeds(seed: int, place: int, count: int) -> Iterator[int]:
    """Derive a seed for each sample of a size.

    Args:
        seed: Seed of all samples.
        place: Which size it is.
        count: Samples of that size.

    Yields:
        The seeds.
    """
    for number in range(count):
        (state,) = np.random.SeedSequence([seed, place, number]).generate_state(1)
        yield int(state)


def _check_plan(
    sizes: Sequence[int], repetitions: int | Sequence[int]
) -> Sequence[int]:
    """Check sizes, and give the number of samples of each.

    Args:
        sizes: The sizes.
        repetitions: Samples of each, or of every size.

    Returns:
        One number a size.

    Raises:
        ValueError: See :func:`measure_rates`.
    """
    if not isinstance(repetitions, Sequence):
        repetitions = [repetitions] * len(sizes)
    for name, numbers in (("sizes", sizes), ("repetitions", repetitions)):
        for number in numbers:
            check_count(number, name, 1)
    if not sizes or any(a >= b for a, b in itertools.pairwise(sizes)):
        raise ValueError(f"sizes must be increasing, got {list(sizes)}.")
    if len(repetitions) != len(sizes):
        raise ValueError(
            f"repetitions must be one number or {len(sizes)}, got {len(repetitions)}."
        )
    return repetitions
