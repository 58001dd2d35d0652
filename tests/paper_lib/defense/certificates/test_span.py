"""Few rows in many dimensions: bounds in their span; results outlive bounds."""

import dataclasses
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch

from paper_lib.defense import maximize as methods
from paper_lib.defense import maximize_coverage, upper_bound
from paper_lib.defense.certificates.span import SafeSpan, span_basis
from paper_lib.defense.rows import SafeRows, safe_rows
from paper_lib.defense.search.min_norm import EMPTY, Gram, MinNorm
from paper_lib.game import equilibrium
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

F64 = torch.float64


def wide_sets(num=30, dim=400, seed=0, dtype=torch.float32, scale=1.0):
    """Rows of which many exclude each other, in many dimensions."""
    draw = torch.Generator().manual_seed(seed)
    normals = torch.randn(num, 8, generator=draw) @ torch.randn(8, dim, generator=draw)
    normals = normals + 0.1 * torch.randn(num, dim, generator=draw)
    share = 0.2 + 0.5 * torch.rand(num, generator=draw)
    return RobustSets(
        normals=(scale * normals).to(dtype),
        offsets=(-scale * normals.norm(dim=1) * share).to(dtype),
        epsilon=1.0,
    )


@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_bounds_in_the_span_verify_against_the_rows(dtype):
    sets = wide_sets(60, 900, dtype=dtype)
    solution = maximize_coverage(sets)
    certificate = solution.certificate
    assert certificate.verify(sets)
    assert certificate.lower_count <= certificate.upper_count < 60
    evidence = upper_bound(sets, None, max_nodes=3, start=solution.perturbation)
    assert evidence.verify(sets)
    greedy = dataclasses.replace(
        certificate, lower_count=0, upper_count=certificate.upper_count - 1
    )
    assert not greedy.verify(sets)


def test_the_span_leaves_nothing_out_unseen():
    """On random u of the ball: what fails the rows of the span fails the rows."""
    rows = safe_rows(wide_sets(20, 300, dtype=F64))
    draw = np.random.default_rng(0)
    good = span_basis(rows.normals)
    short = good[:, :15]  # a basis that misses some of the rows
    rough = good + 1e-6 * draw.normal(size=good.shape)
    skew = good * draw.uniform(0.9, 1.1, size=good.shape[1])
    for basis in (good, short, rough, skew):
        span = SafeSpan.of(basis)
        inside = span.rows(rows)
        for _ in range(50):
            u = draw.normal(size=300) + 3 * draw.normal(size=20) @ rows.normals
            u /= np.linalg.norm(u)
            y = basis.T @ u / span.stretch
            assert np.linalg.norm(y) <= 1.0
            # Thresholds at which the row of the span only just fails.
            just = inside.normals @ y
            asked = SafeRows(
                normals=rows.normals,
                thresholds=just * span.stretch
                + span.coordinates(rows.normals)[1]
                + 1e-12,
            )
            fails = inside.normals @ y < span.rows(asked).thresholds
            assert fails.mean() > 0.9
            assert (rows.normals @ u < asked.thresholds)[fails].all()


def test_bounds_are_rounded_outward():
    """In rational numbers: none proves more than it may, nor much less."""
    draw = np.random.default_rng(0)
    span = SafeSpan.of(np.linalg.qr(draw.normal(size=(9, 4)))[0])
    normals = draw.normal(size=(500, 9)) / 3
    low, high = np.sort(draw.normal(size=(2, 500)) * 10.0 ** draw.integers(-9, 3, 500))
    left_out = span.coordinates(normals)[1]
    lower, upper = span.slab(low, high, left_out)
    lowered = span.rows(SafeRows(normals=normals, thresholds=low)).thresholds
    for found, values, way in ((lower, low, -1), (upper, high, 1), (lowered, low, -1)):
        for bound, value, more in zip(found, values, left_out, strict=True):
            exact = (Fraction(value) + way * Fraction(more)) / Fraction(span.stretch)
            outward = way * (Fraction(bound) - exact)
            assert 0 <= outward <= 1e-14 * (1 + abs(value))
    # What bounds nothing goes on to bound nothing.
    none = np.array([np.inf])
    assert span.slab(-none, none, np.zeros(1)) == (-none, none)


