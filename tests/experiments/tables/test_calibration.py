"""One budget for several tasks, from their margins."""

import math

import pytest
import torch

from experiments.tables.calibration import calibrate_shared_epsilon
from paper_lib.evaluation import calibrate_epsilon
from paper_lib.linearize import Linearization
from tests.oracles import random_tensor

F64 = torch.float64


def test_a_shared_budget_meets_the_target_on_average_over_tasks():
    tasks = [
        random_tensor(300, seed=1).abs(),
        3.0 * random_tensor(100, seed=2).abs() + 0.5,
        torch.full((7,), torch.inf, dtype=F64),
    ]
    for target in (0.4, 0.5, 0.8):
        budget = calibrate_shared_epsilon(tasks, target)
        kept = sum(float((task >= budget).double().mean()) for task in tasks) / 3
        # One point of the smallest task is worth 1 / 300.
        assert kept == pytest.approx(target, abs=1 / 300)
        # The mean over tasks, not the share of all points.
        pooled = float((torch.cat(tasks) >= budget).double().mean())
        assert abs(pooled - target) > 0.02


def test_a_shared_budget_of_one_task_is_the_budget_of_that_task():
    lin = Linearization(
        logits=random_tensor(101, seed=3), gradients=torch.ones(101, 1, dtype=F64)
    )
    for target in (0.1, 0.483, 0.9):
        assert calibrate_shared_epsilon([lin.margins], target) == calibrate_epsilon(
            lin, target
        )


def test_equal_margins_are_not_split_by_a_shared_budget():
    tasks = [torch.tensor([1.0, 2.0, 2.0, 2.0, 2.0, 5.0])]
    assert calibrate_shared_epsilon(tasks, 0.75) == 1.5
    assert calibrate_shared_epsilon(tasks, 0.3) == 3.5


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("margins", "accuracy", "match"),
    [
        ([torch.ones(2)], 1.0, r"^accuracy must be strictly between 0 and 1, got 1.0"),
        ([], 0.5, r"^margins must hold at least one task and one point in each"),
        ([torch.ones(2), torch.ones(0)], 0.5, r"^margins must hold .* \[2, 0\] points"),
        ([torch.ones(2)], 0.5, r"^no budget leaves an accuracy of 0.5: all 2 margins"),
        ([torch.tensor([1.0, math.inf])], 0.5, r"^no budget leaves an accuracy of 0.5"),
    ],
)
def test_shared_budgets_that_are_none(margins, accuracy, match):
    with pytest.raises(ValueError, match=match):
        calibrate_shared_epsilon(margins, accuracy)
