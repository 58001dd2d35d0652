"""Plays that do not fit, and budgets that no calibration finds."""

import math

import pytest
import torch

from paper_lib.evaluation import calibrate_epsilon, judge
from paper_lib.linearize import Linearization
from tests.paper_lib.error_cases import DATA, F64, LIN, MODEL, STILL, score

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"defense": torch.full((4,), 0.6)},
            r"^defense must lie in .* 1\.0.*length 1\.2",
        ),
        ({"pgd_attack": STILL + 0.6}, r"^pgd_attack must lie in .* 1\.0.*length 1\.2"),
        ({"defense": torch.zeros(1)}, "^defense must have shape"),
        ({"defense": torch.zeros(1, 4)}, "^defense must have shape"),
        ({"defense": torch.zeros(4, dtype=F64)}, "^defense must have the dtype of"),
        ({"defense": torch.full((4,), math.nan)}, "^defense must be finite, got 4"),
        (
            {"lin": Linearization(logits=torch.ones(5), gradients=torch.ones(5, 4))},
            r"^lin must be taken at the points of data, got 5 and 6 points",
        ),
    ],
)
def test_plays_that_do_not_fit(changes, match):
    with pytest.raises(ValueError, match=match):
        score(**changes)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"attacks": {"b": STILL + 0.6}}, r"^attacks\['b'\] must lie in .* 1\.0"),
        ({"attacks": {"b": STILL[:5]}}, r"^attacks\['b'\] must have shape \(6, 4\)"),
        ({"defenses": {"c": STILL + 0.6}}, r"^defenses\['c'\] must lie in .* 1\.0"),
        ({"defenses": {"c": STILL[0]}}, r"^defenses\['c'\] must have shape .* \(4,\)"),
        ({"epsilon": -1.0}, "^epsilon must be finite"),
        (
            {"lin": Linearization(logits=torch.ones(5), gradients=torch.ones(5, 4))},
            "^lin must be taken at the points of data, got 5 and 6 points",
        ),
    ],
)
def test_named_plays_that_do_not_fit(changes, match):
    plays = {"attacks": {"a": STILL}, "defenses": {"d": STILL[:1]}, "epsilon": 1.0}
    with pytest.raises(ValueError, match=match):
        judge(MODEL, DATA, **({"lin": LIN} | plays | changes))


@pytest.mark.parametrize("accuracy", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_shares_to_calibrate_to(accuracy):
    with pytest.raises(
        ValueError, match=r"^accuracy must be strictly between 0 and 1, got"
    ):
        calibrate_epsilon(LIN, accuracy)


@pytest.mark.parametrize(
    ("logits", "gradients", "accuracy", "match"),
    [
        ([1.0, 2.0], [1.0, 1.0], 0.1, r"^accuracy 0.1 rounds to none or all of 2"),
        (
            [1.0, 2.0, 3.0, 0.0],
            [1.0, 0.0, 0.0, 1.0],
            0.4,
            r"1 points\s+have no label and 2 a zero",
        ),
        ([1.0] * 4, [1.0] * 4, 0.5, r"^no budget leaves an accuracy of 0.5"),
    ],
    ids=["few", "flat", "equal"],
)
def test_calibration_that_no_budget_reaches(logits, gradients, accuracy, match):
    lin = Linearization(
        logits=torch.tensor(logits), gradients=torch.tensor(gradients).unsqueeze(1)
    )
    with pytest.raises(ValueError, match=match):
        calibrate_epsilon(lin, accuracy)
