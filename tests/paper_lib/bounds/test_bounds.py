"""The sharper bounds: their pieces against other computations, by hand, and refused."""

import math
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy import stats

from experiments.populations.distributions import GaussianRows
from paper_lib.bounds import (
    binary_kl,
    bounds_at,
    clopper_pearson,
    compress,
    compress_solution,
    compression_bound,
    fit_certified,
    gaussian_coverage,
    held_out_bound,
    kl_lower,
    kl_upper,
    margin_bound,
    optimum_bound,
    pac_bayes_bound,
    rebuild,
    regret_bound,
    signed_distances,
    spread_confidence,
    trace_bound,
    uniform_bound,
)
from paper_lib.defense import maximize_coverage, ramp_ascent
from paper_lib.generalization import num_regions
from paper_lib.geometry import in_l2_ball
from paper_lib.robust_sets import RobustSets


def sample(n=400, d=5, seed=0):
    return GaussianRows(d).draw(n, seed=seed)


def fitted(sets):
    return ramp_ascent(sets).perturbation


# The relative entropy and its inverses.


@pytest.mark.parametrize("q", [0.0, 1e-9, 0.03, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("nats", [0.0, 1e-12, 1e-3, 0.1, 3.0, 50.0])
def test_inverses_of_the_relative_entropy_round_outward(q, nats):
    low, high = kl_lower(q, nats), kl_upper(q, nats)
    assert 0.0 <= low <= q <= high <= 1.0
    for end, step in ((low, 1e-9), (high, -1e-9)):
        assert binary_kl(q, end) >= nats or end in (0.0, 1.0)
        inside = min(max(end + step, 0.0), 1.0)
        if abs(end - q) > 2e-9:
            assert binary_kl(q, inside) <= nats + 1e-14


def exact_kl(q, p):
    """The relative entropy of two floats, to 40 digits."""
    with localcontext() as context:
        context.prec = 40
        total = Decimal(0)
        for a, b in ((q, p), (1 - Fraction(q), 1 - Fraction(p))):
            share, other = (
                Decimal(Fraction(x).numerator) / Decimal(Fraction(x).denominator)
                for x in (a, b)
            )
            if share:
                total += share * (share / other).ln()
        return total


def test_inverses_are_outside_in_exact_arithmetic():
    generator = np.random.default_rng(1)
    shares = generator.uniform(0, 1, 300) ** 3
    for q, nats in zip(shares, 10.0 ** generator.uniform(-8, 0.5, 300), strict=True):
        for end in (kl_lower(float(q), float(nats)), kl_upper(float(q), float(nats))):
            if 0.0 < end < 1.0:
                assert exact_kl(float(q), end) >= Decimal(float(nats))


def test_relative_entropy_agrees_with_scipy_and_pinsker():
    for q, p in np.random.default_rng(0).uniform(0.01, 0.99, (200, 2)).tolist():
        expected = stats.entropy([q, 1 - q], [p, 1 - p])
        assert binary_kl(q, p) == pytest.approx(expected, rel=1e-9, abs=1e-15)
        assert binary_kl(q, p) >= 2 * (p - q) ** 2 - 1e-15
    assert binary_kl(0.3, 0.0) == binary_kl(0.3, 1.0) == math.inf


@pytest.mark.parametrize(("k", "n"), [(0, 9), (1, 9), (5, 9), (9, 9), (950, 1000)])
def test_clopper_pearson_equals_scipy(k, n):
    low, high = (
        clopper_pearson(k, n, confidence=0.975, side=side)
        for side in ("lower", "upper")
    )
    expected = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    # What defines it: at the bound, counts as extreme have probability 1 - confidence.
    if k:
        assert stats.binom.sf(k - 1, n, low) == pytest.approx(0.025, rel=1e-9)


# Signed distances.


def test_signed_distances_by_hand():
    sets = RobustSets(
        normals=torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0], [2.0, 0.0]]),
        offsets=torch.tensor([-5.0, 0.0, -1.0, -torch.inf]),
        epsilon=2.0,
    )
    v = torch.tensor([1.0, 1.0])
    assert signed_distances(sets, v).tolist() == pytest.approx(
        [0.4, math.inf, -math.inf, -math.inf]
    )