def test_forgetting_what_is_left_out_would_be_noticed():
    """Negative control: a basis that misses rows, and no allowance for it."""
    rows = safe_rows(wide_sets(20, 300, dtype=F64))
    basis = span_basis(rows.normals)[:, :15]
    found, left_out = SafeSpan.of(basis).coordinates(rows.normals)
    assert left_out.max() > 1e-3
    u = rows.normals[-1]
    exact, short = rows.normals @ u, found @ (basis.T @ u)
    assert (np.abs(exact - short) <= left_out).all()
    assert (short < exact - 1e-3).any()


def test_a_vector_outside_of_the_span_changes_nothing():
    sets = wide_sets(14, 200, dtype=F64)
    for method in ("search", "annealed", "hitting_sets"):
        solution = maximize_coverage(sets, method)
        basis = span_basis(sets.normals.numpy())
        v = solution.perturbation.numpy()
        assert np.abs(v - basis @ (basis.T @ v)).max() <= 1e-9
        assert solution.certificate.verify(sets)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("no"), KeyboardInterrupt]
)
def test_what_was_found_outlives_its_bound(error, monkeypatch):
    sets = wide_sets(60, 100)
    whole = maximize_coverage(sets)

    def broken(*args, **settings):
        raise error
        yield

    monkeypatch.setattr(methods, "moment_bounds", broken)
    monkeypatch.setattr(methods, "matching_evidence", lambda sets: next(broken()))
    if error is KeyboardInterrupt:
        found = maximize_coverage(sets)
    else:
        with pytest.warns(RuntimeWarning, match=type(error).__name__):
            found = maximize_coverage(sets)
    assert found.coverage == whole.coverage > 0
    assert found.stopped_by == (
        "interrupt" if error is KeyboardInterrupt else "failure"
    )
    assert found.certificate.verify(sets)


def test_what_failed_before_anything_was_found_is_told(monkeypatch):
    def broken(*args, **settings):
        raise MemoryError
        yield

    monkeypatch.setattr(methods, "exchange_search", broken)
    with pytest.raises(MemoryError):
        maximize_coverage(wide_sets(60, 100))


def test_the_equilibrium_takes_a_time_limit(monkeypatch):
    draw = torch.Generator().manual_seed(0)
    lin = Linearization(
        logits=torch.randn(50, generator=draw),
        gradients=torch.randn(50, 20, generator=draw),
    )
    seen = []

    def spy(sets, **settings):
        seen.append(settings["time_limit"])
        return maximize_coverage(sets, **settings)

    module = sys.modules["paper_lib.game.smoothing"]
    monkeypatch.setattr(module, "maximize_coverage", spy)
    pair = equilibrium(lin, epsilon=0.3, time_limit=0.5)
    assert seen == [0.5]
    assert pair.solution.certificate.verify(pair.sets)


def test_a_start_with_a_graph_is_taken():
    sets = wide_sets(12, 5)
    start = torch.zeros(5, requires_grad=True)
    for v in (start, torch.nn.Parameter(torch.zeros(5)), start * 1.0):
        assert upper_bound(sets, None, max_nodes=1, start=v).verify(sets)


@pytest.mark.parametrize(("angle", "is_new"), [(2e-3, True), (5e-4, False)])
def test_rows_within_a_thousandth_depend_on_each_other(angle, is_new):
    """A row whose part outside the others' span is shorter than 0.001 is no new one.

    From both sides of the tolerance: a second row at this angle to the first asks for
    more, and the point moves along what the first leaves free, or not.
    """
    normals = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    # Were it a new one in both cases, both would hold the point.
    problem = MinNorm(Gram(normals), np.array([0.5, 0.5 * np.cos(angle) + 1e-7]))
    first = problem.add(EMPTY, 0, 1.0)
    both = problem.add(first, 1, 1.0)
    assert sorted(both.rows.tolist()) == ([0, 1] if is_new else [1])
