"""Norms, the ball, half-spaces and row products against hand-computed values."""

import math
from fractions import Fraction

import pytest
import torch

from paper_lib.geometry import (
    disc_grid,
    in_l2_ball,
    l2_norm,
    project_halfspace,
    project_l2_ball,
    sample_l2_ball,
    scale_to_radius,
    sums,
    unit_vectors,
)
from paper_lib.geometry.ball import project_l2_sphere
from paper_lib.geometry.sums import rough_dots, row_dots
from tests.oracles import exact, exact_dot, fits_exactly, random_tensor

F32, F64 = torch.float32, torch.float64
TINY = 2.0**-1074  # the smallest positive float64


@pytest.mark.parametrize(
    ("entries", "norm"),
    [
        ([3.0, 4.0], 5.0),
        ([-3.0, 4.0, 0.0], 5.0),
        ([0.0, 0.0], 0.0),
        ([-2.5], 2.5),
        ([3e-200, 4e-200], 5e-200),
        ([3e200, -4e200], 5e200),
        ([3 * 2.0**1020, 4 * 2.0**1020], 5 * 2.0**1020),
        ([3 * TINY, 4 * TINY], 5 * TINY),
    ],
)
def test_norm_by_hand(entries, norm):
    found = l2_norm(torch.tensor(entries, dtype=F64)).item()
    assert found == pytest.approx(norm, rel=3e-16, abs=0.0)


@pytest.mark.parametrize("power", [-149, -100, 0, 100, 125])
def test_norm_of_float32_neither_underflows_nor_overflows(power):
    vector = torch.tensor([3.0, 4.0]) * torch.tensor(2.0).pow(power)
    assert l2_norm(vector).item() == 5.0 * 2.0**power


def test_norm_is_float64_and_acts_on_the_last_axis():
    vectors = torch.tensor([[[3.0, 4.0], [5.0, 12.0]], [[8.0, 15.0], [0.0, 0.0]]])
    norms = l2_norm(vectors)
    assert norms.dtype == F64
    assert norms.tolist() == [[5.0, 13.0], [17.0, 0.0]]


@pytest.mark.parametrize("dtype", [F32, F64])
def test_norms_are_the_same_bits_for_any_batch(dtype):
    """Offsets are made of them, so a count depends on them as on row products."""
    rows = random_tensor(700, 784, seed=20, dtype=dtype)
    whole = l2_norm(rows)
    assert torch.equal(torch.stack([l2_norm(row) for row in rows]), whole)
    assert torch.equal(l2_norm(rows[:, None]).squeeze(1), whole)
    if dtype == F64:  # in any layout of the memory too
        assert torch.equal(l2_norm(rows.t().contiguous().t()), whole)
    torch.set_num_threads(2)
    assert torch.equal(l2_norm(rows), whole)


@pytest.mark.parametrize("dim", [784, 150_528, 1_000_000])
def test_norm_of_long_vectors_keeps_fourteen_digits(dim):
    third = 1.0 / 3.0
    square = Fraction(l2_norm(torch.full((dim,), third, dtype=F64)).item()) ** 2
    assert abs(square / (dim * Fraction(third) ** 2) - 1) < 2e-14


@pytest.mark.parametrize(("dtype", "slack"), [(F64, 1e-12), (F32, 1e-6)])
def test_ball_is_closed_and_its_slack_is_the_stated_one(dtype, slack):
    radius = 2.0
    lengths = [1.0, 2.0, 2.0 * (1 + 0.8 * slack), 2.0 * (1 + 1.3 * slack), 3.0]
    vectors = torch.tensor([[0.0, length] for length in lengths], dtype=dtype)
    verdicts = in_l2_ball(vectors, radius)
    assert verdicts.tolist() == [True, True, True, False, False]


def test_ball_of_radius_zero_holds_zero_alone():
    vectors = torch.tensor([[0.0, 0.0], [TINY, 0.0]], dtype=F64)
    assert in_l2_ball(vectors, 0.0).tolist() == [True, False]


