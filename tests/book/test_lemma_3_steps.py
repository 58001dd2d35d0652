"""Eqs. (30) to (42), the proof of Lemma 3, in exact arithmetic, without the library."""

from fractions import Fraction
from itertools import product

import pytest

from tests.book.rational_games import BALL, GAMES, SHARES, scaled

VECTORS = [(Fraction(0), Fraction(0)), *BALL]


def gain(game, n, vector):
    """What the defender gets at a point against FGM, by Eq. (1)."""
    return -game.utility(n, game.fgm(n), vector)


def phi(game, vector):
    """Eq. (4), by Lemma 1, as a count of the six points."""
    return sum(game.is_robust(n, vector) for n in range(6))


def by_coverage(game, vectors):
    """Eq. (37)."""
    parts = zip(SHARES, vectors, strict=True)
    return sum(share * (2 * phi(game, v) - 6) for share, v in parts) / 6


@pytest.fixture(scope="module", params=range(10))
def game(request):
    """A game, with the maximizers among the vectors tried."""
    found = GAMES[request.param]
    most = max(phi(found, v) for v in VECTORS)
    found.best = [v for v in VECTORS if phi(found, v) == most]
    return found


def mixed(game, vectors):
    """Eq. (30), for vectors drawn with the shares."""
    plays = product(zip(SHARES, vectors, strict=True), range(6))
    return sum(share * gain(game, n, v) for (share, v), n in plays) / 6


def test_plus_one_in_the_set(game):
    """Eqs. (32) and (33): the expectation splits by R(x)."""
    for n, vector in product(range(6), VECTORS):
        assert gain(game, n, vector) == (1 if game.is_robust(n, vector) else -1)


def test_the_average_of_coverage(game):
    """Eqs. (30) to (37)."""
    assert mixed(game, game.vectors) == by_coverage(game, game.vectors)


def test_the_bound_and_who_reaches_it(game):
    """Eq. (38): an average is at most the maximum, and equal in V* alone."""
    best = 2 * phi(game, game.best[0]) - 6
    inside = (game.best * 4)[:4]
    for vectors in (game.vectors, inside, [*inside[:3], game.vectors[0]]):
        value = 6 * mixed(game, vectors)
        assert value <= best
        assert (value == best) == all(v in game.best for v in vectors)


def test_smooth_gets_the_bound(game):
    """Eqs. (39) to (42), for the uniform mixture of maximizers and for each alone."""
    for chosen in (game.best, *([v] for v in game.best)):
        gains = [gain(game, n, v) for n, v in product(range(6), chosen)]
        assert sum(gains) == len(chosen) * (2 * phi(game, game.best[0]) - 6)


# --- controls --------------------------------------------------------------------


def test_games_have_vectors_in_and_off_v_star():
    for game in GAMES[:10]:
        counts = [phi(game, v) for v in VECTORS]
        assert 0 < counts.count(max(counts)) < len(counts)


def test_another_attack_breaks_it():
    """Against half of FGM the defender may get more than coverage says."""
    wrong = 0
    for game in GAMES[:10]:
        for n, v in product(range(6), VECTORS):
            half = tuple(x / 2 for x in game.fgm(n))
            wrong += -game.utility(n, half, v) != 2 * game.is_robust(n, v) - 1
    assert wrong > 50


def test_the_signs_exchanged_would_be_noticed():
    """+1 off the set and -1 in it, as Eq. (28) is printed."""
    swapped = [mixed(g, g.vectors) == -by_coverage(g, g.vectors) for g in GAMES]
    assert swapped.count(False) > 20


def test_the_reverse_of_a_maximizer_may_be_none():
    losers = 0
    for game in GAMES[:10]:
        best = max(VECTORS, key=lambda v, g=game: phi(g, v))
        losers += phi(game, scaled(-1, best)) < phi(game, best)
    assert losers > 5
