"""Certificates of every kind: what holds verifies, and what was tampered with does not.

The truth comes from brute force. Evidence that was changed may prove less or nothing;
it must never prove more than the truth.
"""

import dataclasses
import functools
import itertools
import json
import math
import pickle

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from paper_lib.defense import (
    Certificate,
    load_certificate,
    maximize_coverage,
    ramp_ascent,
    save_certificate,
)
from paper_lib.defense.certificates.conflicts import matching_evidence
from paper_lib.defense.certificates.moments import moment_bounds
from paper_lib.defense.certificates.quadratics import QuadraticEvidence
from paper_lib.defense.certificates.subsystems import (
    WEIGHT_ONE,
    Lists,
    SubsystemEvidence,
)
from paper_lib.defense.exact.boxes import box_search
from paper_lib.defense.rows import fingerprint, surely_satisfied, unit_rows
from paper_lib.defense.solution import certify
from paper_lib.files import save_tensors
from paper_lib.robust_sets import RobustSets
from tests.oracles import exact, exact_dot, random_tensor
from tests.paper_lib.defense.defense_cases import few_rows, make_sets, most_satisfied

F32, F64 = torch.float32, torch.float64


def triangle():
    """Three rows 120 degrees apart of which any two exclude each other."""
    angles = np.array([0.0, 2.0, 4.0]) * np.pi / 3
    return make_sets(np.column_stack([np.cos(angles), np.sin(angles)]), [-0.8] * 3)


def branched_evidence():
    """Row 0 violated: rows 1 and 2 exclude each other; satisfied: both are lost."""
    return SubsystemEvidence(
        subsystems=Lists.of([np.array([0, 1]), np.array([0, 2]), np.array([1, 2])]),
        multipliers=np.ones(6),
        splits=np.array([0, -1, -1]),
        packings=Lists.of([np.array([2]), np.array([0, 1])]),
        weights=np.full(3, WEIGHT_ONE),
    )


@functools.cache
def case(kind):
    """Rows, a certificate, and the largest count there is."""
    if kind == "branched":
        sets, evidence = triangle(), branched_evidence()
    else:
        sets = few_rows(16, 2, seed=11, shift=-0.6)
        evidence = {
            "none": lambda: None,
            "pairs": lambda: matching_evidence(unit_rows(sets)),
            "quadratic": lambda: last_evidence(
                moment_bounds(sets, seed=0, max_nodes=31)
            ),
            "boxes": lambda: last_evidence(box_search(unit_rows(sets))),
        }[kind]()
    witness = ramp_ascent(sets).perturbation
    return sets, certify(sets, witness, evidence), most_satisfied(sets)


def last_evidence(steps):
    return [step.evidence for step in steps if step.evidence is not None][-1]


