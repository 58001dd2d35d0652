r"""Isotropic random smoothing, which Implication 1 of Theorem 1 compares with SMOOTH.

Randomized smoothing adds noise that prefers no direction. As the paper defines the
game, a defender may only play perturbations of V. A Gaussian is none of these, so its
draws are projected onto V.
"""

import math
from collections.abc import Iterable
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from paper_lib.checks import check_choice, check_count, check_radius, check_seed
from paper_lib.geometry import project_l2_ball, sample_l2_ball

_Noise = Literal["uniform", "gaussian"]


def isotropic_draws(
    num_samples: int, dim: int, epsilon: float, *, noise: _Noise, seed: int
) -> Float[Tensor, "num_samples dim"]:
    r"""Draw isotropic perturbations from V.

    Args:
        num_samples: How many, at least one.
        dim: Dimension d, at least one.
        epsilon: The defender's budget, in the units of the inputs.
        noise: ``"uniform"`` on V, or ``"gaussian"`` with standard deviation
            :math:`\epsilon / \sqrt d` in each coordinate, so that about half of the
            draws are longer than epsilon, projected onto V.
        seed: Seed of the draws.

    Returns:
        The perturbations, as float64.

    Raises:
        ValueError: If the noise is unknown, a number is below one, epsilon is no
            budget, or the seed is no seed.

    Example:
        >>> draws = isotropic_draws(3, 784, 2.0, noise="uniform", seed=0)
        >>> draws.shape, bool((draws.norm(dim=1) <= 2.0).all())
        (torch.Size([3, 784]), True)
    """
    check_choice(noise, "noise", get_args(_Noise))
    seed = check_seed(seed)
    epsilon = check_radius(epsilon, "epsilon")
    if noise == "uniform":
        return sample_l2_ball(num_samples, dim, epsilon, seed=seed)
    num_samples = check_count(num_samples, "num_samples", 1)
    dim = check_count(dim, "dim", 1)
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randn(num_samples, dim, generator=generator, dtype=torch.float64)
    return project_l2_ball(draws * (epsilon / math.sqrt(dim)), epsilon)


def majority(verdicts: Iterable[Bool[Tensor, " n"]]) -> Bool[Tensor, " n"]:
    """Decide each point by the vote of several draws.

    Args:
        verdicts: For each draw, which points keep their label under it.

    Returns:
        The points that keep it under more than half of the draws.

    Raises:
        ValueError: If there is no draw.

    Example:
        >>> majority([torch.tensor([True, False]), torch.tensor([True, True])]).tolist()
        [True, False]
    """
    draws = list(verdicts)
    if not draws:
        raise ValueError("verdicts must hold at least one draw, got 0.")
    return 2 * torch.stack(draws).sum(0) > len(draws)
