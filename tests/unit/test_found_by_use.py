"""What a first user of the library ran into: rounding at a boundary, odd arguments."""

import torch

from paper_lib.attacks import fgm
from paper_lib.defense import maximize_coverage
from paper_lib.game import exploitability
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets


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

