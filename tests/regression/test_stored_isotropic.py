"""Implication 1 on the stored runs of Table 1: for the tangents, and for f itself."""

from pathlib import Path

import pytest

from experiments.tables.planning import (
    PRIMARY_CLASSIFIER,
    PRIMARY_READING,
    PRIMARY_SOLVER,
    plan,
)
from experiments.tables.summary import cell_percents
from experiments.tables.table_1 import load_lines

STORE = Path(__file__).resolve().parents[2] / "results" / "table1"
PGD = f"PGD {PRIMARY_READING}"


@pytest.fixture(scope="module")
def cells():
    """The accuracies of every pair, primary choice and first seed, by data set."""
    lines = [
        line
        for line in plan(seeds=(0,))
        if line.classifier == PRIMARY_CLASSIFIER
        and line.calibration.protocol == "one budget"
        and line.multiple == 1.0
    ]
    results, missing = load_lines(lines, STORE)
    assert not missing
    assert [len(result.scores) for result in results] == [45, 45]
    return [cell_percents(result) for result in results]


def gains(cells, attack, accuracy, noise="uniform"):
    """What SMOOTH keeps more than a draw of noise, pair by pair."""
    noisy = (attack, f"{noise}, one draw", accuracy)
    return [one[attack, PRIMARY_SOLVER, accuracy] - one[noisy] for one in cells]


@pytest.mark.parametrize("noise", ["uniform", "gaussian"])
def test_for_the_tangents_smooth_is_ahead_of_noise_under_fgm(cells, noise):
    for gain in gains(cells, "FGM", "approximate", noise):
        assert gain.mean() > 10.0
        assert (gain > 0).mean() > 0.9


@pytest.mark.parametrize("noise", ["uniform", "gaussian"])
def test_for_f_itself_noise_is_ahead_of_smooth_under_pgd(cells, noise):
    """So that Implication 1 does not carry over to f."""
    mnist, fashion = gains(cells, PGD, "true", noise)
    assert mnist.mean() < -3.0
    assert fashion.mean() < -8.0


@pytest.mark.parametrize("reading", ["literal", "fixed-label"])
def test_which_of_them_is_ahead_for_f_depends_on_the_reading(cells, reading):
    for gain in gains(cells, f"PGD {reading}", "true"):
        ahead = gain.mean() if reading == "fixed-label" else -gain.mean()
        assert ahead > 5.0
