"""Half-planes in a disc, against brute force and cases known by hand."""

import itertools
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

from paper_lib.arrangement import cells, line_sweep, maximum_coverage, vertices
from paper_lib.arrangement.line_sweep import sweep
from paper_lib.plotting.half_planes import plot_half_planes
from paper_lib.robust_sets import RobustSets

DIRECTIONS = np.exp(2j * np.pi * np.arange(48) / 48)


def random_planes(seed, spread=0.6):
    rng = np.random.default_rng(seed)
    num = int(rng.integers(1, 13))
    normals = rng.normal(size=(num, 2)) * 10.0 ** rng.uniform(-3, 3, size=(num, 1))
    radius = float(10.0 ** rng.uniform(-2, 2))
    lengths = np.hypot(*normals.T)
    offsets = lengths * radius * rng.normal(-0.3, spread, size=num)
    return normals, offsets, radius


def counted(normals, offsets, points):
    return (points @ normals.T + offsets >= 0).sum(axis=1)


def brute_force(normals, offsets, radius):
    """Count around every meeting of two lines, or of a line with the circle."""
    points = [np.zeros(2)]
    for (c, b), (e, f) in itertools.combinations(zip(normals, offsets, strict=True), 2):
        points.append(np.linalg.solve(np.stack([c, e]), [-b, -f]))
    for c, b in zip(normals, offsets, strict=True):
        foot, length = -b * c / (c @ c), math.hypot(*c)
        half = radius**2 - foot @ foot
        if half > 0:
            along = np.array([-c[1], c[0]]) / length * math.sqrt(half)
            points += [foot + along, foot - along]
    points = np.stack(points)
    steps = np.stack([DIRECTIONS.real, DIRECTIONS.imag], axis=1) * radius * 1e-6
    around = (points[:, np.newaxis] + steps).reshape(-1, 2)
    around = around[np.hypot(*around.T) <= radius]
    return int(counted(normals, offsets, around).max())


@pytest.mark.parametrize("seed", range(100))
def test_the_maximum_is_that_of_brute_force(seed):
    normals, offsets, radius = random_planes(seed)
    found = maximum_coverage(normals, offsets, radius)
    assert found.count == brute_force(normals, offsets, radius)
    assert found.count == found.satisfied.sum()
    assert found.slack > 1e-9 * radius
    inside = normals @ found.point + offsets
    assert np.array_equal(inside >= 0, found.satisfied)
    assert math.hypot(*found.point) + found.slack <= radius * (1 + 1e-12)
    room = inside[found.satisfied] / np.hypot(*normals[found.satisfied].T)
    assert room.min(initial=np.inf) >= found.slack * (1 - 1e-9)


@pytest.mark.parametrize("seed", range(24))
def test_cells_fill_the_disc_and_hold_the_maximum(seed):
    normals, offsets, radius = random_planes(seed)
    found = cells(normals, offsets, radius)
    total = sum(cell.area for cell in found)
    assert total == pytest.approx(math.pi * radius**2, rel=1e-12)
    patterns = {tuple(cell.satisfied.tolist()) for cell in found}
    assert len(patterns) == len(found)
    best = max(int(cell.satisfied.sum()) for cell in found)
    assert best == maximum_coverage(normals, offsets, radius).count
    for cell in found:
        signs = normals @ cell.interior + offsets >= 0
        assert np.array_equal(signs, cell.satisfied)
        # Corners belong to the closure, and an outline's polygon to the cell.
        scale = np.hypot(*normals.T) * radius
        level = (cell.vertices @ normals.T + offsets) / scale
        assert (np.where(cell.satisfied, level, -level) >= -1e-9).all()
        assert polygon_area(cell.outline(2_000)) == pytest.approx(
            cell.area, rel=1e-3, abs=1e-6 * radius**2
        )


def polygon_area(points):
    x, y = points.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def test_areas_agree_with_sampling():
    """An oracle that knows nothing of arcs: a fine grid over the disc."""
    normals, offsets, _ = random_planes(3)
    offsets = offsets / np.hypot(*normals.T)
    normals = normals / np.hypot(*normals.T)[:, np.newaxis]
    offsets = 0.4 * np.tanh(offsets)
    axis = (np.arange(600) + 0.5) / 300 - 1
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    grid = grid[np.hypot(*grid.T) <= 1]
    signs = grid @ normals.T + offsets >= 0
    found = cells(normals, offsets, 1.0)
    assert len(found) > 5
    for cell in found:
        share = (signs == cell.satisfied).all(axis=1).mean()
        assert cell.area / math.pi == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize("num", [1, 2, 5, 16])
