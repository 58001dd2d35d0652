r"""A smooth relaxation on unit normals, sharpened step by step.

The indicator of a row is replaced by the logistic function of its slack over a width,

.. math:: \sum_i \sigma\bigl((g_i^\top u - t_i) / w\bigr),

which has a gradient everywhere, so that the ascent has no dead zone. The width falls
geometrically, the step length linearly. Several problems of one size, or several
starts, run as one batch on whatever device the rows are on.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.geometry.sums import full_precision


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnealConfig:
    """Settings of the ascent; lengths and widths are shares of the budget.

    Attributes:
        num_steps: Gradient steps.
        first_width: Width of the logistic function at first.
        last_width: Width at last.
        first_step: Length of the first step.
        last_step: Length of the last.

    Raises:
        ValueError: If a setting is out of range.
    """

    num_steps: int = 150
    first_width: float = 0.3
    last_width: float = 0.003
    first_step: float = 0.1
    last_step: float = 0.002

    def __post_init__(self) -> None:
        """Reject settings for which the ascent is undefined.

        Raises:
            ValueError: See the class.
        """
        if self.num_steps < 1:
            raise ValueError(f"num_steps must be at least 1, got {self.num_steps}.")
        for what in ("width", "step"):
            first = getattr(self, f"first_{what}")
            last = getattr(self, f"last_{what}")
            if not 0.0 < last <= first < math.inf:
                raise ValueError(
                    f"{what}s must be finite with 0 < last_{what} <= first_{what}, got "
                    f"{last} and {first}."
                )

    @property
    def widths(self) -> list[float]:
        """The width of each step."""
        span = max(self.num_steps - 1, 1)
        ratio = self.last_width / self.first_width
        return [self.first_width * ratio ** (k / span) for k in range(self.num_steps)]

    @property
    def steps(self) -> list[float]:
        """The length of each step."""
        span = max(self.num_steps - 1, 1)
        fall = self.first_step - self.last_step
        return [self.first_step - fall * k / span for k in range(self.num_steps)]


# Starts are compared on this many rows, at most, with wide logistic functions.
_COARSE_ROWS = 1000


def anneal_from_several(
    normals: Float[Tensor, "m d"],
    thresholds: Float[Tensor, "*problems m"],
    *,
    seed: int,
    num_starts: int = 4,
    config: AnnealConfig | None = None,
) -> Float[Tensor, "*problems d"]:
    """Compare starts on some of the rows, and go on from the best with all of them.

    The starts are zero, the direction of the mean normal, and random directions at half
    the budget.

    Args:
        normals: Unit normals.
        thresholds: What each row asks of its product with u, for one problem or several
            with the same normals, which are annealed as one batch.
        seed: Seed of the random directions and of the choice of rows.
        num_starts: How many starts.
        config: Settings of the ascent with all rows; None: the defaults.

    Returns:
        A point of the unit ball for each problem.

    Raises:
        ValueError: If ``num_starts`` is below one.
    """
    if num_starts < 1:
        raise ValueError(f"num_starts must be at least 1, got {num_starts}.")
    generator = torch.Generator().manual_seed(seed)
    config = config or AnnealConfig()
    asked = thresholds.reshape(-1, len(normals))
    starts = _draw_starts(normals, num_starts, generator).repeat(len(asked), 1)
    if num_starts > 1:
        rows = torch.randperm(len(normals), generator=generator)[:_COARSE_ROWS]
        rows = rows.to(normals.device)
        coarse = replace(
            config,
            num_steps=-(-config.num_steps // 3),
            last_width=max(config.last_width, config.first_width / 10),
        )
        each = asked[:, rows].repeat_interleave(num_starts, 0)
        found = anneal(normals[rows], each, starts, config=coarse)
        products = _products(normals, found).unflatten(0, (-1, num_starts))
        best = (products >= asked.unsqueeze(1)).sum(-1).argmax(1)
        starts = found.unflatten(0, (-1, num_starts))[range(len(asked)), best]
        config = replace(
            config,
            first_width=max(config.last_width, config.first_width / 3),
            first_step=max(config.last_step, config.first_step / 2),
        )
    found = anneal(normals, asked, starts, config=config)
    return found.reshape(*thresholds.shape[:-1], normals.shape[1])


def _draw_starts(
    normals: Float[Tensor, "m d"], count: int, generator: torch.Generator
) -> Float[Tensor, "count d"]:
    """Give zero, the direction of the mean normal, and random ones at half the budget.

    Args:
        normals: Unit normals.
        count: How many starts, at least one.
        generator: Where the random directions come from.

    Returns:
        Points of the unit ball.
    """
    dim = normals.shape[1]
    draws = torch.randn(count, dim, generator=generator, dtype=torch.float64)
    starts = draws.to(normals)
    starts[1:2] = normals.mean(0)
    length = torch.linalg.vector_norm(starts, dim=-1, keepdim=True)
    starts = 0.5 * starts / torch.where(length > 0, length, 1.0)
    starts[0] = 0.0
    return starts


@full_precision()
def anneal(
    normals: Float[Tensor, "*problems m d"],
    thresholds: Float[Tensor, "#batch m"],
    starts: Float[Tensor, "batch d"],
    *,
    config: AnnealConfig,
) -> Float[Tensor, "batch d"]:
    """Ascend from each start and return the iterates that satisfy most rows.

    Args:
        normals: Unit normals, shared ``(m, d)`` or one set for each start
            ``(batch, m, d)``.
        thresholds: What each row asks of its product with u, for all starts or each.
        starts: Points of the unit ball.
        config: Settings.

    Returns:
        For each start the best iterate, inside the unit ball.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> asked = torch.tensor([[0.5, 0.5]])
        >>> u = anneal(rows, asked, torch.zeros(1, 2), config=AnnealConfig())
        >>> (u @ rows.T >= asked).tolist()
        [[True, True]]
    """
    u, points, counts = starts, [], []
    satisfied = torch.empty(len(u), thresholds.shape[-1]).to(u)
    for width, length in zip(config.widths, config.steps, strict=True):
        # In place: beside two products of few columns each pass over the rows counts.
        slack = _products(normals, u).sub_(thresholds)
        points.append(u)
        counts.append(torch.ge(slack, 0.0, out=satisfied).sum(-1))
        level = slack.div_(width).sigmoid_()
        pull = _combine(normals, level.addcmul_(level, level, value=-1.0))
        norm = torch.linalg.vector_norm(pull, dim=-1, keepdim=True)
        norm.clamp_(min=torch.finfo(u.dtype).tiny)
        u = u.addcdiv(pull, norm, value=length).renorm_(2, 0, 1.0)
    points.append(u)
    counts.append((_products(normals, u) >= thresholds).sum(-1).to(u))
    best = torch.stack(counts).argmax(0).tolist()
    return torch.stack([points[step][k] for k, step in enumerate(best)])


def _products(
    normals: Float[Tensor, "*problems m d"], u: Float[Tensor, "batch d"]
) -> Float[Tensor, "batch m"]:
    """Multiply each point with its rows."""
    if normals.ndim == 3:
        return torch.bmm(normals, u.unsqueeze(-1)).squeeze(-1)
    if _is_single(u):
        return torch.from_numpy(normals.numpy() @ u[0].numpy()).unsqueeze(0)
    return u @ normals.T


def _combine(
    normals: Float[Tensor, "*problems m d"], weights: Float[Tensor, "batch m"]
) -> Float[Tensor, "batch d"]:
    """Add up the rows with weights."""
    if normals.ndim == 3:
        return torch.bmm(weights.unsqueeze(1), normals).squeeze(1)
    if _is_single(weights):
        return torch.from_numpy(weights[0].numpy() @ normals.numpy()).unsqueeze(0)
    return weights @ normals


def _is_single(points: Float[Tensor, "batch size"]) -> bool:
    """Tell whether NumPy, whose matrix-vector product is the faster one, can serve."""
    return len(points) == 1 and points.device.type == "cpu"
