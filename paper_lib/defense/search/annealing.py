r"""A smooth relaxation on unit normals, sharpened step by step.

The indicator of a row is replaced by the logistic function of its slack over a width,

.. math:: \sum_i \sigma\bigl((g_i^\top u - t_i) / w\bigr),

which has a gradient everywhere, so that the ascent has no dead zone. The width falls
geometrically, the step length linearly. Several problems of one size, or several
starts, run as one batch on whatever device the rows are on.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import check_count
from paper_lib.defense.rows import UnitRows
from paper_lib.geometry.sums import full_precision

# Widths of the logistic function at first and at last, and lengths of the first and the
# last step, as shares of the budget.
_FIRST_WIDTH, _LAST_WIDTH = 0.3, 0.003
_FIRST_STEP, _LAST_STEP = 0.1, 0.002
_NUM_STEPS = 150
# So many starts are compared, on this many rows at most, with wide logistic functions.
_NUM_STARTS, _COARSE_ROWS = 4, 1000


def anneal_from_several(
    normals: Float[Tensor, "m d"],
    thresholds: Float[Tensor, "*problems m"],
    *,
    seed: int,
    last_width: float = _LAST_WIDTH,
) -> Float[Tensor, "*problems d"]:
    """Compare starts on some of the rows, and go on from the best with all of them.

    The starts are zero, the direction of the mean normal, and random directions at half
    the budget.

    Args:
        normals: Unit normals.
        thresholds: What each row asks of its product with u, for one problem or several
            with the same normals, which are annealed as one batch.
        seed: Seed of the random directions and of the choice of rows.
        last_width: Width of the logistic function at last, a share of the budget.

    Returns:
        A point of the unit ball for each problem.
    """
    generator = torch.Generator().manual_seed(seed)
    asked = thresholds.reshape(-1, len(normals))
    starts = _draw_starts(normals, generator).repeat(len(asked), 1)
    rows = torch.randperm(len(normals), generator=generator)[:_COARSE_ROWS]
    rows = rows.to(normals.device)
    roughly = anneal(
        normals[rows],
        asked[:, rows].repeat_interleave(_NUM_STARTS, 0),
        starts,
        num_steps=_NUM_STEPS // 3,
        last_width=max(last_width, _FIRST_WIDTH / 10),
    )
    products = _products(normals, roughly).unflatten(0, (-1, _NUM_STARTS))
    best = (products >= asked.unsqueeze(1)).sum(-1).argmax(1)
    points = anneal(
        normals,
        asked,
        roughly.unflatten(0, (-1, _NUM_STARTS))[range(len(asked)), best],
        first_width=max(last_width, _FIRST_WIDTH / 3),
        last_width=last_width,
        first_step=_FIRST_STEP / 2,
    )
    return points.reshape(*thresholds.shape[:-1], normals.shape[1])


def anneal_rows(
    rows: UnitRows, seed: int, last_width: float = _LAST_WIDTH
) -> Float[np.ndarray, " d"]:
    """Anneal in single precision, which is enough for a start.

    Args:
        rows: The rows to decide.
        seed: Seed of the starts and of the choice of rows.
        last_width: Width of the logistic function at last, a share of the budget.

    Returns:
        A point of the unit ball; zero where there is nothing to decide.
    """
    if not len(rows.thresholds):
        return np.zeros(rows.normals.shape[1])
    normals, thresholds = rows.normals.float(), rows.thresholds.float()
    point = anneal_from_several(normals, thresholds, seed=seed, last_width=last_width)
    return point.double().numpy()


def _draw_starts(
    normals: Float[Tensor, "m d"], generator: torch.Generator
) -> Float[Tensor, "starts d"]:
    """Give zero, the direction of the mean normal, and random ones at half the budget.

    Args:
        normals: Unit normals.
        generator: Where the random directions come from.

    Returns:
        Points of the unit ball.
    """
    shape = (_NUM_STARTS, normals.shape[1])
    draws = torch.randn(shape, generator=generator, dtype=torch.float64)
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
    num_steps: int = _NUM_STEPS,
    first_width: float = _FIRST_WIDTH,
    last_width: float = _LAST_WIDTH,
    first_step: float = _FIRST_STEP,
    last_step: float = _LAST_STEP,
) -> Float[Tensor, "batch d"]:
    """Ascend from each start and return the iterates that satisfy most rows.

    Args:
        normals: Unit normals, shared ``(m, d)`` or one set for each start
            ``(batch, m, d)``.
        thresholds: What each row asks of its product with u, for all starts or each.
        starts: Points of the unit ball.
        num_steps: Gradient steps.
        first_width: Width of the logistic function at first, a share of the budget.
        last_width: Width at last.
        first_step: Length of the first step, a share of the budget.
        last_step: Length of the last.

    Returns:
        For each start the best iterate, inside the unit ball.

    Raises:
        TypeError: If ``num_steps`` is no integer.
        ValueError: If there is no step, or widths or lengths are not finite and
            positive, or rise.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> asked = torch.tensor([[0.5, 0.5]])
        >>> u = anneal(rows, asked, torch.zeros(1, 2))
        >>> (u @ rows.T >= asked).tolist()
        [[True, True]]
    """
    num_steps = check_count(num_steps, "num_steps", 1)
    check_fall("width", first_width, last_width)
    ratio, span = last_width / first_width, max(num_steps - 1, 1)
    widths = [first_width * ratio ** (k / span) for k in range(num_steps)]
    lengths = step_lengths(num_steps, first_step, last_step)
    u, points, counts = starts, [], []
    satisfied = torch.empty(len(u), thresholds.shape[-1]).to(u)
    for width, length in zip(widths, lengths, strict=True):
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


def step_lengths(num_steps: int, first: float, last: float) -> list[float]:
    """Let lengths fall linearly from step to step.

    Args:
        num_steps: How many steps.
        first: Length of the first.
        last: Length of the last.

    Returns:
        The lengths.

    Raises:
        ValueError: If they are not finite and positive, or rise.
    """
    check_fall("step", first, last)
    span = max(num_steps - 1, 1)
    return [first - (first - last) * k / span for k in range(num_steps)]


def check_fall(what: str, first: float, last: float) -> None:
    """Reject what rises, or is no length.

    Args:
        what: What it is, for the message.
        first: Its value at first.
        last: Its value at last.

    Raises:
        ValueError: See the summary.
    """
    if not 0.0 < last <= first < math.inf:
        raise ValueError(
            f"{what}s must be finite with 0 < last_{what} <= first_{what}, got "
            f"{last} and {first}."
        )


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
