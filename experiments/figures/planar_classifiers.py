"""Classifiers for pictures: a ReLU network, its corners, a polygon and a disc."""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.checks import check_radius
from paper_lib.checks.operands import check_finite, check_same_kind


class PlanarReLU(nn.Module):
    r"""One hidden layer of ReLUs: :math:`f(x) = w^\top \max(0, W x + b) + c`.

    Its boundary is straight but where it meets a hidden unit's line: there, and nowhere
    else, two of the hyperplanes that make it up intersect.

    Attributes:
        hidden: The hidden layer, W and b.
        output: The output layer, w and c.
    """

    def __init__(
        self,
        weights: Float[Tensor, "h 2"],
        biases: Float[Tensor, " h"],
        output_weights: Float[Tensor, " h"],
        output_bias: float,
    ) -> None:
        """Set the weights.

        Args:
            weights: W, a row for each hidden unit.
            biases: b.
            output_weights: w.
            output_bias: c.

        Raises:
            ValueError: If shapes or dtypes do not fit, or an entry is not finite.
        """
        check_same_kind(weights=weights, biases=biases, output_weights=output_weights)
        check_finite(weights=weights, biases=biases, output_weights=output_weights)
        num = len(weights)
        shapes = [tuple(part.shape) for part in (weights, biases, output_weights)]
        if shapes != [(num, 2), (num,), (num,)]:
            raise ValueError(
                "weights must be (h, 2), biases and output_weights (h,), got "
                f"{shapes[0]}, {shapes[1]} and {shapes[2]}."
            )
        super().__init__()
        self.hidden, self.output = nn.Linear(2, num), nn.Linear(num, 1)
        self.hidden.weight = nn.Parameter(weights.clone())
        self.hidden.bias = nn.Parameter(biases.clone())
        self.output.weight = nn.Parameter(output_weights.clone()[None])
        self.output.bias = nn.Parameter(weights.new_full((1,), output_bias))

    def forward(self, inputs: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Compute the logits.

        Args:
            inputs: Points of the plane.

        Returns:
            One logit a point.
        """
        return self.output(torch.relu(self.hidden(inputs))).squeeze(-1)

    def boundary_corners(self) -> Float[Tensor, "k 2"]:
        """List where the decision boundary meets a hidden unit's line, and may turn.

        On a unit's line f is piecewise linear, with corners where other lines cross it,
        so its zeros are found exactly, up to rounding.

        Returns:
            The corners, in float64.
        """
        exact = copy.deepcopy(self).double().requires_grad_(False)
        units = range(len(self.hidden.bias))
        return torch.cat([exact._zeros_on(unit) for unit in units])

    def _zeros_on(self, unit: int) -> Float[Tensor, "k 2"]:
        """Find the zeros of f on one unit's line."""
        weights, biases = self.hidden.weight, self.hidden.bias
        normal, length = weights[unit], weights[unit].square().sum()
        if length == 0:
            return weights.new_zeros((0, 2))
        base = -biases[unit] * normal / length
        along = torch.stack([-normal[1], normal[0]]) / length.sqrt()
        slopes, levels = weights @ along, weights @ base + biases
        crosses = slopes.abs() > 1e-12 * length.sqrt()
        crosses[unit] = False
        stops = (-levels[crosses] / slopes[crosses]).sort().values
        stops = torch.cat([stops[:1] - 1.0, stops, stops[-1:] + 1.0])
        values = self(base + stops.unsqueeze(1) * along)
        left, right = values[:-1], values[1:]
        # Beyond the outer stops f goes on straight.
        low, high = torch.zeros_like(left), torch.ones_like(left)
        low[:1], high[-1:] = -torch.inf, torch.inf
        share = left / (left - right)
        bends = (left - right).abs() > 1e-12 * (left.abs() + right.abs())
        found = bends & (low <= share) & (share < high)
        zeros = stops[:-1] + share * stops.diff()
        return base + zeros[found].unsqueeze(1) * along


def example_network() -> PlanarReLU:
    """Make the network of the book's pictures: a boundary of four straight pieces.

    Returns:
        The network, in float64.
    """
    weights = [[0.0, 1.0], [1.0, 0.25], [1.0, -0.25], [-1.0, 0.5]]
    biases, output_weights = [6.0, 1.75, -1.25, -3.0], [1.0, 0.75, -1.75, 1.0]
    hidden, shifts, last = map(torch.tensor, (weights, biases, output_weights))
    return PlanarReLU(hidden, shifts, last, -6.0).double()


class PolygonClassifier(nn.Module):
    r"""The least of linear functions: :math:`f(x) = \min_k (u_k^\top x + t_k)`.

    It is positive inside a convex polygon, or what takes its place in other dimensions.
    The tangent at a point is one of the functions.

    Attributes:
        normals: The u_k, one a row.
        offsets: The t_k.
    """

    normals: Tensor
    offsets: Tensor

    def __init__(
        self, normals: Float[Tensor, "k d"], offsets: Float[Tensor, " k"]
    ) -> None:
        """Set the functions.

        Args:
            normals: The u_k, one a row.
            offsets: The t_k.

        Raises:
            ValueError: If there is none, shapes or dtypes do not fit, or an entry is
                not finite.
        """
        check_same_kind(normals=normals, offsets=offsets)
        check_finite(normals=normals, offsets=offsets)
        if normals.ndim != 2 or offsets.shape != normals.shape[:1] or not len(offsets):
            raise ValueError(
                "normals must be (k, d) and offsets (k,), with k at least 1, got "
                f"{tuple(normals.shape)} and {tuple(offsets.shape)}."
            )
        super().__init__()
        self.register_buffer("normals", normals.clone())
        self.register_buffer("offsets", offsets.clone())

    def forward(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Compute the logits.

        Args:
            inputs: Points.

        Returns:
            One logit a point.
        """
        return (inputs @ self.normals.T + self.offsets).min(dim=1).values


class DiscClassifier(nn.Module):
    r"""A curved boundary: :math:`f(x) = r^2 - \|x\|_2^2`, positive inside a ball.

    Its tangent is nowhere right at a distance, so it shows what the locally linear
    model is for.

    Attributes:
        radius: r, in the units of the inputs.
    """

    def __init__(self, radius: float) -> None:
        """Set the radius.

        Args:
            radius: The radius, above zero.

        Raises:
            ValueError: If it is not.
        """
        radius = check_radius(radius, "radius")
        if radius == 0.0:
            raise ValueError(f"radius must be above 0, got {radius}.")
        super().__init__()
        self.radius = radius

    def forward(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Compute the logits.

        Args:
            inputs: Points, of any dimension.

        Returns:
            One logit a point.
        """
        return self.radius**2 - inputs.square().sum(-1)
