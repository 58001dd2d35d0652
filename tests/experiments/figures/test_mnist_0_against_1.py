"""The rows of Table 2: their names, percents, and curves."""

import matplotlib.pyplot as plt

from experiments.figures.mnist_0_against_1 import plot_accuracy_against_budget
from experiments.tables.paper_numbers import PAPER_TABLE_2
from paper_lib.evaluation import PLAYS, percents, play_name
from tests.experiments.figures.drawn import ten_rows


def test_names_of_plays():
    assert play_name(("none", "none")) == "no attack, no defense"
    assert play_name(("PGD", "SMOOTH")) == "PGD, SMOOTH"


def test_percents_are_keyed_by_play_and_accuracy():
    found = percents(ten_rows(50))
    assert found.keys() == PAPER_TABLE_2.keys()
    assert set(found.values()) == {25.0}


def test_curves_hold_the_tables_and_the_paper():
    figure = plot_accuracy_against_budget(
        [1.0, 2.0],
        [ten_rows(200), ten_rows(100)],
        calibrated=1.5,
    )
    for axis, accuracy in zip(figure.axes, ("approximate", "true"), strict=True):
        curves, markers = axis.lines[0:10:2], axis.lines[1:10:2]
        for play, curve, marker in zip(PLAYS, curves, markers, strict=True):
            assert curve.get_label() == play_name(play)
            assert list(curve.get_xdata()) == [1.0, 2.0]
            assert list(curve.get_ydata()) == [100.0, 50.0]
            assert marker.get_ydata()[0] == PAPER_TABLE_2[(*play, accuracy)]
    assert plt.get_fignums() == []
