"""Payoffs against each defense."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from experiments.figures.lemma_2 import plot_payoffs


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
