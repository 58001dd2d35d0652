"""Samples of a population of rows, and perturbations fitted to them."""

from functools import cache

from jaxtyping import Float
from torch import Tensor

from experiments.populations.distributions import GaussianRows
from paper_lib.defense import ramp_ascent
from paper_lib.robust_sets import RobustSets


@cache
def sample(n: int = 400, d: int = 5, seed: int = 0) -> RobustSets:
    """Draw jointly normal rows."""
    return GaussianRows(d).draw(n, seed=seed)


@cache
def fitted(sets: RobustSets) -> Float[Tensor, " d"]:
    """Fit a perturbation to the very rows that a bound counts."""
    return ramp_ascent(sets).perturbation
