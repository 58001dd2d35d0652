"""The stored results: all there, read without the data, and not gone stale."""

from dataclasses import replace

import pytest

from experiments.store.record_files import load_record
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.table_2 import PairConfig, load_table_2
from paper_lib.evaluation import percents
from tests.regression.recomputed import ROOT, drawn

RECORDS = sorted((ROOT / "results" / "table2").glob("*.json"))
# Percentage points. Kernels of other processors move counts by a few in a thousand,
# and by more under the literal reading, which turns back at the boundary.
TOLERANCE = 0.5


def test_there_are_records():
    assert RECORDS


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_record_is_whole_and_named_after_its_settings(path):
    result = PairConfig.result(load_record(path))
    config = result.config

    assert path.name == config.record_name()
    assert len(result.curve) == len(config.budget_multiples)
    assert result.provenance.data["source"] == "torchvision"
    for reading in ("literal", "fixed-label", "ball"):
        rows = result.score.table_3(reading)
        assert percents(rows).keys() == PAPER_TABLE_2.keys()
        assert {row.total for row in rows} == {result.sizes["test"]}


def test_the_published_table_loads_every_record():
    runs = load_table_2(ROOT / "results" / "table2")
    names = [one.config.record_name() for results in runs.values() for one in results]
    assert sorted(names) == [path.name for path in RECORDS]
    assert [len(results) for results in runs.values()] == [5, 5, 1]


@pytest.mark.slow
@pytest.mark.fulldata
def test_a_record_drawn_by_the_commit_has_not_gone_stale():
    """Another record each commit, so that all are looked at in time."""
    record = load_record(drawn(RECORDS))
    stored = PairConfig.result(record)
    config = replace(stored.config, budget_multiples=())

    fresh = config.result(config.run())

    assert fresh.provenance.data == stored.provenance.data
    assert fresh.epsilon == pytest.approx(stored.epsilon, rel=0.01)
    for reading in stored.score.num_returned:
        expected = percents(stored.score.table_3(reading))
        found = percents(fresh.score.table_3(reading))
        for row, value in expected.items():
            assert found[row] == pytest.approx(value, abs=TOLERANCE), (reading, row)
