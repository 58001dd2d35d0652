"""Boxes that are none, and points that lie outside of one."""

import math

import numpy as np
import pytest
import torch

from paper_lib.evaluation import judge
from paper_lib.evaluation.labels import clip_moves
from tests.paper_lib.error_cases import DATA, LIN, MODEL, POINTS, STILL, score

pytestmark = pytest.mark.bad_input

LOW, HIGH = float(POINTS.min()), float(POINTS.max())
CALLS = {
    "clip_moves": lambda box: clip_moves(POINTS, STILL, box=box),
    "evaluate": lambda box: score(box=box),
    "judge": lambda box: judge(
        MODEL, DATA, LIN, epsilon=1.0, attacks={"some": STILL}, defenses={}, box=box
    ),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@every_call
@pytest.mark.parametrize(
    "box",
    [
        (99.0, -99.0),
        (LOW + 0.01, 99.0),
        (-99.0, HIGH - 0.01),
        (math.nan, 99.0),
        (-99.0, math.nan),
        (-99.0, 0.0, 99.0),
        (-99.0,),
    ],
)
def test_what_is_no_box_of_these_points(call, box):
    match = r"^box must be two numbers between which all inputs lie, got \("
    with pytest.raises(ValueError, match=match):
        call(box)


@every_call
@pytest.mark.parametrize("box", [1.0, "ab", ("0", "1"), {0.0, 1.0}, (None, 1.0)])
def test_what_is_no_pair_of_numbers(call, box):
    with pytest.raises(ValueError, match=r"^box must be two numbers between which all"):
        call(box)


@every_call
def test_a_box_that_the_points_fill(call):
    """The control: not bad input."""
    for box in ((LOW, HIGH), [LOW, HIGH], (np.float32(LOW), HIGH)):
        assert call(box) is not None


def test_moves_that_do_not_fit_the_points():
    with pytest.raises(ValueError, match=r"^perturbations\[0\] must have shape"):
        clip_moves(POINTS, torch.zeros(5, 4), box=(LOW, HIGH))
