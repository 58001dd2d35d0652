"""One condition of an evidence's check broken at a time: nothing may be proven.

Each case starts from evidence that holds and would prove something without just the one
condition that it breaks, so that a condition taken out of a check is noticed.
"""

import dataclasses

import numpy as np
import pytest

from paper_lib.defense.certificates.box_evidence import BoxEvidence
from paper_lib.defense.certificates.quadratics import QuadraticEvidence
from paper_lib.defense.certificates.subsystems import (
    WEIGHT_ONE,
    Lists,
    SubsystemEvidence,
)
from tests.paper_lib.defense.defense_cases import make_sets

# x >= 0.9 and -x >= 0.9 on the line: one of them is violated.
SETS = make_sets([[1.0], [-1.0]], [-0.9, -0.9])

BOXES = BoxEvidence(splits=np.array([0, -1, -1]), cuts=np.zeros(3))

# Two leaves, each with a quadratic that holds on the whole ball.
QUADRATIC = QuadraticEvidence(
    directions=np.ones((1, 1)),
    splits=np.array([0, -1, -1]),
    cuts=np.zeros(3),
    shifts=np.full((2, 2), 2.0),
    ball_multipliers=np.ones(2),
    cut_multipliers=np.zeros((2, 1)),
)

SUBSYSTEMS = SubsystemEvidence(
    subsystems=Lists.of([np.array([0, 1])]),
    multipliers=np.ones(2),
    splits=np.array([-1]),
    packings=Lists.of([np.array([0])]),
    weights=np.array([WEIGHT_ONE]),
)
WHOLE = np.array([WEIGHT_ONE])


def items(*numbers):
    """Both rows, or what should be their numbers, as one list."""
    return Lists(starts=np.array([0, len(numbers)]), items=np.array(numbers))


# Of kinds that the hook would refuse while the file is collected: made in the test.
WRONG_STARTS = {"starts": np.array([0.0, 2.0]), "items": np.array([0, 1])}
WRONG_ROWS = {"starts": np.array([0, 2]), "items": np.array([0.0, 1.0])}


def unhooked(value):
    return Lists(**value) if isinstance(value, dict) else value


