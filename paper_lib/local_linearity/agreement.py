"""What is proven of f and its tangent in a whole ball: one sign, the largest error."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.checks import check_radius, check_seed
from paper_lib.geometry import project_l2_ball, sample_l2_ball, scale_to_radius
from paper_lib.geometry.sums import row_dots
from paper_lib.local_linearity import ball_bounds
from paper_lib.local_linearity.dense_blocks import WIDE, Sizes, sizes_at
from paper_lib.local_linearity.layers import piecewise_linear_layers, rounding_bound
from paper_lib.models.guard import logits_and_gradients

# Steps of the search from each start; the first, in radii, and what shortens the next.
_STEPS, _FIRST_STEP, _DECAY = 12, 0.5, 0.8


def certify_agreement(
    model: nn.Module, inputs: Float[Tensor, "n ..."], radius: float
) -> Bool[Tensor, " n"]:
    r"""Prove that f and its tangent have one sign in a whole ball.

    For every offset with :math:`\|o\|_2 \le r` that
    :math:`f(x + o) f_L(x + o) \ge 0`, where
    :math:`f_L(x + o) = f(x) + \nabla f(x)^\top o`: the assumption of Sec. 2. Either
    :math:`f_L` has no boundary in the ball and f keeps its sign there, by linear
    bounds; or, with a boundary or without, f is :math:`f_L` wherever the latter is at
    most the largest error that those bounds leave. A point without says nothing of a
    game, which it has not.

    What is proven is about the function in real arithmetic with the model's weights; a
    batch normalization is a factor and a shift of each channel, rounded to float64.
    The tangent is that of the pieces which float64 chooses at the point, the first of
    equal ones, as torch does: where a max-pool meets a blank background f has no other
    gradient. On a processor 0.2 to 0.7 seconds a point for 10-20-50 channels.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``. An
            ``nn.Sequential`` of convolutions, fully connected layers, ReLU, LeakyReLU,
            batch normalization, maximum and average pooling, ``nn.Flatten``, dropout
            and identity, or
            :class:`~paper_lib.models.PairCNN`; left as it was.
        inputs: One input a row.
        radius: Radius of the ball: both budgets of a game together.

    Returns:
        True where it is proven; False says nothing. A point whose ``margins`` of
        :func:`~paper_lib.linearize.linearize` are at least the radius is in no game.

    Raises:
        ValueError: If a layer is of an unknown kind or too large for a matrix, the
            inputs do not fit the model or are not finite, or ``radius`` is negative,
            NaN or infinite.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Flatten(0))
        >>> weights = {"0.weight": torch.eye(1), "0.bias": torch.tensor([-1.0])}
        >>> _ = model.load_state_dict(weights)
        >>> certify_agreement(model, torch.tensor([[3.0], [1.5]]), 1.0)
        tensor([ True, False])
    """
    radius = check_radius(radius)
    layers, points = piecewise_linear_layers(model, inputs), inputs.detach().double()
    agree = [_agrees(sizes, radius) for sizes in sizes_at(layers, points, radius)]
    return torch.tensor(agree, device=inputs.device)


def sign_is_kept(
    layers: nn.Sequential, centers: Float[Tensor, "n ..."], radius: float
) -> Bool[Tensor, " n"]:
    """Prove that f keeps its sign, and is not zero, in balls around points.

    Args:
        layers: From :func:`~paper_lib.local_linearity.layers.piecewise_linear_layers`.
        centers: The points, as float64.
        radius: Radius of the balls.

    Returns:
        True where it is proven; False says nothing.
    """
    ball = ball_bounds.Cap(radius=radius)
    kept = [
        ball_bounds.lower_bound(ball_bounds.tangent_of(sizes, ball)) > 0
        for sizes in sizes_at(layers, centers, radius)
    ]
    return torch.tensor(kept, device=centers.device)


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
        model: Maps ``(n, ...)`` to ``(n,)``. An
            ``nn.Sequential`` of convolutions, fully connected layers, ReLU, LeakyReLU,
            batch normalization, maximum and average pooling, ``nn.Flatten``, dropout
            and identity, or
            :class:`~paper_lib.models.PairCNN`; left as it was.
        inputs: One input a row.
        radius: Radius of the ball: both budgets of a game together.
        seed: Seed of the starts of the search for the lower side.

    Returns:
        Both sides, as float64.

    Raises:
        ValueError: If a layer is of an unknown kind or too large for a matrix, the
            inputs do not fit the model or are not finite, ``radius`` is negative, NaN
            or infinite, or ``seed`` is no seed.

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
    layers, points = piecewise_linear_layers(model, inputs), inputs.detach().double()
    upper = [_upper(sizes, radius) for sizes in sizes_at(layers, points, radius)]
    upper = points.new_tensor(upper)
    along = scale_to_radius(logits_and_gradients(layers, points)[1].flatten(1), radius)
    drawn = sample_l2_ball(len(along), along.shape[1], radius, seed=seed).to(points)
    lower = _lower(layers, points, radius, (along, -along, drawn))
    # Nothing tells an ascent where to go that begins where f is its tangent.
    rows = ((lower == 0) & (upper > 0)).nonzero()[:, 0]
    for row, sizes in zip(rows, sizes_at(layers, points[rows], radius), strict=True):
        bends = ball_bounds.past_bends(sizes, radius)
        copies = points[row].expand(len(bends), *points.shape[1:])
        lower[row] = _lower(layers, copies, radius, (bends,)).amax()
    return LinearizationError(upper=upper, lower=lower)


def _agrees(sizes: Sequence[Sizes], radius: float) -> bool:
    """Try both ways for one point."""
    tangent = ball_bounds.tangent_of(sizes, ball_bounds.Cap(radius=radius))
    known = abs(tangent.value) - (2 * tangent.error + tangent.slack) * WIDE
    outside = known > float(tangent.cap.largest(tangent.gradient)) * WIDE
    if outside and ball_bounds.lower_bound(tangent) > 0:
        return True
    # Where s f_L is more than it may exceed s f by, s f is positive, whatever f is; all
    # other offsets of the ball lie in the cap, so that it is enough if f is f_L there.
    # Neither asks where f_L is zero, and in a cap without offsets none can differ.
    least = known - ball_bounds.error_bound(tangent, -tangent.sign) * WIDE
    normal = -tangent.sign * tangent.gradient[0]
    cap = ball_bounds.Cap(radius=radius, normal=normal, least=least)
    return ball_bounds.is_linear(sizes, ball_bounds.relax(sizes, cap))


def _upper(sizes: Sequence[Sizes], radius: float) -> float:
    tangent = ball_bounds.tangent_of(sizes, ball_bounds.Cap(radius=radius))
    if ball_bounds.is_linear(sizes, tangent.units):
        return 0.0
    bounds = [ball_bounds.error_bound(tangent, sign) for sign in (-1.0, 1.0)]
    return math.inf if any(map(math.isnan, bounds)) else max(bounds)


def _lower(
    layers: nn.Sequential,
    points: Float[Tensor, "n ..."],
    radius: float,
    starts: Iterable[Float[Tensor, "n d"]],
) -> Float[Tensor, " n"]:
    """Ascend on both signs of the difference from a few starts."""
    values, gradients = logits_and_gradients(layers, points)
    gradients = gradients.flatten(1)
    # Of both values and of the gradient's product.
    rounded = 3 * rounding_bound(layers, points.abs() + radius)
    best = torch.zeros_like(values)
    for start, sign in product(starts, (1.0, -1.0)):
        offsets, step = start, _FIRST_STEP * radius
        for _ in range(_STEPS):
            places = points + offsets.view_as(points)
            moved, slopes = logits_and_gradients(layers, places)
            difference = moved - values - row_dots(gradients, offsets)
            best = torch.fmax(best, difference.abs() - rounded)  # past NaN
            ahead = scale_to_radius(sign * (slopes.flatten(1) - gradients), step)
            # Zero where a number overflowed.
            offsets = (offsets + ahead).nan_to_num(0.0, 0.0, 0.0)
            offsets, step = project_l2_ball(offsets, radius), step * _DECAY
    return best
