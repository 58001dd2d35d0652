"""Lemma 1 by hand, and against Definition 1 in exact arithmetic."""

import itertools
from fractions import Fraction

import pytest
import torch

from paper_lib import robust_sets
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import RATIONAL_DIRECTIONS, exact, exact_dot, random_tensor

F32, F64 = torch.float32, torch.float64
EPSILON = 2.0


def robust_by_definition(logits, gradient, points, attacks, epsilon):
    """Definition 1, word for word: each of the attacks is tried, without rounding."""
    g = exact(gradient)
    effects = [sum(a * b for a, b in zip(g, attack, strict=True)) for attack in attacks]
    worst = {sign: min(sign * effect for effect in effects) for sign in (-1, 1)}
    verdicts = []
    for v in map(exact, points):
        in_ball = sum(x * x for x in v) <= Fraction(epsilon) ** 2
        shift = sum(a * b for a, b in zip(g, v, strict=True))
        signed = [(f, 1 if f > 0 else -1) for f in map(Fraction, logits)]
        verdicts.append(
            [
                in_ball and f != 0 and sign * (f + shift) + worst[sign] >= 0
                for f, sign in signed
            ]
        )
    return verdicts


# Gradients whose worst attack has rational coordinates: a multiple of a direction that
# is among the attacks, which also cover the disk on rings and in all directions.
GRADIENTS = [
    torch.tensor(g, dtype=F64)
    for g in ([3.0, 4.0], [-4.0, 3.0], [0.0, 2.0], [-5.0, -12.0], [0.75, -1.0], [0, 0])
]
ATTACKS = [
    tuple(Fraction(EPSILON) * ring * x for x in direction)
    for ring in (Fraction(1), Fraction(1, 2), Fraction(0))
    for direction in RATIONAL_DIRECTIONS
]
LOGITS = [0.0, 0.25, -0.25, 5.0, -5.0, 10.0, -10.0, 26.0, -4.0, 2.5, 20.0, -31.0]
# A grid of the square around the disk; its multiples of 1/4 hold boundary points.
GRID = torch.tensor(
    list(itertools.product(torch.arange(-2.25, 2.5, 0.25).tolist(), repeat=2)),
    dtype=F64,
)


@pytest.mark.parametrize("gradient", GRADIENTS, ids=lambda g: str(g.tolist()))
def test_membership_is_definition_one_in_the_plane(gradient):
    lin = Linearization(
        logits=torch.tensor(LOGITS, dtype=F64),
        gradients=gradient.expand(len(LOGITS), 2),
    )
    found = RobustSets.from_linearization(lin, EPSILON).contains(GRID)
    expected = robust_by_definition(LOGITS, gradient, GRID, ATTACKS, EPSILON)
    assert found.tolist() == expected


def test_the_grid_above_meets_all_three_cases():
    """Points strictly inside, exactly on the boundary, and outside occur."""
    slack = GRID @ GRADIENTS[0] + 10.0 - EPSILON * 5.0
    in_ball = GRID.square().sum(1) <= EPSILON**2
    assert (slack[in_ball] > 0).any()
    assert (slack[in_ball] == 0).sum() >= 2
    assert (slack[in_ball] < 0).any()
    assert (GRID.square().sum(1) == EPSILON**2).sum() >= 4


def test_a_smaller_attack_or_a_shifted_boundary_would_be_noticed():
    """Negative control of the oracle: weaker attackers leave larger sets."""
    weaker = [tuple(Fraction(9, 10) * x for x in attack) for attack in ATTACKS]
    logits, origin = (10.0, 9.75), torch.zeros(1, 2, dtype=F64)
    for attacks, expected in ((ATTACKS, [True, False]), (weaker, [True, True])):
        found = robust_by_definition(logits, GRADIENTS[0], origin, attacks, EPSILON)
        assert found == [expected]


