"""Optimality certificates and exact arithmetic for projections and row products."""

import math
from fractions import Fraction

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paper_lib.geometry import (
    in_l2_ball,
    l2_norm,
    project_halfspace,
    project_l2_ball,
    scale_to_radius,
    unit_vectors,
)
from paper_lib.geometry.ball import project_l2_sphere
from paper_lib.geometry.sums import row_dots
from tests.oracles import exact_dot, fits_exactly

DIM = 5
coordinates = st.floats(-1e3, 1e3, allow_subnormal=False)
vectors = arrays(np.float64, DIM, elements=coordinates).map(torch.from_numpy)
any_vectors = arrays(
    np.float64, DIM, elements=st.floats(allow_nan=False, allow_infinity=False)
).map(torch.from_numpy)
any_vectors32 = arrays(
    np.float32, DIM, elements=st.floats(allow_nan=False, allow_infinity=False, width=32)
).map(torch.from_numpy)
radii = st.floats(0.0, 1e2, allow_subnormal=False)
any_radii = st.floats(0.0, 1e300)
ONE = torch.eye(1, DIM, dtype=torch.float64)[0]


@given(x=vectors, radius=radii)
@example(x=ONE, radius=5.5e-157)
@example(x=1e3 * ONE, radius=1e-300)
@example(x=torch.ones(DIM, dtype=torch.float64), radius=math.sqrt(5.0))
def test_projection_solves_its_problem(x, radius):
    """``p`` is nearest iff ``<x - p, z - p> <= 0`` for every ``z`` of the ball.

    The worst ``z`` is ``radius * (x - p) / ||x - p||``, so one number decides.
    """
    p = project_l2_ball(x, radius)
    residual = x - p
    worst_gain = radius * residual.norm() - torch.dot(residual, p)
    assert worst_gain <= 1e-12 * (1.0 + x.norm() * radius)
    assert in_l2_ball(p, radius)


@given(x=st.one_of(any_vectors, any_vectors32), radius=any_radii)
@example(x=torch.full((DIM,), 2.0**-1074, dtype=torch.float64), radius=1.0)
@example(x=torch.full((DIM,), 1.7e308, dtype=torch.float64), radius=1.0)
@example(x=torch.ones(DIM, dtype=torch.float64), radius=2.0**-1074)
def test_projection_never_leaves_the_ball_in_exact_arithmetic(x, radius):
    """A point left alone may be off by the one rounding of its own length."""
    if x.dtype == torch.float32:
        radius = min(radius, 1e38)
    p = project_l2_ball(x, radius)
    allowance = radius * (1.0 + 2.0**-50) if torch.equal(p, x) else radius
    assert fits_exactly(p, allowance)
    assert torch.equal(p, x) == (torch.equal(x, 0 * x) or bool(l2_norm(x) <= radius))
    assert torch.equal(project_l2_ball(p, radius), p)


@given(x=st.one_of(any_vectors, any_vectors32), radius=any_radii)
@example(x=torch.tensor([2.0**-1074, 2.0**-1074], dtype=torch.float64), radius=1.0)
@example(x=torch.tensor([1.7e308, -1.7e308], dtype=torch.float64), radius=3.0)
@example(x=torch.ones(3), radius=math.sqrt(3.0) * 2.0**-149)
def test_scaling_reaches_the_radius_without_exceeding_it(x, radius):
    smallest = torch.finfo(x.dtype).tiny
    radius = min(radius, 1e38) if x.dtype == torch.float32 else radius
    p = scale_to_radius(x, radius)
    assert fits_exactly(p, radius)
    if bool((x != 0).any()) and radius > 1e6 * smallest:
        assert exact_dot(p, p) >= Fraction(radius * (1.0 - 1e-6)) ** 2
        # Parallel: Cauchy and Schwarz hold with equality.
        cosine_square = exact_dot(p, x) ** 2 / (exact_dot(p, p) * exact_dot(x, x))
        assert exact_dot(p, x) > 0
        assert cosine_square > 1 - Fraction(1, 10**10)
        assert torch.equal(project_l2_sphere(p, radius), p)


@given(x=any_vectors)
def test_units_are_odd_and_blind_to_powers_of_two(x):
    """So a gradient and its opposite give steps that cancel exactly."""
    assert torch.equal(unit_vectors(-x), -unit_vectors(x))
    if bool((x.abs() < 1e300).all()) and bool(((x == 0) | (x.abs() > 1e-290)).all()):
        assert torch.equal(unit_vectors(8.0 * x), unit_vectors(x))


@given(x=any_vectors)
def test_norm_agrees_with_exact_arithmetic(x):
    square = exact_dot(x, x)
    norm = l2_norm(x).item()
    if norm == math.inf:
        assert square > Fraction(1.79e308) ** 2
    else:
        # Tiny lengths are rounded to a multiple of the smallest float.
        low = max(Fraction(norm) * (1 - Fraction(1, 10**15)) - Fraction(2.0**-1074), 0)
        high = Fraction(norm) * (1 + Fraction(1, 10**15)) + Fraction(2.0**-1074)
        assert low**2 <= square <= high**2


@given(x=vectors, normal=vectors.filter(lambda c: c.norm() > 1e-3), offset=coordinates)
def test_halfspace_projection_solves_its_problem(x, normal, offset):
    """By Kuhn and Tucker ``p = x + t c`` with ``t >= 0``, and ``t`` times slack 0."""
    p = project_halfspace(x, normal, offset)
    slack = torch.dot(normal, p) + offset
    scale = 1.0 + normal.norm() * x.norm() + abs(offset)
    step = torch.dot(p - x, normal) / normal.square().sum()

    assert slack >= -1e-12 * scale
    assert step >= 0.0
    assert torch.allclose(p - x, step * normal, rtol=0, atol=1e-12 * float(scale))
    assert abs(step * slack) <= 1e-10 * scale**2


pairs = st.integers(1, 40).flatmap(
    lambda dim: st.tuples(*[arrays(np.float64, dim, elements=coordinates)] * 2)
)


@given(pair=pairs)
@example(pair=(np.array([1e16, 1.0, -1e16]), np.ones(3)))
def test_row_products_stay_within_their_stated_error(pair):
    """The docstring's bound, with a percent for the terms of second order."""
    left, right = map(torch.from_numpy, pair)
    terms = [Fraction(a) * Fraction(b) for a, b in zip(*pair, strict=True)]
    found = row_dots(left.unsqueeze(0), right.unsqueeze(0)).item()
    levels = math.ceil(math.log2(len(terms))) + 1
    bound = levels * Fraction(2.0**-53) * sum(map(abs, terms)) * Fraction(101, 100)
    underflow = len(terms) * Fraction(2.0**-1074)
    assert abs(Fraction(found) - sum(terms)) <= bound + underflow


@given(
    rows=st.integers(1, 9).flatmap(
        lambda n: arrays(np.float64, (n, DIM), elements=coordinates)
    ),
    x=vectors,
)
def test_row_products_do_not_depend_on_the_other_rows(rows, x):
    rows = torch.from_numpy(rows)
    whole = row_dots(rows, x.unsqueeze(0))
    apart = [row_dots(row, x.unsqueeze(0)) for row in rows.split(1)]
    assert torch.equal(whole, torch.cat(apart))