def test_bounds_do_not_depend_on_the_scale_of_a_row():
    sets = sample()
    v = fitted(sets)
    factors = torch.rand(len(sets.offsets), dtype=torch.float64) + 0.5
    scaled = RobustSets(
        normals=sets.normals * factors[:, None],
        offsets=sets.offsets * factors,
        epsilon=sets.epsilon,
    )
    first, second = (bounds_at(one, v) for one in (sets, scaled))
    for name, bound in first.items():
        assert second[name].value == pytest.approx(bound.value, abs=1e-9), name


# Each bound, computed by hand.


def test_uniform_and_trace_bounds_by_hand():
    sets = sample(n=2000, d=2)
    v = fitted(sets)
    share, tail = sets.coverage(v), math.sqrt(math.log(20) / 4000)
    bound = uniform_bound(sets, v, mean_deviation=0.125)
    assert bound.value == pytest.approx(share - 0.125 - tail)
    counted = trace_bound(sets, v, num_traces=1000)
    expected = math.sqrt(2 * math.log(1000) / 2000)
    tails = 3 * math.sqrt(math.log(40) / 4000)
    assert counted.value == pytest.approx(share - expected - tails)
    assert counted.observed == share
    # In the plane, with the exact count of regions.
    regions = math.sqrt(2 * math.log(num_regions(2000, 2)) / 2000)
    assert bounds_at(sets, v)["regions"].value == pytest.approx(share - regions - tail)
    paper = 4 * math.sqrt(2 * math.log(2000) / 2000)
    assert bounds_at(sets, v)["Eq. (20)"].value == pytest.approx(share - paper - tail)


def test_margin_bound_by_hand():
    # Far rows: the ramp is one, and all that is paid is complexity and tail.
    n, width = 10_000, 0.5
    normals = torch.zeros(n, 3, dtype=torch.float64)
    normals[:, 0] = 2.0
    sets = RobustSets(
        normals=normals,
        offsets=torch.full((n,), 3.2, dtype=torch.float64),
        epsilon=1.0,
    )
    v = torch.zeros(3, dtype=torch.float64)
    bound = margin_bound(sets, v, ramp_width=width)
    # Distances are 1.6 at the center, so that the ramp is 1 throughout V: no row
    # varies. Of the two forms the one without complexity is better.
    assert bound.terms["complexity"] == 0.0
    assert bound.value == pytest.approx(1 - 3 * math.sqrt(math.log(80) / (2 * n)))
    near = replace(sets, offsets=sets.offsets - 2.2)
    halfway = margin_bound(near, v, ramp_width=1.0)
    price = 2 / math.sqrt(n) + math.sqrt(math.log(40) / (2 * n))
    assert halfway.value == pytest.approx(0.5 - price, abs=1e-6)
    assert halfway.terms["ramp mean"] == pytest.approx(0.5)


def test_margin_bound_takes_a_good_width_and_gains_from_a_center():
    sets = sample(n=5000, d=50)
    v = fitted(sets)
    best = margin_bound(sets, v)
    fixed = [margin_bound(sets, v, ramp_width=w).value for w in (0.01, 0.1, 1.0, 2.0)]
    assert best.value > max(fixed) - 0.01
    assert fixed[0] == 0.0
    assert margin_bound(sets, v, center=v).value > best.value + 0.05
    away = -v / v.norm() * sets.epsilon * (1 - 1e-9)
    assert margin_bound(sets, v, center=away).value < best.value


