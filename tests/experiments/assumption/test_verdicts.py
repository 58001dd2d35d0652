"""What is found and proven at the points of one classifier."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from experiments.assumption import verdicts
from experiments.assumption.agreement_runs import AgreementRun
from experiments.assumption.variations import Variation
from experiments.assumption.verdicts import (
    attacked_disagreements,
    defense_on_f,
    largest_proven,
    shortest_disagreements,
)
from experiments.store.pair_settings import Site
from paper_lib.models import TrainConfig

EMBEDDED = Site(source="embedded")
SMALL = AgreementRun(
    train=TrainConfig(channels=(2, 3), hidden=6),
    num_points=12,
    num_fit=200,
    num_proofs=6,
)
LINEAR = replace(SMALL, variation=Variation(pool="average", activation="identity"))


@pytest.fixture(scope="module")
def subject():
    return SMALL.subject(EMBEDDED)


@pytest.fixture(scope="module")
def linear():
    return LINEAR.subject(EMBEDDED)


class Bowl(nn.Module):
    """|x|^2 - 1: at (3, 0) the tangent is zero at x_0 = 5/3, f on the circle."""

    def __init__(self):
        """Hold the level as a weight, which models need."""
        super().__init__()
        self.level = nn.Parameter(torch.ones(()))

    def forward(self, points):
        """Evaluate."""
        return points.square().sum(1) - self.level


def test_attacks_find_the_nearer_of_tangent_and_boundary():
    point = torch.tensor([[3.0, 0.0]])
    # The tangent's boundary is 4/3 away, where f is still positive; f's is 2 away.
    found = attacked_disagreements(Bowl(), point, 1.5)
    assert found.item() == pytest.approx(4 / 3, rel=1e-3)
    assert attacked_disagreements(Bowl(), point, 1.3).item() == math.inf
    # From inside, f's boundary is 0.5 away, and the tangent's 0.75.
    inside = torch.tensor([[0.5, 0.0]])
    assert attacked_disagreements(Bowl(), inside, 0.7).item() <= 0.7
    assert attacked_disagreements(Bowl(), inside, 0.4).item() == math.inf


class Well(nn.Module):
    """1 - x^2 on the line, negative beyond 1: it flips before its tangent at 0.25."""

    def __init__(self):
        """Hold the level as a weight, which models need."""
        super().__init__()
        self.level = nn.Parameter(torch.ones(()))

    def forward(self, points):
        """Evaluate."""
        return self.level - points.square().sum(1)


def test_a_boundary_that_f_has_left_behind_is_a_disagreement_before_it():
    # f_L = 1.0625 - x / 2 from 0.25 on: zero at 2.125, where f is negative; just
    # beyond it both are. In a ball that PGD overshoots, the place before it is left.
    found = attacked_disagreements(Well(), torch.tensor([[0.25]]), 1.9)
    assert found.item() <= 1.875


def test_a_linear_classifier_has_no_disagreement_and_all_is_proven(linear):
    budgets = (0.1, 0.5, 2.0)
    found = shortest_disagreements(linear, budgets, seed=0)
    assert found.isinf().all()
    assert attacked_disagreements(linear.model, linear.test.images, 4.0).isinf().all()
    proven = largest_proven(linear, budgets, found)
    assert proven.tolist() == [2.0] * 12
    # Some of these have a boundary in the ball: agreement is not only no flip.
    assert bool((linear.lin.margins <= 4.0).any())


def test_proofs_stop_at_the_first_budget_that_fails(subject, monkeypatch):
    counts = []
    real = verdicts.local_linearity.certify_agreement

    def asking(model, images, radius):
        counts.append(len(images))
        return real(model, images, radius)

    monkeypatch.setattr(verdicts.local_linearity, "certify_agreement", asking)
    first, budgets = subject.first(6), (0.01, 0.1, 3.0)
    nothing = torch.full((6,), math.inf, dtype=torch.float64)
    proven = largest_proven(first, budgets, nothing)
    held = [int((proven >= budget).sum()) for budget in budgets]
    asked = [6, *held[:-1]]
    assert counts == [count for count in asked if count]
    assert set(proven.tolist()) <= {0.0, *budgets}
    assert held[0] > held[-1]


def test_each_point_keeps_the_largest_budget_of_its_own(subject, monkeypatch):
    verdicts_by_radius = {
        0.2: [True, False, True, True],
        0.4: [True, True, False],
        1.0: [False, True],
    }

    def told(model, images, radius):
        assert len(images) == len(verdicts_by_radius[radius])
        return torch.tensor(verdicts_by_radius[radius])

    monkeypatch.setattr(verdicts.local_linearity, "certify_agreement", told)
    nothing = torch.full((4,), math.inf, dtype=torch.float64)
    proven = largest_proven(subject.first(4), (0.1, 0.2, 0.5), nothing)
    assert proven.tolist() == [0.2, 0.0, 0.5, 0.1]


def test_a_proof_that_a_search_refutes_is_an_error(subject):
    first = subject.first(2)
    refuted = torch.tensor([0.015, math.inf], dtype=torch.float64)
    with pytest.raises(RuntimeError, match="proven to have none"):
        largest_proven(first, (0.01,), refuted)


def test_what_is_found_lies_in_the_smallest_ball_that_has_it(subject):
    budgets = (0.1, 1.0, 4.0)
    found = shortest_disagreements(subject, budgets, seed=0)
    assert bool(found.isfinite().any())
    # Nothing nearer than the boundary of f_L or of f can be one.
    nearer = attacked_disagreements(subject.model, subject.test.images, 8.0)
    assert bool((found <= nearer * 1.2).all())


def test_smooth_on_f_is_counted_from_both_sides(subject):
    first = subject.first(6)
    for epsilon in (0.05, subject.epsilon):
        told = defense_on_f(first, epsilon, seed=0)
        assert told["safe"] + told["flipped"] <= 6
        assert 0 <= told["kept"] <= 6
    near = defense_on_f(first, 0.01, seed=0)
    assert near == {"epsilon": 0.01, "kept": 6, "safe": 6, "flipped": 0}
