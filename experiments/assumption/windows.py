r"""Church windows: f on a square around a point, beside its tangent. Figure 4."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.checks import check_count, check_radius, check_seed
from paper_lib.evaluation import logits_at
from paper_lib.geometry import unit_vectors
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import Linearization


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
    def disagrees(self) -> Bool[Tensor, "n k k"]:
        """Where the signs differ."""
        return self.values.sign() * self.tangents.sign() < 0

    @property
    def areas(self) -> Float[Tensor, " n"]:
        """The share of each window in which the signs differ."""
        return self.disagrees.double().mean((1, 2))

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
