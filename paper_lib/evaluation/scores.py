"""The rows of Tables 1 to 3: a count of points for each attack and each defense."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.attacks import fgm
from paper_lib.checks import check_radius
from paper_lib.checks.arguments import check_type
from paper_lib.checks.operands import check_constant, check_perturbation
from paper_lib.data import LabeledImages
from paper_lib.evaluation.labels import check_points, clip_moves, keeps_label, logits_at
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
        changed: Points that the box decides: they keep their label with it and lose it
            without, or the other way round.

    Example:
        >>> row = TableRow(
        ...     attack="FGM", defense="none", accuracy="true", correct=3, total=4
        ... )
        >>> row.percent
        75.0
    """

    attack: str
    defense: str
    accuracy: str
    correct: int
    total: int
    changed: int = 0

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
    box: tuple[float, float] | None = None,
) -> tuple[TableRow, ...]:
    r"""Score the ten rows of Table 3.

    Args:
        model: The classifier.
        data: The points to score, with the labels of the data.
        lin: The classifier linearized at these points.
        epsilon: The budget of both players, in the units of the inputs.
        defense: The perturbation v the defender adds to every point.
        pgd_attack: The perturbations of PGD at these points.
        box: The smallest and the largest number an input may hold: what is moved beyond
            is clipped before it is scored. None: nothing is clipped, as in the paper.
            The robust sets, and what is proven of them, know no box.

    Returns:
        Five rows of true accuracy, then five of approximate accuracy. The approximate
        row without attack and defense is scored against the label, as in Table 3. Each
        says how many points the box decides.

    Raises:
        TypeError: If an argument is of another kind.
        ValueError: If ``lin`` and ``data`` differ in length, an argument does not fit
            the model or lies outside V, or the box is none or leaves points out.

    Example:
        >>> data = LabeledImages(
        ...     images=torch.tensor([[1.0], [-3.0]]), labels=torch.tensor([1.0, -1.0])
        ... )
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, -3.0]), gradients=torch.ones(2, 1)
        ... )
        >>> rows = evaluate(
        ...     nn.Flatten(0),
        ...     data,
        ...     lin,
        ...     epsilon=2.0,
        ...     defense=torch.tensor([1.0]),
        ...     pgd_attack=fgm(lin, 2.0),
        ... )
        >>> [row.correct for row in rows if row.accuracy == "true"]
        [2, 1, 2, 1, 2]
    """
    check_type(lin, "lin", Linearization)
    check_constant("defense", defense, lin.gradients)
    constant = defense.unsqueeze(0)
    moves = {"defense": constant, "pgd_attack": pgd_attack}
    _check_moves(data, lin, epsilon, moves)
    attacks = {"FGM": fgm(lin, epsilon), "PGD": pgd_attack}
    players = {"attacks": attacks, "defenses": {"SMOOTH": constant}}
    scored = partial(judge, model, data, lin, epsilon=epsilon, **players)
    free = scored()
    verdicts = free if box is None else scored(box=box)
    return tuple(
        TableRow(
            attack=play[0],
            defense=play[1],
            accuracy=accuracy,
            correct=int(verdicts[*play, accuracy].sum()),
            total=len(data.labels),
            changed=int((verdicts[*play, accuracy] != free[*play, accuracy]).sum()),
        )
        for accuracy in ("true", "approximate")
        for play in PLAYS
    )


def judge(
    model: nn.Module,
    data: LabeledImages,
    lin: Linearization,
    *,
    epsilon: float,
    attacks: Mapping[str, Float[Tensor, "#n d"]],
    defenses: Mapping[str, Float[Tensor, "#n d"]],
    box: tuple[float, float] | None = None,
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
        box: As for :func:`evaluate`; what it changes are the verdicts that differ from
            those without it.

    Returns:
        The verdicts under the names of attack and defense, ``"none"`` included, and
        ``"true"``, for f and the label, or ``"approximate"``, for f_L and the sign of
        f. Without attack and defense both are scored against the label, as in Table 3.

    Raises:
        ValueError: If ``lin`` and ``data`` differ in length, or an argument does not
            fit the model or lies outside V.

    Example:
        >>> data = LabeledImages(
        ...     images=torch.tensor([[1.0], [-3.0]]), labels=torch.tensor([1.0, -1.0])
        ... )
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, -3.0]), gradients=torch.ones(2, 1)
        ... )
        >>> kept = judge(
        ...     nn.Flatten(0),
        ...     data,
        ...     lin,
        ...     epsilon=2.0,
        ...     attacks={"FGM": fgm(lin, 2.0)},
        ...     defenses={"v": torch.tensor([[1.0]])},
        ... )
        >>> kept["FGM", "none", "true"].tolist(), kept["FGM", "v", "true"].tolist()
        ([False, True], [True, True])
    """
    moves = {f"attacks[{name!r}]": move for name, move in attacks.items()}
    moves |= {f"defenses[{name!r}]": move for name, move in defenses.items()}
    _check_moves(data, lin, epsilon, moves)
    right = data.labels * logits_at(model, data.images) > 0
    verdicts = {("none", "none", "true"): right, ("none", "none", "approximate"): right}
    still = torch.zeros_like(lin.gradients[:1])
    for attack, move in {"none": still, **attacks}.items():
        for defense, answer in {"none": still, **defenses}.items():
            if (attack, defense) != ("none", "none"):
                moves = move, answer
                if box is not None:
                    moves = (clip_moves(data.images, *moves, box=box),)
                right, kept = keeps_label(model, data, lin, *moves)
                verdicts[attack, defense, "true"] = right
                verdicts[attack, defense, "approximate"] = kept
    return verdicts


def _check_moves(
    data: LabeledImages, lin: Linearization, epsilon: float, moves: Mapping[str, Tensor]
) -> None:
    """Reject what does not fit the points, or lies outside V, by the caller's names."""
    check_points(data, lin)
    check_radius(epsilon, "epsilon")
    for name, move in moves.items():
        check_perturbation(name, move, lin.gradients)
        check_in_l2_ball(name, move, epsilon)


def percents(rows: Iterable[TableRow]) -> dict[Cell, float]:
    """Key rows by attack, defense and accuracy.

    Args:
        rows: Rows of Table 3.

    Returns:
        The accuracy of each in percent.

    Example:
        >>> row = TableRow(
        ...     attack="FGM", defense="none", accuracy="true", correct=3, total=4
        ... )
        >>> percents([row])
        {('FGM', 'none', 'true'): 75.0}
    """
    return {(row.attack, row.defense, row.accuracy): row.percent for row in rows}
