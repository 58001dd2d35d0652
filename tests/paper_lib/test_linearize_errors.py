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
        (torch.ones(2, 1), torch.ones(2, 3), r"^gradients must be \(n, d\).*\(2, 1\)"),
        (torch.ones(2), torch.ones(2), r"^gradients must be \(n, d\).*and \(2,\)"),
        (
            torch.ones(3),
            torch.ones(2, 3),
            r"^gradients must be .*\(2, 3\) and \(3,\)",
        ),
        (torch.ones(0), torch.ones(0, 3), r"^gradients must be .* n and d at least 1"),
        (torch.ones(2), torch.ones(2, 0), r"^gradients must be .* n and d at least 1"),
        (
            torch.ones(2),
            torch.ones(2, 3, dtype=F64),
            "^logits must have the dtype of gradients, torch.float64, got .*32",
        ),
        (
            torch.ones(2, dtype=torch.int64),
            torch.ones(2, 3),
            "^logits must be float32 or float64, got torch.int64",
        ),
        (
            torch.ones(2, dtype=torch.bfloat16),
            torch.ones(2, 3, dtype=torch.bfloat16),
            "^gradients must be float32 or float64, got torch.bfloat16",
        ),
        (
            torch.ones(2),
            torch.ones(2, 3, device=META),
            "^logits must have the device of gradients, meta, got cpu",
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
