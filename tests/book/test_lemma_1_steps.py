"""Appendix A, the proof of Lemma 1, in exact arithmetic and without the library."""

from fractions import Fraction
from itertools import product

import pytest

from tests.book.rational_games import BALL, CIRCLE, EPSILON, dot, scaled
from tests.book.rational_games import GAMES as ALL_GAMES

ZERO = (Fraction(0), Fraction(0))
GAMES = ALL_GAMES[:6]
PARTS = (Fraction(1, 4), Fraction(1, 2), Fraction(1))
VECTORS = [ZERO, *BALL[::3], *BALL[1::12]]


def conditions(game, n, vector):
    """Whether a vector keeps the side of the point; its distance to the boundary."""
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


def test_the_distance(plays):
    """It is the quotient: the foot is on the boundary, other places are farther."""
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


def test_fgm_wins_off_the_set(plays):
    """In the set, where both conditions hold, no attack wins."""
    for game, n, vector in plays:
        best = -1 if is_kept(game, n, vector) else 1
        assert game.supremum(n, vector) == game.utility(n, game.fgm(n), vector) == best


def test_the_wrong_side(plays):
    """There no attack is needed."""
    for game, n, vector in plays:
        across = game.moved(n, vector) * game.points[n][0] < 0
        assert (game.utility(n, ZERO, vector) == 1) == across


def test_both_conditions(plays):
    """They are Eq. (3)."""
    for game, n, vector in plays:
        assert is_kept(game, n, vector) == game.is_robust(n, vector)


def test_the_least_change(plays):
    """It is that of FGM."""
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


def test_wrong_lemmas_are_noticed():
    """An open half-space, and nine tenths of the attacker's budget."""
    wrong = dict.fromkeys(("open", "smaller"), 0)
    for game, n, vector in product(GAMES, range(6), VECTORS):
        side, distance = conditions(game, n, vector)
        safe = game.supremum(n, vector) == -1
        wrong["open"] += safe != (side and distance > EPSILON)
        wrong["smaller"] += safe != (side and distance >= Fraction(9, 10) * EPSILON)
    assert min(wrong.values()) > 5


# --- f(x) = 1 - |x|^2 in place of its tangent ------------------------------------


def by_equation_3(at, epsilon, vector):
    """Lemma 1 for the tangent of the round f, at a point of the first axis."""
    logit, slope = 1 - at**2, -2 * at
    sign = 1 if logit > 0 else -1
    return sign * (logit + slope * vector[0]) - epsilon * abs(slope) >= 0


def test_a_round_boundary():
    """Eq. (3) promises too much inside of the circle, and too little outside."""
    inside, outside = (
        (Fraction(1, 10), Fraction(3, 5)),
        (Fraction(3, 2), Fraction(9, 20)),
    )
    vectors = {
        budget: [scaled(part * budget, u) for u in CIRCLE for part in PARTS]
        for _, budget in (inside, outside)
    }
    at, budget = inside
    assert all(by_equation_3(at, budget, v) for v in vectors[budget])
    moved = [(at + v[0], v[1]) for v in vectors[budget]]
    lost = [
        any(dot(end, end) > 1 for end in ((x + a, y + b) for a, b in vectors[budget]))
        for x, y in moved
    ]
    assert 0 < sum(lost) < len(lost)
    at, budget = outside
    left_out = 0
    for v in vectors[budget]:
        end = at + v[0], v[1]
        robust = dot(end, end) >= (1 + budget) ** 2  # the ball stays off the disc
        promised = by_equation_3(at, budget, v)
        assert robust or not promised
        left_out += robust and not promised
    assert left_out > 0
