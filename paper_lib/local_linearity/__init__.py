"""How far a classifier is from its tangent: the assumption of Sec. 2 and Appendix E.

For classifiers that are piecewise linear, so that what is said of f is exact or proven.
"""

from paper_lib.local_linearity.agreement import certify_agreement
from paper_lib.local_linearity.error_bounds import (
    LinearizationError,
    linearization_error,
)
