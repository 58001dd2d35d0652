"""Images and perturbations that a byte a pixel cannot hold."""

import math

import pytest
import torch

from experiments.store.byte_images import (
    pack_image,
    pack_signed,
    unpack_image,
    unpack_signed,
)

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize("pixel", [1.5, -0.5, 1.001, math.inf, -math.inf, math.nan])
def test_pixels_are_in_the_unit_interval(pixel):
    message = rf"^image must be in \[0, 1\], got 1 other .* {pixel:.3g}.* at index 1"
    with pytest.raises(ValueError, match=message):
        pack_image(torch.tensor([0.5, pixel], dtype=torch.float64))


@pytest.mark.parametrize("entry", [2.0, -2.0, 1.001, math.inf, -math.inf, math.nan])
def test_no_move_is_beyond_the_reach(entry):
    message = rf"^move must be within 1.0 of 0, got 1 .* {entry:.3g}.* at index 0"
    with pytest.raises(ValueError, match=message):
        pack_signed(torch.tensor([entry, 0.0], dtype=torch.float64), 1.0)


@pytest.mark.parametrize("reach", [0.0, -1.0, math.inf, math.nan])
def test_the_reach_is_a_length(reach):
    with pytest.raises(
        ValueError, match=rf"^reach must be finite and > 0, got {reach}"
    ):
        pack_signed(torch.zeros(2), reach)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_ends_of_both_ranges_are_held(dtype):
    image = torch.tensor([0.0, 1.0], dtype=dtype)
    assert unpack_image(pack_image(image)).tolist() == [0.0, 1.0]
    move = torch.tensor([0.3, -0.3, -0.0], dtype=dtype)
    reach = float(move.abs().max())
    found = unpack_signed(pack_signed(move, reach), reach)
    assert found.tolist() == pytest.approx([reach, -reach, 0.0])
