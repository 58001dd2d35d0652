"""V*, piece by piece."""

from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from torch import Tensor

from experiments.figures.lemma_1 import GREEN
from paper_lib.defense import MaximizerSet
from paper_lib.plotting.style import new_figure, show_square


def plot_maximizer_set(
    maximizers: MaximizerSet, *, draws: Float[Tensor, "k 2"] | None = None
) -> Figure:
    """Draw V*, each piece with its share of the area, and draws from it.

    Args:
        maximizers: V*.
        draws: Points to mark.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(4.0, 4.0)
    radius = maximizers.sets.epsilon
    axis.add_patch(Circle((0.0, 0.0), radius, fill=False, color="black"))
    total = sum(maximizers.areas)
    for cell in maximizers.cells:
        axis.add_patch(Polygon(cell.outline(), color=GREEN, alpha=0.35, linewidth=0))
        x, y = cell.interior.tolist()
        share = f"{cell.area / total:.0%}"
        box = {"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 1.5}
        axis.text(x, y, share, ha="center", va="center", bbox=box, zorder=3)
    if len(maximizers.touches):
        axis.plot(*maximizers.touches.T, "D", color=GREEN)
    if draws is not None:
        axis.plot(*draws.double().numpy().T, ".k", markersize=1.5)
    show_square(axis, 1.08 * radius, "v")
    axis.locator_params(nbins=5)
    return figure
