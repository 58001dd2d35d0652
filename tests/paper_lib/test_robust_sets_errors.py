"""Rows that make no robust sets."""

import math

import pytest
import torch

from paper_lib.robust_sets import RobustSets
from tests.paper_lib.error_cases import F64, META, POINTS, poisoned

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    ("name", "shape", "index", "match"),
    [
        ("normals", (6, 4), (2, 1), r"^normals must be finite.*index \(2, 1\)"),
        ("offsets", (6,), 3, r"^offsets must be finite, got 2 .*\(3,\)"),
    ],
    ids=["normals", "offsets"],
)
def test_rows_that_are_not_finite(name, shape, index, match, value):
    rows = {"normals": POINTS, "offsets": torch.ones(6), "epsilon": 1.0}
    with pytest.raises(ValueError, match=match):
        RobustSets(**(rows | {name: poisoned(shape, index, value)}))


@pytest.mark.parametrize(
    ("normals", "offsets", "match"),
    [
        (
            torch.ones(2),
            torch.ones(2),
            r"^normals must be \(n, d\) .*\(2,\) and \(2,\)",
        ),
        (torch.ones(2, 3), torch.ones(3), r"^normals must be .*\(2, 3\) and \(3,\)"),
        (torch.ones(2, 3), torch.ones(2, 1), r"^normals must be .*\(2, 1\)"),
        (torch.ones(0, 3), torch.ones(0), r"^normals must be .* at least 1"),
        (
            torch.ones(2, 3),
            torch.ones(2, dtype=F64),
            "^offsets must have the dtype of normals, torch.float32, got torch.float64",
        ),
        (
            torch.ones(2, 3, device=META),
            torch.ones(2),
            "^offsets must have the device of normals, meta, got cpu",
        ),
    ],
)
def test_rows_that_do_not_fit(normals, offsets, match):
    with pytest.raises(ValueError, match=match):
        RobustSets(normals=normals, offsets=offsets, epsilon=1.0)