def test_what_is_not_finite_is_in_no_ball():
    vectors = torch.tensor([[math.nan, 0.0], [math.inf, 0.0]], dtype=F64)
    assert not in_l2_ball(vectors, 1e308).any()


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("power", [-148, -60, 0, 60, 120])
def test_unit_vectors_fall_short_of_one_by_a_few_roundings(dtype, power):
    vectors = random_tensor(50, 7, seed=1) * 2.0**power
    units = unit_vectors(vectors.to(dtype))
    lengths = l2_norm(units)
    assert units.dtype == dtype
    assert all(fits_exactly(unit, 1.0) for unit in units)
    assert (lengths > 1.0 - 16 * torch.finfo(dtype).eps - 1e-13).all()


@pytest.mark.parametrize(
    "vector",
    [[TINY, TINY], [3 * TINY, -4 * TINY], [1e-310, 1e-311], [1.7e308, 1.7e308]],
)
def test_unit_vectors_of_the_smallest_and_largest_floats(vector):
    """The length itself would be rounded to a multiple of TINY, or to infinity."""
    (unit,) = unit_vectors(torch.tensor([vector], dtype=F64))
    grown = [Fraction(entry) for entry in vector]
    square = sum(entry**2 for entry in grown)
    cosine = sum(a * b for a, b in zip(grown, exact(unit), strict=True))
    assert fits_exactly(unit, 1.0)
    assert cosine**2 > square * (1 - Fraction(1, 10**12))


def test_zero_has_no_direction_and_stays():
    zero = torch.zeros(2, 3, dtype=F64)
    for result in (unit_vectors(zero), scale_to_radius(zero, 4.0)):
        assert torch.equal(result, zero)


@pytest.mark.parametrize("dtype", [F32, F64])
def test_scaling_lengthens_and_shortens_to_the_radius(dtype):
    vectors = torch.tensor([[0.3, 0.4], [30.0, 40.0], [-3.0, 4.0]], dtype=dtype)
    scaled = scale_to_radius(vectors, 5.0)
    expected = torch.tensor([[3.0, 4.0], [3.0, 4.0], [-3.0, 4.0]], dtype=dtype)
    assert torch.allclose(scaled, expected, rtol=16 * torch.finfo(dtype).eps)
    assert all(fits_exactly(row, 5.0) for row in scaled)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("radius", [0.1, 3.0, 3.3, 1000.0])
def test_a_point_of_the_sphere_stays_bit_for_bit(radius, dtype):
    """PGD relies on it: a step that is undone has to come back to x exactly."""
    vectors = random_tensor(200, 13, seed=2, dtype=dtype)
    step = scale_to_radius(vectors, radius)
    assert torch.equal(project_l2_sphere(step, radius), step)
    assert torch.equal(project_l2_sphere(vectors, radius), step)
    nearly = (1.0 - 1e-4) * step
    assert not torch.equal(project_l2_sphere(nearly, radius), nearly)
    assert (l2_norm(project_l2_sphere(nearly, radius)) > radius * (1 - 1e-6)).all()


def test_scaling_twice_would_not_do():
    """Negative control: the second rounding shows."""
    step = scale_to_radius(random_tensor(200, 13, seed=2), 3.9)
    assert not torch.equal(scale_to_radius(step, 3.9), step)


def test_the_sphere_by_hand():
    vectors = torch.tensor([[0.3, 0.4], [0.0, 0.0], [-6.0, 8.0]], dtype=F64)
    found = project_l2_sphere(vectors, 5.0)
    expected = torch.tensor([[3.0, 4.0], [0.0, 0.0], [-3.0, 4.0]], dtype=F64)
    assert torch.allclose(found, expected, rtol=1e-12)


def test_projection_by_hand():
    vectors = torch.tensor([[3.0, 4.0], [0.0, 1.0], [0.0, -8.0], [1.5, 2.0]], dtype=F64)
    expected = torch.tensor(
        [[1.5, 2.0], [0.0, 1.0], [0.0, -2.5], [1.5, 2.0]], dtype=F64
    )
    projected = project_l2_ball(vectors, 2.5)
    assert torch.allclose(projected, expected, rtol=1e-12)
    assert torch.equal(projected[[1, 3]], vectors[[1, 3]])


