"""FGM and the three readings of PGD, by hand and against other programs."""

import math
from dataclasses import replace

import pytest
import torch

from paper_lib.attacks import PGD_READINGS, PGDReading, fgm, pgd
from paper_lib.geometry import l2_norm
from paper_lib.linearize import Linearization, linearize
from tests.oracles import (
    Affine,
    Formula,
    Scaled,
    fits_exactly,
    random_tensor,
    smooth_network,
)

F32, F64 = torch.float32, torch.float64


def random_lin(n=30, dim=6, seed=0, dtype=F64):
    return Linearization(
        logits=random_tensor(n, seed=seed, dtype=dtype),
        gradients=random_tensor(n, dim, seed=seed + 1, dtype=dtype),
    )


def test_fgm_by_hand():
    lin = Linearization(
        logits=torch.tensor([2.0, -0.1, 0.0, 7.0], dtype=F64),
        gradients=torch.tensor(
            [[3.0, 4.0], [5.0, -12.0], [1.0, 2.0], [0.0, 0.0]], dtype=F64
        ),
    )
    expected = [[-6.0, -8.0], [50 / 13, -120 / 13], [0.0, 0.0], [0.0, 0.0]]
    attack = fgm(lin, epsilon=10.0)
    assert torch.allclose(attack, torch.tensor(expected, dtype=F64), rtol=1e-12)
    assert torch.equal(attack[2:], torch.zeros(2, 2, dtype=F64))


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("epsilon", [0.0, 1e-300, 1e-40, 0.1, 3.3, 3.9, 1e6])
def test_fgm_uses_the_budget_and_never_exceeds_it(epsilon, dtype):
    attack = fgm(random_lin(dtype=dtype), epsilon)
    assert attack.dtype == dtype
    assert all(fits_exactly(row, epsilon) for row in attack)
    if epsilon > 1e-30 or (dtype == F64 and epsilon > 0):
        assert (l2_norm(attack) > epsilon * (1.0 - 1e-6)).all()


@pytest.mark.parametrize(
    "gradient", [[5e-324, 5e-324], [3e-310, 4e-310], [1.7e308] * 2]
)
def test_fgm_keeps_to_the_budget_for_the_smallest_and_largest_gradients(gradient):
    lin = Linearization(
        logits=torch.ones(1, dtype=F64), gradients=torch.tensor([gradient], dtype=F64)
    )
    (attack,) = fgm(lin, 1.0)
    assert fits_exactly(attack, 1.0)
    assert attack.norm() > 1.0 - 1e-9


def test_no_attack_of_that_length_lowers_the_linear_margin_more():
    lin, epsilon = random_lin(), 1.7
    value = lin.signs * (lin.logits + (lin.gradients * fgm(lin, epsilon)).sum(1))
    assert torch.allclose(
        value, lin.logits.abs() - epsilon * lin.gradients.norm(dim=1), rtol=1e-11
    )
    for seed in range(50):
        other = random_tensor(30, 6, seed=100 + seed)
        other = epsilon * other / other.norm(dim=1, keepdim=True)
        moved = lin.signs * (lin.logits + (lin.gradients * other).sum(1))
        assert (value <= moved + 1e-10).all()


def test_the_wrong_sign_would_fail_the_last_test():
    """Negative control."""
    lin = random_lin()
    wrong = lin.signs * (lin.logits - (lin.gradients * fgm(lin, 1.7)).sum(1))
    assert (wrong > lin.logits.abs() + 1e-3).all()


def test_many_budgets_need_one_gradient():
    lin = random_lin()
    one = fgm(lin, 1.0)
    assert lin.descent_directions is lin.descent_directions
    for epsilon in (0.25, 2.0, 64.0):  # powers of two: no rounding
        assert torch.equal(fgm(lin, epsilon), epsilon * one)


def each_its_own_gradient(n=60, dim=5, seed=0, dtype=F64, bias=0.5):
    """A linear function for each point, all of one batch."""
    weights = random_tensor(n, dim, seed=seed, dtype=dtype)
    return Formula(lambda x: (weights[: len(x)] * x).sum(1) + bias)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("epsilon", [3.0, 3.3, 3.9])
def test_literal_pgd_comes_back_to_x_at_step_two_of_a_linear_classifier(epsilon, dtype):
    """And stays there for that step; odd steps are FGM."""
    model, points = each_its_own_gradient(dtype=dtype), torch.zeros(60, 5, dtype=dtype)
    lin = linearize(model, points)
    assert (lin.margins < epsilon / 1.5).all()
    for steps in (1, 2, 3, 4):
        result = PGDReading(steps=steps).attack(model, points, epsilon)
        expected = fgm(lin, epsilon) if steps % 2 else torch.zeros(60, 5, dtype=dtype)
        assert torch.allclose(result.perturbations, expected, rtol=1e-5, atol=1e-30)
        assert result.num_returned.tolist() == [0, 60, 0, 60][:steps]


