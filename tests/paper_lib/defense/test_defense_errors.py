"""Bad input to the maximizers, and interrupts that must not be swallowed."""

from itertools import product

import pytest
import torch

from paper_lib.defense import batch as batch_module
from paper_lib.defense import (
    coverage_path,
    maximize_batch,
    maximize_coverage,
)
from paper_lib.defense.exact.boxes import box_search
from paper_lib.defense.rows import unit_rows
from paper_lib.defense.search import local_search
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.defense.exact.test_hitting_sets import random_sets


@pytest.mark.bad_input
def test_boxes_below_one():
    rows = unit_rows(random_sets(9, 3, seed=0))
    with pytest.raises(ValueError, match=r"^max_boxes must be at least 1, got 0\."):
        next(box_search(rows, max_boxes=0))


@pytest.mark.bad_input
def test_problems_of_another_shape():
    problems = [random_sets(9, 3, seed=0), random_sets(8, 3, seed=0)]
    with pytest.raises(ValueError, match=r"of one shape on one device, got \["):
        maximize_batch(problems)


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def family():
    sets = random_sets(40, 6, seed=0)
    return [
        RobustSets(normals=sets.normals, offsets=sets.offsets, epsilon=epsilon)
        for epsilon in (0.7, 0.8, 0.9)
    ]


@pytest.mark.parametrize(
    ("solve", "step"),
    [
        (coverage_path, "anneal_from_several"),
        (maximize_batch, "anneal"),
        *product([coverage_path, maximize_batch], ["hold_point", "search"]),
    ],
)
def test_interrupted_part_way_there_is_no_result(solve, step, monkeypatch):
    """Part of a path would look like a path."""
    monkeypatch.setattr(batch_module, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        solve(family())


def test_an_interrupt_before_anything_was_found_still_certifies(monkeypatch):
    monkeypatch.setattr(local_search, "anneal_rows", interrupt)
    sets = random_sets(80, 6, seed=0)
    found = maximize_coverage(sets, method="search")
    assert found.stopped_by == "interrupt"
    assert found.perturbation.tolist() == [0.0] * 6
    assert found.coverage == sets.coverage(torch.zeros(6, dtype=torch.float64))
    assert found.certificate.verify(sets)
