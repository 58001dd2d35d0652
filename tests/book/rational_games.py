"""Games in exact arithmetic and without the library, for the proofs' steps.

Gradients, attacks and vectors have rational coordinates and rational lengths, so that
every sign and every expectation is exact.
"""

import random
from fractions import Fraction
from itertools import product

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


# All attacks of the ball that a supremum is taken over.
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

    def moved(self, n, *moves):
        """The tangent's value after moves."""
        logit, direction, length = self.points[n]
        return logit + length * sum(dot(direction, move) for move in moves)

    def utility(self, n, attack, vector):
        """Eq. (1): landing on the boundary is no flip."""
        return 1 if self.moved(n, attack, vector) * self.points[n][0] < 0 else -1

    def fgm(self, n):
        """The attack of Lemma 2."""
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
