r"""Searches for the attacker's best response that know the utility of Eq. (1) alone.

None of them is told of FGM or Lemma 1. The grid and the direct search use nothing else,
and check both; the second needs many looks at the utility, and more in more dimensions.
The gradient climbs a smooth stand-in for the utility, whose slope is along the gradient
of f by construction. It cannot but end at FGM, so that it checks neither lemma.
"""

from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from paper_lib.checks.arguments import check_count, check_seed, check_type
from paper_lib.checks.radii import Budget, check_radii
from paper_lib.game.direct_search import climb_utilities
from paper_lib.game.payoff import payoffs, shifts
from paper_lib.game.responses import AttackerResponse, scored_attack
from paper_lib.game.strategies import Defender, Plays, plays_of
from paper_lib.geometry import disc_grid, project_l2_ball, sample_l2_ball, unit_vectors
from paper_lib.geometry.ball import as_factor, fit_product
from paper_lib.geometry.sums import row_dots
from paper_lib.linearize import Linearization

SearchMethod = Literal["grid", "gradient", "direct"]
_GRADIENT_STEPS, _MOST_DIRECT_STEPS = 60, 1000
# Up to here the direct search finds what FGM gets nearly always.
_MOST_DIRECT_DIMENSIONS = 10


def search_attack(
    lin: Linearization,
    defender: Defender,
    *,
    epsilon: float | Float[Tensor, " n"],
    method: SearchMethod | None = None,
    num_restarts: int = 3,
    num_steps: int | None = None,
    num_draws: int = 1000,
    seed: int = 0,
) -> AttackerResponse:
    r"""Look for the attacker's best response without FGM and without Lemma 1.

    ``"grid"`` tries the points of :func:`~paper_lib.geometry.disc_grid` at each data
    point, in the plane. ``"gradient"`` starts at random and climbs a smooth utility,
    the mean over the defender's plays of :math:`t / (1 + |t|)` with t the margin lost,
    by projected gradient steps of half a budget; automatic differentiation gives their
    direction. ``"direct"`` takes random steps and learns from utilities alone, of the
    defender's plays and of the same plays moved; see
    :func:`~paper_lib.game.direct_search.climb_utilities`. It finds what FGM gets up to
    about twenty dimensions. The utility itself judges, point by point.

    Args:
        lin: The linearized classifier.
        defender: The defender's strategy.
        epsilon: The attacker's budget, one number or one for each point.
        method: The search; None: the grid in the plane, the direct search in one and in
            3 to 10 dimensions, and beyond them the gradient, which confirms nothing.
        num_restarts: Random starts, but of the grid.
        num_steps: Steps from each start; None: 60 of the gradient, 50 + 25 d of the
            direct search, at most 1000.
        num_draws: Draws from a sampler, to respond to.
        seed: Seed of starts and draws.

    Returns:
        The best attack found: a lower bound on what a best response gets.

    Raises:
        TypeError: If ``lin`` is no :class:`Linearization`, or ``defender`` is no
            strategy of a defender.
        ValueError: If it does not fit the points, the grid is asked for outside the
            plane, or a number is out of range.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 3.0]), gradients=torch.eye(2)
        ... )
        >>> found = search_attack(lin, torch.zeros(2), epsilon=2.0)
        >>> found.method, found.values.tolist()
        ('grid', [1.0, -1.0])
    """
    check_type(lin, "lin", Linearization)
    reach = check_radii(epsilon, "epsilon", lin.gradients)
    seed = check_seed(seed)
    num_restarts = check_count(num_restarts, "num_restarts", 1)
    if num_steps is not None:
        num_steps = check_count(num_steps, "num_steps", 1)
    dim = lin.gradients.shape[1]
    chosen = method or _default_method(dim)
    if chosen not in get_args(SearchMethod) or (chosen == "grid" and dim != 2):
        raise ValueError(
            "method must be 'gradient' or 'direct', or 'grid' in the plane, got "
            f"{method!r} for d = {dim}."
        )
    plays = plays_of("defender", defender, lin, num_draws=num_draws, seed=seed)
    if chosen == "grid":
        return scored_attack(lin, plays, _grid_attack(lin, plays, reach), "grid")
    reach = torch.ones_like(lin.logits, dtype=torch.float64) * reach
    if chosen == "gradient":
        count = num_steps or _GRADIENT_STEPS
        ends = _climbed(lin, plays, reach, num_restarts, count, seed)
    else:
        count = num_steps or min(50 + 25 * dim, _MOST_DIRECT_STEPS)
        ends = _searched(lin, plays, reach, num_restarts, count, seed)
    # The best end at each point, the first where they tie.
    found = [scored_attack(lin, plays, end, chosen).values for end in ends]
    best = torch.stack(found).argmax(dim=0)
    together = ends[best, torch.arange(len(best), device=best.device)]
    return scored_attack(lin, plays, together, chosen)


