r"""Best responses of both players, the attacker's by Lemma 2.

``paper_lib.game.attack_search`` looks for hers without that lemma. The defender answers
a fixed attack a: v keeps point i exactly when
:math:`\operatorname{sgn}(f) (f + \nabla f^\top a_i) + \operatorname{sgn}(f) \nabla
f^\top v \ge 0`, a half-space again, whatever the attack is.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.arrangement import heaviest_faces
from paper_lib.attacks import fgm
from paper_lib.checks.arguments import check_count, check_radius, check_type
from paper_lib.checks.operands import check_same_kind
from paper_lib.defense import Certificate, maximize_coverage, upper_bound
from paper_lib.defense.rows import as_perturbation
from paper_lib.game.payoff import payoffs, shifts
from paper_lib.game.strategies import (
    Attacker,
    ConstantDefense,
    Defender,
    DeterministicAttack,
    Plays,
    plays_of,
)
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

# Weights of a mixture are brought to a common denominator up to this.
_LARGEST_DENOMINATOR = 64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AttackerResponse:
    """What the attacker plays against a defender, point by point.

    Attributes:
        strategy: The response.
        values: Its expected utility at each point, over the defender's plays.
        method: How it was found.
    """

    strategy: DeterministicAttack
    values: Float[Tensor, " n"]
    method: Literal["fgm", "grid", "gradient", "direct"]

    @property
    def value(self) -> float:
        """Its expected utility."""
        return float(self.values.mean())


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DefenderResponse:
    """What the defender plays against an attacker.

    Attributes:
        strategy: The response.
        value: The *attacker's* expected utility against it, which the defender wants
            low.
        bound: No constant defense brings that utility below this.
        certificate: The proof, for a single attack or weights with a small common
            denominator; None for other weights, or where faces of the plane were
            listed.
    """

    strategy: ConstantDefense
    value: float
    bound: float
    certificate: Certificate | None

    @property
    def is_exact(self) -> bool:
        """Whether the response is known to be a best one, up to rounding of a mean."""
        return self.value - self.bound <= 1e-12


def attacker_best_response(
    lin: Linearization,
    defender: Defender,
    *,
    epsilon: float | Float[Tensor, " n"],
    num_draws: int = 1000,
    seed: int = 0,
) -> AttackerResponse:
    """Answer any defender by FGM. Paper: Lemma 2.

    Args:
        lin: The linearized classifier.
        defender: The defender's strategy.
        epsilon: The attacker's budget.
        num_draws: Draws from a sampler, to estimate the values.
        seed: Seed of these draws.

    Returns:
        FGM and its expected utilities.

    Raises:
        TypeError: If ``lin`` is no linearization, or ``defender`` none of a defender.
        ValueError: If it does not fit the points, or a number is out of range.

    Example:
        >>> lin = Linearization(logits=torch.ones(1), gradients=torch.eye(1, 2))
        >>> attacker_best_response(lin, torch.zeros(2), epsilon=1.5).value
        1.0
    """
    check_type(lin, "lin", Linearization)
    plays = plays_of("defender", defender, lin, num_draws=num_draws, seed=seed)
    return scored_attack(lin, plays, fgm(lin, epsilon), "fgm")


def scored_attack(
    lin: Linearization,
    plays: Plays,
    attack: Float[Tensor, "n d"],
    method: Literal["fgm", "grid", "gradient", "direct"],
) -> AttackerResponse:
    """Score an attack at each point, by Eq. (1).

    Args:
        lin: The linearized classifier.
        plays: The defender's plays.
        attack: The attack.
        method: How it was found.

    Returns:
        The attack as a response.
    """
    moved, defended = shifts(lin, attack.unsqueeze(0)), shifts(lin, plays.rows)
    return AttackerResponse(
        strategy=DeterministicAttack(attack),
        values=plays.weights @ payoffs(lin.logits, moved, defended),
        method=method,
    )


def answered_sets(
    lin: Linearization, attack: Float[Tensor, "n d"], *, epsilon: float
) -> RobustSets:
    r"""Collect the perturbations that save each point from one fixed attack.

    For FGM these are the robust sets, Lemma 1; for any other attack they are larger.
    From Eq. (1), in float64: :math:`c_i = \operatorname{sgn}(f) \nabla f` and
    :math:`b_i = \operatorname{sgn}(f) (f + \nabla f^\top a_i)`.

    Args:
        lin: The linearized classifier.
        attack: a(x_i), one a row.
        epsilon: The defender's budget.

    Returns:
        One half-space a point, cut with the defender's V.

    Raises:
        ValueError: If the attack does not fit the points or a number is not finite.
    """
    check_same_kind(gradients=lin.gradients, attack=attack)
    attack = attack.detach()
    signs = lin.signs.double()
    offsets = signs * (lin.logits.double() + row_dots(lin.gradients, attack))
    return RobustSets(
        normals=lin.gradients.double() * signs.unsqueeze(-1),
        offsets=offsets.masked_fill(lin.logits == 0, -torch.inf),
        epsilon=epsilon,
    )


def defender_best_response(
    lin: Linearization,
    attacker: Attacker,
    *,
    epsilon: float,
    max_nodes: int | None = None,
    num_draws: int = 100,
    seed: int = 0,
) -> DefenderResponse:
    """Answer an attacker by the constant v that saves most points from it.

    Exact in the plane, and wherever ``maximize_coverage`` proves its result; else a
    response and a bound. To FGM it is the paper's SMOOTH (Lemma 3).

    Args:
        lin: The linearized classifier.
        attacker: The attacker's strategy. Outside the plane the weights of a mixture
            that are no multiples of 1/q with q at most 64 are rounded to such for the
            search, and the bound allows for it.
        epsilon: The defender's budget.
        max_nodes: Work spent on the bound where the solver does not give one; None:
            none, and the bound may be the trivial one.
        num_draws: Draws from a sampler, to respond to.
        seed: Seed of the draws and the solver.

    Returns:
        The response, and how good it is.

    Raises:
        TypeError: If ``lin`` is no linearization, or ``attacker`` none of an attacker.
        ValueError: If it does not fit the points.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 1.0]),
        ...     gradients=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        ... )
        >>> answer = defender_best_response(lin, fgm(lin, epsilon=1.5), epsilon=1.5)
        >>> answer.value, answer.is_exact
        (0.0, True)
    """
    check_type(lin, "lin", Linearization)
    epsilon = check_radius(epsilon, "epsilon")
    plays = plays_of("attacker", attacker, lin, num_draws=num_draws, seed=seed)
    kept = plays.weights > 0
    rows, weights = plays.rows[kept], plays.weights[kept]
    sets = [answered_sets(lin, row, epsilon=epsilon) for row in rows]
    if len(rows) > 1 and lin.gradients.shape[1] == 2:
        found, kept_share = _answer_in_plane(_stacked(sets), weights, len(lin.logits))
        certificate = None
    else:
        repeats, excess = _multiples(weights)
        together = _stacked([sets[k] for k in np.repeat(range(len(sets)), repeats)])
        found, certificate = solve(together, max_nodes, seed)
        kept_share = min(certificate.upper + excess, 1.0)
        if excess > 0:
            certificate = None  # of rounded weights
    v = found.to(lin.gradients)  # in V, if only by the slack of its test
    defended = row_dots(lin.gradients, v.unsqueeze(0))
    values = payoffs(lin.logits, shifts(lin, rows), defended)
    return DefenderResponse(
        strategy=ConstantDefense(v),
        value=float(weights @ values.mean(-1)),
        bound=1.0 - 2.0 * kept_share,
        certificate=certificate,
    )


def solve(
    sets: RobustSets, max_nodes: int | None, seed: int, time_limit: float | None = None
) -> tuple[Float[Tensor, " d"], Certificate]:
    """Maximize coverage, and spend work on the bound where it is not proved yet."""
    if max_nodes is not None:
        max_nodes = check_count(max_nodes, "max_nodes", 1)
    solution = maximize_coverage(sets, time_limit=time_limit, seed=seed)
    start, certificate = solution.perturbation, solution.certificate
    if max_nodes is None or certificate.gap == 0:
        return start, certificate
    further = upper_bound(sets, None, max_nodes=max_nodes, seed=seed, start=start)
    is_better = further.lower > certificate.lower
    # Few nodes may prove less than the solver did.
    best = min(certificate, further, key=lambda one: one.upper)
    return further.perturbation if is_better else start, best


def _stacked(sets: list[RobustSets]) -> RobustSets:
    """Put rows under each other."""
    return RobustSets(
        normals=torch.cat([one.normals for one in sets]),
        offsets=torch.cat([one.offsets for one in sets]),
        epsilon=sets[0].epsilon,
    )


def _answer_in_plane(
    sets: RobustSets, weights: Float[Tensor, " k"], num_points: int
) -> tuple[Float[Tensor, " 2"], float]:
    """Find the heaviest face in the plane, one with area if there is one."""
    shares = (weights / num_points).repeat_interleave(num_points).cpu().numpy()
    rows = sets.normals.cpu().numpy(), sets.offsets.cpu().numpy()
    face, *_ = heaviest_faces(*rows, sets.epsilon, weights=shares)
    return as_perturbation(face.point / (sets.epsilon or 1.0), sets), face.weight


def _multiples(weights: Float[Tensor, " k"]) -> tuple[list[int], float]:
    """Write weights as small multiples of one number, rounded if need be.

    Args:
        weights: The weights.

    Returns:
        The multiples; and by how much a mean under the weights, of numbers from 0 to 1,
        may exceed the mean under the multiples: the total variation of both.
    """
    shares = weights.cpu().numpy()
    for denominator in range(len(shares), _LARGEST_DENOMINATOR + 1):
        scaled = shares * denominator
        if np.abs(scaled - scaled.round()).max() < 1e-9:
            return scaled.round().astype(int).tolist(), 0.0
    if bool((shares == shares[0]).all()):
        return [1] * len(shares), 0.0
    # At least once each, so that none is left out however small its weight.
    repeats = np.maximum((shares * _LARGEST_DENOMINATOR).round(), 1.0)
    excess = np.maximum(shares - repeats / repeats.sum(), 0.0).sum()
    return repeats.astype(int).tolist(), float(excess) + 1e-12
