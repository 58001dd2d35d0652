"""How close f is to its tangent: along directions, and on squares around a point.

Errors, bends and differing signs; church windows as in Figure 4 of the paper.
"""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.checks import check_count, check_radius, check_seed
from paper_lib.evaluation import logits_at
from paper_lib.geometry import scale_to_radius, unit_vectors
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import Linearization, linearize
from paper_lib.local_linearity import follow_segment

# Steps that turn a direction towards the largest error.
_TURNS = 6
# Shares of a segment that rounding may make up.
_ROUNDED = 1e-9


def random_directions(like: Float[Tensor, "n d"], seed: int) -> Float[Tensor, "n d"]:
    """Draw a direction for each point.

    Args:
        like: What the directions are to fit.
        seed: Seed of the draw.

    Returns:
        Unit vectors.
    """
    generator = torch.Generator().manual_seed(seed)
    return unit_vectors(torch.randn(like.shape, generator=generator).to(like))


def tangent_errors(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    lin: Linearization,
    offsets: Float[Tensor, "n d"],
) -> Float[Tensor, " n"]:
    """Measure the error of the tangent in shares of the logit: one is as large as f.

    Args:
        model: The classifier.
        inputs: The points.
        lin: The classifier linearized there.
        offsets: From each point to where it is measured.

    Returns:
        The errors' sizes, as float64.
    """
    tangent = lin.logits.double() + row_dots(lin.gradients, offsets)
    errors = logits_at(model, inputs, offsets).double() - tangent
    return errors.abs() / lin.logits.abs().double()


def worst_offsets(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    lin: Linearization,
    start: Float[Tensor, "n d"],
    radius: float,
) -> Float[Tensor, "n d"]:
    """Turn directions to where the tangent is further from f, at one distance.

    Args:
        model: The classifier.
        inputs: The points.
        lin: The classifier linearized there.
        start: Directions to begin with.
        radius: The distance.

    Returns:
        The offsets with the largest error on the way.
    """
    offsets = best = scale_to_radius(start, radius)
    largest = tangent_errors(model, inputs, lin, offsets)
    for _ in range(_TURNS):
        there = linearize(model, inputs + offsets.view_as(inputs))
        tangent = lin.logits + row_dots(lin.gradients, offsets).to(lin.logits)
        sign = (there.logits - tangent).sign().unsqueeze(1)
        offsets = scale_to_radius(sign * (there.gradients - lin.gradients), radius)
        errors = tangent_errors(model, inputs, lin, offsets)
        larger = errors > largest
        best = torch.where(larger.unsqueeze(1), offsets, best)
        largest = torch.maximum(errors, largest)
    return best


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WalkedSegment:
    """What f does on the way from a point, exactly.

    Attributes:
        bends: Distances from the point at which f may bend, increasing.
        first: Distance of the first place where f and its tangent differ in sign;
            infinite if there is none.
        share: The share of the segment on which they differ.
    """

    bends: Float[Tensor, " k"]
    first: float
    share: float


def walk(
    model: nn.Module,
    start: Float[Tensor, "*shape"],
    offset: Float[Tensor, "*shape"],
    rise: float,
) -> WalkedSegment:
    """Walk a segment, and look where f and the tangent at its start differ in sign.

    Args:
        model: The classifier, of the layers that ``local_linearity`` knows.
        start: The point.
        offset: From there to the end.
        rise: What the tangent gains on the way.

    Returns:
        What is met, exactly but for rounding.
    """
    path = follow_segment(model, start, start + offset)
    value = float(path.values[0])
    crossing = [-value / rise] if 0.0 < -value < rise or rise < -value < 0.0 else []
    zeros = torch.cat([path.sign_changes(), path.positions.new_tensor(crossing)])
    cuts = torch.cat([path.positions, zeros]).unique()
    middles, lengths = (cuts[1:] + cuts[:-1]) / 2, cuts.diff()
    opposite = path.at(middles) * (value + rise * middles) < 0
    differs = opposite & (lengths > _ROUNDED)
    length = float(offset.double().norm())
    first = float(cuts[:-1][differs].min()) if bool(differs.any()) else float("inf")
    return WalkedSegment(
        bends=path.positions[1:-1] * length,
        first=first * length,
        share=float(lengths[differs].sum()),
    )


