"""The batched path computes what the single one does, and its records are its own."""

import dataclasses
import json
import shutil
import time

import numpy as np
import pytest
import torch
from torch import nn

from experiments.gpu.batched import BATCHED, TOGETHER, attack_stacked, linearize_stacked
from experiments.gpu.batched_maximizers import ramp_ascents
from experiments.gpu.stacked import StackedClassifier, train_stacked
from experiments.store.pair_settings import Site
from experiments.store.record_files import plain, save_record
from experiments.sweep.runner import SweepError, process_pool
from experiments.tables.calibration import CalibrationConfig, calibrate
from experiments.tables.classifiers import (
    ClassifierConfig,
    classifier_name,
    load_trained,
    train_pair,
)
from experiments.tables.group_sweep import ONE_BY_ONE, load_plan, run_plan
from experiments.tables.planning import RunGroup
from experiments.tables.scoring import ScoreConfig, score_pair
from experiments.tables.summary import summarize, write_manifest
from experiments.tables.table_1 import cell_percents
from paper_lib.attacks import PGD_READINGS
from paper_lib.data import LabeledImages, load_pair
from paper_lib.defense import RampConfig, ramp_ascent
from paper_lib.geometry import in_l2_ball
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import linearize
from paper_lib.models import PairCNN, TrainConfig, train_classifier
from paper_lib.models.training import TrainingDivergedError
from paper_lib.robust_sets import RobustSets

SMALL = {"channels": (3, 5), "hidden": 12}
PAIRS = ((0, 1), (3, 8), (4, 9))
TRAIN = TrainConfig(**SMALL, learning_rate=0.01, epochs=3)
EMBEDDED = Site(source="embedded")
CLASSIFIERS = tuple(
    ClassifierConfig(classes=pair, train=TRAIN, num_fit=300) for pair in PAIRS
)
SCORES = tuple(
    ScoreConfig(
        # Few points, because fit_defense takes its time.
        classifier=dataclasses.replace(classifier, num_fit=20),
        epsilon=epsilon,
        solvers=("ramp, raw rows", "ramp, unit rows", "fit_defense"),
        ramp_steps=20,
        isotropic_draws=1,
    )
    for classifier, epsilon in zip(CLASSIFIERS, (1.0, 0.7, 0.4), strict=True)
)
ONE_SCORE = (ScoreConfig(classifier=CLASSIFIERS[0], epsilon=1.0, ramp_steps=5),)
on_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA device"
)
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, on_gpu])]


def images_of(n, seed):
    """Noise with a darker half for one label, quick to learn."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.where(torch.arange(n) % 2 == 0, -1.0, 1.0)
    images = torch.rand(n, 1, 28, 28, generator=generator)
    images[labels > 0, :, :14] *= 0.2
    return LabeledImages(images=images, labels=labels)


def weights_of(model):
    return torch.cat([weight.detach().cpu().flatten() for weight in model.parameters()])


def group(protocol="one budget"):
    calibration = CalibrationConfig(
        protocol=protocol,
        dataset="mnist",
        pairs=PAIRS,
        seed=0,
        train=TRAIN,
        num_fit=300,
    )
    return RunGroup(
        classifier="10-20-50", calibration=calibration, solvers=("ramp, raw rows",)
    )


@pytest.fixture(scope="module")
def inputs():
    """Real images, not equally many for each network."""
    return [
        load_pair("mnist", pair, source="embedded").test.images[:num]
        for pair, num in zip(PAIRS, (60, 41, 17), strict=True)
    ]


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    store = tmp_path_factory.mktemp("single")
    return store, run_plan([group()], store, source="embedded")


@pytest.fixture(scope="module")
def kept(single):
    """The classifiers as the sweep trained and kept them."""
    cache = single[0] / ".cache"
    names = [classifier_name(c, EMBEDDED) for c in CLASSIFIERS]
    return [load_trained(cache, name) for name in names]


@pytest.fixture(scope="module")
def models(kept):
    """Three trained networks, whose gradients are not those of noise."""
    return [one.model() for one in kept]


@pytest.fixture(scope="module")
def batched(tmp_path_factory):
    store = tmp_path_factory.mktemp("batched")
    return store, run_plan([group()], store, source="embedded", stages=TOGETHER)


# --- the stacked classifier -------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
def test_gradients_are_those_of_the_single_path(models, inputs, device):
    moved = [train_copy(model, device) for model in models]
    stacked = linearize_stacked(moved, inputs)
    assert [len(lin.logits) for lin in stacked] == [60, 41, 17]
    for lin, model, images in zip(stacked, models, inputs, strict=True):
        alone = linearize(model, images)
        scale = float(alone.gradients.abs().max())
        assert torch.allclose(lin.logits.cpu(), alone.logits, rtol=1e-4, atol=1e-4)
        gap = (lin.gradients.cpu() - alone.gradients).abs().max()
        assert scale > 0.1
        assert gap < 1e-5 * scale


def train_copy(model, device):
    """Copy a network to a device and leave the fixture's where it is."""
    copied = PairCNN(**model.settings)
    copied.load_state_dict(model.state_dict())
    return copied.to(device)