def test_rows_by_hand():
    """``c = sgn(f) grad``, ``b = |f| - epsilon ||grad||``: Eq. (7)."""
    lin = Linearization(
        logits=torch.tensor([7.0, -6.0, 0.0, 1.5], dtype=F64),
        gradients=torch.tensor(
            [[3.0, 4.0], [5.0, -12.0], [8.0, 15.0], [0.0, 0.0]], dtype=F64
        ),
    )
    sets = RobustSets.from_linearization(lin, 2.0)
    assert sets.normals.tolist() == [[3.0, 4.0], [-5.0, 12.0], [0.0, 0.0], [0.0, 0.0]]
    assert sets.offsets.tolist() == [-3.0, -20.0, float("-inf"), 1.5]
    assert sets.epsilon == 2.0


def test_the_boundary_belongs_to_the_set_on_both_sides():
    lin = Linearization(
        logits=torch.tensor([5.0, -5.0], dtype=F64),
        gradients=torch.tensor([[3.0, 4.0], [-3.0, -4.0]], dtype=F64),
    )
    sets = RobustSets.from_linearization(lin, 1.0)
    nearly = torch.tensor([-(2.0**-50), 0.0], dtype=F64)
    assert sets.contains(torch.zeros(2, dtype=F64)).tolist() == [True, True]
    assert sets.contains(nearly).tolist() == [False, False]


def test_nothing_contains_a_point_outside_the_ball():
    sets = RobustSets(
        normals=torch.zeros(2, 2, dtype=F64),
        offsets=torch.tensor([1.0, 100.0], dtype=F64),
        epsilon=1.0,
    )
    points = torch.tensor([[0.6, 0.8], [0.6, 0.81], [2.0, 0.0]], dtype=F64)
    assert sets.contains(points).tolist() == [[True] * 2, [False] * 2, [False] * 2]
    assert sets.coverage(points).tolist() == [1.0, 0.0, 0.0]


def test_zero_rows_hold_everywhere_or_nowhere_by_their_offset():
    sets = RobustSets(
        normals=torch.zeros(4, 2),
        offsets=torch.tensor([1.0, 0.0, -1e-30, -torch.inf]),
        epsilon=1.0,
    )
    for v in torch.tensor([[0.0, 0.0], [0.6, -0.6]]):
        assert sets.contains(v).tolist() == [True, True, False, False]


def test_a_point_without_label_is_lost_whatever_is_played():
    lin = Linearization(logits=torch.zeros(1), gradients=torch.tensor([[1.0, 0.0]]))
    sets = RobustSets.from_linearization(lin, 0.0)
    assert not sets.contains(torch.zeros(2)).any()
    larger = RobustSets.from_linearization(lin, 5.0, attack_epsilon=0.0)
    assert not larger.contains(torch.tensor([[5.0, 0.0], [0.0, 0.0]])).any()


def test_a_flat_point_has_the_whole_ball():
    lin = Linearization(logits=torch.tensor([-1e-9]), gradients=torch.zeros(1, 2))
    sets = RobustSets.from_linearization(lin, 3.0)
    assert sets.contains(torch.tensor([[0.0, 0.0], [-3.0, 0.0], [0.0, 3.0]])).all()


def test_the_attackers_budget_moves_the_halfspaces_and_not_the_ball():
    lin = Linearization(
        logits=torch.tensor([10.0], dtype=F64),
        gradients=torch.tensor([[3.0, 4.0]], dtype=F64),
    )
    weak = RobustSets.from_linearization(lin, 1.0, attack_epsilon=0.5)
    strong = RobustSets.from_linearization(lin, 1.0, attack_epsilon=4.0)
    assert (weak.offsets.item(), strong.offsets.item()) == (7.5, -10.0)
    assert weak.epsilon == strong.epsilon == 1.0
    outside = torch.tensor([1.2, 1.6], dtype=F64)
    assert not weak.contains(outside).any()
    # A much stronger attacker: even the best v of the ball is too short.
    assert not strong.contains(torch.tensor([0.6, 0.8], dtype=F64)).any()
    none = RobustSets.from_linearization(lin, 1.0, attack_epsilon=0.0)
    assert none.offsets.item() == 10.0


def test_the_opposite_of_fgm_is_always_in_the_set():
    """With equal budgets and a label: the paper's void case of Sec. 4."""
    gradients = torch.tensor([[3.0, 4.0], [-5.0, 12.0]], dtype=F64)
    lin = Linearization(
        logits=torch.tensor([2.0**-30, -(2.0**-30)], dtype=F64), gradients=gradients
    )
    sets = RobustSets.from_linearization(lin, 1.0)
    best = torch.tensor([[0.6, 0.8], [5.0 / 13.0, -12.0 / 13.0]], dtype=F64)
    assert sets.contains(best).diagonal().all()


