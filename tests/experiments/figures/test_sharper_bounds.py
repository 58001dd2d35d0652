"""Tables of bounds, read from stored records."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.figures.sharper_bounds import (
    better_of_two,
    bound_values,
    fit_table,
    goal_table,
    pair_name,
    reuse_table,
    validity_table,
)
from experiments.section5.bound_runs import SEARCH_10, BoundsConfig, FitBounds
from experiments.section5.reuse import Reuse, ReuseConfig
from experiments.section5.validity_runs import (
    BoundTest,
    ValidityConfig,
    ValidityRecord,
)
from experiments.store.record_files import load_record
from paper_lib.bounds import Bound

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def raw():
    """A stored record, as plain values."""
    (file,) = (ROOT / "results/generalization").glob("bounds-mnist-0-1-seed0-*.json")
    return load_record(file, schema=BoundsConfig.schema)


@pytest.fixture(scope="module")
def pair(raw):
    """The same, typed."""
    return BoundsConfig.result(raw)


def test_values_are_those_of_the_record(raw, pair):
    shown = {"a": (SEARCH_10, "Eq. (20)"), "b": ("compressed", "compression")}
    found = bound_values(pair.sizes, shown)
    assert found == {
        title: [one["fits"][fit]["bounds"][key]["value"] for one in raw["sizes"]]
        for title, (fit, key) in shown.items()
    }
    assert len(found["a"]) == len(raw["sizes"]) > 1
    (better,) = better_of_two(pair.sizes[-1:])
    fits = raw["sizes"][-1]["fits"]
    assert better == max(
        fits[fit]["coverage"] - fits[fit]["regrets"][key]["terms"]["below the coverage"]
        for fit, key in (
            ("compressed", "compression"),
            ("certified", "PAC-Bayes, center"),
        )
    )


def test_a_table_of_fits_has_a_line_for_each_bound(pair):
    last = pair.sizes[-1]
    header, _, sample, images, *lines = fit_table(last).splitlines()
    assert "fit for PAC-Bayes" in header
    assert header.count("|") == 3 + len(last.fits)
    assert sample.split(" | ")[2] == f"{next(iter(last.fits.values())).coverage:.3f}"
    assert images.startswith("| test images | measured | ")
    assert [line.split(" | ")[0][2:] for line in lines] == list(
        last.fits["compressed"].bounds
    )
    (at,) = [k for k, name in enumerate(last.fits) if name == SEARCH_10]
    by_name = {line.split(" | ")[0][2:]: line.split(" | ") for line in lines}
    assert by_name["Eq. (20)"][2 + at].rstrip(" |") == "none"
    assert by_name["compression"][2 + at].rstrip(" |") == ""


def test_pairs_that_reach_the_goal_are_counted_split_by_split(pair):
    other = replace(pair, config=replace(pair.config, classes=(1, 7)))
    second = replace(pair, config=replace(pair.config, seed=1))
    share = pair.sizes[-1].searched.coverage_test
    values = {
        "some": [share - 0.05, share - 0.20, share - 0.04],
        "all": [share + 0.1, share - 0.0999, share - 0.03],
    }
    table = goal_table([pair, other, second], values, within=0.1)
    head, _, *lines = table.splitlines()
    assert head == (
        "| bound | within 0.10, split 0 | within 0.10, split 1 | largest distance |"
    )
    assert lines == [
        "| some | 1 of 2 | 1 of 1 | 0.200 |",
        "| all | 2 of 2 | 1 of 1 | 0.100 |",
    ]


def came_of(**changes):
    """One test of a lower bound that held."""
    values = {
        "side": "lower",
        "confidence": 0.95,
        "failures": 3,
        "limit": 0.01,
        "is_rejected": False,
        "rejecting_factor": 0.5,
        "mean_observed": 0.9,
        "mean_value": 0.8,
        "mean_truth": 0.85,
    }
    return BoundTest(**{**values, **changes})


def test_bounds_hold_are_rejected_or_say_nothing():
    bounds = {
        "good": came_of(),
        "silent": came_of(mean_value=0.001, rejecting_factor=None),
        "wrong": came_of(is_rejected=True, failures=99),
        "regret": came_of(side="upper", mean_value=0.001),
    }
    config = ValidityConfig(kind="finite", dim=2, num_rows=100)
    table = validity_table(
        [ValidityRecord(config=config, provenance={}, bounds=bounds)]
    )
    start = "| finite, d = 2, n = 100 |"
    assert table.splitlines()[2:] == [
        f"{start} good | 0.800 | 0.850 | 3 | holds | 0.50 |",
        f"{start} silent | 0.001 | 0.850 | 3 | says nothing | not rejected |",
        f"{start} wrong | 0.800 | 0.850 | 99 | rejected | 0.50 |",
        f"{start} regret | 0.001 | 0.850 | 3 | holds | 0.50 |",
    ]


def fit(value, test):
    """A fit with both bounds at one value."""
    bound = Bound(
        value=value,
        side="lower",
        confidence=0.95,
        observed=0.9,
        method="some",
        holds_for="every v at once",
        assumptions=(),
        terms={},
    )
    bounds = {"PAC-Bayes": bound, "compression": bound}
    return FitBounds(coverage=0.9, coverage_test=test, bounds=bounds)


def test_reuse_says_whether_a_bound_applies_and_is_true():
    run = Reuse(
        config=ReuseConfig(num=300, random_labels=True),
        provenance={},
        num=300,
        num_test=2000,
        epsilon=1.5,
        trained_accuracy=1.0,
        fits={"ramp": fit(0.8, 0.5), "compressed": fit(0.4, 0.5)},
        fresh={"ramp": fit(0.4, 0.5), "compressed": fit(0.4, 0.5)},
    )
    assert pair_name(run.config) == "mnist 0-1"
    start = "| mnist 0-1 | 1.50 | 300 images by heart, labels tossed | 300, "
    same, fresh = "the same images", "fresh images"
    assert reuse_table([run]).splitlines()[2:] == [
        f"{start}{same} | ramp, PAC-Bayes | 0.900 | 0.800 | 0.500 | "
        "no guarantee: false |",
        f"{start}{same} | compressed, compression | 0.900 | 0.400 | 0.500 | "
        "no guarantee: true |",
        f"{start}{fresh} | ramp, PAC-Bayes | 0.900 | 0.400 | 0.500 | applies: true |",
        f"{start}{fresh} | compressed, compression | 0.900 | 0.400 | 0.500 | "
        "applies: true |",
    ]
    whole = replace(run, config=ReuseConfig(), fresh=None)
    assert len(reuse_table([whole]).splitlines()) == 4
    assert "| all images |" in reuse_table([whole])
