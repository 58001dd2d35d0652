"""Containers and labels of the wrong kind, and tensors that carry a graph."""

import numpy as np
import pytest
import torch
from torch import nn

from experiments.gpu.batched_maximizers import maximize_batch
from paper_lib.attacks import fgm, pgd
from paper_lib.data import LabeledImages
from paper_lib.defense import (
    coverage_path,
    fit_defense,
    maximize_coverage,
    ramp_ascent,
    upper_bound,
)
from paper_lib.defense.ramp import ramp_value
from paper_lib.evaluation import (
    calibrate_epsilon,
    disagreement,
    evaluate,
    judge,
    logits_at,
)
from paper_lib.evaluation.labels import keeps_label
from paper_lib.game import equilibrium, smooth, utility
from paper_lib.linearize import Linearization, linearize
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor, smooth_network

POINTS = random_tensor(20, 3, seed=1, dtype=torch.float32)
MODEL = smooth_network(3, seed=0, dtype=torch.float32)
LIN = linearize(MODEL, POINTS)
SETS = RobustSets.from_linearization(LIN, 0.5)
DATA = LabeledImages(images=POINTS, labels=LIN.signs)
STILL = torch.zeros(20, 3)


def scored(data=DATA, lin=LIN, defense=STILL[0]):
    plays = {"epsilon": 1.0, "pgd_attack": STILL}
    return evaluate(MODEL, data, lin, defense=defense, **plays)


def judged(data=DATA, lin=LIN):
    return judge(MODEL, data, lin, epsilon=1.0, attacks={}, defenses={})


# A call that takes one object, its argument's name, and what it has to be.
TYPED = {
    "fgm": (lambda x: fgm(x, 1.0), "lin", "Linearization"),
    "rows": (lambda x: RobustSets.from_linearization(x, 1.0), "lin", "Linearization"),
    "calibrate": (lambda x: calibrate_epsilon(x, 0.5), "lin", "Linearization"),
    "equilibrium": (lambda x: equilibrium(x, epsilon=1.0), "lin", "Linearization"),
    "evaluate, lin": (lambda x: scored(lin=x), "lin", "Linearization"),
    "evaluate, data": (lambda x: scored(data=x), "data", "LabeledImages"),
    "evaluate, defense": (lambda x: scored(defense=x), "defense", "Tensor"),
    "judge, lin": (lambda x: judged(lin=x), "lin", "Linearization"),
    "judge, data": (lambda x: judged(data=x), "data", "LabeledImages"),
    "keeps_label": (lambda x: keeps_label(MODEL, DATA, x), "lin", "Linearization"),
    "keeps_label, data": (
        lambda x: keeps_label(MODEL, x, LIN),
        "data",
        "LabeledImages",
    ),
    "disagreement": (lambda x: disagreement(MODEL, POINTS, x), "lin", "Linearization"),
    "maximize": (maximize_coverage, "sets", "RobustSets"),
    "upper_bound": (upper_bound, "sets", "RobustSets"),
    "fit_defense": (fit_defense, "sets", "RobustSets"),
    "ramp_ascent": (ramp_ascent, "sets", "RobustSets"),
    "labels": (
        lambda x: utility(LIN, STILL, STILL[0], labels=x),
        "labels",
        "Tensor",
    ),
    "linearize": (lambda x: linearize(MODEL, x), "inputs", "torch.Tensor"),
    "pgd": (lambda x: pgd(MODEL, x, 1.0), "inputs", "torch.Tensor"),
    "logits_at": (lambda x: logits_at(MODEL, x), "inputs", "torch.Tensor"),
    "logits": (
        lambda x: Linearization(logits=x, gradients=STILL),
        "logits",
        "torch.Tensor",
    ),
    "normals": (
        lambda x: RobustSets(normals=x, offsets=STILL[:, 0], epsilon=1.0),
        "normals",
        "torch.Tensor",
    ),
    "v": (SETS.contains, "v", "torch.Tensor"),
}


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "given", [[1.0] * 20_000, np.ones(20_000), None], ids=["list", "array", "none"]
)
@pytest.mark.parametrize(("call", "name", "kind"), TYPED.values(), ids=TYPED.keys())
def test_what_is_of_another_kind_is_named_in_a_line(call, name, kind, given):
    match = rf"^{name} must be a {kind}, got {type(given).__name__}"
    if name == "labels" and given is None:
        return  # the default
    with pytest.raises(TypeError, match=match) as caught:
        call(given)
    assert len(str(caught.value)) < 200


