"""The rows of Tables 1 to 3: a count of points for each attack and each defense."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.attacks import fgm
from paper_lib.checks import check_radius
from paper_lib.checks.arguments import check_type
from paper_lib.checks.operands import check_perturbation
from paper_lib.data import LabeledImages
from paper_lib.evaluation.labels import keeps_label, logits_at
from paper_lib.evaluation.plays import PLAYS, Cell
from paper_lib.geometry.ball import check_in_l2_ball
from paper_lib.linearize import Linearization


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
    _check_plays(
        data,
        lin,
        epsilon,
        constant={"defense": defense},
        by_point={"pgd_attack": pgd_attack},
    )
    verdicts = _verdicts(
        model,
        data,
        lin,
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
    moves = {f"attacks[{name!r}]": move for name, move in attacks.items()}
    moves |= {f"defenses[{name!r}]": move for name, move in defenses.items()}
    _check_plays(data, lin, epsilon, constant={}, by_point=moves)
    return _verdicts(model, data, lin, attacks=attacks, defenses=defenses)


def _verdicts(
    model: nn.Module,
    data: LabeledImages,
    lin: Linearization,
    *,
    attacks: Mapping[str, Float[Tensor, "#n d"]],
    defenses: Mapping[str, Float[Tensor, "#n d"]],
) -> dict[Cell, Bool[Tensor, " n"]]:
    """Decide for every point whether it keeps its label; see :func:`judge`."""
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


def _check_plays(
    data: LabeledImages,
    lin: Linearization,
    epsilon: float,
    *,
    constant: Mapping[str, Tensor],
    by_point: Mapping[str, Tensor],
) -> None:
    """Reject what does not fit the points, or lies outside V, by the caller's names.

    Args:
        data: The points.
        lin: The classifier linearized at these points.
        epsilon: The budget of both players.
        constant: Perturbations of shape ``(d,)``, under their names.
        by_point: Perturbations of shape ``(n, d)`` or ``(1, d)``, under their names.

    Raises:
        ValueError: See the summary.
    """
    check_type(data, "data", LabeledImages)
    check_type(lin, "lin", Linearization)
    if len(lin.logits) != len(data.labels):
        raise ValueError(
            "lin must be taken at the points of data, got "
            f"{len(lin.logits)} and {len(data.labels)} points."
        )
    check_radius(epsilon, "epsilon")
    for name, perturbation in constant.items():
        check_type(perturbation, name, Tensor)
        if perturbation.ndim != 1:
            raise ValueError(
                f"{name} must have shape ({lin.gradients.shape[1]},), got "
                f"{tuple(perturbation.shape)}."
            )
    rows = {name: move.unsqueeze(0) for name, move in constant.items()}
    for name, moves in (rows | dict(by_point)).items():
        check_perturbation(name, moves, lin.gradients)
        check_in_l2_ball(name, moves, epsilon)


def percents(rows: Iterable[TableRow]) -> dict[Cell, float]:
    """Key rows by attack, defense and accuracy.

    Args:
        rows: Rows of Table 3.

    Returns:
        The accuracy of each in percent.
    """
    return {(row.attack, row.defense, row.accuracy): row.percent for row in rows}
