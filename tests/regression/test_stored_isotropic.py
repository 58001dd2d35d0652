"""Implication 1 on the stored runs of Table 1: for the tangents, and for f itself."""

import pytest

from experiments.tables.claims import dyadic_interval
from experiments.tables.planning import PRIMARY_PGD, PRIMARY_SOLVER
from experiments.tables.table_1 import cell_percents, primary_results


@pytest.fixture(scope="module")
def cells(table_1):
    """The accuracies of every pair, primary choice and first seed, by data set."""
    results = primary_results(table_1, 0).values()
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
    mnist, fashion = gains(cells, PRIMARY_PGD, "true", noise)
    assert mnist.mean() < -3.0
    assert fashion.mean() < -8.0


def test_on_mnist_the_lead_of_noise_in_the_ball_is_not_told_from_zero(table_1, cells):
    """The interval over pairs, which the page on Theorem 1 prints beside each mean."""
    pairs = primary_results(table_1, 0)["mnist"].pairs
    ends = {
        attack: [
            dyadic_interval(one.tolist(), pairs) for one in gains(cells, attack, "true")
        ]
        for attack in (PRIMARY_PGD, "PGD literal", "PGD fixed-label")
    }
    (_, low, high), (_, _, of_fashion) = ends[PRIMARY_PGD]
    assert low == pytest.approx(-9.8, abs=0.05)
    assert high == pytest.approx(2.5, abs=0.05)
    assert of_fashion < 0
    assert all(high < 0 for _, _, high in ends["PGD literal"])
    assert all(low > 0 for _, low, _ in ends["PGD fixed-label"])


@pytest.mark.parametrize("reading", ["literal", "fixed-label"])
def test_which_of_them_is_ahead_for_f_depends_on_the_reading(cells, reading):
    for gain in gains(cells, f"PGD {reading}", "true"):
        ahead = gain.mean() if reading == "fixed-label" else -gain.mean()
        assert ahead > 5.0
