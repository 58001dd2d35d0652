"""Both stages of an experiment, the store of a sweep, and the rows of Table 1."""

import copy
import csv
import dataclasses
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import paper_lib
from experiments.store.pair_settings import Site
from experiments.store.record_files import code_digest, from_plain, load_record
from experiments.sweep.runner import SweepError, executor_for, only_writer
from experiments.tables import classifiers as training
from experiments.tables.calibration import CalibrationConfig, calibrate
from experiments.tables.classifiers import (
    ClassifierConfig,
    classifier_name,
    fit_points,
    load_trained,
    save_trained,
    train_pair,
)
from experiments.tables.defenses import SOLVERS, fit_solver
from experiments.tables.group_sweep import ONE_BY_ONE, load_plan, run_plan
from experiments.tables.paper_numbers import PAPER_TABLE_1
from experiments.tables.planning import (
    ALL_PAIRS,
    DATASETS,
    PRIMARY_CLASSIFIER,
    PRIMARY_PROTOCOL,
    RunGroup,
    parse_pair,
    parse_pairs,
    parse_seeds,
    plan,
)
from experiments.tables.scoring import ScoreConfig, score_pair
from experiments.tables.summary import (
    DECLARED_FIRST,
    summarize,
    write_csv,
    write_manifest,
)
from experiments.tables.table_1 import cell_percents
from paper_lib.attacks import PGD_READINGS, fgm
from paper_lib.data import load_pair
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig
from paper_lib.robust_sets import RobustSets
from tests.experiments.killed import is_killed, records_in

EMBEDDED = Site(source="embedded")
TRAIN = TrainConfig(channels=(2, 3), hidden=6, learning_rate=0.01, epochs=3)
CLASSIFIER = ClassifierConfig(classes=(0, 1), train=TRAIN, num_fit=300)
SCORE = ScoreConfig(classifier=CLASSIFIER, epsilon=1.0, ramp_steps=20)


def calibration(protocol="one budget", pairs=((0, 1), (3, 8)), seed=0):
    return CalibrationConfig(
        protocol=protocol,
        dataset="mnist",
        pairs=pairs,
        seed=seed,
        train=TRAIN,
        num_fit=300,
    )


def group(**changes):
    settings = {"readings": ("ball",), "solvers": ("ramp, raw rows",)}
    return RunGroup(
        classifier="10-20-50", calibration=calibration(**changes), **settings
    )


def cells_of(record):
    return ScoreConfig.result(record).cells


def without_times(record):
    copied = copy.deepcopy(record)
    assert copied["provenance"].pop("seconds") >= 0.0
    return copied


@pytest.fixture(scope="module")
def kept(result):
    """The two classifiers of seed 0, as the sweep trained and kept them."""
    store, results = result
    names = [
        classifier_name(config, EMBEDDED)
        for config in results[0].group.calibration.classifiers
    ]
    return [load_trained(store / ".cache", name) for name in names]


@pytest.fixture(scope="module")
def trained(kept):
    return kept[0]


@pytest.fixture(scope="module")
def record(trained):
    return score_pair(SCORE, trained, EMBEDDED)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """Two seeds over two pairs, and where they are stored."""
    store = tmp_path_factory.mktemp("results")
    groups = (group(), group(seed=1), group(protocol="margin quantile"))
    return store, run_plan(groups, store, source="embedded")


# --- the stages -------------------------------------------------------------------


def test_a_classifier_is_the_same_on_every_run_and_another_for_another_seed(trained):
    again = train_pair(CLASSIFIER, EMBEDDED)
    assert again.weights == trained.weights
    assert without_times(again.record) == without_times(trained.record)
    other = train_pair(dataclasses.replace(CLASSIFIER, seed=1), EMBEDDED)
    assert other.weights != trained.weights


def test_margins_are_taken_at_the_points_to_fit_on(trained):
    pair = load_pair("mnist", (0, 1), source="embedded")
    points = fit_points(CLASSIFIER, len(pair.train.labels))
    assert len(points) == len(set(points.tolist())) == 300
    lin = linearize(trained.model(), pair.train.images[points])
    assert torch.allclose(lin.margins, trained.margins, rtol=1e-5)
    assert trained.record["sizes"] == {"train": 800, "fit": 300, "test": 200}
    right = trained.model()(pair.test.images) * pair.test.labels > 0
    assert trained.record["test_correct"] == int(right.sum()) > 150


