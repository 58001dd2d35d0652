"""A population of finitely many robust sets: a test set, for one."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.populations.distributions import (
    GaussianRows,
    PopulationMaximum,
    seeded,
)
from experiments.populations.linear_rows import LinearRows
from paper_lib.defense import maximize_coverage
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
