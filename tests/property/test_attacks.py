"""Lemma 2 as certificates: what FGM does cannot be bettered."""

from fractions import Fraction

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paper_lib.attacks import fgm, pgd
from paper_lib.geometry import project_l2_ball
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import Affine, exact_dot, fits_exactly

N, DIM = 6, 3
entries = st.floats(-1e3, 1e3, allow_subnormal=False)
budgets = st.floats(1e-3, 1e2)


def matrices(*shape):
    return arrays(np.float64, shape, elements=entries).map(torch.from_numpy)


lins = st.builds(
    lambda logits, gradients: Linearization(logits=logits, gradients=gradients),
    matrices(N),
    matrices(N, DIM),
)


@given(lin=lins, epsilon=budgets)
def test_fgm_attains_the_bound_of_cauchy_and_schwarz(lin, epsilon):
    """No attack lowers ``sgn(f) f_L`` by more than ``epsilon ||grad||``; FGM does."""
    for logit, gradient, attack in zip(
        lin.logits, lin.gradients, fgm(lin, epsilon), strict=True
    ):
        assert fits_exactly(attack, epsilon)
        if logit == 0 or bool((gradient == 0).all()):
            assert torch.equal(attack, torch.zeros(DIM, dtype=torch.float64))
        else:
            drop = -int(logit.sign()) * exact_dot(gradient, attack)
            best_square = Fraction(epsilon) ** 2 * exact_dot(gradient, gradient)
            assert drop > 0
            assert 1 - Fraction(1, 10**12) <= drop**2 / best_square <= 1


@given(lin=lins, v=matrices(DIM), other=matrices(N, DIM), epsilon=budgets)
def test_no_attack_beats_fgm_whatever_the_defense(lin, v, other, epsilon):
    """Point by point: a label that survives FGM survives every attack."""
    defense = project_l2_ball(v, epsilon).unsqueeze(0)
    attack = project_l2_ball(other, epsilon)
    slack = RobustSets.from_linearization(lin, epsilon)
    margin = slack.normals @ defense[0] + slack.offsets
    clear = margin.abs() > 1e-9 * (1.0 + lin.logits.abs() + lin.gradients.norm(dim=1))
    after_fgm = lin.label_survives(fgm(lin, epsilon), defense)
    after_other = lin.label_survives(attack, defense)
    assert (after_other | ~after_fgm)[clear].all()


@given(lin=lins, v=matrices(DIM), epsilon=budgets)
def test_what_survives_fgm_is_what_the_robust_sets_contain(lin, v, epsilon):
    defense = project_l2_ball(v, epsilon)
    sets = RobustSets.from_linearization(lin, epsilon)
    slack = sets.normals @ defense + sets.offsets
    scale = 1.0 + lin.logits.abs() + epsilon * lin.gradients.norm(dim=1)
    clear = slack.abs() > 1e-11 * scale
    survives = lin.label_survives(fgm(lin, epsilon), defense.unsqueeze(0))
    assert torch.equal(survives[clear], sets.contains(defense)[clear])


@given(
    weight=matrices(DIM).filter(lambda w: w.norm() > 1e-6),
    points=matrices(N, DIM),
    epsilon=budgets,
    steps=st.integers(1, 6),
    share=st.sampled_from([0.25, 0.5, 1.0]),
    direction=st.sampled_from(["current", "original"]),
    projection=st.sampled_from(["sphere", "ball"]),
)
def test_pgd_is_feasible_and_moves_along_the_only_gradient(
    weight, points, epsilon, steps, share, direction, projection
):
    attack = pgd(
        Affine(weight, bias=1.0),
        points,
        epsilon,
        steps=steps,
        step_size=share * epsilon,
        direction=direction,
        projection=projection,
    )
    unit = weight / weight.norm()
    across = attack - (attack @ unit).unsqueeze(1) * unit
    assert all(fits_exactly(row, epsilon) for row in attack)
    assert (across.norm(dim=1) <= 1e-9 * epsilon).all()
