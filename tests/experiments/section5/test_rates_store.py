"""The store of measured rates: whole, resumed, and drawn as it was measured."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.section5.rate_runs import RATE_PLANS, RatePlan
from experiments.sweep.resume import load_or_compute

LINE = RatePlan(
    kind="linear",
    dim=3,
    solver="exact",
    sizes=(5, 20),
    repetitions=(3, 2),
    with_deviations=True,
)
SPACE = replace(LINE, kind="gaussian", dim=4, solver="annealed", with_deviations=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / "rates.json"


def numbers(rates):
    return [
        (d.seed, d.sample_coverage, d.coverage, d.deviation.lower)
        for row in rates.draws
        for d in row
    ]


@pytest.mark.parametrize("plan", [LINE, SPACE], ids=["line", "space"])
def test_what_is_read_is_what_was_measured(plan, path):
    (found,) = load_or_compute([plan], path)
    direct = plan.rates()
    np.testing.assert_allclose(numbers(found), numbers(direct), rtol=0, atol=1e-9)
    assert [len(row) for row in found.draws] == [3, 2]
    assert found.best.coverage == direct.best.coverage
    assert found.best.perturbation.tolist() == direct.best.perturbation.tolist()
    for one, two in zip(found.draws[0], direct.draws[0], strict=True):
        assert one.deviation.upper >= two.deviation.upper


def test_only_what_is_missing_is_measured(path, monkeypatch):
    load_or_compute([LINE], path)
    asked = []

    def counted(plan, site):
        asked.append(plan.kind)
        return run(plan, site)

    run = RatePlan.run
    monkeypatch.setattr(RatePlan, "run", counted)
    both = load_or_compute([LINE, SPACE], path)
    assert asked == ["gaussian"]
    again = load_or_compute([SPACE, LINE], path)
    assert asked == ["gaussian"]
    assert [numbers(one) for one in again] == [numbers(one) for one in both[::-1]]


def test_a_run_that_is_stopped_keeps_what_is_done(path, monkeypatch):
    def stopped(plan, site):
        if plan.kind == "gaussian":
            raise KeyboardInterrupt
        return run(plan, site)

    run = RatePlan.run
    monkeypatch.setattr(RatePlan, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        load_or_compute([LINE, SPACE], path)
    assert len(load_or_compute([LINE], path, compute=False)) == 1


def test_other_settings_are_another_result(path):
    load_or_compute([LINE], path)
    for other in (
        replace(LINE, seed=1),
        replace(LINE, dim=2),
        replace(LINE, repetitions=(3, 3)),
        replace(LINE, with_deviations=False),
    ):
        with pytest.raises(FileNotFoundError, match="must hold every record, but"):
            load_or_compute([other], path, compute=False)


def test_a_store_that_was_altered_is_refused(path):
    load_or_compute([LINE], path)
    record = json.loads(path.read_text())
    record["entries"][0]["counts"][0][0] += 1
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="is altered"):
        load_or_compute([LINE], path)


def test_plans_differ_and_reach_from_ten_to_a_hundred_thousand():
    assert len({repr(plan) for plan in RATE_PLANS}) == len(RATE_PLANS)
    for plan in RATE_PLANS:
        assert len(plan.sizes) == len(plan.repetitions)
        assert plan.sizes[0] == 10
    assert {plan.dim for plan in RATE_PLANS if plan.sizes[-1] == 100_000} == {
        2,
        10,
        100,
    }


@pytest.mark.bad_input
def test_nothing_is_measured_where_that_is_not_wanted(tmp_path):
    path = tmp_path / "folder" / "rates.json"
    with pytest.raises(FileNotFoundError, match=r"^store must hold every record, but"):
        load_or_compute(RATE_PLANS, path, compute=False)
    assert not path.parent.exists()