MANY = Linearization(logits=torch.ones(20_000), gradients=torch.ones(20_000, 1))
MANY_STILL = torch.zeros(20_000, 1)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "call",
    [
        lambda labels: utility(MANY, MANY_STILL, MANY_STILL[0], labels=labels),
        lambda labels: LabeledImages(images=MANY_STILL, labels=labels),
    ],
    ids=["utility", "LabeledImages"],
)
def test_labels_that_are_classes_are_counted(call):
    labels = (POINTS[:, 0] > 0).float().repeat(1_000)
    count, first = int((labels == 0).sum()), int((labels == 0).nonzero()[0])
    with pytest.raises(ValueError, match=r"labels must be -1 or \+1, got") as caught:
        call(labels)
    assert f"at index {first}" in str(caught.value)
    assert str(count) in str(caught.value)
    assert len(str(caught.value)) < 200


def with_graph(tensor):
    return tensor.detach().clone().requires_grad_(True)


GRAPHED = RobustSets(
    normals=with_graph(SETS.normals), offsets=with_graph(SETS.offsets), epsilon=0.5
)
V = nn.Parameter(torch.zeros(3))
CARRYING = {
    "Linearization": lambda: (
        Linearization(
            logits=with_graph(LIN.logits), gradients=with_graph(LIN.gradients)
        ).gradients
    ),
    "sets": lambda: GRAPHED.normals,
    "coverage": lambda: SETS.contains(V),
    "survives": lambda: LIN.label_survives(nn.Parameter(STILL)),
    "smooth": lambda: smooth(GRAPHED).draw(5, 0).rows,
    "maximize": lambda: maximize_coverage(GRAPHED).perturbation,
    "fit": lambda: fit_defense(GRAPHED, num_folds=2).perturbation,
    "batch": lambda: maximize_batch([GRAPHED])[0].perturbation,
    "path": lambda: coverage_path([GRAPHED])[0].perturbation,
    "ramp": lambda: ramp_ascent(GRAPHED, start=V).perturbation,
    "ramp value": lambda: torch.tensor(ramp_value(SETS, V)),
    "start": lambda: upper_bound(SETS, 0.2, start=V).perturbation,
    "start, bounded": lambda: (
        upper_bound(SETS, None, max_nodes=9, start=V).perturbation
    ),
    "inputs": lambda: linearize(MODEL, with_graph(POINTS)).logits,
    "pgd": lambda: pgd(MODEL, with_graph(POINTS), 1.0),
    "logits_at": lambda: logits_at(MODEL, with_graph(POINTS), V.unsqueeze(0)),
}


@pytest.mark.parametrize("call", CARRYING.values(), ids=CARRYING.keys())
def test_a_graph_ends_where_it_enters(call):
    assert not call().requires_grad


PRECISE = {
    "contains": lambda: SETS.contains(STILL[0] + 0.01),
    "ramp": lambda: ramp_ascent(SETS).perturbation,
    "maximize": lambda: maximize_coverage(SETS, "search").perturbation,
    "fit": lambda: fit_defense(SETS, num_folds=2).perturbation,
    "batch": lambda: maximize_batch([SETS])[0].perturbation,
    "path": lambda: coverage_path([SETS])[0].perturbation,
    "bound": lambda: upper_bound(SETS, None, max_nodes=9).perturbation,
    "equilibrium": lambda: equilibrium(LIN, epsilon=0.5).solution.perturbation,
}


@pytest.mark.parametrize("call", PRECISE.values(), ids=PRECISE.keys())
def test_autocast_outside_changes_no_bit(call):
    expected = call()
    with torch.autocast("cpu"):
        assert torch.equal(call(), expected)
