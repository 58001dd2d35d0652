"""Every method behind one name: edge cases, limits, interrupts, certificates."""

import functools
import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.instances import planted_instance
from paper_lib.defense import (
    anytime,
    fit_defense,
    load_certificate,
    maximize_coverage,
    save_certificate,
    upper_bound,
)
from paper_lib.defense import maximize as driver
from paper_lib.defense.rows import as_perturbation, fingerprint, surely_satisfied
from paper_lib.defense.search import local_search
from paper_lib.defense.solution import Progress
from paper_lib.robust_sets import RobustSets
from tests.oracles import exact, exact_dot, fits_exactly
from tests.paper_lib.defense.defense_cases import (
    F32,
    F64,
    best_in_the_plane,
    count,
    make_sets,
    random_sets,
    scaled,
)

METHODS = ("auto", "search", "annealed", "ramp", "hitting_sets")


def with_more_rows(sets, normals, offsets):
    return RobustSets(
        normals=torch.cat([sets.normals, torch.tensor(normals, dtype=F64)]),
        offsets=torch.cat([sets.offsets, torch.tensor(offsets, dtype=F64)]),
        epsilon=sets.epsilon,
    )


PLAIN = random_sets(n=24, dim=5)
CASES = {
    "plain": PLAIN,
    "zero normals": with_more_rows(PLAIN, [[0.0] * 5] * 4, [1.0, -1.0, 0.0, -math.inf]),
    "duplicates": with_more_rows(PLAIN, PLAIN.normals.tolist(), PLAIN.offsets.tolist()),
    "no budget": random_sets(n=24, dim=5, epsilon=0.0),
    "one row": random_sets(n=1, dim=5, seed=3),
    "all satisfiable": make_sets([[1.0, 0.0, 0.0, 0.2]] * 5, [-0.3] * 5),
    "none satisfiable": make_sets([[1.0, 0.0, 0.0, 0.0]] * 5, [-2.0] * 5),
    "tiny": scaled(PLAIN, 1e-30),
    "huge": scaled(PLAIN, 1e30),
    "tiny as they get": scaled(PLAIN, 1e-290),
    "huge as they get": scaled(PLAIN, 1e200),
    "one dimension": random_sets(n=9, dim=1),
    "the plane": random_sets(n=12, dim=2),
    "three dimensions": random_sets(n=12, dim=3),
}


