"""Section 5: what coverage of a sample says of coverage of the population."""

from paper_lib.generalization.deviations import Bracket, deviation_of
from paper_lib.generalization.distributions import (
    FinitePopulation,
    GaussianRows,
    Population,
    PopulationMaximum,
)
from paper_lib.generalization.linear_rows import LinearRows
from paper_lib.generalization.rates import Draw, Rates, measure_rates
from paper_lib.generalization.slopes import SlopeFit, fit_slope, paper_rate
from paper_lib.generalization.solvers import exact_solver

__all__ = [
    "Bracket",
    "Draw",
    "FinitePopulation",
    "GaussianRows",
    "LinearRows",
    "Population",
    "PopulationMaximum",
    "Rates",
    "SlopeFit",
    "deviation_of",
    "exact_solver",
    "fit_slope",
    "measure_rates",
    "paper_rate",
]
