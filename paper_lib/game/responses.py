r"""Best responses of both players, the attacker's by search as well as by Lemma 2.

The searches know the utility of Eq. (1) and nothing of FGM or Lemma 1, so they can
check them. The defender answers a fixed attack a: v keeps point i exactly when
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
from paper_lib.checks import check_radius, check_same_kind
from paper_lib.defense import Certificate, maximize_coverage, upper_bound
from paper_lib.defense.rows import as_perturbation
from paper_lib.game.payoff import check_draws, payoffs, shifts
from paper_lib.game.strategies import (
    Attacker,
    ConstantDefense,
    Defender,
    DeterministicAttack,
    Plays,
    attacker_plays,
    defender_plays,
)
from paper_lib.geometry import (
    disc_grid,
    project_l2_ball,
    row_dots,
    sample_l2_ball,
    unit_vectors,
)
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

SearchMethod = Literal["grid", "gradient"]
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
    method: Literal["fgm", "grid", "gradient"]

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
    epsilon: float,
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
        TypeError: If ``defender`` is no strategy of a defender.
        ValueError: If it does not fit the points, or a number is out of range.
    """
    check_draws(num_draws, 0.5, seed)
    plays = defender_plays(defender, lin, num_draws=num_draws, seed=seed)
    return _response(lin, plays, fgm(lin, epsilon), "fgm")


def search_attack(
    lin: Linearization,
    defender: Defender,
    *,
    epsilon: float,
    method: SearchMethod | None = None,
    num_restarts: int = 3,
    num_steps: int = 60,
    num_draws: int = 1000,
    seed: int = 0,
) -> AttackerResponse:
    r"""Look for the attacker's best response without FGM and without Lemma 1.

    ``"grid"`` tries the points of :func:`~paper_lib.geometry.disc_grid` at each data
    point, in the plane. ``"gradient"`` starts at random and climbs a smooth utility,
    the mean over the defender's plays of :math:`t / (1 + |t|)` with t the margin lost,
    by projected gradient steps of half a budget; automatic differentiation gives their
    direction. The utility itself judges, point by point.

    Args:
        lin: The linearized classifier.
        defender: The defender's strategy.
        epsilon: The attacker's budget.
        method: The search; None: the grid in the plane, else the gradient.
        num_restarts: Random starts of the gradient.
        num_steps: Steps from each start.
        num_draws: Draws from a sampler, to respond to.
        seed: Seed of starts and draws.

    Returns:
        The best attack found: a lower bound on what a best response gets.

    Raises:
        TypeError: If ``defender`` is no strategy of a defender.
        ValueError: If it does not fit the points, the grid is asked for outside the
            plane, or a number is out of range.
    """
    check_radius(epsilon, "epsilon")
    check_draws(num_draws, 0.5, seed)
    if num_restarts < 1 or num_steps < 1:
        raise ValueError(
            "num_restarts and num_steps must be at least 1, got "
            f"{num_restarts} and {num_steps}."
        )
    dim = lin.gradients.shape[1]
    chosen = method or ("grid" if dim == 2 else "gradient")
    if chosen not in ("grid", "gradient") or (chosen == "grid" and dim != 2):
        raise ValueError(
            f"method must be 'gradient', or 'grid' in the plane, got {method!r} for "
            f"d = {dim}."
        )
    plays = defender_plays(defender, lin, num_draws=num_draws, seed=seed)
    if chosen == "grid":
        return _response(lin, plays, _grid_attack(lin, plays, epsilon), "grid")
    best = None
    starts = sample_l2_ball(
        num_restarts * len(lin.logits), dim, epsilon, seed=seed
    ).reshape(num_restarts, len(lin.logits), dim)
    for start in starts:
        end = _climb(lin, plays, start, epsilon, num_steps)
        best = _better(best, _response(lin, plays, end, "gradient"))
    assert best is not None
    return best


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
        TypeError: If ``attacker`` is no strategy of an attacker.
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
    check_radius(epsilon, "epsilon")
    check_draws(num_draws, 0.5, seed)
    plays = attacker_plays(attacker, lin, num_draws=num_draws, seed=seed)
    kept = plays.weights > 0
    rows, weights = plays.rows[kept], plays.weights[kept]
    sets = [answered_sets(lin, row, epsilon=epsilon) for row in rows]
    if len(rows) > 1 and lin.gradients.shape[1] == 2:
        found, bound = _answer_in_plane(_stacked(sets), weights, len(lin.logits))
        certificate = None
    else:
        repeats, excess = _multiples(weights)
        together = _stacked(
            [one for one, k in zip(sets, repeats, strict=True) for _ in range(k)]
        )
        solution = maximize_coverage(together, seed=seed)
        found, certificate = solution.perturbation, solution.certificate
        if max_nodes is not None and certificate.gap > 0:
            certificate = upper_bound(
                together, None, max_nodes=max_nodes, seed=seed, start=found
            )
            found = certificate.perturbation
        bound = min(certificate.upper + excess, 1.0)
        if excess > 0:
            certificate = None  # of rounded weights
    v = project_l2_ball(found.to(lin.gradients), epsilon)
    values = payoffs(lin, shifts(lin, rows), row_dots(lin.gradients, v.unsqueeze(0)))
    return DefenderResponse(
        strategy=ConstantDefense(v),
        value=float(weights @ values.mean(-1)),
        bound=1.0 - 2.0 * bound,
        certificate=certificate,
    )


