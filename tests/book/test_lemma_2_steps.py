"""Eqs. (21) to (29), the proof of Lemma 2, in exact arithmetic and without the library.

Gradients, attacks and vectors have rational coordinates and rational lengths, so that
every sign and every expectation below is exact.
"""

import random
from fractions import Fraction
from itertools import product

import pytest

TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25))
CIRCLE = [
    (Fraction(x * a, c), Fraction(y * b, c))
    for one, two, c in TRIPLES
    for a, b in ((one, two), (two, one))
    for x, y in product((1, -1), repeat=2)
]
EPSILON = Fraction(3, 5)
SHARES = [Fraction(part, 10) for part in (4, 3, 2, 1)]


def scaled(factor, vector):
    return tuple(factor * one for one in vector)


def dot(left, right):
    return sum(a * b for a, b in zip(left, right, strict=True))


# All attacks of the ball that the supremum of Eq. (24) is taken over.
BALL = [scaled(EPSILON * part, u) for u in CIRCLE for part in (Fraction(1, 2), 1)]


class Game:
    """Six points, their tangents, and four moves of each player with their shares."""

    def __init__(self, seed):
        """Draw a game."""
        draw = random.Random(seed)
        sizes = [Fraction(n, 4) for n in range(1, 9)]
        self.points = [
            (draw.choice((1, -1)) * draw.choice(sizes), u, draw.choice(sizes))
            for u in draw.choices(CIRCLE, k=6)
        ]  # logit, direction and length of the gradient
        self.vectors = [scaled(draw.choice((0, 1)), v) for v in draw.sample(BALL, 4)]
        self.attacks = [draw.choices(BALL, k=6) for _ in range(4)]  # move at each point

    def utility(self, n, attack, vector):
        """Eq. (1): landing on the boundary is no flip."""
        logit, direction, length = self.points[n]
        moved = logit + length * (dot(direction, attack) + dot(direction, vector))
        return 1 if moved * logit < 0 else -1

    def fgm(self, n):
        """The attack of the lemma."""
        logit, direction, _ = self.points[n]
        return scaled(-EPSILON if logit > 0 else EPSILON, direction)

    def is_robust(self, n, vector):
        """Lemma 1."""
        logit, direction, length = self.points[n]
        sign = 1 if logit > 0 else -1
        return sign * (logit + length * dot(direction, vector)) >= EPSILON * length

    def mean(self, value):
        """Average over points and vectors: of ``value(n, vector)``."""
        return sum(
            share * value(n, vector)
            for share, vector in zip(SHARES, self.vectors, strict=True)
            for n in range(6)
        ) / len(self.points)

    def supremum(self, n, vector):
        """The best attack; FGM is one of those tried, and is not singled out."""
        return max(self.utility(n, attack, vector) for attack in BALL)

    def mixed(self, n, vector):
        """The mean over the attacker's moves."""
        return sum(
            share * self.utility(n, attack[n], vector)
            for share, attack in zip(SHARES, self.attacks, strict=True)
        )


GAMES = [Game(seed) for seed in range(30)]


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
