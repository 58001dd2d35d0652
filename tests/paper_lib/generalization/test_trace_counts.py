"""Traces on given points, against exact brute force and counts known by hand."""

import itertools
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from paper_lib.arrangement import cells
from paper_lib.generalization import (
    num_regions,
    trace_count,
    traces,
)
from paper_lib.robust_sets import RobustSets
from tests.oracles import RATIONAL_DIRECTIONS

TINY = Fraction(1, 2**40)


def robust_sets(normals, offsets, epsilon=1.0):
    return RobustSets(
        normals=torch.as_tensor(normals, dtype=torch.float64),
        offsets=torch.as_tensor(offsets, dtype=torch.float64),
        epsilon=epsilon,
    )


# --- an oracle for robust sets in the plane, in rational numbers -----------------


def exact_rows(sets):
    """Rows as rational numbers; None for one that nothing satisfies."""
    return [
        None if b == -math.inf else (Fraction(c[0]), Fraction(c[1]), Fraction(b))
        for c, b in zip(sets.normals.tolist(), sets.offsets.tolist(), strict=True)
    ]


def root_below(value):
    """A rational number at most, and close to, the square root."""
    scale = 2**60
    whole = value.numerator * value.denominator * scale**2
    return Fraction(math.isqrt(whole), value.denominator * scale)


def on_line(row, others, square):
    """Points of one line in the disc: its middle, near its ends, and its meetings."""
    a, b, c = row
    length = a * a + b * b
    room = square * length - c * c
    if room < 0:
        return []
    foot = (-c * a / length, -c * b / length)
    reach = root_below(room) / length
    points = [foot, (foot[0] - reach * b, foot[1] + reach * a)]
    points.append((foot[0] + reach * b, foot[1] - reach * a))
    for d, e, f in others:
        if sine := a * e - b * d:
            points.append(((b * f - e * c) / sine, (c * d - a * f) / sine))
    middles = [
        ((p[0] + q[0]) / 2, (p[1] + q[1]) / 2)
        for p, q in itertools.combinations(points, 2)
    ]
    return points + middles


def brute_force(sets):
    """Subsets at all meetings of lines, between any two, and a little beside each."""
    # Each subset has an exact witness, so no false one can be listed.
    rows = exact_rows(sets)
    square = Fraction(sets.epsilon) ** 2
    lines = [row for row in rows if row and (row[0] or row[1])]
    points = {(Fraction(0), Fraction(0))}
    for row in lines:
        points |= set(on_line(row, lines, square))
    steps = [(TINY * x, TINY * y) for x, y in RATIONAL_DIRECTIONS[::3]]
    for row in lines:
        size = max(abs(row[0]), abs(row[1]))
        steps += [(s * TINY * row[0] / size, s * TINY * row[1] / size) for s in (1, -1)]
    steps.append((Fraction(0), Fraction(0)))
    found = set()
    for (x, y), (p, q) in itertools.product(points, steps):
        u, v = x + p, y + q
        if u * u + v * v <= square:
            found.add(
                tuple(r is not None and r[0] * u + r[1] * v + r[2] >= 0 for r in rows)
            )
    return found


def degenerate(seed):
    """Whole numbers: parallel, coincident, opposite and tangent lines, and none."""
    rng = np.random.default_rng(seed)
    num = int(rng.integers(1, 6))
    directions = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [3, 4], [4, -3], [0, 0]])
    chosen = directions[rng.integers(0, len(directions), num)]
    normals = chosen * rng.choice([-2, -1, 1, 2], size=(num, 1))
    offsets = rng.integers(-2, 3, num) * rng.choice([0.0, 1.0, 5.0, 10.0], num)
    offsets = np.where(rng.random(num) < 0.05, -math.inf, offsets)
    return robust_sets(normals, offsets, epsilon=float(rng.integers(0, 6)))


def concurrent(seed):
    """Lines through one point of whole coordinates, on the circle now and then."""
    rng = np.random.default_rng(seed)
    place = np.array([[3, 4], [-4, 3], [1, 2], [0, -1]])[seed % 4]
    normals = rng.integers(-3, 4, size=(int(rng.integers(2, 6)), 2))
    return robust_sets(normals, -normals @ place, epsilon=5.0)


def general(seed):
    rng = np.random.default_rng(seed)
    num = int(rng.integers(1, 6))
    normals = rng.normal(size=(num, 2)) * 10.0 ** rng.integers(-5, 6, size=(num, 1))
    offsets = np.hypot(*normals.T) * rng.normal(0.0, 0.7, num)
    return robust_sets(normals, offsets)


def listed(sets):
    return {tuple(row) for row in traces(sets, "robust_sets").tolist()}


@pytest.mark.parametrize("make", [degenerate, concurrent, general])
@pytest.mark.parametrize("seed", range(40))
def test_robust_sets_cut_out_what_brute_force_finds(make, seed):
    sets = make(seed)
    found = listed(sets)
    assert found == brute_force(sets)
    assert trace_count(sets, "robust_sets") == len(found)
    assert len(found) <= num_regions(len(sets.offsets), 2)


