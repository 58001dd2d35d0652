"""Bad arguments that many functions take: each is named, with what was expected."""

import math
import re

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from paper_lib.attacks import PGD_READINGS, fgm, pgd
from paper_lib.checks import check_radius
from paper_lib.checks.arguments import available_device
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.data import LabeledImages
from paper_lib.defense import ramp_ascent
from paper_lib.evaluation import logits_at
from paper_lib.geometry import (
    in_l2_ball,
    project_l2_ball,
    sample_l2_ball,
    scale_to_radius,
)
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import (
    PairCNN,
    load_classifier,
    save_classifier,
    train_classifier,
)
from paper_lib.robust_sets import RobustSets
from tests.oracles import smooth_network
from tests.paper_lib.error_cases import (
    F64,
    LIN,
    META,
    MODEL,
    NAN_OR_INF,
    POINTS,
    SETS,
    STILL,
    poisoned,
    score,
)

pytestmark = pytest.mark.bad_input

# Every function that takes a budget, with the name of the argument.
BUDGETS = {
    "check_radius": (lambda r: check_radius(r, "budget"), "budget"),
    "in_l2_ball": (lambda r: in_l2_ball(POINTS, r), "radius"),
    "scale_to_radius": (lambda r: scale_to_radius(POINTS, r), "radius"),
    "project_l2_ball": (lambda r: project_l2_ball(POINTS, r), "radius"),
    "sample_l2_ball": (lambda r: sample_l2_ball(2, 2, r, seed=0), "radius"),
    "RobustSets": (
        lambda r: RobustSets(normals=POINTS, offsets=torch.ones(6), epsilon=r),
        "epsilon",
    ),
    "from_linearization": (
        lambda r: RobustSets.from_linearization(LIN, r),
        "epsilon",
    ),
    "attack_epsilon": (
        lambda r: RobustSets.from_linearization(LIN, 1.0, attack_epsilon=r),
        "attack_epsilon",
    ),
    "fgm": (lambda r: fgm(LIN, r), "epsilon"),
    "pgd": (lambda r: pgd(MODEL, POINTS, r), "epsilon"),
    "reading": (
        lambda r: PGD_READINGS["ball"].attack(MODEL, POINTS, r),
        "epsilon",
    ),
    "evaluate": (lambda r: score(epsilon=r), "epsilon"),
}


@pytest.mark.parametrize("budget", [-0.1, -1e-300, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("call", "name"), BUDGETS.values(), ids=BUDGETS.keys())
def test_budgets_that_are_none(call, name, budget):
    expected = rf"^{name} must be finite and >= 0, got {re.escape(str(budget))}\."
    with pytest.raises(ValueError, match=expected):
        call(budget)


@pytest.mark.parametrize("value", NAN_OR_INF)
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: linearize(MODEL, x), "inputs"),
        (lambda x: pgd(MODEL, x, 1.0), "inputs"),
        (lambda x: logits_at(MODEL, x), "inputs"),
        (lambda x: Linearization(logits=torch.ones(6), gradients=x), "gradients"),
        (lambda x: LIN.label_survives(x), r"perturbations\[0\]"),
        (lambda x: LIN.label_survives(STILL, x), r"perturbations\[1\]"),
        (lambda x: SETS.contains(x), "v"),
        (lambda x: SETS.coverage(x), "v"),
        (lambda x: check_finite(good=POINTS, x=x), "x"),
        (lambda x: score(pgd_attack=x), "pgd_attack"),
        (lambda x: logits_at(MODEL, POINTS, x), r"perturbations\[0\]"),
    ],
)
def test_what_is_not_finite_is_counted_and_located(call, name, value):
    expected = (
        rf"^{name} must be finite, got 5 NaN or infinite entries, the first at index "
        r"\(2, 1\)\."
    )
    with pytest.raises(ValueError, match=expected):
        call(poisoned((6, 4), (2, 1), value))


