"""Settings and devices that make no run."""

import math

import pytest

from experiments.store.pair_settings import Site
from experiments.tables.table_2 import PairConfig

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"primary": "madry"}, "^primary must be one of .*literal.*, got 'madry'"),
        ({"solver": "fit_defense"}, "^solver must be one of .*unit.*'fit_defense'"),
        ({"ramp_steps": 0}, r"^num_steps must be at least 1, got 0\."),
        ({"seed": -1}, "^seed must be an integer"),
        ({"budget_multiples": (1.0, 0.0)}, r"^budget_multiples must be .*0\.0"),
        ({"budget_multiples": (math.inf,)}, "^budget_multiples must be finite"),
        (
            {"calibration": 1.0},
            r"^calibration must be strictly between 0 and 1, got 1\.0",
        ),
        ({"calibration": math.nan}, "^calibration must be strictly"),
    ],
)
def test_settings_of_a_run(settings, match):
    with pytest.raises(ValueError, match=match):
        PairConfig(**settings)


@pytest.mark.parametrize("device", ["cuda:99", "nonsense", "cuda:x", "", "hpu"])
def test_devices_that_are_not_there(device):
    with pytest.raises(ValueError, match=rf"^device must be .* got '{device}': "):
        PairConfig().run(Site(source="embedded", device=device))
