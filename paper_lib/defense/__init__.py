"""Maximizers of coverage: the perturbation the defender should play (Sec. 4).

One method a module; all of them behind :func:`maximize_coverage`.
"""

from paper_lib.defense.annealing import AnnealConfig, anneal
from paper_lib.defense.batch import coverage_path, maximize_batch
from paper_lib.defense.certificate import Certificate
from paper_lib.defense.fit import FittedDefense, fit_defense
from paper_lib.defense.hit_and_run import HitAndRunConfig
from paper_lib.defense.maximize import maximize_coverage, upper_bound
from paper_lib.defense.maximizer_set import (
    MaximizerDraws,
    MaximizerSet,
    draw_maximizers,
    maximizer_set,
)
from paper_lib.defense.ramp import (
    RampConfig,
    RampSolution,
    ramp_ascent,
    ramp_ascents,
    ramp_value,
)
from paper_lib.defense.solution import Solution
from paper_lib.defense.storage import load_certificate, save_certificate

__all__ = [
    "AnnealConfig",
    "Certificate",
    "FittedDefense",
    "HitAndRunConfig",
    "MaximizerDraws",
    "MaximizerSet",
    "RampConfig",
    "RampSolution",
    "Solution",
    "anneal",
    "coverage_path",
    "draw_maximizers",
    "fit_defense",
    "load_certificate",
    "maximize_batch",
    "maximize_coverage",
    "maximizer_set",
    "ramp_ascent",
    "ramp_ascents",
    "ramp_value",
    "save_certificate",
    "upper_bound",
]
