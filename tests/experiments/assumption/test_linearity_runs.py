"""Records on local linearity: what they hold, and that they come back."""

import json
from dataclasses import replace

import pytest

from experiments.assumption.agreement_runs import AgreementRun
from experiments.assumption.closeness_runs import ClosenessRun
from experiments.assumption.linearity_plans import (
    agreement_plan,
    closeness_plan,
    declared_plan,
)
from experiments.assumption.variations import Variation
from experiments.store.pair_settings import Site
from experiments.study.declared import DECLARED
from experiments.study.study_plan import EXPLORED, FRESH_SEEDS, NETWORKS
from experiments.sweep.resume import load_or_compute
from paper_lib.models import TrainConfig

EMBEDDED = Site(source="embedded")
SETTINGS = {
    "train": TrainConfig(channels=(2, 3), hidden=6),
    "num_points": 10,
    "num_fit": 100,
}
AGREEMENT = AgreementRun(
    **SETTINGS, budgets=(0.02, 0.1), defended=(0.05,), curved=(0.02,), num_proofs=4
)
CLOSENESS = ClosenessRun(**SETTINGS, num_windows=2, num_walks=3)


def test_a_record_of_agreement_says_all_of_its_points(tmp_path):
    (found,) = load_or_compute([AGREEMENT], tmp_path, source="embedded")
    (again,) = load_or_compute([AGREEMENT], tmp_path, source="embedded", compute=False)
    assert again == found
    assert len(found.margins) == len(found.found) == 10
    assert len(found.proven) == 4
    assert [one.epsilon for one in found.defenses] == [0.05, found.epsilon]
    (curved,) = found.curved
    assert len(curved.upper) == 4
    for upper, lower in zip(curved.upper, curved.lower, strict=True):
        assert upper is None or lower <= upper
    for shortest, proven in zip(found.found, found.proven, strict=False):
        assert shortest is None or shortest > 2.0 * proven


def test_a_record_of_closeness_says_all_of_its_parts(tmp_path):
    (found,) = load_or_compute([CLOSENESS], tmp_path, source="embedded")
    assert {one.direction for one in found.errors} == {"FGM", "random", "worst"}
    assert len(found.errors) == 3 * len(CLOSENESS.distances)
    quartiles = [one.quartiles for one in found.errors]
    assert all(list(one) == sorted(one) for one in quartiles)
    worst = {
        one.distance: one.quartiles for one in found.errors if one.direction == "worst"
    }
    for one in found.errors:
        if one.direction == "random":
            assert one.quartiles <= worst[one.distance]
    for walked in found.walks:
        assert list(walked.bends) == sorted(walked.bends)
        assert len(walked.first) == len(walked.share) == 3
        assert all(
            (first is None) == (share == 0.0)
            for first, share in zip(walked.first, walked.share, strict=True)
        )
    plays = {(one.attack, one.defense): one for one in found.plays}
    assert len(plays) == 6
    unmoved = plays["none", "none"]
    assert (unmoved.only_f, unmoved.only_tangent) == (0.0, 0.0)
    assert [len(one.areas) for one in found.windows] == [2, 2]


def test_two_runs_of_one_record_agree_but_for_the_time():
    def rest(record):
        return {name: part for name, part in record.items() if name != "seconds"}

    one, two = (rest(AGREEMENT.run(EMBEDDED)) for _ in range(2))
    assert one == two
    assert json.loads(json.dumps(one)) == one


def test_of_a_smooth_classifier_nothing_is_proven_but_found():
    smooth = replace(
        AGREEMENT, variation=Variation(pool="average", activation="softplus")
    )
    record = smooth.run(EMBEDDED)
    assert record["proven"] == record["defenses"] == record["curved"] == []
    assert any(one is not None for one in record["found"])
    curved = replace(CLOSENESS, variation=smooth.variation).run(EMBEDDED)
    assert curved["walks"] == []


def test_the_plans_hold_ten_pairs_of_each_set_and_three_seeds():
    for plan in (agreement_plan(), closeness_plan()):
        assert len({run.record_name() for run in plan}) == len(plan) == 60
        for dataset in ("mnist", "fashion-mnist"):
            chosen = [run for run in plan if run.dataset == dataset and run.seed == 1]
            met = [label for run in chosen for label in run.classes]
            assert sorted(met) == sorted([*range(10)] * 2)


def test_the_declared_network_is_that_of_the_study():
    plan = declared_plan()
    assert DECLARED.protocol == "margin quantile"
    assert {run.train for run in plan} == {NETWORKS[DECLARED.network]}
    assert {run.seed for run in plan} == {FRESH_SEEDS[0]}
    sets = [run.classes for run in plan if run.dataset == "fashion-mnist"]
    assert (*sets,) == EXPLORED
    assert len({run.record_name() for run in plan}) == 2 * len(sets) == 20


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (AgreementRun, {"budgets": (0.2, 0.1)}, "budgets must be finite, > 0 and incr"),
        (AgreementRun, {"budgets": (0.0,)}, "budgets must be finite, > 0 and incr"),
        (AgreementRun, {"defended": (float("inf"),)}, "defended must be finite"),
        (AgreementRun, {"curved": (float("nan"),)}, "curved must be finite"),
        (AgreementRun, {"num_proofs": 0}, "num_proofs must be at least 1, got 0"),
        (AgreementRun, {"num_points": 0}, "num_points must be at least 1, got 0"),
        (ClosenessRun, {"num_fit": 0}, "num_fit must be at least 1, got 0"),
        (ClosenessRun, {"distances": (-1.0,)}, "distances must be finite and > 0"),
        (ClosenessRun, {"window_budgets": (0.0,)}, "window_budgets must be finite"),
        (ClosenessRun, {"num_windows": 0}, "num_windows must be at least 1, got 0"),
        (ClosenessRun, {"num_walks": 0}, "num_walks must be at least 1, got 0"),
    ],
)
def test_settings_without_meaning_are_refused(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)


@pytest.mark.bad_input
def test_a_variation_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="variation"):
        AgreementRun(variation="linear")
