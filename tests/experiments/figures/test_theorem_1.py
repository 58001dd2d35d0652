"""The value of the game in pictures, and SMOOTH against noise."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from experiments.figures.theorem_1 import (
    gains_over_uniform,
    play_fictitiously,
    plot_fictitious_play,
    plot_payoffs,
    plot_value_against_budget,
)
from experiments.tables.planning import PRIMARY_READING, PRIMARY_SOLVER


def test_curves_of_fictitious_play():
    table = np.array([[[0.0, 1.0], [1.0, -1.0]]])
    play = play_fictitiously(table, 50)
    left, right = plot_fictitious_play({"all": play}, value=0.25).axes
    assert left.lines[0].get_ydata() == pytest.approx(play.attacker_guarantees)
    assert left.lines[1].get_ydata() == pytest.approx(play.defender_guarantees)
    assert left.lines[2].get_ydata()[0] == 0.25
    assert right.lines[0].get_ydata() == pytest.approx(play.exploitability)
    assert plt.get_fignums() == []


def test_values_against_the_budget():
    budgets = np.array([0.5, 1.0, 2.0])
    curves = {"equal": [-1.0, 0.2, 0.6], "more": [-0.2, 0.6, 1.0]}
    axis = plot_value_against_budget(budgets, curves).axes[0]
    for line, (name, values) in zip(axis.lines, curves.items(), strict=False):
        assert line.get_label() == name
        assert line.get_xdata().tolist() == budgets.tolist()
        assert line.get_ydata().tolist() == values
    assert plt.get_fignums() == []


def test_gains_over_noise_are_pair_by_pair():
    cells = {
        (attack, defense, accuracy): np.array([shift, 2.0 * shift])
        for attack in ("FGM", f"PGD {PRIMARY_READING}", "another")
        for accuracy in ("approximate", "true")
        for defense, shift in ((PRIMARY_SOLVER, 7.0), ("uniform, one draw", 4.0))
    }
    cells["FGM", PRIMARY_SOLVER, "true"] = np.array([1.0, 0.0])
    gains = gains_over_uniform({"fashion-mnist": cells})
    assert {cell: values.tolist() for cell, values in gains.items()} == {
        ("fashion-mnist", "FGM", "approximate"): [3.0, 6.0],
        ("fashion-mnist", "FGM", "true"): [-3.0, -8.0],
        ("fashion-mnist", f"PGD {PRIMARY_READING}", "approximate"): [3.0, 6.0],
        ("fashion-mnist", f"PGD {PRIMARY_READING}", "true"): [3.0, 6.0],
    }


def test_payoffs_are_in_the_order_of_the_best_attack():
    # One point, three attacks, three defenses.
    table = np.array([[[0.5, -0.1, 0.2], [0.5, -0.1, 0.2], [-1.0, -1.0, 0.1]]])
    axis = plot_payoffs(table).axes[0]
    best, chosen, mean, level = axis.lines
    assert best.get_ydata().tolist() == chosen.get_ydata().tolist() == [-0.1, 0.2, 0.5]
    assert mean.get_ydata() == pytest.approx([-0.4, 0.5 / 3, 0.0])
    assert set(level.get_ydata()) == {-0.1}
    assert plot_payoffs(table, chosen=2).axes[0].lines[1].get_ydata()[0] == -1.0
    assert plt.get_fignums() == []
