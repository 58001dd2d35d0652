"""How far combinations are from the paper, on records with known numbers."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from experiments.study.combinations import BETTER, combinations_in
from experiments.study.misses import StudyTable, effects, study_table
from experiments.study.own_rows import READINGS
from experiments.tables.paper_numbers import PAPER_TABLE_1, PAPER_TABLE_2
from tests.experiments.study.made_up import CHOSEN, made_up

TWO = ((2, 4), (3, 8))
PAIRS = ((0, 1), *TWO)
PLAYS = [(a, d) for a in ("FGM", "PGD") for d in ("none", "SMOOTH")]
NUMBERS = [
    *product(("mnist", "fashion-mnist"), PLAYS, ("mean", "spread")),
    *product(["table 2"], PLAYS, ("true", "approximate")),
]


def play_of(attack, rows):
    return ("FGM" if attack == "FGM" else "PGD"), (
        "none" if rows == "none" else "SMOOTH"
    )


def as_printed(changed=None, by=0.0):
    """Accuracies whose means, spreads and cells are the paper's, but one of them."""

    def moved(number):
        return by if number == changed else 0.0

    def accuracies(dataset, pair, points, attack, rows, start):
        if attack == "none":
            return 99.0, 99.0
        if dataset == "mnist" and pair == (0, 1):
            play = play_of(attack, rows)
            return tuple(
                PAPER_TABLE_2[*play, kind] + moved(("table 2", play, kind))
                for kind in ("true", "approximate")
            )
        if pair == (0, 1):
            return 1.0, 1.0
        play = play_of(attack, rows)
        mean, spread = PAPER_TABLE_1[dataset][play]
        mean += moved((dataset, play, "mean"))
        spread += moved((dataset, play, "spread"))
        sign = 1.0 if pair == TWO[0] else -1.0
        # Of two numbers the standard deviation is their gap over the root of two.
        return 1.0, mean + sign * spread / 2**0.5

    return accuracies


def distance(combination, runs, pairs=None):
    """Measure how far one combination is from the paper."""
    return float(study_table(runs, [combination], pairs).distances[0])


def distance_of(accuracies, pairs=TWO, combination=CHOSEN, **choice):
    runs = made_up(accuracies, pairs=PAIRS, **choice)
    return distance(combination, runs, pairs)


def test_the_papers_own_numbers_are_at_distance_zero():
    assert distance_of(as_printed()) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: " ".join(map(str, n)))
def test_each_of_the_24_numbers_counts(number):
    by = 2.5 if number[2] != "spread" else 1.5
    assert len(NUMBERS) == 24
    assert distance_of(as_printed(number, by)) == pytest.approx(by, abs=1e-4)
    assert distance_of(as_printed(number, -by)) == pytest.approx(by, abs=1e-4)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (("fashion-mnist", PLAYS[3], "mean"), "fashion-mnist: PGD, SMOOTH, mean"),
        (("mnist", PLAYS[2], "spread"), "mnist: PGD, no defense, spread"),
        (("table 2", PLAYS[1], "true"), "0-1: FGM, SMOOTH, true"),
    ],
)
def test_a_miss_has_the_name_of_its_number_and_a_sign(number, name):
    runs = made_up(as_printed(number, -3.0), pairs=PAIRS)
    table = study_table(runs, [CHOSEN], TWO)
    found = dict(zip(table.names, table.misses[0], strict=True))
    assert len(found) == 24
    assert found.pop(name) == pytest.approx(-3.0, abs=1e-4)
    assert max(map(abs, found.values())) < 1e-4


def test_numbers_are_means_over_seeds_of_those_of_each():
    """Two seeds that miss in opposite directions meet the paper together."""
    up, down = (
        as_printed(("mnist", ("PGD", "none"), "mean"), by) for by in (3.0, -3.0)
    )
    both = (
        *made_up(up, pairs=PAIRS, seeds=(60,)),
        *made_up(down, pairs=PAIRS, seeds=(61,)),
    )
    assert distance(CHOSEN, both, TWO) == pytest.approx(0.0, abs=1e-4)


CELL = ("dataset", "pair", "points", "reading", "rows", "start")


@pytest.mark.parametrize(
    ("field", "other"),
    [("start", "mean normal"), ("reading", "literal"), ("points", "trained")],
)
def test_a_combination_reads_the_cells_of_its_own_choices(field, other):
    """Spoiling those of one choice leaves every other as it was."""

    def spoiled(*cell):
        is_other = cell[CELL.index(field)] == other
        return (0.0, 0.0) if is_other else as_printed()(*cell)

    runs = made_up(spoiled, pairs=PAIRS)
    assert distance(CHOSEN, runs, TWO) < 1e-4
    assert distance(replace(CHOSEN, **{field: other}), runs, TWO) > 30.0


def test_fgm_is_met_with_the_rows_of_equation_7_and_pgd_with_those_asked_for():
    def spoiled(*cell):
        _, _, _, attack, rows, _ = cell
        is_other = rows == "FGM" and attack != "FGM"
        return (0.0, 0.0) if is_other else as_printed()(*cell)

    runs = made_up(spoiled, pairs=PAIRS)
    assert distance(CHOSEN, runs, TWO) < 1e-4
    assert distance(replace(CHOSEN, rows="FGM"), runs, TWO) > 30.0


