"""Maximizers of coverage: the perturbation the defender should play (Sec. 4)."""

from paper_lib.defense.certificate import Certificate
from paper_lib.defense.ramp import RampConfig, RampSolution, ramp_ascent
from paper_lib.defense.solution import Solution

__all__ = ["Certificate", "RampConfig", "RampSolution", "Solution", "ramp_ascent"]