@pytest.mark.parametrize(("centered", "settings"), [(False, 12), (True, 12 * 13)])
def test_all_that_is_chosen_after_looking_is_paid_for(centered, settings):
    sets = sample(n=5000, d=50)
    v = fitted(sets)
    center = 0.9 * v if centered else None
    bound = margin_bound(sets, v, center=center)
    terms, n = bound.terms, 5000
    # Two forms, each with all widths and radii, share the chance of failure.
    nats = math.log(2 * settings / 0.05)
    assert terms["tail"] == pytest.approx(math.sqrt(nats / (2 * n)))
    assert terms["complexity"] == pytest.approx(
        2 * terms["radius"] / (terms["ramp width"] * math.sqrt(n))
    )
    ramp = (signed_distances(sets, v) / terms["ramp width"]).clamp(0, 1).mean()
    assert bound.value == pytest.approx(
        float(ramp) - terms["complexity"] - terms["tail"]
    )
    assert terms["radius"] >= terms["distance from center"]


@pytest.mark.parametrize(
    ("level", "varies"),
    [(-1.01, False), (-0.99, True), (0.5, True), (1.49, True), (1.51, False)],
)
def test_rows_that_are_constant_throughout_the_class_drop_out(level, varies):
    # Distances at the center; the class reaches 1 from there, the ramp is 0.5 wide.
    n, few = 100_000, 1000
    normals = torch.zeros(n, 2, dtype=torch.float64)
    normals[:, 0] = 1.0
    offsets = torch.full((n,), 5.0, dtype=torch.float64)
    offsets[:few] = level
    sets = RobustSets(normals=normals, offsets=offsets, epsilon=1.0)
    v = torch.zeros(2, dtype=torch.float64)
    terms = margin_bound(sets, v, ramp_width=0.5).terms
    expected = 2 * math.sqrt(few) / (0.5 * n) if varies else 0.0
    assert terms["complexity"] == pytest.approx(expected, rel=1e-5)
    nats = math.log(2 * 1 / 0.05) + math.log(2)
    assert terms["tail"] == pytest.approx(3 * math.sqrt(nats / (2 * n)))


def test_pac_bayes_pays_for_the_way_from_its_center():
    sets = sample(n=3000, d=10)
    v = fitted(sets)
    center = 0.8 * v.roll(1)
    bound = pac_bayes_bound(sets, v, center=center)
    terms, away = bound.terms, float((v - center).norm())
    assert terms["distance from center"] == pytest.approx(away)
    assert terms["relative entropy"] == pytest.approx(
        away**2 / (2 * terms["noise"] ** 2)
    )
    nats = terms["relative entropy"] + math.log(72 * 2 * math.sqrt(3000) / 0.05)
    factor = stats.norm.cdf(terms["margin"] / terms["noise"])
    lost = kl_upper(1 - terms["kept with noise"], nats / 3000)
    assert bound.value == pytest.approx(1 - lost / factor)


def test_points_that_rebuild_are_not_counted():
    # The two that rebuild v keep it, and none of the others does.
    normals = torch.tensor([[1.0, 0.0]] * 2 + [[-1.0, 0.0]] * 38, dtype=torch.float64)
    sets = RobustSets(
        normals=normals, offsets=torch.full((40,), -0.5).double(), epsilon=1.0
    )
    defense = rebuild(sets, (0, 1), "sum of normals")
    assert defense.coverage == 2 / 40
    bound = compression_bound(sets, defense)
    assert bound.terms["kept of the others"] == 0.0
    assert bound.value == 0.0


def test_rows_without_a_normal_and_a_single_point():
    flat = RobustSets(
        normals=torch.zeros(3, 2), offsets=torch.tensor([0.0, 1.0, 2.0]), epsilon=1.0
    )
    v = rebuild(flat, (0, 2), "least norm").perturbation
    assert v.tolist() == [0.0, 0.0]
    assert compress_solution(flat, v) is None
    nobody = replace(flat, offsets=torch.full((3,), -torch.inf))
    assert compress_solution(nobody, v) is None
    one = sample(n=1, d=3)
    bounds = bounds_at(one, torch.zeros(3, dtype=torch.float64), confidence=0.5)
    assert bounds["Eq. (20)"].is_vacuous  # the formula gives 0 for the deviation


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30])
def test_units_do_not_matter(scale):
    sets = sample(n=300, d=4)
    v = fitted(sets)
    other = replace(sets, offsets=sets.offsets * scale, epsilon=sets.epsilon * scale)
    for name, bound in bounds_at(sets, v).items():
        moved = bounds_at(other, v * scale)[name]
        assert moved.value == pytest.approx(bound.value, abs=1e-9), name
    first, second = (
        fit_certified(one, start, num_steps=5)
        for one, start in ((sets, v), (other, v * scale))
    )
    assert (second / scale).tolist() == pytest.approx(first.tolist(), abs=1e-5)


