"""What a first user of the library ran into: rounding at a boundary, odd arguments."""

import numpy as np
import pytest
import torch

from paper_lib.attacks import PGDReading, fgm, pgd
from paper_lib.bounds import (
    compression_bound,
    optimum_bound,
    regret_bound,
    uniform_bound,
)
from paper_lib.data import ClassPair, LabeledImages
from paper_lib.defense import (
    coverage_path,
    fit_defense,
    maximize_coverage,
    ramp_ascent,
    ramp_value,
    upper_bound,
)
from paper_lib.evaluation.labels import keeps_label
from paper_lib.game import (
    exploitability,
    judge_strategies,
    smooth,
    solve_matrix_game,
    utility,
)
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import train_classifier
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor, smooth_network

POINTS = random_tensor(20, 3, seed=1, dtype=torch.float32)
MODEL = smooth_network(3, seed=0, dtype=torch.float32)
LIN = linearize(MODEL, POINTS)
SETS = RobustSets.from_linearization(LIN, 0.5)


def one_point():
    """Give a point whose offset is rounded up, so that a defense may fall short."""
    lin = Linearization(
        logits=torch.tensor([0.33111602]), gradients=torch.tensor([[1.39924401]])
    )
    return lin, RobustSets.from_linearization(lin, 1.0)


def test_one_point_is_defended_with_room():
    """The whole budget against it, in exact terms, leaves the label in place."""
    lin, sets = one_point()
    v = maximize_coverage(sets).perturbation
    assert lin.label_survives(torch.tensor([[-1.0]]), v.unsqueeze(0)).all()
    pair = exploitability(lin, fgm(lin, 1.0), v, epsilon=1.0)
    assert (pair.attacker_gain, pair.defender_gain, pair.is_exact) == (0.0, 0.0, True)


def test_bounds_of_a_gain_hold_what_was_found():
    """On the boundary the full length wins, and FGM, rounded down, does not."""
    lin, sets = one_point()
    v = torch.tensor([0.7633607387542725])
    assert sets.coverage(v) == 1.0
    pair = exploitability(lin, fgm(lin, 1.0), v, epsilon=1.0)
    low, high = pair.gain_bounds.attacker
    assert low <= pair.attacker_gain <= high
    assert pair.attacker_gain == 2.0  # the case is one where FGM falls short


@pytest.mark.bad_input
def test_points_of_another_number_are_refused():
    """Without a move, nothing else would tell."""
    data = LabeledImages(images=POINTS[:10], labels=LIN.signs[:10])
    with pytest.raises(ValueError, match=r"^lin must be taken at .* got 20 and 10"):
        keeps_label(MODEL, data, LIN)


STILL, PENNIES = torch.zeros(20, 3), np.array([[[1.0, -1.0], [-1.0, 1.0]]])
EVEN, INFINITE = np.ones(2), np.full((1, 2), np.inf)
SOLVED = maximize_coverage(SETS)
CERTIFIED = optimum_bound(SOLVED.certificate)
TWO = LabeledImages(images=torch.zeros(2, 1, 28, 28), labels=torch.tensor([-1.0, 1.0]))
PAIR = ClassPair(dataset="mnist", classes=(0, 1), train=TWO, test=TWO, source="none")
REFUSED = {
    "step of text": (lambda: pgd(MODEL, POINTS, 1.0, step_size="a"), "step_size"),
    "step of True": (lambda: pgd(MODEL, POINTS, 1.0, step_size=True), "step_size"),
    "share as text": (lambda: fit_defense(SETS, holdout="x"), "holdout"),
    "lin held out": (lambda: fit_defense(SETS, holdout=LIN), "holdout"),
    "start as list": (lambda: upper_bound(SETS, start=[0.0] * 3), "start"),
    "start of NumPy": (lambda: upper_bound(SETS, start=np.zeros(3)), "start"),
    "attack as list": (lambda: utility(LIN, [[0.0] * 3] * 20, STILL[0]), "attack"),
    "defense of NumPy": (lambda: utility(LIN, STILL, np.zeros(3)), "defense"),
    "smooth of lin": (lambda: smooth(LIN), "sets"),
    "verify of lin": (lambda: maximize_coverage(SETS).certificate.verify(LIN), "sets"),
    "table as list": (lambda: solve_matrix_game(PENNIES.tolist()), "table"),
    "table of torch": (lambda: solve_matrix_game(torch.ones(1, 2, 2)), "table"),
    "complex table": (lambda: solve_matrix_game(PENNIES * 1j), "table"),
    "weights as list": (lambda: judge_strategies(PENNIES, [[1, 1]], EVEN), "attacker"),
    "pair for its part": (lambda: train_classifier(PAIR, seed=0), "data"),
    "training as dict": (
        lambda: train_classifier(PAIR.train, config={"epochs": 2}, seed=0),
        "config",
    ),
    "nothing for settings": (
        lambda: train_classifier(PAIR.train, config={}, seed=0),
        "config",
    ),
    "ascent as dict": (lambda: ramp_ascent(SETS, config={"num_steps": 9}), "config"),
    "ramp of lin": (lambda: ramp_value(LIN, STILL[0]), "sets"),
    "share of text": (lambda: PGDReading(relative_step="a"), "relative_step"),
    "one for a family": (lambda: coverage_path(SETS), "family"),
    "lin in a family": (lambda: coverage_path([SETS, LIN]), r"family\[1\]"),
    "solution as proof": (lambda: optimum_bound(SOLVED), "certificate"),
    "number as bound": (lambda: regret_bound(0.3, 0.2), "optimum"),
    "no lower bound": (lambda: regret_bound(CERTIFIED, 0.2), "fitted"),
    "solution as few": (lambda: compression_bound(SETS, SOLVED), "defense"),
    "deviation of text": (
        lambda: uniform_bound(SETS, STILL[0], mean_deviation="0.1"),
        "mean_deviation",
    ),
}


@pytest.mark.bad_input
@pytest.mark.parametrize("name", REFUSED)
def test_the_argument_is_named(name):
    call, argument = REFUSED[name]
    with pytest.raises(TypeError, match=rf"^{argument} must .*"):
        call()


@pytest.mark.bad_input
def test_infinite_weights_are_refused():
    with pytest.raises(ValueError, match=r"^attacker must hold finite .* got inf"):
        judge_strategies(PENNIES, INFINITE, EVEN)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: ramp_value(SETS, STILL[0], rows="scaled"), "rows must be one of"),
        (lambda: PGDReading(relative_step=0.0), "relative_step must be finite and > 0"),
        (lambda: train_classifier(TWO, seed=-1), "seed must be an integer from 0"),
        (lambda: train_classifier(TWO, seed="0"), "seed must be an integer from 0"),
    ],
    ids=["rows", "share", "negative seed", "seed of text"],
)
def test_values_that_passed_unseen_are_refused(call, match):
    """The first was taken for raw rows, the second for no attack, and so on."""
    with pytest.raises(ValueError, match=f"^{match}"):
        call()
