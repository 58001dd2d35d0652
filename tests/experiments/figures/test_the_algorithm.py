"""Relaxations, ascents and bands hold the numbers they were given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from experiments.figures.solver_records import BudgetPoint
from experiments.figures.the_algorithm import (
    plot_ascents,
    plot_certified_band,
    plot_relaxations,
)
from paper_lib.defense import ramp_ascent
from paper_lib.robust_sets import RobustSets


def test_relaxations_stand_beside_their_slopes():
    left, right = plot_relaxations([0.1]).axes
    indicator, ramp, logistic = left.lines
    slack = ramp.get_xdata()
    assert set(indicator.get_ydata()[slack < 0]) == {0.0}
    assert ramp.get_ydata()[np.searchsorted(slack, 0.5)] == pytest.approx(0.5, abs=2e-3)
    assert logistic.get_label() == "logistic, width 0.1"
    slopes = [line.get_ydata() for line in right.lines]
    assert set(slopes[0][(slack > 0.01) & (slack < 0.99)]) == {1.0}
    rise = np.gradient(logistic.get_ydata(), slack)
    np.testing.assert_allclose(slopes[1], rise, atol=0.02)


def test_an_ascent_ends_at_its_coverage():
    sets = RobustSets(
        normals=torch.tensor([[0.6, 0.8], [1.0, 0.0]]),
        offsets=torch.tensor([0.2, -0.4]),
        epsilon=1.0,
    )
    ascent = ramp_ascent(sets)
    curve, end = plot_ascents({"some": ascent}).axes[0].lines
    assert curve.get_ydata().tolist() == ascent.ramp_values.tolist()
    last = len(ascent.ramp_values) - 1
    assert end.get_xydata().tolist() == [[last, ascent.coverage]]
    assert curve.get_label() == "some"


def test_a_band_lies_between_what_is_found_and_proven():
    points = [
        BudgetPoint(
            multiple=1.0, epsilon=e, none=0.4, ramp=0.5, lower=0.75 - e / 4, upper=0.8
        )
        for e in (1.0, 2.0)
    ]
    axis = plot_certified_band(points).axes[0]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert drawn == {
        "found": [[1.0, 0.5], [2.0, 0.25]],
        "ramp": [[1.0, 0.5], [2.0, 0.5]],
        "no defense": [[1.0, 0.4], [2.0, 0.4]],
    }
    band = axis.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (0.25, 0.8)
    assert plt.get_fignums() == []
