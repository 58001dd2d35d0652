"""The population of a linear classifier: one-dimensional, whatever d is."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.populations.distributions import (
    PopulationMaximum,
    as_coverage,
    check_perturbations,
    seeded,
)
from experiments.populations.windows import WindowMass, maximize_outside
from paper_lib.checks import check_count, check_radius
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.geometry import in_l2_ball, l2_norm, project_l2_ball, unit_vectors
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinearRows:
    r"""The rows of a linear classifier, whose logit is a mixture of normals.

    Every normal is w or -w, whatever the dimension: with the signed distance
    :math:`g = f(x) / \|w\|` Lemma 1 leaves :math:`\phi(v) = 1 - \Pr[|g + z| <
    \epsilon]`, a function of :math:`z = w^\top v / \|w\|` alone.

    Attributes:
        weight: w, not zero; float64.
        logit_means: Mean of the logit in each class; float64.
        logit_scales: Its standard deviation in each class.
        shares: The share of each class; they add up to one.
        epsilon: Budget of both players.

    Raises:
        ValueError: If shapes or kinds do not fit, an entry is not finite, the weight is
            zero, a scale or share is not above zero, the shares do not add up to one,
            or ``epsilon`` is no budget.

    Example:
        >>> rows = LinearRows.symmetric(784, distance=2.0, shift=0.25)
        >>> best = rows.maximum()
        >>> round(float(rows.weight @ best.perturbation), 3), round(best.coverage, 4)
        (-0.25, 0.8427)
    """

    weight: Float[Tensor, " d"]
    logit_means: Float[Tensor, " classes"]
    logit_scales: Float[Tensor, " classes"]
    shares: Float[Tensor, " classes"]
    epsilon: float

    def __post_init__(self) -> None:
        """Check shapes, kinds and values.

        Raises:
            ValueError: See the class.
        """
        parts = {
            name: getattr(self, name)
            for name in ("weight", "logit_means", "logit_scales", "shares")
        }
        check_same_kind(**parts)
        check_finite(**parts)
        object.__setattr__(self, "epsilon", check_radius(self.epsilon, "epsilon"))
        shapes = {tuple(part.shape) for name, part in parts.items() if name != "weight"}
        if self.weight.ndim != 1 or len(shapes) != 1 or self.shares.ndim != 1:
            raise ValueError(
                "weight must be (d,), and logit_means, logit_scales and shares one "
                f"number a class, got shapes "
                f"{[tuple(part.shape) for part in parts.values()]}."
            )
        if self.weight.dtype != torch.float64:
            raise ValueError(f"weight must be float64, got {self.weight.dtype}.")
        if not bool((self.weight != 0).any()):
            raise ValueError("weight must not be zero.")
        for name in ("logit_scales", "shares"):
            if not bool((parts[name] > 0).all()):
                raise ValueError(f"{name} must be > 0, got {parts[name].tolist()}.")
        if abs(float(self.shares.sum()) - 1.0) > 1e-12:
            raise ValueError(f"shares must add up to 1, got {self.shares.tolist()}.")

    @classmethod
    def symmetric(
        cls,
        dim: int,
        *,
        distance: float = 2.0,
        scale: float = 1.0,
        shift: float = 0.25,
        epsilon: float = 1.0,
    ) -> "LinearRows":
        """Put two classes of one spread on both sides of a boundary that is shifted.

        Args:
            dim: Dimension d; w is the first axis.
            distance: Half the distance between the class means.
            scale: Standard deviation of each class along w.
            shift: Logit halfway between the means; the best v takes it back.
            epsilon: Budget of both players.

        Returns:
            The population.

        Raises:
            ValueError: See the class.
        """
        dim = check_count(dim, "dim", 1)
        means = torch.tensor([shift - distance, shift + distance], dtype=torch.float64)
        return cls(
            weight=torch.eye(dim, dtype=torch.float64)[0],
            logit_means=means,
            logit_scales=torch.full((2,), scale, dtype=torch.float64),
            shares=torch.full((2,), 0.5, dtype=torch.float64),
            epsilon=epsilon,
        )

    @property
    def dim(self) -> int:
        """Dimension of the perturbations."""
        return len(self.weight)

    @property
    def direction(self) -> Float[Tensor, " d"]:
        """The unit vector along w."""
        return unit_vectors(self.weight)

    @property
    def windows(self) -> WindowMass:
        """What of the population lies within epsilon of the boundary, for each z."""
        length = float(l2_norm(self.weight))
        return WindowMass(
            means=(self.logit_means / length).numpy(),
            scales=(self.logit_scales / length).numpy(),
            shares=self.shares.numpy(),
            half_width=self.epsilon,
        )

    def draw(self, n: int, *, seed: int) -> RobustSets:
        """Draw n robust sets; equal seeds give equal logits in every dimension.

        Args:
            n: How many.
            seed: Seed of the draw.

        Returns:
            The robust sets, by Lemma 1.

        Raises:
            ValueError: If n is below one, or the seed is no seed.
        """
        generator = seeded(n, seed)
        kinds = torch.multinomial(self.shares, n, replacement=True, generator=generator)
        noise = torch.randn(n, generator=generator, dtype=torch.float64)
        logits = self.logit_means[kinds] + self.logit_scales[kinds] * noise
        return RobustSets(
            normals=logits.sign().unsqueeze(-1) * self.weight,
            offsets=logits.abs() - self.epsilon * l2_norm(self.weight),
            epsilon=self.epsilon,
        )

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Compute :math:`\phi(v)`.

        Args:
            v: One perturbation ``(d,)`` or several ``(k, d)``.

        Returns:
            A float for one v, a float64 tensor ``(k,)`` for several; zero outside V.

        Raises:
            ValueError: If the shape, dtype or device does not fit, or v is not finite.
        """
        check_perturbations(v, self.dim)
        along = v @ self.weight / l2_norm(self.weight)
        share = torch.as_tensor(self.windows.outside(np.atleast_1d(along.numpy())))
        share = share.reshape(v.shape[:-1])
        return as_coverage(share * in_l2_ball(v, self.epsilon))

    def maximum(self) -> PopulationMaximum:
        r"""Maximize :math:`\phi` over V, by halving intervals of z.

        Returns:
            The maximizer, and a bound at most 1e-9 above it.
        """
        along, upper = maximize_outside(self.windows, tol=1e-9)
        v = project_l2_ball(along * self.direction, self.epsilon)
        found = float(self.coverage(v))
        return PopulationMaximum(
            perturbation=v, coverage=found, upper=max(upper, found)
        )