def test_the_cases_above_are_degenerate_indeed():
    """Some have more subsets than cells, some a tangent, some two opposite sides."""
    gained, tangents, opposite = 0, 0, 0
    for seed in range(60):
        sets = degenerate(seed)
        c, b = sets.normals.numpy(), sets.offsets.numpy()
        gained += len(listed(sets)) > max(len(cells(c, b, sets.epsilon)), 1)
        rows = [row for row in exact_rows(sets) if row and (row[0] or row[1])]
        square = Fraction(sets.epsilon) ** 2
        tangents += any(z * z == square * (x * x + y * y) > 0 for x, y, z in rows)
        opposite += any(
            x * w - y * u == 0 > x * u + y * w
            and x * z == -u * r * -1
            and r * w == z * y
            for (x, y, r), (u, w, z) in itertools.combinations(rows, 2)
        )
    assert min(gained, tangents, opposite) >= 3


def meetings_inside(sets):
    rows = exact_rows(sets)
    square = Fraction(sets.epsilon) ** 2
    inside = 0
    for (a, b, c), (d, e, f) in itertools.combinations(rows, 2):
        sine = a * e - b * d
        x, y = (b * f - e * c) / sine, (c * d - a * f) / sine
        inside += x * x + y * y < square
    return inside


@pytest.mark.parametrize("seed", range(20))
def test_in_general_position_euler_counts_the_regions(seed):
    """One region, one more for each line across the disc and for each meeting."""
    rng = np.random.default_rng(seed)
    num = int(rng.integers(1, 25))
    sets = robust_sets(rng.normal(size=(num, 2)), rng.normal(0.0, 0.6, num))
    crossing = sum(
        c * c < (a * a + b * b) * Fraction(sets.epsilon) ** 2
        for a, b, c in exact_rows(sets)
    )
    expected = 1 + crossing + meetings_inside(sets)
    assert trace_count(sets, "robust_sets") == expected


@pytest.mark.parametrize("num", [1, 2, 3, 5, 13, 40])
def test_lines_that_all_meet_in_the_disc_reach_the_formula(num):
    rng = np.random.default_rng(num)
    angles = (np.arange(num) + rng.uniform(0.3, 0.7, size=num)) * np.pi / num
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    sets = robust_sets(normals, rng.uniform(-0.01, 0.01, size=num))
    assert trace_count(sets, "robust_sets") == num_regions(num, 2)


def test_three_half_planes_at_120_degrees():
    """Six cells, and the center, where all three hold: seven subsets."""
    normals = [[2.0, 0.0], [-1.0, 1.5], [-1.0, -1.5]]
    sets = robust_sets(normals, [0.0] * 3)
    assert len(cells(np.array(normals), np.zeros(3), 1.0)) == 6
    assert trace_count(sets, "robust_sets") == 7 == num_regions(3, 2)
    assert (True, True, True) in listed(sets)
    # Moved apart the lines enclose a triangle, a seventh cell.
    assert len(cells(np.array(normals), np.full(3, 0.1), 1.0)) == 7
    assert trace_count(robust_sets(normals, [0.1] * 3), "robust_sets") == 7
    # Moved the other way, no point has all three.
    apart = robust_sets(normals, [-0.1] * 3)
    assert trace_count(apart, "robust_sets") == 7
    assert (True, True, True) not in listed(apart)


@pytest.mark.parametrize(
    ("normals", "offsets", "epsilon", "count"),
    [
        # The left, the right, and the line between that belongs to both.
        ([[1, 0], [-3, 0]], [0, 0], 1.0, 3),
        ([[1, 0], [2, 0]], [0, 0], 1.0, 2),
        # Parallel: a strip, with both, one or none of the half-planes.
        ([[1, 0], [-1, 0]], [0.5, 0.5], 1.0, 3),
        ([[1, 0], [-1, 0]], [-0.5, -0.5], 1.0, 3),
        # A tangent touches at one point; just outside it does not.
        ([[3, 4]], [-10], 2.0, 2),
        ([[3, 4]], [-10 - 2**-40], 2.0, 1),
        ([[3, 4]], [10], 2.0, 1),
        # Two lines that meet on the circle, at (0.6, 0.8) times 5.
        ([[1, 0], [0, 1]], [-3, -4], 5.0, 4),
        ([[1, 0], [0, 1]], [-3, -4 - 2**-40], 5.0, 3),
        # Rows without a line, and a ball that is a point.
        ([[0, 0], [0, 0], [0, 0]], [0.0, -1e-300, -math.inf], 1.0, 1),
        ([[1, 0], [0, 1]], [0, -1], 0.0, 1),
        ([[5.0, 1.0]], [-math.inf], 1.0, 1),
        # A normal so small that its square underflows.
        ([[1e-300, 0], [0, 1e-300]], [0, 0], 1.0, 4),
    ],
)
def test_cases_by_hand(normals, offsets, epsilon, count):
    assert trace_count(robust_sets(normals, offsets, epsilon), "robust_sets") == count


