"""Networks whose matrices do not fit are refused before one is made."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from paper_lib.local_linearity import (
    certify_agreement,
    dense_blocks,
    linearization_error,
    network_coverage,
)
from paper_lib.local_linearity.layers import piecewise_linear_layers
from tests.paper_lib.local_linearity.networks import MIXTURES, images, mixture

pytestmark = pytest.mark.bad_input


def wide_convolutions():
    """Two convolutions on images of 32 by 32, of 32 and 64 channels."""
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 256, 1),
        nn.Flatten(0),
    )
    # No attack flips it, so that there is something to prove.
    nn.init.constant_(model[-2].bias, 100.0)
    return model


@pytest.mark.parametrize(
    "prove",
    [
        lambda model, images: certify_agreement(model, images, 0.1),
        lambda model, images: linearization_error(model, images, 0.1),
        lambda model, images: network_coverage(model, images, torch.zeros(3072), 0.1),
    ],
    ids=["agreement", "error", "coverage"],
)
def test_a_proof_that_needs_gigabytes_names_the_layers(prove):
    match = (
        r"^model must have layers whose matrices take at most 8\.0 GB, got 11\.3 GB "
        r"for layers of 3072 - 32768 - 16384 - 1 entries; take smaller inputs, .* "
        r"find_disagreements, .* set dense_blocks\.MOST_BYTES\.$"
    )
    with pytest.raises(ValueError, match=match):
        prove(wide_convolutions(), torch.zeros(1, 3, 32, 32))


def pool_first():
    model = nn.Sequential(
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(100, 1), nn.Flatten(0)
    )
    return model.double(), images(1, 1, 20, 20)


@pytest.mark.parametrize("name", [*MIXTURES, "pool first"])
def test_the_estimate_counts_what_a_proof_holds(name, monkeypatch):
    """Three rows an entry of a group: weights, their absolute values, leads."""
    model, inputs = mixture(name) if name in MIXTURES else pool_first()
    layers = piecewise_linear_layers(model, inputs)
    blocks = dense_blocks.dense_blocks(layers, inputs)
    needed = sum(24 * block.groups.numel() * block.weight.shape[1] for block in blocks)
    monkeypatch.setattr(dense_blocks, "MOST_BYTES", needed)
    dense_blocks.dense_blocks(layers, inputs)
    monkeypatch.setattr(dense_blocks, "MOST_BYTES", needed - 1)
    with pytest.raises(ValueError, match="matrices take at most"):
        dense_blocks.dense_blocks(layers, inputs)


MEASURE = """
import resource, torch
from torch import nn
from paper_lib.local_linearity import linearization_error

def prove(channels, size):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, channels, 4, stride=4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(channels * (size // 8) ** 2, 1), nn.Flatten(0),
    )
    linearization_error(model, torch.rand(1, 3, size, size), 3.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

before = prove(1, 8)
print(prove(8, 64) - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere in other units")
def test_a_proof_takes_about_what_is_estimated():
    """One matrix of 2048 by 12288, with groups of twice four entries."""
    run = [sys.executable, "-c", MEASURE]
    peak = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    needed = 24 * 512 * 8 * 12288
    assert needed / 2 < peak < 1.5 * needed


def test_a_layer_of_many_inputs_takes_its_own_matrix_alone():
    """The unit vectors of its inputs would take 3 GB at once."""
    model = nn.Sequential(nn.Linear(20_000, 2), nn.ReLU(), nn.Linear(2, 1))
    layers = piecewise_linear_layers(model.append(nn.Flatten(0)), torch.ones(1, 20_000))
    largest = 0

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            made = function(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor):
                largest = max(largest, made.nbytes)
            return made

    with Watch():
        dense_blocks.dense_blocks(layers, torch.ones(1, 20_000, dtype=torch.float64))
    assert largest < 5e7
