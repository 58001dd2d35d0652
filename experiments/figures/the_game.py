"""Figure 1 of the paper by code, and how much of V a robust set fills."""

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from experiments.figures.lemma_1 import GREEN, RED, draw_robust_set
from experiments.figures.planar_classifiers import PlanarReLU
from paper_lib.linearize import linearize
from paper_lib.plotting.style import COLORS, new_figure, show_square
from paper_lib.robust_sets import RobustSets


def plot_network_robust_sets(
    network: PlanarReLU,
    points: Float[Tensor, "n 2"],
    *,
    epsilon: float,
    half_width: float = 4.0,
) -> Figure:
    """Draw robust sets around points of a ReLU network. Paper: Figure 1.

    The decision boundary is dashed. Red discs hold the points within two budgets of a
    corner of it, where the locally linear model need not hold. Around each point is V,
    and its robust set in green, from the network's own gradient there.

    Args:
        network: The network.
        points: Where to draw robust sets, in the network's dtype.
        epsilon: The budget of both players, above zero.
        half_width: The picture shows the square from minus this to this.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(5.6, 5.6)
    along = torch.linspace(-half_width, half_width, 401, dtype=torch.float64)
    y, x = torch.meshgrid(along, along, indexing="ij")
    inputs = torch.stack([x.flatten(), y.flatten()], dim=1)
    with torch.no_grad():
        values = network(inputs.to(network.hidden.weight)).reshape(x.shape)
    grids = (one.numpy() for one in (x, y, values))
    axis.contour(*grids, levels=[0.0], colors="k", linestyles="--")
    for corner in network.boundary_corners().tolist():
        axis.add_patch(
            Circle(corner, 2.0 * epsilon, color=RED, alpha=0.25, linewidth=0)
        )
    sets = RobustSets.from_linearization(linearize(network, points), epsilon)
    for row, point in enumerate(points.double().numpy()):
        draw_robust_set(axis, point, sets, row)
    axis.plot(*points.double().numpy().T, ".k", markersize=5)
    show_square(axis, half_width, "x")
    return figure


def plot_set_size_against_margin(
    margins: Float[Tensor, " n"], *, epsilon: float
) -> Figure:
    r"""Draw how much of V the robust set fills, against the margin. Paper: Figure 1.

    Lemma 1 leaves a disc cut at distance :math:`|f| / \|\nabla f\| - \epsilon` from its
    center: nothing at margin 0, half at epsilon, all from two epsilon on.

    Args:
        margins: Margins of data points, which are marked, in the units of epsilon.
        epsilon: The budget of both players, above zero.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(5.6, 3.2)
    reach = np.linspace(0.0, 2.5 * epsilon, 251)
    axis.plot(reach, disc_share(reach / epsilon - 1.0), color=COLORS[2])
    found = margins.double().numpy().clip(0.0, 2.5 * epsilon)
    axis.plot(found, disc_share(found / epsilon - 1.0), "o", color=GREEN)
    for mark in (epsilon, 2.0 * epsilon):
        axis.axvline(mark, color="gray", linestyle=":", linewidth=1)
    axis.set(
        xlabel=r"margin $|f(x)| / \|\nabla f(x)\|_2$", ylabel="area of R(x) / area of V"
    )
    return figure


def disc_share(height: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Compute the share of the unit disc on one side of a line.

    Args:
        height: Signed distance of the center from the line, positive inside.

    Returns:
        Shares in [0, 1].
    """
    inside = np.clip(height, -1.0, 1.0)
    cut_off = np.arccos(inside) - inside * np.sqrt(1.0 - inside**2)
    return 1.0 - cut_off / np.pi
