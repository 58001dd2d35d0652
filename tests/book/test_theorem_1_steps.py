"""Theorem 1 and its implications in exact arithmetic, without the library."""

from collections import Counter
from fractions import Fraction

import pytest

from tests.book.rational_games import BALL, EPSILON, GAMES, dot, scaled

VECTORS = [(Fraction(0), Fraction(0)), *BALL]


def phi(game, vector):
    """Eq. (4), by Lemma 1, as a count of the six points."""
    return sum(game.is_robust(n, vector) for n in range(6))


def best_of(game):
    return max(VECTORS, key=lambda v: phi(game, v))


def value(game):
    """Six times the value for the attacker, over the vectors tried."""
    return 6 - 2 * phi(game, best_of(game))


def against(game, vector, attack):
    """Six times what an attack gets, by Eq. (1); None is the best at each point."""
    moves = [attack(n) if attack else None for n in range(6)]
    return sum(
        game.supremum(n, vector) if move is None else game.utility(n, move, vector)
        for n, move in enumerate(moves)
    )


@pytest.mark.parametrize("game", GAMES[:10])
def test_the_saddle(game):
    """No attack gets more than the value, no vector gives FGM less."""
    assert against(game, best_of(game), None) == value(game)
    assert min(against(game, v, game.fgm) for v in VECTORS) == value(game)


@pytest.mark.parametrize("game", GAMES[:10])
def test_noise_is_worth_less(game):
    """Implication 1: the mean of coverage over a symmetric set of vectors."""
    mean = Fraction(sum(phi(game, v) for v in VECTORS), len(VECTORS))
    assert mean <= phi(game, best_of(game))
    off = any(phi(game, v) < phi(game, best_of(game)) for v in VECTORS)
    assert (mean < phi(game, best_of(game))) == off


@pytest.mark.parametrize("game", GAMES[:10])
def test_the_attacker_never_wins_everywhere(game):
    """Implication 3: the reverse of FGM is in each robust set."""
    for n in range(6):
        assert game.is_robust(n, scaled(-1, game.fgm(n)))
    assert value(game) < 6


def test_a_budget_below_all_margins_wins_for_the_defender():
    won = 0
    for game in GAMES:
        margins = [abs(logit) / length for logit, _, length in game.points]
        if min(margins) >= EPSILON:
            assert against(game, VECTORS[0], game.fgm) == value(game) == -6
            won += 1
    assert won > 0


def most_saved(game, budget, reach):
    """How many of six points one vector saves, at budgets of defender and attacker."""
    tried = [scaled(budget / EPSILON, v) for v in VECTORS]
    sides = [(1 if f > 0 else -1, f, u, length) for f, u, length in game.points]
    return max(
        sum(s * (f + n * dot(u, v)) >= reach * n for s, f, u, n in sides) for v in tried
    )


@pytest.mark.parametrize("game", GAMES[:10])
def test_the_value_climbs(game):
    """It ends where each direction is saved alone; a stronger attacker wins all."""
    budgets = [Fraction(1, 100), *(Fraction(4) ** k / 4 for k in (0, 1, 2, 4, 8, 12))]
    equal = [most_saved(game, b, b) for b in budgets]
    more = [most_saved(game, b, Fraction(3, 2) * b) for b in budgets]
    for saved in (equal, more):
        assert saved[0] == 6
        assert saved == sorted(saved, reverse=True)
    alike = Counter(scaled(1 if f > 0 else -1, u) for f, u, _ in game.points)
    assert equal[-1] == max(alike.values())
    assert more[-1] == 0
    assert all(a >= b for a, b in zip(equal, more, strict=True))


def test_fgm_on_a_cubic():
    """On f(x) = x^3 at 1 the tangent has wrong signs, and FGM wins where any wins."""
    steps = [Fraction(k, 40) for k in range(-40, 41)]
    wrong = [v for v in steps if (1 + 3 * v) * (1 + v) < 0]
    assert wrong
    for v in steps:
        assert any((1 + v + a) ** 3 < 0 for a in steps) == ((1 + v - 1) ** 3 < 0)


# --- controls --------------------------------------------------------------------


def test_wrong_plays_are_left():
    """The wrong sign, half of FGM against some vector, a maximizer's reverse."""
    left = dict.fromkeys(("sign", "half", "reverse"), 0)
    for game in GAMES[:10]:
        best = best_of(game)
        sign = against(game, best, lambda n, g=game: scaled(-1, g.fgm(n)))
        left["sign"] += sign < value(game)
        left["half"] += any(
            against(game, v, lambda n, g=game: scaled(Fraction(1, 2), g.fgm(n)))
            < against(game, v, game.fgm)
            for v in VECTORS[::8]
        )
        left["reverse"] += against(game, scaled(-1, best), game.fgm) > value(game)
    assert min(left.values()) > 2
