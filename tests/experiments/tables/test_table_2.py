"""One pair from images to a record, and the store that keeps it."""

import copy
import dataclasses
import json
import os
import re

import pytest
import torch

from experiments.store import record_files as store
from experiments.store.pair_settings import Site
from experiments.store.record_files import from_plain, load_record, save_record
from experiments.sweep.resume import load_or_compute
from experiments.sweep.runner import SweepError
from experiments.tables.classifiers import fit_points, train_pair
from experiments.tables.points import linearize_pair
from experiments.tables.results import DefenseResult, Scores
from experiments.tables.scoring import score_pair
from experiments.tables.table_2 import PairConfig
from paper_lib.attacks import PGD_READINGS, fgm
from paper_lib.data import load_pair
from paper_lib.defense import RampConfig, ramp_ascent
from paper_lib.evaluation import PLAYS
from paper_lib.evaluation.scores import TableRow
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig
from paper_lib.robust_sets import RobustSets

EMBEDDED = Site(source="embedded")
TINY = PairConfig(
    train=TrainConfig(channels=(2, 3), hidden=4, batch_size=32),
    ramp_steps=5,
    primary="fixed-label",
    budget_multiples=(0.5, 1.0),
)


@pytest.mark.bad_input
@pytest.mark.parametrize("defenses", [(), ("a", "b")])
def test_a_table_of_none_or_two_defenses_is_refused(defenses):
    found = scores(defenses=dict.fromkeys(defenses, FITTED), rows=())
    names = re.escape(str(list(defenses)))
    with pytest.raises(ValueError, match=rf"^record must hold one .* {names}"):
        found.table_3("ball")


@pytest.mark.bad_input
def test_a_reading_that_was_not_run_is_refused():
    found = scores(defenses={"a": FITTED}, rows=())
    with pytest.raises(ValueError, match=r"^reading must be one of .*'ball'.* got 'x'"):
        found.table_3("x")


@pytest.fixture(scope="module")
def record():
    return TINY.run(EMBEDDED)


@pytest.fixture(scope="module")
def trained():
    return train_pair(TINY.classifier, EMBEDDED)


@pytest.fixture(scope="module")
def at(trained):
    return linearize_pair(trained, EMBEDDED)


@pytest.fixture
def replace_run(monkeypatch):
    """Run something else for what a store lacks."""
    return lambda run: monkeypatch.setattr(PairConfig, "run", run)


FITTED = DefenseResult(
    train_coverage=0.5, test_coverage=50, length=1.0, alignment=(), changes={}
)


def scores(**settings):
    known = {
        "sizes": {"test": 100},
        "unlabeled": 0,
        "flat": 0,
        "num_returned": {"literal": 0, "ball": 0},
        "stronger_than_fgm": {},
    }
    return Scores(**known, **settings)


def typed(record):
    return PairConfig.result(record)


def without_seconds(record):
    copied = copy.deepcopy(record)
    assert copied["provenance"].pop("seconds") >= 0.0
    return copied


def test_two_runs_differ_in_their_seconds_alone(record):
    again = TINY.run(EMBEDDED)
    assert without_seconds(again) == without_seconds(record)


def test_the_configuration_comes_back_from_its_record(record, tmp_path):
    assert from_plain(PairConfig, record["config"]) == TINY
    save_record(record, tmp_path / "run.json")
    assert from_plain(PairConfig, load_record(tmp_path / "run.json")["config"]) == TINY


def test_another_seed_gives_another_record(record):
    config = dataclasses.replace(TINY, seed=1, budget_multiples=())
    other = config.run(EMBEDDED)
    assert other["epsilon"] != record["epsilon"]
    assert other["config"]["seed"] == 1


def test_the_record_says_what_it_was_computed_from(record):
    pair = load_pair("mnist", (0, 1), source="embedded")
    assert record["provenance"]["data"] == {
        "source": "embedded",
        "fingerprint": pair.fingerprint,
    }
    assert record["provenance"]["versions"]["torch"] == torch.__version__.split("+")[0]
    assert record["provenance"]["device"] == "cpu"
    assert record["provenance"]["kernels"] == torch.backends.cpu.get_cpu_capability()
    assert record["provenance"]["threads"] == 1
    assert record["sizes"] == {"train": 800, "test": 200}
    assert record["config"]["train"]["channels"] == [2, 3]
    assert record["config"]["budget_multiples"] == [0.5, 1.0]


def test_the_budget_leaves_the_calibrated_share_of_training_points(record, at):
    attack = fgm(at.fit, record["epsilon"])
    kept = at.fit.label_survives(attack).double().mean().item()
    assert kept == pytest.approx(TINY.calibration, abs=0.5 / 800)


