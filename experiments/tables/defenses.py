"""What the defender of an experiment may play, and what is stored of its fit."""

from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from paper_lib.defense import RampConfig, fit_defense, ramp_ascent
from paper_lib.defense.ramp import RampSolution
from paper_lib.robust_sets import RobustSets

# The rows of the ascent: raw as in the paper, or divided by their length.
_ROWS: dict[str, Literal["raw", "unit"]] = {
    "ramp, raw rows": "raw",
    "ramp, unit rows": "unit",
}
# What may fit SMOOTH, as records name it; the paper's ascent is the first.
SOLVERS = (*_ROWS, "fit_defense")
# A perturbation, and what there is to say of its fit.
FittedDefense = tuple[Float[Tensor, " d"], dict[str, Any]]


def fit_solver(
    sets: RobustSets, seed: int = 0, *, solver: str = SOLVERS[0], ramp_steps: int = 300
) -> FittedDefense:
    """Fit a defense.

    Args:
        sets: The robust sets to fit it on.
        seed: Seed of ``fit_defense``.
        solver: One of ``SOLVERS``.
        ramp_steps: Steps of the ascent.

    Returns:
        The perturbation, and what there is to say of the fit.
    """
    if solver == "fit_defense":
        fitted = fit_defense(sets, seed=seed)
        return fitted.perturbation, {
            "train_coverage": float(sets.coverage(fitted.perturbation)),
            "choice": fitted.choice,
            "holdout_coverage": fitted.holdout_coverage,
        }
    return ramp_report(ramp_ascent(sets, config=ramp_config(solver, ramp_steps)))


def ramp_config(solver: str, ramp_steps: int) -> RampConfig:
    """Read the settings of the ascent from a solver's name.

    Args:
        solver: One of ``SOLVERS`` that is an ascent.
        ramp_steps: Steps of the ascent.

    Returns:
        The settings.
    """
    return RampConfig(num_steps=ramp_steps, rows=_ROWS[solver])


def ramp_report(solution: RampSolution) -> FittedDefense:
    """Say of an ascent what is stored.

    Args:
        solution: What it found.

    Returns:
        The perturbation, and what there is to say of the fit.
    """
    return solution.perturbation, {
        "train_coverage": solution.coverage,
        "steps": len(solution.ramp_values) - 1,
        "in_dead_zone": solution.in_dead_zone,
    }