@pytest.mark.parametrize("excess", [1e-9, 1e-3, 0.5])
def test_a_point_just_outside_is_projected_too(excess):
    vector = (1.0 + excess) * torch.tensor([1.5, 2.0], dtype=F64)
    projected = project_l2_ball(vector, 2.5)
    assert fits_exactly(projected, 2.5)
    assert projected.tolist() == pytest.approx([1.5, 2.0], rel=1e-12)


def test_projection_keeps_the_batch_axes_and_the_input():
    vectors = random_tensor(2, 3, 4, seed=3)
    before = vectors.clone()
    projected = project_l2_ball(vectors, 0.5)
    one_by_one = [project_l2_ball(row, 0.5) for row in vectors.reshape(-1, 4)]
    assert torch.equal(projected.reshape(-1, 4), torch.stack(one_by_one))
    assert torch.equal(vectors, before)


def test_projection_onto_the_ball_of_radius_zero_is_zero():
    projected = project_l2_ball(torch.tensor([[3.0, -4.0], [0.0, 0.0]]), 0.0)
    assert projected.tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    "project", [project_l2_ball, project_l2_sphere, scale_to_radius]
)
@pytest.mark.parametrize(
    ("radius", "dtype"),
    [
        (5.5e-157, F64),
        (1e-281, F64),
        (1e-300, F64),
        (7.5 * TINY, F64),
        (TINY, F64),
        (0.0, F64),
        (1.7e308, F64),
        (1e-27, F32),
        (1e-29, F32),
        (1e-40, F32),
        (math.sqrt(3.0) * 2.0**-149, F32),
        (2.0**-149, F32),
        (1e-46, F32),
        (0.0, F32),
    ],
)
@pytest.mark.parametrize("dim", [1, 2, 3, 50])
def test_nothing_that_was_moved_is_longer_than_the_radius(project, radius, dtype, dim):
    """Judged in rational arithmetic, without the slack of the membership test."""
    vectors = torch.cat([random_tensor(20, dim, seed=4), torch.ones(2, dim)]).to(dtype)
    for row, result in zip(vectors, project(vectors, radius), strict=True):
        assert fits_exactly(result, radius)
        assert torch.equal(result, row) or exact_dot(row, result) >= 0


@pytest.mark.parametrize(("radius", "dtype"), [(1e-300, F64), (1e-40, F32)])
def test_tiny_radii_are_still_used(radius, dtype):
    """The last check would pass if everything became zero."""
    length = l2_norm(scale_to_radius(torch.ones(1, 3, dtype=dtype), radius)).item()
    assert length == pytest.approx(radius, rel=1e-4)


def test_halfspace_by_hand_inside_on_and_outside():
    normal = torch.tensor([3.0, 4.0], dtype=F64)
    points = torch.tensor([[3.0, 4.0], [2.0, 1.0], [0.0, 0.0], [4.0, -3.0]], dtype=F64)
    projected = project_halfspace(points, normal, offset=-10.0)
    expected = torch.tensor(
        [[3.0, 4.0], [2.0, 1.0], [1.2, 1.6], [5.2, -1.4]], dtype=F64
    )
    assert torch.allclose(projected, expected, rtol=1e-14, atol=1e-15)
    assert torch.equal(projected[:2], points[:2])


def test_halfspace_does_not_depend_on_the_length_of_its_normal():
    points, normal = random_tensor(20, 3, seed=5), random_tensor(3, seed=6)
    one = project_halfspace(points, normal, offset=-0.7)
    for factor in (2.0**-400, 2.0**400):
        other = project_halfspace(points, factor * normal, offset=-0.7 * factor)
        assert torch.allclose(one, other, rtol=1e-13)


def test_halfspace_takes_float32_and_gives_float32():
    projected = project_halfspace(torch.zeros(2), torch.tensor([0.0, 2.0]), offset=-1.0)
    assert projected.dtype == F32
    assert projected.tolist() == [0.0, 0.5]


def kolmogorov_distance(values: torch.Tensor) -> float:
    """Measure the largest gap between a sample's distribution and the uniform one."""
    ordered, count = values.sort().values, len(values)
    ranks = torch.arange(count, dtype=F64) / count
    above, below = ranks + 1.0 / count - ordered, ordered - ranks
    return float(torch.maximum(above, below).max())


