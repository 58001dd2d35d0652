"""Logits and gradients against hand-computed values and finite differences."""

import math

import pytest
import torch
from torch import nn

from paper_lib.attacks import pgd
from paper_lib.evaluation import logits_at
from paper_lib.linearize import Linearization, linearize
from paper_lib.models.guard import frozen_evaluation
from tests.oracles import (
    Affine,
    Formula,
    Meddled,
    Scaled,
    random_tensor,
    smooth_network,
    state_of,
)

F32, F64 = torch.float32, torch.float64


def hand_made():
    """Four points: plain, negative, without a label, flat."""
    return Linearization(
        logits=torch.tensor([2.0, -6.5, 0.0, -1.0], dtype=F64),
        gradients=torch.tensor(
            [[3.0, 4.0], [5.0, -12.0], [1.0, 1.0], [0.0, 0.0]], dtype=F64
        ),
    )


def test_signs_margins_and_counts_by_hand():
    lin = hand_made()
    assert lin.signs.tolist() == [1.0, -1.0, 0.0, -1.0]
    assert lin.margins.tolist() == [0.4, 0.5, 0.0, math.inf]
    assert (lin.num_unlabeled, lin.num_flat) == (1, 1)


def test_a_point_without_label_and_gradient_is_unlabeled_and_not_flat():
    lin = Linearization(logits=torch.zeros(2), gradients=torch.zeros(2, 3))
    assert (lin.num_unlabeled, lin.num_flat) == (2, 0)
    assert lin.margins.tolist() == [0.0, 0.0]
    assert not lin.label_survives().any()


def test_margins_are_float64_and_survive_tiny_gradients():
    lin = Linearization(
        logits=torch.tensor([1e-30]), gradients=torch.tensor([[3e-30, 4e-30]])
    )
    assert lin.margins.dtype == F64
    assert lin.margins.item() == pytest.approx(0.2, rel=1e-6)
    assert (lin.num_unlabeled, lin.num_flat) == (0, 0)


def test_descent_directions_point_at_the_boundary():
    expected = torch.tensor(
        [[-0.6, -0.8], [5 / 13, -12 / 13], [0.0, 0.0], [0.0, 0.0]], dtype=F64
    )
    assert torch.allclose(hand_made().descent_directions, expected, rtol=1e-12)


def test_label_survives_inside_on_and_beyond_the_boundary():
    """``f_L = 2 + 3 x + 4 y``; the boundary is where ``3 x + 4 y = -2``."""
    moves = torch.tensor([[0.0, -0.25], [-2.0, 1.0], [0.0, -0.75], [9.0, 9.0]])
    lin = Linearization(
        logits=torch.full((4,), 2.0), gradients=torch.tensor([[3.0, 4.0]] * 4)
    )
    assert lin.label_survives(moves).tolist() == [True, True, False, True]
    mirrored = Linearization(logits=-lin.logits, gradients=-lin.gradients)
    assert mirrored.label_survives(moves).tolist() == [True, True, False, True]


def test_label_survives_adds_all_perturbations():
    lin = Linearization(
        logits=torch.tensor([1.0, -1.0]), gradients=torch.tensor([[1.0], [1.0]])
    )
    attack = torch.tensor([[-1.5], [1.5]])
    for defense, expected in ((0.5, [True, False]), (-0.5, [False, True])):
        shared = torch.tensor([[defense]])
        assert lin.label_survives(attack, shared).tolist() == expected
        assert lin.label_survives(shared, attack).tolist() == expected
    assert lin.label_survives(attack).tolist() == [False, False]


def test_no_perturbation_saves_a_point_without_label():
    gradients = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    lin = Linearization(logits=torch.zeros(2), gradients=gradients)
    for move in ([[0.0, 0.0]], [[5.0, 0.0]], [[-5.0, 0.0]]):
        assert not lin.label_survives(torch.tensor(move)).any()


def test_a_flat_point_survives_everything():
    lin = Linearization(logits=torch.tensor([-1e-3]), gradients=torch.zeros(1, 2))
    assert lin.label_survives(torch.tensor([[1e6, -1e6]])).all()


