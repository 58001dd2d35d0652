"""How well the best defense for a sample does on the population. Paper: Section 5."""

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
from paper_lib.generalization.regions import log_num_regions, num_regions
from paper_lib.generalization.shatter import shatter_coefficient, shatter_is_exact
from paper_lib.generalization.traces import trace_count, traces
from paper_lib.generalization.vc import (
    BoundStep,
    VCBound,
    expected_deviation_bound,
    smallest_informative_n,
    vc_bound,
)

__all__ = [
    "BoundStep",
    "DeviationDraws",
    "VCBound",
    "deviation_distribution",
    "difference_bounds",
    "draw_deviations",
    "expected_deviation_bound",
    "log_num_regions",
    "mcdiarmid_deviation",
    "mcdiarmid_tail",
    "num_regions",
    "paper_mcdiarmid_tail",
    "shatter_coefficient",
    "shatter_is_exact",
    "smallest_informative_n",
    "supremum_deviation",
    "trace_count",
    "traces",
    "vc_bound",
]