def _response(
    lin: Linearization,
    plays: Plays,
    attack: Float[Tensor, "n d"],
    method: Literal["fgm", "grid", "gradient"],
) -> AttackerResponse:
    """Score an attack at each point."""
    values = payoffs(lin, shifts(lin, attack.unsqueeze(0)), shifts(lin, plays.rows))
    return AttackerResponse(
        strategy=DeterministicAttack(attack),
        values=plays.weights @ values,
        method=method,
    )


def _better(old: AttackerResponse | None, new: AttackerResponse) -> AttackerResponse:
    """Take the better attack at each point, the older where they tie."""
    if old is None:
        return new
    is_better = new.values > old.values
    attack = torch.where(
        is_better.unsqueeze(-1),
        new.strategy.perturbations,
        old.strategy.perturbations,
    )
    return AttackerResponse(
        strategy=DeterministicAttack(attack),
        values=torch.where(is_better, new.values, old.values),
        method=new.method,
    )


def _grid_attack(
    lin: Linearization, plays: Plays, epsilon: float
) -> Float[Tensor, "n 2"]:
    """Try every point of a grid at every data point."""
    candidates = disc_grid(epsilon).to(lin.gradients)
    moved = shifts(lin, candidates.unsqueeze(1))
    defended = shifts(lin, plays.rows)
    scores = torch.zeros_like(moved)
    for weight, shift in zip(plays.weights, defended, strict=True):
        scores += weight * payoffs(lin, moved, shift)
    return candidates[scores.argmax(dim=0)]


def _climb(
    lin: Linearization,
    plays: Plays,
    start: Float[Tensor, "n d"],
    epsilon: float,
    num_steps: int,
) -> Float[Tensor, "n d"]:
    """Climb the smooth utility from one start."""
    signs, logits = lin.signs.double(), lin.logits.double()
    gradients = lin.gradients.double()
    defended = logits + shifts(lin, plays.rows)
    scale = defended.abs().mean(dim=0) + torch.finfo(torch.float64).tiny
    attack = start.to(gradients.device)
    for _ in range(num_steps):
        with torch.enable_grad():
            attack.requires_grad_(True)
            lost = -signs * (defended + (gradients * attack).sum(-1)) / scale
            smooth = plays.weights @ (lost / (1.0 + lost.abs()))
            (slope,) = torch.autograd.grad(smooth.sum(), attack)
        step = 0.5 * epsilon * unit_vectors(slope)
        attack = project_l2_ball(attack.detach() + step, epsilon)
    return project_l2_ball(attack.to(lin.gradients), epsilon)


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
    shares = (weights / num_points).repeat_interleave(num_points)
    normals, offsets = sets.normals.numpy(), sets.offsets.numpy()
    face, *_ = heaviest_faces(normals, offsets, sets.epsilon, weights=shares.numpy())
    return as_perturbation(face.point / (sets.epsilon or 1.0), sets), face.weight


def _multiples(weights: Float[Tensor, " k"]) -> tuple[list[int], float]:
    """Write weights as small multiples of one number, rounded if need be.

    Args:
        weights: The weights.

    Returns:
        The multiples; and by how much a mean under the weights, of numbers from 0 to 1,
        may exceed the mean under the multiples: the total variation of both.
    """
    for denominator in range(len(weights), _LARGEST_DENOMINATOR + 1):
        scaled = weights.numpy() * denominator
        if np.abs(scaled - scaled.round()).max() < 1e-9:
            return scaled.round().astype(int).tolist(), 0.0
    if bool((weights == weights[0]).all()):
        return [1] * len(weights), 0.0
    # At least once each, so that none is left out however small its weight.
    repeats = np.maximum((weights.numpy() * _LARGEST_DENOMINATOR).round(), 1.0)
    excess = np.maximum(weights.numpy() - repeats / repeats.sum(), 0.0).sum()
    return repeats.astype(int).tolist(), float(excess) + 1e-12
