r"""The equilibrium of Theorem 1: FGM against SMOOTH, and the value of the game."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.attacks import fgm
from paper_lib.checks.arguments import check_type
from paper_lib.defense import HitAndRunConfig, Solution, maximize_coverage
from paper_lib.defense.draws.maximizer_draws import MaximizerDraws, draw_maximizers
from paper_lib.defense.draws.planar_maximizers import maximizer_set
from paper_lib.game.expectation import budgets_at
from paper_lib.game.strategies import (
    ChainDraws,
    ConstantDefense,
    DeterministicAttack,
    Sampler,
)
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

# As many draws of each chain as it takes to judge whether chains agree.
_DRAWS_PER_CHAIN = 200


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Equilibrium:
    r"""A pair of strategies that neither player gains by leaving, and its value.

    Attributes:
        attacker: FGM.
        defender: A maximizer of :math:`\phi_n`, played always: as good as drawing from
            V*, which :func:`smooth` does.
        sets: The robust sets.
        solution: The maximizer and its certificate.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 1.0]),
        ...     gradients=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        ... )
        >>> pair = equilibrium(lin, epsilon=1.5)
        >>> pair.value, pair.value_bounds, pair.is_exact
        (0.0, (0.0, 0.0), True)
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
    attack_epsilon: float | Float[Tensor, " n"] | None = None,
    time_limit: float | None = None,
    seed: int = 0,
) -> Equilibrium:
    r"""Compute FGM and a maximizer of coverage. Paper: Theorem 1.

    Args:
        lin: The linearized classifier at the points, each as likely as the others.
        epsilon: The budget of both, or the defender's alone.
        attack_epsilon: The attacker's budget where it differs, one number or one for
            each point.
        time_limit: Seconds for the solver; None: a fixed amount of work.
        seed: Seed of the solver.

    Returns:
        The pair, and the value of the game. What a search found is returned whatever
        happens to the bound after it: see ``stopped_by`` of the solution.

    Raises:
        TypeError: If the time limit is no number.
        ValueError: If a budget is negative, NaN or infinite, or the time limit is not
            > 0.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 1.0, 3.0]),
        ...     gradients=torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]),
        ... )
        >>> pair = equilibrium(lin, epsilon=1.5)
        >>> round(pair.value, 3), pair.is_exact
        (-0.333, True)
    """
    reach, epsilon = budgets_at(lin, epsilon, attack_epsilon)
    sets = RobustSets.from_linearization(lin, epsilon, attack_epsilon=reach)
    solution = maximize_coverage(sets, time_limit=time_limit, seed=seed)
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

    In the plane on all of V*, by independent draws. Else on the one piece of it around
    a maximizer, by hit-and-run: its draws depend on each other and may not have reached
    the uniform distribution, so they come as
    :class:`~paper_lib.game.strategies.ChainDraws`, and what is computed from them
    carries their effective size, R-hat and whether they are mixed. To judge that, 200
    draws a chain are made at least, of which those asked for are a random part; at ten
    steps a dimension for each of them this is slow from some dozens of dimensions on.
    Where V* has no volume it plays a maximizer all the same.

    Args:
        sets: The robust sets.
        solution: A maximizer, where d is not 2; None: it is looked for first. If it is
            none, as its certificate may leave open, draws are as good as it is.
        config: The chains of hit-and-run.

    Returns:
        The strategy.

    Raises:
        TypeError: If ``sets`` are no robust sets.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0, 0.0]]),
        ...     offsets=torch.tensor([-0.5]),
        ...     epsilon=1.0,
        ... )
        >>> drawn = smooth(sets).draw(100, 0)
        >>> drawn.rows.shape, drawn.is_mixed, drawn.effective_size <= 100
        (torch.Size([100, 3]), True, True)
    """
    check_type(sets, "sets", RobustSets)
    if sets.normals.shape[1] == 2:
        return Sampler(maximizer_set(sets).draw)
    found = maximize_coverage(sets) if solution is None else solution
    chosen = HitAndRunConfig() if config is None else config
    least = _DRAWS_PER_CHAIN * chosen.num_chains

    def draw(num_draws: int, seed: int) -> Float[Tensor, "num_draws d"] | ChainDraws:
        drawn = draw_maximizers(
            sets, max(num_draws, least), solution=found, config=chosen, seed=seed
        )
        if not drawn.has_volume:
            return drawn.points[:num_draws]  # one point, whoever draws
        return _part_of(drawn, num_draws, seed)

    return Sampler(draw)


def _part_of(drawn: MaximizerDraws, num_draws: int, seed: int) -> ChainDraws:
    """Take some of the draws at random, and say what they are worth."""
    total = len(drawn.points)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(total, generator=generator)[:num_draws]
    # The variance of a mean: of all draws, and of a part of them around that.
    variance = 1.0 / drawn.effective_size + (1.0 - num_draws / total) / num_draws
    return ChainDraws(
        rows=drawn.points[chosen],
        effective_size=min(1.0 / variance, float(num_draws)),
        r_hat=drawn.r_hat,
        is_mixed=drawn.is_mixed,
    )
