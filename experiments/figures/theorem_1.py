"""Finite games, fictitious play and the value; SMOOTH against mere noise.

In fictitious play both players of a finite game answer what was played so far.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.figures.drawing import COLORS, in_turn, legend_outside, new_figure
from experiments.tables.planning import PRIMARY_READING, PRIMARY_SOLVER
from paper_lib.checks import check_count
from paper_lib.evaluation.plays import Cell
from paper_lib.game.matrix_games import MatrixEquilibrium, check_table, judge_strategies


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FictitiousPlay:
    """Both players answering what the other has played so far, on average.

    Attributes:
        last: The averages at the end, with what they guarantee.
        attacker_guarantees: The attacker's guarantee after each round.
        defender_guarantees: The defender's.
    """

    last: MatrixEquilibrium
    attacker_guarantees: Float[np.ndarray, " rounds"]
    defender_guarantees: Float[np.ndarray, " rounds"]

    @property
    def exploitability(self) -> Float[np.ndarray, " rounds"]:
        """Both gains together after each round; the value lies between guarantees."""
        return self.defender_guarantees - self.attacker_guarantees


def play_fictitiously(
    table: Float[np.ndarray, "n k m"], num_rounds: int
) -> FictitiousPlay:
    """Let both players answer the other's average so far. Brown 1951, Robinson 1951.

    Both begin with their last play. Where several answers are best, the last is taken,
    so that FGM, which :func:`paper_lib.game.attack_candidates` puts first, gets no
    head start.

    Args:
        table: Utilities of the attacker: points, attacks, defenses.
        num_rounds: How many rounds, at least one.

    Returns:
        The averages, and both guarantees after each round.

    Raises:
        TypeError: If ``num_rounds`` is no integer.
        ValueError: If the table is empty or not finite, or there is no round.
    """
    check_table(table)
    num_rounds = check_count(num_rounds, "num_rounds", 1)
    num, num_attacks, num_defenses = table.shape
    points = np.arange(num)
    earned = np.zeros(num_defenses)  # by the attacker so far, against each defense
    offered = np.zeros((num, num_attacks))  # to the attacker so far, by each attack
    p, q = np.zeros((num, num_attacks)), np.zeros(num_defenses)
    attack = np.full(num, num_attacks - 1)
    defense, guarantees = num_defenses - 1, []
    for played in range(1, num_rounds + 1):
        p[points, attack] += 1.0
        q[defense] += 1.0
        earned += table[points, attack].mean(axis=0)
        offered += table[:, :, defense]
        low, high = earned.min(), offered.max(axis=1).mean()
        guarantees.append((low / played, high / played))
        attack = num_attacks - 1 - offered[:, ::-1].argmax(axis=1)
        defense = num_defenses - 1 - int(earned[::-1].argmin())
    lows, highs = np.array(guarantees).T
    return FictitiousPlay(
        last=judge_strategies(table, p, q),
        attacker_guarantees=lows,
        defender_guarantees=highs,
    )


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
    figure, (axis,) = new_figure(4.7, 3.2)
    curves = {
        "the best attack at each point": best,
        "the chosen attack": table[:, chosen].mean(axis=0),
        "the mean of all attacks": table.mean(axis=(0, 1)),
    }
    for color, marker, (name, values) in in_turn(curves.items()):
        axis.plot(values[order], marker, color=color, mfc="none", ms=4, label=name)
    axis.axhline(best.min(), color="black", linewidth=1, linestyle=":")
    axis.set_xlabel("defense, by what an attacker gets")
    axis.set_ylabel("utility of the attacker")
    axis.legend(frameon=False)
    return figure


def plot_fictitious_play(
    plays: Mapping[str, FictitiousPlay], *, value: float
) -> Figure:
    """Draw how fictitious play closes in on the value of the game.

    Args:
        plays: Plays under their names, five at most.
        value: The value, by linear programming.

    Returns:
        The figure: guarantees of both players above, their distance, the
        exploitability of both averages, below.
    """
    figure, axes = new_figure(6.4, 4.8, 2, 1)
    for color, (name, play) in zip(COLORS[1:], plays.items(), strict=False):
        rounds = np.arange(1, len(play.exploitability) + 1)
        axes[0].plot(rounds, play.attacker_guarantees, color=color, label=name)
        axes[0].plot(rounds, play.defender_guarantees, color=color, linestyle="--")
        axes[1].loglog(rounds, play.exploitability.clip(1e-6), color=color)
    axes[0].axhline(value, color="black", linewidth=1, linestyle=":", label="value")
    axes[0].set(xscale="log", xlabel="round", ylabel="utility of the attacker")
    axes[1].set(xlabel="round", ylabel="exploitability")
    legend_outside(figure, 5)
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
