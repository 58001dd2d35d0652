"""How far Table 2 comes out, on accuracies with known misses."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from experiments.figures.mnist_0_against_1 import (
    CELLS,
    distance,
    distance_table,
    misses,
    of_combination,
    plot_ways,
    ways_to_table_2,
)
from experiments.study.misses import study_table
from experiments.tables.paper_numbers import PAPER_TABLE_2
from tests.experiments.figures.drawn import cells_of
from tests.experiments.study.made_up import CHOSEN, made_up

FIRST, LAST = CELLS[0], CELLS[-1]


def off_by(**changes):
    """The paper's numbers at two seeds, one point below and above, but for changes."""
    values = {
        cell: [PAPER_TABLE_2[cell] - 1, PAPER_TABLE_2[cell] + 1] for cell in CELLS
    }
    for name, miss in changes.items():
        cell = {"first": FIRST, "last": LAST}[name]
        values[cell] = [one + miss for one in values[cell]]
    return values


def accuracies(dataset, pair, points, attack, rows, start):
    """True and approximate accuracy that differ between readings and points."""
    return 60.0 + 12 * (points == "trained") + (attack == "ball"), 73.0 + sum(pair)


@pytest.fixture(scope="module")
def found():
    runs = made_up(accuracies, pairs=((0, 1), (2, 4)), seeds=(60, 61))
    return study_table(runs)


def test_the_cells_are_the_attacked_ones_of_table_2():
    assert len(CELLS) == 8
    assert set(CELLS) == {cell for cell in PAPER_TABLE_2 if cell[0] != "none"}


def test_the_distance_is_the_largest_miss_of_a_mean_over_seeds():
    values = off_by(first=-3.0, last=2.0)
    assert misses(values)[FIRST] == pytest.approx(-3.0)
    assert misses(values)[LAST] == pytest.approx(2.0)
    assert distance(values) == pytest.approx(3.0)
    assert distance(off_by()) == pytest.approx(0.0)


def test_the_nearest_way_comes_first_with_its_worst_cell():
    ways = {"far": off_by(last=-9.0, first=8.5), "near": off_by(first=1.5)}
    assert cells_of(distance_table(ways)) == [
        ["near", "2", "+1.5", "true: FGM, no defense", "8 of 8"],
        ["far", "2", "-9.0", "approximate: PGD, SMOOTH", "6 of 8"],
    ]


def test_a_combination_of_the_study_gives_its_eight_cells(found):
    place = found.combinations.index(CHOSEN)
    values = of_combination(found, place)
    assert values["FGM", "none", "true"] == pytest.approx([60.0, 60.0])
    assert values["PGD", "SMOOTH", "true"] == pytest.approx([61.0, 61.0])
    assert values["PGD", "none", "approximate"] == pytest.approx([74.0, 74.0])


def test_of_what_was_explored_the_nearest_is_named(found):
    """Points that trained f have a true accuracy nearer to the paper's 95.6."""
    declared = study_table(
        made_up(accuracies, pairs=((0, 1), (2, 4)), seeds=(60, 61)), [CHOSEN]
    )
    ways = ways_to_table_2({}, declared, found)
    first, second = ways
    assert first == "study, declared: 10-20-50, ball"
    assert second.startswith(f"study, best of {len(found.combinations)}: ")
    every = [of_combination(found, n) for n in range(len(found.combinations))]
    assert distance(ways[second]) == min(map(distance, every))
    assert distance(ways[second]) == pytest.approx(74.0 - 48.3)
    assert distance(ways[first]) == pytest.approx(95.6 - 60.0)


def test_a_mark_for_each_seed_beside_the_paper():
    ways = {"one": off_by(), "two": off_by(first=5.0)}
    figure = plot_ways(ways)
    (axis,) = figure.axes
    (bars,) = axis.collections
    printed = [segment[0, 0] for segment in bars.get_segments()]
    assert printed == [PAPER_TABLE_2[cell] for cell in CELLS]
    marks = [line for line in axis.lines if line.get_marker() not in ("None", "")]
    assert len(marks) == 2 * 8
    for line, (cell, way) in zip(
        marks, ((cell, way) for way in ways.values() for cell in CELLS), strict=True
    ):
        assert list(line.get_xdata()) == way[cell]
        assert np.round(line.get_ydata()).tolist() == [CELLS.index(cell)] * 2
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["the paper", "one", "two"]
    assert plt.get_fignums() == []
