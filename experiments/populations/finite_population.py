"""A population of finitely many robust sets: a test set, for one."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.populations.distributions import PopulationMaximum, seeded
from paper_lib.checks.operands import check_same_kind
from paper_lib.defense import maximize_coverage
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FinitePopulation:
    r"""Rows that are given, each as likely as the others: a test set, for one.

    Attributes:
        sets: The rows; :math:`\phi` is their coverage.
        pool: Rows to draw from instead, without replacement: a training set, where
            ``sets`` is the test set. None: draws are from ``sets``, with replacement.

    Raises:
        ValueError: If the pool has another dimension, kind or budget.
    """

    sets: RobustSets
    pool: RobustSets | None = None

    def __post_init__(self) -> None:
        """Check that the two belong together.

        Raises:
            ValueError: See the class.
        """
        if self.pool is None:
            return
        check_same_kind(sets=self.sets.normals, pool=self.pool.normals)
        sizes = [one.normals.shape[1] for one in (self.sets, self.pool)]
        budgets = [one.epsilon for one in (self.sets, self.pool)]
        if sizes[0] != sizes[1] or budgets[0] != budgets[1]:
            raise ValueError(
                f"pool must have dimension {sizes[0]} and budget {budgets[0]}, got "
                f"{sizes[1]} and {budgets[1]}."
            )

    @property
    def epsilon(self) -> float:
        """The defender's budget."""
        return self.sets.epsilon

    @property
    def dim(self) -> int:
        """Dimension of the perturbations."""
        return self.sets.normals.shape[1]

    def draw(self, n: int, *, seed: int) -> RobustSets:
        """Draw n robust sets.

        Args:
            n: How many.
            seed: Seed of the draw.

        Returns:
            The robust sets.

        Raises:
            ValueError: If n is below one or more than the pool has, or the seed is no
                seed.
        """
        generator = seeded(n, seed)
        source = self.sets if self.pool is None else self.pool
        size = len(source.offsets)
        if self.pool is None:
            rows = torch.randint(size, (n,), generator=generator)
        elif n <= size:
            rows = torch.randperm(size, generator=generator)[:n]
        else:
            raise ValueError(f"n must be at most the {size} rows of pool, got {n}.")
        return source.subset(rows)

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Count :math:`\phi(v)`.

        Args:
            v: One perturbation ``(d,)`` or several ``(k, d)``.

        Returns:
            A float for one v, a float64 tensor ``(k,)`` for several; zero outside V.

        Raises:
            ValueError: If the shape, dtype or device does not fit, or v is not finite.
        """
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