def _default_method(dim: int) -> SearchMethod:
    """Choose a search that checks FGM, where there is one."""
    if dim == 2:
        return "grid"
    return "direct" if dim <= _MOST_DIRECT_DIMENSIONS else "gradient"


def _grid_attack(
    lin: Linearization, plays: Plays, reach: Budget
) -> Float[Tensor, "n 2"]:
    """Try every point of a grid at every data point."""
    grid = disc_grid(1.0).to(lin.gradients.device).unsqueeze(1)
    candidates = fit_product(grid * as_factor(reach, grid), reach).to(lin.gradients)
    moved = shifts(lin, candidates)
    defended = shifts(lin, plays.rows)
    scores = torch.zeros_like(moved)
    for weight, shift in zip(plays.weights, defended, strict=True):
        scores += weight * payoffs(lin.logits, moved, shift)
    best = scores.argmax(dim=0)
    return candidates.expand(-1, len(best), -1)[best, range(len(best))]


def _searched(
    lin: Linearization,
    plays: Plays,
    reach: Float[Tensor, " n"],
    num_restarts: int,
    num_steps: int,
    seed: int,
) -> Float[Tensor, "r n d"]:
    """Climb by utilities alone, from several starts."""
    (num, dim), defended = lin.gradients.shape, shifts(lin, plays.rows)

    def score(
        points: Int[Tensor, " k"], attack: Float[Tensor, "k d"], move: Tensor
    ) -> Float[Tensor, " k"]:
        row = (points % num).to(lin.gradients.device)
        moved = row_dots(lin.gradients[row], (attack + move).to(row.device))
        table = payoffs(lin.logits[row], moved, defended[:, row])
        return (plays.weights @ table).cpu()  # where the search draws its steps

    # All starts side by side, as so many points.
    total = num_restarts * num
    radii = reach.repeat(num_restarts).cpu()
    ends = climb_utilities(score, total, dim, radii, num_steps=num_steps, seed=seed)
    ends = project_l2_ball(ends.to(lin.gradients), radii)
    return ends.reshape(num_restarts, num, dim)


def _climbed(
    lin: Linearization,
    plays: Plays,
    reach: Float[Tensor, " n"],
    num_restarts: int,
    num_steps: int,
    seed: int,
) -> Float[Tensor, "r n d"]:
    """Climb the smooth utility, from several starts."""
    num, dim = lin.gradients.shape
    radii = reach.repeat(num_restarts)
    starts = sample_l2_ball(num_restarts * num, dim, radii, seed=seed)
    signs, gradients = lin.signs.double(), lin.gradients.double()
    defended = lin.logits.double() + shifts(lin, plays.rows)
    scale = defended.abs().mean(dim=0) + torch.finfo(torch.float64).tiny
    ends = []
    for attack in starts.reshape(num_restarts, num, dim).to(gradients.device):
        for _ in range(num_steps):
            with torch.enable_grad():
                attack.requires_grad_(True)
                lost = -signs * (defended + (gradients * attack).sum(-1)) / scale
                smooth = plays.weights @ (lost / (1.0 + lost.abs()))
                (slope,) = torch.autograd.grad(smooth.sum(), attack)
            step = as_factor(0.5 * reach, slope) * unit_vectors(slope)
            attack = project_l2_ball(attack.detach() + step, reach)
        ends.append(project_l2_ball(attack.to(lin.gradients), reach))
    return torch.stack(ends)
