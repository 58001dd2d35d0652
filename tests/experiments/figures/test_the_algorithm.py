"""Relaxations, ascents and bands hold the numbers they were given."""

from base64 import b64encode
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from experiments.figures.solver_records import (
    BudgetCurve,
    BudgetPoint,
    ClassNames,
    load_comparisons,
)
from experiments.figures.the_algorithm import (
    draw_budget_images,
    plot_ascents,
    plot_certified_bands,
    plot_relaxations,
    plot_solvers,
)
from paper_lib.defense import ramp_ascent
from paper_lib.robust_sets import RobustSets
from tests.experiments.figures.drawn import sheet_colors


def test_dots_stand_at_what_is_stored():
    records = load_comparisons(Path(__file__).parents[3] / "results/defense")
    (axis,) = plot_solvers(records).axes
    assert [text.get_text() for text in axis.get_yticklabels()] == [
        one.name for one in records
    ]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert len(drawn) == 5
    at = 7
    for name, label in (("search", "search"), ("ramp, raw rows", "the paper's ascent")):
        count = records[at].methods[name].count
        assert drawn[label][at] == [pytest.approx(count / 40), at]
    for name, label in (("moments", "no v covers more"), ("pairs", "bound from pairs")):
        count = records[at].bounds[name].count
        assert drawn[label][at] == [pytest.approx(count / 40), at]
    _, left_open = axis.collections
    ends = left_open.get_segments()[at][:, 0]
    assert ends.tolist() == [drawn["search"][at][0], drawn["no v covers more"][at][0]]


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
    pair = ClassNames(dataset="mnist", classes=(0, 1))
    curve = BudgetCurve(instance=pair, points=tuple(points))
    axis, other = plot_certified_bands([curve, curve]).axes
    assert (axis.get_title(), len(other.lines)) == ("mnist 0-1", 3)
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert drawn == {
        "found": [[1.0, 0.5], [2.0, 0.25]],
        "ramp": [[1.0, 0.5], [2.0, 0.5]],
        "no defense": [[1.0, 0.4], [2.0, 0.4]],
    }
    band = axis.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (0.25, 0.8)
    assert plt.get_fignums() == []


def test_images_stand_below_their_budgets():
    row = [
        b64encode(bytes(levels)).decode()
        for levels in ([128] * 784, [128] * 783 + [255], [1] * 784)
    ]
    drawn = sheet_colors(draw_budget_images([row, row[::-1]]))
    tiles = drawn.reshape(2, 28, 3, 28, 3).transpose(0, 2, 1, 3, 4)
    assert (tiles[0, 0] > 240).all(), "zero is white"
    for last in (tiles[0, 1], tiles[1, 1]):
        red, _, blue = last[-1, -1]
        assert red > blue + 50
        assert (last[0, 0] > 240).all()
    for blue in (tiles[0, 2], tiles[1, 0]):
        assert (blue[..., 2] > blue[..., 0] + 50).all()