@pytest.mark.parametrize(
    ("field", "other"), [("network", "20-50-500"), ("protocol", "one budget")]
)
def test_a_combination_reads_the_runs_of_its_own_choices(field, other):
    good = made_up(as_printed(), pairs=PAIRS)
    bad = made_up(lambda *cell: (0.0, 0.0), pairs=PAIRS)
    runs = [
        spoiled if other in kept.key else kept
        for kept, spoiled in zip(good, bad, strict=True)
    ]
    assert distance(CHOSEN, runs, TWO) < 1e-4
    assert distance(replace(CHOSEN, **{field: other}), runs, TWO) > 30.0


def test_the_better_start_is_read_where_both_are_asked_for():
    def accuracies(*cell):
        return (0.0, 0.0) if cell[-1] == "v = 0" else as_printed()(*cell)

    both = replace(CHOSEN, start=BETTER)
    for first, near in ((0.4, True), (0.6, False)):
        runs = made_up(accuracies, pairs=PAIRS, ramps={"v = 0": first})
        assert (distance(both, runs, TWO) < 1e-4) is near


def test_every_combination_of_the_factors_is_listed_once():
    runs = made_up(as_printed(), pairs=PAIRS)
    found = combinations_in(runs)
    assert len(found) == len(set(found)) == 2 * 2 * 4 * 2 * 4 * 2
    assert CHOSEN in found
    assert {one.reading for one in found} == set(READINGS)
    only = made_up(as_printed(), pairs=PAIRS, starts=("search",), points=("test",))
    assert {(one.start, one.points) for one in combinations_in(only)} == {
        ("search", "test")
    }


def test_the_nearest_combination_comes_first():
    def accuracies(*cell):
        near = cell[2:4] == ("test", "ball") or cell[3] in ("FGM", "none")
        return as_printed()(*cell) if near else (0.0, 0.0)

    table = study_table(made_up(accuracies, pairs=PAIRS), pairs=TWO)
    best = [table.combinations[place] for place in table.order[:32]]
    assert {(one.reading, one.points) for one in best} == {("ball", "test")}
    distances = table.distances[table.order]
    assert (np.diff(distances) >= 0).all()
    assert distances[0] < 1e-4 < distances[-1]


def test_one_data_set_without_0_against_1_has_the_numbers_it_has():
    runs = made_up(as_printed(), pairs=TWO, datasets=("mnist",))
    table = study_table(runs, [CHOSEN])
    assert table.numbers.shape == (1, 8) == (1, len(table.names))
    assert table.distances[0] < 1e-4


@pytest.mark.bad_input
def test_what_runs_lack_is_no_number():
    runs = made_up(as_printed(), pairs=PAIRS)
    with pytest.raises(KeyError):
        distance(replace(CHOSEN, network="32-64-128"), runs)
    with pytest.raises(ValueError, match="pairs must be two at least"):
        distance(CHOSEN, runs, TWO[:1])


def additive(sizes):
    """A table whose numbers are sums of what each choice adds."""
    base = study_table(made_up(as_printed(), pairs=PAIRS), pairs=TWO)
    shift = np.array(
        [
            sum(sizes.get((name, getattr(one, name)), 0.0) for name in FIELDS)
            for one in base.combinations
        ]
    )
    return replace(base, table_1=base.table_1 + shift[:, None, None, None, None, None])


FIELDS = ("network", "protocol", "start", "rows", "reading", "points")


def test_an_effect_is_the_range_of_what_a_factor_adds():
    table = additive({("reading", "ball"): 5.0, ("points", "trained"): -2.0})
    found = effects(table)
    assert list(found) == list(FIELDS)
    means = [place for place, name in enumerate(table.names) if "mean" in name]
    others = [place for place in range(24) if place not in means]
    assert np.allclose(found["reading"][means], 5.0)
    assert np.allclose(found["points"][means], 2.0)
    for name in FIELDS:
        rest = found[name] if name not in ("reading", "points") else found[name][others]
        assert np.allclose(rest, 0.0, atol=1e-4)


def test_a_factor_of_one_choice_has_no_effect():
    runs = made_up(as_printed(), pairs=PAIRS, networks=("10-20-50",))
    assert "network" not in effects(study_table(runs))


def test_a_part_of_the_pairs_has_nothing_of_table_2():
    table = study_table(made_up(as_printed(), pairs=PAIRS), [CHOSEN], PAIRS)
    part = table.on([1, 2])
    assert isinstance(part, StudyTable)
    assert part.pairs == TWO
    assert part.numbers.shape == (1, 16)
    assert np.allclose(part.numbers, part.printed, atol=1e-4)


def test_a_combination_is_found_again():
    table = study_table(made_up(lambda *_: (50.0, 60.0), pairs=PAIRS))
    for place in (0, 7, len(table.combinations) - 1):
        assert table.at(table.combinations[place]) == place
    with pytest.raises(KeyError, match=r"must be in the table, got .*vgg"):
        table.at(replace(CHOSEN, network="vgg"))
