"""The plan of the study, its sweep, and what is declared."""

import json
import random
from dataclasses import replace

import pytest

from experiments.study import study_plan
from experiments.study.combinations import BETTER, Combination
from experiments.study.declared import declared_groups
from experiments.study.misses import study_table
from experiments.study.study_plan import (
    EXPLORED,
    EXPLORING_SEED,
    FRESH_SEEDS,
    NETWORKS,
    OTHERS,
    load_study,
    run_study,
    study_groups,
)
from experiments.sweep.runner import SweepError, process_pool
from experiments.tables.example_network import ExampleConfig
from experiments.tables.planning import ALL_PAIRS, CLASSIFIERS
from paper_lib.models import TrainConfig
from tests.experiments.killed import is_killed, records_in

TINY = {
    "tiny": TrainConfig(channels=(2, 3), hidden=6, learning_rate=0.01, epochs=3),
    "tiny example": ExampleConfig(channels=(2, 3), hidden=6, epochs=1),
}
CHOICE = {
    "networks": tuple(TINY),
    "datasets": ("mnist",),
    "pairs": ((0, 1), (3, 8)),
    "num_fit": 100,
    "num_own": 30,
    "num_trained": 30,
    "readings": ("ball",),
    "starts": ("v = 0", "mean normal"),
}


@pytest.fixture(scope="module")
def groups():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_plan, "NETWORKS", TINY)
        return study_groups(**CHOICE)


@pytest.fixture(scope="module")
def result(groups, tmp_path_factory):
    store = tmp_path_factory.mktemp("study")
    return store, run_study(groups, store, source="embedded")


def stored(store):
    """Every record of a store without its seconds, under its name."""
    found = {}
    for path in store.glob("*.json"):
        record = json.loads(path.read_text())
        record.pop("sha256")
        record.get("provenance", {}).pop("seconds", None)
        found[path.name] = record
    return found


def test_ten_pairs_explore_and_the_seeds_are_used_for_nothing_else():
    assert len(EXPLORED) == 10
    assert len(OTHERS) == 35
    assert {*EXPLORED, *OTHERS} == {*ALL_PAIRS}
    assert EXPLORING_SEED not in FRESH_SEEDS
    assert len(set(FRESH_SEEDS)) == 3
    assert not {EXPLORING_SEED, *FRESH_SEEDS} & set(range(5))  # those of Table 1


def test_every_factor_of_the_runs_is_crossed():
    found = study_groups(networks=NETWORKS, seeds=(1, 2))
    assert len(found) == len(set(found)) == 3 * 2 * 2 * 2
    assert [*NETWORKS] == [*CLASSIFIERS, "32-64-128"]
    assert {one.calibration.pairs for one in found} == {EXPLORED}
    wide = [one for one in found if one.network == "32-64-128"]
    assert {type(one.calibration.train) for one in wide} == {ExampleConfig}
    (config, *_), epsilon = wide[0].scores([2.0] * 10), 2.0
    assert config.epsilon == epsilon
    assert config.classifier.classes == EXPLORED[0]
    assert len(config.readings) == 4
    assert config.classifier.num_fit == 4000


def test_the_budgets_are_those_of_the_protocols(result):
    _, runs = result
    for run in runs:
        shared = run.group.calibration.protocol == "one budget"
        budgets = run.calibration.budgets
        assert (len({*budgets}) == 1) is shared
        configs = [one.config.epsilon for one in run.results]
        assert configs == [*budgets]


def test_training_is_shared_by_all_cells_of_a_network(result):
    store, _ = result
    assert len([*(store / ".cache").glob("*.safetensors")]) == 2 * 2
    assert len([*store.glob("mnist-*.json")]) == 2 * 2 * 2
    assert len([*store.glob("budgets-*.json")]) == 2 * 2


def test_workers_give_the_same_records(groups, result, tmp_path):
    store, _ = result
    few = [one for one in groups if one.network == "tiny example"][:1]
    with process_pool(1) as pool:
        run_study(few, tmp_path, executor=pool, source="embedded")
    assert stored(tmp_path).items() <= stored(store).items()


