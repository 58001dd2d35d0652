"""What attacks get against each defense."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from paper_lib.plotting.style import COLORS, MARKERS, new_figure


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
    figure, (axis,) = new_figure(6.4, 3.2)
    for name, values, color, marker in (
        ("the best attack at each point", best, COLORS[0], MARKERS[0]),
        ("the chosen attack", table[:, chosen].mean(axis=0), COLORS[1], MARKERS[1]),
        ("the mean of all attacks", table.mean(axis=(0, 1)), COLORS[2], MARKERS[2]),
    ):
        axis.plot(values[order], marker, color=color, mfc="none", ms=4, label=name)
    axis.axhline(best.min(), color="black", linewidth=1, linestyle=":")
    axis.set_xlabel("defense, by what an attacker gets")
    axis.set_ylabel("utility of the attacker")
    axis.legend(frameon=False)
    return figure
