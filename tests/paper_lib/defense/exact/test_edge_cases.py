"""Both exact methods where the answer is known by hand."""

import pytest
import torch

from paper_lib.defense.exact.boxes import box_search
from paper_lib.defense.exact.hitting_sets import hitting_set_search
from tests.paper_lib.defense.defense_cases import (
    F32,
    F64,
    bounds_of,
    certified,
    make_sets,
)

METHODS = [hitting_set_search, box_search]

EDGES = {
    "one row": (([[1.0, 0.0]], [-0.5]), 1),
    "one row out of reach": (([[1.0, 0.0]], [-1.5]), 0),
    "all can be satisfied": (([[1.0, 0.0], [0.0, 1.0]], [-0.6, -0.6]), 2),
    "none can": (([[1.0, 0.0], [0.0, 1.0]], [-1.5, -torch.inf]), 0),
    "zero normals": (([[0.0, 0.0]] * 3, [1.0, 0.0, -1e-30]), 2),
    "copies": (([[1.0, 0.0]] * 3 + [[-1.0, 0.0]] * 2, [-0.2] * 5), 3),
    "an empty set beside a pair": (
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [-0.2] * 2 + [-9.0, 1.0]),
        2,
    ),
}


@pytest.mark.parametrize("search", METHODS)
@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("name", EDGES)
def test_edge_cases_by_hand(name, dtype, search):
    (normals, offsets), most = EDGES[name]
    sets = make_sets(normals, offsets, dtype=dtype)
    found = certified(search, sets)
    assert bounds_of(found) == (most, most)
    assert found.verify(sets)


@pytest.mark.parametrize("search", METHODS)
def test_a_budget_of_zero_leaves_the_offsets_to_decide(search):
    sets = make_sets([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.5, -0.5, 0.0], 0.0)
    assert bounds_of(certified(search, sets)) == (2, 2)
