"""The stored study of Table 1: whole, and what the page says of it."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from experiments.figures.all_pairs.pair_checks import search_check, study_checks
from experiments.study.__main__ import write_tables
from experiments.study.combinations import Combination
from experiments.study.declared import DECLARED, FIRST_DECLARED, declared_groups
from experiments.study.misses import study_table
from experiments.study.own_rows import STARTS
from experiments.study.pair_views import pair_views
from experiments.study.study_plan import (
    EXPLORING_SEED,
    FRESH_SEEDS,
    OTHERS,
    QUANTILE,
    WIDE,
    load_study,
    study_groups,
)
from experiments.sweep.resume import load_or_compute
from experiments.tables.paper_numbers import PAPER_TABLE_1, PAPER_TABLE_2
from experiments.tables.planning import ALL_PAIRS
from tests.regression.recomputed import ROOT

STORE = ROOT / "results" / "study"
PLAYS = tuple(PAPER_TABLE_1["mnist"])[1:]


@cache
def explored():
    return study_table(load_study(study_groups(), STORE))


@cache
def as_declared():
    """The exploring runs of the declared network and budget, one a data set."""
    assert DECLARED is not None
    return load_study(
        study_groups(networks=(DECLARED.network,), protocols=(DECLARED.protocol,)),
        STORE,
    )


@cache
def declared():
    return load_study(declared_groups(), STORE)


def test_every_pair_is_there_with_three_seeds_that_nothing_else_uses():
    keys = {(run.group.calibration.dataset, run.key[3]) for run in declared()}
    assert keys == {(name, seed) for name in PAPER_TABLE_1 for seed in FRESH_SEEDS}
    assert len(FRESH_SEEDS) == 3
    assert not {*FRESH_SEEDS} & {*range(5), EXPLORING_SEED}
    for run in declared():
        assert run.group.calibration.pairs == ALL_PAIRS
        assert all(one.source == "torchvision" for one in run.results)


def test_exploring_crossed_every_choice():
    table = explored()
    assert len(table.combinations) == 2 * 2 * 4 * 2 * 4 * 2
    assert len({*table.combinations}) == len(table.combinations)
    assert DECLARED in table.combinations
    assert FIRST_DECLARED in table.combinations


@cache
def third():
    return load_study(study_groups(networks=(WIDE,), protocols=QUANTILE), STORE)


@cache
def every():
    """What was explored of all three networks."""
    return study_table([*load_study(study_groups(), STORE), *third()])


PUBLISHED = {
    "tables-explored-50": explored,
    "tables-declared-all-60,61,62": lambda: study_table(declared()),
    "tables-32-64-128-margin-quantile-explored-50": lambda: study_table(third()),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_tables_are_those_of_the_records(name, tmp_path):
    write_tables(PUBLISHED[name](), tmp_path)
    stored = STORE / name
    assert {path.name for path in stored.glob("*.csv")} == {
        path.name for path in tmp_path.iterdir()
    }
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (stored / path.name).read_bytes(), path.name


def test_what_is_declared_was_chosen_as_is_said():
    """Within half a point of the nearest, most goals met; the start needs no data."""
    table = explored()
    goals = np.array([4.0] * 16 + [8.0] * 8)
    met = (np.abs(table.misses) <= goals).sum(1)
    near = table.distances <= table.distances.min() + 0.5
    place = table.at(DECLARED)
    assert near[place]
    assert met[place] == met[near].max()
    best = [
        one
        for one, is_near, goals_met in zip(table.combinations, near, met, strict=True)
        if is_near and goals_met == met[place]
    ]
    assert (near.sum(), len(best)) == (16, 5)
    assert [one for one in best if one.start == "v = 0"] == [DECLARED]
    assert [one.start for one in best if one.rows == "FGM"] == ["search"]


def test_the_rule_as_written_would_have_chosen_the_third_network():
    """As the page says, with its distances and its goals met."""
    table = every()
    met = (np.abs(table.misses) <= np.array([4.0] * 16 + [8.0] * 8)).sum(1)
    near = table.distances <= table.distances.min() + 0.5
    assert {table.combinations[n].network for n in np.flatnonzero(near)} == {WIDE}
    chosen, declared_place = met[near].max(), table.at(DECLARED)
    page = " ".join((ROOT / "book" / "all_pairs.py").read_text().split("\n# "))
    least = table.distances.min(), explored().distances.min()
    assert f"was nearer ({least[0]:.1f} against {least[1]:.1f})" in page
    assert f"{chosen} goals met, the declared one {met[declared_place]}." in page
    seconds = [one.provenance.seconds / 60 for run in third() for one in run.results]
    assert (round(min(seconds)), round(max(seconds)), len(seconds)) == (5, 9, 20)
    assert "five to nine minutes for each of its twenty records" in page


def percent(record, cell, kind):
    """Read a cell of a record without the study's code."""
    points, *_ = cell
    for *names, true, approximate in record.cells:
        if tuple(names) == cell:
            kept = true if kind == "true" else approximate
            return 100 * kept / record.sizes[points]
    raise KeyError(cell)