def test_gaussian_coverage_is_the_mean_over_draws():
    sets = sample(n=50, d=4)
    v = fitted(sets)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(20_000, 4, generator=generator, dtype=torch.float64)
    moved = (v + 0.3 * noise) @ sets.normals.T + sets.offsets
    for margin in (0.0, 0.2):
        asked = margin * sets.normals.norm(dim=1)
        drawn = float((moved >= asked).double().mean())
        exact = gaussian_coverage(sets, v, noise=0.3, margin=margin)
        # 50 dependent rows of 20,000 draws: a standard error below 0.0036.
        assert exact == pytest.approx(drawn, abs=0.01)


def test_pac_bayes_bound_by_hand():
    sets = sample(n=3000, d=10)
    v = fitted(sets)
    noisy = pac_bayes_bound(sets, v, deterministic=False)
    noise = noisy.terms["noise"]
    lost = 1 - gaussian_coverage(sets, v, noise=noise)
    entropy = float(v @ v) / (2 * noise**2)
    nats = (entropy + math.log(12 * 2 * math.sqrt(3000) / 0.05)) / 3000
    assert binary_kl(lost, 1 - noisy.value) == pytest.approx(nats, rel=1e-6)
    alone = pac_bayes_bound(sets, v)
    noise, margin = alone.terms["noise"], alone.terms["margin"]
    lost = 1 - gaussian_coverage(sets, v, noise=noise, margin=margin)
    entropy = float(v @ v) / (2 * noise**2)
    nats = (entropy + math.log(72 * 2 * math.sqrt(3000) / 0.05)) / 3000
    factor = stats.norm.cdf(margin / noise)
    assert (1 - alone.value) * factor == pytest.approx(kl_upper(lost, nats), rel=1e-9)
    assert margin > 0.0  # better than the factor of two
    assert alone.value < noisy.value


def test_what_v_loses_the_noise_loses_too():
    # The step from the noisy defense to v: 1[h < 0] Phi(m / s) <= Pr[h + s z < m].
    distances = torch.linspace(-3, 3, 601, dtype=torch.float64)
    for noise in (0.1, 1.0):
        for margin in (0.0, 0.5, 2.0):
            below = torch.special.ndtr((margin - distances) / noise)
            factor = stats.norm.cdf(margin / noise)
            assert bool(((distances < 0) * factor <= below + 1e-15).all())
            # Control: a larger factor would not do.
            assert not bool(((distances <= 0) * factor * 1.01 <= below).all())


def test_a_fit_for_the_bound_is_no_worse_than_its_start_and_stays_in_v():
    sets = sample(n=1000, d=20)
    start = fitted(sets)
    v = fit_certified(sets, start, num_steps=30)
    assert bool(in_l2_ball(v, sets.epsilon))
    gained = pac_bayes_bound(sets, v).value - pac_bayes_bound(sets, start).value
    assert gained > 0.005


# Compression.


def test_what_is_rebuilt_depends_on_its_points_alone():
    sets, other = sample(n=60, d=6), sample(n=60, d=6, seed=1)
    points = (3, 17, 17, 40)
    mixed = RobustSets(
        normals=other.normals.clone(), offsets=other.offsets.clone(), epsilon=1.0
    )
    for place in set(points):
        mixed.normals[place] = sets.normals[place]
        mixed.offsets[place] = sets.offsets[place]
    for rule in ("sum of normals", "least norm"):
        first, second = (rebuild(one, points, rule) for one in (sets, mixed))
        assert torch.equal(first.perturbation, second.perturbation)
        assert bool(in_l2_ball(first.perturbation, 1.0))
        assert first.points == rebuild(sets, points[::-1], rule).points
    assert rebuild(sets, points, "least norm").points == (3, 17, 40)


