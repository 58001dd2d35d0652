"""The stored bounds: complete, whole, and what their own terms say."""

import math
from pathlib import Path

import pytest

from experiments.section5.bound_runs import NUM_BUDGETS
from experiments.section5.plans import (
    PRICE_PLAN,
    VALIDITY_PLAN,
    bound_plan,
    image_rates_plan,
    reuse_plan,
)
from experiments.sweep.resume import load_or_compute
from experiments.tables.group_results import primary_budgets
from paper_lib.bounds.held_out import clopper_pearson
from paper_lib.bounds.kl import kl_upper

RESULTS = Path(__file__).resolve().parents[2] / "results"
STORE = RESULTS / "generalization"
BUDGETS = primary_budgets(RESULTS / "table1")
PLANS = {
    "bounds": bound_plan(BUDGETS),
    "reuse": reuse_plan(BUDGETS),
    "validity": VALIDITY_PLAN,
    "rates": image_rates_plan(BUDGETS),
    "prices": PRICE_PLAN,
}


def stored(kind):
    return load_or_compute(PLANS[kind], STORE, compute=False)


def lower_bounds(record):
    for entry in record.sizes:
        for fit in entry.fits.values():
            for name, bound in fit.bounds.items():
                yield entry.num, fit, name, bound


def test_the_store_holds_the_plans_and_nothing_else():
    planned = {one.record_name() for plan in PLANS.values() for one in plan}
    assert planned | {"rates.json"} == {path.name for path in STORE.iterdir()}
    assert set(BUDGETS.values()) <= {k / 100 for k in range(1, NUM_BUDGETS + 1)}


def test_bounds_follow_from_their_terms():
    delta, seen = 0.05 / NUM_BUDGETS, set()
    for record in stored("bounds"):
        for num, _, name, bound in lower_bounds(record):
            terms = bound.terms
            assert 1 - bound.confidence == pytest.approx(delta, rel=1e-6)
            if name.startswith("PAC-Bayes"):
                nats = terms["relative entropy"] + math.log(
                    72 * 2 * math.sqrt(num) / delta
                )
                ratio = terms["margin"] / terms["noise"]
                factor = 0.5 * math.erfc(-ratio / math.sqrt(2))
                value = 1 - kl_upper(1 - terms["kept with noise"], nats / num) / factor
            elif name == "compression":
                size, left = terms["points"], num - terms["points"]
                nats = terms["log choices"] + math.log(2 * size * (size + 1) / delta)
                value = 1 - kl_upper(1 - terms["kept of the others"], nats / left)
                # With repeated points more remain, and the bound is a trifle larger.
                assert bound.value == pytest.approx(value, abs=1e-4)
                continue
            elif name.startswith("ramp"):
                value = terms["ramp mean"] - terms["complexity"] - terms["tail"]
            elif name in ("Eq. (20)", "regions"):
                value = bound.observed - terms["complexity"] - terms["tail"]
            else:
                continue
            seen.add(name)
            assert bound.value == pytest.approx(max(value, 0.0), abs=1e-9), name
    assert len(seen) == 6


def test_no_published_bound_contradicts_the_test_images():
    # The test images are draws too: a bound may exceed their share, not their limit.
    for record in stored("bounds"):
        num = record.num_test
        for _, fit, name, bound in lower_bounds(record):
            if bound.holds_for == "a Gaussian around v":
                continue
            kept = round(fit.coverage_test * num)
            most = clopper_pearson(kept, num, confidence=0.999, side="upper")
            assert bound.value <= most, (record.config, name)


def test_the_goal_is_reached_by_bounds_from_training_images_alone():
    for record in stored("bounds"):
        last = record.sizes[-1]
        # Two methods at half of the chance of failure each: the better may be picked.
        halved = [
            last.fits[fit].coverage
            - last.fits[fit].regrets[key].terms["below the coverage"]
            for fit, key in (
                ("compressed", "compression"),
                ("certified", "PAC-Bayes, center"),
            )
        ]
        goal = last.searched.coverage_test - 0.10
        assert max(halved) >= goal, record.config
        assert {
            bound.holds_for
            for fit in last.fits.values()
            for bound in fit.bounds.values()
        } <= {
            "every v at once",
            "the v rebuilt from few points",
            "a Gaussian around v",
        }


def test_learning_by_heart_makes_a_bound_false():
    as_published = stored("reuse")
    by_heart = [one for one in as_published if one.config.num == 300]
    assert len(by_heart) == 2
    for record in by_heart:
        assert record.trained_accuracy == 1.0
        fit = record.fits["compressed"]
        assert fit.bounds["compression"].value > fit.coverage_test + 0.05


def test_every_bound_held_and_every_control_was_rejected():
    for record in stored("validity"):
        assert record.config.repetitions == 1000
        for name, found in record.bounds.items():
            control = name == "held out, v fitted"
            assert found.is_rejected is control, (record.config, name)
            limit = clopper_pearson(found.failures, 1000, confidence=0.999)
            assert found.limit == pytest.approx(limit)
            assert found.is_rejected is (limit > 1 - found.confidence)
            assert found.rejecting_factor is not None or control, name


def test_rates_on_images_read_back():
    for record in stored("rates"):
        assert record.best_count <= record.upper_count <= record.num
        for rates in record.rates.values():
            assert all(value >= 0.0 for row in rates.regrets() for value in row)
            assert tuple(map(len, rates.draws)) == record.config.repetitions


def test_prices_fall_with_n_and_allow_for_the_overfit():
    for record in stored("prices"):
        few, many = record.sizes[2], record.sizes[-1]
        for name, price in many.prices.items():
            if name != "center, held out":
                assert price <= few.prices[name], name
                assert price > many.overfit, name
        assert 0.0 <= many.regret < few.regret


@pytest.mark.fulldata
def test_a_stored_record_is_what_the_library_computes():
    config = next(one for one in PLANS["reuse"] if one.random_labels)
    before = next(one for one in stored("reuse") if one.config.random_labels)
    after = config.result(config.run())
    # A hundred epochs amplify the rounding of other kernels.
    assert after.epsilon == pytest.approx(before.epsilon, rel=0.02)
    for name, fit in before.fits.items():
        again = after.fits[name]
        # Kernels differ between processors: a few points of 300 or 2,000.
        assert again.coverage == pytest.approx(fit.coverage, abs=0.02)
        assert again.coverage_test == pytest.approx(fit.coverage_test, abs=0.02)
