"""Generalization: from the coverage of a sample to the coverage of its source (Sec. 5).

Every bound is conditional on the classifier and the budget: neither may depend on the
points that are counted.
"""

from paper_lib.generalization.bound import Bound, spread_confidence
from paper_lib.generalization.catalog import bounds_at
from paper_lib.generalization.compression import (
    CompressedDefense,
    compress,
    compress_solution,
    compression_bound,
    rebuild,
)
from paper_lib.generalization.concentration import (
    difference_bounds,
    mcdiarmid_deviation,
    mcdiarmid_tail,
    paper_mcdiarmid_tail,
)
from paper_lib.generalization.deviations import (
    DeviationDraws,
    deviation_distribution,
    draw_deviations,
    supremum_deviation,
)
from paper_lib.generalization.distances import signed_distances
from paper_lib.generalization.distributions import (
    GaussianRows,
    Population,
    PopulationMaximum,
)
from paper_lib.generalization.finite_population import FinitePopulation
from paper_lib.generalization.held_out import clopper_pearson, held_out_bound
from paper_lib.generalization.kl import binary_kl, kl_lower, kl_upper
from paper_lib.generalization.largest_deviation import Bracket, deviation_of
from paper_lib.generalization.linear_rows import LinearRows
from paper_lib.generalization.margin import margin_bound
from paper_lib.generalization.pac_bayes import (
    fit_certified,
    gaussian_coverage,
    pac_bayes_bound,
)
from paper_lib.generalization.ramp_floor import mean_ramp, ramp_floor, ramp_maximizer
from paper_lib.generalization.rates import Draw, Rates, measure_rates
from paper_lib.generalization.regions import log_num_regions, num_regions
from paper_lib.generalization.regret import optimum_bound, regret_bound
from paper_lib.generalization.shatter import shatter_coefficient, shatter_is_exact
from paper_lib.generalization.slopes import SlopeFit, fit_slope, paper_rate
from paper_lib.generalization.solvers import exact_solver
from paper_lib.generalization.traces import trace_count, traces
from paper_lib.generalization.uniform import trace_bound, uniform_bound
from paper_lib.generalization.validity import Validity, check_bounds
from paper_lib.generalization.vc import (
    BoundStep,
    VCBound,
    expected_deviation_bound,
    smallest_informative_n,
    vc_bound,
)

__all__ = [
    "Bound",
    "BoundStep",
    "Bracket",
    "CompressedDefense",
    "DeviationDraws",
    "Draw",
    "FinitePopulation",
    "GaussianRows",
    "LinearRows",
    "Population",
    "PopulationMaximum",
    "Rates",
    "SlopeFit",
    "VCBound",
    "Validity",
    "binary_kl",
    "bounds_at",
    "check_bounds",
    "clopper_pearson",
    "compress",
    "compress_solution",
    "compression_bound",
    "deviation_distribution",
    "deviation_of",
    "difference_bounds",
    "draw_deviations",
    "exact_solver",
    "expected_deviation_bound",
    "fit_certified",
    "fit_slope",
    "gaussian_coverage",
    "held_out_bound",
    "kl_lower",
    "kl_upper",
    "log_num_regions",
    "margin_bound",
    "mcdiarmid_deviation",
    "mcdiarmid_tail",
    "mean_ramp",
    "measure_rates",
    "num_regions",
    "optimum_bound",
    "pac_bayes_bound",
    "paper_mcdiarmid_tail",
    "paper_rate",
    "ramp_floor",
    "ramp_maximizer",
    "rebuild",
    "regret_bound",
    "shatter_coefficient",
    "shatter_is_exact",
    "signed_distances",
    "smallest_informative_n",
    "spread_confidence",
    "supremum_deviation",
    "trace_bound",
    "trace_count",
    "traces",
    "uniform_bound",
    "vc_bound",
]