def test_a_stacked_classifier_is_in_the_units_of_its_scales(models, inputs):
    scales = (2.0, 0.5, 3.0)
    stacked = StackedClassifier(models, scales=scales)
    rows = stacked.interleave(inputs)
    assert rows.shape == (180, 1, 28, 28)
    lin = linearize(stacked, rows, batch_size=30)
    assert [len(one) for one in inputs] == [60, 41, 17]
    found = stacked.parts(inputs, lin.gradients)
    for (gradients,), model, images, scale in zip(
        found, models, inputs, scales, strict=True
    ):
        expected = scale * linearize(model, images).gradients
        assert torch.allclose(gradients, expected, rtol=1e-3, atol=1e-4)


def test_the_models_are_copied_and_left_alone(models):
    before = [weights_of(model) for model in models]
    stacked = StackedClassifier(models)
    with torch.no_grad():
        for weight in stacked.parameters():
            weight.zero_()
    assert all(map(torch.equal, before, map(weights_of, models)))
    assert torch.equal(stacked(torch.rand(6, 1, 28, 28)), torch.zeros(6))


# --- training ---------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "settings",
    [{}, {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.5}],
    ids=["adam", "sgd"],
)
def test_weights_are_those_of_the_single_path(settings, device):
    """Last batches of 8, 15 and 1, and models that rest for one step and for two."""
    config = TrainConfig(**SMALL, **settings, batch_size=16, epochs=3)
    datas = [images_of(n, seed=n) for n in (40, 31, 17)]
    seeds = (5, 0, 7)
    found = train_stacked(datas, config=config, seeds=seeds, device=device)
    for result, data, seed in zip(found, datas, seeds, strict=True):
        alone = train_classifier(data, config=config, seed=seed)
        gap = (weights_of(result.model) - weights_of(alone.model)).abs()
        # Adam moves a weight whose gradient is nothing but rounding either way.
        assert (gap < 1e-5).double().mean() > 0.98
        assert list(result.history) == pytest.approx(alone.history, rel=1e-4)
        assert (result.seed, result.config) == (seed, config)
        assert not result.model.training
        assert all(
            w.grad is None and w.requires_grad for w in result.model.parameters()
        )


def test_training_leaves_the_generator_and_the_data_alone():
    data = images_of(9, seed=0)
    before, state = data.images.clone(), torch.random.get_rng_state()
    config = TrainConfig(**SMALL, batch_size=4)
    one, two = (train_stacked([data], config=config, seeds=[3]) for _ in range(2))
    assert torch.equal(weights_of(one[0].model), weights_of(two[0].model))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(data.images, before)


# --- attack and defense -----------------------------------------------------------


