"""What pages say of the study of Table 1, on records with known numbers."""

import re
from dataclasses import replace

import numpy as np
import pytest

from experiments.figures.all_pairs.declared_tables import (
    clean_line,
    declared_gains,
    declared_table,
    starts_table,
    training_table,
)
from experiments.figures.all_pairs.study_tables import (
    changes_table,
    choices_table,
    described,
    effects_table,
    halves_line,
    plot_choices,
    plot_misses,
)
from experiments.figures.markdown import accuracy_table
from experiments.figures.mnist_0_against_1 import of_combination
from experiments.study.choosing import choose_on_halves
from experiments.study.misses import study_table
from experiments.study.published import declared_rows
from experiments.tables.paper_numbers import PAPER_TABLE_2
from tests.experiments.figures.drawn import cells_of
from tests.experiments.study.made_up import CHOSEN, made_up

PAIRS = ((0, 1), (2, 4), (3, 8))


def accuracies(dataset, pair, points, attack, rows, start):
    """Means 60 and 80 without and with a defense, spread 5; less by 7 if literal."""
    sign = PAIRS.index(pair) - 1
    value = 60.0 + 20.0 * (rows != "none") + 5.0 * sign - 7.0 * (attack == "literal")
    # Against PGD the defense lowers true accuracy, on MNIST alone.
    gain = 1.0 if dataset != "mnist" or attack == "FGM" else -1.0
    return 50.0 + gain * (rows != "none"), value


def accuracies_of_four(dataset, pair, points, attack, rows, start):
    """A pair more, that is far from the others."""
    if pair in PAIRS:
        return accuracies(dataset, pair, points, attack, rows, start)
    return 50.0, 95.0 - 7.0 * (attack == "literal")


@pytest.fixture(scope="module")
def runs():
    return made_up(accuracies, pairs=PAIRS, seeds=(60, 61))


@pytest.fixture(scope="module")
def found(runs):
    return study_table(runs, [CHOSEN])


def test_the_declared_choice_stands_beside_the_paper(runs, found):
    others = study_table(runs, [CHOSEN], PAIRS[1:])
    lines = cells_of(declared_table(found, others))
    assert len(lines) == 8
    assert lines[1] == [
        *("mnist", "FGM, SMOOTH", "71.2 (14.2)", "80.0 (5.0)", "80.0 to 80.0"),
        *("82.5 (3.5)", "+8.8, -9.2"),
    ]


def test_table_2_is_that_of_0_against_1(found):
    lines = cells_of(accuracy_table(of_combination(found), PAPER_TABLE_2))
    assert len(lines) == 8
    assert lines[0][0] == "true: FGM, no defense"
    paper = PAPER_TABLE_2["PGD", "SMOOTH", "approximate"]
    assert lines[-1] == [
        "approximate: PGD, SMOOTH",
        f"{paper:.1f}",
        "75.0 [75.0, 75.0]",
        f"{75.0 - paper:+.1f}",
    ]


def test_effects_are_of_the_factor_that_moves_a_row(runs):
    lines = {line[0]: line[1:] for line in cells_of(effects_table(study_table(runs)))}
    assert lines["reading of PGD"] == ["0.0 / 0.0"] * 2 + ["7.0 / 0.0"] * 2
    assert lines["points scored"] == ["0.0 / 0.0"] * 4
    assert len(lines) == 6


def test_each_choice_has_its_least_distance(runs):
    table = study_table(runs)
    lines = cells_of(choices_table(table))
    assert len(lines) == 2 + 2 + 4 + 2 + 4 + 2
    least = {line[1]: float(line[2]) for line in lines}
    assert min(least.values()) == pytest.approx(table.distances.min(), abs=0.05)
    literal = [
        gap
        for one, gap in zip(table.combinations, table.distances, strict=True)
        if one.reading == "literal"
    ]
    assert least["literal"] == pytest.approx(min(literal), abs=0.05)
    for line in lines:
        assert abs(float(line[4])) == float(line[2])
        assert line[3] in table.names


def test_one_choice_is_changed_at_a_time(runs):
    table = study_table(runs)
    lines = cells_of(changes_table(table, CHOSEN))
    assert len(lines) == 1 + 1 + 1 + 3 + 1 + 3 + 1
    assert lines[0][:2] == ["nothing", ""]
    by_choice = {line[1]: line[2:] for line in lines}
    place = table.at(replace(CHOSEN, reading="literal"))
    misses = table.misses[place]
    assert float(by_choice["literal"][-1]) == pytest.approx(
        np.abs(misses).max(), abs=0.05
    )
    # The made-up literal PGD leaves seven points less.
    moved = [
        float(a) - float(b)
        for a, b in zip(by_choice["literal"][:4], lines[0][2:6], strict=True)
    ]
    assert moved == pytest.approx([-7.0] * 4, abs=0.11)


