"""The value of the game by play and against the budget; SMOOTH against mere noise."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.figures.fictitious_play import FictitiousPlay
from experiments.tables.planning import PRIMARY_READING, PRIMARY_SOLVER
from paper_lib.evaluation.plays import Cell
from paper_lib.plotting.style import COLORS, new_figure


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
    figure, axes = new_figure(9.0, 3.4, 1, 2)
    for color, (name, play) in zip(COLORS[1:], plays.items(), strict=False):
        rounds = np.arange(1, len(play.exploitability) + 1)
        axes[0].plot(rounds, play.attacker_guarantees, color=color, label=name)
        axes[0].plot(rounds, play.defender_guarantees, color=color, linestyle="--")
        axes[1].loglog(rounds, play.exploitability.clip(1e-6), color=color)
    axes[0].axhline(value, color="black", linewidth=1, linestyle=":", label="value")
    axes[0].set(xscale="log", xlabel="round", ylabel="utility of the attacker")
    axes[1].set(xlabel="round", ylabel="exploitability")
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
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
    figure, (axis,) = new_figure(6.4, 3.2)
    for color, (name, values) in zip(COLORS[1:], curves.items(), strict=False):
        axis.step(budgets, values, where="post", color=color, label=name)
    for level in (-1.0, 1.0):
        axis.axhline(level, color="black", linewidth=1, linestyle=":")
    axis.set(xscale="log", xlabel="budget of the defender")
    axis.set_ylabel("value for the attacker")
    axis.legend(frameon=False)
    return figure


def gains_over_uniform(
    by_set: Mapping[str, Mapping[Cell, Float[np.ndarray, " pairs"]]],
) -> dict[tuple[str, str, str], Float[np.ndarray, " pairs"]]:
    """Compare SMOOTH with uniform noise under FGM and the first reading of PGD.

    Args:
        by_set: For each data set the accuracies of Table 1, in percent by pair.

    Returns:
        Under data set, attack and accuracy, how many points of a hundred SMOOTH gains
        on each pair over one draw of noise.
    """
    attacks, noise = ("FGM", f"PGD {PRIMARY_READING}"), "uniform, one draw"
    return {
        (name, attack, kind): cells[attack, PRIMARY_SOLVER, kind]
        - cells[attack, noise, kind]
        for name, cells in by_set.items()
        for attack in attacks
        for kind in ("approximate", "true")
    }