@pytest.mark.parametrize("reading", PGD_READINGS)
def test_perturbations_are_those_of_the_single_path(models, inputs, reading):
    """But for points where rounding decides a sign on the way."""
    epsilons = (1.5, 0.8, 0.5)
    found = attack_stacked(models, inputs, epsilons, reading)
    equal, returned = [], []
    for result, model, images, epsilon in zip(
        found, models, inputs, epsilons, strict=True
    ):
        alone = PGD_READINGS[reading].attack(model, images, epsilon)
        assert bool(in_l2_ball(result.perturbations, epsilon).all())
        gap = (result.perturbations - alone.perturbations).norm(dim=1)
        equal += (gap < 1e-3 * epsilon).tolist()
        returned += (result.returned == alone.returned).all(1).tolist()
    assert len(equal) == 118
    assert np.mean(equal) > 0.95
    assert np.mean(returned) > 0.95


@pytest.mark.parametrize("rows", ["raw", "unit"])
def test_ramp_solutions_are_those_of_the_single_path(models, inputs, rows):
    config = RampConfig(num_steps=60, rows=rows)
    problems = [
        RobustSets.from_linearization(linearize(model, images), epsilon)
        for model, images, epsilon in zip(models, inputs, (1.5, 0.8, 0.5), strict=True)
    ]
    for found, sets in zip(
        ramp_ascents(problems, config=config), problems, strict=True
    ):
        alone = ramp_ascent(sets, config=config)
        gap = (found.perturbation - alone.perturbation).norm()
        assert gap < 1e-3 * sets.epsilon
        assert found.coverage == pytest.approx(alone.coverage, abs=1.5 / 17)
        assert found.ramp_values.tolist() == pytest.approx(
            alone.ramp_values.tolist(), abs=1e-4
        )
        assert found.ramp_value == max(found.ramp_values.tolist())
        assert bool(in_l2_ball(found.perturbation, sets.epsilon))
        assert found.certificate.verify(sets)


def test_an_ascent_that_is_stuck_waits_for_the_others():
    """One in its dead zone, one that goes on, one that is done, as each does alone."""
    normals = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    problems = [
        RobustSets(normals=normals, offsets=torch.tensor(offsets), epsilon=1.0)
        for offsets in ([-0.5, -0.5], [0.1, -3.0], [2.0, 2.0])
    ]
    found = ramp_ascents(problems)
    assert [one.in_dead_zone for one in found] == [True, True, True]
    for one, sets in zip(found, problems, strict=True):
        alone = ramp_ascent(sets)
        assert torch.allclose(one.perturbation, alone.perturbation, atol=1e-6)
        assert len(one.ramp_values) == len(alone.ramp_values)
        assert one.coverage == alone.coverage
    assert len(found[0].ramp_values) == len(found[2].ramp_values) == 1
    assert len(found[1].ramp_values) > 2


# --- the stages -------------------------------------------------------------------


@pytest.fixture
def tf32_allowed():
    """The two settings, switched on; torch has no way to unset one it never had."""
    places = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [place.allow_tf32 for place in places]
    for place in places:
        place.allow_tf32 = True
    yield lambda: [place.allow_tf32 for place in places]
    for place, allowed in zip(places, before, strict=True):
        place.allow_tf32 = allowed


def test_the_stages_compute_at_full_precision_and_restore_it(tf32_allowed):
    seen = []
    with nn.modules.module.register_module_forward_pre_hook(
        lambda module, args: seen.extend(tf32_allowed())
    ):
        trained = TOGETHER.train(CLASSIFIERS[:1], EMBEDDED)
        counts = [len(seen)]
        TOGETHER.score(ONE_SCORE, trained, EMBEDDED)
        counts.append(len(seen))
        alone = train_pair(CLASSIFIERS[0], EMBEDDED)
        counts.append(len(seen))
        score_pair(ONE_SCORE[0], alone, EMBEDDED)
    assert 0 < counts[0] < counts[1] < counts[2] < len(seen)
    assert not any(seen)
    assert tf32_allowed() == [True, True]
    with pytest.raises(KeyError), full_precision():
        raise KeyError
    assert tf32_allowed() == [True, True]


