"""Bounds hold as often as they say, and the test for it can reject."""

import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.section5.bound_tests import Validity
from experiments.section5.plans import VALIDITY_PLAN
from experiments.section5.validity_runs import (
    ValidityConfig,
    measure_validity,
    trace_bound,
)
from tests.paper_lib.bounds.bound_cases import fitted, sample

CONTROL = "held out, v fitted"


def validity(values, *, observed=0.9, truth=0.8, confidence=0.95, side="lower"):
    num = len(values)
    return Validity(
        confidence=confidence,
        side=side,
        observed=np.full(num, observed),
        values=np.array(values),
        truths=np.full(num, truth),
    )


def test_failures_and_the_factor_by_hand():
    # A price of 0.2 where 0.1 would do: from a factor of 0.5 down all samples fail.
    one = validity([0.7] * 1000)
    assert one.failures() == 0
    assert one.failures(0.49) == 1000
    assert one.summary().rejecting_factor == pytest.approx(0.49)
    upper = validity([0.95] * 1000, truth=0.94, side="upper")
    assert upper.failures() == 0
    assert upper.summary().rejecting_factor == pytest.approx(0.79)
    assert validity([0.5] * 1000, observed=0.7).summary().rejecting_factor is None


def test_the_test_rejects_by_the_lower_limit():
    # 50 in 1,000 are allowed. The 99.9% lower limit passes 0.05 from 74 on.
    for failures, rejected in ((50, False), (73, False), (74, True), (1000, True)):
        one = validity([0.85] * failures + [0.7] * (1000 - failures))
        assert one.failures() == failures
        assert one.is_rejected() is rejected, failures


def check(found):
    for name, one in found.items():
        if name == CONTROL:
            continue
        assert not one.is_rejected(), name
        # Each can be wrong: shrunk, it is rejected.
        factor = one.summary().rejecting_factor
        assert factor is not None, name
        assert factor < 1.0, name


def test_every_bound_holds_on_jointly_normal_rows():
    config = ValidityConfig(
        kind="gaussian", dim=100, num_rows=60, fit="annealed", repetitions=60
    )
    found = measure_validity(config)
    check(found)
    # A bound for a v fixed in advance, at one that was fitted.
    assert found[CONTROL].is_rejected()
    values = found["compression"].values
    assert 0.3 < values.mean() < found["compression"].truths.mean()


# The published thousand samples are those of the records: the tests of these say that
# every bound held there, and compute one of them again.
@pytest.mark.slow
@pytest.mark.parametrize("config", VALIDITY_PLAN, ids=lambda config: config.label)
def test_every_bound_holds_on_every_population(config):
    # The optimum of a sample of the finite one is hardly ever below its own: only many
    # samples can reject a bound of it.
    num = 1000 if config.kind == "finite" else 200
    config = replace(config, num_rows=40, fit="annealed", repetitions=num)
    found = measure_validity(config)
    assert {len(one.values) for one in found.values()} == {num}
    check(found)
    assert found[CONTROL].is_rejected()


def test_a_record_holds_what_was_measured():
    config = ValidityConfig(
        kind="linear", dim=3, num_rows=50, repetitions=4, fit="annealed"
    )
    record = config.result(config.run())
    found = measure_validity(config)
    assert set(record.bounds) == set(found)
    for name, one in found.items():
        entry = record.bounds[name]
        assert entry.failures == one.failures()
        assert entry.mean_value == pytest.approx(one.values.mean())
    other = measure_validity(replace(config, seed=100))
    assert not np.array_equal(other["ramp"].values, found["ramp"].values)


@pytest.mark.bad_input
def test_tests_without_samples():
    good = {"kind": "gaussian", "dim": 2}
    for name in ("dim", "num_rows", "repetitions"):
        with pytest.raises(ValueError, match=rf"^{name} must be at least 1, got 0\."):
            ValidityConfig(**(good | {name: 0}))


def test_a_bound_from_a_count_of_traces_by_hand():
    sets = sample(n=2000, d=2)
    v = fitted(sets)
    counted = trace_bound(sets, v, num_traces=1000)
    expected = math.sqrt(2 * math.log(1000) / 2000)
    tails = 3 * math.sqrt(math.log(40) / 4000)
    assert counted.value == pytest.approx(sets.coverage(v) - expected - tails)
    assert counted.observed == sets.coverage(v)
