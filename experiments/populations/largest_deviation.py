r"""The largest difference :math:`\sup_v |\phi_n(v) - \phi(v)|`, where it is computable.

It is, up to rounding, on a line (linear classifiers), in the plane for rows that are
jointly normal, and in the plane for finitely many rows. Elsewhere a point of V gives a
lower bound and no more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from experiments.populations.deviations import supremum
from experiments.populations.distributions import GaussianRows
from experiments.populations.finite_population import FinitePopulation, Population
from experiments.populations.gaussian_plane import gaussian_deviation
from experiments.populations.linear_rows import LinearRows, farthest
from paper_lib.generalization import traces
from paper_lib.robust_sets import RobustSets

# A finite population with more rows has too many faces to list in seconds.
MOST_ROWS = 150


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
