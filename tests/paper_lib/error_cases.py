"""What the tests of bad input share: good arguments, and ways to spoil them."""

import math

import torch

from paper_lib.data import LabeledImages
from paper_lib.evaluation import evaluate
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import Affine, Formula

F64 = torch.float64
POINTS = torch.ones(6, 4)
MODEL = Affine(torch.tensor([1.0, -2.0, 0.5, 3.0]))
LIN = Linearization(logits=torch.ones(6), gradients=torch.ones(6, 4))
SETS = RobustSets.from_linearization(LIN, 1.0)
DATA = LabeledImages(images=POINTS, labels=torch.tensor([-1.0, 1.0] * 3))
STILL = torch.zeros(6, 4)
META = torch.device("meta")  # a device every machine has that is not the CPU
NAN_OR_INF = [math.nan, math.inf, -math.inf]


def score(model=MODEL, data=DATA, lin=LIN, **changes):
    plays = {"epsilon": 1.0, "defense": torch.zeros(4), "pgd_attack": STILL}
    return evaluate(model, data, lin, **(plays | changes))


def poisoned(shape, index, value):
    tensor = torch.ones(shape)
    tensor[index] = value
    tensor[-1] = value
    return tensor


def spoil(function, where, value):
    """A classifier whose logits are ``value`` at inputs that begin with 7."""
    return Formula(lambda x: torch.where(x[:, 0] == where, value, function(x)))


def marked_points():
    points = torch.zeros(10, 3)
    points[[7, 9], 0] = 7.0
    return points
