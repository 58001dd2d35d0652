"""Generalization: from the coverage of a sample to the coverage of its source (Sec. 5).

Every bound is conditional on the classifier and the budget: neither may depend on the
points that are counted.
"""

from paper_lib.generalization.bound import Bound, spread_confidence
from paper_lib.generalization.compression import (
    CompressedDefense,
    compress,
    compress_solution,
    compression_bound,
    rebuild,
)
from paper_lib.generalization.held_out import clopper_pearson, held_out_bound
from paper_lib.generalization.kl import binary_kl, kl_lower, kl_upper
from paper_lib.generalization.margin import margin_bound
from paper_lib.generalization.pac_bayes import (
    fit_certified,
    gaussian_coverage,
    pac_bayes_bound,
)
from paper_lib.generalization.regret import optimum_bound, regret_bound
from paper_lib.generalization.uniform import trace_bound, uniform_bound

__all__ = [
    "Bound",
    "CompressedDefense",
    "binary_kl",
    "clopper_pearson",
    "compress",
    "compress_solution",
    "compression_bound",
    "fit_certified",
    "gaussian_coverage",
    "held_out_bound",
    "kl_lower",
    "kl_upper",
    "margin_bound",
    "optimum_bound",
    "pac_bayes_bound",
    "rebuild",
    "regret_bound",
    "spread_confidence",
    "trace_bound",
    "uniform_bound",
]
