"""Appendix A, the proof of Lemma 1, in exact arithmetic and without the library."""

from fractions import Fraction
from itertools import product

import pytest

from tests.book.rational_games import BALL, EPSILON, dot, scaled
from tests.book.rational_games import GAMES as ALL_GAMES

ZERO = (Fraction(0), Fraction(0))
GAMES = ALL_GAMES[:6]
VECTORS = [ZERO, *BALL[::3], *BALL[1::12]]


def conditions(game, n, vector):
    """Whether a vector keeps the side of the point, and its distance to the boundary."""
    moved = game.moved(n, vector)
    return moved * game.points[n][0] > 0, abs(moved) / game.points[n][2]


def is_kept(game, n, vector):
    """Both conditions of the appendix: the side, and the whole budget from the edge."""
    same_side, distance = conditions(game, n, vector)
    return same_side and distance >= EPSILON


@pytest.fixture(scope="module", params=range(6))
def plays(request):
    """A game's points with all vectors."""
    game = GAMES[request.param]
    return [(game, n, vector) for n, vector in product(range(6), VECTORS)]


def test_the_distance_to_the_boundary_is_the_quotient(plays):
    """The foot lies on the boundary, and other places of it are farther."""
    for game, n, vector in plays:
        _, direction, length = game.points[n]
        back = scaled(-game.moved(n, vector) / length, direction)
        along = -direction[1], direction[0]
        assert game.moved(n, vector, back) == 0
        _, distance = conditions(game, n, vector)
        assert dot(back, back) == distance**2
        for step in (Fraction(-1, 9), Fraction(1, 9)):
            place = [a + step * b for a, b in zip(back, along, strict=True)]
            assert game.moved(n, vector, place) == 0
            assert dot(place, place) > distance**2


def test_no_attack_wins_where_both_conditions_hold_and_fgm_wins_elsewhere(plays):
    for game, n, vector in plays:
        best = -1 if is_kept(game, n, vector) else 1
        assert game.supremum(n, vector) == game.utility(n, game.fgm(n), vector) == best


def test_on_the_wrong_side_no_attack_is_needed(plays):
    for game, n, vector in plays:
        across = game.moved(n, vector) * game.points[n][0] < 0
        assert (game.utility(n, ZERO, vector) == 1) == across


def test_the_two_conditions_are_equation_3(plays):
    for game, n, vector in plays:
        assert is_kept(game, n, vector) == game.is_robust(n, vector)


def test_the_least_change_is_that_of_fgm(plays):
    game = plays[0][0]
    for n, (logit, direction, length) in enumerate(game.points):
        sign = 1 if logit > 0 else -1
        changes = [sign * length * dot(direction, attack) for attack in BALL]
        assert min(changes) == -EPSILON * length
        assert sign * length * dot(direction, game.fgm(n)) == min(changes)


# --- controls --------------------------------------------------------------------


def test_all_cases_occur():
    plays = [(g, n, v) for g in GAMES for n, v in product(range(6), VECTORS)]
    kept = [conditions(*play) for play in plays]
    assert sum(not side for side, _ in kept) > 50
    assert sum(side and distance < EPSILON for side, distance in kept) > 50
    assert sum(side and distance == EPSILON for side, distance in kept) > 5
    assert sum(side and distance > EPSILON for side, distance in kept) > 50


def test_an_open_half_space_or_another_budget_would_be_noticed():
    wrong = dict.fromkeys(("open", "smaller"), 0)
    for game, n, vector in product(GAMES, range(6), VECTORS):
        side, distance = conditions(game, n, vector)
        safe = game.supremum(n, vector) == -1
        wrong["open"] += safe != (side and distance > EPSILON)
        wrong["smaller"] += safe != (side and distance >= Fraction(9, 10) * EPSILON)
    assert min(wrong.values()) > 5