def random_sets(n=40, dim=6, seed=0, dtype=F64, epsilon=1.0):
    lin = Linearization(
        logits=random_tensor(n, seed=seed, dtype=dtype),
        gradients=random_tensor(n, dim, seed=seed + 1, dtype=dtype),
    )
    return RobustSets.from_linearization(lin, epsilon)


@pytest.mark.parametrize("block", [1, 1000, 2**22])
@pytest.mark.parametrize("dtype", [F32, F64])
def test_many_perturbations_are_judged_as_one_by_one(dtype, block, monkeypatch):
    monkeypatch.setattr(robust_sets, "_BLOCK", block)
    sets = random_sets(dtype=dtype)
    points = 0.4 * random_tensor(30, 6, seed=5, dtype=dtype)
    together = sets.contains(points)
    assert together.shape == (30, 40)
    assert together.tolist() == [sets.contains(v).tolist() for v in points]
    assert sets.coverage(points).tolist() == [sets.coverage(v) for v in points]
    assert 0 < int(together.sum()) < together.numel()


@pytest.mark.parametrize("v", [torch.zeros(6, dtype=F64), torch.eye(6, dtype=F64)[0]])
def test_coverage_is_the_mean_of_contains(v):
    sets = random_sets()
    coverage = sets.coverage(v)
    assert isinstance(coverage, float)
    assert coverage == sum(sets.contains(v).tolist()) / 40


def test_coverage_of_several_is_float64():
    found = random_sets(dtype=F32).coverage(torch.zeros(2, 6))
    assert found.dtype == F64
    assert found.shape == (2,)


def test_no_perturbation_gives_no_verdict():
    sets = random_sets()
    assert sets.contains(torch.empty(0, 6, dtype=F64)).shape == (0, 40)
    assert sets.coverage(torch.empty(0, 6, dtype=F64)).shape == (0,)


def test_the_order_of_rows_is_kept_and_does_not_matter():
    sets, v = random_sets(), 0.4 * random_tensor(6, seed=6)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    shuffled = RobustSets(
        normals=sets.normals[order], offsets=sets.offsets[order], epsilon=1.0
    )
    assert torch.equal(shuffled.contains(v), sets.contains(v)[order])


def test_points_that_occur_twice_count_twice():
    sets, v = random_sets(), 0.4 * random_tensor(6, seed=7)
    doubled = RobustSets(
        normals=torch.cat([sets.normals] * 2),
        offsets=torch.cat([sets.offsets] * 2),
        epsilon=1.0,
    )
    assert doubled.coverage(v) == sets.coverage(v)
    assert doubled.contains(v).sum() == 2 * sets.contains(v).sum()


@pytest.mark.parametrize("power", [-100, -30, 30, 100])
@pytest.mark.parametrize("dtype", [F32, F64])
def test_the_scale_of_the_logit_changes_no_verdict(power, dtype):
    """A power of two rounds nothing, so not even rows on the boundary may flip."""
    power = power if dtype == F64 else power // 2
    logits = torch.tensor([10.0, -10.0, 5.0, 0.3, 0.0], dtype=dtype)
    gradients = random_tensor(5, 2, seed=8, dtype=dtype)
    gradients[:2] = torch.tensor([[3.0, 4.0], [-3.0, -4.0]])
    points = torch.cat(
        [torch.zeros(1, 2), 0.7 * random_tensor(20, 2, seed=9), -torch.eye(2)]
    ).to(dtype)
    verdicts = [
        RobustSets.from_linearization(
            Linearization(logits=factor * logits, gradients=factor * gradients), 2.0
        ).contains(points)
        for factor in (1.0, 2.0**power)
    ]
    assert torch.equal(*verdicts)
    assert verdicts[0][0, :2].all()


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_huge_and_tiny_rows_are_judged_alike(factor):
    sets = random_sets(dtype=F32)
    points = 0.4 * random_tensor(30, 6, seed=10, dtype=F32)
    scaled = RobustSets(
        normals=factor * sets.normals, offsets=factor * sets.offsets, epsilon=1.0
    )
    slack = points.double() @ sets.normals.double().t() + sets.offsets.double()
    clear = slack.abs() > 1e-5
    assert torch.equal(scaled.contains(points)[clear], sets.contains(points)[clear])
    assert clear.double().mean() > 0.99


