"""One way to add flattened perturbations to inputs of any shape."""

import pytest
import torch

from paper_lib.attacks import fgm, perturbed
from paper_lib.evaluation import logits_at
from paper_lib.linearize import linearize
from paper_lib.models import PairCNN

F32, F64 = torch.float32, torch.float64


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("shape", [(12,), (1, 12), (3, 2, 2), (1, 1, 12), (12, 1)])
def test_each_number_gets_its_own(shape, dtype):
    generator = torch.Generator().manual_seed(0)
    inputs, attack = torch.rand(2, 6, 12, generator=generator).to(dtype)
    v = torch.rand(12, generator=generator).to(dtype)
    moved = perturbed(inputs.view(6, *shape), attack, v)
    assert moved.shape == (6, *shape)
    for i in range(6):
        for j in range(12):
            expected = inputs[i, j] + attack[i, j] + v[j]
            assert moved.flatten(1)[i, j] == expected


def test_the_plain_sum_is_another_one():
    """What the function is for: of a signal of one channel it broadcasts."""
    signals, attack = torch.zeros(6, 1, 12), torch.rand(6, 12)
    assert (signals + attack).shape == (6, 6, 12)
    assert torch.equal(perturbed(signals, attack), attack.view(6, 1, 12))


def test_one_for_all_in_two_forms_and_none_at_all():
    inputs, v = torch.rand(3, 2, 2), torch.rand(4)
    assert torch.equal(perturbed(inputs, v), perturbed(inputs, v.unsqueeze(0)))
    assert torch.equal(perturbed(inputs), inputs)
    # With as many points as numbers it is the same v for each point.
    square = torch.zeros(4, 4)
    assert torch.equal(perturbed(square, v), v.expand(4, 4))


def test_nothing_of_the_callers_is_changed_or_followed():
    inputs = torch.rand(3, 4, requires_grad=True)
    v = torch.rand(4, requires_grad=True)
    before, shift = inputs.detach().clone(), v.detach().clone()
    moved = perturbed(inputs, v)
    assert not moved.requires_grad
    moved.zero_()
    assert torch.equal(inputs, before)
    assert torch.equal(v, shift)


def test_the_classifier_sees_what_is_added():
    torch.manual_seed(0)
    model, images = PairCNN().eval(), torch.rand(5, 1, 28, 28)
    attack, v = fgm(linearize(model, images), 1.0), torch.full((784,), 0.01)
    with torch.no_grad():
        expected = model(images + attack.view_as(images) + v.view(1, 28, 28))
        assert torch.equal(model(perturbed(images, attack, v)), expected)
    assert torch.equal(logits_at(model, images, attack, v), expected)
