"""Curved classifiers at points, with a bound of how far f is from its tangent.

On a line of straight pieces the distance is known exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.figures.planar_classifiers import DiscClassifier
from experiments.figures.smooth_networks import (
    SoftplusNetwork,
    disc_curvature,
    taylor_error,
    train_softplus,
    two_moons,
)
from paper_lib.checks import check_count
from paper_lib.geometry import sample_l2_ball

PointBound = Callable[[Float[Tensor, "n d"], float], Float[Tensor, " n"]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CurvedCase:
    """A classifier at its points, with a bound of its error in balls around any.

    Attributes:
        model: The classifier f.
        inputs: The points.
        error_at: Bounds ``|f - f_L|`` in the balls of one radius around points.
    """

    model: nn.Module
    inputs: Float[Tensor, "n d"]
    error_at: PointBound

    def error(self, radius: float) -> Float[Tensor, " n"]:
        """Bound ``|f - f_L|`` around the case's own points.

        Args:
            radius: Of the balls.

        Returns:
            One bound a point.
        """
        return self.error_at(self.inputs, radius)


def smooth_case(
    model: nn.Module, inputs: Float[Tensor, "n 2"], curvature: PointBound
) -> CurvedCase:
    """Bound the error of a smooth classifier by its curvature.

    Args:
        model: The classifier f.
        inputs: The points.
        curvature: Bounds the Hessian's norm in balls around points.

    Returns:
        The case.
    """
    return CurvedCase(
        model=model,
        inputs=inputs,
        error_at=lambda where, radius: taylor_error(curvature(where, radius), radius),
    )


def disc_case(num_points: int, seed: int) -> CurvedCase:
    """Draw points around the unit disc; the last two are flat and without a label.

    Args:
        num_points: How many, at least 3.
        seed: Seed of the draws.

    Returns:
        The case.
    """
    num_points = check_count(num_points, "num_points", 3)
    drawn = sample_l2_ball(num_points - 2, 2, 1.6, seed=seed)
    special = drawn.new_tensor([[0.0, 0.0], [1.0, 0.0]])
    inputs = torch.cat([drawn, special])
    return smooth_case(DiscClassifier(1.0), inputs, disc_curvature)


def moons_case(num_points: int, seed: int) -> CurvedCase:
    """Fit a smooth network to two moons.

    Args:
        num_points: How many points.
        seed: Seed of the points and of the network's weights.

    Returns:
        The case.
    """
    points, labels = two_moons(num_points, seed)
    network = train_softplus(points, labels, seed=seed)
    return smooth_case(network, points, network.curvature)


def random_case(num_points: int, seed: int) -> CurvedCase:
    """Draw a curved network, and points half of which have either label.

    Args:
        num_points: How many points.
        seed: Seed of the network and of the points.

    Returns:
        The case.
    """
    points = sample_l2_ball(num_points, 2, 1.6, seed=seed)
    network = SoftplusNetwork(6, seed).requires_grad_(False)
    network.hidden.weight *= 4.0
    network.output.bias -= network(points).quantile(0.5)
    return smooth_case(network, points, network.curvature)


class StraightPieces(nn.Module):
    """A function on the line: straight between knots, and beyond as at the ends.

    Attributes:
        knots: Where it may bend, in rising order.
        values: What it is there.
    """

    knots: Tensor
    values: Tensor

    def __init__(self, knots: Float[Tensor, " k"], values: Float[Tensor, " k"]) -> None:
        """Set the knots.

        Args:
            knots: In rising order, at least two.
            values: The values there.
        """
        super().__init__()
        self.register_buffer("knots", knots)
        self.register_buffer("values", values)

    def forward(self, inputs: Float[Tensor, "n 1"]) -> Float[Tensor, " n"]:
        """Compute the logits.

        Args:
            inputs: Points of the line.

        Returns:
            One logit a point.
        """
        places = inputs[:, 0]
        left = torch.searchsorted(self.knots, places.detach()) - 1
        left = left.clamp(0, len(self.knots) - 2)
        slopes = self.values.diff() / self.knots.diff()
        return self.values[left] + slopes[left] * (places - self.knots[left])


# Around a point of the line, at offset 0: the offsets of knots, and the values there.
# "saved": a drop on the far side. "left", "right": a bump where FGM lands.
PROFILES = {
    "saved": ([-3.0, 1.3, 1.4, 3.0], [-1.5, 2.8, -0.5, -0.5]),
    "left": ([-3.0, -1.3, -1.2, -1.1, 3.0], [-2.0, -0.3, 0.05, -0.1, 4.0]),
    "right": ([-3.0, 1.1, 1.2, 1.3, 3.0], [4.0, -0.1, 0.05, -0.3, -2.0]),
}
LINE_BUDGET, LINE_DEFENSE = 1.2, 0.5
_APART = 10.0


def line_case(num_saved: int, num_points: int = 100) -> CurvedCase:
    """Set points on a line, so far apart that their games do not meet.

    Args:
        num_saved: Points of the profile "saved"; of the others half are "left", one
            more where that cannot be, and half "right".
        num_points: Points together.

    Returns:
        The case; its errors are exact.
    """
    num_left = (num_points - num_saved) // 2 + 1
    num_right = num_points - num_saved - num_left
    names = ["saved"] * num_saved + ["left"] * num_left + ["right"] * num_right
    places = _APART * torch.arange(num_points, dtype=torch.float64)
    profiles = [places.new_tensor(PROFILES[name][0]) for name in names]
    knots = [place + one for place, one in zip(places, profiles, strict=True)]
    values = [places.new_tensor(PROFILES[name][1]) for name in names]
    model = StraightPieces(torch.cat(knots), torch.cat(values))

    def error_at(where: Float[Tensor, "n 1"], radius: float) -> Float[Tensor, " n"]:
        rows = (where[:, 0] / _APART).round().int().tolist()
        return where.new_tensor([profile_error(names[row], radius) for row in rows])

    return CurvedCase(model=model, inputs=places.unsqueeze(1), error_at=error_at)


def profile_error(name: str, radius: float) -> float:
    """Compute the largest distance of a profile from its tangent at 0, exactly.

    Args:
        name: Of :data:`PROFILES`.
        radius: Of the interval around 0, at most 3.

    Returns:
        The distance: it is largest at a knot or an end.

    Example:
        >>> round(profile_error("left", 2.4), 3), profile_error("saved", 1.2)
        (0.25, 0.0)
    """
    knots, values = map(np.array, PROFILES[name])
    ends = np.array([-radius, radius])
    places = np.append(knots[abs(knots) < radius], ends)
    offsets = np.array([0.0, 1e-3])
    height, next_to = np.interp(offsets, knots, values)
    tangent = height + (next_to - height) / offsets[1] * places
    gaps = abs(np.interp(places, knots, values) - tangent)
    # The slope was rounded.
    return float(gaps.max().round(9))
