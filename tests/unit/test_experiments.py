"""One pair from images to a record, and the store that keeps it."""

import copy
import dataclasses
import json
import os

import pytest
import torch

from paper_lib.attacks import PGD_READINGS, fgm
from paper_lib.data import load_pair
from paper_lib.defense import RampConfig, ramp_ascent
from paper_lib.evaluation import PLAYS, TableRow
from paper_lib.experiments import (
    PairConfig,
    load_or_run,
    load_record,
    prepare,
    record_name,
    run_pair,
    save_record,
    score,
    store,
    sweep,
    table_rows,
)
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig
from paper_lib.robust_sets import RobustSets

TINY = PairConfig(
    train=TrainConfig(channels=(2, 3), hidden=4, batch_size=32),
    ramp=RampConfig(num_steps=5),
    primary="fixed-label",
    budget_multiples=(0.5, 1.0),
)


@pytest.fixture(scope="module")
def record():
    return run_pair(TINY, source="embedded")


@pytest.fixture(scope="module")
def prepared():
    pair = load_pair("mnist", (0, 1), source="embedded")
    return prepare(pair, config=TINY.train, seed=TINY.seed)


def without_seconds(record):
    copied = copy.deepcopy(record)
    assert copied["provenance"].pop("seconds") >= 0.0
    return copied


def test_two_runs_differ_in_their_seconds_alone(record):
    again = run_pair(TINY, source="embedded")
    assert without_seconds(again) == without_seconds(record)


def test_the_configuration_comes_back_from_its_record(record, tmp_path):
    assert PairConfig.from_record(record) == TINY
    save_record(record, tmp_path / "run.json")
    assert PairConfig.from_record(load_record(tmp_path / "run.json")) == TINY


def test_another_seed_gives_another_record(record):
    other = run_pair(dataclasses.replace(TINY, seed=1), source="embedded")
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
    assert record["provenance"]["threads"] == torch.get_num_threads()
    assert record["sizes"] == {"train": 800, "test": 200}
    assert record["config"]["train"]["channels"] == [2, 3]
    assert record["config"]["budget_multiples"] == [0.5, 1.0]


def test_the_budget_leaves_the_calibrated_share_of_training_points(record, prepared):
    attack = fgm(prepared.train, record["epsilon"])
    kept = prepared.train.label_survives(attack).double().mean().item()
    assert kept == pytest.approx(TINY.calibration, abs=0.5 / 800)


def test_the_defense_is_fitted_on_training_points(record, prepared):
    sets = RobustSets.from_linearization(prepared.train, record["epsilon"])
    fitted, solution = ramp_ascent(sets, config=TINY.ramp), record["score"]["solution"]
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


def test_every_reading_has_ten_rows_on_test_points(record, prepared):
    assert set(record["score"]["rows"]) == set(PGD_READINGS)
    defense = torch.tensor(record["score"]["solution"]["perturbation"])
    for name in PGD_READINGS:
        rows = table_rows(record["score"], name)
        assert [(row.attack, row.defense) for row in rows] == [*PLAYS, *PLAYS]
        assert {row.total for row in rows} == {200}
        attack = fgm(prepared.test, record["epsilon"])
        kept = prepared.test.label_survives(attack, defense.unsqueeze(0))
        assert rows[7].correct == pytest.approx(int(kept.sum()), abs=1)
    # What PGD plays enters the last two rows of each half alone.
    tables = [table_rows(record["score"], name) for name in PGD_READINGS]
    for position in (0, 1, 2, 5, 6, 7):
        assert len({table[position] for table in tables}) == 1
    assert len({tuple(row.correct for row in table) for table in tables}) == 3


def test_the_curve_scores_the_primary_reading_at_multiples_of_the_budget(record):
    half, whole = record["curve"]
    assert half["epsilon"] == 0.5 * record["epsilon"]
    assert set(half["rows"]) == set(whole["rows"]) == {"fixed-label"}
    assert whole["rows"]["fixed-label"] == record["score"]["rows"]["fixed-label"]
    weaker = table_rows(half, "fixed-label")[6].correct
    assert weaker > table_rows(whole, "fixed-label")[6].correct


def test_margins_and_counts_are_those_of_the_linearizations(record, prepared):
    for part, lin in (("train", prepared.train), ("test", prepared.test)):
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


def test_prepare_linearizes_its_own_model_at_its_own_images(prepared):
    for lin, data in (
        (prepared.train, prepared.pair.train),
        (prepared.test, prepared.pair.test),
    ):
        assert torch.equal(
            linearize(prepared.model, data.images).gradients, lin.gradients
        )
    assert len(prepared.history) == 1


def test_score_runs_the_readings_it_is_asked_for(prepared):
    found = score(
        prepared, epsilon=1.0, ramp=RampConfig(num_steps=2), readings=("ball",)
    )
    assert set(found.rows) == set(found.num_returned) == {"ball"}
    assert found.epsilon == 1.0


def test_a_stored_record_comes_back_equal(record, tmp_path):
    path = tmp_path / "run.json"
    save_record(record, path)
    assert load_record(path) == record
    assert os.listdir(tmp_path) == ["run.json"]
    rows = table_rows(load_record(path)["score"], "literal")
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
        dataclasses.replace(TINY, ramp=RampConfig(num_steps=6)),
        dataclasses.replace(TINY, train=TrainConfig(channels=(3, 2), hidden=4)),
    ]
    names = [record_name(config) for config in configs]
    assert len(set(names)) == len(configs)
    assert record_name(copy.deepcopy(TINY)) == names[0]
    assert names[0].startswith("mnist-0-1-seed0-")


def test_a_sweep_resumes_where_it_stopped(record, tmp_path, monkeypatch):
    configs = [dataclasses.replace(TINY, seed=seed) for seed in (0, 1, 2)]
    ran = []

    def run(config, **kwargs):
        if config.seed == 1 and not ran.count(1):
            ran.append(1)
            raise KeyboardInterrupt
        ran.append(config.seed)
        stored = copy.deepcopy(record)
        stored["config"]["seed"] = config.seed
        return stored

    monkeypatch.setattr(sweep, "run_pair", run)
    folder = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        load_or_run(configs, folder, source="embedded")
    assert os.listdir(folder) == [record_name(configs[0])]
    records = load_or_run(configs, folder, source="embedded")
    assert [found["config"]["seed"] for found in records] == [0, 1, 2]
    assert ran == [0, 1, 1, 2]
    assert load_or_run(configs, folder, source="embedded") == records
    assert ran == [0, 1, 1, 2]


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
    record, tmp_path, monkeypatch, damage
):
    path = tmp_path / record_name(TINY)
    save_record(record, path)
    path.write_text(damage(path.read_text()))
    monkeypatch.setattr(sweep, "run_pair", lambda config, **kwargs: record)
    with pytest.warns(UserWarning, match=path.name):
        assert load_or_run([TINY], tmp_path, source="embedded") == [record]
    assert load_record(path) == record


def test_a_sweep_does_not_pass_off_one_source_for_another(
    record, tmp_path, monkeypatch
):
    """A record of the embedded images is no result on the complete data."""
    save_record(record, tmp_path / record_name(TINY))
    asked = []

    def run(config, **kwargs):
        asked.append(kwargs["source"])
        stored = copy.deepcopy(record)
        stored["provenance"]["data"]["source"] = kwargs["source"]
        return stored

    monkeypatch.setattr(sweep, "run_pair", run)
    with pytest.warns(UserWarning, match="embedded"):
        load_or_run([TINY], tmp_path, source="torchvision")
    assert asked == ["torchvision"]
