"""The paper's ascent on cases small enough to follow by hand."""

import itertools

import pytest
import torch

from paper_lib.defense import RampConfig, ramp_ascent, ramp_value
from paper_lib.robust_sets import RobustSets
from tests.oracles import fits_exactly, random_tensor
from tests.paper_lib.defense.defense_cases import F32, F64, make_sets


def random_sets(n=40, dim=4, seed=0, epsilon=1.0, shift=-0.3):
    return RobustSets(
        normals=random_tensor(n, dim, seed=seed),
        offsets=random_tensor(n, seed=seed + 1) + shift,
        epsilon=epsilon,
    )


def steps_of(count, length):
    return RampConfig(num_steps=count, first_step=length, last_step=length)


def test_one_half_plane_by_hand():
    """``3 x + 4 y - 2.4``, on its slope at 0.6: one step of 0.1 passes the top."""
    start = torch.tensor([0.36, 0.48], dtype=F64)
    found = ramp_ascent(
        make_sets([[3.0, 4.0]], [-2.4]), config=steps_of(5, 0.1), start=start
    )
    assert found.ramp_values.tolist() == pytest.approx([0.6, 1.0], rel=1e-9)
    assert found.perturbation.tolist() == pytest.approx([0.42, 0.56], rel=1e-9)
    assert (found.coverage, found.ramp_value, found.in_dead_zone) == (1.0, 1.0, True)


def test_two_half_planes_by_hand():
    """One step of 0.5 along the diagonal; a second one leaves and is projected."""
    sets = make_sets([[1.0, 0.0], [0.0, 1.0]], [0.25, -0.5])
    one = ramp_ascent(
        sets, config=steps_of(1, 0.5), start=torch.tensor([0.3, 0.6], dtype=F64)
    )
    side = 0.5 / 2**0.5
    expected = torch.tensor([0.3 + side, 0.6 + side], dtype=F64)
    expected = expected / expected.norm()
    assert one.ramp_values[0].item() == pytest.approx((0.55 + 0.1) / 2)
    assert torch.allclose(one.perturbation, expected, rtol=1e-11)
    assert one.ramp_value == pytest.approx(
        (0.25 + expected[0].item() + expected[1].item() - 0.5) / 2
    )


def reference_ascent(normals, offsets, epsilon, steps, first, last):
    """The same method in plain Python, from zero, keeping the best iterate."""
    v, values, best = [0.0] * len(normals[0]), [], (-1.0, None)
    for step in range(steps + 1):
        acts = [
            sum(c * x for c, x in zip(row, v, strict=True)) + b
            for row, b in zip(normals, offsets, strict=True)
        ]
        values.append(sum(min(max(0.0, a), 1.0) for a in acts) / len(acts))
        best = max(best, (values[-1], tuple(v)), key=lambda pair: pair[0])
        slope = [
            sum(row[j] for row, a in zip(normals, acts, strict=True) if 0.0 < a < 1.0)
            for j in range(len(v))
        ]
        length = sum(g * g for g in slope) ** 0.5
        if step == steps or length == 0.0:
            break
        stride = epsilon * (first + (last - first) * step / (steps - 1))
        v = [x + stride * g / length for x, g in zip(v, slope, strict=True)]
        norm = sum(x * x for x in v) ** 0.5
        v = [x * min(1.0, epsilon / norm) for x in v]
    return best[1], values


@pytest.mark.parametrize("seed", range(3))
def test_the_course_agrees_with_a_second_program(seed):
    sets = random_sets(seed=seed, epsilon=0.8)
    v, values = reference_ascent(
        sets.normals.tolist(), sets.offsets.tolist(), 0.8, 30, 0.3, 0.01
    )
    config = RampConfig(num_steps=30, first_step=0.3, last_step=0.01)
    found = ramp_ascent(sets, config=config)
    assert found.ramp_values.tolist() == pytest.approx(values, abs=1e-8)
    assert found.perturbation.tolist() == pytest.approx(list(v), abs=1e-7)
    assert len(values) == 31


def test_the_defaults_are_those_the_book_states():
    config = RampConfig()
    assert (config.num_steps, config.first_step, config.last_step) == (300, 0.1, 0.002)
    assert config.rows == "raw"


def test_the_best_iterate_is_returned_not_the_last():
    """A step too long overshoots: the start was better."""
    sets = make_sets([[1.0], [-1.0], [-1.0]], [0.1, 0.05, 0.05], epsilon=1.0)
    found = ramp_ascent(sets, config=steps_of(3, 1.0))
    assert found.ramp_values.max() == found.ramp_value
    assert found.ramp_value > found.ramp_values[-1] + 0.01 or found.in_dead_zone
    again = ramp_ascent(sets, config=steps_of(3, 1.0), start=found.perturbation)
    assert again.ramp_values[0].item() == found.ramp_value