def cell_of(play, combination: Combination):
    attack, defense = play
    named = combination.reading if attack == "PGD" else attack
    if defense == "none":
        return combination.points, named, "none", "none"
    rows = combination.rows if attack == "PGD" else "FGM"
    return combination.points, named, rows, combination.start


def test_the_goals_are_judged_as_the_page_does():
    found = study_table(declared(), [DECLARED])
    means, spreads = [], []
    for dataset in PAPER_TABLE_1:
        runs = [run for run in declared() if run.group.calibration.dataset == dataset]
        for play in PLAYS:
            cell = cell_of(play, DECLARED)
            values = [
                [percent(one, cell, "approximate") for one in run.results]
                for run in runs
            ]
            mean, spread = PAPER_TABLE_1[dataset][play]
            means.append(np.mean(values) - mean)
            spreads.append(np.std(values, axis=1, ddof=1).mean() - spread)
    cells = []
    for kind in ("true", "approximate"):
        for play in PLAYS:
            values = [
                percent(run.of[0, 1], cell_of(play, DECLARED), kind)
                for run in declared()
                if run.group.calibration.dataset == "mnist"
            ]
            cells.append(np.mean(values) - PAPER_TABLE_2[*play, kind])
    ours = [np.abs(part).max() for part in (means, spreads, cells)]
    checks = study_checks(found, explored())
    for check, worst, goal in zip(checks, ours, (4.0, 4.0, 8.0), strict=False):
        assert check.figure == f"worst {worst:.1f}"
        assert check.holds is bool(worst <= goal)


def test_no_combination_meets_every_goal():
    (*_, check) = study_checks(study_table(declared(), [DECLARED]), every())
    assert check.cases == 320
    assert check.holds is False
    goals = np.array([4.0] * 16 + [8.0] * 8)
    met = (np.abs(every().misses) <= goals).sum(1)
    assert check.figure == f"at most {met.max()} of 24"
    assert every().distances.min() > 8.0


def test_the_third_network_is_nearer_and_meets_fewer_goals():
    """As the page says: nearer to Table 2, further from Table 1."""
    goals = np.array([4.0] * 16 + [8.0] * 8)
    nearest, most, first, second = {}, {}, {}, {}
    for network in ("20-50-500", WIDE):
        own = [one.network == network for one in every().combinations]
        misses = np.abs(every().misses[own])
        best = every().distances[own].argmin()
        nearest[network] = every().distances[own].min()
        most[network] = (misses <= goals).sum(1).max()
        first[network], second[network] = misses[best, :16].max(), misses[best].max()
    assert nearest[WIDE] < nearest["20-50-500"]
    assert most[WIDE] < most["20-50-500"]
    assert second[WIDE] < second["20-50-500"]
    assert first[WIDE] > first["20-50-500"]
    place = every().at(
        replace(DECLARED, network=WIDE, rows="FGM")  # the nearest, as is "own"
    )
    assert every().distances[place] == nearest[WIDE]
    kept = [
        miss
        for name, miss in zip(every().names, every().misses[place], strict=True)
        if name.endswith(("FGM, SMOOTH, mean", "PGD, no defense, mean"))
    ]
    assert len(kept) == 4
    assert min(kept) > 4.0


