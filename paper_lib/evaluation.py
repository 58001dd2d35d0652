r"""The rows of Tables 1 to 3 for a classifier, a budget and a defense.

A row is a count: how many points keep what they should under an attack and a defense.
*True* accuracy asks f itself for the label of the data; *approximate* accuracy asks the
linearized :math:`f_L` for the sign of f at the clean point, as Table 3 defines them.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.attacks import fgm
from paper_lib.checks import check_finite, check_perturbation, check_radius
from paper_lib.data import LabeledImages
from paper_lib.geometry import check_in_l2_ball
from paper_lib.linearize import Linearization, call, check_inputs, frozen_evaluation

Attack = Literal["none", "FGM", "PGD"]
Defense = Literal["none", "SMOOTH"]
Accuracy = Literal["true", "approximate"]

# The five pairs of attack and defense, in the paper's order.
PLAYS: tuple[tuple[Attack, Defense], ...] = (
    ("none", "none"),
    ("FGM", "none"),
    ("FGM", "SMOOTH"),
    ("PGD", "none"),
    ("PGD", "SMOOTH"),
)

# Table 2 of the paper, MNIST 0 against 1, in percent.
PAPER_TABLE_2: dict[tuple[Attack, Defense, Accuracy], float] = {
    ("none", "none", "true"): 99.9,
    ("FGM", "none", "true"): 63.0,
    ("FGM", "SMOOTH", "true"): 95.6,
    ("PGD", "none", "true"): 47.7,
    ("PGD", "SMOOTH", "true"): 75.1,
    ("none", "none", "approximate"): 99.9,
    ("FGM", "none", "approximate"): 48.3,
    ("FGM", "SMOOTH", "approximate"): 94.5,
    ("PGD", "none", "approximate"): 85.6,
    ("PGD", "SMOOTH", "approximate"): 99.1,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRow:
    """One row of Table 3, as a count.

    Attributes:
        attack: Whose perturbation the attacker plays.
        defense: Whether the defender adds v.
        accuracy: Scored on f and the data's labels, or on f_L and the sign of f.
        correct: Points that keep their label.
        total: Points scored.
    """

    attack: Attack
    defense: Defense
    accuracy: Accuracy
    correct: int
    total: int

    @property
    def percent(self) -> float:
        """The accuracy in percent."""
        return 100.0 * self.correct / self.total


def calibrate_epsilon(lin: Linearization, accuracy: float) -> float:
    r"""Find the budget at which FGM alone leaves a given approximate accuracy.

    Against no defense the label survives FGM exactly when the margin
    :math:`|f| / \|\nabla f\|_2` is at least epsilon, so the budget is a quantile of
    the margins. It is put halfway between two margins that differ, the pair nearest to
    the target, where no point is decided by rounding.

    Args:
        lin: Points to calibrate on; training points, so that test points stay unseen.
        accuracy: The share of points to survive, in (0, 1).

    Returns:
        The budget, in the units of the inputs.

    Raises:
        ValueError: If ``accuracy`` is outside (0, 1) or rounds to none or all of the
            points, or no budget leaves it because margins are equal or infinite.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 2.0, 4.0, 8.0]), gradients=torch.ones(4, 1)
        ... )
        >>> calibrate_epsilon(lin, accuracy=0.5)
        3.0
    """
    if not 0.0 < accuracy < 1.0:
        raise ValueError(f"accuracy must lie in (0, 1), got {accuracy}.")
    margins = lin.margins.sort().values.cpu()
    wanted = round((1.0 - accuracy) * len(margins))
    if not 0 < wanted < len(margins):
        raise ValueError(
            f"accuracy {accuracy} rounds to none or all of {len(margins)} points."
        )
    # A budget fits between two neighbors that differ; flat points cannot be lost.
    lost = (margins[:-1] < margins[1:]).nonzero().squeeze(-1) + 1
    nearest = int(lost[(lost - wanted).abs().argmin()]) if len(lost) else wanted
    below, above = float(margins[nearest - 1]), float(margins[nearest])
    if not below < above < math.inf:
        raise ValueError(
            f"no budget leaves an accuracy of {accuracy} of {len(margins)} points: "
            f"{lin.num_unlabeled} points have no label and {lin.num_flat} a zero "
            f"gradient; the margins there are {below} and {above}."
        )
    return (below + above) / 2.0


def logits_at(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    *perturbations: Float[Tensor, "#n d"],
    batch_size: int = 1000,
) -> Float[Tensor, " n"]:
    """Evaluate a classifier at perturbed inputs, in eval mode and without gradients.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``; its mode comes back as it was.
        inputs: One input a row.
        *perturbations: What is added to each input, flattened; ``(1, d)`` for all.
        batch_size: Inputs a pass.

    Returns:
        The logits.

    Raises:
        ValueError: If the inputs or perturbations do not fit the model, its output is
            not ``(n,)``, or a logit is NaN or infinite.
    """
    check_inputs(model, inputs, batch_size)
    moved = inputs.flatten(1)
    for number, perturbation in enumerate(perturbations):
        check_perturbation(f"perturbations[{number}]", perturbation, moved)
        moved = moved + perturbation
    with frozen_evaluation(model), torch.no_grad():
        parts = moved.view_as(inputs).split(batch_size)
        logits = torch.cat([call(model, part) for part in parts])
    check_finite(logits=logits)
    return logits


def evaluate(
    model: nn.Module,
    data: LabeledImages,
    lin: Linearization,
    *,
    epsilon: float,
    defense: Float[Tensor, " d"],
    pgd_attack: Float[Tensor, "n d"],
) -> tuple[TableRow, ...]:
    r"""Score the ten rows of Table 3.

    Args:
        model: The classifier.
        data: The points to score, with the labels of the data.
        lin: The classifier linearized at these points.
        epsilon: The attacker's budget, in the units of the inputs.
        defense: The perturbation v the defender adds to every point.
        pgd_attack: The perturbations of PGD at these points.

    Returns:
        Five rows of true accuracy, then five of approximate accuracy. The approximate
        row without attack and defense is scored against the label, as in Table 3.

    Raises:
        ValueError: If ``lin`` and ``data`` differ in length, or an argument does not
            fit the model or lies outside V.
    """
    if len(lin.logits) != len(data.labels):
        raise ValueError(
            "lin must be taken at the points of data, got "
            f"{len(lin.logits)} and {len(data.labels)} points."
        )
    check_radius(epsilon, "epsilon")
    if defense.ndim != 1:
        raise ValueError(
            f"defense must have shape ({lin.gradients.shape[1]},), got "
            f"{tuple(defense.shape)}."
        )
    for name, moves in (
        ("defense", defense.unsqueeze(0)),
        ("pgd_attack", pgd_attack),
    ):
        check_perturbation(name, moves, lin.gradients)
        check_in_l2_ball(name, moves, epsilon)
    still = torch.zeros_like(defense).unsqueeze(0)
    attacks = {"none": still, "FGM": fgm(lin, epsilon), "PGD": pgd_attack}
    defenses = {"none": still, "SMOOTH": defense.unsqueeze(0)}
    true, approximate = [], []
    for play in PLAYS:
        moves = attacks[play[0]], defenses[play[1]]
        right = data.labels * logits_at(model, data.images, *moves) > 0
        kept = right if play == ("none", "none") else lin.label_survives(*moves)
        true.append(_row(play, "true", right))
        approximate.append(_row(play, "approximate", kept))
    return (*true, *approximate)


def disagreement(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    lin: Linearization,
    *perturbations: Float[Tensor, "#n d"],
) -> tuple[float, float]:
    """Measure where f and its linearization part about the same moves.

    Both are asked whether the sign of f at the clean point survives.

    Args:
        model: The classifier.
        inputs: One input a row.
        lin: The classifier linearized at these inputs.
        *perturbations: What is added to each input, say an attack and a defense.

    Returns:
        The share of points that only f keeps, and the share that only f_L keeps.

    Raises:
        ValueError: If the arguments do not fit each other.
    """
    logits = logits_at(model, inputs, *perturbations)
    linear = lin.label_survives(*perturbations)
    if len(linear) != len(logits):
        raise ValueError(
            f"lin must be taken at inputs, got {len(linear)} and {len(logits)} points."
        )
    true = lin.signs * logits > 0
    return (
        float((true & ~linear).double().mean()),
        float((~true & linear).double().mean()),
    )


def _row(
    play: tuple[Attack, Defense], accuracy: Accuracy, correct: Bool[Tensor, " n"]
) -> TableRow:
    """Count one row."""
    attack, defense = play
    return TableRow(
        attack=attack,
        defense=defense,
        accuracy=accuracy,
        correct=int(correct.sum()),
        total=len(correct),
    )
