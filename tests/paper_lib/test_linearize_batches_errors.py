"""Loaders that ``linearize`` refuses, and what it says of them."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from paper_lib.linearize import linearize

pytestmark = pytest.mark.bad_input

MODEL = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
POINTS = torch.ones(4, 2)


def loader(*columns):
    return DataLoader(TensorDataset(*columns), batch_size=2)


@pytest.mark.parametrize("empty", [[], (), iter(()), loader(POINTS[:0])])
def test_no_batch_at_all(empty):
    with pytest.raises(ValueError, match=r"^inputs must hold at least one batch"):
        linearize(MODEL, empty)


@pytest.mark.parametrize(
    "batches", [loader(POINTS, POINTS, POINTS), [(POINTS, 1, 2)], [[POINTS, POINTS, 3]]]
)
def test_batches_of_three_parts(batches):
    match = "^inputs must yield batches, alone or with their labels, got one of 3 parts"
    with pytest.raises(ValueError, match=match):
        linearize(MODEL, batches)


@pytest.mark.parametrize(
    ("batches", "match"),
    [
        ([POINTS, POINTS[:0]], r"at least one point, one a row, got shape \(0, 2\)"),
        ([POINTS[0]], r"at least one point, one a row, got shape \(2,\)"),
        ([POINTS, math.nan * POINTS], "^inputs must be finite, got 8 NaN"),
        ([POINTS.byte()], "^inputs must be float32 or float64, got torch.uint8"),
        ([POINTS.double()], "^inputs must have the dtype of model, torch.float32"),
    ],
)
def test_batches_that_are_no_inputs(batches, match):
    with pytest.raises(ValueError, match=match):
        linearize(MODEL, batches)


@pytest.mark.parametrize(
    ("batches", "match"),
    [
        ([{"image": POINTS}], "got list that holds or yields dict"),
        ({"image": POINTS}, "got dict that holds or yields str"),
        ([[0.0, 1.0]], "got list that holds or yields float"),
        (np.ones((4, 2)), "got ndarray that holds or yields ndarray"),
        ([[]], "got list that holds or yields list"),
        ("ab", "got str that holds or yields str"),
        (3, "got int that holds or yields int"),
    ],
)
def test_what_yields_no_tensors(batches, match):
    with pytest.raises(TypeError, match=f"^inputs must be a torch.Tensor, {match}"):
        linearize(MODEL, batches)


def test_batches_of_which_one_is_wider():
    """The model takes both: it is their gradients that are no rows of one table."""
    pooled = nn.Sequential(nn.AdaptiveAvgPool1d(2), nn.Flatten(), MODEL)
    batches = [torch.ones(2, 1, 4), torch.ones(3, 1, 4), torch.ones(2, 1, 6)]
    assert len(linearize(pooled, batches[:2]).logits) == 5
    match = r"^each of inputs must have shape \(1, 4\), got \(1, 6\)"
    with pytest.raises(ValueError, match=match):
        linearize(pooled, batches)


def test_a_model_that_is_none():
    with pytest.raises(TypeError, match=r"^model must be a Module, got func"):
        linearize(lambda x: x, [POINTS])