# The 0.1% point of Kolmogorov's distribution, for the sample size below.
DRAWS = 4_000
CRITICAL = 1.95 / math.sqrt(DRAWS)


@pytest.mark.parametrize("dim", [1, 2, 5, 100])
def test_draws_are_uniform_along_the_radius(dim):
    """For the uniform law on the ball, ``(||v|| / radius) ** d`` is uniform."""
    points = sample_l2_ball(DRAWS, dim, 2.5, seed=0)
    assert kolmogorov_distance((l2_norm(points) / 2.5) ** dim) < CRITICAL


def quarter_turns(points):
    """Angles within their quarter of the circle, where a square would show."""
    return (torch.atan2(points[:, 1], points[:, 0]) / (math.pi / 2.0)) % 1.0


def test_draws_are_uniform_along_the_circle():
    points = sample_l2_ball(4 * DRAWS, 2, 2.5, seed=0)
    angles = torch.atan2(points[:, 1], points[:, 0]) / (2.0 * math.pi) + 0.5
    assert kolmogorov_distance(angles) < CRITICAL / 2.0
    assert kolmogorov_distance(quarter_turns(points)) < CRITICAL / 2.0


def test_the_check_of_angles_rejects_directions_drawn_from_a_square():
    """Negative control."""
    generator = torch.Generator().manual_seed(0)
    square = torch.rand(4 * DRAWS, 2, generator=generator, dtype=F64) - 0.5
    assert kolmogorov_distance(quarter_turns(square)) > CRITICAL


def test_draws_from_the_segment_are_uniform():
    assert kolmogorov_distance(sample_l2_ball(DRAWS, 1, 0.5, seed=0)[:, 0] + 0.5) < (
        CRITICAL
    )


def test_the_check_of_uniformity_rejects_points_bunched_at_the_center():
    """Negative control: a radius drawn uniformly, the usual mistake."""
    points = sample_l2_ball(DRAWS, 2, 1.0, seed=0)
    bunched = points * l2_norm(points).unsqueeze(-1)
    assert kolmogorov_distance(l2_norm(bunched) ** 2) > 2 * CRITICAL


@pytest.mark.parametrize("radius", [0.0, 1e-300, 5.5e-157, 1.0, 3.3])
def test_draws_lie_in_the_ball_exactly(radius):
    points = sample_l2_ball(200, 3, radius, seed=1)
    assert points.shape == (200, 3)
    assert points.dtype == F64
    assert all(fits_exactly(point, radius) for point in points)


