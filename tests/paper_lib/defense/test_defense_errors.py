"""Starts and settings of the ascent, and certificates that enclose nothing."""

import math

import pytest
import torch

from paper_lib.defense import Certificate, RampConfig, ramp_ascent
from tests.paper_lib.error_cases import SETS

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (
            torch.tensor([1.2, 0.0, 0.0, 0.0]),
            r"^start must lie in the ball .*length 1\.2",
        ),
        (torch.zeros(2, 4), r"^start must be one pert.*\(2, 4\)"),
    ],
    ids=["long", "two"],
)
def test_the_start_of_the_ascent(start, match):
    with pytest.raises(ValueError, match=match):
        ramp_ascent(SETS, start=start)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"num_steps": 0}, "^num_steps must be at least 1, got 0"),
        ({"first_step": 0.001}, "^steps must be .* got 0.002 and 0.001"),
        ({"last_step": 0.0}, "^steps must be .* got 0.0 and 0.1"),
        ({"first_step": math.inf}, "^steps must be finite"),
        ({"first_step": math.nan}, "^steps must be finite"),
        ({"rows": "scaled"}, "^rows must be one of 'raw', 'unit', got 'scaled'"),
    ],
)
def test_settings_of_the_ascent(settings, match):
    with pytest.raises(ValueError, match=match):
        RampConfig(**settings)


@pytest.mark.parametrize(("lower", "upper"), [(-1, 10), (6, 5), (5, 11)])
def test_certificates_that_enclose_nothing(lower, upper):
    match = r"^a certificate needs 0 <= lower_count <= upper_count <= num_rows"
    with pytest.raises(ValueError, match=match):
        Certificate(
            num_rows=10,
            lower_count=lower,
            upper_count=upper,
            perturbation=torch.zeros(4),
            evidence=None,
            fingerprint="",
        )
