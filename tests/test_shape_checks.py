"""The jaxtyping hook speaks in tests, at first calls, and not before messages."""

import pytest
import torch
from jaxtyping import TypeCheckError, config

from paper_lib.geometry.sums import row_dots

ROWS, FLAT = torch.zeros(2, 3), torch.zeros(3)
hooked = pytest.mark.skipif(
    config.is_off or not hasattr(row_dots, "__wrapped__"),
    reason="pytest runs without the hook",
)


@hooked
@pytest.mark.parametrize("times", [0, config.most - 1])
def test_a_wrong_shape_is_found_at_first_calls(times):
    for _ in range(times):
        row_dots(ROWS, ROWS)
    with pytest.raises(TypeCheckError, match="row_dots"):
        row_dots(FLAT, FLAT)


@hooked
def test_after_many_calls_nobody_looks():
    for _ in range(config.most):
        row_dots(ROWS, ROWS)
    with pytest.raises(ValueError, match="not enough values to unpack"):
        row_dots(FLAT, FLAT)


@pytest.mark.bad_input
def test_bad_input_reaches_the_function():
    with pytest.raises(ValueError, match="not enough values to unpack"):
        row_dots(FLAT, FLAT)
