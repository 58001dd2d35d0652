r"""The attacker's utility, Eq. (1)."""

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import operands
from paper_lib.checks.arguments import check_type
from paper_lib.checks.radii import Budget, check_budgets
from paper_lib.geometry.ball import check_in_l2_ball
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import Linearization

# Products computed at once; affects speed alone.
_BLOCK = 1_000_000


def utility(
    lin: Linearization,
    attack: Float[Tensor, "n d"],
    defense: Float[Tensor, " d"] | Float[Tensor, "n d"],
    epsilon: float | None = None,
    *,
    attack_epsilon: float | Float[Tensor, " n"] | None = None,
    labels: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, " n"]:
    r"""Score a pair of perturbations at each point. Paper: Eq. (1).

    The attacker gets +1 where the label is lost and -1 where it survives:
    :math:`\operatorname{sgn}(f(x)) f_L(x + a + d) \ge 0`, so that landing on the
    boundary is no flip. A point with f(x) = 0 has no label: +1 whatever is played.

    Args:
        lin: The linearized classifier.
        attack: a(x_i), one a row, in the units of the inputs.
        defense: One v for all points, or a row for each.
        epsilon: The budget both must keep; None: not checked.
        attack_epsilon: The attacker's budget where it differs, one number or one for
            each point.
        labels: Score against these, -1 or +1, and not against sgn f: another game, in
            which Lemma 2 fails at points that f gets wrong.

    Returns:
        -1. or +1. for each point, as float64, decided as ``label_survives`` does.

    Raises:
        TypeError: If ``lin`` is no :class:`Linearization`.
        ValueError: If a shape, dtype or device does not fit, an entry is not finite, a
            perturbation lies outside V, a label is neither -1 nor +1, or
            ``attack_epsilon`` comes without ``epsilon``.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, -3.0]),
        ...     gradients=torch.tensor([[1.0, 0.0], [1.0, 0.0]]),
        ... )
        >>> attack = torch.tensor([[-2.0, 0.0], [2.0, 0.0]])
        >>> utility(lin, attack, torch.tensor([0.0, 0.0]))
        tensor([ 1., -1.], dtype=torch.float64)
        >>> utility(lin, attack, torch.tensor([1.0, 0.0]), epsilon=2.0)
        tensor([-1., -1.], dtype=torch.float64)
    """
    check_type(lin, "lin", Linearization)
    operands.check_same_kind(
        **{"the points": lin.gradients}, attack=attack, defense=defense
    )
    num, dim = lin.gradients.shape
    operands.check_shape("attack", attack, (num, dim))
    operands.check_shape("defense", defense, (dim,), (num, dim))
    moves = defense if defense.ndim == 2 else defense.unsqueeze(0)
    operands.check_finite(attack=attack, defense=moves)
    check_kept(lin, epsilon, attack_epsilon, attack=attack, defense=moves)
    if labels is None:
        return 1.0 - 2.0 * lin.label_survives(attack, moves).double()
    operands.check_labels(labels, "labels", len(lin.logits))
    values = labels.double() * lin.moved_logits(attack, moves)
    return 1.0 - 2.0 * (values >= 0).double()


def check_kept(
    lin: Linearization,
    epsilon: float | None,
    attack_epsilon: Budget | None,
    **plays: Tensor,
) -> None:
    """Reject plays outside V, if there are budgets to keep.

    Args:
        lin: The points.
        epsilon: The budget of both; None: not checked.
        attack_epsilon: The attacker's budget where it differs.
        **plays: The attacker's plays ``(..., n, d)``, then the defender's, under their
            names.

    Raises:
        TypeError: If a budget is no number.
        ValueError: If one lies outside, or a budget is none.
    """
    if epsilon is None and attack_epsilon is not None:
        raise ValueError(
            "attack_epsilon needs the defender's epsilon beside it, got None."
        )
    if epsilon is not None:
        budgets = check_budgets(epsilon, attack_epsilon, lin.gradients)
        for (name, rows), budget in zip(plays.items(), budgets, strict=True):
            check_in_l2_ball(name, rows, budget)


def shifts(lin: Linearization, rows: Float[Tensor, "k m d"]) -> Float[Tensor, "k n"]:
    """Compute by how much each play moves the linearized logit of each point.

    Args:
        lin: The points.
        rows: One play each: a perturbation for each point, or one for all.

    Returns:
        The products with the gradients, in float64 and in the one order of summation.
    """
    num, dim = lin.gradients.shape
    parts = []
    for block in rows.split(max(_BLOCK // (num * dim), 1)):
        left = lin.gradients.expand(len(block), num, dim).reshape(-1, dim)
        right = block.expand(len(block), num, dim).reshape(-1, dim)
        parts.append(row_dots(left, right).reshape(len(block), num))
    return torch.cat(parts)


def payoffs(
    logits: Float[Tensor, " n"],
    attack_shifts: Float[Tensor, "*#k n"],
    defense_shifts: Float[Tensor, "*#k n"],
) -> Float[Tensor, "*k n"]:
    """Score moved logits as :func:`utility` does, bit for bit.

    Args:
        logits: The logits before the moves.
        attack_shifts: What attacks add to them.
        defense_shifts: What defenses add.

    Returns:
        The attacker's utilities, -1. or +1.
    """
    values = logits.double() + attack_shifts + defense_shifts
    survives = (logits.sign().double() * values >= 0) & (logits != 0)
    return 1.0 - 2.0 * survives.double()
