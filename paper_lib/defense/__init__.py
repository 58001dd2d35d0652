"""Maximizers of coverage: the perturbation the defender should play (Sec. 4).

One method a module; all of them behind :func:`maximize_coverage`.
"""

from paper_lib.defense.batch import coverage_path
from paper_lib.defense.certificates.certificate import Certificate
from paper_lib.defense.certificates.storage import load_certificate, save_certificate
from paper_lib.defense.defended import DefendedClassifier
from paper_lib.defense.draws.hit_and_run import HitAndRunConfig
from paper_lib.defense.draws.maximizer_draws import draw_maximizers
from paper_lib.defense.draws.planar_maximizers import MaximizerSet, maximizer_set
from paper_lib.defense.fit import FittedDefense, fit_defense
from paper_lib.defense.maximize import maximize_coverage, upper_bound
from paper_lib.defense.ramp import RampConfig, RampSolution, ramp_ascent, ramp_value
from paper_lib.defense.solution import Solution
