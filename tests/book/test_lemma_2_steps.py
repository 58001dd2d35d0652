"""Eqs. (21) to (29), the proof of Lemma 2, in exact arithmetic, without the library."""

from fractions import Fraction
from itertools import product

import pytest

from tests.book.rational_games import GAMES, SHARES, scaled


@pytest.fixture(scope="module", params=range(30))
def game(request):
    return GAMES[request.param]


def test_the_expectation_in_three_orders(game):
    by_21 = sum(
        p * sum(game.utility(n, attack[n], vector) for n in range(6)) * q / 6
        for (p, attack), (q, vector) in product(
            zip(SHARES, game.attacks, strict=True),
            zip(SHARES, game.vectors, strict=True),
        )
    )
    by_22 = game.mean(game.mixed)
    by_23 = sum(
        Fraction(1, 6) * p * q * game.utility(n, attack[n], vector)
        for n in range(6)
        for q, vector in zip(SHARES, game.vectors, strict=True)
        for p, attack in zip(SHARES, game.attacks, strict=True)
    )
    assert by_21 == by_22 == by_23


def test_the_supremum_is_decided_by_the_robust_sets(game):
    for n, vector in product(range(6), game.vectors):
        supremum = game.supremum(n, vector)
        assert supremum == (-1 if game.is_robust(n, vector) else 1)
        assert game.mixed(n, vector) <= supremum


def test_fgm_wins_where_any_attack_does(game):
    for n, vector in product(range(6), game.vectors):
        assert game.utility(n, game.fgm(n), vector) == game.supremum(n, vector)


def signed(game, on_it):
    """Eq. (28) with ``on_it`` on the robust set and its opposite off it."""
    return game.mean(lambda n, v: on_it if game.is_robust(n, v) else -on_it)


def test_the_bound_is_attained(game):
    by_24 = game.mean(game.supremum)
    robust = game.mean(game.is_robust)
    by_27 = game.mean(lambda n, v: game.utility(n, game.fgm(n), v))
    assert by_24 == (1 - robust) - robust == by_27 == signed(game, -1)
    assert game.mean(game.mixed) <= by_27


# --- controls --------------------------------------------------------------------


def test_the_games_are_not_trivial():
    plays = [(g, n, v) for g in GAMES for n, v in product(range(6), g.vectors)]
    robust = sum(g.is_robust(n, v) for g, n, v in plays)
    assert 0.2 < robust / len(plays) < 0.8
    assert sum(g.mixed(n, v) < g.supremum(n, v) for g, n, v in plays) > 50


def test_a_wrong_step_and_the_printed_signs_would_be_noticed():
    wrong = [
        g.mean(lambda n, v, g=g: g.utility(n, scaled(-1, g.fgm(n)), v)) for g in GAMES
    ]
    best = [g.mean(g.supremum) for g in GAMES]
    assert sum(a < b for a, b in zip(wrong, best, strict=True)) > 20
    printed = [signed(g, 1) for g in GAMES]
    assert sum(a != b for a, b in zip(printed, best, strict=True)) > 20
