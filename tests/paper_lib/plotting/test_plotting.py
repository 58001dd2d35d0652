"""Figures hold the numbers they were given, tables the right differences."""

import matplotlib.pyplot as plt
import pytest
import torch

from experiments.figures.markdown import comparison_table, markdown_table
from experiments.tables.paper_numbers import PAPER_TABLE_2
from paper_lib.evaluation import PLAYS, TableRow, percents, play_name
from paper_lib.linearize import Linearization
from paper_lib.plotting import plot_accuracy_against_budget, plot_images, plot_margins


def table(correct):
    """Ten rows with the same count, of 200 points."""
    return [
        TableRow(
            attack=attack,
            defense=defense,
            accuracy=accuracy,
            correct=correct,
            total=200,
        )
        for accuracy in ("true", "approximate")
        for attack, defense in PLAYS
    ]


def test_names_of_plays():
    assert play_name(("none", "none")) == "no attack, no defense"
    assert play_name(("PGD", "SMOOTH")) == "PGD, SMOOTH"


def test_percents_are_keyed_by_play_and_accuracy():
    found = percents(table(50))
    assert found.keys() == PAPER_TABLE_2.keys()
    assert set(found.values()) == {25.0}


def test_comparison_shows_mean_spread_and_difference():
    paper = {("FGM", "SMOOTH", "approximate"): 94.5}
    single = comparison_table([table(190)], paper, here="live").splitlines()
    assert single[0] == "| accuracy in percent | paper | live | difference |"
    assert "| approximate: FGM, SMOOTH | 94.5 | 95.0 | +0.5 |" in single
    assert len(single) == 12
    # What the paper has no number for is set beside nothing.
    assert sum("| not applicable | 95.0 | not applicable |" in s for s in single) == 9
    several = comparison_table([table(190), table(180)], paper).splitlines()
    assert "| approximate: FGM, SMOOTH | 94.5 | 92.5 [90.0, 95.0] | -2.0 |" in several


@pytest.mark.bad_input
def test_tables_that_do_not_line_up():
    with pytest.raises(ValueError, match=r"each line must have 2 cells, got \['a'\]"):
        markdown_table(["x", "y"], [["a"]])
    with pytest.raises(ValueError, match="align must be 2 letters l or r, got 'lc'"):
        markdown_table(["x", "y"], [], align="lc")


def test_alignment_of_columns():
    assert markdown_table(["x", "y"], [], align="ll").splitlines()[1] == "| :-- | :-- |"


def test_images_are_drawn_as_given():
    images = torch.linspace(0, 1, 2 * 784).reshape(2, 784)
    figure = plot_images(
        {"clean": images, "moved": -3 * images},
        signed=["moved"],
        notes={"clean": ["one", "two"]},
    )
    axes = figure.axes
    assert len(axes) == 4
    assert [axis.get_title() for axis in axes[:2]] == ["clean", "moved"]
    assert [axes[0].get_xlabel(), axes[2].get_xlabel()] == ["one", "two"]
    shown = torch.tensor(axes[2].get_images()[0].get_array())
    assert torch.allclose(shown.float().flatten(), images[1])
    assert axes[0].get_images()[0].get_clim() == (0.0, 1.0)
    assert axes[3].get_images()[0].get_clim() == pytest.approx((-3.0, 3.0))
    assert plt.get_fignums() == []


def test_margins_of_both_classes_and_the_budget():
    lin = Linearization(
        logits=torch.tensor([-1.0, -2.0, 4.0, 5.0]),
        gradients=torch.tensor([[1.0], [1.0], [1.0], [0.0]]),
    )
    axis = plot_margins(lin, epsilon=1.5, classes=["0", "1"]).axes[0]
    heights = [sum(bar.get_height() for bar in group) for group in axis.containers]
    assert heights == [2, 1]  # the flat point has no finite margin
    assert axis.lines[0].get_xdata()[0] == 1.5
    assert plt.get_fignums() == []


def test_curves_hold_the_tables_and_the_paper():
    figure = plot_accuracy_against_budget(
        [1.0, 2.0],
        [table(200), table(100)],
        calibrated=1.5,
        paper=PAPER_TABLE_2,
    )
    for axis, accuracy in zip(figure.axes, ("approximate", "true"), strict=True):
        curves, markers = axis.lines[0:10:2], axis.lines[1:10:2]
        for play, curve, marker in zip(PLAYS, curves, markers, strict=True):
            assert curve.get_label() == play_name(play)
            assert list(curve.get_xdata()) == [1.0, 2.0]
            assert list(curve.get_ydata()) == [100.0, 50.0]
            assert marker.get_ydata()[0] == PAPER_TABLE_2[(*play, accuracy)]
    assert plt.get_fignums() == []
