"""Every record under results/: whole, of a known kind, and read as what it says."""

import re
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path

import pytest

from experiments.assumption.agreement_runs import AgreementRun, RowsRun
from experiments.assumption.closeness_runs import ClosenessRun
from experiments.section5.bound_runs import BoundsConfig
from experiments.section5.image_rates import ImageRatesConfig
from experiments.section5.prices import PriceConfig
from experiments.section5.rate_runs import RatePlan
from experiments.section5.reuse import ReuseConfig
from experiments.section5.validity_runs import ValidityConfig
from experiments.store.record_files import from_plain, load_record, plain
from experiments.study.pair_views import PairView
from experiments.study.study_cells import StudyConfig
from experiments.tables.calibration import CalibrationConfig
from experiments.tables.scoring import ScoreConfig
from experiments.tables.table_2 import PairConfig

RESULTS = Path(__file__).resolve().parents[2] / "results"
RUNS = (
    AgreementRun,
    BoundsConfig,
    ClosenessRun,
    ImageRatesConfig,
    PairConfig,
    PairView,
    PriceConfig,
    RatePlan,
    ReuseConfig,
    RowsRun,
    StudyConfig,
    ValidityConfig,
)
CONFIGS = {run.schema: run for run in (*RUNS, ScoreConfig, CalibrationConfig)}
# Records without settings, each with a test of its own.
OTHERS = {
    "paper-lib/benchmark/1",
    "paper-lib/classifier-choice/1",
    "paper-lib/defense-comparison/1",
    "paper-lib/examples/1",
    "paper-lib/manifest/1",
}
PATHS = sorted(RESULTS.rglob("*.json"))
TYPED = [run for run in RUNS if run not in (PairConfig, PriceConfig, RatePlan)]


@cache
def schema_of(path):
    with path.open(encoding="utf-8") as file:
        return re.search(r'"schema": "(.*?)"', file.read(200)).group(1)


def told(value, stored):
    """Whether a result says what the file does, and nothing that it does not."""
    if isinstance(stored, dict):
        return (
            all(
                told(part, stored[name]) if name in stored else part in (None, [])
                for name, part in value.items()
            )
            and stored.keys() <= value.keys()
        )
    return value == stored


def test_every_kind_is_known_and_there():
    found = {schema_of(path) for path in PATHS}
    assert CONFIGS.keys() <= found <= CONFIGS.keys() | OTHERS


def test_every_record_is_whole_and_its_settings_come_back():
    for path in PATHS:
        schema = schema_of(path)
        record = load_record(path, schema=schema)
        for entry in record.get("entries", [record]):
            if schema in CONFIGS:
                config = from_plain(CONFIGS[schema], entry["config"])
                assert plain(asdict(config)) == entry["config"], path.name


@pytest.mark.parametrize("run", TYPED, ids=lambda run: run.__name__)
def test_a_result_says_what_its_record_does(run):
    paths = [path for path in PATHS if schema_of(path) == run.schema]
    for path in paths:
        record = load_record(path, schema=run.schema)
        found = run.result(record)
        assert is_dataclass(found)
        assert found.config.record_name() == path.name
        del record["schema"]
        assert told(plain(asdict(found)), record), path.name
        # Negative control: a number that is not the file's.
        assert not told(plain(asdict(found)) | {"config": {}}, record)


def test_prices_say_what_their_record_does():
    for path in (RESULTS / "generalization").glob("prices-*.json"):
        record = load_record(path, schema=PriceConfig.schema)
        for size, entry in zip(
            PriceConfig.result(record).sizes, record["sizes"], strict=True
        ):
            own = {"num": size.num, "regret": size.regret, "overfit": size.overfit}
            assert own | dict(size.prices) == entry