def test_the_other_pairs_are_those_that_did_not_explore():
    assert len(OTHERS) == 35
    other = study_table(declared(), [DECLARED], OTHERS)
    whole = study_table(declared(), [DECLARED])
    # Means of the parts make the mean of the whole.
    means = whole.table_1[0].mean((0, -2)), other.table_1[0].mean((0, -2))
    ten = [ALL_PAIRS.index(pair) for pair in ALL_PAIRS if pair not in OTHERS]
    first = whole.table_1[0][..., ten, :].mean((0, -2))
    assert means[0] == pytest.approx((10 * first + 35 * means[1]) / 45)


def gains(dataset, attack):
    """What SMOOTH gives on each pair, the mean over seeds."""
    runs = [run for run in declared() if run.group.calibration.dataset == dataset]
    means = []
    for defense in ("SMOOTH", "none"):
        cell = cell_of((attack, defense), DECLARED)
        values = [
            [percent(one, cell, "approximate") for one in run.results] for run in runs
        ]
        means.append(np.mean(values, axis=0))
    return means[0] - means[1]


@pytest.mark.parametrize("dataset", PAPER_TABLE_1)
def test_smooth_helps_on_nearly_every_pair_under_the_declared_choice(dataset):
    assert (gains(dataset, "FGM") > 0).all()
    against_pgd = gains(dataset, "PGD")
    assert (against_pgd > 0).sum() >= 40
    assert against_pgd.mean() > 10


def test_the_search_fits_better_and_keeps_fewer_test_points():
    """The other side of the first claim, under the declared network and budget."""
    _, starts, search = STARTS
    fewer = 0
    for run in as_declared():
        fitted, kept = [], []
        for one in run.results:
            covered = one.coverages["FGM"]
            fitted.append(covered[search] - covered["v = 0"])
            cells = [("test", "FGM", "FGM", start) for start in ("v = 0", search)]
            first, other = (percent(one, cell, "approximate") for cell in cells)
            kept.append(other - first)
        assert min(fitted) > 0
        assert len(fitted) == 10
        fewer += sum(gain < 0 for gain in kept)
        assert np.mean(kept) < 0
        # The ascent from the mean normal ends where that from zero does, or near it.
        others = [
            abs(one.coverages["FGM"][starts] - one.coverages["FGM"]["v = 0"])
            for one in run.results
        ]
        assert max(others) < 0.005
    for page in ("claims.yml", "reading_notes.md", "all_pairs.py"):
        text = " ".join((ROOT / "book" / page).read_text().replace("\n#", "").split())
        said = rf"fewer (?:test points |labels than the ascent )?on {fewer}\b"
        assert re.search(said, text), page
    check = search_check(as_declared())
    assert (check.figure, check.holds) == ("more on 20", False)


def test_what_is_shown_of_each_pair_is_of_the_declared_combination():
    """The defense covers what the study's does, of the classifier at its budget."""
    (seed, *_) = FRESH_SEEDS
    views = load_or_compute(pair_views(declared()), STORE, compute=False)
    kept = {
        one.config.classifier: one
        for run in declared()
        if run.key[3] == seed
        for one in run.results
    }
    assert len(views) == len(kept) == 90
    for view in views:
        known = kept[view.config.classifier]
        assert view.config.epsilon == known.config.epsilon
        assert view.coverage == known.coverages["FGM"]["v = 0"]
        x, a, v = view.parts
        assert 0.0 <= x.min() < x.max() <= 1.0
        # FGM spends the budget, SMOOTH at most all of it; to the levels of a byte.
        assert a.norm() == pytest.approx(view.config.epsilon, rel=0.01)
        assert v.norm() <= 1.01 * view.config.epsilon
        # The image tells: FGM turns the tangent's sign, SMOOTH turns it back.
        f, moved, back = (view.label * one for one in view.tangent)
        assert f > 0 > moved
        assert back >= 0
        assert view.tangent[0] == pytest.approx(view.logits[0], abs=1e-5)