def test_for_equal_weights_the_scores_are_those_of_the_single_path(kept):
    classifiers = [config.classifier for config in SCORES]
    path = BATCHED.path(classifiers)
    alone = [
        dataclasses.replace(
            one, record=one.record | {"config": plain(dataclasses.asdict(config))}
        )
        for one, config in zip(kept, classifiers, strict=True)
    ]
    together = [
        dataclasses.replace(one, record=one.record | {"path": path}) for one in alone
    ]
    began = time.perf_counter()
    found = TOGETHER.score(SCORES, together, EMBEDDED)
    taken = time.perf_counter() - began
    # Each has its share, rounded.
    assert sum(one["provenance"]["seconds"] for one in found) <= taken + 0.015
    for record, config, trained in zip(found, SCORES, alone, strict=True):
        expected = score_pair(config, trained, EMBEDDED)
        assert record["path"] == path
        assert list(record) == list(expected)
        for key in ("schema", "config", "source", "sizes", "unlabeled", "flat"):
            assert record[key] == expected[key]
        assert [row[:3] for row in record["rows"]] == [
            row[:3] for row in expected["rows"]
        ]
        counts = [[row[3] for row in one["rows"]] for one in (record, expected)]
        assert np.abs(np.diff(counts, axis=0)).max() <= 2  # of 200
        assert list(record["defenses"]) == list(expected["defenses"])
        assert record["provenance"].keys() == expected["provenance"].keys()
        for name, defense in record["defenses"].items():
            assert defense.keys() == expected["defenses"][name].keys()
        assert set(record["stronger_than_fgm"].values()) == {0}


def test_classifiers_of_a_batch_have_the_record_of_single_ones():
    config = dataclasses.replace(
        CLASSIFIERS[1], seed=2, train=dataclasses.replace(TRAIN, epochs=1)
    )
    one, again = (TOGETHER.train([config], EMBEDDED)[0] for _ in range(2))
    alone = train_pair(config, EMBEDDED)
    assert one.weights == again.weights
    assert list(one.record) == list(alone.record)
    assert one.record["path"] == BATCHED.path([config])
    assert one.record["margins"] == pytest.approx(alone.record["margins"], rel=0.01)
    assert one.record["test_correct"] == pytest.approx(
        alone.record["test_correct"], abs=2
    )


def test_the_path_tells_companions_apart():
    paths = [
        BATCHED.path(CLASSIFIERS),
        BATCHED.path(CLASSIFIERS[:2]),
        BATCHED.path(CLASSIFIERS[::-1]),
        BATCHED.path([*CLASSIFIERS[:2], dataclasses.replace(CLASSIFIERS[2], seed=1)]),
        BATCHED.path([dataclasses.replace(one, seed=1) for one in CLASSIFIERS]),
    ]
    assert len(set(paths)) == len(paths)
    assert paths[0] == BATCHED.path(list(CLASSIFIERS))
    assert paths[0].startswith("batched-3-")


# --- sweeps -----------------------------------------------------------------------


def test_accuracies_agree_within_half_a_point_over_a_table(single, batched):
    (one,), (other,) = single[1], batched[1]
    expected, found = cell_percents(one), cell_percents(other)
    assert found.keys() == expected.keys()
    for cell, values in expected.items():
        assert values.shape == (3,)
        assert abs(found[cell].mean() - values.mean()) <= 0.5, cell


def test_records_of_the_two_paths_have_different_names(single, batched):
    names = [set(one.names) for one in (single[1][0], batched[1][0])]
    assert [len(found) for found in names] == [4, 4]
    assert names[0].isdisjoint(names[1])
    for (store, (result,)), found in zip((single, batched), names, strict=True):
        assert {path.name for path in store.glob("*.json")} == found
        assert {score.path for score in result.scores} == {result.batching}
    assert single[1][0].batching == "single"
    assert batched[1][0].batching == BATCHED.path(CLASSIFIERS)
    caches = [
        {p.name for p in (store / ".cache").iterdir()} for store, _ in (single, batched)
    ]
    assert caches[0].isdisjoint(caches[1])