def walks(
    model: nn.Module, inputs: Float[Tensor, "n ..."], offsets: Float[Tensor, "n d"]
) -> list[WalkedSegment]:
    """Walk from each point; see :func:`walk`.

    Args:
        model: The classifier, of the layers that ``local_linearity`` knows.
        inputs: The points.
        offsets: From each to the end of its segment.

    Returns:
        What each meets.
    """
    exact = copy.deepcopy(model).double()
    points, moves = inputs.double(), offsets.double()
    rises = row_dots(linearize(exact, points).gradients, moves).tolist()
    steps = zip(points, moves.view_as(points), rises, strict=True)
    return [walk(exact, *step) for step in steps]


def quartiles(values: Float[Tensor, " n"]) -> list[float]:
    """Summarize by quartiles.

    Args:
        values: Numbers.

    Returns:
        The three, rounded as records are.
    """
    at = torch.tensor([0.25, 0.5, 0.75], dtype=values.dtype)
    return [round(one, 6) for one in torch.quantile(values, at).tolist()]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ChurchWindows:
    r"""f and its tangent at :math:`x + a u + b w` for a, b in [-epsilon, epsilon].

    Attributes:
        epsilon: Half of the side.
        values: f; the first axis of a window is b, the second a, both increasing.
        tangents: The tangent of f at x, there.
    """

    epsilon: float
    values: Float[Tensor, "n k k"]
    tangents: Float[Tensor, "n k k"]

    @property
    def areas(self) -> Float[Tensor, " n"]:
        """The share of each window in which the signs differ."""
        return (self.values.sign() * self.tangents.sign() < 0).double().mean((1, 2))

    @property
    def holding_boundary(self) -> Bool[Tensor, " n"]:
        """Whether f takes both signs in the window."""
        signs = self.values.sign().flatten(1)
        return signs.amin(1) * signs.amax(1) < 0

    @property
    def line_misses(self) -> Float[Tensor, " n"]:
        """The share of each window on the wrong side of its best straight line.

        The best of lines in 90 directions, and of none: zero where the boundary of f
        is straight or misses the window.
        """
        ticks = torch.linspace(-1.0, 1.0, self.values.shape[-1])
        angles = torch.arange(90) * (torch.pi / 90)
        places = torch.cartesian_prod(ticks, ticks).flip(1)
        order = (places @ torch.stack([angles.cos(), angles.sin()])).argsort(0)
        is_positive = (self.values > 0).flatten(1).double()
        # How many of the first k places along a direction are positive.
        before = is_positive[:, order].cumsum(1)
        before = nn.functional.pad(before, (0, 0, 1, 0))
        counted = torch.arange(len(places) + 1).view(1, -1, 1)
        # Negative first and then positive, or the other way round.
        wrong = before + (len(places) - counted) - (before[:, -1:] - before)
        best = torch.minimum(wrong, len(places) - wrong)
        return best.amin((1, 2)) / len(places)


def church_windows(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    lin: Linearization,
    epsilon: float,
    *,
    seed: int,
    size: int = 31,
) -> ChurchWindows:
    """Look through a window at each point: along FGM, and along what is random.

    Args:
        model: The classifier.
        inputs: The points.
        lin: The classifier linearized there.
        epsilon: Half of the side of the windows, in the units of the inputs.
        seed: Seed of the random directions.
        size: Places on a side.

    Returns:
        The windows. The second direction is orthogonal to that of FGM.

    Raises:
        ValueError: If ``epsilon`` is negative, NaN or infinite, there are fewer than
            two places on a side, or the seed is no seed.
    """
    epsilon, size = check_radius(epsilon, "epsilon"), check_count(size, "size", 2)
    generator = torch.Generator().manual_seed(check_seed(seed))
    ahead = lin.descent_directions
    drawn = torch.randn(ahead.shape, generator=generator).to(ahead)
    across = unit_vectors(drawn - row_dots(drawn, ahead).unsqueeze(1).to(ahead) * ahead)
    ticks = torch.linspace(-epsilon, epsilon, size).to(ahead)
    second, first = torch.meshgrid(ticks, ticks, indexing="ij")
    values, tangents = [], []
    for row in range(len(inputs)):
        offsets = (
            first.reshape(-1, 1) * ahead[row] + second.reshape(-1, 1) * across[row]
        )
        many = inputs[row : row + 1].expand(len(offsets), *inputs.shape[1:])
        values.append(logits_at(model, many, offsets).view(size, size))
        slopes = offsets @ lin.gradients[row]
        tangents.append((lin.logits[row] + slopes).view(size, size))
    return ChurchWindows(
        epsilon=epsilon, values=torch.stack(values), tangents=torch.stack(tangents)
    )
