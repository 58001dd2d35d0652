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
from experiments.populations.linear_rows import LinearRows
from experiments.populations.windows import Steps, farthest, pieces
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


def steps_on_the_line(population: LinearRows, sets: RobustSets) -> Steps:
    r"""Restrict :math:`\phi_n` to multiples of w, where a linear classifier has it all.

    Args:
        population: The population, for its w.
        sets: Robust sets drawn from it.

    Returns:
        Coverage as a function of z from -epsilon to epsilon. At a cut it is that of
        the better neighbor.
    """
    slopes = (sets.normals @ population.direction).numpy()
    offsets, half = sets.offsets.numpy(), population.epsilon
    bounds = -offsets / np.where(slopes == 0, 1.0, slopes)
    starts, ends = bounds[slopes > 0], bounds[slopes < 0]
    ends = ends[ends > -half]
    everywhere = ((slopes == 0) & (offsets >= 0)).sum()
    at_first = int(everywhere + (starts <= -half).sum() + len(ends))
    cuts, counts = pieces(starts, ends, (-half, half), at_first)
    return Steps(cuts=cuts, levels=counts / len(offsets))


def _on_the_line(population: LinearRows, sets: RobustSets) -> Bracket:
    """Bracket the deviation of a linear classifier."""
    steps = steps_on_the_line(population, sets)
    _, lower, upper = farthest(population.windows, steps, tol=1e-9)
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
