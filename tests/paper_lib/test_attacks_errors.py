"""Bad settings of the attacks."""

import math

import pytest

from paper_lib.attacks import pgd
from tests.paper_lib.error_cases import MODEL, POINTS

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"steps": 0}, "^steps must be at least 1, got 0"),
        ({"step_size": 0.0}, "^step_size must be finite and > 0, got 0.0"),
        ({"step_size": -1.0}, "^step_size must be finite and > 0, got -1.0"),
        ({"step_size": math.nan}, "^step_size must be finite and > 0, got nan"),
        ({"step_size": math.inf}, "^step_size must be finite and > 0, got inf"),
        (
            {"direction": "back"},
            "^direction must be one of 'current', 'original', got 'back'",
        ),
        (
            {"projection": "box"},
            "^projection must be one of 'sphere', 'ball', got 'box'",
        ),
    ],
)
def test_settings_of_pgd(settings, match):
    with pytest.raises(ValueError, match=match):
        pgd(MODEL, POINTS, 1.0, **settings)