def test_neither_path_is_satisfied_with_the_records_of_the_other(single, batched):
    for (store, _), here, other in (
        (single, ONE_BY_ONE, TOGETHER),
        (batched, TOGETHER, ONE_BY_ONE),
    ):
        found, missing = load_plan([group()], store, source="embedded", stages=other)
        assert (found, missing) == ((), (group(),))
        found, missing = load_plan([group()], store, source="embedded", stages=here)
        assert (len(found), missing) == (1, ())


@pytest.mark.parametrize("number", [0, 1])
def test_a_record_under_the_name_of_the_other_path_is_refused(
    single, batched, tmp_path, number
):
    """A record of budgets, and one of accuracies."""
    for (store, (result,)), (other, (stranger,)), wanted in (
        (single, batched, ONE_BY_ONE),
        (batched, single, TOGETHER),
    ):
        copied = tmp_path / str(wanted.how.together)
        shutil.copytree(store, copied)
        shutil.copy(other / stranger.names[number], copied / result.names[number])
        if number:  # only the path may be the reason
            _give_settings_of(store / result.names[1], copied / result.names[1])
        with pytest.warns(UserWarning, match="was computed on the path"):
            found, _ = load_plan([group()], copied, source="embedded", stages=wanted)
        assert found == ()


def _give_settings_of(model_file, file):
    config = json.loads(model_file.read_text())["config"]
    record = json.loads(file.read_text())
    record.pop("sha256")
    save_record(record | {"config": config}, file)


def refuse(*args, **options):
    raise AssertionError("computed again")


def test_a_sweep_goes_on_where_it_was(batched, tmp_path):
    """Lost records are computed again, the classifiers are not."""
    store, (result,) = batched
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    (copied / result.names[2]).unlink()
    stages = dataclasses.replace(TOGETHER, train=refuse)
    (again,) = run_plan([group()], copied, source="embedded", stages=stages)
    for one, other in zip(again.scores, result.scores, strict=True):
        assert one.rows == other.rows
        assert one.defenses == other.defenses
    stages = dataclasses.replace(stages, score=refuse)
    run_plan([group()], copied, source="embedded", stages=stages)


def test_a_failed_batch_is_named(tmp_path):
    def fail(configs, site):
        raise OSError("disk quota exceeded")

    stages = dataclasses.replace(TOGETHER, train=fail)
    with pytest.raises(SweepError, match=r"1 of 1 .* 0-1 seed 0 and 2 more.*quota"):
        run_plan([group()], tmp_path, source="embedded", stages=stages)


def test_a_manifest_names_the_records_of_a_batch(batched, tmp_path):
    store, results = batched
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    assert set(write_manifest(results, copied)["files"]) == set(results[0].names)


def test_records_of_budgets_that_name_no_path_are_single(single, tmp_path):
    """The first of them did not."""
    store, (result,) = single
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    file = copied / result.names[0]
    record = json.loads(file.read_text())
    assert record.pop("path") == "single"
    record.pop("sha256")
    save_record(record, file)
    found, _ = load_plan([group()], copied, source="embedded")
    assert found[0].batching == "single"


@pytest.mark.gpu
@on_gpu
def test_a_sweep_on_a_gpu_agrees_with_a_single_one_here(single, tmp_path):
    (found,) = run_plan(
        [group()], tmp_path, source="embedded", device="cuda", stages=TOGETHER
    )
    expected = cell_percents(single[1][0])
    for cell, values in cell_percents(found).items():
        assert abs(values.mean() - expected[cell].mean()) <= 0.5, cell
    assert found.scores[0].provenance.device != "cpu"


