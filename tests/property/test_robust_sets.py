"""Lemma 1 against Definition 1 on dyadic numbers, without rounding anywhere."""

from fractions import Fraction

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import exact

# Pythagorean gradients have a rational length, and so a rational worst attack.
TRIPLES = [(3, 4, 5), (5, 12, 13), (8, 15, 17), (1, 0, 1), (7, 24, 25)]
signs = st.sampled_from([-1, 1])


@st.composite
def rational_gradients(draw):
    """Draw a gradient and its length, both dyadic."""
    *legs, length = draw(st.sampled_from(TRIPLES))
    first, second = draw(st.permutations(legs))
    scale = 2.0 ** draw(st.integers(-20, 20))
    entries = draw(signs) * first * scale, draw(signs) * second * scale
    return entries, Fraction(length * scale)


gradients = rational_gradients()
sixteenths = st.integers(-80, 80).map(lambda k: k / 16)
points = st.tuples(sixteenths, sixteenths)
budgets = st.integers(0, 64).map(lambda k: k / 16)


def worst_case(logit, gradient, v, reach):
    """The smallest ``sgn(f) f_L(x + v + v')`` over attacks v' of a disk."""
    # A linear function on a disk is smallest where the line through 0 along its
    # gradient leaves the disk; both ends are tried, so the lemma gives no sign.
    ((gx, gy), length), (vx, vy) = gradient, map(Fraction, v)
    gx, gy, f = Fraction(gx), Fraction(gy), Fraction(logit)
    ends = [(s * reach * gx / length, s * reach * gy / length) for s in (-1, 1)]
    sign = 1 if f > 0 else -1
    return min(sign * (f + gx * (vx + ax) + gy * (vy + ay)) for ax, ay in ends)


@given(logit=sixteenths, gradient=gradients, v=points, epsilon=budgets, reach=budgets)
@example(
    logit=5.0, gradient=((3.0, 4.0), Fraction(5)), v=(0.0, 0.0), epsilon=1.0, reach=1.0
)
@example(
    logit=-5.0, gradient=((3.0, 4.0), Fraction(5)), v=(0.0, 0.0), epsilon=0.0, reach=1.0
)
@example(
    logit=0.0, gradient=((3.0, 4.0), Fraction(5)), v=(0.0, 0.0), epsilon=1.0, reach=0.0
)
def test_membership_is_definition_one_with_two_budgets(
    logit, gradient, v, epsilon, reach
):
    lin = Linearization(
        logits=torch.tensor([logit], dtype=torch.float64),
        gradients=torch.tensor([gradient[0]], dtype=torch.float64),
    )
    sets = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
    in_ball = sum(Fraction(x) ** 2 for x in v) <= Fraction(epsilon) ** 2
    expected = (
        in_ball and logit != 0 and worst_case(logit, gradient, v, Fraction(reach)) >= 0
    )
    perturbation = torch.tensor(v, dtype=torch.float64)
    assert sets.contains(perturbation).tolist() == [expected]
    assert sets.coverage(perturbation) == float(expected)


@given(
    logit=sixteenths.filter(bool),
    gradient=gradients,
    v=points,
    attack=points,
    epsilon=budgets,
)
def test_no_attack_flips_what_the_set_contains(logit, gradient, v, attack, epsilon):
    """One direction of the lemma for attacks anywhere in the disk, not at its edge."""
    lin = Linearization(
        logits=torch.tensor([logit], dtype=torch.float64),
        gradients=torch.tensor([gradient[0]], dtype=torch.float64),
    )
    v, attack = (torch.tensor(x, dtype=torch.float64) for x in (v, attack))
    sets = RobustSets.from_linearization(lin, epsilon)
    allowed = sum(x**2 for x in exact(attack)) <= Fraction(epsilon) ** 2
    if allowed and sets.contains(v).all():
        assert lin.label_survives(attack.unsqueeze(0), v.unsqueeze(0)).all()


@given(logit=sixteenths.filter(bool), gradient=gradients, v=points, epsilon=budgets)
def test_membership_grows_with_the_logit_and_shrinks_with_the_attacker(
    logit, gradient, v, epsilon
):
    def contains(logit, reach):
        lin = Linearization(
            logits=torch.tensor([logit], dtype=torch.float64),
            gradients=torch.tensor([gradient[0]], dtype=torch.float64),
        )
        sets = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
        return bool(sets.contains(torch.tensor(v, dtype=torch.float64)).item())

    if contains(logit, epsilon):
        assert contains(2.0 * logit, epsilon)
        assert contains(logit, epsilon / 2.0)
    else:
        assert not contains(logit, 2.0 * epsilon)
