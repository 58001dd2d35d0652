r"""The largest difference :math:`\sup_v |\phi_n(v) - \phi(v)|`, where it is computable.

It is, up to rounding, on a line (linear classifiers), in the plane for rows that are
jointly normal, and in the plane for finitely many rows. Elsewhere a point of V gives a
lower bound and no more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from experiments.populations.distributions import GaussianRows, Population
from experiments.populations.finite_population import FinitePopulation
from experiments.populations.gaussian_plane import gaussian_deviation
from experiments.populations.linear_rows import LinearRows
from experiments.populations.windows import Steps, farthest
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

    lower: float
    upper: float


Deviation = Callable[[RobustSets], Bracket]


def deviation_of(population: Population) -> Deviation | None:
    r"""Prepare :math:`\sup_v |\phi_n(v) - \phi(v)|` for draws of a population.

    Args:
        population: The population.

    Returns:
        A function of drawn robust sets, or None where there is no method: outside the
        plane, unless the classifier is linear, and for a finite population of more
        than 150 rows or with a pool of its own.

    Example:
        >>> rows = GaussianRows.isotropic(2)
        >>> found = deviation_of(rows)(rows.draw(100, seed=0))
        >>> found.upper - found.lower < 1e-9 and 0.02 < found.lower < 0.3
        True
    """
    if isinstance(population, LinearRows):
        return lambda sets: _on_the_line(population, sets)
    if isinstance(population, GaussianRows) and population.dim == 2:
        mean, covariance = population.mean.numpy(), population.covariance.numpy()
        return lambda sets: _exact(gaussian_deviation(mean, covariance, sets))
    if isinstance(population, FinitePopulation) and population.pool is None:
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
    everywhere = ((slopes == 0) & (offsets >= 0)).sum()
    at_first = everywhere + (starts <= -half).sum() + (ends > -half).sum()
    starts = starts[(starts > -half) & (starts < half)]
    ends = ends[(ends > -half) & (ends < half)]
    cuts = np.concatenate([starts, ends])
    changes = np.repeat([1, -1], [len(starts), len(ends)])
    order = np.argsort(cuts, kind="stable")
    counts = at_first + np.concatenate([[0], np.cumsum(changes[order])])
    return Steps(
        cuts=np.concatenate([[-half], cuts[order], [half]]),
        levels=counts / len(offsets),
    )


def _on_the_line(population: LinearRows, sets: RobustSets) -> Bracket:
    """Bracket the deviation of a linear classifier."""
    steps = steps_on_the_line(population, sets)
    _, lower, upper = farthest(population.windows, steps, tol=1e-9)
    return Bracket(lower=lower, upper=upper)


def _exact(value: float) -> Bracket:
    return Bracket(lower=value, upper=value)


def _over_faces(population: RobustSets) -> Deviation:
    """List the faces of the plane once, and weigh them for each draw."""
    rows, counts = _distinct(population)
    distinct = torch.tensor(rows, dtype=population.normals.dtype)
    once = RobustSets(
        normals=distinct[:, :-1], offsets=distinct[:, -1], epsilon=population.epsilon
    )
    patterns = traces(once, "robust_sets").astype(np.float64)
    places = {row: k for k, row in enumerate(rows)}
    shares = counts / counts.sum()

    def deviation(sets: RobustSets) -> Bracket:
        drawn, times = _distinct(sets)
        weights = -shares
        weights[[places[row] for row in drawn]] += times / times.sum()
        return _exact(float(np.abs(patterns @ weights).max()))

    return deviation


def _distinct(
    sets: RobustSets,
) -> tuple[list[tuple[float, ...]], Int[np.ndarray, " k"]]:
    """List the rows, each once, and how often they occur."""
    rows = np.column_stack([sets.normals.numpy(), sets.offsets.numpy()])
    once, counts = np.unique(rows, axis=0, return_counts=True)
    return [tuple(row) for row in once.tolist()], counts
