"""What goes beyond Sec. 5: bounds of other kinds on the coverage of a source."""

from paper_lib.bounds.bound import Bound, spread_confidence
from paper_lib.bounds.catalog import bounds_at
from paper_lib.bounds.compression import CompressedDefense, compress, compression_bound
from paper_lib.bounds.held_out import held_out_bound
from paper_lib.bounds.margin import margin_bound
from paper_lib.bounds.pac_bayes import fit_certified, pac_bayes_bound
from paper_lib.bounds.regret import optimum_bound, regret_bound
from paper_lib.bounds.uniform import uniform_bound