# --- bad input --------------------------------------------------------------------


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: train_stacked([], seeds=[]), r"^datas and seeds .* got 0 and 0"),
        (
            lambda: train_stacked([images_of(4, 0)], seeds=[0, 1]),
            r"^datas and seeds must hold one entry for each model.* got 1 and 2",
        ),
        (
            lambda: train_stacked([images_of(4, 0)], seeds=[0], device="warp"),
            r"^device must be one this machine has, got 'warp'",
        ),
        (
            lambda: train_stacked(
                [LabeledImages(images=torch.zeros(2, 3), labels=torch.ones(2))],
                seeds=[0],
            ),
            r"^data.images must be float32 of shape",
        ),
        (lambda: StackedClassifier([]), r"^models must be at least one"),
        (
            lambda: StackedClassifier([PairCNN(), PairCNN(hidden=3)]),
            r"^models must be at least one, of equal settings",
        ),
        (
            lambda: StackedClassifier([PairCNN()], scales=[1.0, 2.0]),
            r"^scales must be one for each of 1 models, got 2",
        ),
        (
            lambda: StackedClassifier([PairCNN()] * 2)(torch.zeros(3, 1, 28, 28)),
            r"^inputs must be as many for each of 2 models, got 3 rows",
        ),
        (
            lambda: linearize_stacked([PairCNN()] * 2, [torch.zeros(3, 1, 28, 28)]),
            r"^inputs must be at least one for each of 2 models, got \[3\]",
        ),
        (lambda: ramp_ascents([]), r"^problems must be at least one"),
        (lambda: TOGETHER.train([]), r"^configs must be at least one"),
        (
            lambda: TOGETHER.train(
                [CLASSIFIERS[0], ClassifierConfig(classes=(2, 3))], EMBEDDED
            ),
            r"^configs must share train, got",
        ),
        (
            lambda: TOGETHER.train(CLASSIFIERS, Site(device="warp")),
            r"^device must be one this machine has, got 'warp'",
        ),
        (lambda: TOGETHER.score([], []), r"^configs must be at least one"),
        (
            lambda: TOGETHER.score(SCORES, []),
            r"^trained must be one classifier for each of 3 configs, got 0",
        ),
        (
            lambda: TOGETHER.score(
                [SCORES[0], dataclasses.replace(SCORES[1], readings=())], []
            ),
            r"^configs must share readings",
        ),
    ],
)
def test_what_is_no_batch(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.bad_input
def test_problems_of_different_dimension():
    problems = [
        RobustSets(normals=torch.ones(2, dim), offsets=torch.ones(2), epsilon=1.0)
        for dim in (2, 3)
    ]
    with pytest.raises(ValueError, match=r"^problems must be of one dimension, got"):
        ramp_ascents(problems)


@pytest.mark.bad_input
def test_classifiers_of_another_path_are_refused(single, batched):
    caches = [store / ".cache" for store, _ in (single, batched)]
    alone, together = (
        [load_trained(cache, path.stem) for path in sorted(cache.glob("*.json"))]
        for cache in caches
    )
    scores = [dataclasses.replace(ONE_SCORE[0], classifier=c) for c in CLASSIFIERS]
    with pytest.raises(ValueError, match=r"^trained must be of the path 'batched-3-"):
        TOGETHER.score(scores, alone)
    with pytest.raises(ValueError, match=r"^trained must be the classifier of"):
        TOGETHER.score(scores, together[::-1])
    with pytest.raises(ValueError, match=r"^trained must be of one path, got \['bat"):
        calibrate(group().calibration, [alone[0], *together[1:]])


@pytest.mark.bad_input
def test_results_of_two_paths_are_no_table(single, batched):
    with pytest.raises(ValueError, match=r"^results must all be of single runs or"):
        summarize([*single[1], *batched[1]])


@pytest.mark.bad_input
def test_a_batch_runs_in_this_process(tmp_path):
    with process_pool(1) as pool, pytest.raises(ValueError, match=r"^executor must be"):
        run_plan([group()], tmp_path, executor=pool, stages=TOGETHER)


@pytest.mark.bad_input
def test_training_that_diverges_names_whose():
    config = TrainConfig(**SMALL, optimizer="sgd", learning_rate=1e30, epochs=2)
    datas = [images_of(80, seed) for seed in range(2)]
    with pytest.raises(
        TrainingDivergedError, match=r"of models \[0, 1\] \(seeds \[3, 4"
    ):
        train_stacked(datas, config=config, seeds=[3, 4])
