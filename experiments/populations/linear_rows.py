r"""The population of a linear classifier: one-dimensional, whatever d is.

Its :math:`\phi` depends on one number z, and is the mass of the logit outside a window
of length :math:`2 \epsilon` around -z: a sum of a growing and a falling function of z,
so that its range on an interval is bounded by its ends. Halving intervals then bounds
any maximum as closely as is asked.
"""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtr
from torch import Tensor

from experiments.populations import distributions
from experiments.populations.ray_counts import ray_pieces
from paper_lib.checks.arguments import check_length, check_radius
from paper_lib.geometry import in_l2_ball, project_l2_ball
from paper_lib.robust_sets import RobustSets

# Halvings until intervals are as short as rounding allows.
_ROUNDS = 60


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
        distributions.as_python_numbers(self)
        check_radius(self.epsilon, "epsilon")
        check_length(self.scale, "scale")
        for name in ("distance", "shift"):
            if not math.isfinite(value := getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {value}.")

    @property
    def direction(self) -> Float[Tensor, " d"]:
        """The unit vector w."""
        return torch.eye(self.dim, dtype=torch.float64)[0]

    @property
    def means(self) -> tuple[float, float]:
        """The mean logit of each class; both are equally likely."""
        return self.shift - self.distance, self.shift + self.distance

    def above(self, z: Float[np.ndarray, "*k"]) -> Float[np.ndarray, "*k"]:
        """Give the mass above the window around -z, which grows with z."""
        edges = self.epsilon - z
        return np.mean([ndtr((m - edges) / self.scale) for m in self.means], axis=0)

    def below(self, z: Float[np.ndarray, "*k"]) -> Float[np.ndarray, "*k"]:
        """Give the mass below the window around -z, which falls with z."""
        edges = -self.epsilon - z
        return np.mean([ndtr((edges - m) / self.scale) for m in self.means], axis=0)

    def draw(self, n: int, *, seed: int) -> RobustSets:
        """Draw n robust sets; equal seeds give equal logits in every dimension."""
        generator = distributions.seeded(n, seed)
        means = torch.tensor(self.means, dtype=torch.float64)
        halves = torch.full_like(means, 0.5)
        kinds = torch.multinomial(halves, n, replacement=True, generator=generator)
        noise = torch.randn(n, generator=generator, dtype=torch.float64)
        logits = means[kinds] + self.scale * noise
        return RobustSets(
            normals=logits.sign().unsqueeze(-1) * self.direction,
            offsets=logits.abs() - self.epsilon,
            epsilon=self.epsilon,
        )

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Compute :math:`\phi(v)`; see ``GaussianRows``."""
        distributions.check_perturbations(v, self.dim)
        z = v[..., :1].numpy()
        share = torch.from_numpy(self.above(z) + self.below(z)).squeeze(-1)
        share *= in_l2_ball(v, self.epsilon)
        return float(share) if share.ndim == 0 else share

    def steps(self, sets: RobustSets) -> "Steps":
        r"""Restrict :math:`\phi_n` to multiples of w, where it has all its values.

        Args:
            sets: Robust sets drawn from this population.

        Returns:
            Coverage as a function of z from -epsilon to epsilon. At a cut it is that of
            the better neighbor.
        """
        offsets, slopes = sets.offsets.numpy(), (sets.normals @ self.direction).numpy()
        cuts, counts = ray_pieces(slopes, offsets, self.epsilon)
        return Steps(cuts=cuts, levels=counts / len(offsets))

    def maximum(self) -> distributions.PopulationMaximum:
        r"""Maximize :math:`\phi` over V, by halving intervals of z.

        Returns:
            The maximizer, and a bound at most 1e-9 above it.
        """
        whole = np.array([-self.epsilon, self.epsilon])
        nothing = Steps(cuts=whole, levels=np.zeros(1))
        along, _, upper = farthest(self, nothing, tol=1e-9)
        v = project_l2_ball(along * self.direction, self.epsilon)
        found = float(self.coverage(v))
        return distributions.PopulationMaximum(
            perturbation=v, coverage=found, upper=max(upper, found)
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Steps:
    """A function of z that is constant between cuts.

    Attributes:
        cuts: Where it may jump, and the ends of its range; increasing.
        levels: Its value between each two neighbors.
    """

    cuts: Float[np.ndarray, " k"]
    levels: Float[np.ndarray, " j"]

    def middle_of_best(self) -> float:
        """Find the middle of the longest piece where it is largest."""
        lengths = np.diff(self.cuts)
        best = self.levels[lengths > 0].max()
        k = int(np.argmax(np.where(self.levels == best, lengths, -1.0)))
        return float((self.cuts[k] + self.cuts[k + 1]) / 2)


def farthest(
    rows: LinearRows, steps: Steps, *, tol: float
) -> tuple[float, float, float]:
    r"""Bracket the largest difference between :math:`\phi` and a step function of z.

    Args:
        rows: The population.
        steps: The step function.
        tol: How far apart the ends of the bracket may be.

    Returns:
        Where the lower end is reached, up to a limit from one side; the lower end; the
        upper end.

    Example:
        >>> bell = LinearRows(1, distance=0.0, shift=0.0)
        >>> nothing = Steps(cuts=np.array([-1.0, 1.0]), levels=np.zeros(1))
        >>> z, _, upper = farthest(bell, nothing, tol=1e-9)
        >>> abs(z), round(upper, 6)  # the window from 0 to 2, or from -2 to 0
        (1.0, 0.52275)
    """
    low, high, level = steps.cuts[:-1], steps.cuts[1:], steps.levels
    place, best, settled = float(low[0]), -np.inf, -np.inf
    for last in range(_ROUNDS, -1, -1):
        ends = np.stack([low, high])
        ups, downs = rows.above(ends), rows.below(ends)
        found = np.abs(ups + downs - level)
        if found.max() > best:
            place, best = float(ends.flat[found.argmax()]), float(found.max())
        most = np.maximum(ups[1] + downs[0] - level, level - ups[0] - downs[1])
        open_ones = most > best + tol if last else np.zeros_like(most, dtype=bool)
        settled = max(settled, float(most[~open_ones].max(initial=-np.inf)))
        if not open_ones.any():
            break
        low, high, level = low[open_ones], high[open_ones], level[open_ones]
        middle = (low + high) / 2
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        level = np.concatenate([level, level])
    return place, best, max(best, settled)