def test_the_sum_of_normals_by_hand():
    sets = RobustSets(
        normals=torch.tensor([[5.0, 0.0], [0.0, 0.1], [1.0, 1.0]]),
        offsets=torch.tensor([-1.0, -0.01, 0.0]),
        epsilon=2.0,
    )
    v = rebuild(sets, (0, 1), "sum of normals").perturbation
    assert v.tolist() == pytest.approx([math.sqrt(2)] * 2, rel=1e-5)
    v = rebuild(sets, (0, 1), "least norm").perturbation
    assert v.tolist() == pytest.approx([0.2, 0.1], abs=1e-4)
    assert bool(sets.contains(v).all())


@pytest.mark.parametrize(
    ("rule", "count"),
    [("sum of normals", math.comb(400 + 2, 3)), ("least norm", math.comb(400, 3))],
)
def test_compression_bound_by_hand(rule, count):
    sets = sample()
    defense = rebuild(sets, (5, 80, 300), rule)
    bound = compression_bound(sets, defense, confidence=0.9)
    others = [row for row in range(400) if row not in defense.points]
    kept = int(sets.contains(defense.perturbation)[others].sum())
    nats = math.log(count * 2 * 3 * 4 / 0.1) / 397
    assert 1 - bound.value == pytest.approx(kl_upper(1 - kept / 397, nats), abs=1e-9)
    assert bound.terms["log choices"] == pytest.approx(math.log(count))


def test_the_chances_of_failure_add_up():
    # Two rules, each number of points k with share 1 / k(k + 1).
    shares = [2 * 1 / (2 * k * (k + 1)) for k in range(1, 100_000)]
    assert 0.9999 < sum(shares) <= 1.0


def test_a_polished_solution_is_held_by_few_points():
    sets = sample(n=600, d=8)
    solution = maximize_coverage(sets, method="search")
    held = compress_solution(sets, solution.perturbation)
    assert held is not None
    assert 0 < len(held.points) <= 8
    before = sets.contains(solution.perturbation)
    after = sets.contains(held.perturbation)
    # Those a share of 2e-5 of the budget inside are kept.
    inside = signed_distances(sets, solution.perturbation) > 1e-4
    assert bool(after[before & inside].all())
    assert float(held.perturbation.norm()) <= float(solution.perturbation.norm()) + 1e-6


def test_compression_picks_by_the_bound_and_uses_its_seed():
    sets = sample(n=900, d=6)
    chosen = compress(sets, max_points=6)
    value = compression_bound(sets, chosen).value
    single = compress(sets, max_points=1)
    assert value >= compression_bound(sets, single).value
    assert chosen.coverage > 0.7
    few = [compress(sets, num_candidates=5, seed=seed).points for seed in (1, 1, 2)]
    assert few[0] == few[1] != few[2]


# Regret, and sharing a chance of failure.


def test_the_optimum_is_bounded_by_the_certificate():
    sets = sample(n=150, d=2)
    solution = maximize_coverage(sets, method="plane")
    bound = optimum_bound(solution.certificate, confidence=0.975)
    count = solution.certificate.upper_count
    assert bound.value == clopper_pearson(count, 150, confidence=0.975, side="upper")
    fit = pac_bayes_bound(sets, solution.perturbation, confidence=0.975)
    regret = regret_bound(bound, fit)
    assert regret.value == pytest.approx(bound.value - fit.value)
    assert regret.confidence == pytest.approx(0.95)
    parts = sum(regret.terms.values())
    assert parts == pytest.approx(bound.value - fit.value)


def test_a_shared_chance_of_failure():
    assert 1 - spread_confidence(0.95, 1000) == pytest.approx(0.00005)
    assert spread_confidence(0.9, 1) == pytest.approx(0.9)


