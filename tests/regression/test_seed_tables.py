"""The tables of the page on zeros against ones, against the records themselves."""

import json
from pathlib import Path
from statistics import mean

import pytest

from experiments.figures.mnist_0_against_1 import (
    dead_zone_table,
    origin_table,
    outside_table,
    reading_table,
    seed_goal_table,
)
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.table_2 import PairConfig
from paper_lib.attacks import PGD_READINGS
from tests.experiments.figures.drawn import cells_of

STORE = Path(__file__).resolve().parents[2] / "results" / "table2"
SOLVER = "ramp, raw rows"


@pytest.fixture(scope="module")
def runs():
    """Records by the width of the hidden layer, seeds in order."""
    found = {"20-50-500": [], "10-20-50": []}
    for path in STORE.glob("mnist-0-1-seed*.json"):
        record = json.loads(path.read_text())
        if record["config"]["solver"] == SOLVER:
            wide = record["config"]["train"]["hidden"] == 500
            found["20-50-500" if wide else "10-20-50"].append(record)
    for records in found.values():
        records.sort(key=lambda record: record["config"]["seed"])
        assert [record["config"]["seed"] for record in records] == list(range(5))
    return found


def typed(runs):
    return {name: list(map(read, records)) for name, records in runs.items()}


def read(record):
    unsigned = {name: part for name, part in record.items() if name != "sha256"}
    return PairConfig.result(unsigned)


def percent(record, reading, cell):
    attack, defense, kind = cell
    stored = (
        f"PGD {reading}" if attack == "PGD" else attack,
        SOLVER if defense == "SMOOTH" else defense,
        kind,
    )
    counts = {tuple(row[:3]): row[3] for row in record["score"]["rows"]}
    return 100 * counts[stored] / record["sizes"]["test"]


def test_goals_are_judged_seed_by_seed(runs):
    lines = {line[0]: line[1:] for line in cells_of(seed_goal_table(typed(runs)))}
    for name, records in runs.items():
        for attack, goal in (("FGM", 5), ("PGD", 8)):
            cell = (attack, "SMOOTH", "approximate")
            gaps = [
                percent(record, "literal", cell) - PAPER_TABLE_2[cell]
                for record in records
            ]
            assert lines[f"{name}: {attack}, SMOOTH"] == [
                ", ".join(f"{gap:+.1f}" for gap in gaps),
                str(goal),
                f"{sum(abs(gap) <= goal for gap in gaps)} of 5",
            ]
    # What the ledger says of the declared classifier, and the page of the other.
    assert lines["20-50-500: FGM, SMOOTH"][2] == "5 of 5"
    assert lines["20-50-500: PGD, SMOOTH"][2] == "5 of 5"
    assert lines["10-20-50: FGM, SMOOTH"][2] == "2 of 5"


def test_every_reading_stands_beside_the_paper(runs):
    for name, records in runs.items():
        lines = cells_of(reading_table(name, typed(runs)[name]))
        for line, (cell, printed) in zip(lines, PAPER_TABLE_2.items(), strict=True):
            assert line[1] == f"{printed:.1f}"
            for text, reading in zip(line[2:], PGD_READINGS, strict=True):
                values = [percent(record, reading, cell) for record in records]
                span = f"[{min(values):.1f}, {max(values):.1f}]"
                assert text == f"{mean(values):.1f} {span}"
    alone = cells_of(reading_table("one", typed(runs)["10-20-50"][:1]))
    assert not any("[" in cell for line in alone for cell in line)


def test_cells_outside_the_seeds_are_named(runs):
    lines = {line[0]: line[1:] for line in cells_of(outside_table(typed(runs)))}
    for name, records in runs.items():
        for reading in PGD_READINGS:
            inside = 0
            for cell, printed in PAPER_TABLE_2.items():
                values = [percent(record, reading, cell) for record in records]
                inside += min(values) <= printed <= max(values)
            within, named = lines[f"{name}, {reading}"]
            assert within == f"{inside} of 10"
            assert named.count(";") + 1 == 10 - inside
            # What the page says: below the paper's at every seed.
            assert "true FGM, SMOOTH" in named


def test_origins_and_the_end_of_the_ascent(runs):
    lines = cells_of(origin_table(typed(runs)))
    assert [line[0] for line in lines] == [
        f"{name}, seed {seed}" for name in runs for seed in range(5)
    ]
    curve = runs["20-50-500"][0]["curve"]
    ends = cells_of(dead_zone_table(typed(runs)["20-50-500"][0].curve, "literal"))
    assert len(ends) == len(curve) == 8
    for line, point in zip(ends, curve, strict=True):
        found = point["defenses"][SOLVER]
        assert line[2:] == [
            str(found["steps"]),
            "yes" if found["in_dead_zone"] else "no",
        ]
        share = 100 * found["test_coverage"] / runs["20-50-500"][0]["sizes"]["test"]
        assert line[1] == f"{share:.1f}"
