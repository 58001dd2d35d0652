"""Contests and Figure 1 in pictures; where a tangent has the sign of its network."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Patch
from torch import Tensor

from experiments.figures.drawing import COLORS, GREEN, WIDTH, new_figure, show_square
from experiments.figures.lemma_1 import draw_robust_set
from experiments.figures.planar_classifiers import PlanarReLU
from paper_lib.attacks import fgm
from paper_lib.evaluation import logits_at
from paper_lib.game import utility
from paper_lib.geometry import disc_grid
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets

NEAR_CORNER = {"color": COLORS[1], "alpha": 0.25}


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
    figure, (axis,) = new_figure(WIDTH, 5.4)
    along = torch.linspace(-half_width, half_width, 401, dtype=torch.float64)
    y, x = torch.meshgrid(along, along, indexing="ij")
    inputs = torch.stack([x.flatten(), y.flatten()], dim=1)
    with torch.no_grad():
        values = network(inputs.to(network.hidden.weight)).reshape(x.shape)
    grids = (one.numpy() for one in (x, y, values))
    axis.contour(*grids, levels=[0.0], colors="k", linestyles="--")
    for corner in network.boundary_corners().tolist():
        axis.add_patch(Circle(corner, 2.0 * epsilon, linewidth=0, **NEAR_CORNER))
    sets = RobustSets.from_linearization(linearize(network, points), epsilon)
    for row, point in enumerate(points.double().numpy()):
        draw_robust_set(axis, point, sets, row)
    axis.plot(*points.double().numpy().T, ".k", markersize=5)
    show_square(axis, half_width, "x")
    ring = {"color": "black", "marker": "o", "mfc": "none", "lw": 0}
    key = [
        Line2D([], [], color="black", linestyle="--", label="$f = 0$"),
        Patch(**NEAR_CORNER, label=r"within $2\epsilon$ of a corner"),
        Line2D([], [], **ring, label="$x$ and $V$"),
        Patch(color=GREEN, alpha=0.45, label="$R(x)$"),
    ]
    figure.legend(handles=key, loc="outside lower center", ncols=2, frameon=False)
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
    figure, (axis,) = new_figure(WIDTH, 2.9)
    reach = np.linspace(0.0, 2.5 * epsilon, 251)
    axis.plot(reach, disc_share(reach / epsilon - 1.0), color=COLORS[2])
    found = margins.double().numpy().clip(0.0, 2.5 * epsilon)
    axis.plot(found, disc_share(found / epsilon - 1.0), "o", color=GREEN)
    for mark in (epsilon, 2.0 * epsilon):
        axis.axvline(mark, color="gray", linestyle=":", linewidth=1)
    axis.set_xlabel(r"margin $|f(x)| / \|\nabla f(x)\|_2$")
    axis.set_ylabel("area of R(x) / area of V")
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


@dataclass(frozen=True, kw_only=True, slots=True)
class TangentCounts:
    """How many points of a grid have a tangent with the wrong sign within two budgets.

    Attributes:
        near_corner: Points with a corner of the boundary within two budgets.
        wrong: Others around which a move with a wrong sign of the tangent was found.
        right: The rest.
        corners_tell: Whether each point of the first kind has such a move too.
    """

    near_corner: int
    wrong: int
    right: int
    corners_tell: bool


def count_tangent_errors(network: PlanarReLU, epsilon: float) -> TangentCounts:
    """Search a grid for points whose tangent has a wrong sign within two budgets.

    The grid has 36 by 36 points, up to 3.5 from the origin along each axis.
    Moves are tried on a grid of the disc; near a corner, on a small circle around it.

    Args:
        network: The network.
        epsilon: The budget of both players.

    Returns:
        The counts.
    """
    along = torch.linspace(-3.5, 3.5, 36, dtype=torch.float64)
    square = torch.cartesian_prod(along, along)
    corners = network.boundary_corners()
    distances, nearest = torch.cdist(square, corners).min(dim=1)
    free = distances > 2.0 * epsilon
    moves = disc_grid(2.0 * epsilon, num_rings=6, num_angles=45)
    right = ~wrong_signs(network, square, moves.expand(len(square), *moves.shape))
    room = (2.0 * epsilon - distances[~free]).clamp(max=0.1) / 2.0
    ring = disc_grid(1.0, num_rings=1, num_angles=720)
    around = corners[nearest[~free]][:, None] + room[:, None, None] * ring
    told = wrong_signs(network, square[~free], around - square[~free][:, None])
    return TangentCounts(
        near_corner=int((~free).sum()),
        wrong=int((free & ~right).sum()),
        right=int((free & right).sum()),
        corners_tell=bool(told.all()),
    )


def wrong_signs(
    network: PlanarReLU, points: Float[Tensor, "n 2"], moves: Float[Tensor, "n k 2"]
) -> Bool[Tensor, " n"]:
    """Tell around which points the tangent has another sign than the network.

    Args:
        network: The network.
        points: Where tangents are taken.
        moves: Offsets from each.

    Returns:
        For each point whether a move gives other signs.
    """
    lin = linearize(network, points)
    reached = (points[:, None] + moves).reshape(-1, 2)
    signs = logits_at(network, reached).reshape(moves.shape[:2]).sign()
    tangents = lin.logits[:, None] + (lin.gradients[:, None] * moves).sum(dim=-1)
    return (signs != tangents.sign()).any(dim=1)


ACROSS, ROW, TOP, SCALE = 480, 165, 34, 68
CENTER = ACROSS // 2
ARROWS = {"attack": COLORS[1], "defense": COLORS[2]}


@dataclass(frozen=True)
class SvgPicture:
    """A picture that a notebook shows as SVG.

    Attributes:
        text: The picture.
    """

    text: str = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.text


def draw_contest(
    lin: Linearization, v: Float[Tensor, " 2"], *, epsilon: float
) -> SvgPicture:
    """Draw FGM against one vector, a row for each point. Paper: Eq. (1).

    The boundary of the tangent is upright, so gradients point along the first axis, and
    a point's first coordinate is its logit.

    Args:
        lin: Points of the plane whose gradients are (1, 0).
        v: The defender's vector, within the budget.
        epsilon: The budget of both players.

    Returns:
        The picture.

    Raises:
        ValueError: If a gradient is not (1, 0).
    """
    if lin.gradients.tolist() != [[1.0, 0.0]] * len(lin.logits):
        raise ValueError(f"gradients must be (1, 0), got {lin.gradients.tolist()}.")
    height, attacks = TOP + ROW * len(lin.logits), fgm(lin, epsilon)
    lost = (utility(lin, attacks, v, epsilon) > 0).tolist()
    lines = [*_ground(height)]
    for row, logit in enumerate(lin.logits.tolist()):
        at = CENTER + SCALE * logit, TOP + ROW * (row + 0.5)
        lines += _contest(at, attacks[row].tolist(), v.tolist(), epsilon)
        who = "attacker wins, u_A = +1" if lost[row] else "defender wins, u_A = -1"
        lines.append(_text(105 if logit > 0 else ACROSS - 105, at[1] + 66, who))
    return SvgPicture("\n".join([*lines, "</svg>"]))


def _ground(height: int) -> Iterator[str]:
    """Write the two sides, the boundary and the heads of arrows."""
    yield (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{ACROSS}' height='{height}' "
        f"viewBox='0 0 {ACROSS} {height}' font-family='sans-serif' font-size='15'>"
    )
    yield _tag("rect", width=CENTER, height=height, fill="#fbeedb")
    yield _tag("rect", x=CENTER, width=CENTER, height=height, fill="#e1f1fb")
    size = {"viewBox": "0 0 8 8", "refX": 7, "refY": 4}
    size |= {"markerWidth": 6, "markerHeight": 6}
    for name, color in ARROWS.items():
        head = _tag("path", d="M0 0L8 4L0 8z", fill=color)
        yield _tag("marker", head, id=name, **size, orient="auto")
    ends = {"x1": CENTER, "x2": CENTER, "y1": 28, "y2": height}
    yield _tag("line", **ends, stroke="black", stroke_dasharray="5 4")
    yield _text(CENTER / 2, 20, "label -1")
    yield _text(3 * CENTER / 2, 20, "label +1")
    yield _text(CENTER, 20, "f_L = 0")


def _contest(
    at: tuple[float, float], attack: list[float], v: list[float], epsilon: float
) -> Iterator[str]:
    """Write one row: the ball, the point, both moves and where they land."""
    x, y = at
    hit = x + SCALE * attack[0], y - SCALE * attack[1]
    end = hit[0] + SCALE * v[0], hit[1] - SCALE * v[1]
    yield _tag("circle", cx=x, cy=y, r=SCALE * epsilon, fill="none", stroke="gray")
    for name, (x1, y1), (x2, y2) in (("attack", at, hit), ("defense", hit, end)):
        look = {"stroke": ARROWS[name], "stroke_width": 3}
        look["marker_end"] = f"url(#{name})"
        yield _tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **look)
    yield _tag("circle", cx=x, cy=y, r=5)
    yield _text(x, y + 22, "x")
    yield _text((x + hit[0]) / 2, y + 20, "a(x)", "attack")
    yield _text((hit[0] + end[0]) / 2 + 14, (hit[1] + end[1]) / 2 - 6, "v", "defense")


def _text(x: float | int, y: float | int, words: str, arrow: str = "") -> str:
    """Write words around a place, in the color of an arrow or in black."""
    color = ARROWS.get(arrow, "black")
    at = {"x": float(x), "y": float(y), "text_anchor": "middle"}
    return _tag("text", words, **at, fill=color)


def _tag(name: str, inside: str = "", /, **attributes: str | float | int) -> str:
    """Write an element; floats have one decimal."""
    told = name
    for key, value in attributes.items():
        text = f"{value:.1f}" if isinstance(value, float) else value
        told += f" {key.replace('_', '-')}='{text}'"
    return f"<{told}>{inside}</{name}>" if inside else f"<{told}/>"