def test_literal_pgd_does_not_turn_back_before_the_boundary():
    model, points = Affine(torch.tensor([3.0, 4.0])), torch.tensor([[1.0, 1.0]])
    result = PGDReading(steps=4).attack(model, points, 1.0)
    assert torch.allclose(result.perturbations, torch.tensor([[-0.6, -0.8]]))
    assert result.num_returned.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("epsilon", [0.1, 3.9])
def test_with_the_original_label_pgd_is_fgm_on_a_linear_classifier(epsilon, steps):
    model, points = each_its_own_gradient(), random_tensor(60, 5, seed=3)
    for projection in ("sphere", "ball"):
        attack = pgd(
            model,
            points,
            epsilon,
            steps=steps,
            direction="original",
            projection=projection,
        )
        expected = fgm(linearize(model, points), epsilon)
        assert torch.allclose(attack, expected, rtol=1e-11, atol=1e-14)


def test_in_the_ball_with_full_steps_even_numbers_return():
    model, points = each_its_own_gradient(), torch.zeros(60, 5, dtype=F64)
    result = PGDReading(steps=4, projection="ball").attack(model, points, 3.3)
    assert result.num_returned.tolist() == [0, 60, 0, 60]
    assert torch.equal(result.perturbations, torch.zeros_like(points))


def test_in_the_ball_short_steps_by_hand():
    """``f = x`` from 1, steps of 0.75: to 0.25, to -0.5, back to 0.25, ..."""
    model, point = Affine(torch.tensor([1.0], dtype=F64)), torch.ones(1, 1, dtype=F64)
    for steps, expected in enumerate([-0.75, -1.5, -0.75, -1.5], start=1):
        attack = pgd(model, point, 2.0, steps, step_size=0.75, projection="ball")
        assert attack.item() == pytest.approx(expected, rel=1e-11)
    kept = pgd(
        model, point, 2.0, 4, step_size=0.75, direction="original", projection="ball"
    )
    assert kept.item() == pytest.approx(-2.0, rel=1e-11)


def test_onto_the_sphere_short_steps_by_hand():
    """One short step is stretched to the sphere; then steps add and are stretched."""
    model = Affine(torch.tensor([1.0], dtype=F64))
    point = torch.tensor([[1.0]], dtype=F64)
    one = pgd(model, point, 2.0, 1, step_size=0.5)
    two = pgd(model, point, 2.0, 2, step_size=0.5)
    assert one.item() == pytest.approx(-2.0, rel=1e-11)
    assert two.item() == pytest.approx(-2.0, rel=1e-11)  # -2 + 0.5, stretched


@pytest.mark.parametrize("direction", ["current", "original"])
@pytest.mark.parametrize("projection", ["sphere", "ball"])
def test_one_step_is_fgm_for_any_classifier(direction, projection):
    model, points = smooth_network(5, seed=1), random_tensor(20, 5, seed=2)
    attack = pgd(
        model, points, 0.7, steps=1, direction=direction, projection=projection
    )
    assert torch.allclose(attack, fgm(linearize(model, points), 0.7), rtol=1e-11)


def reference_pgd(point, epsilon, steps, step, direction, projection):
    """Appendix D again in plain Python, for ``f = x^2 + x y - 2 y + 1``."""
    (x, y), (a, b), sign = point, (0.0, 0.0), None
    for _ in range(steps):
        u, v = x + a, y + b
        f, gx, gy = u * u + u * v - 2.0 * v + 1.0, 2.0 * u + v, u - 2.0
        if sign is None or direction == "current":
            sign = math.copysign(1.0, f)
        length = math.hypot(gx, gy)
        a, b = a - sign * step * gx / length, b - sign * step * gy / length
        length = math.hypot(a, b)
        if projection == "sphere" or length > epsilon:
            a, b = epsilon * a / length, epsilon * b / length
    return a, b


@pytest.mark.parametrize("name", PGD_READINGS)
@pytest.mark.parametrize("epsilon", [0.8, 2.5])
def test_each_reading_agrees_with_a_second_program(name, epsilon):
    reading, points = PGD_READINGS[name], random_tensor(40, 2, seed=4)
    model = Formula(lambda p: p[:, 0] ** 2 + p[:, 0] * p[:, 1] - 2.0 * p[:, 1] + 1.0)
    expected = [
        reference_pgd(
            point,
            epsilon,
            10,
            reading.relative_step * epsilon,
            reading.direction,
            reading.projection,
        )
        for point in points.tolist()
    ]
    attack = reading.attack(model, points, epsilon).perturbations
    assert torch.allclose(attack, torch.tensor(expected, dtype=F64), atol=1e-8)


