"""Figures 1 and 3 of the paper by code, V* and its draws, and the play of the game."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from torch import Tensor

from experiments.figures.planar_classifiers import PlanarReLU
from paper_lib.arrangement import heaviest_faces
from paper_lib.attacks import fgm
from paper_lib.defense import MaximizerSet
from paper_lib.game.fictitious_play import FictitiousPlay
from paper_lib.geometry import l2_norm
from paper_lib.linearize import Linearization, linearize
from paper_lib.plotting.style import COLORS, MARKERS
from paper_lib.robust_sets import RobustSets

_GREEN, _RED = "#009E73", "#D55E00"


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
    figure, axis = plt.subplots(figsize=(5.6, 5.6), layout="constrained")
    _draw_boundary(axis, network, half_width)
    for corner in network.boundary_corners().tolist():
        disc = Circle(corner, 2.0 * epsilon, color=_RED, alpha=0.25, linewidth=0)
        axis.add_patch(disc)
    lin = linearize(network, points)
    sets = RobustSets.from_linearization(lin, epsilon)
    for row, point in enumerate(points.double().numpy()):
        _draw_robust_set(axis, point, sets, row)
    axis.plot(*points.double().numpy().T, ".k", markersize=5)
    limits = (-half_width, half_width)
    axis.set(aspect="equal", xlim=limits, ylim=limits, xlabel="$x_1$", ylabel="$x_2$")
    plt.close(figure)
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
    figure, axis = plt.subplots(figsize=(5.6, 3.2), layout="constrained")
    reach = np.linspace(0.0, 2.5 * epsilon, 251)
    axis.plot(reach, disc_share(reach / epsilon - 1.0), color=COLORS[2])
    found = margins.double().numpy().clip(0.0, 2.5 * epsilon)
    axis.plot(found, disc_share(found / epsilon - 1.0), "o", color=_GREEN)
    for mark in (epsilon, 2.0 * epsilon):
        axis.axvline(mark, color="gray", linestyle=":", linewidth=1)
    axis.set(
        xlabel=r"margin $|f(x)| / \|\nabla f(x)\|_2$", ylabel="area of R(x) / area of V"
    )
    plt.close(figure)
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
    figure, axis = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
    reach = 2.3 * epsilon
    square = reach * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    normal, logit = lin.gradients[0].double().numpy(), float(lin.logits[0])
    for sign, color in ((1.0, COLORS[3]), (-1.0, COLORS[4])):
        part = _clip(square, sign * normal, sign * logit)
        if len(part):
            axis.add_patch(Polygon(part, color=color, alpha=0.3, linewidth=0))
    x, y = np.meshgrid(*[np.linspace(-reach, reach, 50)] * 2)
    levels = normal[0] * x + normal[1] * y + logit
    axis.contour(x, y, levels, levels=[0.0], colors="black", linestyles=":")
    sets = RobustSets.from_linearization(lin, epsilon)
    _draw_robust_set(axis, np.zeros(2), sets, 0)
    attack = fgm(lin, epsilon)[0].double().numpy()
    for (name, v), color in zip(
        defenses.items(), itertools.cycle(COLORS[1:3]), strict=False
    ):
        at = v.double().numpy()
        _draw_arrow(axis, np.zeros(2), at, "black")
        axis.add_patch(Circle(at.tolist(), epsilon, fill=False, color=color))
        _draw_arrow(axis, at, at + attack, color)
        verdict = "in R(x)" if bool(sets.contains(v)) else "not in R(x)"
        axis.plot(*at, "o", color=color, label=f"{name}: {verdict}")
    axis.plot(0.0, 0.0, "*k", label="x")
    axis.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    plt.close(figure)
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
    figure, axis = plt.subplots(figsize=(4.8, 4.8), layout="constrained")
    _draw_robust_set(axis, np.zeros(2), sets, 0)
    lemma = sets.contains(candidates)[:, 0]
    for name, chosen, color, marker in (
        ("in R(x), no attack found", lemma & found, COLORS[2], "."),
        ("not in R(x), an attack found", ~lemma & ~found, "gray", "."),
        ("in R(x), but an attack found", lemma & ~found, _RED, "x"),
        ("not in R(x), but no attack found", ~lemma & found, COLORS[3], "+"),
    ):
        if bool(chosen.any()):
            points = candidates[chosen].double().numpy()
            axis.plot(*points.T, marker, color=color, markersize=5, label=name)
    limits = (-1.08 * sets.epsilon, 1.08 * sets.epsilon)
    axis.set(aspect="equal", xlim=limits, ylim=limits, xlabel="$v_1$", ylabel="$v_2$")
    figure.legend(loc="outside lower center", ncols=1, frameon=False)
    plt.close(figure)
    return figure


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
    figure, axis = plt.subplots(figsize=(4.6, 4.6), layout="constrained")
    radius = maximizers.sets.epsilon
    axis.add_patch(Circle((0.0, 0.0), radius, fill=False, color="black"))
    total = sum(maximizers.areas)
    for cell in maximizers.cells:
        axis.add_patch(Polygon(cell.outline(), color=_GREEN, alpha=0.35, linewidth=0))
        x, y = cell.interior.tolist()
        axis.text(
            x,
            y,
            f"{cell.area / total:.0%}",
            ha="center",
            va="center",
            bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 1.5},
            zorder=3,
        )
    if len(maximizers.touches):
        axis.plot(*maximizers.touches.T, "D", color=_GREEN)
    if draws is not None:
        axis.plot(*draws.double().numpy().T, ".k", markersize=1.5)
    limits = (-1.08 * radius, 1.08 * radius)
    axis.set(aspect="equal", xlim=limits, ylim=limits, xlabel="$v_1$", ylabel="$v_2$")
    plt.close(figure)
    return figure


def plot_fictitious_play(
    plays: Mapping[str, FictitiousPlay], *, value: float
) -> Figure:
    """Draw how fictitious play closes in on the value of the game.

    Args:
        plays: Plays under their names, five at most.
        value: The value, by linear programming.

    Returns:
        The figure: guarantees of both players on the left, their distance, the
        exploitability of both averages, on the right.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.4), layout="constrained")
    for color, (name, play) in zip(COLORS[1:], plays.items(), strict=False):
        rounds = np.arange(1, len(play.exploitability) + 1)
        axes[0].plot(rounds, play.attacker_guarantees, color=color, label=name)
        axes[0].plot(rounds, play.defender_guarantees, color=color, linestyle="--")
        axes[1].loglog(rounds, play.exploitability.clip(1e-6), color=color)
    axes[0].axhline(value, color="black", linewidth=1, linestyle=":", label="value")
    axes[0].set(xscale="log", xlabel="round", ylabel="utility of the attacker")
    axes[1].set(xlabel="round", ylabel="exploitability")
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    plt.close(figure)
    return figure


