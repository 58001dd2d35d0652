"""The rows of Tables 1 to 3 for a classifier, a budget and a defense.

A row is a count: how many points keep what they should under an attack and a defense.
*True* accuracy asks f itself for the label of the data; *approximate* accuracy asks the
linearized :math:`f_L` for the sign of f at the clean point, as Table 3 defines them.
"""

from paper_lib.evaluation.budgets import calibrate_epsilon
from paper_lib.evaluation.labels import disagreement, logits_at
from paper_lib.evaluation.plays import PLAYS, play_name
from paper_lib.evaluation.scores import TableRow, evaluate, judge, percents