def test_lines_in_general_position_make_every_cell(num):
    """Tangents to a small circle at irregular angles: all meet far inside the disc."""
    rng = np.random.default_rng(num)
    angles = (np.arange(num) + rng.uniform(0.3, 0.7, size=num)) * np.pi / num
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    offsets = rng.uniform(-0.01, 0.01, size=num)
    found = cells(normals, offsets, 1.0)
    assert len(found) == (num**2 + num + 2) // 2
    assert sum(cell.area for cell in found) == pytest.approx(math.pi, rel=1e-12)
    found = vertices(normals, offsets, 1.0)
    inner = (np.hypot(*found.T) < 0.999).sum()
    assert inner == num * (num - 1) // 2
    assert len(found) == inner + 2 * num


def test_corners_of_a_quarter():
    quarter = next(
        cell for cell in cells(np.eye(2), np.zeros(2), 2.0) if cell.satisfied.all()
    )
    assert quarter.area == pytest.approx(math.pi)
    corners = {tuple(np.round(corner, 12)) for corner in quarter.vertices}
    assert corners == {(0.0, 0.0), (2.0, 0.0), (0.0, 2.0)}
    centroid = 8 / (3 * math.pi)  # of a quarter disc of radius 2
    assert quarter.interior.tolist() == pytest.approx([centroid, centroid])
    (k,) = np.flatnonzero(quarter.is_arc)
    assert quarter.vertices[k].tolist() == pytest.approx([2.0, 0.0])


def test_a_segment_of_the_disc_by_hand():
    """Height 1/2 of the unit disc: area pi/3 - sqrt(3)/4."""
    small, large = sorted(
        cells(np.array([[0.0, 3.0]]), np.array([-1.5]), 1.0), key=lambda c: c.area
    )
    assert small.area == pytest.approx(math.pi / 3 - math.sqrt(3) / 4, rel=1e-13)
    assert small.area + large.area == pytest.approx(math.pi, rel=1e-14)
    for cell in (small, large):  # two corners, whatever the disc was made of
        assert sorted(cell.is_arc.tolist()) == [False, True]
        assert np.abs(cell.vertices[:, 0]) == pytest.approx([math.sqrt(0.75)] * 2)
        assert cell.vertices[:, 1] == pytest.approx([0.5, 0.5])
    assert (small.satisfied.tolist(), large.satisfied.tolist()) == ([True], [False])


def test_vertices_outside_the_disc_are_left_out():
    """Lines at x = 0.9 with y = 0.4 inside, with y = 0.5 outside the unit disc."""
    for height, inner in ((0.4, [[0.9, 0.4]]), (0.5, [])):
        offsets = np.array([-0.9, -height])
        found = vertices(np.eye(2), offsets, 1.0)
        assert found[np.hypot(*found.T) < 0.999].tolist() == inner
        assert len(found) == 4 + len(inner)


def test_parts_too_small_to_tell_from_rounding_stay_with_their_neighbor():
    """Three lines around a triangle of area 1e-18, and around one of 1e-6."""
    for distance, num in ((1e-9, 6), (1e-3, 7)):
        found = cells(STAR, np.full(3, distance), 1.0)
        assert len(found) == num
        assert sum(cell.area for cell in found) == pytest.approx(math.pi, rel=1e-14)


STAR = np.array([[math.cos(a), math.sin(a)] for a in (0.3, 2.4, 4.5)])


def test_three_half_planes_that_meet_in_the_center_alone():
    found = maximum_coverage(STAR, np.zeros(3), 1.0)
    assert (found.count, found.slack) == (3, 0.0)
    assert found.point.tolist() == [0.0, 0.0]
    apart = maximum_coverage(STAR, np.full(3, -1e-6), 1.0)
    assert apart.count == 2
    assert apart.slack > 0.1


def test_three_half_planes_that_meet_elsewhere():
    """The center moved, and the rows scaled: rounding stays within the slack."""
    scales, center = np.array([1.0, 1e5, 1e-5]), np.array([0.3, 0.2])
    normals = STAR * scales[:, np.newaxis]
    found = maximum_coverage(normals, -(normals @ center), 1.0)
    assert found.count == 3
    assert found.point.tolist() == pytest.approx([0.3, 0.2], abs=1e-11)
    *_, solid, last = sweep(normals, -(normals @ center), 1.0)
    assert (solid.count, last.count) == (2, 3)
    assert solid.slack > 0.1


