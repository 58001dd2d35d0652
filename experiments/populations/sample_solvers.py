"""Ways to choose a perturbation for a sample, under one signature."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.populations.distributions import Population
from experiments.populations.finite_population import FinitePopulation
from experiments.populations.largest_deviation import steps_on_the_line
from experiments.populations.linear_rows import LinearRows
from paper_lib.arrangement import heaviest_faces, maximum_coverage
from paper_lib.checks import check_choice
from paper_lib.defense import maximize_coverage, ramp_ascent
from paper_lib.geometry import project_l2_ball
from paper_lib.robust_sets import RobustSets

Solver = Callable[[RobustSets, int], Float[Tensor, " d"]]
SolverName = Literal["exact", "annealed", "polished", "ramp"]
# What the files call ``maximize_coverage``'s search without an exchange.
SEARCH_0: SolverName = "polished"


def exact_solver(population: Population) -> Solver:
    r"""Choose a method that maximizes :math:`\phi_n` exactly for such samples.

    Of the maximizers, which may be many, it returns the middle of one face: the longest
    interval on a line, a cell's centroid in the plane.

    Args:
        population: Where the samples come from: a linear classifier, or the plane.

    Returns:
        The solver. In the plane it takes the square of the number of different rows.

    Raises:
        ValueError: If there is no such method.
    """
    if isinstance(population, LinearRows):
        return lambda sets, _: _best_on_the_line(population, sets)
    if population.dim != 2:
        raise ValueError(
            "population must be of a linear classifier or in the plane for an exact "
            f"solver, got dimension {population.dim}."
        )
    if isinstance(population, FinitePopulation):
        return lambda sets, _: _heaviest_in_the_plane(sets)
    return lambda sets, _: _best_in_the_plane(sets)


def solver_for(population: Population, solver: SolverName) -> Solver:
    """Look up a solver by its name.

    Args:
        population: Where the samples come from.
        solver: The name.

    Returns:
        The solver.

    Raises:
        ValueError: If there is none of that name.
    """
    check_choice(solver, "solver", get_args(SolverName))
    if solver == "exact":
        return exact_solver(population)
    if solver == "ramp":
        return lambda sets, _: ramp_ascent(sets).perturbation
    method = "search" if solver == SEARCH_0 else "annealed"
    return lambda sets, seed: (
        maximize_coverage(sets, method=method, seed=seed, max_trials=0).perturbation
    )


def _best_on_the_line(population: LinearRows, sets: RobustSets) -> Float[Tensor, " d"]:
    """Maximize over multiples of w."""
    along = steps_on_the_line(population, sets).middle_of_best()
    return project_l2_ball(along * population.direction, sets.epsilon)


def _best_in_the_plane(sets: RobustSets) -> Float[Tensor, " 2"]:
    """Sweep along every line."""
    found = maximum_coverage(
        sets.normals.double().numpy(), sets.offsets.double().numpy(), sets.epsilon
    )
    return _as_perturbation(found.point, sets)


def _heaviest_in_the_plane(sets: RobustSets) -> Float[Tensor, " 2"]:
    """Maximize where many rows are the same."""
    rows = torch.column_stack([sets.normals, sets.offsets]).double().numpy()
    once, counts = np.unique(rows, axis=0, return_counts=True)
    faces = heaviest_faces(
        np.ascontiguousarray(once[:, :-1]),
        np.ascontiguousarray(once[:, -1]),
        sets.epsilon,
        weights=counts.astype(np.float64),
    )
    return _as_perturbation(faces[0].point, sets)


def _as_perturbation(
    point: Float[np.ndarray, " d"], sets: RobustSets
) -> Float[Tensor, " d"]:
    return project_l2_ball(torch.from_numpy(point).to(sets.normals), sets.epsilon)
