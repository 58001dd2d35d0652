"""Generalization: from the coverage of a sample to the coverage of its source (Sec. 5).

Every bound is conditional on the classifier and the budget: neither may depend on the
points that are counted.
"""

from paper_lib.generalization.concentration import (
    difference_bounds,
    mcdiarmid_deviation,
    mcdiarmid_tail,
)
from paper_lib.generalization.region_counts import log_num_regions, num_regions
from paper_lib.generalization.shatter import shatter_coefficient
from paper_lib.generalization.trace_counts import trace_count, traces
from paper_lib.generalization.vc import (
    VCBound,
    expected_deviation_bound,
    smallest_informative_n,
    vc_bound,
)
