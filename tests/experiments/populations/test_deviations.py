"""Deviations on finite populations: draws against exact laws, and bad input."""

import math
import re

import numpy as np
import pytest
import torch

from experiments.populations.deviations import (
    deviation_distribution,
    draw_deviations,
    supremum_deviation,
)
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.generalization.planar_populations import coin, population

SETS = RobustSets(normals=torch.ones(3, 2), offsets=torch.ones(3), epsilon=1.0)
CUBE = RobustSets(normals=torch.ones(3, 3), offsets=torch.ones(3), epsilon=1.0)


def test_draws_have_the_exact_law():
    sets = population(2, size=5)
    law = deviation_distribution(sets, 3)
    drawn = draw_deviations(sets, 3, num_draws=20_000, seed=0).deviations
    assert sum(law.values()) == 1
    for value, weight in law.items():
        share = (np.abs(drawn - float(value)) < 1e-12).mean()
        error = math.sqrt(float(weight) / len(drawn))
        assert abs(share - float(weight)) <= 5 * error


def test_seeds_are_used():
    sets = population(0, 8)
    first, again, other = (
        draw_deviations(sets, 6, num_draws=50, seed=seed).deviations
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_draw_by_hand():
    """One toss: heads show 1 - 1/2, and the best side for the sample is worth 1/2."""
    drawn = draw_deviations(coin(1, 1, both=True), 1, num_draws=20, seed=0)
    assert drawn.deviations.tolist() == [0.5] * 20
    assert drawn.overshoots.tolist() == [0.5] * 20
    # phi is 1 on the line where both sides hold, and phi_n may prefer one side as much.
    assert drawn.regrets.tolist() == [0.5] * 20
    assert drawn.n == 1


def fails(error, words):
    return pytest.raises(error, match=re.escape(words))


@pytest.mark.bad_input
def test_samples():
    for sample in ([], [0, 3], [-1]):
        with fails(ValueError, f"one row from 0 to 2, got {sample}."):
            supremum_deviation(SETS, sample)
    with fails(ValueError, "d = 3"):
        supremum_deviation(CUBE, [0])


@pytest.mark.bad_input
def test_draws():
    for n in (0, -1):
        with fails(ValueError, f"n must be at least 1, got {n}."):
            draw_deviations(SETS, n, num_draws=3, seed=0)
        with fails(ValueError, f"n must be at least 1, got {n}."):
            deviation_distribution(SETS, n)
    with fails(ValueError, "num_draws must be at least 1, got 0."):
        draw_deviations(SETS, 3, num_draws=0, seed=0)
    with fails(ValueError, "seed must be an integer"):
        draw_deviations(SETS, 3, num_draws=3, seed=-1)
    with fails(ValueError, "d = 3"):
        draw_deviations(CUBE, 3, num_draws=3, seed=0)
