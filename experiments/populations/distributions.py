r"""Populations with :math:`\phi(v) = \Pr[v \in R(X)]` known. Paper: Eq. (14).

Rows (c, b) are drawn as such: nothing here asks that they come from a classifier by
Lemma 1, where b depends on the length of c. The bounds of Sec. 5 do not ask it either.
"""

import math
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import check_count, check_radius, check_seed
from paper_lib.checks.arguments import check_length
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.geometry import in_l2_ball
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PopulationMaximum:
    r"""A perturbation that covers most of a population.

    Attributes:
        perturbation: The perturbation :math:`v^*`, inside V.
        coverage: :math:`\phi(v^*)`.
        upper: What :math:`\phi` exceeds nowhere in V, up to rounding; equal to
            ``coverage`` where the maximum is exact.
    """

    perturbation: Float[Tensor, " d"]
    coverage: float
    upper: float


def as_python_numbers(rows: Any) -> None:
    """Check the dimension of rows, and make every other setting Python's own float.

    Args:
        rows: A frozen dataclass with a field ``dim`` and numbers besides.

    Raises:
        TypeError: If the dimension is no integer, or a setting no number.
        ValueError: If the dimension is below 1.
    """
    object.__setattr__(rows, "dim", check_count(rows.dim, "dim", 1))
    for field in fields(rows):
        if field.name != "dim":
            object.__setattr__(rows, field.name, float(getattr(rows, field.name)))