def test_in_the_dead_zone_the_method_stops_where_it_started():
    """No row is on its slope at v = 0, though one v satisfies all: the paper's flaw."""
    sets = make_sets([[1.0, 0.0], [1.0, 0.2]], [-0.5, -0.5])
    found = ramp_ascent(sets)
    assert found.in_dead_zone
    assert found.perturbation.tolist() == [0.0, 0.0]
    assert found.ramp_values.tolist() == [0.0]
    assert found.coverage == 0.0
    assert sets.coverage(torch.tensor([0.9, 0.1], dtype=F64)) == 1.0


def test_a_better_start_leaves_the_dead_zone():
    sets = make_sets([[1.0, 0.0], [1.0, 0.2]], [-0.5, -0.5])
    start = torch.tensor([0.7, 0.0], dtype=F64)
    found = ramp_ascent(sets, start=start)
    assert found.coverage == 1.0
    assert found.ramp_value > 0.49
    assert start.tolist() == [0.7, 0.0]


def test_rows_exactly_at_a_kink_have_no_slope():
    """Closed at 0, where the indicator already counts; and flat from 1 on."""
    found = ramp_ascent(make_sets([[1.0], [1.0]], [0.0, 1.0]))
    assert found.in_dead_zone
    assert found.coverage == 1.0
    assert found.ramp_value == 0.5


def test_a_dead_zone_met_on_the_way_is_reported():
    found = ramp_ascent(make_sets([[1.0, 0.0]], [0.5]))
    assert found.in_dead_zone
    assert found.ramp_value == 1.0
    assert 1 < len(found.ramp_values) < 301


def test_an_ascent_that_never_stops_says_so():
    found = ramp_ascent(make_sets([[0.1, 0.0]], [0.5]), config=steps_of(7, 0.1))
    assert not found.in_dead_zone
    assert len(found.ramp_values) == 8
    assert found.perturbation.tolist() == pytest.approx([0.7, 0.0])


def test_rows_that_hold_everywhere_or_nowhere_stop_it_at_once():
    everywhere = ramp_ascent(make_sets([[1.0, 0.0]] * 2, [2.0, 3.0]))
    nowhere = ramp_ascent(make_sets([[0.0, 0.0]] * 2, [-torch.inf, -torch.inf]))
    assert (everywhere.coverage, everywhere.ramp_value) == (1.0, 1.0)
    assert (nowhere.coverage, nowhere.ramp_value) == (0.0, 0.0)
    for found in (everywhere, nowhere):
        assert found.in_dead_zone
        assert found.perturbation.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("rows", ["raw", "unit"])
def test_empty_sets_count_in_the_share_and_pull_nowhere(rows):
    sets = make_sets([[0.5, 0.0], [0.0, 0.0]], [0.1, -torch.inf])
    config = RampConfig(num_steps=20, rows=rows)
    found = ramp_ascent(sets, config=config)
    assert found.coverage == 0.5
    assert 0.0 < found.ramp_value <= 0.5
    assert found.perturbation[0] > 0.3


def test_a_budget_of_zero_leaves_zero():
    found = ramp_ascent(random_sets(epsilon=0.0), config=steps_of(4, 0.1))
    assert found.perturbation.tolist() == [0.0] * 4
    assert found.coverage == random_sets(epsilon=0.0).coverage(
        torch.zeros(4, dtype=F64)
    )


def test_on_easy_sets_the_ascent_finds_what_a_grid_finds():
    """Slopes wide enough to reach from 0: the optimum of the plane is 1."""
    sets = make_sets([[0.3, 0.1], [0.2, -0.2], [0.25, 0.0]], [-0.01, 0.05, 0.02])
    axis = torch.linspace(-1.0, 1.0, 41, dtype=F64).tolist()
    grid = torch.tensor(list(itertools.product(axis, axis)), dtype=F64)
    assert float(sets.coverage(grid).max()) == 1.0
    assert sets.coverage(torch.zeros(2, dtype=F64)) < 1.0
    assert ramp_ascent(sets).coverage == 1.0


# Three rows of slope -1 that hold up to v = 0.05, one of slope 10: at v = 0 all hold.
TEMPTING = ([[10.0], [-1.0], [-1.0], [-1.0]], [1.0, 0.05, 0.05, 0.05])