def test_both_precisions_agree_away_from_the_boundary():
    points = 0.4 * random_tensor(30, 6, seed=11, dtype=F32)
    single = random_sets(dtype=F32)
    double = RobustSets(
        normals=single.normals.double(), offsets=single.offsets.double(), epsilon=1.0
    )
    # The same numbers in either storage: the count is made in float64 both times.
    assert torch.equal(single.contains(points), double.contains(points.double()))


def test_verdicts_are_those_of_exact_arithmetic():
    sets, points = random_sets(n=25), 0.4 * random_tensor(10, 6, seed=12)
    for v, verdicts in zip(points, sets.contains(points).tolist(), strict=True):
        inside = exact_dot(v, v) <= 1
        for c, b, verdict in zip(sets.normals, sets.offsets, verdicts, strict=True):
            assert verdict == (inside and exact_dot(c, v) + Fraction(b.item()) >= 0)


def test_verdicts_in_single_precision_are_not_counted_in_it():
    """``-(1 + u)^2 + (1 + 2 u)`` is ``-u^2``: negative, and zero in float32."""
    u = 2.0**-23
    sets = RobustSets(
        normals=torch.tensor([[1.0 + u]]),
        offsets=torch.tensor([1.0 + 2.0 * u]),
        epsilon=2.0,
    )
    assert not sets.contains(torch.tensor([-(1.0 + u)])).any()
    assert sets.contains(torch.tensor([-1.0])).all()


def fold(terms):
    """Add the first half to the second, again and again, in plain Python."""
    while len(terms) > 1:
        half = len(terms) // 2
        rest = terms[2 * half :]
        terms = [terms[i] + terms[half + i] for i in range(half)] + rest
    return terms[0]


def test_rows_exactly_on_the_boundary_are_decided_by_the_stated_order():
    """A matrix product adds in another order, and loses some of these rows."""
    normals, v = random_tensor(300, 97, seed=13), random_tensor(97, seed=14)
    offsets = [
        -fold([c * x for c, x in zip(row, v.tolist(), strict=True)])
        for row in normals.tolist()
    ]
    offsets = torch.tensor(offsets, dtype=F64)
    sets = RobustSets(normals=normals, offsets=offsets, epsilon=20.0)
    assert sets.contains(v).all()
    assert not (normals @ v + offsets >= 0).all()


@pytest.mark.bad_input
def test_no_rows_are_no_subset():
    sets = RobustSets(normals=torch.eye(2), offsets=torch.zeros(2), epsilon=1.0)
    with pytest.raises(ValueError, match=r"^normals must be \(n, d\) .* at least 1"):
        sets.subset(slice(0))


def test_on_the_edge_rounding_decides_and_nowhere_else():
    """Counts are reproducible; exact they are but for rows met up to rounding."""
    differ, worst = 0, Fraction(0)
    for case in range(500):
        dim = 2 + case % 9
        normal, v = random_tensor(dim, seed=case), random_tensor(dim, seed=case + 1000)
        v = 0.9 * v / v.norm()
        sets = RobustSets(
            normals=normal[None], offsets=-(normal @ v)[None], epsilon=1.0
        )
        [verdict] = sets.contains(v).tolist()
        assert (
            sets.contains(torch.stack([0 * v, v, v]))[1:, 0].tolist() == [verdict] * 2
        )
        offset = Fraction(sets.offsets.item())
        slack = exact_dot(normal, v) + offset
        if verdict != (slack >= 0):
            differ += 1
            pairs = zip(exact(normal), exact(v), strict=True)
            size = sum(abs(a * b) for a, b in pairs) + abs(offset)
            worst = max(worst, abs(slack) / size)
    assert 0 < differ < 500
    assert worst < Fraction(2, 10**16)
