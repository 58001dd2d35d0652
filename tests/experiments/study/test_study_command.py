"""``python -m experiments.study``: what it runs, and the tables that it writes."""

import csv
import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from experiments.study import __main__ as command
from experiments.study import study_plan
from experiments.study.choosing import choose_on_halves
from experiments.study.misses import effects, study_table
from experiments.study.study_plan import EXPLORED, OTHERS
from experiments.tables.planning import ALL_PAIRS, CLASSIFIERS
from tests.experiments.study.made_up import CHOSEN, made_up


def accuracies(dataset, pair, points, attack, rows, start):
    """Some numbers that differ from cell to cell and from pair to pair."""
    cell = (dataset, points, attack, rows, start)
    return 50.0, 40.0 + sum(map(ord, "".join(cell))) % 40 + pair[0] + pair[1]


def read(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What the command asks the sweep for; its records are made up."""
    # Its tables go where it runs: never over those of the project.
    monkeypatch.chdir(tmp_path)
    seen = {}

    def run(groups, store, **options):
        seen.update(groups=groups, store=store, **options)
        config = groups[0].calibration
        kept = {one.calibration.dataset for one in groups}
        seeds = {one.calibration.seed for one in groups}
        return made_up(accuracies, pairs=config.pairs, datasets=kept, seeds=seeds)

    monkeypatch.setattr(study_plan, "run_study", run)
    return seen


def test_without_options_it_explores(asked):
    command.main(["--workers", "0"])
    assert str(asked["store"]) == "results/study"
    groups = asked["groups"]
    assert len(groups) == 2 * 2 * 2
    assert {one.network for one in groups} == {*CLASSIFIERS}
    assert {one.calibration.pairs for one in groups} == {EXPLORED}
    assert {one.calibration.seed for one in groups} == {50}
    assert (asked["source"], asked["device"]) == ("auto", "cpu")
    command.main(["--workers", "0", "--protocols", "one budget"])
    found = {one.calibration.protocol for one in asked["groups"]}
    assert (len(asked["groups"]), found) == (4, {"one budget"})


def test_the_tables_of_a_part_have_a_folder_of_their_own(asked, tmp_path):
    parts = ["--protocols", "one budget"], ["--datasets", "mnist"], ["--declared"]
    for arguments in ([], *parts):
        command.main(["--store", str(tmp_path), "--workers", "0", *arguments])
    assert {path.name for path in tmp_path.iterdir()} == {
        "tables-explored-50",
        "tables-one-budget-explored-50",
        "tables-mnist-explored-50",
        "tables-declared-explored-50",
    }


def test_all_pairs_are_judged_together_and_without_those_that_explored(asked, tmp_path):
    arguments = f"--store {tmp_path} --pairs all --seeds 60,61 --workers 0"
    command.main(arguments.split())
    assert {one.calibration.pairs for one in asked["groups"]} == {ALL_PAIRS}
    tables = tmp_path / "tables-all-60,61"
    runs = made_up(accuracies, pairs=ALL_PAIRS, seeds=(60, 61))
    for folder, pairs in ((tables, ALL_PAIRS), (tables / "others", OTHERS)):
        distances = [float(line[6]) for line in read(folder / "combinations.csv")[2:]]
        expected = np.sort(study_table(runs, pairs=pairs).distances)
        assert np.allclose(distances, expected, atol=0.006)
        assert distances == sorted(distances)
    assert read(tables / "combinations.csv") != read(
        tables / "others" / "combinations.csv"
    )


def test_the_tables_say_what_was_found(tmp_path):
    table = study_table(made_up(accuracies))
    command.write_tables(table, tmp_path / "deep" / "folder")
    head, paper, *lines = read(tmp_path / "deep" / "folder" / "combinations.csv")
    assert head == [
        *("network", "protocol", "start", "rows", "reading", "points", "distance"),
        *table.names,
    ]
    assert paper[7:] == [f"{number:.2f}" for number in table.printed]
    assert len(lines) == len(table.combinations) == 256
    best = table.order[0]
    assert lines[0][:6] == [
        getattr(table.combinations[best], name) for name in head[:6]
    ]
    assert lines[0][7:] == [f"{number:.2f}" for number in table.numbers[best]]
    moved = read(tmp_path / "deep" / "folder" / "effects.csv")
    assert [line[0] for line in moved[1:]] == [*effects(table)]
    halves = read(tmp_path / "deep" / "folder" / "halves.csv")
    found = choose_on_halves(table)
    assert [float(line[0]) for line in halves[1:]] == pytest.approx(
        found.chosen_on, abs=0.006
    )


def test_one_combination_has_nothing_to_choose_from(tmp_path):
    runs = made_up(accuracies, pairs=((0, 1), (2, 4), (3, 8), (4, 9)))
    command.write_tables(study_table(runs, [CHOSEN]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["combinations.csv"]


def test_too_few_pairs_have_no_halves(tmp_path):
    runs = made_up(accuracies, pairs=((0, 1), (2, 4)))
    command.write_tables(study_table(runs), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "combinations.csv",
        "effects.csv",
    ]


@pytest.mark.bad_input
def test_options_that_are_none_are_refused(asked, capsys):
    with pytest.raises(ValueError, match="pairs must be 'all' or like"):
        command.main(["--pairs", "some", "--workers", "0"])
    for name, value in (("networks", "10-20-50"), ("protocols", "one budget")):
        with pytest.raises(ValueError, match=rf"\['{name}'\] must be left to what"):
            command.main(["--declared", f"--{name}", value])
    with pytest.raises(SystemExit):
        command.main(["--source", "nowhere"])
    assert "invalid choice: 'nowhere'" in capsys.readouterr().err
    assert not asked


@pytest.mark.slow
def test_the_command_runs_from_images_to_tables(tmp_path):
    arguments = f"--store {tmp_path} --source embedded --datasets mnist"
    arguments += " --networks 10-20-50 --pairs 0-1,3-8"
    done = subprocess.run(
        [sys.executable, "-m", "experiments.study", *arguments.split()],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = read(tmp_path / "tables-10-20-50-mnist-0-1,3-8-50" / "combinations.csv")
    assert len(lines) == 2 + 2 * 64


def test_views_are_kept_beside_the_cells(asked, monkeypatch):
    seen = {}
    monkeypatch.setattr(command, "write_tables", lambda table, folder: None)
    monkeypatch.setattr(
        command,
        "load_or_compute",
        lambda runs, store, **options: seen.update(options, runs=runs, store=store),
    )
    command.main("--pairs all --seeds 61,60 --declared --workers 0".split())
    assert seen == {}
    command.main("--pairs all --seeds 61,60 --declared --views --workers 0".split())
    assert (str(seen["store"]), seen["source"]) == ("results/study", "auto")
    kept = {(one.classifier.dataset, one.classifier.classes) for one in seen["runs"]}
    assert kept == {*product(("mnist", "fashion-mnist"), ALL_PAIRS)}
    assert {one.classifier.seed for one in seen["runs"]} == {60}
