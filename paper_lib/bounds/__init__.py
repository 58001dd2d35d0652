"""What goes beyond Sec. 5: bounds of other kinds on the coverage of a source."""

from paper_lib.bounds.bound import Bound, spread_confidence
from paper_lib.bounds.catalog import bounds_at
from paper_lib.bounds.compression import (
    CompressedDefense,
    compress,
    compress_solution,
    compression_bound,
    rebuild,
)
from paper_lib.bounds.distances import signed_distances
from paper_lib.bounds.held_out import clopper_pearson, held_out_bound
from paper_lib.bounds.kl import binary_kl, kl_lower, kl_upper
from paper_lib.bounds.margin import margin_bound
from paper_lib.bounds.pac_bayes import fit_certified, gaussian_coverage, pac_bayes_bound
from paper_lib.bounds.regret import optimum_bound, regret_bound
from paper_lib.bounds.uniform import trace_bound, uniform_bound
