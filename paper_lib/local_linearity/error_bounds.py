r"""Two sides of the largest distance between f and its tangent in a ball."""

import math
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.checks import check_radius, check_seed
from paper_lib.geometry import project_l2_ball, sample_l2_ball, scale_to_radius
from paper_lib.geometry.sums import row_dots
from paper_lib.local_linearity.agreement import sizes_of
from paper_lib.local_linearity.ball_bounds import (
    Cap,
    error_bound,
    is_linear,
    relax,
    tangent_of,
)
from paper_lib.local_linearity.dense_blocks import Block, dense_blocks
from paper_lib.local_linearity.forward_sizes import Sizes
from paper_lib.local_linearity.layers import (
    evaluate_layers,
    piecewise_linear_layers,
    rounding_bound,
)

# Steps of the search from each start; the first, in radii, and what shortens the next.
_STEPS, _FIRST_STEP, _DECAY = 12, 0.5, 0.8

Layers = tuple[nn.Module, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinearizationError:
    r"""Two sides of :math:`\sup_{\|o\| \le r} |f(x + o) - f_L(x + o)|`.

    Attributes:
        upper: Proven, infinite where a number overflowed; zero where f is proven to be
            :math:`f_L` in the whole ball.
        lower: The largest found, less what rounding may have added.
    """

    upper: Float[Tensor, " n"]
    lower: Float[Tensor, " n"]


def linearization_error(
    model: nn.Module, inputs: Float[Tensor, "n ..."], radius: float, seed: int = 0
) -> LinearizationError:
    r"""Bound how far f is from its tangent in a ball, from both sides.

    The function and the gradient are those of :func:`certify_agreement`.

    Args:
        model: Of the layers that ``local_linearity`` knows; left as it was.
        inputs: One input a row.
        radius: Radius of the ball: both budgets of a game together.
        seed: Seed of the starts of the search for the lower side.

    Returns:
        Both sides, as float64.

    Raises:
        ValueError: If a layer is of an unknown kind, the inputs do not fit the model or
            are not finite, ``radius`` is negative, NaN or infinite, or ``seed`` is no
            seed.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Flatten(0))
        >>> weights = {"0.weight": torch.eye(1), "0.bias": torch.tensor([-1.0])}
        >>> _ = model.load_state_dict(weights)
        >>> found = linearization_error(model, torch.tensor([[3.0], [1.5]]), 1.0)
        >>> found.upper  # at 1.5 the bend is met halfway
        tensor([0.0000, 0.5000], dtype=torch.float64)
        >>> found.lower
        tensor([0.0000, 0.5000], dtype=torch.float64)
    """
    radius, seed = check_radius(radius), check_seed(seed)
    layers = piecewise_linear_layers(model, inputs)
    points = inputs.detach().double()
    with torch.no_grad():
        blocks = dense_blocks(layers, inputs.shape[1:])
        upper = [
            _upper(blocks, sizes, radius) for sizes in sizes_of(blocks, points, radius)
        ]
    return LinearizationError(
        upper=points.new_tensor(upper),
        lower=_lower(layers, points, radius, seed),
    )


def _upper(blocks: tuple[Block, ...], sizes: tuple[Sizes, ...], radius: float) -> float:
    ball = Cap(radius=radius)
    if is_linear(blocks, sizes, ball):
        return 0.0
    units = relax(blocks, sizes, ball)
    tangent = tangent_of(units, sizes)
    bounds = [error_bound(units, tangent, sign, ball) for sign in (-1.0, 1.0)]
    return math.inf if any(map(math.isnan, bounds)) else max(bounds)


def _lower(
    layers: Layers, points: Float[Tensor, "n ..."], radius: float, seed: int
) -> Float[Tensor, " n"]:
    """Ascend on both signs of the difference from a few starts."""
    values, gradients = _differentiate(layers, points)
    along = scale_to_radius(gradients, radius)
    count, dim = gradients.shape
    drawn = sample_l2_ball(count, dim, radius, seed=seed).to(points)
    # Of both values and of the gradient's product.
    rounded = 3 * rounding_bound(layers, points.abs() + radius)
    best = torch.zeros_like(values)
    for start, sign in product((along, -along, drawn), (1.0, -1.0)):
        offsets, step = start, _FIRST_STEP * radius
        for _ in range(_STEPS):
            moved, slopes = _differentiate(layers, points + offsets.view_as(points))
            difference = moved - values - row_dots(gradients, offsets)
            best = torch.maximum(best, difference.abs() - rounded)
            ahead = scale_to_radius(sign * (slopes - gradients), step)
            offsets, step = project_l2_ball(offsets + ahead, radius), step * _DECAY
    return best


def _differentiate(
    layers: Layers, points: Float[Tensor, "n ..."]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
    """Evaluate f and its gradient."""
    with torch.enable_grad():
        leaf = points.detach().clone().requires_grad_(True)
        values = evaluate_layers(layers, leaf)
        (slopes,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), slopes.flatten(1)
