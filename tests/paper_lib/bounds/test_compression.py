"""Sample compression: what points rebuild, and the bound by hand."""

import math
from dataclasses import replace

import pytest
import torch

from paper_lib.bounds import compress, compression_bound
from paper_lib.bounds.compression import compress_solution, rebuild
from paper_lib.bounds.distances import signed_distances
from paper_lib.bounds.kl import kl_upper
from paper_lib.defense import maximize_coverage
from paper_lib.geometry import in_l2_ball
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.bounds.bound_cases import sample


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
    sets = sample(n=200, d=6)
    solution = maximize_coverage(sets, method="search")
    held = compress_solution(sets, solution.perturbation)
    assert held is not None
    assert 0 < len(held.points) <= 6
    before = sets.contains(solution.perturbation)
    after = sets.contains(held.perturbation)
    # Those a share of 2e-5 of the budget inside are kept.
    inside = signed_distances(sets, solution.perturbation) > 1e-4
    assert bool(after[before & inside].all())
    assert float(held.perturbation.norm()) <= float(solution.perturbation.norm()) + 1e-6


def test_compression_picks_by_the_bound_and_uses_its_seed():
    sets = sample()
    chosen = compress(sets, max_points=4)
    value = compression_bound(sets, chosen).value
    single = compress(sets, max_points=1)
    assert value >= compression_bound(sets, single).value
    assert chosen.coverage > 0.7
    few = [compress(sets, num_candidates=5, seed=seed).points for seed in (1, 1, 2)]
    assert few[0] == few[1] != few[2]


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


def test_points_that_hold_a_solution_are_the_same_at_any_budget():
    sets = sample(n=100, d=4)
    v = maximize_coverage(sets, method="search").perturbation
    other = replace(sets, offsets=sets.offsets * 10, epsilon=sets.epsilon * 10)
    points = compress_solution(sets, v).points
    assert compress_solution(other, v * 10).points == points
