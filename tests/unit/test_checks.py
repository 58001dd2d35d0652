"""Arguments that pass the shared checks; what fails is in ``test_errors.py``."""

import torch

from paper_lib.checks import (
    available_device,
    check_finite,
    check_radius,
    check_same_kind,
)


def test_budgets_from_zero_to_the_largest_float_pass():
    for radius in (0.0, 5e-324, 3.0, 1.7e308):
        assert check_radius(radius) is None


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
