r"""The game with finitely many plays, solved without FGM, Lemma 1 or coverage.

Each point has K attacks, the defender m constants. An attacker's pure strategy picks an
attack for every point, one of :math:`K^n`; but her utility is a mean over points, so a
mixed strategy matters only through the probabilities :math:`p_i` that it gives to the
attacks at each point, and any such probabilities come from some mixed strategy. So a
linear program is exact for all of them, and its dual has few variables:

.. math:: \max_{p_i \in \Delta_K} \min_j \frac1n \sum_i p_i^\top U_{i \cdot j}
    = \min_{q \in \Delta_m} \frac1n \sum_i \max_k (U_i q)_k .

The right side is solved by cutting planes (:mod:`paper_lib.game.cutting_planes`).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.attacks import fgm
from paper_lib.checks import check_count, check_radius
from paper_lib.checks.arguments import check_type
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.game.cutting_planes import cutting_planes
from paper_lib.game.payoff import check_kept, payoffs, shifts
from paper_lib.geometry import sample_l2_ball
from paper_lib.linearize import Linearization

# How far below zero rounding may leave a weight.
_WEIGHT_SLACK = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MatrixEquilibrium:
    """An equilibrium of a finite game, and what each strategy guarantees by itself.

    Attributes:
        attacker: Probabilities of the attacks at each point.
        defender: Probabilities of the defenses.
        attacker_guarantee: The attacker's least utility, over all defenses.
        defender_guarantee: The attacker's largest utility, over all attacks.
    """

    attacker: Float[np.ndarray, "n k"]
    defender: Float[np.ndarray, " m"]
    attacker_guarantee: float
    defender_guarantee: float

    @property
    def value(self) -> float:
        """The value of the game, halfway between both guarantees."""
        return (self.attacker_guarantee + self.defender_guarantee) / 2.0

    @property
    def duality_gap(self) -> float:
        """How far the guarantees are apart: zero at an equilibrium."""
        return self.defender_guarantee - self.attacker_guarantee


def point_payoffs(
    lin: Linearization,
    attacks: Float[Tensor, "n k d"],
    defenses: Float[Tensor, "m d"],
    *,
    epsilon: float | None = None,
    attack_epsilon: float | Float[Tensor, " n"] | None = None,
) -> Float[np.ndarray, "n k m"]:
    """Score every attack at every point against every defense. Paper: Eq. (1).

    Args:
        lin: The linearized classifier.
        attacks: Attacks to choose from at each point, in the units of the inputs.
        defenses: Constants the defender chooses from.
        epsilon: The budget both must keep; None: not checked.
        attack_epsilon: The attacker's budget where it differs.

    Returns:
        The attacker's utilities, -1. or +1., as :func:`~paper_lib.game.utility` counts.

    Raises:
        TypeError: If ``lin`` is no :class:`Linearization`.
        ValueError: If shapes, dtypes or devices do not fit, there is no attack or
            defense, an entry is not finite, or one lies outside V.

    Example:
        >>> lin = Linearization(logits=torch.ones(1), gradients=torch.eye(1, 2))
        >>> attacks = torch.tensor([[[0.0, 0.0], [-1.5, 0.0]]])
        >>> point_payoffs(lin, attacks, torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
        array([[[-1., -1.],
                [ 1., -1.]]])
    """
    check_type(lin, "lin", Linearization)
    num, dim = lin.gradients.shape
    fits = (
        attacks.shape == (num, *attacks.shape[1:2], dim)
        and defenses.shape == (*defenses.shape[:1], dim)
        and 0 not in (*attacks.shape, *defenses.shape)
    )
    if not fits:
        raise ValueError(
            f"attacks must be ({num}, k, {dim}) and defenses (m, {dim}), with k and m "
            f"at least 1, got {tuple(attacks.shape)} and {tuple(defenses.shape)}."
        )
    check_same_kind(**{"the points": lin.gradients}, attacks=attacks, defenses=defenses)
    check_finite(attacks=attacks, defenses=defenses)
    plays = attacks.transpose(0, 1)
    check_kept(lin, epsilon, attack_epsilon, attacks=plays, defenses=defenses)
    moved = shifts(lin, plays)
    defended = shifts(lin, defenses.unsqueeze(1))
    table = torch.stack([payoffs(lin.logits, one, defended) for one in moved])
    return table.permute(2, 0, 1).cpu().numpy()


def attack_candidates(
    lin: Linearization,
    epsilon: float,
    num_random: int,
    *,
    include_fgm: bool = True,
    seed: int = 0,
) -> Float[Tensor, "n k d"]:
    """Collect attacks for each point: FGM first, then uniform draws from V.

    Args:
        lin: The linearized classifier.
        epsilon: The attacker's budget.
        num_random: Draws for each point.
        include_fgm: Whether FGM is among them.
        seed: Seed of the draws.

    Returns:
        The attacks, in the dtype of the gradients.

    Raises:
        TypeError: If ``lin`` is no :class:`Linearization`, or ``num_random`` is no
            integer.
        ValueError: If there is no attack, or the budget is no length.

    Example:
        >>> lin = Linearization(logits=torch.ones(1), gradients=torch.eye(1, 2))
        >>> attack_candidates(lin, epsilon=1.5, num_random=3).shape
        torch.Size([1, 4, 2])
    """
    check_type(lin, "lin", Linearization)
    epsilon = check_radius(epsilon, "epsilon")
    num_random = check_count(num_random, "num_random", int(not include_fgm))
    num, dim = lin.gradients.shape
    parts = [fgm(lin, epsilon).unsqueeze(1)] if include_fgm else []
    if num_random:
        drawn = sample_l2_ball(num * num_random, dim, epsilon, seed=seed)
        parts.append(drawn.reshape(num, num_random, dim).to(lin.gradients))
    return torch.cat(parts, dim=1)


def solve_matrix_game(table: Float[np.ndarray, "n k m"]) -> MatrixEquilibrium:
    """Find the value and an equilibrium by cutting planes.

    The result does not depend on the unit or the zero of the utilities. Memory and time
    grow with the size of the table.

    Args:
        table: Utilities of the attacker: points, attacks, defenses.

    Returns:
        Mixed strategies of both, normalized, with guarantees computed from them and the
        table alone: so the gap is evidence that does not rest on the solver.

    Raises:
        TypeError: If the table is no array of real numbers.
        ValueError: If the table is empty or not finite.
        RuntimeError: If the solver fails.

    Example:
        >>> pennies = np.array([[[1.0, -1.0], [-1.0, 1.0]]])
        >>> solved = solve_matrix_game(pennies)
        >>> round(solved.value, 9), solved.defender.round(9).tolist()
        (0.0, [0.5, 0.5])
    """
    check_table(table)
    return judge_strategies(table, *cutting_planes(_scaled(table)[0]))


def judge_strategies(
    table: Float[np.ndarray, "n k m"],
    attacker: Float[np.ndarray, "n k"],
    defender: Float[np.ndarray, " m"],
) -> MatrixEquilibrium:
    """Compute what mixed strategies guarantee.

    Args:
        table: Utilities of the attacker: points, attacks, defenses.
        attacker: Weights of the attacks at each point, scaled to sum to one.
        defender: Weights of the defenses, scaled to sum to one.

    Returns:
        The strategies and their guarantees; an equilibrium where the gap is zero.

    Raises:
        TypeError: If the table or the weights are no arrays of real numbers.
        ValueError: If shapes do not fit, a weight is negative beyond rounding, NaN or
            infinite, or weights sum to nothing.

    Example:
        >>> pennies = np.array([[[1.0, -1.0], [-1.0, 1.0]]])
        >>> judged = judge_strategies(pennies, np.array([[1.0, 0.0]]), np.full(2, 0.5))
        >>> judged.attacker_guarantee, judged.defender_guarantee
        (-1.0, 0.0)
    """
    check_table(table)
    check_type(attacker, "attacker", np.ndarray)
    check_type(defender, "defender", np.ndarray)
    if attacker.shape != table.shape[:2] or defender.shape != table.shape[2:]:
        raise ValueError(
            f"attacker must be {table.shape[:2]} and defender {table.shape[2:]}, got "
            f"{attacker.shape} and {defender.shape}."
        )
    for name, weights in (("attacker", attacker), ("defender", defender)):
        # A solver of linear programs may leave a weight a little below zero.
        wrong = weights[~((weights >= -_WEIGHT_SLACK) & (weights < np.inf))]
        if wrong.size:
            raise ValueError(
                f"{name} must hold finite weights >= 0, got {float(wrong[0])}."
            )
    p, q = np.maximum(attacker, 0.0), np.maximum(defender, 0.0)
    if not (p.sum(axis=1) > 0).all() or not q.sum() > 0:
        raise ValueError("weights must sum to more than 0 at each point.")
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum()
    scaled, center, reach = _scaled(table)
    earned = float(np.einsum("nk,nkm->m", p, scaled).min() / len(table))
    conceded = float((scaled @ q).max(axis=1).mean())
    return MatrixEquilibrium(
        attacker=p,
        defender=q,
        attacker_guarantee=center + reach * earned,
        defender_guarantee=center + reach * conceded,
    )


def _scaled(
    table: Float[np.ndarray, "n k m"],
) -> tuple[Float[np.ndarray, "n k m"], float, float]:
    """Move and scale a table so that its entries fill [-1, 1]; -1. and +1. stay.

    Args:
        table: The entries.

    Returns:
        The new entries; what was in their middle; what is one now. Halves are taken
        first, so that no difference overflows.
    """
    low, high = float(table.min()), float(table.max())
    center, reach = low / 2 + high / 2, high / 2 - low / 2
    reach = reach if reach > 0.0 else 1.0
    return (table - center) / reach, center, reach


def check_table(table: Float[np.ndarray, "n k m"]) -> None:
    """Reject a table that is no game.

    Args:
        table: Utilities of the attacker: points, attacks, defenses.

    Raises:
        TypeError: If it is no array of real numbers.
        ValueError: If it is empty or not finite.
    """
    check_type(table, "table", np.ndarray)
    if table.dtype.kind not in "biuf":
        raise TypeError(f"table must hold real numbers, got dtype {table.dtype}.")
    if table.ndim != 3 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError(
            f"table must be (n, k, m), not empty and finite, got shape {table.shape}."
        )
