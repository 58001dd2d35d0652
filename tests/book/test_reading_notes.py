"""The examples on the page of reading notes, computed."""

import itertools
import math
from fractions import Fraction

import pytest
import torch

from experiments.populations.deviations import deviation_distribution, draw_deviations
from paper_lib.attacks import PGDReading, fgm
from paper_lib.defense import RampConfig, maximize_coverage, ramp_ascent
from paper_lib.evaluation import calibrate_epsilon
from paper_lib.game import (
    ConstantDefense,
    Mixture,
    equilibrium,
    expected_utility,
    exploitability,
    search_attack,
    smooth,
    utility,
)
from paper_lib.generalization import (
    expected_deviation_bound,
    mcdiarmid_tail,
    num_regions,
    shatter_coefficient,
    smallest_informative_n,
    trace_count,
    vc_bound,
)
from paper_lib.geometry import sample_l2_ball
from paper_lib.isotropic import majority
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets
from tests.oracles import Formula


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def line(points, slope=1.0):
    """f(x) = slope x at points of the real line."""
    x = tensor(points)
    return Linearization(
        logits=slope * x, gradients=torch.full((len(x), 1), slope).double()
    )


def random_linearization(n=200, d=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Linearization(
        logits=torch.randn(n, generator=generator, dtype=torch.float64),
        gradients=torch.randn(n, d, generator=generator, dtype=torch.float64),
    )


class LinearOnTheLine(torch.nn.Module):
    """f(x) = 2 x on the line."""

    def forward(self, x):  # noqa: D102
        return 2.0 * x.flatten()


# --- Section 2 -------------------------------------------------------------------


def test_landing_on_the_boundary_decides_whether_a_maximizer_exists():
    epsilon, n = 1.0, 4000
    uniform = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 * epsilon

    def strict(v):
        """The share won when landing on the boundary is a flip."""
        return 0.5 * (v < 0) + 0.5 * float((uniform - epsilon + v > 0).double().mean())

    assert strict(-1e-4) == pytest.approx(0.75, abs=1e-3)
    assert strict(0.0) == pytest.approx(0.25, abs=1e-3)
    assert max(strict(v) for v in (0.0, 0.5, 1.0)) == pytest.approx(0.5)
    # With the convention of the library the limit is attained at v = 0.
    sets = RobustSets.from_linearization(
        line([-epsilon] * n + uniform.tolist()), epsilon
    )
    assert sets.coverage(tensor([0.0])) == pytest.approx(0.75, abs=1e-3)
    assert sets.coverage(tensor([1e-9])) < 0.3


def test_a_straight_boundary_does_not_make_the_tangent_right():
    def f(x):
        return 2 * x if x < 1 else x + 1

    x, point, epsilon = 1.5, -0.25, 1.0
    tangent = f(x) + 1.0 * (point - x)
    assert abs(point - x) <= 2 * epsilon
    assert f(point) < 0 < tangent


def test_a_defender_who_reacts_defeats_fgm():
    x, epsilon = tensor([-1.0, 1.0]), 1.5
    lin = line(x.tolist())
    attacked = x + fgm(lin, epsilon).flatten()
    assert torch.allclose(attacked, tensor([0.5, -0.5]))

    def reaction(seen):
        return -epsilon * seen.sign()

    def wins(seen):
        return (lin.signs * (seen + reaction(seen)) < 0).tolist()

    assert wins(attacked) == [False, False]
    assert wins(x) == [True, True]


def test_labels_that_f_gets_wrong_are_another_game():
    lin, still = line([0.5]), torch.zeros(1, 1, dtype=torch.float64)
    step, v = fgm(lin, 1.0), torch.zeros(1, dtype=torch.float64)
    assert float(lin.logits + step) == pytest.approx(-0.5)
    wrong = tensor([-1.0])
    assert utility(lin, step, v, labels=wrong).tolist() == [-1.0]
    assert utility(lin, still, v, labels=wrong).tolist() == [1.0]
    # Against sgn f it is the other way round.
    assert utility(lin, step, v).tolist() == [1.0]
    assert utility(lin, still, v).tolist() == [-1.0]


@pytest.mark.parametrize("attack_epsilon", [0.4, 1.0, 1.7])
def test_different_budgets_leave_the_theorem_standing(attack_epsilon):
    lin = random_linearization(n=9, d=2)
    budgets = {"epsilon": 1.0, "attack_epsilon": attack_epsilon}
    pair = equilibrium(lin, **budgets)
    found = exploitability(lin, pair.attacker, pair.defender, **budgets)
    assert found.is_exact
    assert found.total <= 1e-12


def test_seeing_the_draw_is_of_no_use_to_the_attacker():
    lin = random_linearization(n=9, d=2)
    step = fgm(lin, 1.0)
    for v in sample_l2_ball(20, 2, 1.0, seed=0):
        found = search_attack(lin, v, epsilon=1.0)
        assert found.value == float(utility(lin, step, v).mean())


# --- Section 3 -------------------------------------------------------------------


@pytest.mark.parametrize(("epsilon", "attack_epsilon"), [(1.0, 1.0), (1.0, 0.25)])
def test_from_a_margin_of_both_budgets_on_the_robust_set_is_all_of_v(
    epsilon, attack_epsilon
):
    far = epsilon + attack_epsilon
    sets = RobustSets.from_linearization(
        line([far, 0.99 * far]), epsilon, attack_epsilon=attack_epsilon
    )
    moves = torch.linspace(-epsilon, epsilon, 101, dtype=torch.float64).unsqueeze(1)
    held = sets.contains(moves)
    assert bool(held[:, 0].all())
    # Just short of it v = 0 saves the input, and a bad v loses it.
    assert held[:, 1].tolist() == [False, *[True] * 100]


def test_other_attacks_can_be_as_good_as_fgm():
    lin = line([2.5, -0.5])
    v, step = torch.zeros(1, dtype=torch.float64), fgm(line([2.5, -0.5]), 1.0)
    other = torch.cat([0.3 * step[:1], 0.9 * step[1:]])
    for defense in torch.linspace(-1.0, 1.0, 21, dtype=torch.float64):
        best = utility(lin, step, defense[None])
        assert bool((best >= utility(lin, other, defense[None])).all())
    assert torch.equal(utility(lin, step, v), utility(lin, other, v))
    pair = equilibrium(lin, epsilon=1.0)
    found = exploitability(lin, other, pair.defender, epsilon=1.0)
    assert found.total <= 1e-12
    assert found.utility.value == pair.value
    too_weak = exploitability(line([0.5, -0.5]), 0.3 * step, v, epsilon=1.0)
    assert too_weak.attacker_gain > 0.01


def test_a_vote_over_isotropic_draws_is_worth_no_defense():
    lin = line([0.5, 1.5, -0.5, -1.5, 3.0])
    sets = RobustSets.from_linearization(lin, 1.0)
    drawn = sample_l2_ball(1001, 1, 1.0, seed=0)
    alone = sets.contains(tensor([0.0]))
    assert torch.equal(majority(sets.contains(drawn)), alone)
    assert alone.tolist() == [False, True, False, True, True]


def test_the_opposite_of_fgm_is_always_robust():
    lin = random_linearization()
    sets = RobustSets.from_linearization(lin, epsilon=2.0)
    opposite = -fgm(lin, 2.0)
    slack = (sets.normals * opposite).sum(-1) + sets.offsets
    assert torch.allclose(slack, lin.logits.abs())
    assert bool(sets.contains(opposite).diagonal().all())


def test_a_larger_attack_budget_can_empty_robust_sets():
    lin = random_linearization()
    sets = RobustSets.from_linearization(lin, epsilon=1.0, attack_epsilon=2.0)
    best = sets.offsets + 1.0 * sets.normals.norm(dim=-1)
    assert bool((best < 0).any())


def test_a_globally_linear_classifier_has_value_at_least_one_half():
    generator = torch.Generator().manual_seed(1)
    w = torch.randn(5, generator=generator, dtype=torch.float64)
    x = torch.randn(101, 5, generator=generator, dtype=torch.float64)
    lin = Linearization(logits=x @ w, gradients=w.expand(101, 5).contiguous())
    sets = RobustSets.from_linearization(lin, epsilon=10.0)
    along = (1.0 - 1e-9) * 10.0 * w / w.norm()
    assert max(sets.coverage(along), sets.coverage(-along)) >= 0.5


def three_half_planes():
    """Half-planes at 120 degrees whose boundaries pass through 0."""
    normals = tensor([[2.0, 0.0], [-1.0, 1.5], [-1.0, -1.5]])
    return RobustSets(normals=normals, offsets=torch.zeros(3).double(), epsilon=1.0)


def test_the_maximizers_may_be_a_single_point():
    sets = three_half_planes()
    assert sets.coverage(tensor([0.0, 0.0])) == 1.0
    angles = torch.linspace(0, 2 * math.pi, 721, dtype=torch.float64)
    circle = torch.stack([angles.cos(), angles.sin()], dim=-1)
    for radius in (1e-9, 0.5, 1.0 - 1e-9):
        assert float(sets.coverage(radius * circle).max()) < 1.0


def test_the_maximizers_may_be_a_segment():
    """No volume, and no single point: smooth plays one of them."""
    sets = RobustSets(
        normals=tensor([[1.0, 0.0], [-1.0, 0.0]]),
        offsets=tensor([0.0, 0.0]),
        epsilon=1.0,
    )
    heights = torch.linspace(-1, 1, 21, dtype=torch.float64)
    segment = torch.stack([torch.zeros_like(heights), heights], dim=-1)
    assert sets.coverage(segment).tolist() == [1.0] * 21
    for shift in (-1e-9, 1e-9):
        assert float(sets.coverage(segment + tensor([shift, 0.0])).max()) < 1.0
    drawn = smooth(sets).draw(7, 0)
    assert drawn.shape == (7, 2)
    assert len(drawn.unique(dim=0)) == 1
    assert sets.coverage(drawn).tolist() == [1.0] * 7


# --- Appendices A to C -----------------------------------------------------------


def test_a_distance_to_the_tangents_boundary_says_nothing_of_f():
    model = Formula(lambda x: 0.5 + 0.1 * x[:, 0] - x[:, 0] ** 3)
    lin = linearize(model, tensor([[0.0]]))
    assert -float(lin.logits / lin.gradients) == pytest.approx(-5.0)
    assert float(lin.margins) > 1.0
    assert RobustSets.from_linearization(lin, 1.0).coverage(tensor([0.0])) == 1.0
    with torch.no_grad():
        assert float(model(tensor([[1.0]]))) < 0 < float(model(tensor([[0.0]])))


def test_a_constant_attack_does_not_reach_the_supremum():
    lin, v = line([1.0, -1.0]), tensor([0.0])
    assert utility(lin, fgm(lin, 1.5), v).tolist() == [1.0, 1.0]
    for a in torch.linspace(-1.5, 1.5, 31, dtype=torch.float64):
        constant = a.expand(2, 1)
        assert int((utility(lin, constant, v) == 1.0).sum()) <= 1


def test_rotating_fails_where_the_defender_alone_crosses():
    lin = Linearization(logits=tensor([1.0]), gradients=tensor([[1.0, 0.0]]))
    d, epsilon = tensor([-1.5, 0.0]), 2.0
    step = fgm(lin, epsilon)
    moved = float(lin.logits + d[0])
    assert moved < 0
    assert not RobustSets.from_linearization(lin, epsilon).contains(d).item()
    # Some attack changes the sign at x + d; FGM does not.
    assert moved + 2.0 > 0
    assert moved + float(step[0, 0]) < 0
    # It has the other sign than x, which is what counts.
    assert utility(lin, step, d).tolist() == [1.0]
    attacks = sample_l2_ball(200, 2, epsilon, seed=0)
    assert float((attacks @ lin.gradients[0]).min()) >= float(step[0, 0])


def test_the_bound_is_reached_exactly_by_those_who_stay_in_v_star():
    lin = random_linearization(n=9, d=2, seed=3)
    pair = equilibrium(lin, epsilon=1.0)
    inside = smooth(pair.sets).draw(2, seed=0)
    outside = -pair.defender.perturbation
    assert pair.sets.coverage(outside) < pair.solution.coverage

    def value(plays, weights):
        mixture = Mixture(tuple(map(ConstantDefense, plays)), weights)
        return expected_utility(lin, pair.attacker, mixture, epsilon=1.0).value

    assert value(inside, (0.9, 0.1)) == pytest.approx(pair.value, abs=1e-12)
    assert value([inside[0], outside], (0.99, 0.01)) > pair.value + 1e-4


# --- Section 4 -------------------------------------------------------------------


def test_rows_off_their_slope_do_not_pull():
    # At v = 0: violated, on the slope, past it.
    sets = RobustSets(
        normals=tensor([[0.0, 9.0], [1.0, 0.0], [0.0, -9.0]]),
        offsets=tensor([-1.0, 0.5, 2.0]),
        epsilon=1.0,
    )
    first = ramp_ascent(sets, config=RampConfig(num_steps=1)).perturbation
    assert first[0] > 0
    assert first[1] == 0
    stuck = RobustSets(normals=tensor([[1.0]]), offsets=tensor([-0.1]), epsilon=1.0)
    solution = ramp_ascent(stuck)
    assert solution.coverage == 0.0
    assert solution.in_dead_zone
    assert stuck.coverage(tensor([0.5])) == 1.0


def test_the_scale_of_the_logit_moves_the_ramp_and_not_the_sets():
    lin = random_linearization(d=2)
    scaled = Linearization(logits=64 * lin.logits, gradients=64 * lin.gradients)
    sets, large = (RobustSets.from_linearization(x, 1.0) for x in (lin, scaled))
    v = 0.1 * torch.randn(50, 2, generator=torch.Generator().manual_seed(2)).double()
    assert torch.equal(sets.contains(v), large.contains(v))
    found, other = (ramp_ascent(s).perturbation for s in (sets, large))
    assert float((found - other).norm()) > 0.01


def test_one_cell_of_the_table_is_a_quantile_of_the_margins():
    lin = random_linearization()
    epsilon = calibrate_epsilon(lin, accuracy=0.4)
    survives = lin.label_survives(fgm(lin, epsilon))
    assert torch.equal(survives, lin.margins >= epsilon)
    assert int(survives.sum()) == 80


def test_one_pair_of_table_1_is_most_of_the_variance():
    part = (94.5 - 71.2) ** 2 / 44
    assert part == pytest.approx(12.3, abs=0.05)
    assert math.sqrt(14.2 - part) < 1.5


def test_a_label_of_the_data_and_the_sign_of_f_score_differently():
    lin = line([0.5])
    label, still = tensor([-1.0]), torch.zeros(1, dtype=torch.float64)
    for attack in torch.linspace(-0.1, 0.1, 21, dtype=torch.float64):
        assert utility(lin, attack.reshape(1, 1), still).tolist() == [-1.0]
        against_data = utility(lin, attack.reshape(1, 1), still, labels=label)
        assert against_data.tolist() == [1.0]
    many = random_linearization()
    labels = many.signs * torch.where(torch.arange(200) < 14, -1.0, 1.0).double()
    step, v = fgm(many, 0.3), sample_l2_ball(1, 7, 0.3, seed=0)[0]
    by_sign = utility(many, step, v) == -1
    by_label = utility(many, step, v, labels=labels) == -1
    gap = abs(float(by_sign.double().mean() - by_label.double().mean()))
    assert 0 < gap <= float((labels != many.signs).double().mean())


def test_rounding_decides_near_an_edge_and_nowhere_else():
    """Rows whose edge is moved onto v as well as doubles can, and a little off it."""
    generator = torch.Generator().manual_seed(5)
    normals = torch.randn(400, 6, generator=generator, dtype=torch.float64)
    v = sample_l2_ball(1, 6, 1.0, seed=5)[0]
    onto = -(normals * v).sum(dim=1)
    scale = (normals * v).abs().sum(dim=1)
    wrong = {}
    for steps in (0, 64):
        offsets = onto + steps * 2.0**-53 * scale * torch.tensor([1.0, -1.0] * 200)
        sets = RobustSets(normals=normals, offsets=offsets, epsilon=1.0)
        exact = [
            sum(
                (
                    Fraction(c) * Fraction(x)
                    for c, x in zip(row, v.tolist(), strict=True)
                ),
                Fraction(b),
            )
            >= 0
            for row, b in zip(normals.tolist(), offsets.tolist(), strict=True)
        ]
        wrong[steps] = int((sets.contains(v) != torch.tensor(exact)).sum())
    assert wrong[0] > 0 == wrong[64]


def test_regions_double_until_the_dimension_is_reached():
    def regions(n, m):
        return sum(math.comb(n, k) for k in range(m + 1))

    assert all(regions(n, 9) == 2**n for n in range(10))
    assert regions(10, 9) < 2**10
    assert all(regions(n, 2) == (n * n + n + 2) // 2 for n in range(50))
    for n, m in itertools.product(range(2, 40), range(1, 12)):
        assert regions(n, m) <= n**m + 1 <= n ** (2 * m)


# --- Appendix D ------------------------------------------------------------------


def attack(x, projection, steps, direction="current"):
    reading = PGDReading(steps=steps, direction=direction, projection=projection)
    return reading.attack(LinearOnTheLine(), tensor([[x]]), 1.0)


def test_on_a_linear_classifier_pgd_comes_back():
    literal = attack(0.5, "sphere", 10)
    assert literal.num_returned.tolist() == [0, 1] * 5
    assert float(attack(0.5, "ball", 9).perturbations) == pytest.approx(-1.0)
    assert float(attack(0.5, "ball", 10).perturbations) == 0.0
    kept = attack(0.5, "ball", 10, direction="original").perturbations
    assert float(kept) == pytest.approx(-1.0)


# --- Section 5 -------------------------------------------------------------------


def exceedance(values, weights, epsilon):
    """Probability that a discrete variable is more than epsilon from its mean."""
    mean = sum(v * w for v, w in zip(values, weights, strict=True))
    return sum(
        w for v, w in zip(values, weights, strict=True) if abs(v - mean) > epsilon
    )


def test_the_two_sided_inequality_needs_its_factor():
    """Eq. (9) for h = the toss itself, (10) for h = sup |mu_1 - mu|, both c = 1."""
    # A fair coin is always one half from its mean.
    fair = exceedance([0.0, 1.0], [0.5, 0.5], 0.4)
    assert math.exp(-2 * 0.4**2) < fair <= 2 * math.exp(-2 * 0.4**2)
    # Heads a quarter of the time: |mu_1 - mu| is 3/4 then, else 1/4, 3/8 on average.
    skew = exceedance([0.75, 0.25], [0.25, 0.75], 0.1)
    assert math.exp(-2 * 0.1**2) < skew <= 2 * math.exp(-2 * 0.1**2)
    # A fair coin does not refute (10): there h is one half, always.
    assert exceedance([0.5, 0.5], [0.5, 0.5], 0.1) == 0
    # The library has both forms.
    printed = mcdiarmid_tail([1.0], 0.4, two_sided=False)
    assert printed == pytest.approx(math.exp(-2 * 0.4**2))
    assert mcdiarmid_tail([1.0], 0.8) == pytest.approx(2 * math.exp(-2 * 0.8**2))


def test_the_bound_says_nothing_for_two_classes_of_images():
    def bound(n, m=784):
        return 4 * math.sqrt(m * math.log(n) / n)

    # No two classes of either data set have more than 14,000 training images.
    assert min(bound(n) for n in range(3, 14_000)) > 1
    assert smallest_informative_n(784, form="regions") > 14_000
    # The images of 0 and 1 in MNIST's training set.
    below = {step.form: step.value < 1 for step in vc_bound(12_665, 784).steps}
    assert [form for form, is_below in below.items() if is_below] == ["centered"]


def one_set(heads, tails):
    """Robust sets that are all of V, and empty ones: every v covers the same."""
    return RobustSets(
        normals=torch.zeros(heads + tails, 2, dtype=torch.float64),
        offsets=tensor([0.0] * heads + [-math.inf] * tails),
        epsilon=1.0,
    )


def test_a_single_set_has_a_deviation_and_no_bound():
    sets = one_set(1, 3)
    assert trace_count(sets, "robust_sets") == 1
    law = deviation_distribution(sets, 2)
    mean = float(sum(value * weight for value, weight in law.items()))
    assert mean > 0 == expected_deviation_bound(2, math.log(1))
    assert mean <= expected_deviation_bound(2, math.log(1), centered=True)
    assert deviation_distribution(one_set(4, 0), 2) == {0: 1}


def test_rectangles_shatter_some_three_points_and_not_any():
    slope = tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    corner = tensor([[0.0, 1.0], [1.0, 2.0], [2.0, 0.0]])
    assert trace_count(slope, "rectangles") == 7
    assert (
        trace_count(corner, "rectangles") == 8 == shatter_coefficient(3, "rectangles")
    )


def test_a_sum_in_place_of_a_mean_is_no_share():
    sets = random_linearization(n=40, d=2)
    sets = RobustSets.from_linearization(sets, 1.0)
    v = maximize_coverage(sets).perturbation
    assert int(sets.contains(v).sum()) > 1 >= sets.coverage(v)


def test_the_constant_needs_two_samples():
    assert num_regions(1, 2) > 1 ** (2 * 2)
    n, m = 10**9, 5
    *_, polynomial, paper = vc_bound(n, m).steps
    unit = math.sqrt(m * math.log(n) / n)
    assert paper.value / unit == pytest.approx(4.0)
    assert polynomial.value / unit == pytest.approx(2 * math.sqrt(2))
    # The centered form has log 2 more under the root.
    centered = expected_deviation_bound(n, polynomial.log_shatter, centered=True)
    assert centered / unit == pytest.approx(math.sqrt(2), rel=0.01)


def test_a_regret_can_exceed_one_supremum_but_not_on_average():
    lin = random_linearization(n=12, d=2, seed=1)
    sets = RobustSets.from_linearization(lin, 1.0)
    drawn = draw_deviations(sets, 10, num_draws=2000, seed=0)
    assert bool((drawn.regrets > drawn.deviations + 1e-9).any())
    assert bool((drawn.regrets <= 2 * drawn.deviations + 1e-9).all())
    assert drawn.regrets.mean() < drawn.overshoots.mean()


def test_closed_half_planes_cut_out_more_subsets_than_there_are_cells():
    sets = three_half_planes()
    angles = torch.linspace(0.0, 2 * math.pi, 3601, dtype=torch.float64)[:-1] + 1e-4
    circle = 0.5 * torch.stack([angles.cos(), angles.sin()], dim=-1)
    inside = sets.contains(torch.cat([circle, torch.zeros(1, 2).double()]))
    assert len({tuple(row) for row in inside[:-1].tolist()}) == 6
    assert len({tuple(row) for row in inside.tolist()}) == 7
    assert trace_count(sets, "robust_sets") == 7
    apart = RobustSets(normals=sets.normals, offsets=sets.offsets + 0.1, epsilon=1.0)
    assert apart.coverage(tensor([0.0, 0.0])) == 1.0
    assert bool((apart.normals @ tensor([0.0, 0.0]) + apart.offsets > 0).all())


def test_equation_28_has_its_signs_swapped():
    lin = random_linearization()
    sets = RobustSets.from_linearization(lin, epsilon=1.0)
    v = torch.zeros(7, dtype=torch.float64)
    inside = sets.contains(v)
    utility = 1 - 2 * lin.label_survives(fgm(lin, 1.0), v.unsqueeze(0)).double()
    as_printed = inside.double() - (~inside).double()
    assert float(utility.mean()) == pytest.approx(-float(as_printed.mean()))
    assert float(as_printed.mean()) != 0.0


def test_fgm_does_not_change_a_sign_that_the_defense_has_changed():
    """The rotation argument as printed fails; what it is to show holds."""
    lin = line([0.5])
    across = tensor([[-1.0]])  # the defender's own vector
    step = fgm(lin, 1.0)
    before, after = lin.moved_logits(across), lin.moved_logits(across, step)
    assert before.sign() == after.sign() != lin.signs
    assert not lin.label_survives(across, step).any()
