"""What the page on local linearity says of the stored records, counted anew."""

import json
import math
from pathlib import Path

import pytest

from experiments.assumption.linearity_plans import (
    agreement_plan,
    closeness_plan,
    declared_plan,
    variation_plan,
)
from experiments.sweep.resume import load_or_compute

STORE = Path(__file__).resolve().parents[2] / "results/assumption"


def raw(prefix, plan):
    """The records of a plan as JSON, read without the code that pages use."""
    names = {run.record_name() for run in plan}
    assert all(name.startswith(prefix) for name in names)
    return [json.loads((STORE / name).read_text()) for name in sorted(names)]


@pytest.fixture(scope="module")
def agreement():
    return raw("agreement-", agreement_plan())


@pytest.fixture(scope="module")
def declared():
    return raw("agreement-", declared_plan())


@pytest.fixture(scope="module")
def closeness():
    return raw("closeness-", closeness_plan())


def length(value):
    return math.inf if value is None else value


def test_every_published_run_is_stored():
    varied = [run for _, run in variation_plan()]
    for plan in (agreement_plan(), declared_plan(), closeness_plan(), varied):
        assert len(load_or_compute(plan, STORE, compute=False)) == len(plan)


def test_no_proof_is_refuted(agreement, declared):
    proofs = 0
    for record in (*agreement, *declared):
        for found, proven in zip(record["found"], record["proven"], strict=False):
            proofs += sum(budget <= proven for budget in record["config"]["budgets"])
            assert length(found) > 2.0 * proven
    assert proofs > 800


@pytest.mark.parametrize("plan", ["agreement", "declared"])
@pytest.mark.parametrize("radius", [0.5, None], ids=["0.5", "Table 1"])
def test_a_boundary_in_the_ball_is_a_disagreement(plan, radius, request):
    points = 0
    for record in request.getfixturevalue(plan):
        reach = radius or 2.0 * record["epsilon"]
        for margin, found in zip(record["margins"], record["found"], strict=True):
            if length(margin) <= reach:
                points += 1
                assert length(found) <= reach
    assert points > 100


def test_proofs_reach_what_they_were_to(agreement):
    for classes, budget, share in (
        ([0, 1], 0.05, 0.9),
        ([3, 8], 0.05, 0.9),
        ([0, 1], 0.1, 0.4),
    ):
        proven = [
            one >= budget
            for record in agreement
            if record["config"]["dataset"] == "mnist"
            and record["config"]["classes"] == classes
            for one in record["proven"]
        ]
        assert len(proven) == 32
        assert sum(proven) > share * len(proven)


def test_a_disagreement_is_no_further_than_the_boundary(agreement):
    for record in agreement:
        for margin, found in zip(record["margins"], record["found"], strict=True):
            if found is not None:
                assert found <= length(margin) * 1.001


def test_no_proof_is_of_a_point_with_a_boundary(agreement, declared):
    for record in (*agreement, *declared):
        for margin, proven in zip(record["margins"], record["proven"], strict=False):
            assert length(margin) > 2.0 * proven


def test_at_random_the_signs_hardly_ever_differ(closeness):
    firsts = [
        first
        for record in closeness
        for walk in record["walks"]
        if walk["direction"] == "random"
        for first in walk["first"]
    ]
    assert sum(first is not None for first in firsts) < 0.05 * len(firsts)
