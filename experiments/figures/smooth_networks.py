r"""Smooth networks of the plane, whose curvature is bounded by hand.

If the gradient changes by no more than L times the distance in a ball of radius
:math:`\rho`, then :math:`|f - f_L| \le L \rho^2 / 2` there: Taylor's theorem.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paper_lib.checks import check_count, check_radius, check_seed


class SoftplusNetwork(nn.Module):
    r"""One hidden layer, smooth: :math:`f(x) = w^\top \log(1 + e^{W x + b}) + c`.

    Attributes:
        hidden: The hidden layer, W and b.
        output: The output layer, w and c.
    """

    def __init__(self, width: int, seed: int) -> None:
        """Draw the weights.

        Args:
            width: Hidden units.
            seed: Seed of the weights; torch's global generator is left as it was.

        Raises:
            ValueError: If there is no unit, or the seed is none.
        """
        super().__init__()
        width, seed = check_count(width, "width", 1), check_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.hidden = nn.Linear(2, width, dtype=torch.float64)
            self.output = nn.Linear(width, 1, dtype=torch.float64)

    def forward(self, inputs: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Compute the logits.

        Args:
            inputs: Points of the plane.

        Returns:
            One logit a point.
        """
        return self.output(nn.functional.softplus(self.hidden(inputs))).squeeze(-1)

    @torch.no_grad()
    def curvature(
        self, inputs: Float[Tensor, "n 2"], radius: float
    ) -> Float[Tensor, " n"]:
        r"""Bound the Hessian's spectral norm in a ball around each point.

        The second derivative :math:`s(t)(1 - s(t))` of the softplus, s the sigmoid,
        falls with :math:`|t|`. So in the ball that of unit j is at most its value where
        :math:`|t|` is smallest, and the Hessian lies between the sums of
        :math:`w_j m_j W_j W_j^\top` over the negative and over the positive w_j.

        Args:
            inputs: Points of the plane.
            radius: Of the balls.

        Returns:
            The bounds, proven up to rounding.
        """
        weights, ends = self.hidden.weight, self.output.weight[0]
        nearest = self.hidden(inputs).abs() - radius * weights.norm(dim=1)
        share = torch.sigmoid(nearest.clamp(min=0.0))
        most = share * (1.0 - share)
        products = weights.unsqueeze(2) * weights.unsqueeze(1)
        sides = [
            torch.einsum("nj,jab->nab", most * (sign * ends).clamp(min=0.0), products)
            for sign in (1.0, -1.0)
        ]
        return torch.linalg.eigvalsh(torch.stack(sides)).amax(dim=(0, 2))


def disc_curvature(inputs: Float[Tensor, "n d"], radius: float) -> Float[Tensor, " n"]:
    r"""Give the Hessian's norm of :math:`f(x) = r^2 - \|x\|^2`, which is 2 everywhere.

    Args:
        inputs: Points.
        radius: Of balls around them; it does not matter.

    Returns:
        Twos.
    """
    return inputs.new_full((len(inputs),), 2.0)


def taylor_error(curvature: Float[Tensor, " n"], radius: float) -> Float[Tensor, " n"]:
    r"""Bound :math:`|f - f_L|` in a ball by :math:`L \rho^2 / 2`.

    Args:
        curvature: L, a bound of the Hessian's norm, or of how fast the gradient
            changes, in the ball around each point.
        radius: Its radius, both budgets of the game together.

    Returns:
        The bounds.

    Example:
        >>> taylor_error(torch.tensor([2.0]), 0.5)
        tensor([0.2500])
    """
    return curvature * check_radius(radius) ** 2 / 2.0


def two_moons(num_points: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw two half circles that reach into each other, a class each.

    Args:
        num_points: How many points, half of each class.
        seed: Seed of the draws.

    Returns:
        The points, and labels -1 or +1, as float64.
    """
    draws = torch.Generator().manual_seed(check_seed(seed))
    angles = torch.pi * torch.rand(num_points, generator=draws, dtype=torch.float64)
    labels = torch.ones(num_points, dtype=torch.float64)
    labels[::2] = -1.0
    arcs = torch.stack([angles.cos(), angles.sin() - 0.5], dim=1) * labels[:, None]
    arcs[:, 0] -= 0.5 * labels
    noise = torch.randn(num_points, 2, generator=draws, dtype=torch.float64)
    return arcs + 0.05 * noise, labels


def train_softplus(
    points: Float[Tensor, "n 2"], labels: Float[Tensor, " n"], *, seed: int
) -> SoftplusNetwork:
    """Fit a smooth network of eight units by 200 steps on the logistic loss.

    Args:
        points: Of the plane, as float64.
        labels: -1 or +1.
        seed: Seed of the weights.

    Returns:
        The network.
    """
    network = SoftplusNetwork(8, seed)
    with torch.no_grad():
        network.hidden.weight *= 3.0  # so that it bends soon
    adam = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(200):
        adam.zero_grad()
        nn.functional.softplus(-labels * network(points)).mean().backward()
        adam.step()
    return network.requires_grad_(False)