def test_all_points_are_fitted_on_where_there_are_fewer():
    points = fit_points(dataclasses.replace(CLASSIFIER, num_fit=10_000), 800)
    assert points.tolist() == list(range(800))


def test_flat_points_have_an_infinite_margin_in_the_record_too(trained):
    flat = copy.deepcopy(trained.record)
    flat["margins"][0] = None
    json.dumps(flat, allow_nan=False)
    assert dataclasses.replace(trained, record=flat).margins[0] == torch.inf


def test_the_name_of_a_classifier_tells_what_may_change_its_weights(monkeypatch):
    def name(config=CLASSIFIER, source="embedded", batching="single"):
        return classifier_name(config, Site(source=source), batching)

    names = [
        name(),
        name(dataclasses.replace(CLASSIFIER, seed=1)),
        name(dataclasses.replace(CLASSIFIER, num_fit=301)),
        name(dataclasses.replace(CLASSIFIER, train=TrainConfig())),
        name(source="auto"),
        name(batching="batched with 3-8"),
    ]
    assert len(set(names)) == len(names)
    assert name(source="auto") == name(source="torchvision")
    monkeypatch.setattr("experiments.tables.classifiers._CODE_DIGEST", "x")
    assert name() != names[0]


def test_a_kept_classifier_comes_back_and_a_damaged_one_does_not(trained, tmp_path):
    name = classifier_name(CLASSIFIER, EMBEDDED)
    assert load_trained(tmp_path, name) is None
    save_trained(trained, tmp_path)
    found = load_trained(tmp_path, name)
    assert found.weights == trained.weights
    assert found.record == trained.record
    weights = tmp_path / f"{name}.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(ValueError, match=rf"{name}\.safetensors must have sha256"):
        load_trained(tmp_path, name)


def test_the_code_that_names_a_classifier_is_all_that_its_margins_rest_on():
    """How files are written is none of it."""
    package = Path(paper_lib.__file__).parent
    modules = [
        module
        for module in package.rglob("*.py")
        if module.relative_to(package.parent).as_posix().startswith(training._CODE)
    ]
    imported = {
        name
        for module in modules
        for name in re.findall(r"^from paper_lib\.(\w+)", module.read_text(), re.M)
    }
    assert len(modules) > len(training._CODE)
    assert imported - {"files"} <= {re.split(r"[/.]", p)[1] for p in training._CODE}


def test_a_digest_of_no_code_at_all_is_refused():
    """A package that moves must not leave every cache with one name."""
    with pytest.raises(ValueError, match=r"of the source, got .'paper_lib/elsewhere"):
        code_digest("paper_lib/models/", "paper_lib/elsewhere/")
    assert code_digest() != code_digest("paper_lib/") != code_digest("experiments/")


def test_a_classifier_bears_the_name_of_the_code_that_made_it(
    trained, tmp_path, monkeypatch
):
    """Where another process made it, that is not the code of this one."""
    monkeypatch.setattr("experiments.tables.classifiers._CODE_DIGEST", "other")
    save_trained(trained, tmp_path)
    here = classifier_name(CLASSIFIER, EMBEDDED)
    assert load_trained(tmp_path, here) is None
    assert len(list(tmp_path.iterdir())) == 2


def test_every_count_is_that_of_the_library(trained, record):
    pair = load_pair("mnist", (0, 1), source="embedded")
    model = trained.model()
    points = fit_points(CLASSIFIER, len(pair.train.labels))
    fit = RobustSets.from_linearization(
        linearize(model, pair.train.images[points]), 1.0
    )
    lin = linearize(model, pair.test.images)
    v, _ = fit_solver(fit, ramp_steps=20)
    rows = cells_of(record)
    assert {row.total for row in rows.values()} == {200}
    assert len(rows) == (2 + len(PGD_READINGS)) * 2 * 2
    attack = PGD_READINGS["ball"].attack(model, pair.test.images, 1.0).perturbations
    for name, moves in (("FGM", fgm(lin, 1.0)), ("PGD ball", attack)):
        for defense, answer in (("none", 0 * v), ("ramp, raw rows", v)):
            kept = lin.label_survives(moves, answer.unsqueeze(0))
            assert rows[name, defense, "approximate"].correct == int(kept.sum())
            images = (pair.test.images.flatten(1) + moves + answer).view(-1, 1, 28, 28)
            right = (model(images) * pair.test.labels > 0).sum()
            assert rows[name, defense, "true"].correct == int(right)
    found = record["defenses"]["ramp, raw rows"]
    assert found["train_coverage"] == fit.coverage(v)
    assert found["length"] == pytest.approx(float(v.norm()))
    assert found["alignment"] == sorted(found["alignment"])
    assert -1.0 <= found["alignment"][0] <= found["alignment"][-1] <= 1.0


