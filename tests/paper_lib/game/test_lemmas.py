"""Lemmas 1 and 2 on ten thousand random cases each, against searches.

Up to ten dimensions the searches know Eq. (1) alone. Beyond, the gradient is followed,
which cannot but end at FGM: there the lemmas rest on their proofs, z3's and the
paper's, and the cases check that the library computes what the lemmas say. Whether an
attack that was found loses a label is decided with rationals.
"""

import math
from fractions import Fraction

import pytest
import torch

from paper_lib.attacks import fgm
from paper_lib.game import (
    Mixture,
    PointwiseDefense,
    attacker_best_response,
    search_attack,
)
from paper_lib.geometry import l2_norm, sample_l2_ball
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import exact, exact_dot, random_tensor
from tests.paper_lib.game.game_cases import F64, random_game, random_moves

# Lemma 1: dimensions 1 to 50, 200 cases each.
CASES_A_DIM = 200
# Half the distance of 1 to the next float; and the share of the budget that the
# library's attacks leave, so that they fit the ball after rounding, or that is taken
# from one here which does not.
ROUNDOFF, SHORTFALL = Fraction(1, 2**53), Fraction(1, 2**44)


def near_the_boundary(dim):
    """Cases of which two in five are within 1% of the budget from the boundary."""
    epsilon = 0.5 + dim / 20
    gradients = random_tensor(CASES_A_DIM, dim, seed=dim)
    moves = sample_l2_ball(CASES_A_DIM, dim, epsilon, seed=dim)
    generator = torch.Generator().manual_seed(dim)
    draw = {"generator": generator, "dtype": F64}
    length = l2_norm(gradients)
    signs = 2.0 * (torch.rand(CASES_A_DIM, **draw) < 0.5) - 1.0
    logits = 1.5 * epsilon * length * torch.randn(CASES_A_DIM, **draw)
    # The distance to the boundary in budgets, chosen for the first of them.
    distance = 0.02 * (torch.rand(CASES_A_DIM, **draw) - 0.5)
    # One in ten is nearer, down to where rounding decides.
    tiny = 10.0 ** (-2.0 - 14.0 * torch.rand(CASES_A_DIM, **draw))
    distance[:20] = distance[:20].sign() * tiny[:20]
    along = (gradients * moves).sum(dim=1)
    chosen = signs * (1.0 + distance) * epsilon * length - along
    is_near = (torch.arange(CASES_A_DIM) < 100) & (signs * chosen > 0)
    lin = Linearization(
        logits=torch.where(is_near, chosen, logits), gradients=gradients
    )
    return lin, moves, epsilon


# Two verdicts are compared: of the slack, and of an attack found by search. Both are
# sums of d products, a length times the budget, and a few operations more. In any order
# of summation such a result is off by at most gamma times the sum of the absolute
# values of all terms, gamma = k u / (1 - k u), with k operations in a row (Higham 2002,
# Sec. 3.1): d + 2 for a dot product or a length, and ten for the rest, among them the
# steps by which the search makes a vector as long as the budget, or less by the
# shortfall.
def rounding_bound(lin, row, v, epsilon, *, shortfall=SHORTFALL):
    """How far both verdicts on one case may be off together."""
    operations = (len(v) + 12) * ROUNDOFF
    gamma = operations / (1 - operations)
    g, v = integers(lin.gradients[row].tolist()), integers(v.tolist())
    products = Fraction(sum(abs(x * y) for x, y in zip(g, v, strict=True)), 2**400)
    reach = Fraction(epsilon) * above_root(Fraction(sum(x * x for x in g), 2**400))
    terms = products + abs(Fraction(lin.logits[row].item())) + reach
    return gamma * (terms + reach) + 2 * shortfall * reach


def above_root(square):
    """Round a square root up, by less than 2^-100 of it."""
    numerator = (square.numerator << 400) // square.denominator
    return Fraction(math.isqrt(numerator) + 1, 2**200)


def loses_the_label(lin, row, attack, v, epsilon):
    """Whether an attack of the ball flips the label, without any rounding."""
    budget, f = integers([epsilon, lin.logits[row].item()])
    g, v = integers(lin.gradients[row].tolist()), integers(v.tolist())
    a = integers(attack.tolist())
    if sum(x * x for x in a) > budget**2:  # by a rounding at most
        a = [x - int(x * SHORTFALL) for x in a]
        assert sum(x * x for x in a) <= budget**2
    moved = (f << 200) + sum(x * (y + z) for x, y, z in zip(g, a, v, strict=True))
    return moved < 0 if f > 0 else moved > 0


