"""The population of a linear classifier: one-dimensional, whatever d is."""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.populations.distributions import (
    PopulationMaximum,
    as_python_numbers,
    check_perturbations,
    seeded,
)
from experiments.populations.windows import Steps, WindowMass, farthest
from paper_lib.checks import check_radius
from paper_lib.geometry import in_l2_ball, project_l2_ball
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, slots=True)
class LinearRows:
    r"""The rows of a linear classifier: two normal classes beside a shifted boundary.

    Every normal is w or -w, whatever the dimension: with the logit :math:`f(x)` and
    :math:`\|w\| = 1` Lemma 1 leaves :math:`\phi(v) = 1 - \Pr[|f(x) + z| < \epsilon]`,
    a function of :math:`z = w^\top v` alone.

    Attributes:
        dim: Dimension d; w is the first axis.
        distance: Half the distance between the class means.
        scale: Standard deviation of each class along w.
        shift: Logit halfway between the means; the best v takes it back.
        epsilon: Budget of both players.

    Raises:
        TypeError: If the dimension is no integer.
        ValueError: If the dimension is below one, the scale is not > 0, another number
            not finite, or ``epsilon`` no budget.

    Example:
        >>> best = LinearRows(784, distance=2.0, shift=0.25).maximum()
        >>> round(float(best.perturbation[0]), 3), round(best.coverage, 4)
        (-0.25, 0.8427)
    """

    dim: int
    _: KW_ONLY
    distance: float = 2.0
    scale: float = 1.0
    shift: float = 0.25
    epsilon: float = 1.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        as_python_numbers(self)
        check_radius(self.epsilon, "epsilon")
        if not 0.0 < self.scale < math.inf:
            raise ValueError(f"scale must be finite and > 0, got {self.scale}.")
        for name in ("distance", "shift"):
            if not math.isfinite(value := getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {value}.")

    @property
    def direction(self) -> Float[Tensor, " d"]:
        """The unit vector w."""
        return torch.eye(self.dim, dtype=torch.float64)[0]

    @property
    def windows(self) -> WindowMass:
        """What of the population lies within epsilon of the boundary, for each z."""
        return WindowMass(
            means=np.array([self.shift - self.distance, self.shift + self.distance]),
            scales=np.full(2, self.scale),
            shares=np.full(2, 0.5),
            half_width=self.epsilon,
        )

    def draw(self, n: int, *, seed: int) -> RobustSets:
        """Draw n robust sets; equal seeds give equal logits in every dimension."""
        generator = seeded(n, seed)
        shares = torch.full((2,), 0.5, dtype=torch.float64)
        kinds = torch.multinomial(shares, n, replacement=True, generator=generator)
        noise = torch.randn(n, generator=generator, dtype=torch.float64)
        means = torch.from_numpy(self.windows.means)
        logits = means[kinds] + self.scale * noise
        return RobustSets(
            normals=logits.sign().unsqueeze(-1) * self.direction,
            offsets=logits.abs() - self.epsilon,
            epsilon=self.epsilon,
        )

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Compute :math:`\phi(v)`; see ``GaussianRows``."""
        check_perturbations(v, self.dim)
        share = torch.as_tensor(self.windows.outside(np.atleast_1d(v[..., 0].numpy())))
        share = share.reshape(v.shape[:-1]) * in_l2_ball(v, self.epsilon)
        return float(share) if share.ndim == 0 else share

    def maximum(self) -> PopulationMaximum:
        r"""Maximize :math:`\phi` over V, by halving intervals of z.

        Returns:
            The maximizer, and a bound at most 1e-9 above it.
        """
        whole = np.array([-self.epsilon, self.epsilon])
        nothing = Steps(cuts=whole, levels=np.zeros(1))
        along, _, upper = farthest(self.windows, nothing, tol=1e-9)
        v = project_l2_ball(along * self.direction, self.epsilon)
        found = float(self.coverage(v))
        return PopulationMaximum(
            perturbation=v, coverage=found, upper=max(upper, found)
        )
