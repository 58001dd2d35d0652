"""How far a classifier is from its tangent: the assumption of Sec. 2 and Appendix E.

For classifiers that are piecewise linear, so that what is said of f is exact or proven.
"""

from paper_lib.local_linearity.agreement import certify_agreement, linearization_error
from paper_lib.local_linearity.curved import curved_game
from paper_lib.local_linearity.disagreements import find_disagreements
from paper_lib.local_linearity.network_attacks import network_coverage
from paper_lib.local_linearity.segments import follow_segment
