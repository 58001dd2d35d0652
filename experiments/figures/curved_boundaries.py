"""The game scored with f itself: its pictures, its checks and the trained networks."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor, nn

from experiments.figures.curved_cases import (
    LINE_BUDGET,
    LINE_DEFENSE,
    PROFILES,
    CurvedCase,
    profile_error,
)
from experiments.figures.curved_games import JudgedGame
from experiments.figures.drawing import COLORS, GREEN, legend_outside, new_figure
from experiments.figures.markdown import Row, tabulated
from paper_lib.defense import maximize_coverage
from paper_lib.evaluation import logits_at
from paper_lib.linearize import Linearization, linearize
from paper_lib.local_linearity import curved_game
from paper_lib.robust_sets import RobustSets


def plot_bands(games: Mapping[str, tuple[CurvedCase, JudgedGame]]) -> Figure:
    """Draw where in the plane the slack is within the error, for the defense played.

    In the green region points are safe with the defense, in the orange one FGM flips
    them. Around some stand the ball of both budgets and the tangent's boundary in it.

    Args:
        games: Cases of the plane with their judged games, under titles; one draw each.

    Returns:
        The figure, a panel each.
    """
    spans = [case.inputs.amax(0) - case.inputs.amin(0) for case, _ in games.values()]
    shapes = [float((y + 0.6) / (x + 0.6)) for x, y in spans]
    size = 4.8, 1.0 + 4.6 * sum(shapes)
    figure, axes = new_figure(*size, len(games), height_ratios=shapes)
    for axis, (name, (case, game)) in zip(axes, games.items(), strict=True):
        axis.set(title=name, aspect="equal")
        _shade(axis, case, game)
        _draw_tangents(axis, case, game)
        slack = (game.defense @ game.sets.normals.T + game.sets.offsets)[0]
        safe, lost = slack >= game.error, slack < -game.error
        for label, rows, color, marker in (
            ("no attack flips f", safe, GREEN, "o"),
            ("not known", ~safe & ~lost, COLORS[0], "s"),
            ("FGM flips f", lost, COLORS[1], "x"),
        ):
            look = {"color": color, "mfc": "none", "ms": 5}
            axis.plot(*case.inputs[rows].T, marker, label=label, **look)
    legend_outside(figure, 3)
    return figure


def _shade(axis: Axes, case: CurvedCase, game: JudgedGame) -> None:
    """Fill the regions in which the slack decides, and draw the boundary of f."""
    low, high = case.inputs.amin(0) - 0.3, case.inputs.amax(0) + 0.3
    ends = zip(low.tolist(), high.tolist(), strict=True)
    x, y = np.meshgrid(*[np.linspace(*end, 160) for end in ends])
    grid = torch.from_numpy(np.stack([x.ravel(), y.ravel()], axis=1))
    lin = linearize(case.model, grid, batch_size=len(grid))
    reach, epsilon = game.budgets
    sets = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
    slack = sets.normals @ game.defense[0] + sets.offsets
    error = case.error_at(grid, reach + epsilon)
    for field, color in ((slack - error, GREEN), (-slack - error, COLORS[1])):
        look = {"levels": [0.0, np.inf], "colors": [color], "alpha": 0.2}
        axis.contourf(x, y, field.view(x.shape), **look)
    axis.contour(x, y, lin.logits.view(x.shape), [0.0], colors="black")


def _draw_tangents(axis: Axes, case: CurvedCase, game: JudgedGame) -> None:
    """Draw balls of both budgets, and the tangent's boundary where it crosses them."""
    lin, radius = linearize(case.model, case.inputs), sum(game.budgets)
    near = ((lin.margins > 0) & (lin.margins < 0.9 * radius)).nonzero()[:, 0]
    chosen = near[:: max(1, -(-len(near) // 4))]
    for row in chosen.tolist():
        center, margin = case.inputs[row], float(lin.margins[row])
        towards = lin.descent_directions[row]
        half = (radius**2 - margin**2) ** 0.5
        side = half * torch.stack([-towards[1], towards[0]])
        foot = center + margin * towards
        chord = torch.stack([foot - side, foot + side])
        axis.plot(*chord.T, color=COLORS[2], linewidth=1.5)
        middle = float(center[0]), float(center[1])
        axis.add_patch(Circle(middle, radius, fill=False, ls=":", lw=0.8))


def plot_gains(curves: Mapping[str, Sequence[JudgedGame]]) -> Figure:
    """Draw what both players gain at most, proven and found, against the budget.

    Args:
        curves: Games by rising budgets, equal for both players, under titles.

    Returns:
        The figure, a panel for each title.
    """
    figure, axes = new_figure(4.8, 1.0 + 2.4 * len(curves), len(curves), sharey=True)
    for axis, (name, games) in zip(axes, curves.items(), strict=True):
        budgets = [game.budgets[1] for game in games]
        for who, color, marker in (
            ("attacker", COLORS[1], "v"),
            ("defender", COLORS[2], "o"),
        ):
            proven = [getattr(game.proven, f"{who}_gain") for game in games]
            found = [getattr(game, f"{who}_gain") for game in games]
            axis.plot(budgets, proven, color=color, label=f"{who}, proven")
            look = {"color": color, "ls": "--", "marker": marker, "ms": 4}
            axis.plot(budgets, found, mfc="none", label=f"{who}, found", **look)
        axis.set(title=name, ylabel="gain by leaving")
    axes[-1].set_xlabel("budget of each player")
    legend_outside(figure)
    return figure


def plot_profiles() -> Figure:
    """Draw the three kinds of points of ``line_case``.

    Returns:
        The figure: f around a point, its tangent with the error, and landings.
    """
    figure, axes = new_figure(4.8, 7.6, 3, sharex=True)
    offsets = np.linspace(-2 * LINE_BUDGET, 2 * LINE_BUDGET, 400)
    for axis, (name, (knots, values)) in zip(axes, PROFILES.items(), strict=True):
        f = partial(np.interp, xp=knots, fp=values)
        slope = -1.0 if name == "right" else 1.0
        tangent = f(0.0) + slope * offsets
        error = profile_error(name, 2 * LINE_BUDGET)
        band = {"color": COLORS[4], "alpha": 0.3, "lw": 0}
        axis.fill_between(offsets, tangent - error, tangent + error, **band)
        axis.plot(offsets, tangent, ":", color=COLORS[2], label="tangent, within $e$")
        axis.plot(offsets, f(offsets), color=COLORS[0], label="$f$")
        step = -slope * LINE_BUDGET
        for label, at, marker in (
            ("FGM and $v$", step + LINE_DEFENSE, "v"),
            ("FGM and $0$", step, "o"),
            ("the reverse of FGM and $v$", LINE_DEFENSE - step, "D"),
        ):
            axis.plot(at, f(at), marker, color=COLORS[1], mfc="none", label=label)
        axis.axhline(0.0, color="gray", linewidth=0.8)
        axis.set(title=name, ylim=(-2.7, 4.2))
    axes[-1].set_xlabel("offset from the point")
    legend_outside(figure)
    return figure


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkGame:
    """What the theorem says of a trained network at one budget.

    Attributes:
        epsilon: The budget of each player.
        reached: The share of points whose tangent has a boundary within both budgets.
        error: The median bound on ``|f - f_L|`` that was used.
        open_share: The share of points with a slack within it.
        eta: The larger of both players' gains, from 0 to 2.
    """

    epsilon: float
    reached: float
    error: float
    open_share: float
    eta: float


def network_game(
    lin: Linearization, epsilon: float, error: Float[Tensor, " n"]
) -> NetworkGame:
    """Bound the gains at a maximizer of coverage on the points themselves.

    Args:
        lin: Logits and gradients of the points.
        epsilon: The budget of each player.
        error: Bounds on ``|f - f_L|`` within both budgets together.

    Returns:
        What is proven if they are bounds.
    """
    sets = RobustSets.from_linearization(lin, epsilon)
    proven = curved_game(sets, maximize_coverage(sets).perturbation, error)
    return NetworkGame(
        epsilon=epsilon,
        reached=float((lin.margins < 2 * epsilon).double().mean()),
        error=float(error.median()),
        open_share=proven.attacker_gain / 2,
        eta=max(proven.attacker_gain, proven.defender_gain),
    )


def least_error(
    model: nn.Module, images: Float[Tensor, "n ..."], radius: float
) -> Float[Tensor, " n"]:
    """Find how far f is from its tangent along the gradient and against it.

    No bound on the ball can be smaller, up to rounding.

    Args:
        model: The classifier f.
        images: The points.
        radius: Of the ball.

    Returns:
        The largest distance at 16 places a point, as float64.
    """
    exact, places = copy.deepcopy(model).double(), images.double()
    lin = linearize(exact, places)
    largest = torch.zeros(len(images), dtype=torch.float64)
    for share in np.linspace(-1.0, 1.0, 17):
        moves = float(share) * radius * lin.descent_directions
        gap = logits_at(exact, places, moves) - lin.moved_logits(moves)
        largest = torch.maximum(largest, gap.abs())
    return largest


def plot_network_gains(
    proven: Mapping[str, Sequence[NetworkGame]],
    least: Mapping[str, Sequence[NetworkGame]],
) -> Figure:
    """Draw the larger gain against the budget: proven, and the least provable.

    Args:
        proven: Games with proven errors, under the names of pairs.
        least: Games with errors that no bound can be below, under the same names.

    Returns:
        The figure.
    """
    figure, (axis,) = new_figure(4.8, 4.4)
    for name, color in zip(proven, COLORS[1:], strict=False):
        for games, style, what in (
            (proven[name], "o-", "proven"),
            (least[name], "--", "no bound proves less"),
        ):
            budgets, etas = zip(*((one.epsilon, one.eta) for one in games), strict=True)
            label = f"{name}: {what}"
            axis.plot(budgets, etas, style, color=color, mfc="none", label=label)
    axis.axhline(2.0, color="gray", linestyle=":", label="says nothing")
    axis.set(xscale="log", xlabel="budget of each player", ylabel=r"$\eta$")
    legend_outside(figure, 1)
    return figure


@tabulated("lrrrrr")
def network_table(games: Mapping[str, Sequence[NetworkGame]]) -> Iterator[Row]:
    """Write the games of trained networks.

    Args:
        games: By rising budgets, under the names of pairs.

    Yields:
        Each pair and budget.
    """
    for name, listed in games.items():
        for game in listed:
            yield {
                "pair": name,
                r"$\epsilon$": game.epsilon,
                r"boundary of $f_L$ within $2\epsilon$": f"{game.reached:.0%}",
                "median $e$": f"{game.error:.2f}",
                "slack within $e$": f"{game.open_share:.0%}",
                r"$\eta$": f"{game.eta:.2f}",
            }
