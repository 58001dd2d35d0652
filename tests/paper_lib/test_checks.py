"""Arguments of the shared checks; more that fail: ``test_arguments_errors.py``."""

import pytest
import torch

from paper_lib.checks import check_between, check_choice, check_count, check_radius
from paper_lib.checks.arguments import available_device
from paper_lib.checks.operands import check_finite, check_same_kind


def test_budgets_from_zero_to_the_largest_float_pass():
    for radius in (0.0, 5e-324, 3.0, 1.7e308):
        assert check_radius(radius) == radius


def test_tensors_of_one_kind_pass_in_both_precisions():
    for dtype in (torch.float32, torch.float64):
        one, two = torch.zeros(2, dtype=dtype), torch.ones(3, 4, dtype=dtype)
        assert check_same_kind(one=one, two=two) is None


def test_finite_tensors_pass_whatever_their_shape():
    extremes = torch.tensor([torch.finfo(torch.float32).max, -0.0, 1e-45])
    empty = torch.empty(0, 3)
    assert (
        check_finite(extremes=extremes, empty=empty, scalar=torch.tensor(1.0)) is None
    )


def test_a_device_is_resolved_from_its_name_and_from_itself():
    assert available_device("cpu") == torch.device("cpu")
    assert available_device(torch.device("cpu")) == torch.device("cpu")


def test_numbers_at_both_ends_of_a_range_pass():
    for value in (0.5, 1.0, 2.0):
        assert check_between(value, "epsilon", 0.5, 2.0) == value
    for value in (1, 3):
        assert check_count(value, "num_cases", 1, 3) == value
    assert check_count(10**9, "num_cases", 1) == 10**9
    assert check_choice("ball", "reading", ("literal", "ball")) is None


@pytest.mark.bad_input
@pytest.mark.parametrize("value", [0.49, 2.01, float("nan"), float("-inf")])
def test_a_number_outside_its_range_is_refused_with_the_range(value):
    message = rf"^epsilon must be from 0\.5 to 2, got {value}\.$"
    with pytest.raises(ValueError, match=message):
        check_between(value, "epsilon", 0.5, 2.0)


@pytest.mark.bad_input
@pytest.mark.parametrize("value", ["1", True, None])
def test_what_is_no_number_is_in_no_range(value):
    with pytest.raises(TypeError, match=f"^epsilon must be a number, got {value!r}"):
        check_between(value, "epsilon", 0.5, 2.0)


@pytest.mark.bad_input
@pytest.mark.parametrize("value", [0, 4])
def test_a_count_outside_its_range_is_refused_with_the_range(value):
    with pytest.raises(ValueError, match=f"^num must be from 1 to 3, got {value}"):
        check_count(value, "num", 1, 3)


@pytest.mark.bad_input
def test_an_unknown_word_is_refused_with_the_known_ones():
    message = "^reading must be one of 'literal', 'ball', got 'madry'"
    with pytest.raises(ValueError, match=message):
        check_choice("madry", "reading", ("literal", "ball"))
