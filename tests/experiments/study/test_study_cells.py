"""Every cell of a classifier at a budget, counted once more by other means."""

import copy
from dataclasses import replace
from itertools import product

import pytest
import torch

from experiments.store.pair_settings import Site
from experiments.study.own_rows import READINGS, STARTS, fit_from
from experiments.study.study_cells import (
    POINTS,
    ROWS,
    StudyConfig,
    points_to_score,
    study_pairs,
)
from experiments.tables.classifiers import ClassifierConfig, fit_points, train_pair
from experiments.tables.scoring import ScoreConfig, score_pair
from paper_lib.attacks import pgd
from paper_lib.data import load_pair
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig
from paper_lib.robust_sets import RobustSets

EMBEDDED = Site(source="embedded")
TRAIN = TrainConfig(channels=(2, 3), hidden=6, learning_rate=0.01, epochs=3)
CLASSIFIER = ClassifierConfig(classes=(3, 8), train=TRAIN, num_fit=300)
CONFIG = StudyConfig(classifier=CLASSIFIER, epsilon=0.8, num_own=60, num_trained=40)


@pytest.fixture(scope="module")
def trained():
    return train_pair(CLASSIFIER, EMBEDDED)


@pytest.fixture(scope="module")
def record(trained):
    return study_pairs([CONFIG], [trained], EMBEDDED)[0]


@pytest.fixture(scope="module")
def result(record):
    return StudyConfig.result(record)


@pytest.fixture(scope="module")
def pair():
    return load_pair("mnist", (3, 8), source="embedded")


def without_times(record):
    copied = copy.deepcopy(record)
    assert copied["provenance"].pop("seconds") >= 0.0
    return copied


def test_every_cell_is_there_once(result):
    plays = {("none", "none", "none"), ("FGM", "none", "none")}
    plays |= {("FGM", "FGM", start) for start in STARTS}
    plays |= {(reading, "none", "none") for reading in READINGS}
    plays |= set(product(READINGS, ROWS, STARTS))
    assert len(result.cells) == 2 * 33
    assert {one[:4] for one in result.cells} == {
        (points, *play) for points, play in product(POINTS, plays)
    }
    for points, *_, true, approximate in result.cells:
        assert 0 <= true <= result.sizes[points] >= approximate >= 0


def test_the_sizes_are_those_asked_for(result):
    assert result.sizes == {
        **{"train": 800, "fit": 300, "own": 60},
        **{"test": 200, "trained": 40},
    }


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("reading", ["literal", "fixed-label, ball"])
def test_cells_are_counted_as_the_definitions_say(
    result, trained, pair, points, reading
):
    model = trained.model()
    fitted = fit_points(CLASSIFIER, 800)
    some = fitted[torch.linspace(0, 299, 60).long()]
    data = points_to_score(CONFIG, pair, fitted)[points]
    setting = READINGS[reading]

    def attack_at(images):
        return pgd(
            model,
            images,
            0.8,
            step_size=0.8 * setting.relative_step,
            direction=setting.direction,
            projection=setting.projection,
        )

    at_some = linearize(model, pair.train.images[some])
    sign = at_some.logits.sign().unsqueeze(1)
    asked = at_some.logits.abs() + (
        sign * at_some.gradients * attack_at(pair.train.images[some])
    ).sum(1)
    own = RobustSets(normals=sign * at_some.gradients, offsets=asked, epsilon=0.8)
    at_fit = linearize(model, pair.train.images[fitted])
    rows = {"FGM": RobustSets.from_linearization(at_fit, 0.8), "own": own}
    lin, attack = linearize(model, data.images), attack_at(data.images)
    for name, start in product(ROWS, STARTS[:2]):
        v = fit_from(start, rows[name], seed=0)
        moved = data.images + (attack + v).view_as(data.images)
        with torch.no_grad():
            true = int((data.labels * model(moved) > 0).sum())
        value = lin.logits + (lin.gradients * (attack + v)).sum(1)
        approximate = int((lin.logits.sign() * value >= 0).sum())
        found = result.percents[points, reading, name, start]
        total = len(data.labels)
        assert found[0] == pytest.approx(100 * true / total, abs=150 / total)
        assert found[1] == pytest.approx(100 * approximate / total, abs=150 / total)


def test_fgm_alone_leaves_the_points_whose_margin_is_large(result, trained, pair):
    margins = linearize(trained.model(), pair.test.images).margins
    _, approximate = result.percents["test", "FGM", "none", "none"]
    assert approximate == pytest.approx(100 * float((margins >= 0.8).double().mean()))