def plot_payoffs(table: Float[np.ndarray, "n k m"], *, chosen: int = 0) -> Figure:
    """Draw the attacker's utility for every defense: one attack, and the best of all.

    Args:
        table: Utilities of the attacker: points, attacks, defenses.
        chosen: The attack to compare, FGM where it comes first.

    Returns:
        The figure; defenses in the order of what the best attack gets against them.
    """
    best = table.max(axis=1).mean(axis=0)
    order = np.argsort(best, kind="stable")
    figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    for name, values, color, marker in (
        ("the best attack at each point", best, COLORS[0], MARKERS[0]),
        ("the chosen attack", table[:, chosen].mean(axis=0), COLORS[1], MARKERS[1]),
        ("the mean of all attacks", table.mean(axis=(0, 1)), COLORS[2], MARKERS[2]),
    ):
        axis.plot(
            values[order],
            marker,
            color=color,
            fillstyle="none",
            markersize=4,
            label=name,
        )
    axis.axhline(best.min(), color="black", linewidth=1, linestyle=":")
    axis.set(
        xlabel="defense, by what an attacker gets", ylabel="utility of the attacker"
    )
    axis.legend(frameon=False)
    plt.close(figure)
    return figure


def plot_value_against_budget(
    budgets: Float[np.ndarray, " k"], curves: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw how the value of the game grows with the budget.

    Args:
        budgets: The defender's budgets, in the units of the inputs.
        curves: The values at each of them, under names, five curves at most.

    Returns:
        The figure; between budgets it shows the value as a step.
    """
    figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    for color, (name, values) in zip(COLORS[1:], curves.items(), strict=False):
        axis.step(budgets, values, where="post", color=color, label=name)
    for level in (-1.0, 1.0):
        axis.axhline(level, color="black", linewidth=1, linestyle=":")
    axis.set(xlabel="budget of the defender", ylabel="value for the attacker")
    axis.set(xscale="log")
    axis.legend(frameon=False)
    plt.close(figure)
    return figure


def _draw_boundary(axis: Axes, network: PlanarReLU, half_width: float) -> None:
    """Draw where a network is zero."""
    along = torch.linspace(-half_width, half_width, 401, dtype=torch.float64)
    y, x = torch.meshgrid(along, along, indexing="ij")
    inputs = torch.stack([x.flatten(), y.flatten()], dim=1)
    with torch.no_grad():
        values = network(inputs.to(network.hidden.weight)).reshape(x.shape)
    axis.contour(
        x.numpy(), y.numpy(), values.numpy(), levels=[0.0], colors="k", linestyles="--"
    )


def _draw_arrow(
    axis: Axes, start: Float[np.ndarray, " 2"], end: Float[np.ndarray, " 2"], color: str
) -> None:
    """Draw an arrow."""
    axis.annotate(
        "",
        xy=(float(end[0]), float(end[1])),
        xytext=(float(start[0]), float(start[1])),
        arrowprops={"arrowstyle": "->", "color": color},
    )


def _draw_robust_set(
    axis: Axes, center: Float[np.ndarray, " 2"], sets: RobustSets, row: int
) -> None:
    """Draw V around a point, and the robust set of one row in it."""
    normals = sets.normals[row : row + 1].double().numpy()
    offsets = sets.offsets[row : row + 1].double().numpy()
    face, *_ = heaviest_faces(normals, offsets, sets.epsilon)
    if face.cell is not None and face.satisfied.all():
        outline = center + face.cell.outline()
        axis.add_patch(Polygon(outline, color=_GREEN, alpha=0.45, linewidth=0))
    axis.add_patch(Circle(center.tolist(), sets.epsilon, fill=False, linewidth=0.8))


def _clip(
    polygon: Float[np.ndarray, "k 2"], normal: Float[np.ndarray, " 2"], offset: float
) -> Float[np.ndarray, "j 2"]:
    """Cut a convex polygon down to a half-plane."""
    values = polygon @ normal + offset
    kept = []
    for point, value, after, later in zip(
        polygon, values, np.roll(polygon, -1, 0), np.roll(values, -1), strict=True
    ):
        if value >= 0:
            kept.append(point)
        if (value >= 0) != (later >= 0):
            kept.append(point + value / (value - later) * (after - point))
    return np.array(kept).reshape(-1, 2)
