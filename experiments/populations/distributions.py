r"""Populations with :math:`\phi(v) = \Pr[v \in R(X)]` known. Paper: Eq. (14).

Rows (c, b) are drawn as such: nothing here asks that they come from a classifier by
Lemma 1, where b depends on the length of c. The bounds of Sec. 5 do not ask it either.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from scipy.special import ndtr
from torch import Tensor

from experiments.populations.gaussian_ratio import maximize_ratio
from paper_lib.checks import check_count, check_radius, check_seed
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.geometry import in_l2_ball, l2_norm, project_l2_ball
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


@runtime_checkable
class Population(Protocol):
    """What a distribution of robust sets has to offer."""

    @property
    def epsilon(self) -> float:
        """The defender's budget."""
        ...

    @property
    def dim(self) -> int:
        """Dimension of the perturbations."""
        ...

    def draw(self, n: int, *, seed: int) -> RobustSets:
        """Draw n robust sets."""
        ...

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Compute :math:`\phi`."""
        ...

    def maximum(self) -> PopulationMaximum:
        r"""Maximize :math:`\phi` over V."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GaussianRows:
    r"""Rows (c, b) with one joint normal distribution.

    With u = (v, 1) the value :math:`c^\top v + b` is normal with mean :math:`a^\top u`
    and variance :math:`u^\top \Sigma u`, so that :math:`\phi(v) = \Phi(a^\top u /
    \sqrt{u^\top \Sigma u})` inside V, and zero outside.

    Attributes:
        mean: a: the mean of c, then that of b; float64.
        covariance: :math:`\Sigma`, of (c, b), positive definite; float64.
        epsilon: The defender's budget.

    Raises:
        ValueError: If shapes or kinds do not fit, an entry is not finite, the
            covariance is not symmetric and positive definite, ``epsilon`` is no budget,
            or the mean of :math:`c^\top v + b` is positive nowhere in V.

    Example:
        >>> rows = GaussianRows.isotropic(2, mean_offset=0.5, offset_scale=0.6)
        >>> best = rows.maximum()
        >>> [round(x, 3) for x in best.perturbation.tolist()], round(best.coverage, 4)
        ([0.72, 0.0], 0.9035)
    """

    mean: Float[Tensor, " e"]
    covariance: Float[Tensor, "e e"]
    epsilon: float

    def __post_init__(self) -> None:
        """Check shapes, kinds and values.

        Raises:
            ValueError: See the class.
        """
        check_same_kind(mean=self.mean, covariance=self.covariance)
        size = len(self.mean) if self.mean.ndim == 1 else 0
        if size < 2 or self.covariance.shape != (size, size):
            raise ValueError(
                "mean must be (d + 1,) and covariance (d + 1, d + 1) with d at least "
                f"1, got {tuple(self.mean.shape)} and {tuple(self.covariance.shape)}."
            )
        if self.mean.dtype != torch.float64:
            raise ValueError(f"mean must be float64, got {self.mean.dtype}.")
        check_finite(mean=self.mean, covariance=self.covariance)
        object.__setattr__(self, "epsilon", check_radius(self.epsilon, "epsilon"))
        _, failed = torch.linalg.cholesky_ex(self.covariance)
        if int(failed) or not torch.equal(self.covariance, self.covariance.T):
            raise ValueError("covariance must be symmetric and positive definite.")
        if (most := self._largest_mean()) <= 0.0:
            raise ValueError(
                "mean must make c^T v + b positive on average for some v in V, got at "
                f"most {most}."
            )

    @classmethod
    def isotropic(
        cls,
        dim: int,
        *,
        mean_length: float = 1.0,
        mean_offset: float = 0.5,
        scale: float = 1.0,
        offset_scale: float = 0.6,
        epsilon: float = 1.0,
    ) -> "GaussianRows":
        r"""Let c vary alike in every direction, and b apart from it.

        :math:`\phi` depends on the length of v and its first entry alone, and its
        maximizer lies along the first axis: at :math:`\tau^2 \mu / (\sigma^2 \beta)`
        where :math:`\beta > 0` and that is inside V, on the sphere otherwise. The
        maximum is the same in every dimension.

        Args:
            dim: Dimension d.
            mean_length: :math:`\mu`, length of the mean of c.
            mean_offset: :math:`\beta`, mean of b.
            scale: :math:`\sigma`, standard deviation of each entry of c.
            offset_scale: :math:`\tau`, standard deviation of b.
            epsilon: The defender's budget.

        Returns:
            The population.

        Raises:
            ValueError: See the class.
        """
        dim = check_count(dim, "dim", 1)
        mean = torch.zeros(dim + 1, dtype=torch.float64)
        mean[0], mean[-1] = float(mean_length), float(mean_offset)
        variances = torch.full((dim + 1,), float(scale) ** 2, dtype=torch.float64)
        variances[-1] = float(offset_scale) ** 2
        return cls(mean=mean, covariance=variances.diag(), epsilon=epsilon)

    def scaled(self, factor: float) -> "GaussianRows":
        r"""Multiply the logit: the same robust sets and :math:`\phi`, longer rows.

        Args:
            factor: What c and b are multiplied by, above zero.

        Returns:
            The population.

        Raises:
            ValueError: If the factor is not finite and above zero.
        """
        if not 0.0 < factor < math.inf:
            raise ValueError(f"factor must be finite and > 0, got {factor}.")
        return GaussianRows(
            mean=factor * self.mean,
            covariance=factor**2 * self.covariance,
            epsilon=self.epsilon,
        )

    @property
    def dim(self) -> int:
        """Dimension of the perturbations."""
        return len(self.mean) - 1

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
        generator = seeded(n, seed)
        size = len(self.mean)
        rows = torch.randn(n, size, generator=generator, dtype=torch.float64)
        if self._is_diagonal():  # as the product below, in less time
            rows *= self.covariance.diagonal().sqrt()
        else:
            rows = rows @ torch.linalg.cholesky(self.covariance).T
        rows += self.mean
        return RobustSets(
            normals=rows[:, :-1].contiguous(),
            offsets=rows[:, -1].contiguous(),
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
        u = torch.cat([v, v.new_ones(*v.shape[:-1], 1)], dim=-1)
        spread = ((u @ self.covariance) * u).sum(-1).sqrt()
        share = torch.special.ndtr(u @ self.mean / spread)
        return as_coverage(share * in_l2_ball(v, self.epsilon))

    def maximum(self) -> PopulationMaximum:
        r"""Maximize :math:`\phi` over V, by the ratio of mean and standard deviation.

        Returns:
            The maximizer, and a bound that holds whatever the search did.
        """
        mean, covariance = self.mean.numpy(), self.covariance.numpy()
        found = maximize_ratio(mean, covariance, self.epsilon)
        v = project_l2_ball(torch.from_numpy(found.point), self.epsilon)
        return PopulationMaximum(
            perturbation=v,
            coverage=float(self.coverage(v)),
            upper=float(ndtr(found.upper)),
        )

    def _largest_mean(self) -> float:
        return float(self.mean[-1] + self.epsilon * l2_norm(self.mean[:-1]))

    def _is_diagonal(self) -> bool:
        return torch.equal(self.covariance, self.covariance.diagonal().diag())


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


def as_coverage(share: Float[Tensor, "*k"]) -> float | Float[Tensor, " k"]:
    """Give one share as a float, several as they are.

    Args:
        share: One number or several.

    Returns:
        A float, or the tensor.
    """
    return float(share) if share.ndim == 0 else share
