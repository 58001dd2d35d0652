r"""Find an attack from utilities alone: no gradient, no formula, no linear model.

The utility is a step function of the attack: nearly everywhere a small change of the
attack changes nothing. What can be measured is how far the defender has to be pushed
in the attacker's favor before she wins. At each data point one direction is drawn, and
the *level* of an attack is the least length, along it, at which the attack beats every
play of the defender; halving an interval finds it, and each trial is one look at a
utility. Levels are graded, so random steps can climb them. Attacks that know nothing
but labels work like this (Brendel et al. 2018, Cheng et al. 2019).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from paper_lib.geometry import l2_norm, project_l2_ball, sample_l2_ball

# The attacker's expected utility at some points: takes their indices, an attack for
# each, and by how much the defender's plays are moved.
Score = Callable[[Tensor, Tensor, Tensor], Tensor]

# Directions tried at each point, and lengths, in budgets, from the first to the last
# power of two.
_NUM_DIRECTIONS, _POWERS = 8, range(-2, 24)
# Halvings of the interval that holds a level; of a few points four are done at once,
# since calls take the time there.
_NUM_HALVINGS, _AT_ONCE, _FEW_POINTS = 40, 4, 500
# An expected utility of one, whatever weights sum to.
_ALL = 1.0 - 1e-9
# Steps grow after a success and shrink after a failure, so that one in five succeeds.
_GROWTH = 1.5


def climb_utilities(
    score: Score,
    num_points: int,
    dim: int,
    epsilon: float | Float[Tensor, " n"],
    *,
    num_steps: int,
    seed: int,
) -> Float[Tensor, "n d"]:
    r"""Climb the utility of each point by random steps (a (1+1) evolution strategy).

    A step is taken where the utility grows, and where it does not fall and the level
    does.

    Args:
        score: The expected utility, in [-1, 1], for indices ``(k,)``, which may repeat,
            attacks ``(k, d)`` and moves ``(k, d)`` added to all plays of the defender;
            all that the search learns of the game.
        num_points: n, data points; each is a search of its own.
        dim: d.
        epsilon: The attacker's budget, one number or one for each point.
        num_steps: Steps at each point.
        seed: Seed of starts, directions and steps.

    Returns:
        The attacks found, as float64.
    """
    generator = torch.Generator().manual_seed(seed)
    everywhere = torch.arange(num_points)
    reach = torch.ones(num_points, dtype=torch.float64) * epsilon
    attack = sample_l2_ball(num_points, dim, reach, seed=seed)
    still = torch.zeros_like(attack)
    pushes = _pushes(score, attack, reach, generator)
    values = score(everywhere, attack, still)
    # Lengths at which the attacks do not win all, just below their levels.
    lower = _level(score, everywhere, attack, pushes)
    sizes = reach
    for _ in range(num_steps):
        if bool((values >= _ALL).all()):
            break  # nothing is left to win
        noise = torch.randn(num_points, dim, generator=generator, dtype=torch.float64)
        noise = noise / dim**0.5
        tried = project_l2_ball(attack + sizes.unsqueeze(-1) * noise, reach)
        scored = score(everywhere, tried, still)
        wins_below = score(everywhere, tried, lower.unsqueeze(-1) * pushes) >= _ALL
        better = (scored > values) | ((scored == values) & wins_below)
        better &= values < _ALL  # where all is won there is nothing to look for
        attack = torch.where(better.unsqueeze(-1), tried, attack)
        values = torch.where(better, scored, values)
        chosen = better.nonzero()[:, 0]
        if len(chosen):
            lower[chosen] = _level(score, chosen, tried[chosen], pushes[chosen])
        factor = torch.where(better, _GROWTH, _GROWTH**-0.25)
        sizes = (sizes * factor).clamp(max=2.0 * reach)
    return attack


def _pushes(
    score: Score,
    attack: Float[Tensor, "n d"],
    reach: Float[Tensor, " n"],
    generator: torch.Generator,
) -> Float[Tensor, "n d"]:
    """Find a direction at each point in which a short push makes an attack win all.

    Returns:
        The directions, each as long as twice the push that wins; zero where none does.
    """
    num, dim = attack.shape
    everywhere = torch.arange(num)
    chosen, shortest = torch.zeros_like(attack), torch.full((num,), torch.inf).double()
    for _ in range(_NUM_DIRECTIONS):
        drawn = torch.randn(num, dim, generator=generator, dtype=torch.float64)
        drawn = drawn / l2_norm(drawn).unsqueeze(-1)
        for length in (reach * 2.0**power for power in _POWERS):
            ahead = length.unsqueeze(1) * drawn
            for push in (ahead, -ahead):
                wins = score(everywhere, attack, push) >= _ALL
                shorter = wins & (length < shortest)
                chosen[shorter] = 2.0 * push[shorter]
                shortest[shorter] = length[shorter]
    return chosen


def _level(
    score: Score,
    points: Int[Tensor, " k"],
    attack: Float[Tensor, "k d"],
    pushes: Float[Tensor, "k d"],
) -> Float[Tensor, " k"]:
    """Halve the interval from -1 to 1 pushes until it ends just below the level."""
    halvings = _AT_ONCE if len(points) <= _FEW_POINTS else 1
    inner = torch.arange(1, 2**halvings, dtype=torch.float64)
    each, width = inner.numel(), 2.0
    low = -torch.ones(len(points), dtype=torch.float64)
    points, attack = points.repeat_interleave(each), attack.repeat_interleave(each, 0)
    pushes = pushes.repeat_interleave(each, 0)
    for _ in range(_NUM_HALVINGS // halvings):
        width /= 2**halvings
        lengths = low.unsqueeze(1) + width * inner
        wins = score(points, attack, lengths.reshape(-1, 1) * pushes) >= _ALL
        # Below the first length that wins, or the last of all.
        lost = ~wins.reshape(-1, each)
        low = low + width * lost.long().cumprod(dim=1).sum(dim=1)
    return low
