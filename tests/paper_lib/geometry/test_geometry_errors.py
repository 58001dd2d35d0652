"""Half-spaces that are none, and vectors and numbers without a ball."""

import math

import pytest
import torch

from paper_lib.geometry import (
    in_l2_ball,
    project_halfspace,
    project_l2_ball,
    sample_l2_ball,
)
from paper_lib.geometry.sums import row_dots
from tests.paper_lib.error_cases import POINTS

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("normal", "offset", "match"),
    [
        (0.0, 1.0, r"a half-space needs a normal .* got"),
        (1.0, math.inf, r"a half-space needs a normal .* got"),
        (1.0, math.nan, r"a half-space needs a normal .* got"),
        (math.nan, 1.0, r"^normal must be finite.*index \(0,\)"),
    ],
)
def test_a_half_space_needs_a_direction(normal, offset, match):
    with pytest.raises(ValueError, match=match):
        project_halfspace(POINTS, torch.full((4,), normal), offset)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_projections_of_what_is_not_finite(value):
    with pytest.raises(ValueError, match=r"^vectors must be finite, got 1"):
        project_l2_ball(torch.tensor([[1.0, value]]), 1.0)


@pytest.mark.parametrize(("num_samples", "dim"), [(0, 1), (1, 0), (-1, 2)])
def test_draws_need_a_number_and_a_dimension(num_samples, dim):
    with pytest.raises(ValueError, match=r"^(num_samples|dim) must be at least 1"):
        sample_l2_ball(num_samples, dim, 1.0, seed=0)


@pytest.mark.parametrize(("n", "m"), [(513, 512), (513, 513 + 512), (1, 5), (5, 4)])
def test_row_products_of_other_numbers_of_rows(n, m):
    """By blocks, broadcasting would accept the first three."""
    with pytest.raises(ValueError, match=rf"^vectors must have shape .*\({m}, 2\)"):
        row_dots(torch.ones(n, 2), torch.ones(m, 2))


@pytest.mark.parametrize("dtype", [torch.float16, torch.int64])
def test_vectors_of_other_kinds_are_in_no_ball(dtype):
    with pytest.raises(ValueError, match=f"^vectors must be .*, got {dtype}"):
        in_l2_ball(torch.zeros(2, 3, dtype=dtype), 1.0)
