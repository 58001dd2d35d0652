"""Signed distances by hand."""

import math

import pytest
import torch

from paper_lib.bounds.distances import signed_distances
from paper_lib.robust_sets import RobustSets


def test_signed_distances_by_hand():
    sets = RobustSets(
        normals=torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0], [2.0, 0.0]]),
        offsets=torch.tensor([-5.0, 0.0, -1.0, -torch.inf]),
        epsilon=2.0,
    )
    v = torch.tensor([1.0, 1.0])
    assert signed_distances(sets, v).tolist() == pytest.approx(
        [0.4, math.inf, -math.inf, -math.inf]
    )