def test_a_quadratic_by_hand():
    """``f = x^2 - 3 y`` has gradient ``(2 x, -3)``."""
    points = torch.tensor([[2.0, 1.0], [-1.0, 5.0], [0.0, 0.0]], dtype=F64)
    lin = linearize(Formula(lambda x: x[:, 0] ** 2 - 3.0 * x[:, 1]), points)
    assert lin.logits.tolist() == [1.0, -14.0, 0.0]
    assert lin.gradients.tolist() == [[4.0, -3.0], [-2.0, -3.0], [0.0, -3.0]]


def test_gradients_are_flattened_in_the_order_of_the_pixels():
    weight = torch.arange(24.0)
    lin = linearize(Affine(weight), random_tensor(3, 2, 3, 4, dtype=F32))
    assert lin.gradients.shape == (3, 24)
    assert torch.equal(lin.gradients, weight.expand(3, 24))


def test_gradients_agree_with_finite_differences():
    model, points = smooth_network(5, seed=1), random_tensor(7, 5, seed=2)
    lin, step = linearize(model, points), 1e-6
    with torch.no_grad():
        for axis, direction in enumerate(torch.eye(5, dtype=F64)):
            ahead, behind = (
                model(points + step * direction),
                model(points - step * direction),
            )
            slope = (ahead - behind) / (2.0 * step)
            assert torch.allclose(lin.gradients[:, axis], slope, rtol=1e-6, atol=1e-9)
        assert torch.allclose(lin.logits, model(points), rtol=1e-14)


@pytest.mark.parametrize("dtype", [F32, F64])
def test_the_dtype_is_that_of_the_inputs(dtype):
    lin = linearize(
        smooth_network(3, seed=0, dtype=dtype), torch.zeros(2, 3, dtype=dtype)
    )
    assert lin.logits.dtype == lin.gradients.dtype == dtype


@pytest.mark.parametrize("batch_size", [1, 2, 7, 19, 20, 1_000])
def test_the_batch_size_does_not_matter(batch_size):
    model, points = smooth_network(4, seed=3), random_tensor(20, 4, seed=4)
    whole, parts = linearize(model, points, 20), linearize(model, points, batch_size)
    assert torch.allclose(whole.logits, parts.logits, rtol=1e-13)
    assert torch.allclose(whole.gradients, parts.gradients, rtol=1e-13)


@pytest.mark.parametrize("factor", [1e-30, 0.001, 10.0, 1e30])
def test_the_scale_of_the_logit_changes_no_direction(factor):
    model, points = smooth_network(4, seed=5), random_tensor(20, 4, seed=6)
    lin, scaled = (linearize(m, points) for m in (model, Scaled(model, factor)))
    assert torch.allclose(lin.descent_directions, scaled.descent_directions, rtol=1e-12)
    assert torch.allclose(lin.margins, scaled.margins, rtol=1e-12)


def test_gradients_do_not_underflow_where_the_classifier_is_sure():
    """The gradient of a loss would be zero at a logit of 1,000."""
    lin = linearize(Affine(torch.tensor([500.0, 0.0])), torch.tensor([[2.0, 0.0]]))
    assert lin.gradients.tolist() == [[500.0, 0.0]]


class Ignoring(nn.Module):
    """A classifier that gives a learned constant, whatever the input."""

    def __init__(self, value: float) -> None:
        """Keep the constant as a weight."""
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, inputs):
        """Compute the logits."""
        return self.value.expand(len(inputs))


# Trainable, but no parameter of the module that uses it.
LOOSE_WEIGHT = torch.tensor(-2.0, requires_grad=True)


def test_a_model_with_zero_slope_is_flat():
    lin = linearize(Formula(lambda x: 0.0 * x[:, 0] - 2.0), torch.ones(3, 2))
    assert lin.gradients.tolist() == [[0.0, 0.0]] * 3
    assert lin.logits.tolist() == [-2.0] * 3
    assert (lin.num_flat, lin.num_unlabeled) == (3, 0)
    assert not lin.logits.requires_grad


@torch.no_grad()
def without_gradients(x):
    """The mistake behind many a defense that seemed to work."""
    return x[:, 0] - 2.0


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "model",
    [
        Ignoring(-2.0),
        Formula(lambda x: torch.full((len(x),), -2.0)),
        Formula(lambda x, loose=LOOSE_WEIGHT: loose.expand(len(x))),
        Formula(without_gradients),
        Formula(lambda x: torch.from_numpy(x.detach().numpy()[:, 0])),
    ],
    ids=["weight", "constant", "weight outside", "no_grad", "numpy"],
)
def test_masked_gradients_are_no_zero_gradients(model):
    for attack in (linearize, lambda model, x: pgd(model, x, 1.0)):
        with pytest.raises(ValueError, match="must be differentiable in its inputs"):
            attack(model, torch.ones(3, 2))