def integers(values):
    """Write floats as multiples of 2^-200: integers are faster than fractions."""
    scaled = [math.ldexp(value, 200) for value in values]
    assert all(value.is_integer() for value in scaled)
    return [int(value) for value in scaled]


@pytest.mark.parametrize("first", range(1, 51, 10))
def test_membership_is_what_a_search_over_attacks_finds(first):
    """Lemma 1: 10,000 cases, over 30% of them within 1% of the budget, both sides.

    Rational numbers judge wherever the slack exceeds its rounding bound. The direct
    search is random: off the robust set it may miss one attack in a hundred, from 1e-4
    of the budget on. In the set it finds none.
    """
    near, inside, total, judged, missed, nearest = 0, 0, 0, 0, 0, 1.0
    is_direct = first == 1
    for dim in range(first, first + 10):
        lin, moves, epsilon = near_the_boundary(dim)
        sets = RobustSets.from_linearization(lin, epsilon)
        verdicts = sets.contains(moves).diagonal()
        found = search_attack(
            lin,
            PointwiseDefense(moves),
            epsilon=epsilon,
            method="direct" if is_direct else "gradient",
            num_steps=85 + 40 * dim if is_direct else None,
            num_restarts=1,
        )
        slack = (sets.normals * moves).sum(dim=1) + sets.offsets
        size = epsilon * l2_norm(lin.gradients)
        for row, verdict in enumerate(verdicts.tolist()):
            distance = abs(slack[row].item())
            if distance <= rounding_bound(lin, row, moves[row], epsilon):
                continue
            attack = found.strategy.perturbations[row]
            loses = loses_the_label(lin, row, attack, moves[row], epsilon)
            if is_direct and not verdict and not loses:
                missed += distance > 1e-4 * size[row].item()
                continue
            assert verdict != loses
            judged += 1
            nearest = min(nearest, distance / size[row].item())
        is_near = slack.abs() <= 0.01 * size
        near += int(is_near.sum())
        inside += int((is_near & verdicts).sum())
        total += len(verdicts)
    assert total == 2000
    assert near > 0.3 * total
    assert 0.3 < inside / near < 0.7
    # Left out are none but cases made to be near the boundary.
    assert (0.95 if is_direct else 0.97) * total < judged < total
    assert nearest < 1e-11
    assert missed <= 0.01 * total


@pytest.mark.parametrize("dim", [1, 7, 50])
def test_the_rounding_bound_holds_for_the_slack(dim):
    """The slack in float64, against the slack enclosed by rational numbers."""
    lin, moves, epsilon = near_the_boundary(dim)
    sets = RobustSets.from_linearization(lin, epsilon)
    slack = row_dots(sets.normals, moves) + sets.offsets
    worst = Fraction(0)
    for row in range(CASES_A_DIM):
        g, sign = exact(lin.gradients[row]), Fraction(lin.signs[row].item())
        along = sum(x * y for x, y in zip(g, exact(moves[row]), strict=True))
        root = above_root(sum(x * x for x in g))
        true = sign * (Fraction(lin.logits[row].item()) + along)
        true -= Fraction(epsilon) * root
        bound = rounding_bound(lin, row, moves[row], epsilon, shortfall=0)
        error = abs(Fraction(slack[row].item()) - true)
        assert error <= bound
        worst = max(worst, error / bound)
    assert worst > Fraction(1, 100)  # of the order of the errors there are


def test_membership_for_another_budget_would_be_noticed():
    """Negative control: a lemma that is off by a twentieth of the budget."""
    lin, moves, epsilon = near_the_boundary(10)
    wrong = RobustSets.from_linearization(lin, epsilon, attack_epsilon=0.95 * epsilon)
    found = search_attack(lin, PointwiseDefense(moves), epsilon=epsilon, num_restarts=1)
    assert found.method == "direct"
    lost = found.values > 0
    assert (wrong.contains(moves).diagonal() & lost).sum() >= 10