def test_approximate_fgm_rows_equal_coverage_and_no_attack_is_stronger(record):
    """Lemma 2 for each point; a wrong sign in FGM would show here."""
    rows = cells_of(record)
    for name, found in record["defenses"].items():
        assert rows["FGM", name, "approximate"].correct == found["test_coverage"]
    assert len(record["stronger_than_fgm"]) == 2 * (1 + len(PGD_READINGS)) + 1
    assert set(record["stronger_than_fgm"].values()) == {0}


def test_a_wrong_attack_under_the_name_of_fgm_is_found_out(trained, monkeypatch):
    monkeypatch.setattr(
        "experiments.tables.scoring.fgm", lambda lin, epsilon: -fgm(lin, epsilon)
    )
    found = score_pair(SCORE, trained, EMBEDDED)
    assert found["stronger_than_fgm"]["PGD fixed-label, none"] > 0


def test_changes_add_up_to_the_rows(record):
    rows = {cell: row.correct for cell, row in cells_of(record).items()}
    changes = record["defenses"]["ramp, raw rows"]["changes"]
    assert len(changes) == (2 + len(PGD_READINGS)) * 2
    for name, counts in changes.items():
        attack, accuracy = name.split(", ")
        gained = (
            rows[attack, "ramp, raw rows", accuracy] - rows[attack, "none", accuracy]
        )
        assert counts[0] - counts[1] + counts[2] - counts[3] == gained


def test_scores_are_the_same_on_every_run_and_depend_on_the_budget(trained, record):
    again = score_pair(SCORE, trained, EMBEDDED)
    assert without_times(again) == without_times(record)
    other = dataclasses.replace(SCORE, epsilon=1.5)
    assert score_pair(other, trained, EMBEDDED)["rows"] != record["rows"]


def test_the_configuration_comes_back_from_its_record(record):
    assert from_plain(ScoreConfig, record["config"]) == SCORE


def test_more_solvers_and_isotropic_smoothing():
    # Few points, because fit_defense takes its time.
    few = dataclasses.replace(CLASSIFIER, num_fit=40)
    config = ScoreConfig(
        classifier=few,
        epsilon=1.0,
        readings=(),
        solvers=SOLVERS,
        ramp_steps=20,
        isotropic_draws=3,
    )
    found = score_pair(config, train_pair(few, EMBEDDED), EMBEDDED)
    assert set(found["defenses"]) == set(SOLVERS)
    rows = {cell: row.percent for cell, row in cells_of(found).items()}
    for noise in ("uniform", "gaussian"):
        for kind in ("one draw", "vote"):
            for attack in ("none", "FGM"):
                assert (attack, f"{noise}, {kind}", "true") in rows
    # A direction without preference turns about as many points to either side.
    none = rows["FGM", "none", "approximate"]
    assert abs(rows["FGM", "uniform, vote", "approximate"] - none) < 10.0


def test_names_of_records_tell_all_settings_apart():
    configs = [
        SCORE,
        dataclasses.replace(SCORE, epsilon=1.1),
        dataclasses.replace(SCORE, readings=("ball",)),
        dataclasses.replace(SCORE, solvers=("fit_defense",)),
        dataclasses.replace(SCORE, isotropic_draws=2),
        dataclasses.replace(SCORE, classifier=dataclasses.replace(CLASSIFIER, seed=2)),
    ]
    names = {config.record_name() for config in configs}
    names.add(SCORE.record_name("batched with 3-8"))
    assert len(names) == len(configs) + 1


# --- budgets ----------------------------------------------------------------------


