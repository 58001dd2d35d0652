"""A defense as a module: what it refuses, in memory and on disk."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from paper_lib.defense import DefendedClassifier, save_certificate
from paper_lib.defense.solution import certify
from paper_lib.files import save_tensors
from paper_lib.linearize import Linearization
from paper_lib.models import PairCNN, save_classifier
from paper_lib.robust_sets import RobustSets

pytestmark = pytest.mark.bad_input

MODEL = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
SETS = RobustSets(normals=torch.eye(4), offsets=torch.zeros(4), epsilon=1.0)
INSIDE = torch.tensor([0.5, 0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("v", "match"),
    [
        (torch.zeros(1, 4), r"^perturbation must have shape \(d,\), got \(1, 4\)"),
        (torch.tensor(1.0), r"^perturbation must have shape \(d,\), got \(\)"),
        (torch.zeros(4, dtype=torch.int64), "^perturbation must be float32 or float64"),
        (torch.full((4,), torch.nan), "^perturbation must be finite, got 4 NaN"),
    ],
)
def test_what_is_no_perturbation(v, match):
    for sets in (None, SETS):
        with pytest.raises(ValueError, match=match):
            DefendedClassifier(MODEL, v, sets)


@pytest.mark.parametrize(
    ("v", "match"),
    [
        (torch.zeros(3), r"^perturbation must have shape \(4,\).* got \(3,\)"),
        (torch.zeros(4, dtype=torch.float64), "^perturbation must have the dtype of"),
        (torch.ones(4), "^perturbation must lie in the ball of radius 1.0, got length"),
    ],
)
def test_what_is_none_of_these_sets(v, match):
    with pytest.raises(ValueError, match=match):
        DefendedClassifier(MODEL, v, SETS)
    assert DefendedClassifier(MODEL, v).fingerprint == ""


@pytest.mark.parametrize(
    ("model", "v", "match"),
    [
        (lambda x: x, INSIDE, "^model must be a Module, got function"),
        (MODEL, np.zeros(4), "^perturbation must be a torch.Tensor, got ndarray"),
        (MODEL, [0.0] * 4, "^perturbation must be a torch.Tensor, got list"),
    ],
)
def test_other_kinds(model, v, match):
    with pytest.raises(TypeError, match=match):
        DefendedClassifier(model, v)


def test_sets_that_are_none(tmp_path):
    """A linearization is what one has at hand."""
    lin = Linearization(logits=torch.ones(2), gradients=torch.ones(2, 4))
    path = tmp_path / "defense.safetensors"
    DefendedClassifier(MODEL, INSIDE, SETS).save(path)
    match = "^sets must be a RobustSets, got Linearization"
    with pytest.raises(TypeError, match=match):
        DefendedClassifier(MODEL, INSIDE, lin)
    with pytest.raises(TypeError, match=match):
        DefendedClassifier.load(path, MODEL, lin)


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 2, 1), (2, 8), ()])
def test_inputs_of_another_size(shape):
    """Adding v to some of these would broadcast, and move something else."""
    expected = rf"^inputs must be \(n, \.\.\.\), 4 floats .* {re.escape(str(shape))}\.$"
    with pytest.raises(ValueError, match=expected):
        DefendedClassifier(MODEL, INSIDE)(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_inputs_of_whole_numbers_in_which_v_would_vanish(dtype):
    with pytest.raises(ValueError, match=rf"4 floats each, got {dtype} of"):
        DefendedClassifier(MODEL, INSIDE)(torch.zeros(2, 4, dtype=dtype))


def test_a_file_of_another_defense(tmp_path):
    path = tmp_path / "defense.safetensors"
    DefendedClassifier(MODEL, INSIDE, SETS).save(path)
    budget = RobustSets(normals=SETS.normals, offsets=SETS.offsets, epsilon=2.0)
    order = torch.tensor([1, 0, 2, 3])
    for other in (budget, SETS.subset(slice(0, 3)), SETS.subset(order)):
        match = (
            "must hold a defense of sets, fingerprint .*: other points, another order "
            "or budget, or gradients of another processor"
        )
        with pytest.raises(ValueError, match=match):
            DefendedClassifier.load(path, MODEL, other)
    DefendedClassifier(MODEL, INSIDE).save(path)
    with pytest.raises(ValueError, match="got one of unknown rows"):
        DefendedClassifier.load(path, MODEL, SETS)


def test_files_that_hold_no_defense(tmp_path):
    path = tmp_path / "some.safetensors"
    with pytest.raises(FileNotFoundError, match=r"^path must name a stored def"):
        DefendedClassifier.load(path, MODEL)
    for write in (
        lambda: save_classifier(PairCNN(), path),
        lambda: save_certificate(certify(SETS, INSIDE), path),
    ):
        write()
        with pytest.raises(ValueError, match="must hold format 'paper-lib/defense/1'"):
            DefendedClassifier.load(path, MODEL)
    path.write_bytes(b"words")
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        DefendedClassifier.load(path, MODEL)
    DefendedClassifier(MODEL, INSIDE).save(path)
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ValueError, match="is altered"):
        DefendedClassifier.load(path, MODEL)


def test_a_right_checksum_does_not_make_a_defense(tmp_path):
    path, form = tmp_path / "some.safetensors", ("paper-lib/defense/1", "fingerprint")
    save_tensors(path, {"v": torch.zeros(4)}, "", form)
    with pytest.raises(ValueError, match="holds no defense, but v"):
        DefendedClassifier.load(path, MODEL)
    save_tensors(path, {"perturbation": torch.zeros(2, 2)}, "", form)
    with pytest.raises(ValueError, match=r"^perturbation must have shape \(d,\)"):
        DefendedClassifier.load(path, MODEL)
