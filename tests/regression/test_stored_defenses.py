"""The stored comparison of defenses, computed again for one instance."""

import itertools
import math
from base64 import b64decode
from pathlib import Path

import pytest

from benchmarks import defense, quality
from benchmarks.instances import real_instance, real_instances
from experiments.figures import the_algorithm
from experiments.store.record_files import load_record
from paper_lib.defense import maximize_coverage, ramp_ascent, upper_bound

FOLDER = Path(__file__).resolve().parents[2] / "results" / "defense"
SCHEMA = "paper-lib/defense-comparison/1"
RECORDS = sorted(path for path in FOLDER.glob("*.json") if "path" not in path.stem)
PATHS = sorted(FOLDER.glob("*-path.json"))


def test_there_is_a_record_of_every_instance():
    names = {f"{d}-{c[0]}-{c[1]}-{m:g}" for d, c, m in real_instances()}
    assert {path.stem for path in RECORDS} == names
    assert len(PATHS) == 2


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_keeps_the_order_of_its_bounds(path):
    record = load_record(path, schema=SCHEMA)
    counts = {name: found["count"] for name, found in record["methods"].items()}
    bounds = record["bounds"]
    assert max(counts.values()) == counts["search"]
    assert counts["search"] <= bounds["moments"]["count"] < bounds["pairs"]["count"]
    assert bounds["moments"]["verified"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_path_keeps_its_order_at_every_budget(path):
    points = load_record(path, schema=SCHEMA)["points"]
    assert len(points) == 20
    for point in points:
        assert point["ramp"] <= point["lower"] <= point["upper"] <= 1.0
    # A bound at one budget does not speak of another, but coverage falls.
    assert all(one["lower"] >= two["lower"] for one, two in itertools.pairwise(points))


def test_images_are_of_what_the_paths_say():
    for path in PATHS:
        points = load_record(path, schema=SCHEMA)["points"]
        record = load_record(path.with_stem(f"{path.stem}-images"), schema=SCHEMA)
        assert len(record["points"]) == len(points)
        for point, image in zip(points, record["points"], strict=True):
            assert image["epsilon"] == point["epsilon"]
            for name in ("ramp", "lower"):
                assert image[name]["coverage"] == point[name]
                levels = b64decode(image[name]["levels"])
                assert len(levels) == 28 * 28
                assert max(abs(level - 128) for level in levels) == 127


@pytest.mark.fulldata
def test_one_record_comes_out_again():
    """Within a few rows: other processors train other weights."""
    path = FOLDER / "mnist-1-7-0.7.json"
    record = load_record(path, schema=SCHEMA)
    instance = real_instance("mnist", (1, 7), 0.7)
    counts = record["methods"]
    found = maximize_coverage(instance.sets, method="search")
    # A hundredth of the rows: the weights differ between kernels, not the method.
    allowed = 0.01 * record["instance"]["rows"]
    rows = record["instance"]["rows"]
    assert abs(rows * found.coverage - counts["search"]["count"]) <= allowed
    ramp = ramp_ascent(instance.sets)
    assert abs(rows * ramp.coverage - counts["ramp, raw rows"]["count"]) <= allowed
    held = instance.holdout.coverage(found.perturbation)
    assert math.isclose(held, counts["search"]["holdout"], abs_tol=0.01)
    certificate = upper_bound(
        instance.sets, None, max_nodes=31, start=found.perturbation
    )
    assert certificate.verify(instance.sets)
    assert record["bounds"]["moments"]["count"] - allowed <= certificate.upper_count
    assert certificate.upper_count < record["bounds"]["pairs"]["count"]


def test_ten_minutes_of_search_add_little_to_the_defaults():
    record = load_record(
        FOLDER.parent / "search_600s.json", schema="paper-lib/benchmark/1"
    )
    found = record["Quality"]["instances"]
    assert [one["name"] for one in found] == [
        f"{dataset} {first}-{second}, {multiple:g}"
        for dataset, (first, second), multiple in real_instances()
    ]
    for one in found:
        counts = one["counts"]
        assert one["rows"] == 4000
        assert counts["polished"] <= counts["ours"] <= one["best"]
        assert counts["ours"] > max(counts["ramp"], counts["ramp, unit rows"])
        assert one["best"] - counts["ours"] <= 0.001 * one["rows"]
        assert one["distance"] == pytest.approx((one["best"] - counts["ours"]) / 40)
        assert 500.0 < one["search_seconds"] <= 660.0
        assert one["time_ratio"] <= 2.0
        assert one["repeats"]


def test_the_stored_path_is_of_the_benchmark_and_adds_up():
    record = load_record(
        FOLDER.parent / "path_budgets.json", schema="paper-lib/benchmark/1"
    )
    found = record["Path"]["pairs"]
    assert [one["name"] for one in found] == [
        f"{dataset} {first}-{second}" for dataset, (first, second) in defense.PATH_PAIRS
    ]
    for one in found:
        pairs = zip(one["path_counts"], one["single_counts"], strict=True)
        assert one["gains"] == [mine - other for mine, other in pairs]
        assert len(one["multiples"]) == defense.NUM_BUDGETS == len(one["gains"])
        assert one["ratio"] == pytest.approx(
            one["path_seconds"] / one["single_seconds"]
        )
        # A path may lose rows where it anneals into another maximum, and not many.
        assert one["rows"] == 4000
        assert min(one["gains"]) >= -0.01 * one["rows"]
    assert any(gain < 0 for one in found for gain in one["gains"])


def test_the_page_judges_by_the_aims_of_the_benchmark():
    ours = the_algorithm.GAIN_AIM, the_algorithm.DISTANCE_AIM, the_algorithm.TIME_AIM
    assert ours == (quality.GAIN, quality.DISTANCE, quality.TIME_RATIO)
    assert the_algorithm.PATH_AIM == defense.PATH_AIM
