r"""Where a classifier and its tangent differ in sign: witnesses against the assumption.

Every theorem of the paper speaks of :math:`f_L(x + o) = f(x) + \nabla f(x)^\top o`. It
carries over to f at x where :math:`f f_L \ge 0` in the whole ball, Appendix E. A search
in the precision of the model proposes offsets; each is judged in float64.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.checks import check_count, check_radius, check_seed
from paper_lib.geometry import l2_norm, unit_vectors
from paper_lib.geometry.sums import row_dots
from paper_lib.local_linearity.descents import SHARES, BallSearch
from paper_lib.local_linearity.layers import piecewise_linear_layers, rounding_bound
from paper_lib.local_linearity.segments import SegmentPath
from paper_lib.models.guard import frozen_evaluation, logits_and_gradients

# Steps of the search for the shortest flip, and how often a witness is shortened.
_STEPS, _HALVINGS = 40, 8
# After so many steps points are given up where |f| is above this share of that at x.
_TRIAL, _HOPELESS = 10, 0.5
# By how much a step beyond the boundary is longer, relative: the nearest come first.
_SHIFTS = (1e-6, 1e-4, 1e-2)
# Shares of a chord of the tangent's boundary, on both sides of its middle.
_CHORD = (-0.9, -0.5, 0.5, 0.9)
# How fast the length of a search for the shortest flip shrinks and grows.
_RATE = 0.06


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Disagreements:
    """Offsets at which a classifier and its tangent differ in sign.

    Attributes:
        found: At which points there is one; elsewhere nothing is known.
        offsets: The shortest found, no longer than the radius; zero where none was.
    """

    found: Bool[Tensor, " n"]
    offsets: Float[Tensor, "n d"]

    @property
    def lengths(self) -> Float[Tensor, " n"]:
        """Their lengths, as float64; infinite where none was found."""
        return l2_norm(self.offsets).masked_fill(~self.found, torch.inf)


def find_disagreements(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    radius: float,
    seed: int = 0,
    *,
    batch_size: int = 100,
) -> Disagreements:
    r"""Look for offsets o with :math:`f(x + o) f_L(x + o) < 0` in the ball. App. E.

    A lower bound on the share of points at which the assumption fails. Looked at are
    the boundary of the tangent, where any value of f but zero is a witness; the
    shortest flips of f, by steps whose length falls after each success (the idea of
    DDN, Rony et al. 2019, arXiv 1811.09600); the lowest and the highest f in the ball;
    and then, exactly, the segments that lead there.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``. An
            ``nn.Sequential`` of convolutions, fully connected layers, ReLU, LeakyReLU,
            batch normalization, maximum and average pooling, ``nn.Flatten``, dropout
            and identity, or
            :class:`~paper_lib.models.PairCNN`; left as it was.
        inputs: One input a row, in the model's dtype and on its device.
        radius: Of the ball looked at: the attacker's budget and the defender's
            together, in the units of the inputs.
        seed: Seed of the starts.
        batch_size: Inputs a pass.

    Returns:
        What was found. Both signs are sure in float64, whatever is rounded there.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If the radius is negative, NaN or infinite, the model has a layer
            that is not known, or the inputs do not fit it.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
        >>> for weight, value in zip(model.parameters(), (1.0, 0.0, 1.0, -1.0)):
        ...     _ = weight.data.fill_(value)
        >>> model.append(nn.Flatten(0)) is model  # f = max(x, 0) - 1
        True
        >>> find_disagreements(model, torch.tensor([[-0.5], [2.0]]), 2.0).found.tolist()
        [True, False]
    """
    radius, seed = check_radius(radius), check_seed(seed)
    batch_size = check_count(batch_size, "batch_size", 1)
    layers = piecewise_linear_layers(model, inputs)
    generator = torch.Generator().manual_seed(seed)
    parts = []
    with frozen_evaluation(model):
        for points in inputs.detach().split(batch_size):
            search = _Search(model, layers, points, radius)
            search.run(generator)
            parts.append(search.best)
    offsets = torch.cat(parts)
    return Disagreements(found=l2_norm(offsets) > 0, offsets=offsets)


class _Search(BallSearch):
    """The tangents at the points of one batch, and where f leaves their sign."""

    def __post_init__(self) -> None:
        """Compute the tangents, in float64."""
        super().__post_init__()
        self.logits, slopes = logits_and_gradients(self.layers, self.centers)
        self.slopes = slopes.flatten(1)
        self.signs = torch.where(self.logits < 0, -1.0, 1.0).to(self.logits)
        self.margins = (self.logits.abs() / l2_norm(self.slopes)).nan_to_num(0.0)
        # Up the tangent times the sign, and down to its boundary.
        self.steepest = unit_vectors(self.slopes) * self.signs.unsqueeze(1)
        self.nearest = -self.steepest * self.margins.unsqueeze(1)
        # Nearer to zero than this a sign may be rounding's.
        size = self.centers.abs() + self.radius
        self.unsure = 4 * rounding_bound(self.layers, size)

    def run(self, generator: torch.Generator) -> None:
        """Look everywhere, at the cheap places first."""
        self._look_along_gradients()
        starts = [self.draw(generator) for _ in range(3)]
        hopeful = self._shorten_flips(starts[0])
        for chosen, start in ((self.everyone >= 0, starts[1]), (hopeful, starts[2])):
            rows = (self.length.isinf() & chosen).nonzero()[:, 0]
            for ends in self._extremes(rows, start[rows]) if len(rows) else ():
                self.follow(ends, rows)
        for halving in range(1, _HALVINGS + 1):
            self.offer(self.best * (1.0 - 0.5**halving), self.everyone)

    def judge(self, offsets: Float[Tensor, "m d"], rows: Tensor) -> Bool[Tensor, " m"]:
        """Decide where f and its tangent surely differ in sign."""
        line = self.logits[rows] + row_dots(self.slopes[rows], offsets)
        value, line = self.values(offsets, rows), self.signs[rows] * line
        sure = torch.minimum(value.abs(), line.abs()) > self.unsure[rows]
        return sure & (value.sign() != line.sign())

    def places(
        self, path: SegmentPath, end: Float[Tensor, " d"], row: Tensor
    ) -> Float[Tensor, " m"]:
        """Look where f and its tangent part."""
        return _partings(path, self.logits[row] + self.slopes[row] @ end)

    def _look_along_gradients(self) -> None:
        """Offer points around the nearest of the tangent's boundary, and FGM's."""
        near = (self.margins < self.radius).nonzero()[:, 0]
        for sign in (-1.0, 1.0):
            for shift in _SHIFTS:
                self.offer(self.nearest[near] * (1.0 + sign * shift), near)
            for share in SHARES:
                self.offer(self.steepest * (sign * share * self.radius), self.everyone)

    def _shorten_flips(self, start: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        """Step towards the boundary of f, on spheres that shrink after each flip."""
        hopeful = torch.ones_like(self.length, dtype=torch.bool)
        lowest = torch.full_like(self.length, torch.inf)
        reach = self.margins.clamp(max=self.radius)
        # Without a gradient there is no way from x itself.
        offsets = torch.where(self.slopes.any(1, keepdim=True), 0.0 * start, start)
        for step in range(_STEPS):
            rows = hopeful.nonzero()[:, 0]
            value, slope = self.slopes_at(offsets[rows], rows)
            lowest[rows] = torch.minimum(lowest[rows], value)
            flipped = value < 0
            self.offer(offsets[rows[flipped]], rows[flipped])
            scale = torch.where(flipped, 1.0 - _RATE, 1.0 + _RATE)
            reach[rows] = (reach[rows] * scale).clamp(max=self.radius)
            pace = reach[rows] * (0.5 * (1.0 - step / _STEPS) + 0.02)
            moved = offsets[rows] - unit_vectors(slope) * pace.unsqueeze(1)
            moved = unit_vectors(moved) * reach[rows].unsqueeze(1)
            offsets[rows] = moved.to(offsets.dtype)
            if step == _TRIAL:
                hopeful &= lowest < _HOPELESS * self.logits.abs()
                hopeful |= self.margins <= self.radius
        return hopeful

    def _extremes(
        self, rows: Tensor, start: Float[Tensor, "m d"]
    ) -> Iterator[Float[Tensor, "m d"]]:
        """Give ends of segments worth following: far points, and a low and a high f."""
        self._cross(rows, start)
        for sign in (-1.0, 1.0):
            yield sign * self.radius * self.steepest[rows]
            yield sign * 2.0 * start
        # Where f_L keeps its sign in the ball only a low f can differ from it.
        near = bool((self.margins[rows] < self.radius).any())
        for sign in (-1.0, 1.0) if near else (-1.0,):
            yield self.climb(start, rows, sign)

    def _cross(self, rows: Tensor, drawn: Float[Tensor, "m d"]) -> None:
        """Offer points on both sides of a chord of the tangent's boundary."""
        near = self.margins[rows] < self.radius
        rows, drawn = rows[near], drawn[near].double()
        steepest = self.steepest[rows]
        across = drawn - steepest * (drawn * steepest).sum(1, keepdim=True)
        half = (self.radius * self.radius - self.margins[rows].square()).sqrt()
        across = unit_vectors(across) * half.unsqueeze(1)
        for share in _CHORD:
            for shift in (1.0 - _SHIFTS[1], 1.0 + _SHIFTS[1]):
                self.offer(self.nearest[rows] * shift + share * across, rows)


def _partings(path: SegmentPath, line: Float[Tensor, ""]) -> Float[Tensor, " m"]:
    """List a place between each two sign changes where f and its tangent differ."""
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64, device=path.positions.device)
    values = torch.stack([path.values[0], line])
    tangent = SegmentPath(positions=ends, values=values)
    cuts = torch.cat([ends, path.sign_changes(), tangent.sign_changes()]).sort().values
    middles = 0.5 * (cuts[1:] + cuts[:-1])
    return middles[path.at(middles) * tangent.at(middles) < 0]