def test_the_readings_are_the_declared_three():
    assert PGD_READINGS == {
        "literal": PGDReading(
            direction="current", projection="sphere", relative_step=1.0, steps=10
        ),
        "fixed-label": PGDReading(
            direction="original", projection="sphere", relative_step=1.0, steps=10
        ),
        "ball": PGDReading(
            direction="current", projection="ball", relative_step=0.25, steps=10
        ),
    }


def test_the_defaults_are_the_literal_reading():
    model, points = smooth_network(4, seed=5), random_tensor(9, 4, seed=6)
    literal = PGD_READINGS["literal"].attack(model, points, 1.3)
    assert torch.equal(pgd(model, points, 1.3), literal.perturbations)


@pytest.mark.parametrize("name", PGD_READINGS)
@pytest.mark.parametrize("dtype", [F32, F64])
def test_no_perturbation_exceeds_the_budget(name, dtype):
    model = smooth_network(4, seed=7, dtype=dtype)
    points = random_tensor(50, 4, seed=8, dtype=dtype)
    attack = PGD_READINGS[name].attack(model, points, 3.9).perturbations
    assert attack.dtype == dtype
    assert all(fits_exactly(row, 3.9) for row in attack)
    if PGD_READINGS[name].projection == "sphere":
        assert (l2_norm(attack) > 3.9 * (1.0 - 1e-5)).all()


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1_000])
def test_the_batch_size_does_not_matter(batch_size):
    """Five steps: roundings have not grown yet."""
    model, points = smooth_network(4, seed=9), random_tensor(30, 4, seed=10)
    whole = PGDReading(steps=5).attack(model, points, 1.0, batch_size=30)
    parts = PGDReading(steps=5).attack(model, points, 1.0, batch_size=batch_size)
    assert torch.allclose(whole.perturbations, parts.perturbations, atol=1e-9)
    assert torch.equal(whole.num_returned, parts.num_returned)


def test_counts_of_all_batches_are_added():
    model, points = Affine(torch.tensor([1.0, 0.0])), torch.full((10, 2), 0.5)
    for batch_size in (1, 3, 10):
        result = PGDReading(steps=2).attack(model, points, 2.0, batch_size=batch_size)
        assert result.num_returned.tolist() == [0, 10]


@pytest.mark.parametrize("factor", [1e-20, 0.001, 10.0, 1e20])
@pytest.mark.parametrize("name", PGD_READINGS)
def test_the_scale_of_the_logit_does_not_matter(factor, name):
    model, points = smooth_network(4, seed=11), random_tensor(30, 4, seed=12)
    reading = replace(PGD_READINGS[name], steps=5)
    plain, scaled = (
        reading.attack(m, points, 1.0).perturbations
        for m in (model, Scaled(model, factor))
    )
    assert torch.allclose(plain, scaled, atol=1e-9)


def test_points_without_label_or_gradient_stay_where_they_are():
    model = Formula(lambda x: torch.relu(x[:, 0]) + torch.where(x[:, 1] > 0, 1.0, 0.0))
    points = torch.tensor([[-5.0, -5.0], [-5.0, 5.0], [5.0, 5.0]])
    result = PGDReading(steps=4).attack(model, points, 1.0)
    assert torch.equal(result.perturbations[:2], torch.zeros(2, 2))
    assert result.perturbations[2].norm() > 0.99
    # They never left, so they did not come back.
    assert result.num_returned.tolist() == [0, 0, 0, 0]


def test_a_budget_of_zero_moves_nothing():
    model, points = smooth_network(3, seed=13), random_tensor(4, 3, seed=14)
    assert torch.equal(pgd(model, points, 0.0, steps=3), torch.zeros(4, 3, dtype=F64))


def test_images_are_attacked_in_their_shape_and_left_alone():
    model, images = Affine(torch.arange(12.0)), random_tensor(5, 1, 3, 4, dtype=F32)
    before = images.clone()
    images.requires_grad_(True)
    attack = pgd(model, images, 0.5, steps=3)
    assert attack.shape == (5, 12)
    assert not attack.requires_grad
    assert torch.equal(images, before)
    assert images.grad is None
    assert torch.allclose(attack[0].abs(), 0.5 * torch.arange(12.0) / 506**0.5)