def test_cells_of_the_tables_are_the_same_counts(result, trained):
    """Those of Table 1's own runs: the ascent from zero, on test points."""
    config = ScoreConfig(classifier=CLASSIFIER, epsilon=0.8)
    cells = ScoreConfig.result(score_pair(config, trained, EMBEDDED)).cells
    names = {"none": "none", "FGM": "FGM", **{f"PGD {one}": one for one in READINGS}}
    compared = 0
    for (attack, defense, accuracy), row in cells.items():
        if (attack, defense) == ("none", "ramp, raw rows"):
            continue
        play = ("none", "none") if defense == "none" else ("FGM", "v = 0")
        found = result.percents["test", names[attack], *play]
        assert found[accuracy == "approximate"] == row.percent
        compared += 1
    assert compared == 18


def test_no_attack_does_more_to_the_approximation_than_fgm(result):
    """Lemma 2, for every defense; on f itself nothing forbids it."""
    of = result.percents
    for points, reading, start in product(POINTS, READINGS, STARTS):
        weakest = of[points, "FGM", "FGM", start][1]
        assert of[points, reading, "FGM", start][1] >= weakest


def test_the_share_of_rows_met_is_that_of_the_fit(result):
    for attack in ("FGM", *READINGS):
        assert set(result.coverages[attack]) == set(STARTS)
        total = result.sizes["fit" if attack == "FGM" else "own"]
        for share in result.coverages[attack].values():
            assert share * total == pytest.approx(round(share * total))
        for start in STARTS:  # the ramp lies below the indicator
            reached = result.ramp_values[attack][start]
            assert 0.0 <= reached <= result.coverages[attack][start] + 1e-6


def test_the_better_start_has_the_larger_ramp(result):
    values = {"v = 0": 0.25, "mean normal": 0.5, "search": 0.9}
    one = replace(result, ramp_values={"FGM": values})
    assert one.better_start("FGM") == "mean normal"
    other = replace(result, ramp_values={"FGM": values | {"v = 0": 0.6}})
    assert other.better_start("FGM") == "v = 0"
    alike = replace(result, ramp_values={"FGM": values | {"v = 0": 0.5}})
    assert alike.better_start("FGM") == "v = 0"


def test_a_run_repeats_but_for_its_seconds(record, trained):
    (again,) = study_pairs([CONFIG], [trained], EMBEDDED)
    assert without_times(again) == without_times(record)


def test_fewer_cells_have_the_same_counts(result, trained):
    few = replace(
        CONFIG, readings=("ball",), starts=("v = 0",), rows=("own",), points=("test",)
    )
    (found,) = study_pairs([few], [trained], EMBEDDED)
    cells = StudyConfig.result(found).cells
    assert {one[1:4] for one in cells} == {
        *(("none", "none", "none"), ("FGM", "none", "none"), ("FGM", "FGM", "v = 0")),
        *(("ball", "none", "none"), ("ball", "own", "v = 0")),
    }
    assert set(cells) < set(result.cells)
    assert few.record_name() != CONFIG.record_name()


def test_points_that_trained_are_none_of_those_fitted_on(pair):
    fitted = fit_points(CLASSIFIER, 800)
    scored = points_to_score(CONFIG, pair, fitted)
    assert torch.equal(scored["test"].images, pair.test.images)
    known = {image.numpy().tobytes() for image in pair.train.images[fitted]}
    assert not any(one.numpy().tobytes() in known for one in scored["trained"].images)
    free = {image.numpy().tobytes() for image in pair.train.images} - known
    assert all(one.numpy().tobytes() in free for one in scored["trained"].images)
    assert len(scored["trained"].labels.unique()) == 2


def test_where_all_are_fitted_on_some_of_them_are_scored(pair):
    scored = points_to_score(CONFIG, pair, torch.arange(800))
    assert len(scored["trained"].labels) == 40


@pytest.mark.bad_input
def test_the_classifier_of_other_settings_is_refused(trained):
    other = replace(CONFIG, classifier=replace(CLASSIFIER, seed=9))
    with pytest.raises(ValueError, match="trained must be the classifier of mnist 3-8"):
        study_pairs([other], [trained], EMBEDDED)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"readings": ("madry",)}, r"readings must be different ones of .*'madry'"),
        ({"starts": ("v = 0", "v = 0")}, "starts must be different ones of"),
        ({"rows": ("PGD",)}, r"rows must be different ones of \('FGM', 'own'\)"),
        ({"points": ("all",)}, "points must be different ones of"),
        ({"epsilon": 0.0}, "epsilon must be finite and > 0, got 0.0"),
        ({"num_own": 0}, "num_own must be"),
        ({"num_trained": 0}, "num_trained must be"),
    ],
)
def test_settings_that_are_none_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(CONFIG, **changes)
