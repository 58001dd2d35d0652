"""Searches of balls around points: gradients propose offsets, float64 judges them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.geometry import l2_norm, project_l2_ball, scale_to_radius, unit_vectors
from paper_lib.local_linearity.segments import SegmentPath, follow_layers
from paper_lib.models.guard import logits_and_gradients

# Shares of the radius at which a segment is looked at.
SHARES = (0.25, 0.5, 1.0)
# How many steps; their first length as a share of the radius, and the last.
_STEPS, _FIRST, _LAST = 20, 0.4, 0.02
# A segment is followed where f falls below this share of what it is at the center.
_PROMISING = 0.1
# In so few dimensions every segment is followed.
_FEW_DIMS = 10


@dataclass(eq=False)
class BallSearch(ABC):
    """Points, and the shortest offset so far at each that is what is looked for.

    A subclass sets ``signs`` and decides with ``judge`` what is looked for. It runs
    inside ``frozen_evaluation``.

    Attributes:
        model: Maps ``(n, ...)`` to ``(n,)``; it proposes.
        layers: The same from ``piecewise_linear_layers``, which judge.
        points: Centers of the balls, in the model's dtype.
        radius: Radius of the balls.
        signs: Those of f that are kept or lost, one a point.
    """

    model: nn.Module
    layers: nn.Sequential
    points: Float[Tensor, "n ..."]
    radius: float
    signs: Float[Tensor, " n"] = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing found."""
        self.centers = self.points.double()
        self.everyone = torch.arange(len(self.points), device=self.points.device)
        self.best = torch.zeros_like(self.points.flatten(1))
        self.length = torch.full_like(l2_norm(self.best), torch.inf)

    @abstractmethod
    def judge(self, offsets: Float[Tensor, "m d"], rows: Tensor) -> Bool[Tensor, " m"]:
        """Decide in float64 which offsets surely are what is looked for."""

    def places(
        self, path: SegmentPath, end: Float[Tensor, " d"], row: Tensor
    ) -> Float[Tensor, " m"]:
        """List the positions on a segment that are worth judging: that of the least."""
        return path.positions[(self.signs[row] * path.values).argmin()].unsqueeze(0)

    def draw(self, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Draw directions on the CPU, and go half of the radius."""
        drawn = torch.randn(self.best.shape, generator=generator)
        return scale_to_radius(drawn.to(self.best), 0.5 * self.radius)

    @torch.no_grad()
    def values(
        self, offsets: Float[Tensor, "m d"], rows: Tensor
    ) -> Float[Tensor, " m"]:
        """Evaluate f times the sign of its point, in float64."""
        centers = self.centers[rows]
        moved = centers + offsets.double().view_as(centers)
        return self.signs[rows] * self.layers(moved)

    def slopes_at(
        self, offsets: Float[Tensor, "m d"], rows: Tensor
    ) -> tuple[Float[Tensor, " m"], Float[Tensor, "m d"]]:
        """Evaluate and differentiate f times the sign, as the model rounds."""
        points, signs = self.points[rows], self.signs[rows]
        moved = points + offsets.to(points).view_as(points)
        value, slope = logits_and_gradients(self.model, moved)
        return signs * value.double(), slope.flatten(1) * signs.unsqueeze(1).to(slope)

    def inside(self, offsets: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
        """Project on the ball, in the model's dtype; zero for what overflowed."""
        offsets = offsets.to(self.best).nan_to_num(0.0, 0.0, 0.0)
        return project_l2_ball(offsets, self.radius)

    def offer(self, offsets: Float[Tensor, "m d"], rows: Tensor) -> None:
        """Keep offsets that are what is looked for, and shorter than those known."""
        offsets = self.inside(offsets)
        length = l2_norm(offsets)
        better = self.judge(offsets, rows) & (length < self.length[rows])
        self.best[rows[better]] = offsets[better]
        self.length[rows[better]] = length[better]

    def climb(
        self, start: Float[Tensor, "m d"], rows: Tensor, sign: float
    ) -> Float[Tensor, "m d"]:
        """Follow the gradient up, or down for -1, and offer the furthest on the way."""
        offsets = best = start
        highest = torch.full_like(self.signs[rows], -torch.inf)
        for step in range(_STEPS):
            value, slope = self.slopes_at(offsets, rows)
            higher = sign * value > highest
            highest = torch.where(higher, sign * value, highest)
            best = torch.where(higher.unsqueeze(1), offsets, best)
            pace = sign * self.radius * (_FIRST * (1.0 - step / _STEPS) + _LAST)
            offsets = self.inside(offsets + pace * unit_vectors(slope))
        self.offer(best, rows)
        return best

    def follow(self, ends: Float[Tensor, "m d"], rows: Tensor) -> None:
        """Look on the segments to some offsets, exactly, where that is worth it."""
        ends = self.inside(ends).double()
        is_cheap = ends.shape[1] <= _FEW_DIMS
        shares = (0.0, *SHARES)
        values = torch.stack([self.values(share * ends, rows) for share in shares])
        is_promising = values.amin(0) < _PROMISING * values[0]
        chosen = self.length[rows].isinf() & (is_promising | is_cheap)
        for row, end in zip(rows[chosen], ends[chosen], strict=True):
            center = self.centers[row]
            both = torch.stack([center, center + end.view_as(center)])
            places = self.places(follow_layers(self.layers, both), end, row)
            self.offer(places.unsqueeze(1) * end, row.repeat(len(places)))