def scaled_sets(factor):
    normals, offsets = TEMPTING
    return make_sets(
        [[factor * c for c in row] for row in normals], [factor * b for b in offsets]
    )


def test_on_raw_rows_the_defense_depends_on_the_scale_of_the_logit():
    """Negative control: coverage itself does not."""
    small, large = (ramp_ascent(scaled_sets(factor)) for factor in (0.01, 100.0))
    assert (small.coverage, large.coverage) == (0.25, 1.0)
    for v in torch.linspace(-1.0, 1.0, 21, dtype=F64).unsqueeze(1):
        assert scaled_sets(0.01).coverage(v) == scaled_sets(100.0).coverage(v)


def test_on_unit_rows_it_does_not():
    config = RampConfig(rows="unit", num_steps=50)
    one, *others = (
        ramp_ascent(
            RobustSets(
                normals=factor * sets.normals,
                offsets=factor * sets.offsets,
                epsilon=1.0,
            ),
            config=config,
        )
        for sets in [random_sets(seed=8)]
        for factor in (1.0, 0.25, 2.0**60)
    )
    for other in others:
        assert torch.equal(one.perturbation, other.perturbation)
        assert one.ramp_value == other.ramp_value


def test_unit_rows_are_divided_by_their_length():
    sets = make_sets([[3.0, 4.0], [0.0, 0.0]], [2.5, 0.75])
    config = RampConfig(num_steps=1, first_step=0.25, last_step=0.25, rows="unit")
    found = ramp_ascent(sets, config=config)
    # Row one: 0.5 at v = 0, 0.75 after a step of 0.25; row two has no length to divide.
    assert found.ramp_values.tolist() == pytest.approx([0.625, 0.75])


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("seed", range(2))
def test_the_result_is_feasible_counted_and_no_better_than_its_count(seed, dtype):
    sets = random_sets(seed=seed, epsilon=3.3)
    sets = RobustSets(
        normals=sets.normals.to(dtype), offsets=sets.offsets.to(dtype), epsilon=3.3
    )
    found = ramp_ascent(sets)
    assert found.perturbation.dtype == dtype
    assert fits_exactly(found.perturbation, 3.3)
    assert found.coverage == sets.coverage(found.perturbation)
    assert found.ramp_value <= found.coverage + 1e-6
    assert found.ramp_value == found.ramp_values.max()
    assert found.ramp_value > found.ramp_values[0]
    assert found.certificate.lower <= found.coverage
    assert found.certificate.upper == 1.0
    assert found.certificate.verify(sets)


def test_a_start_within_the_slack_of_the_ball_is_still_returned_inside():
    sets = make_sets([[0.0, 0.0]], [2.0], dtype=F32)
    start = torch.tensor([1.0000005, 0.0])
    assert fits_exactly(ramp_ascent(sets, start=start).perturbation, 1.0)


def test_two_runs_are_equal_and_the_sets_untouched():
    sets = random_sets(seed=9)
    before = sets.normals.clone(), sets.offsets.clone()
    one, two = ramp_ascent(sets), ramp_ascent(sets)
    assert torch.equal(one.perturbation, two.perturbation)
    assert torch.equal(one.ramp_values, two.ramp_values)
    assert torch.equal(sets.normals, before[0])
    assert torch.equal(sets.offsets, before[1])


def test_the_ramp_by_hand():
    """Rows below, on and above their slope; the unit row rises at a fifth the rate."""
    sets = make_sets([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0]], [-4.0, -2.0, 0.0])
    v = torch.tensor([0.36, 0.48], dtype=F64)  # 3 x + 4 y = 3
    assert ramp_value(sets, v) == pytest.approx(2 / 3)
    assert ramp_value(sets, v / 1.25) == pytest.approx((0.4 + 1.0) / 3)
    assert ramp_value(sets, v / 1.25, rows="unit") == pytest.approx((0.08 + 0.48) / 3)


@pytest.mark.parametrize("rows", ["raw", "unit"])
def test_the_ramp_of_a_solution_is_the_one_it_reports(rows):
    sets = random_sets()
    found = ramp_ascent(sets, config=RampConfig(num_steps=20, rows=rows))
    assert ramp_value(sets, found.perturbation, rows=rows) == found.ramp_value
    assert found.ramp_value <= sets.coverage(found.perturbation)


@pytest.mark.bad_input
def test_a_perturbation_of_other_rows_has_no_ramp():
    with pytest.raises(ValueError, match=r"^v must have shape"):
        ramp_value(random_sets(), torch.zeros(3, dtype=F64))