@dataclass(frozen=True, slots=True)
class GaussianRows:
    r"""Rows (c, b) with c normal and alike in every direction, and b normal apart.

    With u = (v, 1) the value :math:`c^\top v + b` is normal with mean :math:`a^\top u`
    and variance :math:`u^\top \Sigma u`, so that :math:`\phi(v) = \Phi(a^\top u /
    \sqrt{u^\top \Sigma u})` inside V, and zero outside. It depends on the length of v
    and its first entry alone, and the maximum is the same in every dimension.

    Attributes:
        dim: Dimension d.
        mean_length: :math:`\mu`, length of the mean of c, along the first axis.
        mean_offset: :math:`\beta`, mean of b.
        scale: :math:`\sigma`, standard deviation of each entry of c.
        offset_scale: :math:`\tau`, standard deviation of b.
        epsilon: The defender's budget.

    Raises:
        TypeError: If the dimension is no integer.
        ValueError: If the dimension is below one, a scale is not > 0, ``epsilon`` is no
            budget, or the mean of :math:`c^\top v + b` is positive nowhere in V.

    Example:
        >>> rows = GaussianRows(2, mean_offset=0.5, offset_scale=0.6)
        >>> best = rows.maximum()
        >>> [round(x, 3) for x in best.perturbation.tolist()], round(best.coverage, 4)
        ([0.72, 0.0], 0.9035)
    """

    dim: int
    _: KW_ONLY
    mean_length: float = 1.0
    mean_offset: float = 0.5
    scale: float = 1.0
    offset_scale: float = 0.6
    epsilon: float = 1.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        as_python_numbers(self)
        check_radius(self.mean_length, "mean_length")
        check_radius(self.epsilon, "epsilon")
        for name in ("scale", "offset_scale"):
            check_length(getattr(self, name), name)
        most = self.mean_offset + self.epsilon * self.mean_length
        if not 0.0 < most < math.inf:
            raise ValueError(
                "mean must make c^T v + b positive on average for some v in V, got at "
                f"most {most}."
            )

    def scaled(self, factor: float) -> "GaussianRows":
        r"""Multiply the logit: the same robust sets and :math:`\phi`, longer rows.

        Args:
            factor: What c and b are multiplied by, above zero.

        Returns:
            The population.

        Raises:
            ValueError: If the factor is not finite and above zero.
        """
        check_length(factor, "factor")
        names = ("mean_length", "mean_offset", "scale", "offset_scale")
        return replace(self, **{name: factor * getattr(self, name) for name in names})

    @property
    def mean(self) -> Float[Tensor, " e"]:
        """The mean of c, then that of b."""
        mean = torch.zeros(self.dim + 1, dtype=torch.float64)
        mean[0], mean[-1] = self.mean_length, self.mean_offset
        return mean

    @property
    def variances(self) -> Float[Tensor, " e"]:
        """The variance of each entry of c, then that of b."""
        variances = torch.full((self.dim + 1,), self.scale**2, dtype=torch.float64)
        variances[-1] = self.offset_scale**2
        return variances

    def moments(
        self, v: Float[Tensor, "*k d"]
    ) -> tuple[Float[Tensor, "*k"], Float[Tensor, "*k"]]:
        r"""Give mean and standard deviation of :math:`c^\top v + b`.

        Args:
            v: One perturbation ``(d,)`` or several ``(k, d)``; they need not be in V.

        Returns:
            Both, one number for each v.

        Raises:
            ValueError: If the shape, dtype or device does not fit, or v is not finite.
        """
        check_perturbations(v, self.dim)
        u = torch.cat([v, v.new_ones(*v.shape[:-1], 1)], dim=-1)
        return u @ self.mean, (u * self.variances * u).sum(-1).sqrt()

    def draw(self, n: int, *, seed: int) -> RobustSets:
        """Draw n robust sets.

        Args:
            n: How many.
            seed: Seed of the draw.

        Returns:
            The robust sets.

        Raises:
            ValueError: If n is below one, or the seed is no seed.
        """
        shape, generator = (n, self.dim + 1), seeded(n, seed)
        rows = torch.randn(shape, generator=generator, dtype=torch.float64)
        rows = self.mean + self.variances.sqrt() * rows
        normals, offsets = rows[:, :-1].contiguous(), rows[:, -1].contiguous()
        return RobustSets(normals=normals, offsets=offsets, epsilon=self.epsilon)

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Compute :math:`\phi(v)`.

        Args:
            v: One perturbation ``(d,)`` or several ``(k, d)``.

        Returns:
            A float for one v, a float64 tensor ``(k,)`` for several; zero outside V.

        Raises:
            ValueError: If the shape, dtype or device does not fit, or v is not finite.
        """
        mean, spread = self.moments(v)
        share = torch.special.ndtr(mean / spread) * in_l2_ball(v, self.epsilon)
        return float(share) if share.ndim == 0 else share

    def maximum(self) -> PopulationMaximum:
        r"""Maximize :math:`\phi` over V.

        Along the first axis mean over deviation grows up to :math:`\tau^2 \mu /
        (\sigma^2 \beta)` where :math:`\beta > 0`, and for ever otherwise.

        Returns:
            The maximizer, which is exact.
        """
        place = self.epsilon
        if self.mean_offset > 0.0:
            pull = self.offset_scale**2 * self.mean_length
            place = min(place, pull / (self.scale**2 * self.mean_offset))
        v = torch.zeros(self.dim, dtype=torch.float64)
        v[0] = place
        found = float(self.coverage(v))
        return PopulationMaximum(perturbation=v, coverage=found, upper=found)


def seeded(n: int, seed: int) -> torch.Generator:
    """Check the size of a draw and its seed, and seed a generator.

    Args:
        n: How many rows are to be drawn.
        seed: The seed.

    Returns:
        The generator.

    Raises:
        ValueError: If n is below one, or the seed is no seed.
    """
    check_count(n, "n", 1)
    return torch.Generator().manual_seed(check_seed(seed))


def check_perturbations(v: Float[Tensor, "*k d"], dim: int) -> None:
    """Reject a perturbation that does not fit a population of float64.

    Args:
        v: The perturbations.
        dim: Their dimension.

    Raises:
        ValueError: If the shape, dtype or device does not fit, or v is not finite.
    """
    check_same_kind(v=v)
    if v.dtype != torch.float64 or v.device.type != "cpu":
        raise ValueError(f"v must be float64 on the CPU, got {v.dtype} on {v.device}.")
    if v.ndim not in (1, 2) or v.shape[-1] != dim:
        raise ValueError(
            f"v must have shape ({dim},) or (k, {dim}), got {tuple(v.shape)}."
        )
    check_finite(v=v)
