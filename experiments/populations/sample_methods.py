r"""Samples of populations: a perturbation for each, and how far it may mislead.

The largest difference :math:`\sup_v |\phi_n(v) - \phi(v)|` is computable, up to
rounding, on a line (linear classifiers), in the plane for rows that are jointly normal,
and in the plane for finitely many rows. Elsewhere a point of V gives a lower bound and
no more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.populations.deviations import supremum
from experiments.populations.distributions import (
    GaussianRows,
    PopulationMaximum,
    seeded,
)
from experiments.populations.gaussian_plane import gaussian_deviation
from experiments.populations.linear_rows import LinearRows, farthest
from paper_lib.arrangement import heaviest_faces, maximum_coverage
from paper_lib.checks import check_choice
from paper_lib.defense import maximize_coverage, ramp_ascent
from paper_lib.generalization import traces
from paper_lib.geometry import project_l2_ball
from paper_lib.robust_sets import RobustSets

Kind = Literal["gaussian", "linear", "finite"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FinitePopulation:
    r"""Rows that are given, each as likely as the others: a test set, for one.

    Attributes:
        sets: The rows; :math:`\phi` is their coverage.
    """

    sets: RobustSets

    @property
    def epsilon(self) -> float:
        """The defender's budget."""
        return self.sets.epsilon

    @property
    def dim(self) -> int:
        """Dimension of the perturbations."""
        return self.sets.normals.shape[1]

    def draw(self, n: int, *, seed: int) -> RobustSets:
        """Draw n robust sets with replacement; see :class:`GaussianRows`."""
        size, generator = len(self.sets.offsets), seeded(n, seed)
        return self.sets.subset(torch.randint(size, (n,), generator=generator))

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Count :math:`\phi(v)`; see :class:`GaussianRows`."""
        return self.sets.coverage(v)

    def maximum(self) -> PopulationMaximum:
        r"""Maximize :math:`\phi` over V: exactly where a method for it fits the rows.

        Returns:
            The best perturbation found and its certified bound.
        """
        found = maximize_coverage(self.sets)
        return PopulationMaximum(
            perturbation=found.perturbation,
            coverage=found.coverage,
            upper=found.certificate.upper,
        )


# Each draws robust sets and knows phi and, exactly or within a bound, its maximum.
Population = GaussianRows | LinearRows | FinitePopulation


def known_population(kind: Kind, dim: int, *, rows: int, seed: int) -> Population:
    """Make a population with the parameters of the published runs.

    Args:
        kind: Rows jointly normal, a linear classifier, or finitely many rows.
        dim: Dimension d.
        rows: How many rows a finite population has, a draw of the normal ones.
        seed: Seed of that draw.

    Returns:
        The population.
    """
    if kind == "linear":
        return LinearRows(dim)
    normal = GaussianRows(dim)
    if kind == "gaussian":
        return normal
    return FinitePopulation(sets=normal.draw(rows, seed=seed))


# A finite population with more rows has too many faces to list in seconds.
MOST_ROWS = 150
SolverName = Literal["exact", "annealed", "polished", "ramp"]
# What the files call ``maximize_coverage``'s search without an exchange.
SEARCH_0: SolverName = "polished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bracket:
    """Two numbers with another between them.

    Attributes:
        lower: The lower one.
        upper: The upper one; infinite where nothing is known.
    """

    lower: float = 0.0
    upper: float = math.inf


Deviation = Callable[[RobustSets], Bracket]


def deviation_of(population: Population) -> Deviation | None:
    r"""Prepare :math:`\sup_v |\phi_n(v) - \phi(v)|` for draws of a population.

    Args:
        population: The population.

    Returns:
        A function of drawn robust sets, or None where there is no method: outside the
        plane, unless the classifier is linear, and for a finite population of more
        than 150 rows.

    Example:
        >>> rows = GaussianRows(2)
        >>> found = deviation_of(rows)(rows.draw(100, seed=0))
        >>> found.upper - found.lower < 1e-9 and 0.02 < found.lower < 0.3
        True
    """
    if isinstance(population, LinearRows):
        return lambda sets: _on_the_line(population, sets)
    if isinstance(population, GaussianRows) and population.dim == 2:
        return lambda sets: _exact(gaussian_deviation(population, sets))
    if isinstance(population, FinitePopulation):
        if population.dim == 2 and len(population.sets.offsets) <= MOST_ROWS:
            return _over_faces(population.sets)
    return None


def _on_the_line(population: LinearRows, sets: RobustSets) -> Bracket:
    """Bracket the deviation of a linear classifier."""
    _, lower, upper = farthest(population, population.steps(sets), tol=1e-9)
    return Bracket(lower=lower, upper=upper)


def _exact(value: float) -> Bracket:
    return Bracket(lower=value, upper=value)


def _over_faces(population: RobustSets) -> Deviation:
    """List the faces of the plane once, and count the rows of each draw."""
    listed = traces(population, "robust_sets").astype(np.int64)
    places = {row: k for k, row in enumerate(_rows(population))}

    def deviation(sets: RobustSets) -> Bracket:
        drawn = [places[row] for row in _rows(sets)]
        counts = np.bincount(drawn, minlength=listed.shape[1])
        return _exact(float(supremum(listed, counts)))

    return deviation


def _rows(sets: RobustSets) -> list[tuple[float, ...]]:
    return list(map(tuple, torch.column_stack([sets.normals, sets.offsets]).tolist()))


def solve_sample(
    population: Population, sets: RobustSets, solver: SolverName, *, seed: int
) -> Float[Tensor, " d"]:
    """Choose a perturbation for a sample.

    Args:
        population: Where the sample comes from.
        sets: The sample.
        solver: As in :func:`~experiments.populations.sample_rates.measure_rates`. The
            exact one is for a linear classifier or the plane, where it takes the square
            of the number of different rows.
        seed: Seed of the annealing.

    Returns:
        The perturbation, inside V.

    Raises:
        ValueError: If there is no solver of that name, or none that is exact for the
            population.
    """
    check_choice(solver, "solver", get_args(SolverName))
    if solver == "exact":
        point = _maximizer(population, sets)
        return project_l2_ball(torch.from_numpy(point).to(sets.normals), sets.epsilon)
    if solver == "ramp":
        return ramp_ascent(sets).perturbation
    method = "search" if solver == SEARCH_0 else "annealed"
    return maximize_coverage(sets, method=method, seed=seed, exchanges=0).perturbation


def _maximizer(population: Population, sets: RobustSets) -> Float[np.ndarray, " d"]:
    """Find the middle of the longest interval on a line, of one cell in the plane."""
    if isinstance(population, LinearRows):
        along = population.steps(sets).middle_of_best()
        return along * population.direction.numpy()
    if population.dim != 2:
        raise ValueError(
            "population must be of a linear classifier or in the plane for an exact "
            f"solver, got dimension {population.dim}."
        )
    normals, offsets = sets.normals.double().numpy(), sets.offsets.double().numpy()
    if not isinstance(population, FinitePopulation):
        return maximum_coverage(normals, offsets, sets.epsilon).point
    # Many rows are the same.
    rows = np.column_stack([normals, offsets])
    once, counts = np.unique(rows, axis=0, return_counts=True)
    normals, offsets = once[:, :-1].copy(), once[:, -1].copy()
    weights = counts.astype(np.float64)
    best, *_ = heaviest_faces(normals, offsets, sets.epsilon, weights=weights)
    return best.point
