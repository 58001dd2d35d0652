"""Runs that bound a pair, and the store that keeps them."""

from dataclasses import replace

import pytest
import torch

from experiments.populations.distributions import GaussianRows
from experiments.section5.bound_runs import NUM_BUDGETS, BoundsConfig
from experiments.section5.image_rates import ImageRatesConfig
from experiments.section5.plans import bound_plan
from experiments.section5.prices import PriceConfig
from experiments.section5.reuse import ReuseConfig
from experiments.section5.validity_runs import ValidityConfig
from experiments.store.pair_settings import Site
from experiments.store.record_files import load_record, save_record
from experiments.sweep.resume import load_or_compute
from experiments.sweep.runner import SweepError
from experiments.tables.planning import ALL_PAIRS, groups_of
from experiments.tables.table_1 import primary_budgets
from paper_lib.models import TrainConfig

EMBEDDED = Site(source="embedded")
PAIR = BoundsConfig(epsilon=1.5, sizes=(100,))
QUICK = ValidityConfig(kind="linear", dim=2, num_rows=20, repetitions=3, fit="annealed")


@pytest.fixture(scope="module")
def halves():
    return PAIR.halves(EMBEDDED)


def test_the_halves_part_the_training_images(halves):
    sets, source = halves
    sizes = [len(one.offsets) for one in (sets.trained, sets.counted, sets.test)]
    assert sizes[0] == sizes[1] > 100
    assert source["data"]["source"] == "embedded"
    rows = torch.cat([sets.trained.offsets, sets.counted.offsets])
    assert len(rows.unique()) > 0.99 * len(rows)  # no image is in both
    other, _ = replace(PAIR, seed=1).halves(EMBEDDED)
    assert not torch.equal(other.counted.offsets, sets.counted.offsets)
    few = sets.counted.subset(slice(7))
    assert torch.equal(few.offsets, sets.counted.offsets[:7])


@pytest.mark.slow
def test_a_run_bounds_every_fit():
    record = PAIR.result(PAIR.run(EMBEDDED))
    assert [entry.num for entry in record.sizes] == [100, record.num_counted]
    last = record.sizes[-1]
    assert {"ramp", "annealed", "polished", "certified", "compressed"} <= set(last.fits)
    for name, fit in last.fits.items():
        assert fit.norm <= 1.5 * (1 + 1e-6)
        for key, bound in fit.bounds.items():
            assert bound.value <= bound.observed, (name, key)
            assert 1 - bound.confidence == pytest.approx(0.05 / NUM_BUDGETS)
        for regret in fit.regrets.values():
            assert regret.confidence == pytest.approx(1 - 0.05 / NUM_BUDGETS)
    searched = last.searched.coverage * last.num
    assert searched <= last.certificate.upper_count <= last.num


@pytest.mark.slow
def test_rates_of_images_are_counted_on_the_test_set():
    config = ImageRatesConfig(pair=PAIR, sizes=(10, 60), repetitions=(3, 2))
    rates = config.result(config.run(EMBEDDED)).rates
    assert set(rates) == {"ramp", "annealed", "polished"}
    for found in rates.values():
        assert [len(row) for row in found.draws] == [3, 2]
        assert all(value >= 0 for row in found.regrets() for value in row)
        assert found.best.coverage <= found.best.upper


def test_a_classifier_that_learns_by_heart_makes_the_bound_false():
    config = ReuseConfig(
        classes=(2, 4),
        train=TrainConfig(epochs=60),
        num=150,
        random_labels=True,
    )
    record = config.result(config.run(EMBEDDED))
    assert record.num == 150
    assert record.trained_accuracy > 0.95
    fit = record.fits["compressed"]
    assert fit.bounds["compression"].value > fit.coverage_test
    # Control: with its own labels there is something to learn, and the sample is
    # hardly better than the test images.
    other = replace(config, random_labels=False, train=TrainConfig(epochs=3))
    fit = other.result(other.run(EMBEDDED)).fits["compressed"]
    assert fit.coverage - fit.coverage_test < 0.1


def test_a_store_is_filled_once_and_read_afterwards(tmp_path, monkeypatch):
    other = replace(QUICK, seed=7)
    first = load_or_compute([QUICK], tmp_path)
    stamp = (tmp_path / QUICK.record_name()).stat().st_mtime_ns
    runs = []

    def counted(config, site):
        runs.append(config)
        return run(config, site)

    run = ValidityConfig.run
    monkeypatch.setattr(ValidityConfig, "run", counted)
    both = load_or_compute([QUICK, other], tmp_path)
    assert runs == [other]
    assert both[0] == first[0]
    assert (tmp_path / QUICK.record_name()).stat().st_mtime_ns == stamp
    assert load_or_compute([other], tmp_path, compute=False) == [both[1]]