def test_the_defense_is_fitted_on_training_points(record, at):
    sets = RobustSets.from_linearization(at.fit, record["epsilon"])
    fitted = ramp_ascent(sets, config=RampConfig(num_steps=5))
    solution = record["score"]["defenses"]["ramp, raw rows"]
    assert solution["perturbation"] == pytest.approx(
        fitted.perturbation.tolist(), rel=1e-6
    )
    assert solution["train_coverage"] == fitted.coverage
    assert solution["ramp_value"] == fitted.ramp_value
    assert solution["in_dead_zone"] == fitted.in_dead_zone
    assert solution["steps"] == len(fitted.ramp_values) - 1
    length = fitted.perturbation.double().norm().item()
    assert solution["length"] == pytest.approx(length, rel=1e-12)
    assert 0.0 < length <= record["epsilon"]


def test_every_reading_has_ten_rows_on_test_points(record, at):
    assert set(record["score"]["num_returned"]) == set(PGD_READINGS)
    solution = record["score"]["defenses"]["ramp, raw rows"]
    defense = torch.tensor(solution["perturbation"])
    for name in PGD_READINGS:
        rows = typed(record).score.table_3(name)
        assert [(row.attack, row.defense) for row in rows] == [*PLAYS, *PLAYS]
        assert {row.total for row in rows} == {200}
        attack = fgm(at.lin, record["epsilon"])
        kept = at.lin.label_survives(attack, defense.unsqueeze(0))
        assert rows[7].correct == pytest.approx(int(kept.sum()), abs=1)
    # What PGD plays enters the last two rows of each half alone.
    tables = [typed(record).score.table_3(name) for name in PGD_READINGS]
    for position in (0, 1, 2, 5, 6, 7):
        assert len({table[position] for table in tables}) == 1
    assert len({tuple(row.correct for row in table) for table in tables}) == 3


def test_the_ten_rows_are_those_of_the_reading_and_the_defense():
    """Every cell has its own count, so that none can stand in for another."""
    cells = [
        (attack, defense, accuracy)
        for attack in ("none", "FGM", "PGD literal", "PGD ball")
        for defense in ("none", "ramp, raw rows")
        for accuracy in ("true", "approximate")
    ]
    rows = scores(
        defenses={"ramp, raw rows": FITTED},
        rows=tuple((*cell, number) for number, cell in enumerate(cells)),
    ).table_3("ball")
    assert [(row.attack, row.defense) for row in rows] == [*PLAYS, *PLAYS]
    assert [row.accuracy for row in rows] == 5 * ["true"] + 5 * ["approximate"]
    assert [row.correct for row in rows] == [0, 4, 6, 12, 14, 1, 5, 7, 13, 15]


def test_the_curve_scores_the_primary_reading_at_multiples_of_the_budget(record):
    half, whole = typed(record).curve
    assert half.epsilon == 0.5 * record["epsilon"]
    assert set(half.num_returned) == set(whole.num_returned) == {"fixed-label"}
    rows = whole.table_3("fixed-label")
    assert rows == typed(record).score.table_3("fixed-label")
    assert half.table_3("fixed-label")[6].correct > rows[6].correct


def test_each_budget_is_scored_as_stage_b_scores_it(record, trained):
    scores = TINY.scores(record["epsilon"])
    found = [record["score"], *record["curve"]]
    for config, entry in zip(scores, found, strict=True):
        alone = score_pair(config, trained, EMBEDDED)
        shared = entry.keys() & alone.keys()
        assert shared == entry.keys() - {"epsilon"}
        for name in shared - {"defenses"}:
            assert entry[name] == alone[name], name
        (fitted,), (report,) = entry["defenses"].values(), alone["defenses"].values()
        assert fitted == fitted | report
        assert fitted.keys() - report.keys() == {"perturbation", "ramp_value"}


def test_unit_rows_are_fitted_and_reported_as_unit_rows(at):
    config = dataclasses.replace(TINY, solver="ramp, unit rows", budget_multiples=())
    found = config.run(EMBEDDED)
    sets = RobustSets.from_linearization(at.fit, found["epsilon"])
    fitted = ramp_ascent(sets, config=RampConfig(num_steps=5, rows="unit"))
    solution = found["score"]["defenses"]["ramp, unit rows"]
    assert solution["ramp_value"] == fitted.ramp_value
    assert solution["train_coverage"] == fitted.coverage
    other = ramp_ascent(sets, config=RampConfig(num_steps=5))
    assert solution["ramp_value"] != other.ramp_value


def test_margins_and_counts_are_those_of_the_linearizations(record, at):
    for part, lin in (("train", at.fit), ("test", at.lin)):
        quantiles = record["margins"][part]
        assert len(quantiles) == 101
        assert quantiles == sorted(quantiles)
        finite = lin.margins[lin.margins.isfinite()]
        assert quantiles[0] == pytest.approx(finite.min().item())
        assert quantiles[50] == pytest.approx(finite.median().item(), rel=0.01)
        assert quantiles[100] == pytest.approx(finite.max().item())
        assert record["counts"][part] == {
            "unlabeled": lin.num_unlabeled,
            "flat": lin.num_flat,
        }


def test_a_classifier_is_linearized_at_all_its_points(at):
    for lin, data in ((at.fit, at.pair.train), (at.lin, at.pair.test)):
        assert torch.equal(linearize(at.model, data.images).gradients, lin.gradients)
    assert torch.equal(at.test.images, at.pair.test.images)
    # More points than any pair has: all of them are fitted on.
    assert fit_points(TINY.classifier, 13_000).tolist() == list(range(13_000))


