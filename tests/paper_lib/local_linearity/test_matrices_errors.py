"""Networks whose matrices do not fit are refused before one is made."""

import pytest
import torch
from torch import nn

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
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 256, 1),
        nn.Flatten(0),
    )


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
        r"^model must have layers whose matrices take at most 4\.0 GB, got 4\.8 GB for "
        r"layers of 3072 - 32768 - 16384 - 1 entries; take smaller inputs, .* "
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
def test_the_estimate_is_what_the_matrices_take(name, monkeypatch):
    """Held are two of each block, and the largest once more; no row of zeros counts."""
    model, inputs = mixture(name) if name in MIXTURES else pool_first()
    layers = piecewise_linear_layers(model, inputs)
    blocks = dense_blocks.dense_blocks(layers, inputs)
    taken = [block.weight[:-1].nbytes for block in blocks]
    monkeypatch.setattr(dense_blocks, "MOST_BYTES", 2 * sum(taken) + max(taken))
    dense_blocks.dense_blocks(layers, inputs)
    monkeypatch.setattr(dense_blocks, "MOST_BYTES", dense_blocks.MOST_BYTES - 1)
    with pytest.raises(ValueError, match="matrices take at most"):
        dense_blocks.dense_blocks(layers, inputs)
