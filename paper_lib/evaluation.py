r"""The rows of Tables 1 to 3 for a classifier, a budget and a defense.

A row is a count: how many points keep what they should under an attack and a defense.
*True* accuracy asks f itself for the label of the data; *approximate* accuracy asks the
linearized :math:`f_L` for the sign of f at the clean point, as Table 3 defines them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.attacks import fgm
from paper_lib.checks import check_finite, check_perturbation, check_radius
from paper_lib.data import LabeledImages
from paper_lib.geometry import check_in_l2_ball
from paper_lib.linearize import Linearization, call, check_inputs, frozen_evaluation

# The names of an attack and of a defense; "none" is the perturbation zero.
Play = tuple[str, str]
# A play and "true" or "approximate".
Cell = tuple[str, str, str]

# The five pairs of attack and defense, in the paper's order.
PLAYS: tuple[Play, ...] = (
    ("none", "none"),
    ("FGM", "none"),
    ("FGM", "SMOOTH"),
    ("PGD", "none"),
    ("PGD", "SMOOTH"),
)

# Table 2 of the paper, MNIST 0 against 1, in percent.
PAPER_TABLE_2: dict[Cell, float] = {
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

# Table 1 of the paper: approximate accuracy over the 45 pairs of classes, in percent;
# the mean, and what the paper calls the variance.
PAPER_TABLE_1: dict[str, dict[Play, tuple[float, float]]] = {
    "mnist": {
        ("none", "none"): (99.9, 0.0),
        ("FGM", "none"): (53.3, 10.0),
        ("FGM", "SMOOTH"): (71.2, 14.2),
        ("PGD", "none"): (71.9, 12.0),
        ("PGD", "SMOOTH"): (94.0, 4.0),
    },
    "fashion-mnist": {
        ("none", "none"): (99.9, 0.1),
        ("FGM", "none"): (47.4, 5.1),
        ("FGM", "SMOOTH"): (67.4, 9.0),
        ("PGD", "none"): (74.7, 7.3),
        ("PGD", "SMOOTH"): (90.3, 8.5),
    },
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

    attack: str
    defense: str
    accuracy: str
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


def calibrate_shared_epsilon(
    margins: Sequence[Float[Tensor, " _"]], accuracy: float
) -> float:
    r"""Find the one budget at which FGM leaves a given accuracy on average over tasks.

    The mean over tasks of the share of points with a margin of at least epsilon falls
    with epsilon in steps; the budget is put halfway between the two neighboring margins
    where it comes nearest to the target.

    Args:
        margins: The margins :math:`|f| / \|\nabla f\|_2` of each task's points.
        accuracy: The mean share to survive, in (0, 1).

    Returns:
        The budget, in the units of the inputs.

    Raises:
        ValueError: If ``accuracy`` is outside (0, 1), a task has no points, or no
            budget leaves it because margins are infinite.

    Example:
        >>> tasks = [torch.tensor([1.0, 2.0]), torch.tensor([4.0, 8.0])]
        >>> calibrate_shared_epsilon(tasks, accuracy=0.5)
        3.0
    """
    if not 0.0 < accuracy < 1.0:
        raise ValueError(f"accuracy must lie in (0, 1), got {accuracy}.")
    if not len(margins) or not all(len(task) for task in margins):
        raise ValueError(
            "margins must hold at least one task and one point in each, got "
            f"{[len(task) for task in margins]} points."
        )
    values = torch.cat([task.double().cpu() for task in margins])
    shares = torch.cat(
        [torch.full((len(task),), 1.0 / (len(task) * len(margins))) for task in margins]
    )
    values, order = values.sort()
    # What is left once every margin up to this one is below the budget.
    left = 1.0 - shares.double()[order].cumsum(0)
    ends = (values[:-1] < values[1:]) & values[1:].isfinite()
    places = ends.nonzero().squeeze(-1)
    if not len(places):
        raise ValueError(
            f"no budget leaves an accuracy of {accuracy}: all {len(values)} margins "
            "are equal or infinite."
        )
    nearest = int(places[(left[places] - accuracy).abs().argmin()])
    return float(values[nearest] + values[nearest + 1]) / 2.0


def logits_at(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    *perturbations: Float[Tensor, "#n d"],
    batch_size: int = 250,
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
        epsilon: The budget of both players, in the units of the inputs.
        defense: The perturbation v the defender adds to every point.
        pgd_attack: The perturbations of PGD at these points.

    Returns:
        Five rows of true accuracy, then five of approximate accuracy. The approximate
        row without attack and defense is scored against the label, as in Table 3.

    Raises:
        ValueError: If ``lin`` and ``data`` differ in length, or an argument does not
            fit the model or lies outside V.
    """
    _check_points(data, lin)
    check_radius(epsilon, "epsilon")
    if defense.ndim != 1:
        raise ValueError(
            f"defense must have shape ({lin.gradients.shape[1]},), got "
            f"{tuple(defense.shape)}."
        )
    _check_move("defense", defense.unsqueeze(0), lin, epsilon)
    _check_move("pgd_attack", pgd_attack, lin, epsilon)
    verdicts = judge(
        model,
        data,
        lin,
        epsilon=epsilon,
        attacks={"FGM": fgm(lin, epsilon), "PGD": pgd_attack},
        defenses={"SMOOTH": defense.unsqueeze(0)},
    )
    return tuple(
        TableRow(
            attack=attack,
            defense=defense_name,
            accuracy=accuracy,
            correct=int(verdicts[attack, defense_name, accuracy].sum()),
            total=len(data.labels),
        )
        for accuracy in ("true", "approximate")
        for attack, defense_name in PLAYS
    )


