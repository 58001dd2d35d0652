"""The stored bounds: complete, whole, and what their own terms say."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.populations.sample_methods import FinitePopulation
from experiments.populations.sample_rates import measure_rates
from experiments.section5.bound_runs import BoundsConfig
from experiments.section5.halves import NUM_BUDGETS, bound_half
from experiments.section5.plans import (
    PRICE_PLAN,
    VALIDITY_PLAN,
    bound_plan,
    image_rates_plan,
    reuse_plan,
)
from experiments.section5.prices import PriceConfig
from experiments.store.record_files import load_record
from experiments.sweep.resume import load_or_compute
from experiments.tables.table_1 import primary_budgets
from paper_lib.bounds.held_out import clopper_pearson
from paper_lib.bounds.kl import kl_upper
from paper_lib.defense import ramp_ascent
from tests.regression.recomputed import far_apart, share_of_equal

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
        for name, key in (("ramp", "PAC-Bayes"), ("compressed", "compression")):
            fresh = record.fresh[name]
            assert fresh.bounds[key].value < fresh.coverage_test, name


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


def test_on_images_the_polished_solution_needs_many_points():
    for record in stored("rates"):
        mean = {
            solver: [sum(row) / len(row) for row in rate.regrets()]
            for solver, rate in record.rates.items()
        }
        early = [k for k, size in enumerate(record.config.sizes) if size <= 1000]
        assert len(early) == 5
        assert all(mean["polished"][k] > mean["annealed"][k] for k in early)
        assert mean["polished"][-1] < mean["annealed"][-1] < mean["ramp"][-1]


def test_prices_fall_with_n_and_allow_for_the_overfit():
    for record in stored("prices"):
        few, many = record.sizes[2], record.sizes[-1]
        for name, price in many.prices.items():
            if name != "center, held out":
                assert price <= few.prices[name], name
                assert price > many.overfit, name
        assert 0.0 <= many.regret < few.regret


# --- computed again ---------------------------------------------------------------
# Kernels of other processors move a count by a row here and there.


@pytest.mark.slow
@pytest.mark.parametrize("place", range(3))
def test_prices_of_small_samples_come_out_again(place):
    path = STORE / PRICE_PLAN[place].record_name()
    before = load_record(path, schema=PriceConfig.schema)["sizes"][:2]
    config = replace(PRICE_PLAN[place], sizes=PRICE_PLAN[place].sizes[:2])
    after = config.run()["sizes"]
    assert share_of_equal(after, before) > 0.75
    assert far_apart(after, before) == []
    # Negative control: other samples have other prices.
    other = replace(config, seed=1000, sizes=config.sizes[:1])
    assert share_of_equal(other.run()["sizes"], before[:1]) < 0.5


@pytest.mark.slow
def test_a_test_of_the_bounds_comes_out_again():
    """All thousand samples of the population that takes the least time."""
    config = next(one for one in VALIDITY_PLAN if one.fit == "annealed")
    (before,) = load_or_compute([config], STORE, compute=False)
    after = config.result(config.run())
    assert after.bounds.keys() == before.bounds.keys()
    for name, old in before.bounds.items():
        new = after.bounds[name]
        assert new.is_rejected == old.is_rejected
        assert new.failures == pytest.approx(old.failures, abs=5), name
        for mean in ("mean_observed", "mean_value", "mean_truth"):
            # A tenth of a row of 200.
            kept = getattr(old, mean)
            assert getattr(new, mean) == pytest.approx(kept, abs=5e-4), (name, mean)


@pytest.mark.fulldata
def test_bounds_of_few_points_come_out_again():
    config = PLANS["bounds"][0]
    path = STORE / config.record_name()
    before = load_record(path, schema=BoundsConfig.schema)["sizes"][:2]
    halves, _ = config.halves()
    center = ramp_ascent(halves.trained).perturbation
    after = [
        bound_half(halves, center, num, confidence=config.confidence, seed=config.seed)
        for num in config.sizes[:2]
    ]
    assert share_of_equal(after, before) > 0.75
    # Negative control: those of more points are others.
    assert share_of_equal(after[:1], before[1:]) < 0.5


@pytest.mark.fulldata
@pytest.mark.parametrize("place", [0, 1])
def test_rates_of_small_samples_of_images_come_out_again(place):
    before = stored("rates")[place]
    config = before.config
    halves, _ = config.pair.halves()
    population, num = FinitePopulation(sets=halves.test), before.num
    assert num == len(halves.test.offsets)
    for solver in config.solvers:
        fresh = measure_rates(
            population,
            config.sizes[:3],
            repetitions=5,
            seed=config.seed,
            solver=solver,
            with_deviations=False,
        )
        after = [
            [[round(n * d.sample_coverage), round(num * d.coverage)] for d in row]
            for n, row in zip(fresh.sizes, fresh.draws, strict=True)
        ]
        kept, others = (
            [list(map(list, row[part])) for row in before.counts[solver][:3]]
            for part in (slice(5), slice(5, 10))
        )
        assert share_of_equal(after, kept) > 0.75, solver
        # Negative control: the next five samples have other counts.
        assert share_of_equal(after, others) < 0.6, solver


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
