"""How far a classifier is from its tangent: the assumption of Sec. 2 and Appendix E.

For classifiers that are piecewise linear, so that what is said of f is exact or proven:
:class:`~paper_lib.models.PairCNN`, or ``nn.Sequential``, nested or not, of
``nn.Conv2d``, ``nn.Linear``, ``nn.ReLU``, ``nn.LeakyReLU`` with a slope from 0 to 1,
``nn.MaxPool2d``, ``nn.AvgPool2d``, ``nn.BatchNorm1d`` and ``nn.BatchNorm2d`` with
stored statistics, ``nn.Flatten``, ``nn.Dropout``, ``nn.Dropout2d`` and ``nn.Identity``.
Any other layer is refused by name.

Where f leaves its tangent is found by ``find_disagreements`` and excluded by
``certify_agreement``. How far it goes is bounded by ``linearization_error``, which
``curved_game`` turns into what both players may gain in the game of f itself;
``network_coverage`` is what a defense keeps there, and ``follow_segment`` is f on the
way from one input to another.
"""

from paper_lib.local_linearity.agreement import certify_agreement, linearization_error
from paper_lib.local_linearity.curved import curved_game
from paper_lib.local_linearity.disagreements import find_disagreements
from paper_lib.local_linearity.network_attacks import network_coverage
from paper_lib.local_linearity.segments import follow_segment