def test_both_protocols_meet_the_target_on_the_points_to_fit_on(kept):
    trained, other = kept
    target = PAPER_TABLE_1["mnist"]["FGM", "none"][0] / 100
    shared = calibrate(calibration(), [trained, other])
    assert shared["budgets"][0] == shared["budgets"][1]
    assert np.mean(shared["kept"]) == pytest.approx(target, abs=1 / 300)
    assert abs(shared["kept"][0] - shared["kept"][1]) > 0.02
    quantile = calibrate(calibration("margin quantile"), [trained, other])
    assert quantile["kept"] == pytest.approx([target] * 2, abs=1 / 300)
    for kept, budget, one in zip(
        quantile["kept"], quantile["budgets"], (trained, other), strict=True
    ):
        assert float((one.margins >= budget).double().mean()) == kept


# --- sweeps -----------------------------------------------------------------------


def stored(store):
    """Read every record, but for its times and what is hidden."""
    found = {}
    for path in store.glob("[!.]*.json"):
        content = json.loads(path.read_text())
        content.pop("sha256")
        content.get("provenance", {}).pop("seconds", None)
        found[path.name] = content
    return found


def test_a_sweep_gives_the_same_records_in_any_order_and_in_other_processes(
    result, tmp_path
):
    store, results = result
    groups = [one.group for one in results]
    with executor_for(2) as pool:
        again = run_plan(groups[::-1], tmp_path, executor=pool, source="embedded")
    assert stored(tmp_path) == stored(store)
    assert len(stored(store)) == 3 + 6
    assert [one.group for one in again] == groups[::-1]


def test_a_complete_store_is_read_only(result):
    store, results = result
    before = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    with only_writer(store):  # would be refused if it wrote
        again = run_plan([one.group for one in results], store, source="embedded")
    assert [one.scores for one in again] == [one.scores for one in results]
    assert {path: path.stat().st_mtime_ns for path in store.iterdir()} == before


def refuse(*args):
    raise AssertionError("computed again")


def test_a_failed_run_is_named_and_the_others_are_kept(result, tmp_path):
    store, results = result

    def fail(run, trained, site):
        if run[0].classifier.classes == (3, 8):
            raise OSError("disk quota exceeded")
        return ONE_BY_ONE.score(run, trained, site)

    failing = dataclasses.replace(ONE_BY_ONE, score=fail)
    with pytest.raises(SweepError, match=r"1 of 2 .* mnist 3-8 seed 0.*disk quota"):
        run_plan([group()], tmp_path, source="embedded", stages=failing)
    scoring = dataclasses.replace(ONE_BY_ONE, train=refuse)
    found = run_plan([group()], tmp_path, source="embedded", stages=scoring)
    assert stored(tmp_path).items() <= stored(store).items()
    assert [one.rows for one in found[0].scores] == [
        one.rows for one in results[0].scores
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("paper-lib/", "another/", 1),
        lambda text: text.replace('"path": "single"', '"path": "double"'),
    ],
    ids=["cut", "empty", "foreign", "altered"],
)
def test_a_damaged_record_is_named_and_computed_again(result, tmp_path, damage):
    store, results = result
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    path = copied / results[0].names[1]
    path.write_text(damage(path.read_text()))
    with pytest.warns(UserWarning, match=path.name):
        run_plan([group()], copied, source="embedded")
    assert stored(copied) == stored(store)


def test_records_of_the_embedded_images_are_none_of_the_complete_data(result):
    store, results = result
    asked = []

    def train(run, site):
        asked.append(site.source)
        raise ValueError("no data here")

    stages = dataclasses.replace(ONE_BY_ONE, train=train)
    with (
        pytest.warns(UserWarning, match="computed on 'embedded' data"),
        pytest.raises(SweepError, match="no data here"),
    ):
        run_plan([results[0].group], store, source="torchvision", stages=stages)
    assert asked == ["torchvision"] * 2


def test_a_full_disk_is_reported_and_nothing_is_left_half(result, tmp_path):
    """A limit on the size of files, which a record exceeds, stands for a full disk."""
    store, _ = result
    code = (
        "import resource, sys\n"
        "from tests.experiments.tables.test_table_1 import group, run_plan\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "run_plan([group()], sys.argv[1], cache=sys.argv[2], source='embedded')\n"
    )
    cache = store / ".cache"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(cache)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    names = {path.name for path in tmp_path.glob("*.json")}
    assert names == {group().calibration.record_name()}
    assert not list(tmp_path.glob(".saving-*"))
    run_plan([group()], tmp_path, cache=cache, source="embedded")
    assert stored(tmp_path).items() <= stored(store).items()


