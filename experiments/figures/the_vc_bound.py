"""Section 5 in pictures: regions and their subsets, concentration, and the bound."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from torch import Tensor

from experiments.figures.drawing import (
    COLORS,
    MARKERS,
    WIDTH,
    legend_outside,
    new_figure,
    show_square,
)
from experiments.populations.deviations import DeviationDraws
from paper_lib.arrangement import cells
from paper_lib.arrangement.lines import half_planes
from paper_lib.generalization import (
    mcdiarmid_tail,
    num_regions,
    shatter_coefficient,
    trace_count,
    vc_bound,
)
from paper_lib.geometry import sample_l2_ball
from paper_lib.plotting.half_planes import check_drawable
from paper_lib.robust_sets import RobustSets

# Room a label needs around its middle, in radii: for its height, for each letter.
_LABEL_HEIGHT, _LETTER = 0.13, 0.032


def plot_superimposed_sets(
    sets: RobustSets, *, counts: Sequence[int] = (1, 2, 3)
) -> Figure:
    r"""Draw the first robust sets on top of each other. Paper: Figure 2, right panel.

    One panel for each count k shows V and the sets :math:`R(x_1), \dots, R(x_k)`, each
    in a light tint. In every region stands the subset :math:`B_v \cap \{x_1, \dots\}`
    that its v pick, as indices, where there is room.

    Args:
        sets: Robust sets in the plane, with a positive budget.
        counts: How many of them in each panel.

    Returns:
        The figure.

    Raises:
        ValueError: If d is not 2, the budget is zero, or a count is below 1 or above
            the number of sets.
    """
    check_drawable(sets)
    if not counts or not all(1 <= k <= len(sets.offsets) for k in counts):
        raise ValueError(
            f"counts must be between 1 and {len(sets.offsets)}, got {list(counts)}."
        )
    columns, rows = min(len(counts), 2), math.ceil(len(counts) / 2)
    figure, axes = new_figure(WIDTH * columns / 2, 2.7 * rows, rows, columns)
    for axis in axes:
        axis.set_axis_off()
    for axis, k in zip(axes, counts, strict=False):
        _draw_subsets(axis, sets.subset(slice(k)))
    return figure


def shatter_counts(sizes: Iterable[int], *, seed: int) -> list[dict[str, int]]:
    """Count the subsets that rectangles and half-planes pick from n points.

    Rectangles are tried on all orders of n points with different coordinates,
    half-planes on 20 random clouds.

    Args:
        sizes: The numbers n.
        seed: Seed of the first cloud.

    Returns:
        For each n the most subsets found, beside the shatter coefficients.
    """
    rows = []
    for n in sizes:
        orders = itertools.permutations(map(float, range(n)))
        boxes = (torch.tensor([*enumerate(order)]).float() for order in orders)
        clouds = (sample_l2_ball(n, 2, 1.0, seed=seed + k) for k in range(20))
        row = {"$n$": n, "$2^n$": 2**n}
        tried: dict[Literal["rectangles", "half_planes"], Iterable[Tensor]]
        tried = {"rectangles": boxes, "half_planes": clouds}
        for family, found in tried.items():
            name = family.replace("_", "-")
            row[f"{name}, found"] = max(trace_count(one, family) for one in found)
            row[f"{name}, closed form"] = shatter_coefficient(n, family)
        rows.append(row)
    return rows


def plot_trace_counts(
    counts: Mapping[str, Mapping[int, Sequence[int]]], *, m: int = 2
) -> Figure:
    """Draw how many traces robust sets have, against the number of regions.

    Args:
        counts: For each kind of sets, the counts found for each number n of them.
        m: Dimension, for the curve of the most regions there can be.

    Returns:
        The figure, both axes logarithmic.
    """
    figure, (axis,) = new_figure(WIDTH, 3.4)
    sizes = sorted({n for found in counts.values() for n in found})
    most = [num_regions(n, m) for n in sizes]
    axis.plot(sizes, most, color=COLORS[0], label="most regions of n lines")
    styles = zip(itertools.cycle(COLORS[1:]), itertools.cycle(MARKERS), strict=False)
    for (color, marker), (name, found) in zip(styles, counts.items(), strict=False):
        points = [(n, value) for n, values in found.items() for value in values]
        axis.plot(*zip(*points, strict=True), marker, color=color, ms=4, label=name)
    small = [n for n in range(sizes[0], sizes[-1] + 1) if 2**n <= most[-1]]
    axis.plot(small, [2**n for n in small], ":", color="gray", label="$2^n$")
    axis.set(xscale="log", yscale="log", xlabel="n", ylabel="distinct subsets")
    axis.legend(frameon=False)
    return figure


def plot_concentration(drawn: DeviationDraws) -> Figure:
    r"""Draw how a supremum of deviations scatters around its mean. Paper: Eq. (10).

    On the left a histogram of the draws. On the right the share of draws at least a
    deviation away from the mean of all, with McDiarmid's bound, and what the paper
    prints, for :math:`c_i = 1/n`.

    Args:
        drawn: The draws.

    Returns:
        The figure.
    """
    figure, (left, right) = new_figure(WIDTH, 3.2, 1, 2)
    values, mean = drawn.deviations, float(drawn.deviations.mean())
    low, high = float(values.min()), float(values.max())
    # The count of a sample moves by whole points, so narrower bars would come and go.
    edges = np.arange(math.floor(low * drawn.n), high * drawn.n + 1.5) / drawn.n
    left.hist(values, bins=edges.tolist(), color=COLORS[4])
    left.axvline(mean, color=COLORS[0], label="mean")
    left.set(xlabel=r"$\sup_v |\phi_n(v) - \phi(v)|$", ylabel="draws")
    reach = np.linspace(0.0, math.sqrt(math.log(2.0 * len(values)) / drawn.n), 200)
    away = np.abs(values - mean)
    share = (away >= reach[:, np.newaxis]).mean(axis=1)
    constants = [1.0 / drawn.n] * drawn.n
    right.plot(reach, share, color=COLORS[2], label="share of draws")
    for name, both, style in (
        ("McDiarmid, two tails", True, "-"),
        ("as printed", False, "--"),
    ):
        bound = [mcdiarmid_tail(constants, t, two_sided=both) for t in reach.tolist()]
        right.plot(reach, bound, style, color=COLORS[1], label=name)
    lowest = 0.5 / len(values)
    right.set(xlabel="distance from the mean", yscale="log", ylim=(lowest, 2.0))
    legend_outside(figure)
    return figure


def plot_bound_against_samples(
    dimensions: Sequence[int], *, num_samples: Mapping[str, int] | None = None
) -> Figure:
    r"""Draw Eq. (20) against n, one curve for each dimension, and where it is below 1.

    Solid lines are the paper's bound, dashed ones the smallest form of
    :func:`~paper_lib.generalization.vc_bound`.

    Args:
        dimensions: The numbers m.
        num_samples: Sizes of samples to mark, under their names.

    Returns:
        The figure, both axes logarithmic.
    """
    figure, (axis,) = new_figure(WIDTH, 4.2)
    sizes = np.unique(np.geomspace(3, 1e7, 120).astype(np.int64)).tolist()
    for m, color in zip(dimensions, itertools.cycle(COLORS[1:]), strict=False):
        bounds = [vc_bound(n, m) for n in sizes]
        axis.plot(sizes, [b.value for b in bounds], color=color, label=f"m = {m}")
        least = [bound.steps[0].value for bound in bounds]
        axis.plot(sizes, least, "--", color=color, linewidth=1)
    for name, style in (("Eq. (20)", "-"), ("the sharper form here", "--")):
        axis.plot([], [], style, color="gray", label=name)
    axis.axhline(1.0, color=COLORS[0], linewidth=1, label="1, the most there can be")
    for name, n in (num_samples or {}).items():
        axis.axvline(n, color="gray", linestyle=":", linewidth=1, label=name)
    axis.set(xscale="log", yscale="log", xlabel="n", ylabel="bound on the mean")
    legend_outside(figure)
    return figure


def _draw_subsets(axis: Axes, sets: RobustSets) -> None:
    """Draw one panel of superimposed sets, with the subset of each region."""
    radius, number = sets.epsilon, len(sets.offsets)
    normals, offsets = sets.normals.double().numpy(), sets.offsets.double().numpy()
    for row, color in zip(range(number), itertools.cycle(COLORS[1:]), strict=False):
        for part in cells(normals[row : row + 1], offsets[row : row + 1], radius):
            if part.satisfied[0]:
                axis.add_patch(Polygon(part.outline(), color=color, alpha=0.16, lw=0))
    lines = half_planes(normals, offsets, radius)
    for cell in cells(normals, offsets, radius):
        edge = {"fill": False, "edgecolor": "black", "linewidth": 0.8}
        axis.add_patch(Polygon(cell.outline(), **edge))
        named = ",".join(str(i + 1) for i in np.flatnonzero(cell.satisfied))
        middle = cell.interior / radius
        room = np.abs(lines.distances(middle)).min(initial=1.0 - np.hypot(*middle))
        if room >= max(_LABEL_HEIGHT, _LETTER * len(named)):
            place = {"ha": "center", "va": "center", "fontsize": 9}
            axis.annotate(named or r"$\emptyset$", cell.interior.tolist(), **place)
    axis.add_patch(Circle((0.0, 0.0), radius, fill=False, color="black"))
    found, most = trace_count(sets, "robust_sets"), num_regions(number, 2)
    axis.set_title(f"n = {number}: {found} of at most {most}", fontsize=10)
    show_square(axis, 1.03 * radius)