def test_vertices_are_exact_where_numbers_are():
    """Three lines through (1/4, 1/2), in dyadic numbers: an exact maximum of 3."""
    normals = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    offsets = np.array([-0.25, -0.5, 0.75])
    found = maximum_coverage(normals, offsets, 1.0)
    x, y = (Fraction(value) for value in found.point.tolist())
    slacks = [
        Fraction(a) * x + Fraction(b) * y + Fraction(c)
        for (a, b), c in zip(normals.tolist(), offsets.tolist(), strict=True)
    ]
    assert (found.count, max(map(abs, slacks)) < Fraction(1, 2**50)) == (3, True)


def test_half_planes_that_share_one_line():
    """Opposite sides of the line x = 1/2, and one that cuts it in two."""
    normals = np.array([[1.0, 0.0], [-3.0, 0.0], [0.0, 1.0]])
    found = maximum_coverage(normals, np.array([-0.5, 1.5, 0.0]), 1.0)
    assert found.count == 3
    assert found.point[0] == pytest.approx(0.5, abs=1e-12)
    assert found.point[1] == pytest.approx(math.sqrt(0.75) / 2)  # half the segment
    assert found.slack == pytest.approx(0.0, abs=1e-12)


def test_a_cell_is_preferred_to_a_longer_segment():
    """Rows 0 and 1 meet on a line alone, rows 0 and 2 in a small cell: both are two."""
    normals = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    found = maximum_coverage(normals, np.array([0.9, -0.9, -0.99]), 1.0)
    assert found.satisfied.tolist() == [True, False, True]
    assert found.slack > 1e-3


def test_duplicates_count_each_time():
    normals, offsets, radius = random_planes(7)
    scale = np.array([1.0, 3.0, 0.1])
    many = np.concatenate([factor * normals for factor in scale])
    shifts = np.concatenate([factor * offsets for factor in scale])
    once = maximum_coverage(normals, offsets, radius)
    assert maximum_coverage(many, shifts, radius).count == 3 * once.count
    assert len(cells(many, shifts, radius)) == len(cells(normals, offsets, radius))
    assert len(vertices(many, shifts, radius)) == len(
        vertices(normals, offsets, radius)
    )


def test_rows_that_are_decided_count_without_a_line():
    normals = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    offsets = np.array([0.0, -1e-9, -np.inf, 5.0, -5.0])
    expected = [True, False, False, True, False]
    found = maximum_coverage(normals, offsets, 2.0)
    assert (found.count, found.satisfied.tolist()) == (2, expected)
    assert (found.point.tolist(), found.slack) == ([0.0, 0.0], 2.0)
    (cell,) = cells(normals, offsets, 2.0)
    assert cell.satisfied.tolist() == expected
    assert cell.area == pytest.approx(4 * math.pi, rel=1e-14)
    assert cell.interior.tolist() == pytest.approx([0.0, 0.0], abs=1e-15)
    assert len(cell.vertices) == 0
    assert polygon_area(cell.outline()) == pytest.approx(4 * math.pi, rel=1e-3)
    assert len(vertices(normals, offsets, 2.0)) == 0


def test_a_tangent_touches_the_disc():
    normal, radius = np.array([[3.0, 4.0]]), 2.0
    found = maximum_coverage(normal, np.array([-10.0]), radius)
    assert (found.count, found.slack) == (1, pytest.approx(0.0, abs=1e-12))
    assert found.point.tolist() == pytest.approx([1.2, 1.6])
    assert maximum_coverage(normal, np.array([-10.0 - 1e-9]), radius).count == 0
    (cell,) = cells(normal, np.array([-10.0]), radius)
    assert cell.satisfied.tolist() == [False]
    (inner,) = cells(normal, np.array([10.0]), radius)
    assert inner.satisfied.tolist() == [True]
    assert maximum_coverage(normal, np.array([10.0]), radius).count == 1


def test_a_disc_of_radius_zero_is_its_center():
    found = maximum_coverage(np.eye(2), np.array([0.0, -1e-9]), 0.0)
    assert (found.count, found.satisfied.tolist()) == (1, [True, False])
    assert found.point.tolist() == [0.0, 0.0]
    assert cells(np.eye(2), np.zeros(2), 0.0) == ()
    assert len(vertices(np.eye(2), np.zeros(2), 0.0)) == 0


def test_no_row_at_all():
    none = np.zeros((0, 2)), np.zeros(0)
    assert maximum_coverage(*none, 1.0).count == 0
    assert len(cells(*none, 1.0)) == 1
    assert len(vertices(*none, 1.0)) == 0


def test_thin_cells_are_met_in_their_middle():
    """A strip of width 1e-8 holds two rows; everything else one."""
    normals = np.array([[1.0, 0.0], [-1.0, 0.0]])
    found = maximum_coverage(normals, np.array([-0.3, 0.3 + 1e-8]), 1.0)
    assert found.count == 2
    assert found.slack == pytest.approx(0.5e-8, rel=1e-4)