def test_the_seed_of_a_draw_is_used_and_the_global_generator_is_not():
    state = torch.random.get_rng_state()
    first, again, other = (sample_l2_ball(5, 3, 1.0, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_row_products_add_the_first_half_to_the_second():
    """Four terms whose sum depends on the order: 2 pairwise, 1 one after another."""
    rows = torch.tensor([[1e16, 1.0, -1e16, 1.0], [1.0, 1e16, 1.0, -1e16]], dtype=F64)
    assert row_dots(rows, torch.ones(1, 4, dtype=F64)).tolist() == [2.0, 2.0]


def test_row_products_of_odd_width_keep_the_last_term():
    """Widths 7, 4, 2: ((1 + 8) + (4 + 64)) + ((2 + 16... by position."""
    rows = torch.tensor([[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]])
    assert row_dots(rows, torch.ones(1, 7)).tolist() == [127.0]
    assert row_dots(rows, torch.tensor([[0.0, 0, 0, 0, 0, 0, 1]])).tolist() == [64.0]


def test_row_products_of_float32_are_exact_before_the_sum():
    step = 1.0 + 2.0**-23
    rows = torch.tensor([[step, 1.0]])
    found = row_dots(rows, torch.tensor([[step, -1.0]]))
    assert found.dtype == F64
    assert found.item() == step**2 - 1.0


@pytest.mark.parametrize("num", [1_100, 50_000])  # within a block, and over three
def test_row_products_pair_each_row_with_its_own_vector(num):
    assert (5 * num > 2 * sums._PRODUCTS_PER_BLOCK) == (num == 50_000)
    rows, vectors = random_tensor(num, 5, seed=7), random_tensor(num, 5, seed=8)
    found = row_dots(rows, vectors)
    assert torch.allclose(found, (rows * vectors).sum(1), rtol=1e-12, atol=1e-14)
    assert row_dots(torch.tensor([[3.0]]), torch.tensor([[-2.0]])).tolist() == [-6.0]


@pytest.mark.parametrize("dtype", [F32, F64])
def test_row_products_are_the_same_bits_for_any_batch_order_and_threads(dtype):
    rows = random_tensor(1_300, 97, seed=9, dtype=dtype)
    vector = random_tensor(1, 97, seed=10, dtype=dtype)
    whole = row_dots(rows, vector)
    one_by_one = torch.cat([row_dots(row, vector) for row in rows.split(1)])
    order = torch.randperm(1_300, generator=torch.Generator().manual_seed(11))
    repeated = row_dots(rows, vector.expand(1_300, 97))
    strided = row_dots(rows.t().contiguous().t(), vector)
    torch.set_num_threads(2)
    threaded = row_dots(rows, vector)

    for other in (one_by_one, repeated, strided, threaded):
        assert torch.equal(whole, other)
    assert torch.equal(whole[order], row_dots(rows[order], vector))


def test_a_matrix_product_would_not_pass_the_last_test():
    """Negative control: the order of summation differs, and so do the bits."""
    rows, vector = random_tensor(1_300, 97, seed=9), random_tensor(1, 97, seed=10)
    assert not torch.equal(rows @ vector[0], row_dots(rows, vector))


@pytest.mark.parametrize("size", [1.7e308, 5e-324, 1.0])
def test_half_spaces_with_the_largest_and_smallest_normals(size):
    """The half-space is ``x + y >= 1``, whatever the scale of its row."""
    normal = torch.tensor([size, size], dtype=torch.float64)
    found = project_halfspace(torch.zeros(2, dtype=torch.float64), normal, -size)
    assert found.tolist() == pytest.approx([0.5, 0.5], rel=1e-12)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize(
    "powers", [(-0.7, 0.7), (-0.5, 0.5), (0.0, 0.0), (0.5, -0.5), (-0.7, -0.7)]
)
def test_rough_products_are_off_by_no_more_than_they_say(dtype, powers):
    """Also where the squares of the entries, or all products, vanish or overflow."""
    scales = [torch.finfo(dtype).max ** power for power in powers]
    rows = (random_tensor(50, 9) * scales[0]).to(dtype)
    vectors = (random_tensor(2, 9, seed=1) * scales[1]).to(dtype)
    products, errors = rough_dots(rows, vectors)
    assert products.dtype == errors.dtype == F64
    for k, vector in enumerate(vectors):
        found = [x[k] for x in (products, errors)]
        for row, product, error in zip(rows, *found, strict=True):
            off = abs(exact_dot(row, vector) - Fraction(product.item()))
            assert math.isinf(error) or off <= Fraction(error.item())
        # One alone may be added in another order.
        alone, error = rough_dots(rows, vector)
        assert torch.equal(error, errors[k])
        assert ((alone - products[k]).abs() <= 2 * error).all()


@pytest.mark.parametrize("dtype", [F32, F64])
def test_rough_products_that_overflow_say_nothing(dtype):
    """The sum is zero, and of any sign on the way; no length overflows."""
    root = math.sqrt(torch.finfo(dtype).max)
    rows = torch.tensor([[0.5 * root, -0.5 * root], [1.0, 1.0]], dtype=dtype)
    vectors = torch.tensor([[4.0 * root, 4.0 * root], [2.0, 3.0]], dtype=dtype)
    products, errors = rough_dots(rows, vectors)
    assert not products[0, 0].isfinite()
    assert errors[0, 0] == math.inf
    assert (products[1, 1], errors[1, 1] < 1e-3) == (5.0, True)


def test_one_ring_of_one_point_is_a_grid_too():
    assert disc_grid(2.0, num_rings=1, num_angles=1).norm(dim=1) == pytest.approx(
        [0.0, 2.0], rel=1e-12
    )


def test_the_grid_of_the_disc_has_a_center_and_8_rings_of_90():
    assert len(disc_grid(1.0)) == 1 + 8 * 90