@pytest.mark.parametrize(
    ("v", "match"),
    [
        (torch.zeros(3), r"must have shape \(4,\) or \(k, 4\), got \(3,\)"),
        (torch.zeros(2, 3), r"must have shape \(4,\) or \(k, 4\), got \(2, 3\)"),
        (torch.zeros(1, 2, 4), r"must have shape .* got \(1, 2, 4\)"),
        (torch.tensor(0.0), r"must have shape .* got \(\)"),
        (torch.zeros(4, dtype=F64), "must have the dtype of normals, torch.float32"),
        (torch.zeros(4, device=META), "must have the device of normals, cpu, got meta"),
        (
            torch.zeros(4, dtype=torch.int64),
            "must be float32 or float64, got torch.int64",
        ),
    ],
)
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (SETS.contains, "v"),
        (SETS.coverage, "v"),
        (lambda v: ramp_ascent(SETS, start=v), "start"),
    ],
)
def test_perturbations_that_do_not_fit_the_rows(call, name, v, match):
    with pytest.raises(ValueError, match=f"^{name} {match}"):
        call(v)


@pytest.mark.parametrize(
    ("move", "match"),
    [
        (torch.zeros(4), r"must have shape \(6, 4\) or \(1, 4\), got \(4,\)"),
        (torch.zeros(5, 4), r"must have shape .* got \(5, 4\)"),
        (torch.zeros(6, 1), r"must have shape .* got \(6, 1\)"),
        (torch.zeros(6, 4, dtype=F64), "must have the dtype of .*, torch.float32"),
        (torch.zeros(6, 4, device=META), "must have the device of .*, cpu, got meta"),
    ],
)
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (LIN.label_survives, r"perturbations\[0\]"),
        (lambda move: score(pgd_attack=move), "pgd_attack"),
    ],
    ids=["label_survives", "evaluate"],
)
def test_perturbations_that_do_not_fit_the_points(call, name, move, match):
    """Broadcasting would accept some of these, and count something else."""
    with pytest.raises(ValueError, match=f"^{name} {match}"):
        call(move)


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (F64, r"the dtype of a, torch.float32, got torch.float64"),
        (torch.bool, "float32 or float64, got torch.bool"),
    ],
)
def test_mixed_kinds_name_both_sides(other, match):
    expected = "must have " if other == F64 else "must be "
    with pytest.raises(ValueError, match=f"^b {expected}{match}"):
        check_same_kind(a=torch.zeros(1), b=torch.zeros(1, dtype=other))


def train_two(device):
    images = torch.zeros(2, 1, 28, 28)
    data = LabeledImages(images=images, labels=torch.tensor([-1.0, 1.0]))
    return train_classifier(data, seed=0, device=device)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_classifier(PairCNN(), path)
    return path


@pytest.mark.parametrize("device", ["cuda:99", "nonsense", "cuda:x", "", "hpu"])
@pytest.mark.parametrize(
    "call",
    [
        lambda path, device: available_device(device),
        lambda path, device: train_two(device),
        lambda path, device: load_classifier(path, device=device),
    ],
    ids=["available_device", "train_classifier", "load_classifier"],
)
def test_devices_that_are_not_there(call, weights, device):
    with pytest.raises(ValueError, match=rf"^device must be .* got '{device}': "):
        call(weights, device)


PLANAR = smooth_network(2, seed=0, dtype=torch.float32)
OF_ANOTHER_TYPE = {
    "list": (
        lambda: linearize(PLANAR, [[1.0, 2.0]]),
        r"^inputs must be a torch.Tensor, got list",
    ),
    "function": (
        lambda: linearize(lambda x: x[:, 0], torch.ones(3, 2)),
        r"^model must be a Module, got func",
    ),
    "text": (lambda: fgm(LIN, "0.1"), r"^epsilon must be a number, got '0.1'"),
    "array": (
        lambda: Linearization(logits=np.ones(2), gradients=np.ones((2, 3))),
        r"^gradients must be .* got ndarray; torch.from_numpy makes one of it\.$",
    ),
    "loader": (
        lambda: pgd(PLANAR, DataLoader([torch.ones(2)]), 0.1),
        r"^inputs must be a torch.Tensor, got DataLoader\.$",
    ),
}


@pytest.mark.parametrize(
    ("call", "match"), OF_ANOTHER_TYPE.values(), ids=OF_ANOTHER_TYPE.keys()
)
def test_arguments_of_another_type_are_named(call, match):
    """What a newcomer passes by mistake."""
    with pytest.raises(TypeError, match=match):
        call()