def test_a_model_that_says_zero_everywhere_labels_nothing():
    lin = linearize(Affine(torch.zeros(2)), torch.ones(3, 2))
    assert (lin.num_flat, lin.num_unlabeled) == (0, 3)


def test_results_hold_no_graph_and_inputs_stay_as_they_were():
    model, points = smooth_network(3, seed=7), random_tensor(4, 3, seed=8)
    points.requires_grad_(True)
    before = points.detach().clone()
    lin = linearize(model, points)
    assert not lin.logits.requires_grad
    assert not lin.gradients.requires_grad
    assert torch.equal(points, before)
    assert points.requires_grad
    assert points.grad is None


CALLS = {
    "linearize": lambda model, points: linearize(model, points, batch_size=3),
    "pgd": lambda model, points: pgd(model, points, 1.0, steps=2, batch_size=3),
    "logits_at": lambda model, points: logits_at(model, points, batch_size=3),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_the_model_is_left_as_it_was(call):
    model, points = Meddled(), random_tensor(8, 6, dtype=F32)
    before = state_of(model)
    call(model, points)
    assert state_of(model) == before


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_the_model_is_left_as_it_was_after_an_error(call):
    model, points = Meddled(), random_tensor(8, 6, dtype=F32)
    calls = []

    def fail_at_the_second_batch(module, args):
        calls.append(module)
        if len(calls) == 2:
            raise RuntimeError("the second batch")

    model.register_forward_pre_hook(fail_at_the_second_batch)
    before = state_of(model)
    with pytest.raises(RuntimeError, match="the second batch"):
        call(model, points)
    assert state_of(model) == before


class Stubborn(nn.Dropout):
    """A layer that refuses to leave training."""

    def train(self, mode=True):
        """Fail where eval mode is asked for."""
        if not mode:
            raise RuntimeError("this layer refuses")
        return super().train(mode)


def test_a_layer_that_refuses_eval_mode_leaves_the_others_as_they_were():
    model = nn.Sequential(Meddled(), Stubborn())
    before = state_of(model)
    with pytest.raises(RuntimeError, match="this layer refuses"):
        linearize(model, random_tensor(2, 6, dtype=F32))
    assert state_of(model) == before


def test_inside_the_block_the_model_is_in_eval_mode_and_frozen():
    model = Meddled()
    with frozen_evaluation(model):
        assert not any(module.training for module in model.modules())
        assert not any(weight.requires_grad for weight in model.parameters())
        assert torch.is_grad_enabled()


def test_dropout_and_batch_statistics_play_no_part():
    model, points = Meddled(), random_tensor(8, 6, dtype=F32)
    whole = linearize(model, points)
    alone = [linearize(model, point) for point in points.split(1)]
    gradients = torch.cat([lin.gradients for lin in alone])
    assert torch.allclose(whole.gradients, gradients, rtol=1e-4, atol=1e-6)
    with torch.no_grad():
        assert torch.allclose(whole.logits, model.eval()(points), rtol=1e-5)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_callers_without_gradients_get_the_same(context):
    model, points = smooth_network(3, seed=9), random_tensor(6, 3, seed=10)
    expected = linearize(model, points)
    attacked = pgd(model, points, 1.0, batch_size=4)
    with context():
        inside, fresh = linearize(model, points), points + 0.0
        again = linearize(model, fresh)
        attacked_inside = pgd(model, fresh, 1.0, batch_size=4)
        logits = logits_at(model, fresh, torch.zeros(1, 3, dtype=F64))
        assert torch.is_grad_enabled() is False
    after = linearize(model, fresh)
    for lin in (inside, again, after):
        assert torch.equal(lin.gradients, expected.gradients)
        assert torch.equal(lin.logits, expected.logits)
    assert torch.equal(attacked, attacked_inside)
    assert torch.allclose(logits, expected.logits, rtol=1e-13)
    assert torch.equal(pgd(model, fresh, 1.0, batch_size=4), attacked)
