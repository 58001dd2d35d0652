r"""The equilibrium of Theorem 1: FGM against SMOOTH, and the value of the game."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.attacks import fgm
from paper_lib.checks import check_radius
from paper_lib.defense import (
    HitAndRunConfig,
    Solution,
    draw_maximizers,
    maximize_coverage,
    maximizer_set,
)
from paper_lib.game.strategies import ConstantDefense, DeterministicAttack, Sampler
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Equilibrium:
    r"""A pair of strategies that neither player gains by leaving, and its value.

    Attributes:
        attacker: FGM.
        defender: A maximizer of :math:`\phi_n`, played always: as good as drawing from
            V*, which :func:`smooth` does.
        sets: The robust sets.
        solution: The maximizer and its certificate.
    """

    attacker: DeterministicAttack
    defender: ConstantDefense
    sets: RobustSets
    solution: Solution

    @property
    def value(self) -> float:
        r"""The attacker's utility here: :math:`1 - 2 \phi_n(v)`."""
        return 1.0 - 2.0 * self.solution.coverage

    @property
    def value_bounds(self) -> tuple[float, float]:
        r"""Bounds on the value of the game, :math:`1 - 2 \max \phi_n`."""
        certificate = self.solution.certificate
        return 1.0 - 2.0 * certificate.upper, 1.0 - 2.0 * certificate.lower

    @property
    def is_exact(self) -> bool:
        """Whether the certificate proves that this is an equilibrium."""
        return self.solution.certificate.gap == 0.0


def equilibrium(
    lin: Linearization,
    *,
    epsilon: float,
    attack_epsilon: float | None = None,
    seed: int = 0,
) -> Equilibrium:
    r"""Compute FGM and a maximizer of coverage. Paper: Theorem 1.

    Args:
        lin: The linearized classifier at the points, each as likely as the others.
        epsilon: The budget of both, or the defender's alone.
        attack_epsilon: The attacker's budget where it differs.
        seed: Seed of the solver.

    Returns:
        The pair, and the value of the game.

    Raises:
        ValueError: If a budget is negative, NaN or infinite.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 1.0, 3.0]),
        ...     gradients=torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]),
        ... )
        >>> pair = equilibrium(lin, epsilon=1.5)
        >>> round(pair.value, 3), pair.is_exact
        (-0.333, True)
    """
    check_radius(epsilon, "epsilon")
    reach = epsilon if attack_epsilon is None else attack_epsilon
    sets = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
    solution = maximize_coverage(sets, seed=seed)
    return Equilibrium(
        attacker=DeterministicAttack(fgm(lin, reach)),
        defender=ConstantDefense(solution.perturbation),
        sets=sets,
        solution=solution,
    )


def smooth(
    sets: RobustSets,
    *,
    solution: Solution | None = None,
    config: HitAndRunConfig | None = None,
) -> Sampler:
    r"""Make the paper's randomized defender, uniform on V*. Paper: Sec. 3.

    In the plane on all of V*; else on the piece of it around one maximizer, by
    hit-and-run, whose mixing :func:`~paper_lib.defense.draw_maximizers` reports. Where
    V* has no volume it plays a maximizer all the same.

    Args:
        sets: The robust sets.
        solution: A maximizer, where d is not 2; None: it is looked for first.
        config: The chains of hit-and-run.

    Returns:
        The strategy.
    """
    if sets.normals.shape[1] == 2:
        return Sampler(maximizer_set(sets).draw)
    found = maximize_coverage(sets) if solution is None else solution

    def draw(num_draws: int, seed: int) -> Float[Tensor, "num_draws d"]:
        drawn = draw_maximizers(
            sets, max(num_draws, 64), solution=found, config=config, seed=seed
        )
        chosen = torch.randperm(
            len(drawn.points), generator=torch.Generator().manual_seed(seed)
        )
        return drawn.points[chosen[:num_draws]]

    return Sampler(draw)