def test_every_bound_says_for_which_v_it_holds():
    sets = sample()
    v = fitted(sets)
    kinds = {name: one.holds_for for name, one in bounds_at(sets, v, center=v).items()}
    assert kinds["ramp"] == kinds["PAC-Bayes, center"] == "every v at once"
    assert kinds["noisy PAC-Bayes"] == "a Gaussian around v"
    assert held_out_bound(sets, v).holds_for == "one v fixed in advance"
    assert "the center does not depend on them" in (
        bounds_at(sets, v, center=v)["ramp, center"].assumptions
    )
    assert set(bounds_at(sets, v)) == {k for k in kinds if not k.endswith(", center")}


def test_a_bound_that_says_nothing_is_called_vacuous():
    sets = sample(n=20, d=50)
    v = fitted(sets)
    assert bounds_at(sets, v)["Eq. (20)"].is_vacuous
    assert not held_out_bound(sets, v).is_vacuous
    assert held_out_bound(sets, v).price > 0


def test_a_budget_of_zero_leaves_nothing_to_bound_but_the_sample():
    sets = replace(sample(), epsilon=0.0)
    v = torch.zeros(5, dtype=torch.float64)
    assert margin_bound(sets, v).value == pac_bayes_bound(sets, v).value == 0.0
    assert torch.equal(fit_certified(sets, v), v)


# Bad input.


@pytest.mark.bad_input
@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.1, float("nan"), 2])
def test_a_confidence_outside_its_range(confidence):
    sets, match = sample(), r"^confidence must be strictly between 0 and 1, got"
    v = fitted(sets)
    few = rebuild(sets, (1,), "sum of normals")
    certificate = maximize_coverage(sample(n=5, d=2)).certificate
    calls = [
        lambda: clopper_pearson(1, 2, confidence=confidence),
        lambda: held_out_bound(sets, v, confidence=confidence),
        lambda: uniform_bound(sets, v, mean_deviation=0.1, confidence=confidence),
        lambda: trace_bound(sets, v, num_traces=3, confidence=confidence),
        lambda: margin_bound(sets, v, confidence=confidence),
        lambda: pac_bayes_bound(sets, v, confidence=confidence),
        lambda: fit_certified(sets, v, confidence=confidence),
        lambda: compress(sets, confidence=confidence),
        lambda: compression_bound(sets, few, confidence=confidence),
        lambda: optimum_bound(certificate, confidence=confidence),
        lambda: spread_confidence(confidence, 2),
        lambda: bounds_at(sets, v, confidence=confidence),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=match):
            call()


@pytest.mark.bad_input
@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ramp_width_that_is_no_length(width):
    sets = sample()
    with pytest.raises(ValueError, match=r"^ramp_width must be a length above 0"):
        margin_bound(sets, fitted(sets), ramp_width=width)


@pytest.mark.bad_input
def test_many_perturbations_where_one_is_wanted():
    sets = sample()
    many = fitted(sets).expand(2, 5)
    for call in (margin_bound, pac_bayes_bound, held_out_bound, fit_certified):
        with pytest.raises(ValueError, match=r"must be one perturbation, \(5,\), got"):
            call(sets, many)
    with pytest.raises(ValueError, match=r"^center must be one perturbation"):
        pac_bayes_bound(sets, many[0], center=many[:1])
    with pytest.raises(ValueError, match=r"^v must be one perturbation"):
        uniform_bound(sets, many, mean_deviation=0.1)
    with pytest.raises(ValueError, match=r"^v must be one perturbation"):
        compress_solution(sets, many)


@pytest.mark.bad_input
def test_perturbations_the_defender_may_not_play():
    sets = sample()
    far, short = fitted(sets) * 3, torch.zeros(4, dtype=torch.float64)
    for call in (margin_bound, pac_bayes_bound, fit_certified):
        with pytest.raises(ValueError, match=r"must lie in the ball of radius 1\.0"):
            call(sets, far)
        with pytest.raises(ValueError, match=r"must have shape \(5,\)"):
            call(sets, short)
    with pytest.raises(ValueError, match=r"^center must lie in the ball"):
        margin_bound(sets, fitted(sets), center=far)
    with pytest.raises(ValueError, match=r"^center must have shape"):
        pac_bayes_bound(sets, fitted(sets), center=short)


