"""Figures in the text of the pages: each is what the stored records give."""

import csv
import re
from types import MappingProxyType

import jupytext
import numpy as np
import pytest
import yaml

from experiments.store.record_files import load_record
from experiments.tables.planning import (
    PRIMARY_READING,
    PRIMARY_SOLVER,
    parse_pairs,
    parse_seeds,
)
from experiments.tables.table_1 import cell_percents
from experiments.tables.table_2 import PairConfig

DATASETS = MappingProxyType({"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"})


@pytest.fixture(scope="module")
def text(root):
    """A page with every run of blanks as one, so that lines may break anywhere."""
    return lambda name: " ".join((root / "book" / name).read_text().split())


@pytest.fixture(scope="module")
def primary(table_1):
    """The primary runs of Table 1 at their own budget, by calibration."""
    return {one.group.calibration: one for one in table_1 if one.group.is_primary}


# --- how to reproduce --------------------------------------------------------------


@pytest.fixture(scope="module")
def moves(primary, table_1_batches):
    """What each cell of each run moves by, from the CPU to the GPU: seeds, pairs."""
    plays = [
        (attack, defense, "approximate")
        for attack in ("none", "FGM", f"PGD {PRIMARY_READING}")
        for defense in ("none", PRIMARY_SOLVER)
        if (attack, defense) != ("none", PRIMARY_SOLVER)  # no row of Table 1
    ]
    return {
        (name, *play): np.array(
            [
                cell_percents(one)[play]
                - cell_percents(primary[one.group.calibration])[play]
                for one in table_1_batches
                if one.dataset == name
            ]
        )
        for name in DATASETS
        for play in plays
    }


def test_what_moves_between_processors_is_what_the_records_say(text, moves):
    page = text("reproduce.md")
    assert sum(len(one.ravel()) for one in moves.values()) == 450 * 5
    most = {
        (name, bare): max(
            abs(gap).max()
            for key, gap in moves.items()
            if key[0] == name and (key[2] == "none") == bare
        )
        for name in DATASETS
        for bare in (True, False)
    }
    undefended = f"moves by up to {np.ceil(most['fashion-mnist', True]):.0f} points**"
    assert f"{undefended}, on Fashion-MNIST" in page
    assert f"; on MNIST by {most['mnist', True]:.0f}." in page
    largest = max(most[name, False] for name in DATASETS)
    assert f"far more, up to {np.ceil(largest):.0f} points.**" in page
    assert "agree within 1 point" in page
    assert max(np.percentile(abs(gap), 95) for gap in moves.values()) < 1.0
    assert max(np.median(abs(gap)) for gap in moves.values()) < 0.3
    far = sum(
        int((abs(gap) > 3).sum())
        for key, gap in moves.items()
        if key[1:3] == ("FGM", PRIMARY_SOLVER)
    )
    assert f"{far} runs of 450 moved by more than 3 points" in page
    by_seed = max(abs(gap.mean(axis=1)).max() for gap in moves.values())
    overall = max(abs(gap.mean()) for gap in moves.values())
    assert f"within {np.ceil(10 * by_seed) / 10:.1f} points for one seed" in page
    assert f"within {np.ceil(10 * overall) / 10:.1f} over five" in page


def test_every_notebook_with_parameters_has_a_line_that_runs_it(root, build_book):
    page = (root / "book" / "reproduce.md").read_text().replace("\\\n", " ")
    runs = re.findall(r"(?:\$RUN|build_book\.py run) book/(\w+)\.ipynb(.*)", page)
    notebooks = {
        script.stem: jupytext.read(script)
        for script in build_book.notebook_scripts(root / "book")
    }
    declared = {
        name for name, cells in notebooks.items() if build_book.parameter_names(cells)
    }
    assert {name for name, _ in runs} == declared
    for name, options in runs:
        given = re.findall(r"-p (\w+)", options)
        assert given
        build_book.check_parameters(notebooks[name], dict.fromkeys(given, True))


def test_settings_of_the_experiments_are_those_of_the_makefile(root):
    makefile = (root / "Makefile").read_text()
    page = (root / "book" / "reproduce.md").read_text()
    settings = set(re.findall(r"^([A-Z_]+) \?=", makefile, re.MULTILINE)) - {"PYTHON"}
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", page, re.MULTILINE))
    assert rows.keys() == settings | {"PAPER_LIB_DATA"}
    # What the page gives as examples is accepted, what it excludes is not.
    examples = {name: re.findall("`([^`]+)`", row) for name, row in rows.items()}
    assert set(examples["DATASET"]) == set(DATASETS)
    for pairs in examples["PAIRS"]:
        assert parse_pairs(pairs)
    assert parse_seeds("0,1,2,3,4") == (0, 1, 2, 3, 4)


