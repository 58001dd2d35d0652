"""Bad points, and classifiers that fail on them, wherever a classifier is run."""

import math
import re

import pytest
import torch
from torch import nn

from paper_lib.attacks import pgd
from paper_lib.evaluation import logits_at
from paper_lib.linearize import linearize
from tests.oracles import Affine, Formula, Meddled, state_of
from tests.paper_lib.error_cases import (
    META,
    MODEL,
    NAN_OR_INF,
    POINTS,
    marked_points,
    score,
    spoil,
)

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize("value", NAN_OR_INF)
@pytest.mark.parametrize("batch_size", [4, 250])
@pytest.mark.parametrize(
    "call", [linearize, lambda m, x, batch_size: pgd(m, x, 1.0, batch_size=batch_size)]
)
def test_logits_that_are_not_finite(call, batch_size, value):
    """The index is that of the input, whatever the batches."""
    model = spoil(lambda x: x.sum(1), 7.0, value)
    found = "2" if batch_size == 250 or call is linearize else "1"
    expected = rf"^logits must be finite, got {found} NaN .* index \(7,\)\."
    with pytest.raises(ValueError, match=expected):
        call(model, marked_points(), batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [4, 250])
@pytest.mark.parametrize(
    "call", [linearize, lambda m, x, batch_size: pgd(m, x, 1.0, batch_size=batch_size)]
)
def test_gradients_that_are_not_finite(call, batch_size):
    """The root has an infinite slope at 0."""
    points = torch.ones(10, 3)
    points[[7, 9], 1] = 0.0
    expected = r"^gradients must be finite, got \d+ NaN .* index \(7, 1\)\."
    with pytest.raises(ValueError, match=expected):
        call(Formula(lambda x: x.sqrt().sum(1)), points, batch_size=batch_size)


def test_true_accuracy_is_not_counted_from_nan():
    model = spoil(lambda x: x.sum(1), 7.0, math.nan)
    with pytest.raises(ValueError, match=r"^logits must be finite, got 2 .* \(7,\)"):
        logits_at(model, marked_points(), batch_size=4)


WRONG_OUTPUTS = {
    "column": (lambda x: x[:, :1], r"\(6, 1\)"),
    "two logits": (lambda x: x[:, :2], r"\(6, 2\)"),
    "scalar": (lambda x: x.sum(), r"\(\)"),
    "too few": (lambda x: x[1:, 0], r"\(5,\)"),
    "tuple": (lambda x: (x[:, 0],), "tuple"),
    "none": (lambda x: None, "NoneType"),
}


@pytest.mark.parametrize(
    ("output", "found"), WRONG_OUTPUTS.values(), ids=WRONG_OUTPUTS.keys()
)
@pytest.mark.parametrize(
    "call",
    [
        linearize,
        lambda model, x: pgd(model, x, 1.0),
        logits_at,
        lambda model, x: score(model=model),
    ],
    ids=["linearize", "pgd", "logits_at", "evaluate"],
)
def test_models_that_give_no_logit_a_point(call, output, found):
    expected = rf"^model must map \(6, 4\) to one logit a point.*\(6,\), got .*{found}"
    with pytest.raises(ValueError, match=expected):
        call(Formula(output), POINTS)


@pytest.mark.parametrize(
    "call", [linearize, lambda model, x: pgd(model, x, 1.0), logits_at]
)
class TestInputs:
    """Inputs that do not fit the model."""

    def test_dtype(self, call):
        """Single precision for a model in double."""
        match = (
            r"^inputs must have the dtype of model, torch.float64, got torch.float32"
        )
        with pytest.raises(ValueError, match=match):
            call(MODEL.double(), POINTS)
        MODEL.float()

    def test_integers(self, call):
        """Pixels from 0 to 255."""
        with pytest.raises(ValueError, match=r"^inputs must be .*, got torch.uint8"):
            call(MODEL, POINTS.to(torch.uint8))

    def test_half_precision_model(self, call):
        """Weights in a precision the library does not treat."""
        model = Affine(torch.ones(4, dtype=torch.float16))
        with pytest.raises(ValueError, match=r"^inputs must be .*, got torch.float16"):
            call(model, POINTS.half())

    def test_device(self, call):
        """Inputs elsewhere than the model."""
        match = r"^inputs must have the device of model, cpu, got meta"
        with pytest.raises(ValueError, match=match):
            call(MODEL, POINTS.to(META))

    @pytest.mark.parametrize("shape", [(), (3,), (0, 4), (3, 0)])
    def test_shape(self, call, shape):
        """Nothing to attack."""
        match = rf"^inputs must hold .* got shape {re.escape(str(shape))}"
        with pytest.raises(ValueError, match=match):
            call(MODEL, torch.ones(shape))

    def test_the_model_is_left_alone(self, call):
        """An error before any work."""
        model = Meddled(dim=4)
        before = state_of(model)
        with pytest.raises(ValueError, match=r"^inputs must be finite"):
            call(model, POINTS * math.nan)
        assert state_of(model) == before


@pytest.mark.parametrize(
    ("call", "size"),
    [
        (linearize, 0),
        (logits_at, 0),
        (lambda m, x, batch_size: pgd(m, x, 1.0, batch_size=batch_size), -1),
    ],
    ids=["linearize", "logits_at", "pgd"],
)
def test_sizes_of_batches(call, size):
    match = rf"^batch_size must be at least 1, got {size}"
    with pytest.raises(ValueError, match=match):
        call(MODEL, POINTS, batch_size=size)


def test_a_layer_that_fails_is_not_hidden():
    """An error inside the model is the model's, and comes through."""
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes"):
        linearize(nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)), POINTS)


def test_weights_made_in_inference_mode_are_refused_and_left_alone():
    with torch.inference_mode():
        model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0))
    model.train()
    with pytest.raises(ValueError, match=r"made under torch\.inference_mode"):
        linearize(model, torch.ones(3, 2))
    assert model.training