@pytest.mark.bad_input
def test_numbers_outside_their_range():
    sets = sample()
    v = fitted(sets)
    calls = [
        (lambda: kl_upper(1.5, 0.1), r"^q must be in \[0, 1\], got 1\.5\."),
        (lambda: kl_lower(float("nan"), 0.1), r"^q must be in \[0, 1\], got nan\."),
        (lambda: kl_upper(0.5, -1.0), r"^nats must be at least 0, got -1\.0\."),
        (lambda: binary_kl(0.5, 2.0), r"^p must be in \[0, 1\], got 2\.0\."),
        (lambda: clopper_pearson(0, 0, confidence=0.9), r"^trials must be at least 1"),
        (lambda: clopper_pearson(3, 2, confidence=0.9), r"^successes must be at most"),
        (
            lambda: clopper_pearson(1, 2, confidence=0.9, side="left"),
            r'^side must be "lower" or "upper", got \'left\'\.',
        ),
        (
            lambda: uniform_bound(sets, v, mean_deviation=float("nan")),
            r"^mean_deviation must be at least 0, got nan\.",
        ),
        (lambda: trace_bound(sets, v, num_traces=0), r"^num_traces must be at least 1"),
        (
            lambda: gaussian_coverage(sets, v, noise=0.0),
            r"^noise must be above 0 and finite, got 0\.0\.",
        ),
        (
            lambda: gaussian_coverage(sets, v, noise=1.0, margin=-1.0),
            r"^margin must be at least 0 and finite, got -1\.0\.",
        ),
        (lambda: spread_confidence(0.9, 0), r"^num must be at least 1, got 0\."),
        (
            lambda: spread_confidence(1 - 1e-14, 1000),
            r"^confidence must leave 1000 bounds a chance to fail",
        ),
        (
            lambda: fit_certified(sets, v, num_steps=-1),
            r"^num_steps must be at least 0, got -1\.",
        ),
        (
            lambda: RobustSets(
                normals=torch.zeros(0, 2), offsets=torch.zeros(0), epsilon=1.0
            ),
            r"^normals must be \(n, d\) .* with n and d at least 1",
        ),
        (lambda: compress(sets, max_points=0), r"^max_points must be at least 1"),
        (lambda: compress(sample(n=1)), r"^sets must have at least 2 points"),
        (lambda: rebuild(sets, (), "least norm"), r"^points must be at least one of 0"),
        (lambda: rebuild(sets, (400,), "least norm"), r"^points must be .* 0 to 399"),
        (lambda: rebuild(sets, (0,), "other"), r"^rule must be one of"),
    ]
    for call, match in calls:
        with pytest.raises(ValueError, match=match):
            call()


@pytest.mark.bad_input
def test_a_defense_its_points_do_not_rebuild():
    sets = sample()
    defense = rebuild(sets, (1, 2), "sum of normals")
    with pytest.raises(ValueError, match=r"^defense must be what its points rebuild"):
        compression_bound(sets, replace(defense, points=(1, 3)))
    opposed = RobustSets(
        normals=torch.tensor([[1.0], [-1.0]]),
        offsets=torch.tensor([-0.5, -0.5]),
        epsilon=1.0,
    )
    with pytest.raises(
        ValueError, match=r"^points must have robust sets with a common"
    ):
        rebuild(opposed, (0, 1), "least norm")
    both = rebuild(opposed, (0, 1, 1), "sum of normals")
    with pytest.raises(ValueError, match=r"^defense must leave points of the sample"):
        compression_bound(opposed, both)


@pytest.mark.bad_input
def test_a_regret_of_the_wrong_sides():
    sets = sample()
    bound = held_out_bound(sets, fitted(sets))
    with pytest.raises(ValueError, match=r"^optimum must be an upper and fitted a"):
        regret_bound(bound, bound)
