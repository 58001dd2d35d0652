"""Figures of Section 5 hold the numbers they were given."""

import math

import numpy as np
import pytest
import torch

from experiments.figures.the_vc_bound import (
    plot_bound_against_samples,
    plot_concentration,
    plot_superimposed_sets,
    plot_trace_counts,
    shatter_counts,
)
from experiments.populations.deviations import draw_deviations
from paper_lib.generalization import mcdiarmid_tail, num_regions, vc_bound
from paper_lib.robust_sets import RobustSets

SETS = RobustSets(
    normals=torch.tensor([[0.0, 1.0], [0.9, -0.5], [-0.9, -0.5]]),
    offsets=torch.tensor([0.5, 0.5, 0.5]),
    epsilon=2.0,
)


def test_each_region_carries_its_subset():
    figure = plot_superimposed_sets(SETS, counts=[1, 2, 3])
    assert [axis.get_title() for axis in figure.axes[:3]] == [
        "n = 1: 2 of at most 2",
        "n = 2: 4 of at most 4",
        "n = 3: 7 of at most 7",
    ]
    for axis, k in zip(figure.axes, (1, 2, 3), strict=False):
        assert len(axis.texts) == num_regions(k, 2)
        for label in axis.texts:
            held = SETS.contains(torch.tensor(label.xy)).tolist()[:k]
            named = ",".join(str(i + 1) for i in range(k) if held[i])
            assert label.get_text() == (named or r"$\emptyset$")


def test_a_tint_covers_its_robust_set():
    (axis,) = plot_superimposed_sets(SETS, counts=[3]).axes
    tints = [patch for patch in axis.patches if patch.get_alpha() is not None]
    assert len(tints) == 3
    for row, tint in enumerate(tints):
        middle = torch.from_numpy(tint.get_xy()[:-1].mean(axis=0)).float()
        assert SETS.contains(middle)[row]


def test_panels_are_laid_out_in_rows_of_two():
    figure = plot_superimposed_sets(SETS, counts=[1, 2, 3])
    titles = [axis.get_title() for axis in figure.axes]
    assert len(titles) == 4
    assert titles[3] == ""


def test_narrow_regions_carry_no_label():
    strip = RobustSets(
        normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        offsets=torch.tensor([0.01, 0.01]),
        epsilon=1.0,
    )
    (axis,) = plot_superimposed_sets(strip, counts=[2]).axes
    assert sorted(label.get_text() for label in axis.texts) == ["1", "2"]
    assert axis.get_title() == "n = 2: 3 of at most 4"


def test_counts_stand_beside_the_formula():
    (axis,) = plot_trace_counts({"some": {1: [2, 1], 8: [30]}}).axes
    most, some, powers = axis.lines
    assert most.get_xydata().tolist() == [[1, 2], [8, num_regions(8, 2)]]
    assert some.get_xydata().tolist() == [[1, 2], [1, 1], [8, 30]]
    assert some.get_label() == "some"
    assert powers.get_ydata().tolist() == [2, 4, 8, 16, 32]


def test_concentration_shows_the_draws_and_the_bound():
    drawn = draw_deviations(SETS, 5, num_draws=200, seed=0)
    left, right = plot_concentration(drawn).axes
    assert sum(bar.get_height() for bar in left.patches) == 200
    assert left.lines[0].get_xdata()[0] == pytest.approx(drawn.deviations.mean())
    share, bound, printed = right.lines
    away = np.abs(drawn.deviations - drawn.deviations.mean())
    for at in (0, 20, 100):
        t = float(share.get_xdata()[at])
        assert share.get_ydata()[at] == pytest.approx((away >= t).mean())
        assert bound.get_ydata()[at] == mcdiarmid_tail([0.2] * 5, t)
        assert printed.get_ydata()[at] == pytest.approx(math.exp(-10 * t * t))


def test_curves_of_the_bound():
    figure = plot_bound_against_samples([2, 784], num_samples={"all": 12_665})
    (axis,) = figure.axes
    two, two_least, images, _, solid, dashed, one, mark = axis.lines
    assert two.get_linestyle() == solid.get_linestyle() != "--"
    assert two_least.get_linestyle() == dashed.get_linestyle() == "--"
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert said[2:] == ["Eq. (20)", "the sharper form here", one.get_label(), "all"]
    assert [line.get_label() for line in (two, images)] == ["m = 2", "m = 784"]
    n, value = two.get_xydata()[40]
    assert value == vc_bound(int(n), 2).value
    assert two_least.get_ydata()[40] == vc_bound(int(n), 2).steps[0].value
    assert images.get_ydata()[7] == vc_bound(int(images.get_xdata()[7]), 784).value
    assert set(one.get_ydata()) == {1.0}
    assert set(mark.get_xdata()) == {12_665}
    assert mark.get_label() == "all"


def test_found_subsets_stand_beside_the_shatter_coefficients():
    two, four = shatter_counts([2, 4], seed=0)
    assert list(two.values()) == [2, 4, 4, 4, 4, 4]
    # Half-planes pick 14 of the subsets of four points in convex position.
    assert list(four.values()) == [4, 16, 16, 16, 14, 14]


@pytest.mark.bad_input
def test_what_cannot_be_drawn():
    cube = RobustSets(normals=torch.ones(2, 3), offsets=torch.ones(2), epsilon=1.0)
    point = RobustSets(normals=torch.ones(2, 2), offsets=torch.ones(2), epsilon=0.0)
    for sets in (cube, point):
        with pytest.raises(ValueError, match="needs d = 2 and a positive budget, got"):
            plot_superimposed_sets(sets)
    for counts in ([0], [4], []):
        with pytest.raises(ValueError, match="counts must be between 1 and 3, got"):
            plot_superimposed_sets(SETS, counts=counts)