def test_only_the_points_to_fit_on_are_linearized_for_fitting():
    few = dataclasses.replace(TINY.classifier, num_fit=30)
    at = linearize_pair(train_pair(few, EMBEDDED), EMBEDDED)
    assert (len(at.fit.logits), len(at.lin.logits)) == (30, 200)


def test_a_stored_record_comes_back_equal(record, tmp_path):
    path = tmp_path / "run.json"
    save_record(record, path)
    assert load_record(path) == record
    assert os.listdir(tmp_path) == ["run.json"]
    rows = typed(load_record(path)).score.table_3("literal")
    assert all(isinstance(row, TableRow) for row in rows)
    save_record(record | {"epsilon": 1.0}, str(path))
    assert load_record(path)["epsilon"] == 1.0


@pytest.mark.parametrize("name", ["write_bytes", "replace"])
def test_writing_that_is_interrupted_leaves_the_old_record(
    record, tmp_path, monkeypatch, name
):
    path = tmp_path / "run.json"
    save_record(record, path)
    before = path.read_bytes()

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    place = store.os if name == "replace" else store.Path
    monkeypatch.setattr(place, name, stop)
    with pytest.raises(KeyboardInterrupt):
        save_record(record | {"epsilon": 0.0}, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.json"]


def test_names_of_records_tell_all_settings_apart():
    configs = [
        TINY,
        dataclasses.replace(TINY, seed=1),
        dataclasses.replace(TINY, classes=(1, 0)),
        dataclasses.replace(TINY, calibration=0.484),
        dataclasses.replace(TINY, budget_multiples=(0.5,)),
        dataclasses.replace(TINY, ramp_steps=6),
        dataclasses.replace(TINY, solver="ramp, unit rows"),
        dataclasses.replace(TINY, train=TrainConfig(channels=(3, 2), hidden=4)),
    ]
    names = [config.record_name() for config in configs]
    assert len(set(names)) == len(configs)
    assert copy.deepcopy(TINY).record_name() == names[0]
    assert names[0].startswith("mnist-0-1-seed0-")


def test_a_sweep_resumes_where_it_stopped(record, tmp_path, replace_run):
    configs = [dataclasses.replace(TINY, seed=seed) for seed in (0, 1, 2)]
    ran = []

    def run(config, site):
        if config.seed == 1 and not ran.count(1):
            ran.append(1)
            raise KeyboardInterrupt
        ran.append(config.seed)
        stored = copy.deepcopy(record)
        stored["config"]["seed"] = config.seed
        return stored

    replace_run(run)
    folder = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        load_or_compute(configs, folder, source="embedded")
    assert [path.name for path in folder.glob("*.json")] == [configs[0].record_name()]
    found = load_or_compute(configs, folder, source="embedded")
    assert [one.config.seed for one in found] == [0, 1, 2]
    assert ran == [0, 1, 1, 2]
    assert load_or_compute(configs, folder, source="embedded", compute=False) == found
    assert ran == [0, 1, 1, 2]


def test_a_run_that_fails_is_named_and_the_others_are_kept(
    record, tmp_path, replace_run
):
    configs = [TINY, dataclasses.replace(TINY, solver="ramp, unit rows")]

    def run(config, site):
        if config == TINY:
            raise ValueError("no budget leaves it")
        stored = copy.deepcopy(record)
        stored["config"]["solver"] = config.solver
        return stored

    replace_run(run)
    with pytest.raises(
        SweepError, match=r"1 of 2 runs failed.*seed 0, ramp, raw rows: no budget"
    ):
        load_or_compute(configs, tmp_path, source="embedded")
    kept = [path.name for path in tmp_path.glob("*.json")]
    assert kept == [configs[1].record_name()]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("paper-lib/pair-record", "another"),
        lambda text: json.dumps(json.loads(text) | {"config": {}}),
        lambda text: json.dumps({"schema": json.loads(text)["schema"]}),
    ],
    ids=["cut", "empty", "foreign", "other settings", "no settings"],
)
def test_a_sweep_replaces_records_it_cannot_use_and_names_them(
    record, tmp_path, replace_run, damage
):
    path = tmp_path / TINY.record_name()
    save_record(record, path)
    path.write_text(damage(path.read_text()))
    replace_run(lambda config, site: record)
    with pytest.warns(UserWarning, match=path.name):
        assert load_or_compute([TINY], tmp_path, source="embedded") == [typed(record)]
    assert load_record(path) == record


def test_a_sweep_does_not_pass_off_one_source_for_another(
    record, tmp_path, replace_run
):
    """A record of the embedded images is no result on the complete data."""
    save_record(record, tmp_path / TINY.record_name())
    asked = []

    def run(config, site):
        asked.append(site.source)
        stored = copy.deepcopy(record)
        stored["provenance"]["data"]["source"] = site.source
        return stored

    replace_run(run)
    with pytest.warns(UserWarning, match="embedded"):
        load_or_compute([TINY], tmp_path, source="torchvision")
    assert asked == ["torchvision"]