def test_robust_sets_on_the_line():
    """On [-1, 1] rays from -1/2 up, and from 1/2 down: three subsets."""
    sets = robust_sets([[1.0], [-1.0]], [0.5, 0.5])
    assert listed(sets) == {(True, True), (True, False), (False, True)}


def test_single_precision_is_taken_as_it_is_stored():
    sets = RobustSets(
        normals=torch.tensor([[0.1, 0.0], [-0.1, 0.0]]),
        offsets=torch.tensor([-0.01, 0.01]),
        epsilon=1.0,
    )
    assert trace_count(sets, "robust_sets") == 3


# --- other families --------------------------------------------------------------


def separable(points, inside):
    """Whether some affine function is at least 1 on some, at most -1 on the others."""
    signs = np.where(inside, 1.0, -1.0)
    rows = -signs[:, None] * np.column_stack([points, np.ones(len(points))])
    free = [(None, None)] * rows.shape[1]
    return linprog(
        np.zeros(rows.shape[1]), rows, -np.ones(len(rows)), bounds=free
    ).success


def separable_subsets(points):
    return {
        inside
        for inside in itertools.product([False, True], repeat=len(points))
        if separable(points, np.array(inside))
    }


@pytest.mark.parametrize("seed", range(12))
def test_half_planes_cut_out_what_linear_programs_separate(seed):
    """Whole numbers: points coincide, or lie on one line, now and then."""
    rng = np.random.default_rng(seed)
    points = rng.integers(-2, 3, size=(int(rng.integers(1, 7)), 2)).astype(float)
    found = traces(torch.from_numpy(points), "half_planes").tolist()
    assert {tuple(row) for row in found} == separable_subsets(points)


@pytest.mark.parametrize("seed", range(30))
def test_rectangles_by_bounding_boxes(seed):
    """A subset is cut out if its bounding box holds no other point."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, size=(int(rng.integers(1, 7)), 2))
    expected = {(False,) * len(points)}
    for inside in itertools.product([False, True], repeat=len(points)):
        if any(inside):
            low, high = points[list(inside)].min(0), points[list(inside)].max(0)
            held = ((points >= low) & (points <= high)).all(axis=1)
            expected.add(tuple(held.tolist()))
    found = traces(torch.from_numpy(points).double(), "rectangles").tolist()
    assert {tuple(row) for row in found} == expected


def test_the_papers_three_points():
    """Rectangles shatter some three points, but not three on a slope."""
    triangle = torch.tensor([[0.0, 1.0], [1.0, 2.0], [2.0, 0.0]])
    slope = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert trace_count(triangle, "rectangles") == 8
    assert trace_count(slope, "rectangles") == 7
    assert [True, False, True] not in traces(slope, "rectangles").tolist()


def test_more_points_than_bits_in_a_byte():
    """On a slope, rectangles cut out the runs."""
    points = torch.arange(20.0)[:, None].expand(20, 2)
    found = traces(points, "rectangles")
    assert found.shape == (1 + 20 * 21 // 2, 20)
    # Each run is cut out once: it starts once and never again after it ended.
    starts = np.diff(found.astype(int), axis=1, prepend=0).clip(0).sum(axis=1)
    assert starts.tolist().count(0) == 1
    assert starts.max() == 1


# --- bad input ------------------------------------------------------------------


def fails(error, words):
    return pytest.raises(error, match=re.escape(words))


POINTS = torch.ones(3, 2)
SETS = RobustSets(normals=torch.ones(3, 2), offsets=torch.ones(3), epsilon=1.0)
CUBE = RobustSets(normals=torch.ones(3, 3), offsets=torch.ones(3), epsilon=1.0)


@pytest.mark.bad_input
@pytest.mark.parametrize("call", [trace_count, traces])
def test_points_and_families(call):
    with fails(ValueError, "points must be (n, 2) with n at least 1, got ("):
        call(torch.ones(0, 2), "rectangles")
    with fails(ValueError, "at least 1, got (3,)"):
        call(torch.ones(3), "rectangles")
    with fails(ValueError, "points must be finite, got 1 NaN or infinite entries"):
        call(torch.tensor([[math.nan, 0.0]]), "rectangles")
    with fails(ValueError, "points must be (n, 2) with n at least 1, got ("):
        call(torch.ones(2, 3), "half_planes")
    with fails(ValueError, "family must be one of 'rectangles', 'half_planes', got"):
        call(POINTS, "discs")
    with fails(ValueError, "got 'robust_sets'"):
        call(POINTS, "robust_sets")
    with fails(ValueError, "d of 1 or 2, got 'robust_sets' and d = 3."):
        call(CUBE, "robust_sets")
    with fails(ValueError, "got 'rectangles' and d = 2."):
        call(SETS, "rectangles")
    with fails(TypeError, "points must be a torch.Tensor, got list"):
        call([[0.0, 1.0]], "rectangles")