@pytest.mark.slow
def test_sweeps_killed_at_20_random_moments_end_like_an_undisturbed_one(
    result, tmp_path
):
    store, results = result
    groups = [one.group for one in results]
    draw, killed, left = random.Random(0), 0, set()
    for number in range(20):
        target = tmp_path / f"store{number}"
        while killed < 20 and is_killed(run_plan, groups, target, draw):
            killed += 1
            left.add(records_in(target))
        run_plan(groups, target, source="embedded")
        assert stored(target) == stored(store)
        assert not list(target.glob(".saving-*"))
        if killed == 20:
            break
    assert killed == 20
    assert len(left) > 3  # it was stopped at different places


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_table(result, tmp_path):
    from distributed import Client, LocalCluster

    store, results = result
    groups = [one.group for one in results]
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
        ThreadPoolExecutor(1) as aside,
    ):
        running = aside.submit(
            run_plan,
            groups,
            tmp_path,
            executor=client.get_executor(),
            source="embedded",
        )
        while not list(tmp_path.glob("mnist-*.json")):
            assert not running.done()
            time.sleep(0.05)
        first = client.run(lambda: __import__("os").getpid())
        pid = sorted(first.values())[0]
        __import__("os").kill(pid, signal.SIGKILL)
        running.result(timeout=300)
    assert stored(tmp_path) == stored(store)


# --- the table --------------------------------------------------------------------


def test_the_plan_runs_the_primary_choice_first_and_with_every_seed():
    groups = plan()
    assert len(ALL_PAIRS) == 45
    primary = [
        one
        for one in groups
        if one.classifier == PRIMARY_CLASSIFIER
        and one.calibration.protocol == PRIMARY_PROTOCOL
        and one.multiple == 1.0
    ]
    assert [(p.calibration.dataset, p.calibration.seed) for p in primary] == [
        (dataset, seed) for seed in range(5) for dataset in DATASETS
    ]
    assert groups[: len(primary)] == tuple(primary)
    assert all(one.calibration.pairs == ALL_PAIRS for one in groups)
    kinds = {(one.classifier, one.calibration.protocol) for one in groups}
    assert len(kinds) == 4
    for one in groups:
        if one.calibration.seed == 0 and one.multiple == 1.0:
            assert set(one.readings) == set(PGD_READINGS)


def test_a_multiple_of_the_budget_is_scored_and_left_out_of_the_table(result):
    store, results = result
    double = dataclasses.replace(group(), multiple=2.0, readings=())
    (found,) = run_plan([double], store, source="embedded")
    budget = results[0].calibration.budgets[0]
    assert [one.config.epsilon for one in found.scores] == [2 * budget] * 2
    kept = cell_percents(found)["FGM", "none", "approximate"]
    assert (kept < cell_percents(results[0])["FGM", "none", "approximate"]).all()
    assert summarize([*results, found]) == summarize(results)
    for score in found.scores:
        (store / score.config.record_name()).unlink()


def test_rows_of_the_table_by_hand(result):
    _, results = result
    rows = summarize(results)
    key = {
        (r.protocol, r.attack, r.defense, r.pgd_reading, r.accuracy): r for r in rows
    }
    assert len(key) == len(rows) == 2 * 3 * 2 * 2
    found = key["one budget", "FGM", "SMOOTH", "", "approximate"]
    values = np.array(
        [
            cell_percents(one)["FGM", "ramp, raw rows", "approximate"]
            for one in results[:2]
        ]
    )
    assert values.shape == (2, 2)
    assert found.mean == pytest.approx(values.mean())
    assert found.std == pytest.approx(
        np.mean([abs(pair[0] - pair[1]) / 2**0.5 for pair in values])
    )
    half = 12.7062 * np.std(values.mean(1), ddof=1) / 2**0.5
    assert found.low == pytest.approx(found.mean - half, rel=1e-4)
    assert found.high == pytest.approx(found.mean + half, rel=1e-4)
    assert (found.paper_mean, found.paper_std) == (71.2, 14.2)
    assert (found.pairs, found.seeds, found.n_fit) == (2, 2, 300)
    assert found.choice == DECLARED_FIRST
    assert found.solver == "ramp, raw rows"
    assert found.quantile is None
    other = key["margin quantile", "PGD", "none", "ball", "true"]
    assert (other.low, other.high, other.epsilon) == (None, None, None)
    assert other.quantile == pytest.approx(1 - 0.533)
    assert (other.seeds, other.choice, other.paper_mean) == (1, "", None)