CASES = {
    # Boxes.
    "box: an axis below -1": (BOXES, {"splits": np.array([-2, -1, -1])}),
    "box: an axis that is none": (BOXES, {"splits": np.array([1, -1, -1])}),
    "box: axes that are floats": (BOXES, {"splits": np.array([0.0, -1.0, -1.0])}),
    "box: a node too few": (
        BOXES,
        {"splits": np.array([0, -1]), "cuts": np.zeros(2)},
    ),
    "box: a node too many": (
        BOXES,
        {"splits": np.array([0, -1, -1, -1]), "cuts": np.zeros(4)},
    ),
    "box: no node": (
        BOXES,
        {"splits": np.zeros(0, dtype=np.int64), "cuts": np.zeros(0)},
    ),
    "box: cuts too few": (BOXES, {"cuts": np.zeros(2)}),
    "box: cuts of two axes": (BOXES, {"cuts": np.zeros((3, 1))}),
    "box: whole cuts": (BOXES, {"cuts": np.zeros(3, dtype=np.int64)}),
    "box: a cut that is NaN": (BOXES, {"cuts": np.array([np.nan, 0.0, 0.0])}),
    "box: a cut beyond its box": (BOXES, {"cuts": np.array([1.5, 0.0, 0.0])}),
    "box: a cut below its box": (BOXES, {"cuts": np.array([-1.5, 0.0, 0.0])}),
    "box: a cut on its edge": (BOXES, {"cuts": np.array([1.0, 0.0, 0.0])}),
    "box: a leaf with a cut": (BOXES, {"cuts": np.array([0.0, 0.0, 0.5])}),
    "box: arrays of a subclass": (BOXES, {"cuts": np.zeros(3).view(np.recarray)}),
    # Quadratics.
    "quadratic: a split below -1": (QUADRATIC, {"splits": np.array([-2, -1, -1])}),
    "quadratic: a split on none": (QUADRATIC, {"splits": np.array([1, -1, -1])}),
    "quadratic: a node too few": (
        QUADRATIC,
        {"splits": np.array([0, -1]), "cuts": np.zeros(2)},
    ),
    "quadratic: a short direction": (QUADRATIC, {"directions": np.full((1, 1), 0.4)}),
    "quadratic: a long direction": (QUADRATIC, {"directions": np.full((1, 1), 1.6)}),
    "quadratic: a huge direction": (QUADRATIC, {"directions": np.full((1, 1), 1e200)}),
    "quadratic: a direction that is NaN": (
        QUADRATIC,
        {"directions": np.full((1, 1), np.nan)},
    ),
    "quadratic: directions in single precision": (
        QUADRATIC,
        {"directions": np.ones((1, 1), dtype=np.float32)},
    ),
    "quadratic: directions of another space": (
        QUADRATIC,
        {"directions": np.array([[1.0, 0.0]])},
    ),
    "quadratic: a cut that is NaN": (
        QUADRATIC,
        {"cuts": np.array([np.nan, 0.0, 0.0])},
    ),
    "quadratic: an infinite cut": (QUADRATIC, {"cuts": np.array([0.0, np.inf, 0.0])}),
    "quadratic: cuts in single precision": (
        QUADRATIC,
        {"cuts": np.zeros(3, dtype=np.float32)},
    ),
    "quadratic: cuts too few": (QUADRATIC, {"cuts": np.zeros(2)}),
    "quadratic: whole shifts": (QUADRATIC, {"shifts": np.full((2, 2), 2)}),
    "quadratic: shifts of more rows": (QUADRATIC, {"shifts": np.full((2, 3), 2.0)}),
    "quadratic: shifts of more leaves": (QUADRATIC, {"shifts": np.full((3, 2), 2.0)}),
    "quadratic: more multipliers of the ball": (
        QUADRATIC,
        {"ball_multipliers": np.ones(3)},
    ),
    "quadratic: a multiplier of the ball below zero": (
        QUADRATIC,
        {"ball_multipliers": np.array([1.0, -1.0])},
    ),
    "quadratic: a huge multiplier of the ball": (
        QUADRATIC,
        {"ball_multipliers": np.array([1e101, 1.0])},
    ),
    "quadratic: multipliers of the ball in single precision": (
        QUADRATIC,
        {"ball_multipliers": np.ones(2, dtype=np.float32)},
    ),
    "quadratic: a multiplier of a cut below zero": (
        QUADRATIC,
        {"cut_multipliers": np.array([[0.0], [-1.0]])},
    ),
    "quadratic: a multiplier of a cut that is NaN": (
        QUADRATIC,
        {"cut_multipliers": np.array([[0.0], [np.nan]])},
    ),
    "quadratic: a huge multiplier of a cut": (
        QUADRATIC,
        {"cut_multipliers": np.array([[1e101], [0.0]])},
    ),
    "quadratic: multipliers of cuts in single precision": (
        QUADRATIC,
        {"cut_multipliers": np.zeros((2, 1), dtype=np.float32)},
    ),
    "quadratic: multipliers of cuts of more leaves": (
        QUADRATIC,
        {"cut_multipliers": np.zeros((3, 1))},
    ),
    "quadratic: multipliers of more cuts": (
        QUADRATIC,
        {"cut_multipliers": np.zeros((2, 2))},
    ),
    # Subsystems.
    "subsystem: a row below zero": (SUBSYSTEMS, {"subsystems": items(0, -1)}),
    "subsystem: a row that is none": (SUBSYSTEMS, {"subsystems": items(0, 2)}),
    "subsystem: rows that are floats": (SUBSYSTEMS, {"subsystems": WRONG_ROWS}),
    "subsystem: lists that begin late": (
        SUBSYSTEMS,
        {
            "subsystems": Lists(starts=np.array([1, 3]), items=np.array([0, 0, 1])),
            "multipliers": np.ones(3),
        },
    ),
    "subsystem: lists that end early": (
        SUBSYSTEMS,
        {
            "subsystems": Lists(starts=np.array([0, 2]), items=np.array([0, 1, 0])),
            "multipliers": np.ones(3),
        },
    ),
    "subsystem: lists without a start": (
        SUBSYSTEMS,
        {
            "subsystems": Lists(
                starts=np.zeros(0, dtype=np.int64), items=np.zeros(0, dtype=np.int64)
            )
        },
    ),
    "subsystem: starts that are floats": (
        SUBSYSTEMS,
        {"subsystems": WRONG_STARTS},
    ),
    "subsystem: a packing of what is none": (SUBSYSTEMS, {"packings": items(1)}),
    "subsystem: a packing below zero": (SUBSYSTEMS, {"packings": items(-1)}),
    "subsystem: a multiplier below zero": (
        SUBSYSTEMS,
        {
            "subsystems": Lists.of([np.array([0, 1, 0])]),
            "multipliers": np.array([1.0, 1.0, -1e-9]),
        },
    ),
    "subsystem: a multiplier that is NaN": (
        SUBSYSTEMS,
        {"multipliers": np.array([1.0, np.nan])},
    ),
    "subsystem: an infinite multiplier": (
        SUBSYSTEMS,
        {"multipliers": np.array([1.0, np.inf])},
    ),
    "subsystem: whole multipliers": (
        SUBSYSTEMS,
        {"multipliers": np.ones(2, dtype=np.int64)},
    ),
    "subsystem: multipliers too few": (SUBSYSTEMS, {"multipliers": np.ones(1)}),
    "subsystem: a weight above one": (SUBSYSTEMS, {"weights": WHOLE + 1}),
    "subsystem: a weight below zero": (
        SUBSYSTEMS,
        {
            "packings": Lists.of([np.array([0, 0])]),
            "weights": np.array([WEIGHT_ONE, -1]),
        },
    ),
    "subsystem: a weight that is a float": (SUBSYSTEMS, {"weights": WHOLE * 1.0}),
    "subsystem: weights too few": (
        SUBSYSTEMS,
        {"packings": Lists.of([np.array([0, 0])])},
    ),
    "subsystem: a packing too many": (
        SUBSYSTEMS,
        {"packings": Lists.of([np.array([0]), np.zeros(0, dtype=np.int64)])},
    ),
    "subsystem: a split on none": (SUBSYSTEMS, {"splits": np.array([2])}),
    "subsystem: a split below -1": (SUBSYSTEMS, {"splits": np.array([-2])}),
    "subsystem: two trees": (
        SUBSYSTEMS,
        {
            "splits": np.array([-1, -1]),
            "packings": Lists.of([np.array([0]), np.array([0])]),
            "weights": np.full(2, WEIGHT_ONE),
        },
    ),
}


@pytest.mark.parametrize("evidence", [BOXES, QUADRATIC, SUBSYSTEMS])
def test_what_the_cases_start_from_proves_a_row(evidence):
    assert evidence.violated_at_least(SETS) == 1


@pytest.mark.bad_input
@pytest.mark.parametrize("name", CASES)
def test_one_condition_broken_proves_nothing(name):
    evidence, changes = CASES[name]
    changes = {key: unhooked(value) for key, value in changes.items()}
    assert dataclasses.replace(evidence, **changes).violated_at_least(SETS) == -1