@pytest.mark.bad_input
@pytest.mark.parametrize("pairs", ["3-3", "0-10", "0-1,0-1", "two"])
def test_pairs_that_the_page_excludes_are_refused(pairs):
    with pytest.raises(ValueError, match="pairs"):
        parse_pairs(pairs)


# --- the reading notes ---------------------------------------------------------------


@pytest.mark.parametrize("name", DATASETS)
def test_against_fgm_another_defense_does_better_than_the_ramp(name, text, primary):
    (result,) = (
        one
        for calibration, one in primary.items()
        if (calibration.dataset, calibration.seed) == (name, 0)
    )
    fits = [
        [score.defenses[solver].train_coverage for score in result.scores]
        for solver in ("fit_defense", PRIMARY_SOLVER)
    ]
    tests = [
        cell_percents(result)["FGM", solver, "approximate"]
        for solver in ("fit_defense", PRIMARY_SOLVER)
    ]
    fitted, unseen = (
        int((np.array(better) > np.array(ramp)).sum()) for better, ramp in (fits, tests)
    )
    title, page = DATASETS[name], text("reading_notes.md")
    before, after = (
        page.split("### The other side")[1]
        .split("### One name")[0]
        .split("Against FGM it leaves more")
    )
    for count, part in ((fitted, before), (unseen, after)):
        assert re.search(rf"{count} of 45 (?:pairs )?of {title}\b", part)
    assert np.mean(tests[0]) > np.mean(tests[1])


def test_clean_accuracy_is_what_the_note_says(text, primary):
    page = text("reading_notes.md")
    worst = {}
    for name in DATASETS:
        clean = np.array(
            [
                cell_percents(one)["none", "none", "approximate"]
                for calibration, one in primary.items()
                if calibration.dataset == name
            ]
        )
        assert clean.shape == (5, 45)
        worst[name] = 100 - clean.min()
    mean, spread = clean.mean(), clean.std(axis=1, ddof=1).mean()
    assert f"{mean:.1f} ({spread:.1f}) percent" in page
    assert f"up to {worst['mnist']:.1f} points on a pair of MNIST" in page
    assert f"up to {worst['fashion-mnist']:.1f} on a pair of Fashion-MNIST" in page


def test_clean_accuracy_under_the_declared_network_is_what_the_note_says(root, text):
    with (root / "results" / "table1.csv").open(newline="", encoding="utf-8") as file:
        (row,) = (
            row
            for row in csv.DictReader(file)
            if row["choice"] == "declared after the study"
            and row["dataset"] == "fashion-mnist"
            and (row["attack"], row["accuracy"]) == ("none", "approximate")
            and row["defense"] == "none"
        )
    said = f"{float(row['mean']):.1f} ({float(row['std']):.1f}) percent"
    assert f"{said} with the network that the study declared" in text(
        "reading_notes.md"
    )


@pytest.fixture(scope="module")
def promised(root):
    """For each run of Table 2: coverage of SMOOTH on test points, and f's accuracy."""
    found = []
    for path in sorted((root / "results" / "table2").glob("mnist-0-1-*.json")):
        score = PairConfig.result(load_record(path)).score
        (solver,) = score.defenses
        found.append(
            (
                score.cells["FGM", solver, "approximate"].percent,
                score.cells["PGD fixed-label", solver, "true"].percent,
            )
        )
    return np.array(found)


def test_an_attack_takes_f_below_what_coverage_promises(text, promised):
    gaps = promised[:, 0] - promised[:, 1]
    note = f"{gaps.min():.0f} to {gaps.max():.0f} points below the coverage"
    assert note in text("reading_notes.md")
    assert f"In all {len(gaps)} stored runs" in text("reading_notes.md")
    assert gaps.min() > 15


# --- the ledger ----------------------------------------------------------------------


def test_figures_of_the_ledger_are_those_of_the_notes(root, text):
    """A figure in a note of these entries stands on the page of reading notes too."""
    entries = yaml.safe_load((root / "book" / "claims.yml").read_text())
    notes = {entry["id"]: " ".join((entry["note"] or "").split()) for entry in entries}
    page = text("reading_notes.md")
    for name in ("table-1-other-side", "broader-impact"):
        figures = re.findall(r"\b\d+ (?:of 45|to \d+ points)", notes[name])
        assert figures, name
        assert [one for one in figures if one not in page] == []