KINDS = ["none", "pairs", "branched", "quadratic", "boxes"]
PROVING = KINDS[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_certified_verifies_and_encloses_the_truth(kind):
    sets, certificate, most = case(kind)
    assert certificate.verify(sets)
    assert certificate.lower_count <= most <= certificate.upper_count
    if kind != "none":
        assert certificate.upper_count < certificate.num_rows
    if kind == "quadratic":
        assert len(certificate.evidence.ball_multipliers) > 2
        assert certificate.evidence is not None


@pytest.mark.parametrize("kind", KINDS)
def test_a_lower_upper_bound_than_the_evidence_proves_fails(kind):
    sets, certificate, most = case(kind)
    greedy = dataclasses.replace(
        certificate, lower_count=0, upper_count=certificate.upper_count - 1
    )
    assert not greedy.verify(sets)
    modest = dataclasses.replace(certificate, upper_count=certificate.num_rows)
    assert modest.verify(sets)
    assert greedy.upper_count < most or kind not in ("boxes", "branched")


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_lower_bound_than_the_witness_reaches_fails(kind):
    sets, certificate, _ = case(kind)
    greedy = dataclasses.replace(
        certificate,
        lower_count=certificate.lower_count + 1,
        upper_count=certificate.num_rows,
    )
    assert not greedy.verify(sets)


def test_a_witness_outside_the_ball_counts_nothing():
    """By one step of float64, or by more; and of another dimension."""
    sets = make_sets([[1.0, 0.0], [1.0, 0.0]], [-0.5, 0.0])
    inside = certify(sets, torch.tensor([1.0, 0.0], dtype=F64))
    assert (inside.lower_count, inside.verify(sets)) == (2, True)
    for point in (
        [math.nextafter(1.0, 2.0), 0.0],
        [1.0, 1e-9],
        [3.0, 0.0],
        [math.inf, 0.0],
        [1.0, math.nan],
        [math.nan, math.nan],
    ):
        outside = torch.tensor(point, dtype=F64)
        moved = dataclasses.replace(inside, perturbation=outside)
        assert not moved.verify(sets)
        assert not surely_satisfied(sets, outside).any()
    longer = torch.tensor([1.0, 0.0, 0.0], dtype=F64)
    assert not dataclasses.replace(inside, perturbation=longer).verify(sets)
    assert not dataclasses.replace(inside, num_rows=3, upper_count=3).verify(sets)


def test_a_row_missed_by_one_rounding_is_not_counted():
    """``0.1 x >= 0.01`` at x = 0.1: float64 products agree, the real numbers do not."""
    for normal, offset in ((0.1, -0.01), (0.3, -0.09), (0.7, -0.7 * 0.7)):
        sets = make_sets([[normal]], [offset])
        v = torch.tensor([normal], dtype=F64)
        n, b = normal.as_integer_ratio(), offset.as_integer_ratio()
        holds = n[0] ** 2 * b[1] + b[0] * n[1] ** 2 >= 0
        assert surely_satisfied(sets, v).tolist() == [holds]


def test_rows_that_overflow_are_judged():
    sets = make_sets(
        [[1e200, 1.0], [1e200, 1.0], [-1e200, 0.0]], [-math.inf, 1.0, 1e300], 1e200
    )
    v = torch.tensor([1e199, 0.0], dtype=F64)
    assert surely_satisfied(sets, v).tolist() == [False, True, False]


@pytest.mark.parametrize("scale", [1.0, 1e-160, 1e-200, 1e-290, 1e150, 1e200])
def test_rows_on_the_boundary_are_judged_without_rounding(scale):
    """Large terms cancel, and the offset is the float64 product or next to it."""
    for seed in range(100):
        normal = random_tensor(9, seed=seed) * scale
        v = random_tensor(9, seed=seed + 1000)
        v[1] = -v[0] * (normal[0] / normal[1])
        v = v / (4.0 * v.norm())
        offset = -(normal @ v)
        towards = torch.tensor(math.inf if seed % 2 else -math.inf, dtype=F64)
        if seed % 3:
            offset = torch.nextafter(offset, towards)
        sets = make_sets(normal[None], offset[None])
        holds = exact_dot(normal, v) + exact(offset[None])[0] >= 0
        assert surely_satisfied(sets, v).tolist() == [holds]


@pytest.mark.parametrize(("dtype", "size"), [(F32, 1e30), (F64, 1e300)])
def test_terms_that_overflow_do_not_decide_by_their_first(dtype, size):
    """In some orders a part of the sum is infinite; the whole is negative."""
    big = [2.5 * size, 2.5 * size, -3.0 * size, -3.0 * size]
    for row in set(itertools.permutations(big)):
        normals = torch.tensor([row], dtype=dtype)
        sets = make_sets(normals, [0.0], 1e20, dtype)
        v = torch.full((4,), 1e8, dtype=dtype)
        assert surely_satisfied(sets, v).tolist() == [False]
        assert surely_satisfied(sets, -v).tolist() == [True]


def one_step(values):
    moved = values.clone()
    flat = moved.view(-1)
    flat[0] = torch.nextafter(flat[0], torch.tensor(torch.inf, dtype=moved.dtype))
    return moved


OTHER_ROWS = {
    "a normal's last bit": lambda s: dataclasses.replace(
        s, normals=one_step(s.normals)
    ),
    "an offset's last bit": lambda s: dataclasses.replace(
        s, offsets=one_step(s.offsets)
    ),
    "single precision": lambda s: RobustSets(
        normals=s.normals.float(), offsets=s.offsets.float(), epsilon=s.epsilon
    ),
    "another budget": lambda s: dataclasses.replace(
        s, epsilon=math.nextafter(s.epsilon, 0.0)
    ),
    "another order": lambda s: dataclasses.replace(
        s, normals=s.normals.flip(0), offsets=s.offsets.flip(0)
    ),
    "fewer rows": lambda s: dataclasses.replace(
        s, normals=s.normals[1:], offsets=s.offsets[1:]
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", OTHER_ROWS.values(), ids=OTHER_ROWS.keys())
def test_other_rows_are_refused(kind, other):
    sets, certificate, _ = case(kind)
    changed = other(sets)
    match = (
        r"^sets must be the rows this certificate was made for, .*: other points, "
        r"another order or budget, or gradients of another processor"
    )
    with pytest.raises(ValueError, match=match):
        certificate.verify(changed)


def test_the_same_rows_elsewhere_in_memory_are_accepted():
    sets, certificate, _ = case("pairs")
    copied = RobustSets(
        normals=sets.normals.T.contiguous().T,
        offsets=sets.offsets.clone(),
        epsilon=sets.epsilon,
    )
    assert certificate.verify(copied)


# One array changed: to other values, kinds or shapes.


def spoiled_values(array):
    """Yield the array with entries changed, its shape and kind kept."""
    draw = np.random.default_rng(0)
    whole = np.issubdtype(array.dtype, np.integer)
    extremes = [-1, 0, 1, 2, 2**31, 2**62, -(2**62)]
    if not whole:
        extremes += [math.nan, math.inf, -math.inf, 1e308, -1e308, 1e200, 1e-320, 0.5]
    for extreme in extremes:
        with np.errstate(over="ignore"):
            value = np.array(extreme).astype(array.dtype)
        yield np.full_like(array, value)
        for place in {0, array.size // 2, array.size - 1} if array.size else ():
            one = array.copy()
            one.flat[place] = value
            yield one
    yield array[::-1].copy()
    yield draw.permutation(array)
    yield -array
    yield array * 2
    yield array // 2 if whole else array / 2
    yield np.roll(array, 1, axis=0)
    if not whole:
        for _ in range(20):
            noise = draw.standard_normal(array.shape) * draw.choice([1e-3, 0.1, 1.0])
            yield (array * (1.0 + noise)).astype(array.dtype)


def spoiled_forms(array):
    """Yield the array in other shapes and kinds."""
    yield from (array[:0], array[:-1], array[1:], np.concatenate([array, array]))
    yield from (array[np.newaxis], np.array(0, dtype=array.dtype))
    kinds = [np.int8, np.int32, np.uint64, np.float16, np.float32, np.float64, np.bool_]
    for kind in (*kinds, np.complex128):
        with np.errstate(invalid="ignore", over="ignore"):
            changed = array.astype(kind)
        yield changed
        if np.issubdtype(kind, np.floating):
            yield changed + np.array(0.4, dtype=kind)


def spoiled(evidence, spoil):
    """Yield the evidence with one array changed, lists inside it included."""
    for part in dataclasses.fields(evidence):
        value = getattr(evidence, part.name)
        changes = spoiled(value, spoil) if isinstance(value, Lists) else spoil(value)
        for change in changes:
            yield dataclasses.replace(evidence, **{part.name: change})


@pytest.mark.parametrize("kind", PROVING)
def test_evidence_with_other_numbers_never_proves_too_much(kind):
    sets, certificate, most = case(kind)
    proven = [
        changed.violated_at_least(sets)
        for changed in spoiled(certificate.evidence, spoiled_values)
    ]
    assert max(proven) <= certificate.num_rows - most
    assert min(proven) == -1
    assert len(proven) > 40


@pytest.mark.bad_input
@pytest.mark.parametrize("kind", PROVING)
def test_evidence_of_another_form_never_proves_too_much(kind):
    sets, certificate, most = case(kind)
    proven = [
        changed.violated_at_least(sets)
        for changed in spoiled(certificate.evidence, spoiled_forms)
    ]
    assert max(proven) <= certificate.num_rows - most
    assert min(proven) == -1


@pytest.mark.bad_input
def test_weights_have_to_be_whole_numbers():
    """A fraction would vanish where rows are loaded and be rounded up in the sum."""
    sets = triangle()
    pair = Lists.of([np.array([0, 1])])

    def proven(weights):
        return SubsystemEvidence(
            subsystems=pair,
            multipliers=np.ones(2),
            splits=np.array([-1]),
            packings=Lists.of([np.zeros(len(weights), dtype=np.int64)]),
            weights=weights,
        ).violated_at_least(sets)

    assert proven(np.array([WEIGHT_ONE])) == 1
    assert proven(np.array([WEIGHT_ONE, 0.9])) == -1


BRANCHED = {
    "splits that meet a row twice": {
        "splits": np.array([0, 0, -1, -1, -1]),
        "packings": Lists.of([np.array([2]), np.array([2]), np.array([0, 1])]),
        "weights": np.full(4, WEIGHT_ONE),
    },
    "a subsystem weighed twice": {
        "packings": Lists.of([np.array([2, 2]), np.array([0, 1])]),
        "weights": np.full(4, WEIGHT_ONE),
    },
    "a row loaded by more than one": {
        "splits": np.array([-1]),
        "packings": Lists.of([np.array([0, 1, 2])]),
        "weights": np.array([2**29, 2**29, 2**29 + 1]),
    },
    "a leaf left out": {
        "splits": np.array([0, -1]),
        "packings": Lists.of([np.array([2])]),
        "weights": np.full(1, WEIGHT_ONE),
    },
    "a leaf too many": {
        "splits": np.array([-1, -1]),
        "packings": Lists.of([np.array([2]), np.array([2])]),
        "weights": np.full(2, WEIGHT_ONE),
    },
    "no tree": {
        "splits": np.zeros(0, dtype=np.int64),
        "packings": Lists.of([]),
        "weights": np.zeros(0, dtype=np.int64),
    },
    "a weight above one": {"weights": np.array([WEIGHT_ONE + 1, 1, 1])},
    "a weight below zero": {"weights": np.array([WEIGHT_ONE, -1, WEIGHT_ONE])},
    "a row in place of another": {
        "subsystems": Lists.of([np.array([0, 1]), np.array([0, 2]), np.array([1, 1])])
    },
    "a subsystem of one row": {
        "subsystems": Lists.of([np.array([0]), np.array([0, 2]), np.array([1, 2, 2])])
    },
    "a subsystem of none": {
        "subsystems": Lists.of(
            [np.array([0, 1, 0]), np.array([2, 1, 2]), np.zeros(0, dtype=np.int64)]
        )
    },
    "a multiplier lowered": {"multipliers": np.array([1.0, 0.01, 1.0, 1.0, 1.0, 1.0])},
    "no multipliers": {"multipliers": np.zeros(6)},
    "a negative multiplier": {"multipliers": np.array([1.0, 1.0, -1.0, 1.0, 1.0, 1.0])},
    "a row that does not exist": {
        "subsystems": Lists.of([np.array([0, 1]), np.array([0, 3]), np.array([1, 2])])
    },
    "lists whose lengths wrap around": {
        "subsystems": Lists(
            starts=np.array([0, 2**62 + 1, -(2**62) - 1, 6]),
            items=np.array([0, 1, 0, 2, 1, 2]),
        )
    },
    "lists that run backwards": {
        "subsystems": Lists(
            starts=np.array([0, 4, 2, 6]), items=np.array([0, 1, 0, 2, 1, 2])
        )
    },
}


@pytest.mark.parametrize("changes", BRANCHED.values(), ids=BRANCHED.keys())
def test_a_packing_that_is_none(changes):
    sets = triangle()
    assert branched_evidence().violated_at_least(sets) == 2
    changed = dataclasses.replace(branched_evidence(), **changes)
    assert changed.violated_at_least(sets) == -1
    certificate = dataclasses.replace(
        certify(sets, torch.zeros(2, dtype=F64)), evidence=changed
    )
    assert not certificate.verify(sets)


def test_the_two_sides_of_a_branch_may_not_be_exchanged():
    changed = dataclasses.replace(
        branched_evidence(), packings=Lists.of([np.array([0, 1]), np.array([2])])
    )
    assert changed.violated_at_least(triangle()) == 1


def test_what_a_violated_row_covers_is_not_counted_again():
    """The least of the leaves counts, wherever it stands."""
    changed = dataclasses.replace(
        branched_evidence(),
        packings=Lists.of([np.array([0, 1]), np.array([0, 1])]),
        weights=np.full(4, WEIGHT_ONE),
    )
    assert changed.violated_at_least(triangle()) == 1


def test_a_fraction_of_a_row_is_a_row():
    halves = dataclasses.replace(
        branched_evidence(),
        splits=np.array([-1]),
        packings=Lists.of([np.arange(3)]),
        weights=np.full(3, WEIGHT_ONE // 2),
    )
    assert halves.violated_at_least(triangle()) == 2


def test_a_negative_multiplier_of_a_cut_would_prove_anything():
    """3/2 (|u|^2 - 1) + (1 - x^2) + (1 - y^2) is 1/2 or more: out of nothing."""
    sets = make_sets([[1.0, 0.0]], [0.5])
    evidence = QuadraticEvidence(
        directions=np.eye(2),
        splits=np.array([-1]),
        cuts=np.zeros(1),
        shifts=np.full((1, 1), np.nan, dtype=np.float32),
        ball_multipliers=np.array([1.5]),
        cut_multipliers=np.array([[-1.0, -1.0]]),
    )
    assert evidence.violated_at_least(sets) == -1


def half_lines(leaves, splits):
    """A line cut at zero; k rows of threshold 1/2, s = 1: no less than 5 k / 9."""
    count = len(leaves)
    rows = np.isfinite(leaves).sum(axis=1, keepdims=True)
    return QuadraticEvidence(
        directions=np.ones((1, 1)),
        splits=np.array(splits),
        cuts=np.zeros(len(splits)),
        shifts=np.array(leaves, dtype=np.float32).reshape(count, -1),
        ball_multipliers=np.full(count, 1e-6),
        cut_multipliers=rows * 8 / 9,
    )


def test_the_least_of_all_leaves_counts_and_none_may_be_missing():
    """Below zero one row is violated, above zero two."""
    sets = make_sets([[1.0], [-1.0], [-1.0]], [-0.5] * 3)
    below, above = [1.0, math.nan, math.nan], [math.nan, 1.0, 1.0]
    assert half_lines([below, above], [0, -1, -1]).violated_at_least(sets) == 1
    mirrored = make_sets([[-1.0], [1.0], [1.0]], [-0.5] * 3)
    above, below = below, above
    assert half_lines([below, above], [0, -1, -1]).violated_at_least(mirrored) == 1
    assert half_lines([below], [0, -1]).violated_at_least(mirrored) == -1
    assert half_lines([below, above], [-1, 0, -1]).violated_at_least(mirrored) == -1


def slices(ball_multiplier):
    """Forty slices of [-1, 1]: the rows count at the ends, the ball in between."""
    cuts = np.linspace(-1.0, 1.0, 41)[1:-1]
    shifts = np.full((40, 2), np.nan, dtype=np.float32)
    shifts[:2, 0] = shifts[-2:, 1] = 1.0
    multipliers = np.full((40, 1), 20.0)
    multipliers[[0, 1, -2, -1]] = 150.0
    return QuadraticEvidence(
        directions=np.ones((1, 1)),
        splits=np.array([*([0, -1] * 39), -1]),
        cuts=np.array([*np.column_stack([cuts, np.zeros(39)]).ravel(), 0.0]),
        shifts=shifts,
        ball_multipliers=np.full(40, ball_multiplier),
        cut_multipliers=multipliers,
    )


def test_a_negative_multiplier_of_the_ball_would_too():
    """``|x| <= 0.9``: violated at the ends alone."""
    sets = make_sets([[1.0], [-1.0]], [0.9, 0.9])
    assert slices(-10.0).violated_at_least(sets) == -1
    assert slices(1e-6).violated_at_least(sets) <= 0


def test_rows_that_only_touch_exclude_nothing():
    """``x >= 1/2`` and ``-x >= -1/2`` share a line: no multipliers prove otherwise."""
    sets = make_sets([[1.0, 0.0], [-1.0, 0.0]], [-0.5, 0.5])
    for ratio in (1.0, 1.0 - 2.0**-50, 1.0 + 2.0**-50):
        touching = SubsystemEvidence(
            subsystems=Lists.of([np.array([0, 1])]),
            multipliers=np.array([1.0, ratio]),
            splits=np.array([-1]),
            packings=Lists.of([np.array([0])]),
            weights=np.array([WEIGHT_ONE]),
        )
        assert touching.violated_at_least(sets) == -1


def test_bounds_that_enclose_nothing_are_refused():
    _, certificate, _ = case("none")
    for lower, upper in ((-1, 3), (4, 3), (0, 17)):
        with pytest.raises(ValueError, match=r"^a certificate needs 0 <= lower_count"):
            dataclasses.replace(certificate, lower_count=lower, upper_count=upper)


# On disk.


def arrays_of(value):
    """Collect the arrays of evidence."""
    parts = [getattr(value, part.name) for part in dataclasses.fields(value)]
    return [
        array
        for part in parts
        for array in (arrays_of(part) if isinstance(part, Lists) else [part])
    ]


def check_round_trip(sets, certificate, path):
    save_certificate(certificate, path)
    found = load_certificate(path)
    assert found.verify(sets)
    assert torch.equal(found.perturbation, certificate.perturbation)
    assert found.perturbation.dtype == sets.normals.dtype
    assert type(found.evidence) is type(certificate.evidence)
    for name in ("num_rows", "lower_count", "upper_count", "fingerprint"):
        assert getattr(found, name) == getattr(certificate, name)
    if found.evidence is not None:
        pairs = zip(
            arrays_of(found.evidence), arrays_of(certificate.evidence), strict=True
        )
        for left, right in pairs:
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_certificate_comes_back_as_it_was(kind, tmp_path):
    sets, certificate, _ = case(kind)
    check_round_trip(sets, certificate, tmp_path / "proof.safetensors")


def test_a_certificate_of_single_precision_rows_does_too(tmp_path):
    sets = few_rows(12, 2, seed=7, shift=-0.6, dtype=F32)
    certificate = certify(
        sets, ramp_ascent(sets).perturbation, matching_evidence(unit_rows(sets))
    )
    check_round_trip(sets, certificate, tmp_path / "proof.safetensors")
    wider = dataclasses.replace(
        certificate, perturbation=certificate.perturbation.double()
    )
    assert not wider.verify(sets)


def test_storing_twice_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "proof.safetensors"
    for kind in ("quadratic", "none"):
        save_certificate(case(kind)[1], path)
    assert load_certificate(path).evidence is None
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def content_of(path):
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


@pytest.mark.bad_input
def test_a_file_that_was_edited_is_refused(tmp_path):
    path = tmp_path / "proof.safetensors"
    save_certificate(case("quadratic")[1], path)
    arrays, metadata = content_of(path)
    for name, array in arrays.items():
        changed = array.copy()
        changed.flat[:1] = -5
        if array.size:
            save_file({**arrays, name: changed}, path, metadata=metadata)
            with pytest.raises(ValueError, match=r"is altered: .* sha256 .*, got"):
                load_certificate(path)
    claims = json.loads(metadata["claims"]) | {"upper_count": 1, "lower_count": 0}
    save_file(arrays, path, metadata={**metadata, "claims": json.dumps(claims)})
    with pytest.raises(ValueError, match=r"proof\.safetensors is altered"):
        load_certificate(path)


@pytest.mark.bad_input
def test_files_that_are_no_certificates(tmp_path):
    path = tmp_path / "proof.safetensors"
    with pytest.raises(FileNotFoundError, match=r"^path must name a stored certif"):
        load_certificate(path)
    with pytest.raises(FileNotFoundError, match=r"^path must name a stored certif"):
        load_certificate(tmp_path)
    for content in (b"", b"words", pickle.dumps({"a": 1})):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a readable safetensors file"):
            load_certificate(path)
    save_certificate(case("boxes")[1], path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"is not a readable safetensors file"):
        load_certificate(path)
    save_file({"perturbation": np.zeros(2)}, path, metadata={"format": "weights/1"})
    with pytest.raises(ValueError, match=r"must hold format .*, got 'weights/1'"):
        load_certificate(path)
    save_file({"perturbation": np.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"must hold format .*, got None"):
        load_certificate(path)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "claims",
    [
        "{}",
        "3",
        "[]",
        "null",
        "not json",
        '{"evidence": "os.system"}',
        '{"evidence": ["BoxEvidence"]}',
        '{"evidence": null, "num_rows": 1}',
        '{"evidence": null, "num_rows": "1", "lower_count": 0, "upper_count": 1,'
        ' "fingerprint": ""}',
        '{"evidence": "BoxEvidence", "num_rows": 1, "lower_count": 0,'
        ' "upper_count": 1, "fingerprint": ""}',
    ],
)
def test_a_file_with_a_right_checksum_and_wrong_claims(claims, tmp_path):
    """Whoever can write a checksum still cannot make reading fail oddly."""
    path = tmp_path / "proof.safetensors"
    form = ("paper-lib/certificate/1", "claims")
    save_tensors(path, {"perturbation": np.zeros(2)}, claims, form)
    with pytest.raises(ValueError, match=r"proof\.safetensors holds no certificate"):
        load_certificate(path)


def test_a_certificate_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "proof.safetensors"
    save_certificate(case("none")[1], path)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("paper_lib.files.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_certificate(case("boxes")[1], path)
    assert isinstance(load_certificate(path), Certificate)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def forged(sets, **changes):
    """One leaf, no cut in the tree, and a direction that pretends to bind."""
    num, dim = sets.normals.shape
    arrays = {
        "directions": np.ones((1, dim)) / dim**0.5,
        "splits": np.array([-1]),
        "cuts": np.zeros(1),
        "shifts": np.full((1, num), 2.0, dtype=np.float32),
        "ball_multipliers": np.array([1e-6]),
        "cut_multipliers": np.array([[1.0]]),
    }
    return QuadraticEvidence(**{**arrays, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"directions": np.array([[1e-25]], np.float32), "cut_multipliers": [[1e60]]},
        {"directions": np.array([[1e-163]]), "cut_multipliers": [[1e300]]},
        {"directions": np.array([[1e-4]], np.float16), "cut_multipliers": [[1e20]]},
        {"directions": np.array([[1e-162]]), "cut_multipliers": [[1.79e308]]},
        {"ball_multipliers": np.array([1e200])},
        {"cut_multipliers": np.array([[1.0]], np.float32)},
    ],
)
def test_a_direction_without_length_or_precision_binds_nothing(changes):
    """Rows that one v satisfies together: no evidence may say otherwise."""
    sets = RobustSets(
        normals=torch.ones(3, 1, dtype=torch.float64),
        offsets=torch.full((3,), -0.5, dtype=torch.float64),
        epsilon=1.0,
    )
    arrays = {name: np.asarray(value) for name, value in changes.items()}
    assert forged(sets, **arrays).violated_at_least(sets) <= 0


LARGE, SMALL = 1.7e308, 5e-324


@pytest.mark.parametrize(
    ("normals", "offsets", "epsilon", "count"),
    [
        (
            [[0.99, 0.99], [-0.5, -0.5]],
            [1.6e308, -0.3 * 0.7071 * LARGE],
            LARGE,
            2,
        ),
        ([[0.69], [-0.91]], [-2 * SMALL, 3 * SMALL], 5 * SMALL, 2),
        ([[0.99 * 2**-10] * 4], [-1.9 * 2**-10 * 1e308], 1.79e308, 1),
    ],
)
def test_budgets_at_the_ends_of_the_floats_are_not_overclaimed(
    normals, offsets, epsilon, count
):
    sets = RobustSets(
        normals=torch.tensor(normals, dtype=torch.float64),
        offsets=torch.tensor(offsets, dtype=torch.float64),
        epsilon=epsilon,
    )
    for method in ("auto", "boxes", "search"):
        certificate = maximize_coverage(sets, method=method).certificate
        assert certificate.upper_count >= count


def test_fingerprints_tell_budgets_offsets_and_normals_apart():
    normals = random_tensor(3, 2).float()
    family = [
        RobustSets(normals=normals, offsets=offsets, epsilon=epsilon)
        for epsilon in (0.5, 1.0)
        for offsets in (torch.zeros(3), torch.ones(3))
    ]
    names = {fingerprint(sets) for sets in family}
    assert len(names) == 4
    turned = [dataclasses.replace(sets, normals=-normals) for sets in family]
    assert not {fingerprint(sets) for sets in turned} & names


@pytest.mark.bad_input
@pytest.mark.parametrize("certificate", [0.5, np.zeros(3), None])
def test_what_is_no_certificate_is_not_stored(tmp_path, certificate):
    path = tmp_path / "proof"
    with pytest.raises(TypeError, match=r"^certificate must be a Certificate, got"):
        save_certificate(certificate, path)
    assert not path.exists()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Boast(SubsystemEvidence):
    """A subclass of a known kind that claims what it likes."""

    def violated_at_least(self, sets):
        """Claim every row."""
        return len(sets.offsets)


class Claim:
    """No known kind, but with the method of one."""

    def violated_at_least(self, sets):
        """Claim every row."""
        return len(sets.offsets)


class FreeLists(Lists):
    """Lists that call themselves valid."""

    def is_valid(self, bound):
        """Claim validity."""
        return True


@pytest.mark.bad_input
@pytest.mark.parametrize("forged", ["claim", "boast"])
def test_evidence_of_another_kind_is_refused(forged):
    sets, certificate, _ = case("branched")
    parts = {
        field.name: getattr(certificate.evidence, field.name)
        for field in dataclasses.fields(certificate.evidence)
    }
    evidence = Claim() if forged == "claim" else Boast(**parts)
    wrong = dataclasses.replace(
        certificate, lower_count=0, upper_count=0, evidence=evidence
    )
    with pytest.raises(TypeError, match=r"evidence must be None or one of Box.*, got "):
        wrong.verify(sets)


@pytest.mark.bad_input
def test_parts_of_other_kinds_prove_nothing():
    sets, certificate, _ = case("branched")
    evidence = certificate.evidence
    assert evidence.violated_at_least(sets) > 0
    lists = FreeLists(
        starts=evidence.subsystems.starts, items=evidence.subsystems.items
    )
    for change in (
        {"subsystems": lists},
        {"multipliers": evidence.multipliers.view(np.recarray)},
    ):
        assert dataclasses.replace(evidence, **change).violated_at_least(sets) == -1


def test_a_printed_solution_says_how_good_it_is_and_not_why():
    """The proof may hold thousands of numbers, which would bury the rest."""
    certificate = maximize_coverage(triangle()).certificate
    assert certificate.evidence is not None
    shown = repr(certificate)
    assert "lower_count=1, upper_count=1" in shown
    assert "Evidence" not in shown
    assert len(shown) < 300