@pytest.fixture(scope="module", autouse=True)
def few_nodes():
    """Bounds that nobody waits for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "_FEW_NODES", 5)
        yield


@functools.cache
def solved(name, method="auto"):
    return maximize_coverage(CASES[name], method=method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_every_solution_is_feasible_counted_and_certified(name, method):
    sets = CASES[name]
    n = len(sets.offsets)
    found = solved(name, method)
    assert fits_exactly(found.perturbation, sets.epsilon)
    assert found.coverage == sets.coverage(found.perturbation)
    assert found.certificate.verify(sets)
    assert found.certificate.lower <= found.coverage <= found.certificate.upper
    assert found.stopped_by == "done"
    assert found.certificate.num_rows == n


def most(name):
    return round(len(CASES[name].offsets) * solved(name).coverage)


def test_the_counts_are_those_that_they_have_to_be():
    assert most("zero normals") == most("plain") + 2
    twice = solved("duplicates", "hitting_sets")
    assert round(48 * twice.coverage) == 2 * most("plain")
    assert twice.certificate.gap == 0.0
    assert most("no budget") == int((CASES["no budget"].offsets >= 0).sum())
    assert (most("all satisfiable"), most("none satisfiable")) == (5, 0)
    scales = ("tiny", "huge", "tiny as they get", "huge as they get")
    assert {most(name) for name in scales} == {most("plain")}


@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e30])
def test_single_precision_counts_as_double(factor):
    wide = random_sets(n=24, dim=5, dtype=F32)
    narrow = scaled(wide, factor)
    found = maximize_coverage(narrow)
    assert found.perturbation.dtype == F32
    assert found.certificate.verify(narrow)
    same = maximize_coverage(
        RobustSets(
            normals=wide.normals.double(),
            offsets=wide.offsets.double(),
            epsilon=wide.epsilon,
        )
    )
    assert count(narrow, found.perturbation) == count(wide, same.perturbation.float())


@pytest.mark.parametrize("seed", range(4))
def test_nothing_in_the_plane_exceeds_the_bound_and_exact_methods_reach_it(seed):
    sets = random_sets(n=11, dim=2, seed=seed, shift=-0.6)
    best = best_in_the_plane(sets)
    for method in ("auto", "plane", "boxes", "hitting_sets"):
        found = maximize_coverage(sets, method=method)
        assert count(sets, found.perturbation) == best
        assert found.certificate.upper_count == best
    certificate = upper_bound(sets, None, max_nodes=7)
    assert certificate.lower_count <= best <= certificate.upper_count


def test_auto_says_what_it_picked():
    picked = {name: solved(name).method for name in CASES}
    assert picked["one row"] == picked["none satisfiable"] == "closed_form"
    assert picked["the plane"] == "plane"
    assert picked["three dimensions"] == picked["one dimension"] == "boxes"
    assert picked["plain"] == "hitting_sets"
    assert maximize_coverage(random_sets(n=90, dim=6)).method == "search"


def test_planted_optima_are_found_and_proven():
    instance = planted_instance(0)
    found = maximize_coverage(instance.sets)
    assert count(instance.sets, found.perturbation) == 350
    assert found.certificate.upper_count == 350
    assert found.certificate.verify(instance.sets)


def test_without_a_time_limit_two_runs_are_equal_and_seeds_differ():
    sets = random_sets(n=90, dim=12, seed=4)
    before = sets.normals.clone()
    one, two = (maximize_coverage(sets, method="search", seed=5) for _ in range(2))
    assert torch.equal(one.perturbation, two.perturbation)
    assert one.certificate.upper_count == two.certificate.upper_count
    assert torch.equal(sets.normals, before)
    other = maximize_coverage(sets, method="search", seed=6)
    assert not torch.equal(one.perturbation, other.perturbation)


def test_more_time_gives_a_better_bound_and_is_kept(monkeypatch):
    """On a clock that moves when it is read; benchmarks measure a real one."""
    times = itertools.count(0, 0.01)
    clock = SimpleNamespace(perf_counter=lambda: next(times))
    monkeypatch.setattr(anytime, "time", clock)
    sets = random_sets(n=300, dim=20, seed=2, shift=-0.8)
    found = maximize_coverage(sets, time_limit=0.6)
    took = next(times)
    assert found.stopped_by == "time_limit"
    assert found.certificate.upper < 1.0
    assert found.certificate.verify(sets)
    assert 0.5 < took < 0.7


def interrupted(*points):
    for point in points:
        yield Progress(point=np.array(point))
    raise KeyboardInterrupt


def test_an_interrupt_returns_the_best_so_far(monkeypatch):
    sets = make_sets([[1.0, 0.0, 0.0, 0.0]] * 50, [-0.5] * 50)
    steps = interrupted([0.9, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    sets = with_conflict(sets)
    monkeypatch.setattr(driver, "exchange_search", lambda *a, **k: steps)
    found = maximize_coverage(sets, method="search")
    assert found.stopped_by == "interrupt"
    assert count(sets, found.perturbation) == 50
    assert found.certificate.verify(sets)


def test_an_interrupt_before_anything_was_found_still_certifies(monkeypatch):
    monkeypatch.setattr(local_search, "anneal_rows", interrupt)
    sets = random_sets(80, 6, seed=0)
    found = maximize_coverage(sets, method="search")
    assert found.stopped_by == "interrupt"
    assert found.perturbation.tolist() == [0.0] * 6
    assert found.coverage == sets.coverage(torch.zeros(6, dtype=torch.float64))
    assert found.certificate.verify(sets)


def interrupt(*args, **settings):
    raise KeyboardInterrupt


def with_conflict(sets):
    return with_more_rows(sets, [[-1.0, 0.0, 0.0, 0.0]], [-0.5])


def test_a_choice_is_not_made_on_interrupted_fits(monkeypatch):
    sets = random_sets(n=60, dim=6)
    monkeypatch.setattr(driver, "exchange_search", lambda *a, **k: interrupted())
    with pytest.raises(KeyboardInterrupt):
        fit_defense(sets, num_folds=2)


def test_a_start_is_the_witness_of_the_lower_bound():
    sets = random_sets(n=80, dim=6, seed=1)
    best = maximize_coverage(sets, method="search").perturbation
    certificate = upper_bound(sets, None, max_nodes=3, start=best)
    assert torch.equal(certificate.perturbation, best)
    assert certificate.verify(sets)
    assert upper_bound(sets, None, max_nodes=9).upper <= certificate.upper


@functools.cache
def kinds():
    plane = random_sets(n=12, dim=2)
    pairs = planted_instance(0, num_free=10, num_pairs=5, dim=6).sets
    many = random_sets(n=80, dim=10)
    return {
        "none": (plane, maximize_coverage(plane, method="annealed").certificate),
        "boxes": (plane, maximize_coverage(plane).certificate),
        "subsystems": (pairs, maximize_coverage(pairs).certificate),
        "quadratics": (many, upper_bound(many, None, max_nodes=15)),
    }


KINDS = ("none", "boxes", "subsystems", "quadratics")


def test_there_is_one_of_each_kind():
    names = {type(certificate.evidence).__name__ for _, certificate in kinds().values()}
    expected = {"NoneType", "BoxEvidence", "SubsystemEvidence", "QuadraticEvidence"}
    assert names == expected


@pytest.mark.parametrize("kind", KINDS)
def test_false_claims_are_rejected(kind):
    sets, certificate = kinds()[kind]
    assert certificate.verify(sets)
    if certificate.upper_count > certificate.lower_count:
        low = replace(certificate, upper_count=certificate.upper_count - 1)
    else:
        low = replace(
            certificate,
            upper_count=certificate.upper_count - 1,
            lower_count=certificate.lower_count - 1,
        )
    assert not low.verify(sets)
    reached = surely_satisfied(sets, certificate.perturbation).sum()
    high = replace(
        certificate,
        lower_count=int(reached) + 1,
        upper_count=max(certificate.upper_count, int(reached) + 1),
    )
    assert not high.verify(sets)
    outside = replace(certificate, perturbation=2.0 * certificate.perturbation + 1.0)
    assert not outside.verify(sets)
    short = replace(certificate, perturbation=certificate.perturbation[:1])
    assert not short.verify(sets)


@pytest.mark.parametrize("kind", KINDS)
def test_other_rows_are_refused_by_name(kind):
    sets, certificate = kinds()[kind]
    nudged = sets.offsets.clone()
    nudged[0] = nudged[0].nextafter(torch.tensor(9.0, dtype=F64))
    others = (
        RobustSets(normals=sets.normals, offsets=nudged, epsilon=sets.epsilon),
        RobustSets(normals=sets.normals, offsets=sets.offsets, epsilon=1.0 + 2**-50),
        RobustSets(
            normals=sets.normals.float(),
            offsets=sets.offsets.float(),
            epsilon=sets.epsilon,
        ),
    )
    for other in others:
        with pytest.raises(
            ValueError, match=r"^sets must be the rows this certificate"
        ):
            certificate.verify(other)


@pytest.mark.parametrize("kind", KINDS)
def test_certificates_survive_the_disk(kind, tmp_path):
    sets, certificate = kinds()[kind]
    path = tmp_path / "certificate.safetensors"
    save_certificate(certificate, path)
    again = load_certificate(path)
    assert again.verify(sets)
    assert torch.equal(again.perturbation, certificate.perturbation)
    assert (again.lower_count, again.upper_count, again.fingerprint) == (
        certificate.lower_count,
        certificate.upper_count,
        fingerprint(sets),
    )
    assert type(again.evidence) is type(certificate.evidence)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.bad_input
def test_files_that_are_no_certificates(tmp_path):
    _, certificate = kinds()["subsystems"]
    path = tmp_path / "certificate.safetensors"
    with pytest.raises(
        FileNotFoundError, match=r"^path must name a stored certificate"
    ):
        load_certificate(path)
    save_certificate(certificate, path)
    good = path.read_bytes()
    path.write_bytes(good[:-9])
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        load_certificate(path)
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(ValueError, match="is altered"):
        load_certificate(path)
    path.write_bytes(good.replace(b'certificate/1"', b'certificate/2"'))
    with pytest.raises(ValueError, match="must hold format"):
        load_certificate(path)


def test_counting_exactly_agrees_with_rational_numbers():
    """Rows exactly on the boundary, and off it by less than rounding."""
    sets = make_sets(
        [[0.5, 0.25, 0.125], [1 / 3, 0.1, 0.7], [3.0, 4.0, 0.0]],
        [-0.4375, -(1 / 3 * 0.5 + 0.1 * 0.5 + 0.7 * 0.5), -3.5],
    )
    v = torch.tensor([0.5, 0.5, 0.5], dtype=F64)
    exactly = [
        exact_dot(row, v) + b >= 0
        for row, b in zip(sets.normals, exact(sets.offsets), strict=True)
    ]
    assert surely_satisfied(sets, v).tolist() == exactly
    for signs in itertools.product((0.0, 9.0), repeat=2):
        moved = v.clone()
        moved[:2] = v[:2].nextafter(torch.tensor(signs, dtype=F64))
        exactly = [
            exact_dot(row, moved) + b >= 0
            for row, b in zip(sets.normals, exact(sets.offsets), strict=True)
        ]
        assert surely_satisfied(sets, moved).tolist() == exactly


def test_points_of_the_unit_ball_become_perturbations_inside():
    for dtype, epsilon in itertools.product((F32, F64), (1e-30, 0.1, 3.3, 1e20)):
        sets = random_sets(n=3, dim=7, epsilon=epsilon, dtype=dtype)
        u = np.random.default_rng(0).standard_normal(7)
        v = as_perturbation(u / np.linalg.norm(u), sets)
        assert fits_exactly(v, epsilon)
        assert float(v.double().norm()) > epsilon * (1 - 1e-5)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: maximize_coverage(PLAIN, method="best"), "^method must be one of"),
        (
            lambda: maximize_coverage(PLAIN, time_limit=0.0),
            "^time_limit must be finite",
        ),
        (
            lambda: maximize_coverage(PLAIN, time_limit=math.nan),
            "^time_limit must be finite",
        ),
        (lambda: upper_bound(PLAIN, math.inf), "^time_limit must be finite"),
        (lambda: upper_bound(PLAIN, max_nodes=0), "^max_nodes must be at least 1"),
        (
            lambda: upper_bound(PLAIN, start=torch.zeros(4, dtype=F64)),
            r"^start must have shape \(5,\)",
        ),
        (
            lambda: upper_bound(PLAIN, start=torch.ones(5, dtype=F64)),
            "^start must lie in the ball of radius 1.0",
        ),
        (lambda: maximize_coverage(PLAIN, seed=-1), "^seed must be an integer from 0"),
        (lambda: fit_defense(PLAIN, seed=0.5), "^seed must be an integer from 0"),
        (lambda: maximize_coverage(PLAIN, method="plane"), "dimension 2"),
        (lambda: maximize_coverage(PLAIN, method="closed_form"), "two rows"),
    ],
)
def test_bad_calls(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: maximize_coverage(PLAIN, time_limit="1"), "^time_limit must be sec"),
        (lambda: maximize_coverage(PLAIN, time_limit=True), "^time_limit must be sec"),
        (
            lambda: maximize_coverage(PLAIN, exchanges=2.5),
            "^exchanges must be an int",
        ),
        (lambda: upper_bound(PLAIN, max_nodes=1.5), "^max_nodes must be an integer"),
        (lambda: fit_defense(PLAIN, num_folds=2.0), "^num_folds must be an integer"),
    ],
)
def test_numbers_that_are_none(call, match):
    with pytest.raises(TypeError, match=match):
        call()