def test_the_clean_row_stands_beside_the_papers(runs):
    quantile = [run for run in runs if run.key[:2] == ("10-20-50", CHOSEN.protocol)]
    said = clean_line(declared_rows(quantile, CHOSEN))
    assert said == (
        "Without attack and defense: mnist 60.0 (5.0), in the paper 99.9 (0.0); "
        "fashion-mnist 60.0 (5.0), in the paper 99.9 (0.1)"
    )


def test_one_factor_has_its_choices_alone(runs):
    table = study_table(runs)
    lines = cells_of(choices_table(table, ["reading"]))
    assert lines == [
        line for line in cells_of(choices_table(table)) if "PGD" in line[0]
    ]
    assert len(lines) == 4


def test_training_points_stand_beside_test_points():
    def clean(dataset, pair, points, attack, rows, start):
        right = 90.0 + 6.0 * (points == "trained") + (pair == (0, 1))
        return (right, right) if attack == "none" else (50.0, 50.0)

    runs = made_up(clean, pairs=PAIRS[:2], protocols=("one budget",))
    lines = cells_of(training_table(runs))
    assert [line[:2] for line in lines] == [
        [dataset, network]
        for dataset in ("mnist", "fashion-mnist")
        for network in ("10-20-50", "20-50-500")
    ]
    assert lines[2][2:] == ["90.5 (0.7)", "96.5 (0.7)", "99.9 (0.1)"]


def test_halves_that_are_alike_show_what_choosing_does():
    table = study_table(made_up(accuracies_of_four, pairs=(*PAIRS, (4, 9))))
    found = choose_on_halves(table)
    numbers = re.findall(r"[-\d.,]+\d", halves_line(table))
    assert numbers[0] == str(len(table.combinations))
    means = (found.chosen_on, found.judged_on, found.least_there)
    assert numbers[1:4] == [f"{one.mean():.1f}" for one in means]
    assert numbers[4:] == [f"{found.optimism:.1f}", "1,000"]
    assert found.optimism > 0


def test_gains_are_asked_of_both_accuracies(found):
    lines = cells_of(declared_gains(found))
    gains = {tuple(line[:3]): line[3:] for line in lines}
    assert gains["mnist", "PGD", "approximate"] == ["+20.0 [+20.0, +20.0]", "3 of 3"]
    assert gains["mnist", "PGD", "true"] == ["-1.0 [-1.0, -1.0]", "0 of 3"]
    assert gains["fashion-mnist", "PGD", "true"][1] == "3 of 3"
    assert len(gains) == len(lines) == 8


def test_other_starts_stand_beside_v_equal_to_zero():
    """The search keeps more test points on one pair of three, by three points."""

    def kept(dataset, pair, points, attack, rows, start):
        ahead = (points, attack, start) == ("test", "FGM", "search")
        return 50.0, 70.0 + 3.0 * (ahead and pair == PAIRS[0])

    runs = made_up(
        kept, pairs=PAIRS, networks=("20-50-500",), protocols=("margin quantile",)
    )
    lines = cells_of(starts_table(runs))
    assert [line[:2] for line in lines] == [
        [dataset, start]
        for dataset in ("mnist", "fashion-mnist")
        for start in ("mean normal", "search")
    ]
    assert lines[0][2:] == ["70.0", "70.0", "+0.0 [+0.0, +0.0]", "0 of 3", "3 of 3"]
    assert lines[1][2:4] + lines[1][5:] == ["71.0", "70.0", "1 of 3", "3 of 3"]
    assert lines[1][4].startswith("+1.0 [")


def test_misses_are_drawn_in_the_rows_of_their_numbers(found):
    (axis,) = plot_misses(found.names, {"here": found.misses[0]}).axes
    (line,) = [line for line in axis.lines if line.get_label() == "here"]
    assert line.get_xdata().tolist() == found.misses[0].tolist()
    assert [text.get_text() for text in axis.get_yticklabels()] == [*found.names]
    widths = [bar.get_width() for bar in axis.patches]
    assert widths == [8.0] * 16 + [16.0] * 8


def test_every_combination_is_drawn_once_for_each_of_its_choices(runs):
    table = study_table(runs)
    (axis,) = plot_choices(table).axes
    names = [text.get_text() for text in axis.get_yticklabels()]
    assert len(names) == 16
    marks = {
        names[round(line.get_ydata()[0])]: line.get_xdata()[0]
        for line in axis.lines
        if line.get_marker() == "D"
    }
    own = [one.reading == "literal" for one in table.combinations]
    assert marks["reading of PGD: literal"] == table.distances[own].min()
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    drawn = np.concatenate([line.get_xdata() for line in dots])
    assert len(drawn) == 6 * len(table.combinations)


def test_a_combination_names_every_choice():
    assert described(replace(CHOSEN, protocol="one budget")) == (
        "classifier: 10-20-50; budget: one budget; start of the ascent: v = 0; "
        "rows of the defense: own; reading of PGD: ball; points scored: test"
    )
