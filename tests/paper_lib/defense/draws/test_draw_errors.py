"""Bad input to the draws of maximizers, and to the faces they are drawn from."""

import re

import numpy as np
import pytest

from paper_lib.arrangement import heaviest_faces
from paper_lib.defense import (
    HitAndRunConfig,
    draw_maximizers,
    maximize_coverage,
    maximizer_set,
)
from paper_lib.defense.draws.hit_and_run import hit_and_run
from paper_lib.defense.draws.inner_ball import Piece
from tests.paper_lib.defense.defense_cases import random_sets
from tests.paper_lib.game.game_cases import THREE_CELLS

pytestmark = pytest.mark.bad_input


def check(call, match):
    with pytest.raises(ValueError, match=re.escape(match)):
        call()


def draw_from_another():
    other = maximize_coverage(random_sets(n=5, dim=3, seed=1, shift=-3.0))
    return draw_maximizers(random_sets(n=5, dim=3, shift=3.0), 40, solution=other)


def space():
    return random_sets(n=5, dim=3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: maximizer_set(space()), "needs d = 2, got d = 3"),
        (lambda: draw_maximizers(space(), 0), "num_draws must be at least 1, got 0"),
        (lambda: draw_maximizers(space(), 9), "num_draws must be at least 32, got 9"),
        (
            lambda: maximizer_set(THREE_CELLS).draw(0, 0),
            "num_draws must be at least 1",
        ),
        (lambda: maximizer_set(THREE_CELLS).draw(1, -1), "seed must be an integer"),
        (draw_from_another, "solution must be one of these sets, got coverage"),
        (
            lambda: HitAndRunConfig(num_chains=1),
            "num_chains must be at least 2, got 1",
        ),
        (
            lambda: HitAndRunConfig(thin=0),
            "thin must be at least 1, got 0",
        ),
        (lambda: HitAndRunConfig(burn_in=-1), "burn_in must be at least 0, got -1"),
        (
            lambda: hit_and_run(
                Piece(np.eye(2), np.zeros(2)), np.array([-0.5, 0.0]), 40
            ),
            "center must have slack on every row, got a slack of -0.5",
        ),
    ],
    ids=[
        "space",
        "no draws",
        "few draws",
        "no planar draws",
        "seed",
        "solution",
        "num_chains",
        "thin",
        "burn_in",
        "center",
    ],
)
def test_maximizer_sets(call, match):
    check(call, match)


@pytest.mark.parametrize(
    "weights", [np.ones(2), np.array([1.0, 0.0, 1.0])], ids=["two", "zero"]
)
def test_weights_of_faces(weights):
    normals = np.eye(3)[:, :2]
    check(
        lambda: heaviest_faces(normals, np.ones(3), 1.0, weights=weights),
        "weights must be 3 finite numbers above 0",
    )
