"""Points inside the ball V: a grid of the disc, and uniform draws."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import check_count, check_radius, check_seed
from paper_lib.checks.radii import Budget, check_radii
from paper_lib.geometry import ball


def disc_grid(
    radius: float, *, num_rings: int = 8, num_angles: int = 90
) -> Float[Tensor, "k 2"]:
    """List points of the disc on rings, its center first and its edge last.

    Args:
        radius: Radius of the disc.
        num_rings: Circles around the center.
        num_angles: Points on each.

    Returns:
        The points, as float64, inside the disc after rounding.

    Raises:
        ValueError: If a number is below one, or the radius is no length.

    Example:
        >>> disc_grid(1.0, num_rings=2, num_angles=4).norm(dim=1).round(decimals=6)
        tensor([0.0000, 0.5000, 0.5000, 0.5000, 0.5000, 1.0000, 1.0000, 1.0000, 1.0000],
               dtype=torch.float64)
    """
    radius = check_radius(radius)
    num_rings = check_count(num_rings, "num_rings", 1)
    num_angles = check_count(num_angles, "num_angles", 1)
    angles = torch.arange(num_angles, dtype=torch.float64) * (2 * math.pi / num_angles)
    circle = ball.unit_vectors(torch.stack([angles.cos(), angles.sin()], dim=1))
    rings = torch.arange(1, num_rings + 1, dtype=torch.float64) / num_rings
    points = (rings[:, None, None] * circle).reshape(-1, 2) * radius
    return ball.fit_product(torch.cat([points.new_zeros(1, 2), points]), radius)


def sample_l2_ball(
    num_samples: int, dim: int, radius: Budget, *, seed: int
) -> Float[Tensor, "num_samples dim"]:
    r"""Draw points uniformly from the ball V.

    A Gaussian direction at a radius :math:`\epsilon u^{1/d}`, with :math:`u` uniform.

    Args:
        num_samples: How many points, at least one.
        dim: Dimension :math:`d`, at least one.
        radius: Radius of the ball, or one for each point.
        seed: Seed of the draw.

    Returns:
        The points, as float64.

    Raises:
        ValueError: If ``num_samples`` or ``dim`` is below one, or ``radius`` is
            negative, NaN or infinite.

    Example:
        >>> points = sample_l2_ball(1000, 3, 2.0, seed=0)
        >>> points.shape, bool((points.norm(dim=1) <= 2.0).all())
        (torch.Size([1000, 3]), True)
    """
    num_samples = check_count(num_samples, "num_samples", 1)
    dim = check_count(dim, "dim", 1)
    generator = torch.Generator().manual_seed(check_seed(seed))
    draw = {"generator": generator, "dtype": torch.float64}
    directions = ball.scale_to_radius(torch.randn(num_samples, dim, **draw), 1.0)
    radius = check_radii(radius, "radius", directions)
    shares = torch.rand(num_samples, 1, **draw) ** (1.0 / dim)
    lengths = ball.as_factor(radius, directions) * shares
    return ball.fit_product(directions * lengths, radius)
