"""Ways to choose a perturbation for a sample, under one signature."""

from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.populations.finite_population import FinitePopulation, Population
from experiments.populations.linear_rows import LinearRows
from paper_lib.arrangement import heaviest_faces, maximum_coverage
from paper_lib.checks import check_choice
from paper_lib.defense import maximize_coverage, ramp_ascent
from paper_lib.geometry import project_l2_ball
from paper_lib.robust_sets import RobustSets

SolverName = Literal["exact", "annealed", "polished", "ramp"]
# What the files call ``maximize_coverage``'s search without an exchange.
SEARCH_0: SolverName = "polished"


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