def test_the_table_as_a_file(result, tmp_path):
    _, results = result
    rows = summarize(results)
    write_csv(rows, tmp_path / "table1.csv")
    with (tmp_path / "table1.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(rows)
    for line_read, row in zip(read, rows, strict=True):
        assert float(line_read["mean"]) == pytest.approx(row.mean, abs=1e-4)
        assert line_read["low"] == ("" if row.low is None else f"{row.low:.4f}")
        assert line_read["choice"] == row.choice


def test_the_manifest_names_every_file_with_its_checksum(result):
    store, results = result
    manifest = write_manifest(results, store)
    try:
        names = {path.name for path in store.glob("*.json")} - {"manifest.json"}
        assert set(manifest["files"]) == names
        assert manifest["runs"] == 6
        found = load_record(store / "manifest.json", schema="paper-lib/manifest/1")
        assert found == manifest
    finally:
        (store / "manifest.json").unlink()


def test_pairs_and_seeds_as_a_command_line_has_them():
    assert parse_pairs("all") == ALL_PAIRS
    assert parse_pairs(" 5-3,0 - 1") == ((3, 5), (0, 1))
    assert parse_seeds("0, 2") == parse_seeds([0, 2]) == (0, 2)
    assert parse_seeds(7) == (7,)


def test_a_part_of_a_store_is_loaded_and_the_rest_is_named(result):
    store, results = result
    groups = [one.group for one in results]
    other = group(seed=5)
    found, missing = load_plan([*groups, other], store, source="embedded")
    assert [one.group for one in found] == groups
    assert missing == (other,)


def test_an_executor_for_this_process():
    with executor_for(0) as executor:
        assert executor.submit(pow, 2, 3).result() == 8


# --- bad input --------------------------------------------------------------------


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClassifierConfig(num_fit=0), r"^num_fit must be at least 1, got 0"),
        (lambda: ClassifierConfig(seed=-1), r"^seed must be an integer"),
        (
            lambda: dataclasses.replace(SCORE, epsilon=0.0),
            r"^epsilon must be finite and > 0, got 0.0",
        ),
        (
            lambda: dataclasses.replace(SCORE, readings=("pgd",)),
            r"^readings must be different ones of .*got \('pgd',\)",
        ),
        (
            lambda: dataclasses.replace(SCORE, solvers=("fit_defense",) * 2),
            r"^solvers must be different ones of",
        ),
        (
            lambda: dataclasses.replace(SCORE, isotropic_draws=-1),
            r"^isotropic_draws must be at least 0",
        ),
        (lambda: calibration("median"), r"^protocol must be one of .*got 'median'"),
        (lambda: calibration(pairs=()), r"^pairs must hold at least one pair"),
        (lambda: plan(seeds=()), r"^seeds must be different and at least one"),
        (lambda: plan(pairs=((0, 1), (0, 1))), r"^pairs must be different"),
    ],
)
def test_settings_that_are_none(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.bad_input
def test_the_classifier_of_another_configuration_is_refused(trained):
    other = dataclasses.replace(SCORE, classifier=ClassifierConfig(classes=(3, 8)))
    with pytest.raises(
        ValueError, match=r"^trained must be the classifier of mnist 3-8"
    ):
        score_pair(other, trained, EMBEDDED)


@pytest.mark.bad_input
def test_a_store_that_cannot_be_written_to(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SweepError, match="cannot be written to"):
        run_plan([group()], blocked / "store", source="embedded")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_pairs, "0-0", r"^pairs must be 'all' or like .* got '0-0'"),
        (parse_pairs, "0-1,", r"got '0-1,': a pair must be two .*, got ''"),
        (parse_pairs, "0-12", r"got '0-12'"),
        (parse_pairs, 0, r"^pairs must be 'all' or like .* got 0: a pair must"),
        (parse_pair, 3, r"^a pair must be two different digits .* got 3"),
        (parse_pairs, "1-0,0-1", r"^pairs must name each pair once"),
        (parse_seeds, "0,x", r"^seeds must be different integers"),
        (parse_seeds, (1, 1), r"^seeds must be different integers .*\(1, 1\)"),
        (parse_seeds, -1, r"^seeds must be different integers"),
    ],
)
def test_pairs_and_seeds_that_are_none(parse, text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)
