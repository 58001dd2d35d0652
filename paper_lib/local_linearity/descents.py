"""Steps along the gradient of a classifier in a ball, and random places to start."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.geometry import project_l2_ball, scale_to_radius, unit_vectors
from paper_lib.models.guard import logits_and_gradients

# How many steps; their first length as a share of the radius, and the last.
_STEPS, _FIRST, _LAST = 20, 0.4, 0.02


def draw_starts(
    like: Float[Tensor, "n d"], radius: float, generator: torch.Generator
) -> Float[Tensor, "n d"]:
    """Draw directions, and go half of the radius.

    Args:
        like: Offsets of the shape, dtype and device wanted.
        radius: Radius of the ball.
        generator: Where from, on the CPU.

    Returns:
        The offsets.
    """
    drawn = torch.randn(like.shape, generator=generator, dtype=like.dtype)
    return scale_to_radius(drawn.to(like.device), 0.5 * radius)


def signed_gradients(
    model: nn.Module,
    points: Float[Tensor, "n ..."],
    offsets: Float[Tensor, "n d"],
    signs: Float[Tensor, " n"],
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
    """Evaluate and differentiate a classifier times a sign, as the model rounds.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``, inside ``frozen_evaluation``.
        points: Inputs.
        offsets: What is added to them.
        signs: One a point.

    Returns:
        Values, as float64, and gradients in the dtype of the inputs.
    """
    value, slope = logits_and_gradients(model, points + offsets.view_as(points))
    return signs * value.double(), slope.flatten(1) * signs.unsqueeze(1).to(slope)


def climb(
    model: nn.Module,
    points: Float[Tensor, "n ..."],
    signs: Float[Tensor, " n"],
    start: Float[Tensor, "n d"],
    radius: float,
) -> Float[Tensor, "n d"]:
    """Follow the gradient of a classifier times a sign, projected onto the ball.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``, inside ``frozen_evaluation``.
        points: Centers of the balls.
        signs: Whether f is to be high, 1, or low, -1; one a point.
        start: Offsets to start from.
        radius: Radius of the balls.

    Returns:
        The highest on the way, none longer than the radius.
    """
    offsets = best = start
    highest = torch.full_like(signs, -torch.inf)
    for step in range(_STEPS):
        value, slope = signed_gradients(model, points, offsets, signs)
        higher = value > highest
        highest = torch.where(higher, value, highest)
        best = torch.where(higher.unsqueeze(1), offsets, best)
        pace = radius * (_FIRST * (1.0 - step / _STEPS) + _LAST)
        offsets = project_l2_ball(offsets + pace * unit_vectors(slope), radius)
    return best