def judge(
    model: nn.Module,
    data: LabeledImages,
    lin: Linearization,
    *,
    epsilon: float,
    attacks: Mapping[str, Float[Tensor, "#n d"]],
    defenses: Mapping[str, Float[Tensor, "#n d"]],
) -> dict[Cell, Bool[Tensor, " n"]]:
    """Decide for every point whether it keeps its label, under each attack and defense.

    Args:
        model: The classifier.
        data: The points, with the labels of the data.
        lin: The classifier linearized at these points.
        epsilon: The budget of both players, in the units of the inputs.
        attacks: Perturbations of the attacker under their names.
        defenses: Perturbations of the defender under their names; ``(1, d)`` for one
            that is added to every point.

    Returns:
        The verdicts under the names of attack and defense, ``"none"`` included, and
        ``"true"``, for f and the label, or ``"approximate"``, for f_L and the sign of
        f. Without attack and defense both are scored against the label, as in Table 3.

    Raises:
        ValueError: If ``lin`` and ``data`` differ in length, or an argument does not
            fit the model or lies outside V.
    """
    _check_points(data, lin)
    check_radius(epsilon, "epsilon")
    for argument, moves in (("attacks", attacks), ("defenses", defenses)):
        for name, perturbation in moves.items():
            _check_move(f"{argument}[{name!r}]", perturbation, lin, epsilon)
    verdicts = {}
    right = data.labels * logits_at(model, data.images) > 0
    for accuracy in ("true", "approximate"):
        verdicts["none", "none", accuracy] = right
    still = torch.zeros_like(lin.gradients[:1])
    for attack, move in {"none": still, **attacks}.items():
        for defense, answer in {"none": still, **defenses}.items():
            if (attack, defense) != ("none", "none"):
                right, kept = keeps_label(model, data, lin, move, answer)
                verdicts[attack, defense, "true"] = right
                verdicts[attack, defense, "approximate"] = kept
    return verdicts


def keeps_label(
    model: nn.Module,
    data: LabeledImages,
    lin: Linearization,
    *moves: Float[Tensor, "#n d"],
) -> tuple[Bool[Tensor, " n"], Bool[Tensor, " n"]]:
    """Decide for every point whether it keeps its label when it is moved.

    Args:
        model: The classifier.
        data: The points, with the labels of the data.
        lin: The classifier linearized at these points.
        *moves: What is added to each point, say an attack and a defense.

    Returns:
        Whether f gives the label of the data, and whether f_L gives the sign of f.

    Raises:
        ValueError: If a move does not fit the points.
    """
    right = data.labels * logits_at(model, data.images, *moves) > 0
    return right, lin.label_survives(*moves)


def _check_points(data: LabeledImages, lin: Linearization) -> None:
    """Reject a linearization taken at other points.

    Raises:
        ValueError: If the lengths differ.
    """
    if len(lin.logits) != len(data.labels):
        raise ValueError(
            "lin must be taken at the points of data, got "
            f"{len(lin.logits)} and {len(data.labels)} points."
        )


def _check_move(name: str, moves: Tensor, lin: Linearization, epsilon: float) -> None:
    """Reject perturbations that do not fit the points or lie outside V.

    Raises:
        ValueError: See the summary.
    """
    check_perturbation(name, moves, lin.gradients)
    check_in_l2_ball(name, moves, epsilon)


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