def test_a_damaged_record_is_named_and_computed_again(tmp_path):
    (before,) = load_or_compute([QUICK], tmp_path)
    path = tmp_path / QUICK.record_name()
    path.write_text(path.read_text().replace('"failures": 0', '"failures": 1', 1))
    with pytest.warns(UserWarning, match=rf"{QUICK.record_name()} is altered.* again"):
        (after,) = load_or_compute([QUICK], tmp_path)
    assert after == before
    save_record(load_record(path, schema=QUICK.schema) | {"config": {}}, path)
    with pytest.warns(UserWarning, match="holds the result of other settings"):
        load_or_compute([QUICK], tmp_path)
    record = ReuseConfig(num=20, epsilon=1.0)
    (found,) = load_or_compute([record], tmp_path, source="embedded")
    with (
        pytest.warns(UserWarning, match=r"was computed on 'embedded' data"),
        pytest.raises((SweepError, FileNotFoundError)),
    ):
        load_or_compute([record], tmp_path, root="nowhere", compute=False)
    assert load_or_compute([record], tmp_path, source="embedded") == [found]


def test_a_damaged_record_that_is_not_computed_again_is_not_said_to_be(tmp_path):
    load_or_compute([QUICK], tmp_path)
    path = tmp_path / QUICK.record_name()
    path.write_text(damaged := path.read_text()[:-9])
    with (
        pytest.warns(UserWarning, match=rf"{path.name} is damaged") as warned,
        pytest.raises(FileNotFoundError, match=rf"lacks {path.name}"),
    ):
        load_or_compute([QUICK], tmp_path, compute=False)
    (message,) = [str(one.message) for one in warned]
    assert message.endswith(" It counts as missing.")
    assert path.read_text() == damaged


def test_prices_are_of_the_v_they_are_computed_at():
    config = PriceConfig(dim=3, sizes=(20, 2000), repetitions=2)
    record = config.run()
    found = config.result(record)
    assert found.config == config
    few, many = found.sizes
    assert (few.num, many.num) == (20, 2000)
    assert many.prices["PAC-Bayes"] < few.prices["PAC-Bayes"]
    prices = many.prices
    assert prices["PAC-Bayes, center"] < prices["PAC-Bayes"] < prices["Eq. (20)"]
    assert 0.0 <= many.regret < few.regret
    assert config.run()["sizes"] == record["sizes"]
    assert replace(config, seed=9).run()["sizes"] != record["sizes"]


def test_centers_come_from_samples_of_their_own(monkeypatch):
    seeds, draw = [], GaussianRows.draw
    monkeypatch.setattr(
        GaussianRows,
        "draw",
        lambda self, n, *, seed: seeds.append(seed) or draw(self, n, seed=seed),
    )
    PriceConfig(dim=2, sizes=(20,), repetitions=3, seed=7).run()
    assert seeds == [7, 10, 8, 11, 9, 12]


def test_budgets_come_from_the_primary_runs(tmp_path):
    groups = groups_of(["mnist", "fashion-mnist"], ALL_PAIRS, 0)
    for group, budget in zip(groups, (2.8141, 0.517), strict=True):
        record = {"schema": "paper-lib/calibration/1", "budgets": [budget]}
        file = tmp_path / group.calibration.record_name()
        save_record(record, file)
        assert load_record(file, schema=record["schema"])["budgets"] == [budget]
    assert primary_budgets(tmp_path) == {"mnist": 2.81, "fashion-mnist": 0.52}
    plan = bound_plan(primary_budgets(tmp_path))
    assert [one.epsilon for one in plan] == 2 * ([2.81] * 5 + [0.52] * 3)


def test_configurations_that_differ_have_different_names():
    configs = [
        PAIR,
        replace(PAIR, epsilon=1.51),
        replace(PAIR, seed=1),
        replace(PAIR, confidence=0.9),
        ReuseConfig(),
        ReuseConfig(random_labels=True),
        QUICK,
        replace(QUICK, seed=1),
        ImageRatesConfig(pair=PAIR),
        ImageRatesConfig(pair=PAIR, seed=1),
    ]
    assert len({one.record_name() for one in configs}) == len(configs)


@pytest.mark.bad_input
def test_settings_without_a_meaning(tmp_path):
    with pytest.raises(ValueError, match=r"^epsilon must be a multiple of 0\.01 up to"):
        BoundsConfig(epsilon=2.8141)
    with pytest.raises(ValueError, match=r"^epsilon must be a multiple of 0\.01 up to"):
        BoundsConfig(epsilon=0.0)
    with pytest.raises(ValueError, match=r"^confidence must be strictly between"):
        BoundsConfig(epsilon=1.0, confidence=1.0)
    with pytest.raises(ValueError, match=r"^seed must be an integer"):
        BoundsConfig(epsilon=1.0, seed=-1)
    with pytest.raises(ValueError, match=r"^num must be at least 2, got 1\."):
        ReuseConfig(num=1)
    with pytest.raises(ValueError, match=r"^num must be at most the \d+ images"):
        ReuseConfig(num=10**6).run(EMBEDDED)
    with pytest.raises(FileNotFoundError, match=r"^store must hold every record"):
        load_or_compute([QUICK], tmp_path / "empty", compute=False)
    assert not (tmp_path / "empty").exists()
