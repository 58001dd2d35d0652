"""Both stages for many pairs as one batch, for devices where launches dominate.

The same computations as pair by pair, in the same order, but rounded otherwise;
training amplifies that. So records carry which companions were in the batch, and those
of the two paths never stand in for each other.
"""

from collections.abc import Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor

from experiments.gpu.batched_maximizers import ramp_ascents
from experiments.gpu.stacked import StackedClassifier, train_stacked
from experiments.tables.classifiers import train_pairs
from experiments.tables.computing import ALONE, Computing
from experiments.tables.defenses import FittedDefense, ramp_config, ramp_report
from experiments.tables.group_sweep import Stages
from experiments.tables.scoring import score_pairs
from paper_lib.attacks import PGD_READINGS, PGDResult
from paper_lib.geometry import project_l2_ball
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets

# Inputs of each model in a pass; affects speed and memory, and results by rounding.
_INPUTS_A_PASS = 100


@full_precision()
def linearize_stacked(
    models: Sequence[PairCNN], inputs: Sequence[Float[Tensor, "_ 1 28 28"]]
) -> list[Linearization]:
    """Linearize each classifier at inputs of its own.

    Args:
        models: The classifiers.
        inputs: The inputs of each; moved to the models' device.

    Returns:
        The linearizations.

    Raises:
        ValueError: If models and inputs do not fit.
    """
    stacked = StackedClassifier(models)
    size = stacked.num_models * _INPUTS_A_PASS
    lin = linearize(stacked, stacked.interleave(inputs), batch_size=size)
    parts = stacked.parts(inputs, lin.logits, lin.gradients)
    return [Linearization(logits=logits, gradients=rows) for logits, rows in parts]


@full_precision()
def attack_stacked(
    models: Sequence[PairCNN],
    inputs: Sequence[Float[Tensor, "_ 1 28 28"]],
    epsilons: Sequence[float],
    reading: str,
) -> list[PGDResult]:
    """Attack each classifier by PGD at inputs and a budget of its own.

    Args:
        models: The classifiers.
        inputs: The inputs of each; moved to the models' device.
        epsilons: The budget of each, > 0, in pixels.
        reading: A name in ``PGD_READINGS``.

    Returns:
        The perturbations.

    Raises:
        ValueError: If models, inputs and budgets do not fit.
    """
    # With lengths measured in budgets, every budget is one.
    stacked = StackedClassifier(models, scales=epsilons)
    size = stacked.num_models * _INPUTS_A_PASS
    attack = PGD_READINGS[reading].attack
    moves = attack(stacked, stacked.interleave(inputs), 1.0, batch_size=size)
    parts = stacked.parts(inputs, moves.perturbations, moves.returned)
    return [
        PGDResult(
            perturbations=project_l2_ball(unit * epsilon, epsilon),
            returned=returned,
        )
        for (unit, returned), epsilon in zip(parts, epsilons, strict=True)
    ]


def fit_stacked(
    problems: Sequence[RobustSets],
    seeds: Sequence[int],
    *,
    solver: str,
    ramp_steps: int,
) -> list[FittedDefense]:
    """Fit a solver to the rows of each pair: an ascent as one batch, others in turn.

    Args:
        problems: The rows.
        seeds: The seed of each.
        solver: One of ``SOLVERS``.
        ramp_steps: Steps of the ascent.

    Returns:
        What :func:`~experiments.tables.defenses.fit_solver` gives for each, up to
        rounding.
    """
    if solver == "fit_defense":
        return ALONE.fit(problems, seeds, solver=solver)
    ascents = ramp_ascents(problems, config=ramp_config(solver, ramp_steps))
    return list(map(ramp_report, ascents))


BATCHED = Computing(
    train=train_stacked,
    linearize=linearize_stacked,
    attack=attack_stacked,
    fit=fit_stacked,
    together=True,
)
TOGETHER = Stages(
    train=partial(train_pairs, how=BATCHED),
    score=partial(score_pairs, how=BATCHED),
    how=BATCHED,
)
