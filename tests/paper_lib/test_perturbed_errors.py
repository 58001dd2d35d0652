"""Perturbations that fit no inputs: none of them is broadcast."""

import math
import re

import numpy as np
import pytest
import torch

from paper_lib.attacks import perturbed
from paper_lib.evaluation import logits_at
from tests.paper_lib.error_cases import MODEL, POINTS

pytestmark = pytest.mark.bad_input

IMAGES = torch.zeros(6, 1, 2, 2)
CALLS = {
    "points": lambda move: perturbed(POINTS, torch.zeros(6, 4), move),
    "images": lambda move: perturbed(IMAGES, torch.zeros(6, 4), move),
    "logits_at": lambda move: logits_at(MODEL, POINTS, torch.zeros(6, 4), move),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@every_call
@pytest.mark.parametrize(
    "shape", [(6, 1), (1, 1), (), (5, 4), (1, 6, 4), (6, 2), (6, 1, 2, 2)]
)
def test_shapes_that_do_not_fit(call, shape):
    match = r"^perturbations\[1\] must have shape \(6, 4\) or \(1, 4\), got "
    with pytest.raises(ValueError, match=match + re.escape(str(shape))):
        call(torch.zeros(shape))


@every_call
@pytest.mark.parametrize("size", [1, 3, 6])
def test_one_for_all_of_another_length(call, size):
    match = rf"^perturbations\[1\] must have shape .*, got \(1, {size}\)"
    with pytest.raises(ValueError, match=match):
        call(torch.zeros(size))


@every_call
@pytest.mark.parametrize(
    ("move", "error", "match"),
    [
        (torch.zeros(6, 4, dtype=torch.float64), ValueError, "must have the dtype of"),
        (torch.full((6, 4), math.nan), ValueError, "must be finite, got 24 NaN"),
        (np.zeros((6, 4)), TypeError, "must be a torch.Tensor, got ndarray"),
        (0.5, TypeError, "must be a torch.Tensor, got float"),
    ],
)
def test_other_kinds(call, move, error, match):
    with pytest.raises(error, match=rf"^perturbations\[1\] {match}"):
        call(move)


def test_inputs_that_are_none():
    with pytest.raises(ValueError, match=r"^inputs must be \(n, \.\.\.\), got \(4,\)"):
        perturbed(torch.zeros(4), torch.zeros(4))
    with pytest.raises(ValueError, match=r"^inputs must be float32 or float64, got"):
        perturbed(torch.zeros(2, 4, dtype=torch.uint8), torch.zeros(4))
    with pytest.raises(TypeError, match=r"^inputs must be a torch.Tensor, got list"):
        perturbed([[0.0]], torch.zeros(1))