def test_a_sweep_over_many_lines_reports_on_the_way(monkeypatch):
    monkeypatch.setattr(line_sweep, "_RAYS_PER_STEP", 3000)
    rng = np.random.default_rng(0)
    normals, offsets = rng.normal(size=(120, 2)), rng.normal(-0.4, 0.5, size=120)
    counts = [found.count for found in sweep(normals, offsets, 1.0)]
    assert len(counts) > 2
    assert counts == sorted(counts)
    assert counts[-1] == maximum_coverage(normals, offsets, 1.0).count
    grid = rng.uniform(-1, 1, size=(20_000, 2))
    grid = grid[np.hypot(*grid.T) <= 1]
    assert 0 <= counts[-1] - counted(normals, offsets, grid).max() <= 3


def drawn(normals, offsets, **options):
    sets = RobustSets(
        normals=torch.tensor(normals), offsets=torch.tensor(offsets), epsilon=2.0
    )
    axis, bar = plot_half_planes(sets, **options).axes
    return axis, bar, sets


def test_a_drawing_shows_counts_lines_and_the_maximizer():
    """Two rows with a line in the disc, one without, and a point of one's own."""
    axis, bar, sets = drawn(
        [[3.0, 4.0], [-1.0, 2.0], [0.0, 1.0]],
        [-5.0, -1.0, 9.0],
        points={"ours": torch.tensor([0.5, -0.5])},
    )
    *lines, best, ours = axis.lines
    assert len(lines) == 2
    for line, normal, offset in zip(lines, sets.normals, sets.offsets, strict=False):
        ends = line.get_xydata()
        assert ends @ normal.double().numpy() + offset.item() == pytest.approx([0, 0])
        assert np.hypot(*ends.T) == pytest.approx([2.0, 2.0])
    assert sets.coverage(torch.tensor(best.get_xydata()[0]).float()) == 1.0
    assert best.get_label() == "maximizer: 3 of 3"
    assert (ours.get_label(), ours.get_xydata().tolist()) == ("ours", [[0.5, -0.5]])
    shades = axis.collections[0].get_array()
    assert sorted(shades.tolist()) == [1, 2, 2, 3]
    for path, count in zip(axis.collections[0].get_paths(), shades, strict=True):
        middle = torch.from_numpy(path.vertices[:-1].mean(axis=0)).float()
        assert sets.contains(middle).sum() == count
    assert bar.get_ylabel() == "rows that hold"


def test_ticks_point_to_the_side_that_holds():
    axis, _, sets = drawn([[1.0, 0.0]], [-1.0])
    (ticks,) = axis.collections[1:]
    for start, end in ticks.get_segments():
        assert start[0] == pytest.approx(1.0)
        assert sets.contains(torch.tensor(end).float()).all()


def test_a_drawing_of_rows_without_a_line():
    axis, _, _ = drawn([[0.0, 0.0], [1.0, 0.0]], [-math.inf, 5.0])
    assert [line.get_label() for line in axis.lines] == ["maximizer: 1 of 2"]


@pytest.mark.bad_input
@pytest.mark.parametrize(("dim", "epsilon"), [(3, 1.0), (2, 0.0)])
def test_what_cannot_be_drawn(dim, epsilon):
    sets = RobustSets(
        normals=torch.ones(1, dim), offsets=torch.ones(1), epsilon=epsilon
    )
    match = f"d = 2 and a positive budget, got d = {dim} and epsilon = {epsilon}"
    with pytest.raises(ValueError, match=match):
        plot_half_planes(sets)


@pytest.mark.bad_input
@pytest.mark.parametrize("call", [maximum_coverage, cells, vertices])
@pytest.mark.parametrize(
    ("normals", "offsets", "radius", "match"),
    [
        (np.ones((2, 3)), np.ones(2), 1.0, "(n, 2) and offsets (n,), got shapes (2, 3"),
        (np.ones((2, 2)), np.ones(3), 1.0, "got shapes (2, 2) and (3,)"),
        (np.full((1, 2), np.inf), np.ones(1), 1.0, "normals must be finite"),
        (np.ones((1, 2)), np.full(1, np.nan), 1.0, "offsets not NaN"),
        (np.ones((1, 2)), np.ones(1), -1.0, "radius must be finite and >= 0, got -1"),
        (np.ones((1, 2)), np.ones(1), np.nan, "radius must be finite"),
    ],
)
def test_what_is_no_arrangement(call, normals, offsets, radius, match):
    with pytest.raises(ValueError, match=re.escape(match)):
        call(normals, offsets, radius)
