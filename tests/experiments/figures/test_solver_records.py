"""Stored runs of the solvers are read whole."""

from pathlib import Path

import pytest

from experiments.figures.solver_records import (
    FollowedPath,
    LongSearch,
    load_benchmark,
    load_budget_images,
    load_comparisons,
    load_curves,
)
from experiments.store.record_files import load_record

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def comparisons():
    return load_comparisons(ROOT / "results/defense")


def test_comparisons_are_in_order_and_hold_their_records(comparisons):
    names = [one.name for one in comparisons]
    assert names[0] == "fashion-mnist 0-6, 1"
    assert names.index("mnist 0-1, 0.7") < names.index("mnist 0-1, 1")
    folder = ROOT / "results/defense"
    assert len(names) == len(list(folder.glob("*.json"))) - len(
        list(folder.glob("*-path*.json"))
    )
    one = comparisons[names.index("mnist 0-1, 1")]
    raw = load_record(
        folder / "mnist-0-1-1.json", schema="paper-lib/defense-comparison/1"
    )
    counts = {name: found["count"] for name, found in raw["methods"].items()}
    assert {name: found.count for name, found in one.methods.items()} == counts
    assert one.best == max(counts.values())
    bound = raw["bounds"]["moments"]["count"]
    assert one.gap("moments") == bound - one.best
    assert one.percent(bound) == 100 * bound / raw["instance"]["rows"]
    assert one.bounds["moments"].verified is True


def test_curves_are_by_pair():
    curves = load_curves(ROOT / "results/defense")
    assert [one.instance.pair for one in curves] == ["mnist 0-1", "mnist 2-4"]
    for curve in curves:
        assert all(at.lower <= at.upper for at in curve.points)
        assert [at.multiple for at in curve.points] == sorted(
            at.multiple for at in curve.points
        )


def test_images_are_in_the_order_of_the_curves():
    folder = ROOT / "results/defense"
    rows = load_budget_images(folder)
    assert [len(row) for row in rows] == [20] * 4
    raw = load_record(
        folder / "mnist-2-4-path-images.json", schema="paper-lib/defense-comparison/1"
    )
    assert rows[2][7] == raw["points"][7]["ramp"]["levels"]
    assert rows[3][19] == raw["points"][19]["lower"]["levels"]


def test_benchmarks_are_typed():
    found = load_benchmark(
        str(ROOT / "results/search_600s.json"), LongSearch, "Quality", "instances"
    )
    assert all(one.best >= one.counts["ours"] for one in found)
    assert len(found) == 16
    paths = load_benchmark(
        str(ROOT / "results/path_budgets.json"), FollowedPath, "Path", "pairs"
    )
    assert [len(one.gains) for one in paths] == [20] * 5


def test_rows_gained_and_lost_are_told_apart():
    path = FollowedPath(
        name="some",
        rows=10,
        gains=(0, -2, 1, -1),
        ratio=2.0,
    )
    assert path.off(-1) == "2, at most 2 rows"
    assert path.off(1) == "1, at most 1 rows"
