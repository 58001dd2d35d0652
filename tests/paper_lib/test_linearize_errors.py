"""Logits and gradients that make no linearization."""

import math

import pytest
import torch

from paper_lib.linearize import Linearization
from tests.paper_lib.error_cases import F64, META

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("logits", "gradients", "match"),
    [
        (torch.ones(2, 1), torch.ones(2, 3), r"^logits must be \(n,\).*\(2, 1\)"),
        (torch.ones(2), torch.ones(2), r"^logits must be \(n,\).*and \(2,\)"),
        (
            torch.ones(3),
            torch.ones(2, 3),
            r"^logits and gradients .*\(3,\) and \(2, 3\)",
        ),
        (torch.ones(0), torch.ones(0, 3), r"^logits and gradients .* at least one"),
        (torch.ones(2), torch.ones(2, 0), r"^logits and gradients .* d >= 1"),
        (
            torch.ones(2),
            torch.ones(2, 3, dtype=F64),
            "^gradients must have the dtype of logits, torch.float32, got .*64",
        ),
        (
            torch.ones(2, dtype=torch.int64),
            torch.ones(2, 3),
            "^logits must be float32 or float64, got torch.int64",
        ),
        (
            torch.ones(2, dtype=torch.bfloat16),
            torch.ones(2, 3, dtype=torch.bfloat16),
            "^logits must be float32 or float64, got torch.bfloat16",
        ),
        (
            torch.ones(2),
            torch.ones(2, 3, device=META),
            "^gradients must have the device of logits, cpu, got meta",
        ),
        (
            torch.tensor([1.0, math.nan]),
            torch.ones(2, 3),
            r"^logits must be finite, got 1 .* index \(1,\)",
        ),
    ],
)
def test_linearizations_that_do_not_fit(logits, gradients, match):
    with pytest.raises(ValueError, match=match):
        Linearization(logits=logits, gradients=gradients)
