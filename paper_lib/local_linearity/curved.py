r"""The game scored with f itself: (FGM, SMOOTH) is an equilibrium up to its curvature.

Let :math:`e_i` bound :math:`|f - f_L|` on the ball around :math:`x_i` whose radius is
both budgets together, and let :math:`h_i(v) = c_i^\top v + b_i` be the slack of row i
of Eq. (7). For every v of V and every attack a within its budget
:math:`s_i f(x_i + v + a) \ge s_i f_L(x_i + v + a) - e_i \ge h_i(v) - e_i`, with
equality on the right for FGM and linear f. So where :math:`h_i(v) \ge e_i` no attack
flips point i, and where :math:`h_i(v) < -e_i` FGM does. Against v no attack gains more
than twice the share between; against FGM no u gains more over v than

.. math:: 2 \Bigl(\max_u \tfrac1n \bigl|\{i : h_i(u) \ge -e_i\}\bigr|
          - \tfrac1n \bigl|\{i : h_i(v) \ge e_i\}\bigr|\Bigr),

where the maximum is Eq. (7) with offsets raised by :math:`e_i`. A mixture of
constants is averaged over, as both bounds hold at each of them.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks.arguments import check_type
from paper_lib.checks.operands import check_entries, check_same_kind
from paper_lib.defense import Certificate
from paper_lib.defense.rows import surely_satisfied
from paper_lib.game.responses import solve
from paper_lib.geometry.ball import check_in_l2_ball
from paper_lib.robust_sets import RobustSets

# The ball in which rows are counted: that of the test of v, which has some slack.
_ROOM = 1.0 + 1e-5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CurvedGame:
    r"""How far FGM and a defense are from an equilibrium of the game scored with f.

    Gains are differences of utilities, which are from -1 to 1: twice a share of points.
    A gain of 2 and a value between -1 and 1 say nothing.

    Attributes:
        attacker_gain: No attack gets more than this above FGM, against the defense.
        defender_gain: No defense saves more than this beyond it, against FGM.
        value: Between what the attacker's utility is at an equilibrium: FGM gets the
            lower end against every defense, and the defense concedes no more than the
            upper one to any attack.
        raised: The robust sets with offsets raised by the errors.
        certificate: What proves how many of these a perturbation can lie in.
    """

    attacker_gain: float
    defender_gain: float
    value: tuple[float, float]
    raised: RobustSets
    certificate: Certificate


def curved_game(
    sets: RobustSets,
    v: Float[Tensor, "*k d"],
    error: Float[Tensor, " n"],
    *,
    time_limit: float | None = None,
    max_nodes: int | None = None,
    seed: int = 0,
) -> CurvedGame:
    """Bound both players' gains, and the value, in the game scored with f itself.

    Nothing is assumed of f but the errors. With errors of zero these are the bounds of
    Theorem 1; with infinite ones they say nothing.

    Args:
        sets: The robust sets. A row ``(0, -inf)`` is of a point with f = 0, which every
            attack flips; a zero normal is of a point with a zero gradient.
        v: The defense, or draws ``(k, d)`` from a mixture, each as likely.
        error: Bounds on ``|f - f_L|`` in the ball around each point whose radius is
            both players' budgets together; ``linearization_error`` gives them. Infinite
            where nothing is known.
        time_limit: Seconds for the certificate; None: a fixed amount of work.
        max_nodes: Further work spent on it where it leaves a gap, whatever the time;
            None: none, so that with more than a thousand rows it may prove nothing.
        seed: Seed of the solver.

    Returns:
        The bounds, which hold for the stored rows as exact reals.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If v does not fit the rows or lies outside V, there is not one error
            a row, one is negative or NaN, or a limit or the seed is out of range.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        ...     offsets=torch.tensor([-0.5, 0.5]),
        ...     epsilon=1.0,
        ... )
        >>> game = curved_game(sets, torch.tensor([0.5, 0.0]), torch.tensor([0.0, 0.2]))
        >>> game.attacker_gain, game.defender_gain, game.value
        (1.0, 1.0, (-1.0, 0.0))
    """
    check_type(sets, "sets", RobustSets)
    sets.check_candidates(v, "v")
    draws = v.detach().reshape(-1, v.shape[-1])
    if len(draws) == 0:
        raise ValueError("v must hold at least one perturbation, got none.")
    check_in_l2_ball("v", draws, sets.epsilon)
    check_same_kind(error=error)
    wanted = "at least 0, infinite where nothing is known"
    check_entries("error", error, len(sets.offsets), error >= 0, wanted)
    error = error.detach().to(sets.offsets.device).double()
    raised = _shifted(sets, error)
    kept, open_ = (_share(one, draws) for one in (_shifted(sets, -error), raised))
    _, certificate = solve(raised, max_nodes, seed, time_limit)
    return CurvedGame(
        attacker_gain=2.0 * (open_ - kept),
        defender_gain=max(2.0 * (certificate.upper - kept), 0.0),
        value=(1.0 - 2.0 * certificate.upper, 1.0 - 2.0 * kept),
        raised=raised,
        certificate=certificate,
    )


def _shifted(sets: RobustSets, shift: Float[Tensor, " n"]) -> RobustSets:
    """Add to the offsets, rounded away from them, so that both counts are safe."""
    before = sets.offsets.double()
    after = before + shift
    # What rounding took away, exactly (Knuth's TwoSum).
    added = after - before
    rest = (before - (after - added)) + (shift - added)
    outwards = torch.nextafter(after, shift.sign() * torch.inf)
    after = torch.where(rest == 0, after, outwards)
    after = after.masked_fill(before == -torch.inf, -torch.inf)
    # A row that everyone satisfies.
    free = after == torch.inf
    normals = sets.normals.double().masked_fill(free.unsqueeze(1), 0.0)
    return replace(sets, normals=normals, offsets=after.masked_fill(free, 0.0))


def _share(sets: RobustSets, draws: Float[Tensor, "k d"]) -> float:
    """Count rows exactly, at perturbations that may need the slack of the ball."""
    roomy = replace(sets, epsilon=sets.epsilon * _ROOM)
    counted = torch.stack([surely_satisfied(roomy, v) for v in draws.double()])
    return float(counted.double().mean())
