"""Robust sets and V* in the plane: Appendix A, its check, and the pieces of V*."""

import itertools
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from torch import Tensor

from experiments.figures.drawing import (
    COLORS,
    GREEN,
    legend_outside,
    new_figure,
    show_square,
)
from paper_lib.arrangement import heaviest_faces
from paper_lib.attacks import fgm
from paper_lib.defense import MaximizerSet
from paper_lib.geometry import l2_norm
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets


def plot_two_conditions(
    lin: Linearization, *, epsilon: float, defenses: Mapping[str, Float[Tensor, " 2"]]
) -> Figure:
    r"""Draw the two conditions of Appendix A at one point. Paper: Figure 3.

    The point is the origin. The boundary of f_L is dotted, the regions of both classes
    are shaded, V is a circle and the robust set is green. Each v is drawn as an arrow,
    with the ball an attack can reach from there: inside one region for v in the robust
    set, which is to say that v keeps at least epsilon to the boundary (condition 1) on
    the point's own side (condition 2).

    Args:
        lin: One point of the plane, with a label and a gradient.
        epsilon: The budget of both players, above zero.
        defenses: Perturbations v under their names.

    Returns:
        The figure.

    Raises:
        ValueError: If ``lin`` is not one point of the plane with a gradient.
    """
    if lin.gradients.shape != (1, 2) or float(l2_norm(lin.gradients[0])) == 0.0:
        raise ValueError(
            "lin must be one point of the plane with a gradient, got shape "
            f"{tuple(lin.gradients.shape)}."
        )
    figure, (axis,) = new_figure(4.4, 4.5)
    reach = 2.3 * epsilon
    x, y = np.meshgrid(*[np.linspace(-reach, reach, 50)] * 2)
    normal = lin.gradients[0].double().numpy()
    levels = normal[0] * x + normal[1] * y + float(lin.logits[0])
    most = 1.0 + abs(levels).max()
    sides = {"levels": [-most, 0.0, most], "colors": [COLORS[4], COLORS[3]]}
    axis.contourf(x, y, levels, alpha=0.3, **sides)
    axis.contour(x, y, levels, levels=[0.0], colors="black", linestyles=":")
    sets = RobustSets.from_linearization(lin, epsilon)
    draw_robust_set(axis, np.zeros(2), sets, 0)
    attack = fgm(lin, epsilon)[0].double().numpy()
    colors = itertools.cycle(COLORS[1:3])
    for (name, v), color in zip(defenses.items(), colors, strict=False):
        at = v.double().numpy()
        _draw_arrow(axis, np.zeros(2), at, "black")
        axis.add_patch(Circle(at.tolist(), epsilon, fill=False, color=color))
        _draw_arrow(axis, at, at + attack, color)
        verdict = "in R(x)" if bool(sets.contains(v)) else "not in R(x)"
        axis.plot(*at, "o", color=color, label=f"{name}: {verdict}")
    axis.plot(0.0, 0.0, "*k", label="x")
    show_square(axis, reach)
    legend_outside(figure, 3)
    return figure


def plot_membership_check(
    sets: RobustSets, candidates: Float[Tensor, "k 2"], found: Bool[Tensor, " k"]
) -> Figure:
    """Draw where Lemma 1 and a search over attacks agree, and where they do not.

    Args:
        sets: One robust set of the plane, which is drawn in green.
        candidates: Perturbations v.
        found: Whether a search over attacks left the label to each.

    Returns:
        The figure.

    Raises:
        ValueError: If there is more than one robust set, or it is not of the plane.
    """
    if sets.normals.shape != (1, 2):
        raise ValueError(
            "sets must be one robust set of the plane, got shape "
            f"{tuple(sets.normals.shape)}."
        )
    figure, (axis,) = new_figure(4.0, 4.5)
    draw_robust_set(axis, np.zeros(2), sets, 0)
    lemma = sets.contains(candidates)[:, 0]
    for name, chosen, color, marker in (
        ("in R(x), no attack found", lemma & found, COLORS[2], "."),
        ("not in R(x), an attack found", ~lemma & ~found, "gray", "."),
        ("in R(x), but an attack found", lemma & ~found, COLORS[1], "x"),
        ("not in R(x), but no attack found", ~lemma & found, COLORS[3], "+"),
    ):
        if bool(chosen.any()):
            points = candidates[chosen].double().numpy()
            axis.plot(*points.T, marker, color=color, markersize=5, label=name)
    show_square(axis, 1.08 * sets.epsilon, "v")
    legend_outside(figure, 1)
    return figure


def draw_robust_set(
    axis: Axes, center: Float[np.ndarray, " 2"], sets: RobustSets, row: int
) -> None:
    """Draw V around a point, and the robust set of one row in it.

    Args:
        axis: Where to draw.
        center: The point.
        sets: Robust sets of the plane.
        row: Which of them.
    """
    normals = sets.normals[row : row + 1].double().numpy()
    offsets = sets.offsets[row : row + 1].double().numpy()
    face, *_ = heaviest_faces(normals, offsets, sets.epsilon)
    if face.cell is not None and face.satisfied.all():
        outline = center + face.cell.outline()
        axis.add_patch(Polygon(outline, color=GREEN, alpha=0.45, linewidth=0))
    axis.add_patch(Circle(center.tolist(), sets.epsilon, fill=False, linewidth=0.8))


def _draw_arrow(
    axis: Axes, start: Float[np.ndarray, " 2"], end: Float[np.ndarray, " 2"], color: str
) -> None:
    """Draw an arrow."""
    arrow = {"arrowstyle": "->", "color": color}
    axis.annotate("", xy=end.tolist(), xytext=start.tolist(), arrowprops=arrow)


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