@pytest.mark.parametrize("dim", [1, 2, 3, 5, 9, 17, 29, 50])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_membership_is_exact_where_lengths_are_rational(dim, sign):
    """On the boundary, dyadic: the closed half-space, and not one unit further."""
    root = int(dim**0.5)  # as many entries of equal size have a rational length
    gradient = torch.zeros(dim, dtype=F64)
    gradient[: root**2] = torch.tensor([1.0, -1.0] * 25)[: root**2] * 0.75
    length, epsilon = Fraction(3, 4) * root, 2.0
    assert exact_dot(gradient, gradient) == length**2
    v = torch.tensor([0.25, -0.125] * 25, dtype=F64)[:dim]
    along = exact_dot(gradient, v)
    worst = [-Fraction(sign) * Fraction(epsilon) * x / length for x in exact(gradient)]
    for step, expected in (
        (0, True),
        (Fraction(1, 2**30), True),
        (-Fraction(1, 2**30), 0),
    ):
        logit = Fraction(sign) * (Fraction(epsilon) * length + step) - along
        assert Fraction(float(logit)) == logit
        lin = Linearization(
            logits=torch.tensor([float(logit)], dtype=F64),
            gradients=gradient.unsqueeze(0),
        )
        left = logit + along
        left += sum(x * y for x, y in zip(exact(gradient), worst, strict=True))
        assert (Fraction(sign) * left >= 0) == expected
        sets = RobustSets.from_linearization(lin, epsilon)
        assert sets.contains(v).tolist() == [expected]


# Lemma 2: games of three points, each against a mixture of its own.
POINTS, PLAYS = 3, 4


def games_and_mixtures(num_games, dim, seed):
    """Points of many games in one linearization, with a defense for each game."""
    lin = random_game(n=POINTS * num_games, dim=dim, seed=seed)
    moves = random_moves(PLAYS, num_games, dim, seed=seed)
    weights = torch.rand(
        PLAYS, generator=torch.Generator().manual_seed(seed), dtype=F64
    )
    plays = [PointwiseDefense(one.repeat_interleave(POINTS, dim=0)) for one in moves]
    return lin, Mixture(tuple(plays), tuple((weights / weights.sum()).tolist()))


@pytest.mark.parametrize(
    ("dim", "num_games", "parts"),
    [(1, 1000, 2), (2, 250, 8), (3, 1000, 2), (5, 1000, 2), (20, 1000, 2)],
)
def test_no_attack_beats_fgm_against_a_mixture(dim, num_games, parts):
    """Lemma 2: 10,000 games, by a grid in the plane, else led by the gradient.

    What the gradient ends at is FGM, so that it checks the code; the grid and the
    search of the next test check the lemma. All are strong enough to find as much as
    FGM gets.
    """
    method = "grid" if dim == 2 else "gradient"
    reached = 0
    for part in range(parts):
        lin, defender = games_and_mixtures(num_games, dim, 100 * dim + part)
        best = attacker_best_response(lin, defender, epsilon=1.0)
        found = search_attack(lin, defender, epsilon=1.0, method=method, num_restarts=2)
        assert (found.values <= best.values).all()
        equal = (found.values == best.values).reshape(num_games, POINTS).all(dim=1)
        reached += int(equal.sum())
        # Not because every attack does the same.
        assert (best.values > -1.0).double().mean() > 0.3
    assert reached >= 0.99 * num_games * parts


@pytest.mark.parametrize(("dim", "parts"), [(1, 2), (2, 2), (3, 3), (5, 2), (10, 1)])
def test_no_attack_from_utilities_alone_beats_fgm(dim, parts):
    """Lemma 2: 10,000 games, and a search that is not led by any gradient."""
    reached = 0
    for part in range(parts):
        lin, defender = games_and_mixtures(1000, dim, 1000 * dim + part)
        best = attacker_best_response(lin, defender, epsilon=1.0)
        found = search_attack(
            lin, defender, epsilon=1.0, method="direct", num_restarts=1
        )
        assert (found.values <= best.values).all()
        equal = (found.values == best.values).reshape(1000, POINTS).all(dim=1)
        reached += int(equal.sum())
    assert reached >= 0.99 * 1000 * parts


@pytest.mark.parametrize("factor", [-1.0, 0.8])
def test_a_wrong_fgm_is_beaten(factor):
    lin, defender = games_and_mixtures(100, 3, 0)
    found = search_attack(lin, defender, epsilon=1.0)
    wrong = factor * fgm(lin, 1.0)
    best = attacker_best_response(lin, defender, epsilon=1.0)
    scores = attack_values(lin, wrong, defender)
    assert (found.values >= scores).all()
    assert float((found.values - scores).mean()) > 0.01
    assert torch.equal(attack_values(lin, fgm(lin, 1.0), defender), best.values)


def attack_values(lin, attack, defender):
    """Score an attack point by point, by the definition."""
    parts = [
        weight * (1.0 - 2.0 * lin.label_survives(attack, play.perturbations).double())
        for play, weight in zip(defender.plays, defender.weights, strict=True)
    ]
    weights = torch.tensor(defender.weights, dtype=F64)
    table = torch.stack(parts) / weights.unsqueeze(1)
    return weights @ table