def test_what_is_missing_is_computed_and_the_rest_is_not(
    groups, result, tmp_path, monkeypatch
):
    store, _ = result

    def fail(run, trained, site):
        if run[0].classifier.classes == (3, 8):
            raise OSError("disk quota exceeded")
        return scored(run, trained, site)

    scored = study_plan.study_pairs
    failing = replace(study_plan.STAGES, score=fail)
    monkeypatch.setattr(study_plan, "STAGES", failing)
    with pytest.raises(SweepError, match=r"4 of 8 .*mnist 3-8 seed 50.*disk quota"):
        run_study(groups, tmp_path, source="embedded")
    assert load_study(groups, tmp_path, source="embedded") == ()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert len(kept) == 4 + 4
    monkeypatch.undo()
    # Nothing is trained again.
    scoring = replace(study_plan.STAGES, train=fail)
    monkeypatch.setattr(study_plan, "STAGES", scoring)
    run_study(groups, tmp_path, source="embedded")
    assert stored(tmp_path) == stored(store)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_complete_groups_are_loaded_and_nothing_is_computed(groups, result):
    store, runs = result
    found = load_study(groups, store, source="embedded")
    assert [one.results for one in found] == [one.results for one in runs]
    table = study_table(found)
    assert len(table.combinations) == 2 * 2 * 3 * 2 * 2
    assert table.numbers.shape == (48, 16)


@pytest.mark.slow
def test_studies_killed_at_random_moments_end_like_an_undisturbed_one(
    groups, result, tmp_path
):
    store, _ = result
    draw, left, target, killed = random.Random(0), set(), tmp_path / "first", 0
    while killed < 10:
        if is_killed(run_study, groups, target, draw):
            killed += 1
            left.add(records_in(target))
        else:
            target = tmp_path / f"killed{killed}"
    run_study(groups, target, source="embedded")
    assert stored(target) == stored(store)
    assert not [*target.glob(".saving-*")]
    assert len(left) > 2  # it was stopped at different places


CHOSEN = Combination(
    network="20-50-500",
    protocol="margin quantile",
    start=BETTER,
    rows="own",
    reading="fixed-label, ball",
    points="trained",
)


def test_what_is_declared_is_run_alone_with_fresh_seeds():
    groups = declared_groups(CHOSEN)
    assert len(groups) == 3 * 2
    assert {one.calibration.seed for one in groups} == {*FRESH_SEEDS}
    for one in groups:
        assert one.calibration.pairs == ALL_PAIRS
        assert (one.network, one.calibration.protocol) == ("20-50-500", CHOSEN.protocol)
        config = one.scores([1.0] * 45)[0]
        assert config.starts == ("v = 0", "mean normal")
        assert (config.readings, config.points) == ((CHOSEN.reading,), ("trained",))
        assert config.rows == ("own",)
    search = declared_groups(replace(CHOSEN, start="search"))
    assert search[0].scores([1.0] * 45)[0].starts == ("search",)


def test_what_is_declared_has_all_cells_that_it_asks_for(tmp_path, monkeypatch):
    monkeypatch.setattr(study_plan, "NETWORKS", {"20-50-500": TINY["tiny"]})
    few = {name: CHOICE[name] for name in ("datasets", "pairs", "num_fit", "num_own")}
    groups = declared_groups(CHOSEN, seeds=(60,), num_trained=30, **few)
    runs = run_study(groups, tmp_path, source="embedded")
    assert study_table(runs, [CHOSEN]).numbers.shape == (1, 16)


@pytest.mark.bad_input
def test_nothing_is_judged_before_something_is_declared():
    with pytest.raises(ValueError, match="DECLARED must be a combination, got None"):
        declared_groups(None)


@pytest.mark.bad_input
def test_a_network_without_a_name_is_refused():
    with pytest.raises(KeyError, match="vgg"):
        study_groups(networks=("vgg",))
