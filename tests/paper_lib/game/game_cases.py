"""Small games that several test files share."""

import torch

from paper_lib.game import ConstantDefense, Mixture, Sampler, equilibrium
from paper_lib.game.strategies import ChainDraws
from paper_lib.geometry import l2_norm, sample_l2_ball
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.oracles import random_tensor

F32, F64 = torch.float32, torch.float64


def random_game(n=7, dim=2, seed=0, epsilon=1.0, dtype=F64):
    """Points whose margins are comparable to the budget, so that plays matter."""
    gradients = random_tensor(n, dim, seed=seed)
    reach = epsilon * l2_norm(gradients)
    logits = 1.2 * reach * random_tensor(n, seed=seed + 10_000)
    return Linearization(logits=logits.to(dtype), gradients=gradients.to(dtype))


def random_moves(k, n, dim, seed=0, epsilon=1.0):
    """Perturbations in the ball, a set of n for each of k plays."""
    return sample_l2_ball(k * n, dim, epsilon, seed=seed).reshape(k, n, dim)


# Half-planes of which two, but not three, meet in the disc: V* has three cells.
THREE_CELLS = RobustSets(
    normals=torch.tensor([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.8]], dtype=F64),
    offsets=torch.tensor([-0.2, -0.3, -0.35], dtype=F64),
    epsilon=1.0,
)

# All rational, lengths of gradients too: their robust sets meet in v = 0 alone.
POINT_GAME = Linearization(
    logits=torch.tensor([5.0, -5.0, 1.0], dtype=F64),
    gradients=torch.tensor([[3.0, 4.0], [4.0, -3.0], [0.0, -1.0]], dtype=F64),
)

# What the negative controls are about: five points with budget 1, no two margins alike,
# and no v in all robust sets.
NAMED_GAME = Linearization(
    logits=torch.tensor([0.75, -0.875, 0.5, -1.0, 0.875], dtype=F64),
    gradients=torch.tensor(
        [[1.0, 0.0], [1.0, -0.25], [0.25, 1.0], [-0.25, 1.5], [-0.75, 0.5]], dtype=F64
    ),
)

BEST = equilibrium(NAMED_GAME, epsilon=1.0)


def coin(share):
    """Draws one of two constants, the first with a given probability."""

    def draw(num, seed):
        generator = torch.Generator().manual_seed(seed)
        heads = torch.rand(num, 1, generator=generator, dtype=F64) < share
        return torch.where(heads, 1.0, -1.0) * torch.tensor([[1.0, 0.0]], dtype=F64)

    return Sampler(draw)


def as_mixture(share):
    sides = [ConstantDefense(torch.tensor([s, 0.0], dtype=F64)) for s in (1.0, -1.0)]
    return Mixture(tuple(sides), (share, 1.0 - share))


def walk(share, stay, *, is_mixed=True):
    """Draws one of two constants by a chain that moves only now and then."""

    def draw(num, seed):
        fresh, times = coin(share).draw(num, seed), torch.arange(num)
        generator = torch.Generator().manual_seed(seed + 1)
        moves = torch.rand(num, generator=generator, dtype=F64) >= stay
        moves[0] = True
        return ChainDraws(
            rows=fresh[torch.where(moves, times, 0).cummax(dim=0).values],
            effective_size=num * (1.0 - stay) / (1.0 + stay),
            r_hat=1.003 if is_mixed else 1.5,
            is_mixed=is_mixed,
        )

    return Sampler(draw)
