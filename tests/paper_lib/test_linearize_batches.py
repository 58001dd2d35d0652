"""Batches for ``linearize``: the same bits as at once, and no more memory held."""

import gc
import sys
import weakref

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from paper_lib.linearize import linearize
from paper_lib.models import PairCNN
from tests.oracles import smooth_network


def images(num):
    return torch.rand(num, 1, 28, 28, generator=torch.Generator().manual_seed(num))


def network():
    torch.manual_seed(0)
    return PairCNN()


def loader(inputs, *columns, size=4):
    return DataLoader(TensorDataset(inputs, *columns), batch_size=size)


MAKERS = {
    "loader": lambda x: loader(x),
    "loader with labels": lambda x: loader(x, torch.arange(len(x))),
    "list": lambda x: list(x.split(4)),
    "tuples": lambda x: [(part,) for part in x.split(4)],
    "pairs": lambda x: [[part, None] for part in x.split(4)],
    "generator": lambda x: (part for part in x.split(4)),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_batches_give_the_bits_of_all_at_once(make):
    model, inputs = network(), images(10)
    before = inputs.clone()
    lin, whole = linearize(model, make(inputs)), linearize(model, inputs, batch_size=4)
    assert torch.equal(lin.logits, whole.logits)
    assert torch.equal(lin.gradients, whole.gradients)
    assert torch.equal(inputs, before)


def test_the_model_comes_back_as_it_was_also_when_the_loader_fails():
    model = network().train()

    def failing():
        yield images(3)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        linearize(model, failing())
    assert model.training
    assert all(weight.requires_grad for weight in model.parameters())
    linearize(model, [images(3)])
    assert all(module.training for module in model.modules())


def test_no_batch_is_held_but_the_first():
    """What is kept grows by logits and gradients alone."""
    model, living = smooth_network(3, seed=0), []

    def batches():
        for _ in range(6):
            batch = torch.rand(5, 3, dtype=torch.float64)
            living.append(weakref.ref(batch))
            yield batch
            del batch
            gc.collect()
            alive = [one() is not None for one in living]
            # The last is in the hands of the loop until it asks for the next.
            assert not any(alive[1:-1])

    assert len(linearize(model, batches()).logits) == 30
    assert len(living) == 6


class Counted(nn.Module):
    """A linear classifier that notes how many points it sees at once."""

    def __init__(self):
        """Begin with none."""
        super().__init__()
        self.sizes = []

    def forward(self, inputs):
        """Compute the logits."""
        self.sizes.append(len(inputs))
        return inputs.flatten(1).sum(1) - 3.0


def test_batches_are_taken_as_they_come():
    model = Counted()
    linearize(model, [torch.rand(n, 2) for n in (5, 1, 3)], batch_size=2)
    assert model.sizes[:3] == [5, 1, 3]


@pytest.mark.parametrize("make", [MAKERS["loader"], lambda x: x])
def test_a_progress_bar_on_request_alone(make, capsys):
    model, inputs = network(), images(10)
    quiet = linearize(model, make(inputs), batch_size=4)
    assert capsys.readouterr().err == ""
    shown = linearize(model, make(inputs), batch_size=4, progress=True)
    assert "linearizing: 100%" in (bar := capsys.readouterr().err)
    assert "3/3" in bar
    assert torch.equal(shown.gradients, quiet.gradients)


def test_without_tqdm_the_bar_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r"^linearize with progress=True needs tq"):
        linearize(network(), images(3), progress=True)
    assert len(linearize(network(), images(3)).logits) == 3
