r"""The attacker's expected utility, Eq. (2), exact or from draws."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks.arguments import check_fraction, check_seed, check_type
from paper_lib.checks.radii import Budget, check_budgets
from paper_lib.game.payoff import payoffs, shifts
from paper_lib.game.strategies import Attacker, ChainDraws, Defender, Plays, plays_of
from paper_lib.linearize import Linearization


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedUtility:
    r"""The attacker's expected utility :math:`\bar u_A`, or an estimate of it.

    Attributes:
        value: The expectation over the points and both players' draws.
        low: Lower end of a confidence interval; ``value`` where that is exact.
        high: Upper end.
        confidence: Probability with which the interval holds; 1 where it is exact.
        num_draws: Draws averaged; 0 where all plays were counted.
        is_independent: Whether no chains were drawn from, so that the interval is a
            theorem and no approximation.
        effective_size: How many independent draws these are worth; an estimate where
            they come from chains.
        r_hat: Split R-hat of these chains; 1 where there are none.
        is_mixed: Whether the chains agree and are long enough, so that there is reason
            to trust the interval; True without chains. Where not, the interval is all
            that is possible.

    Example:
        >>> estimate = ExpectedUtility(
        ...     value=-0.5, low=-0.6, high=-0.4, confidence=0.99, num_draws=1000
        ... )
        >>> estimate.is_exact
        False
    """

    value: float
    low: float
    high: float
    confidence: float = 1.0
    num_draws: int = 0
    is_independent: bool = True
    effective_size: float = 0.0
    r_hat: float = 1.0
    is_mixed: bool = True

    @property
    def is_exact(self) -> bool:
        """Whether every play was counted, so that only summation rounds."""
        return self.num_draws == 0


def expected_utility(
    lin: Linearization,
    attacker: Attacker,
    defender: Defender,
    *,
    epsilon: float | None = None,
    attack_epsilon: float | Float[Tensor, " n"] | None = None,
    num_draws: int = 1000,
    confidence: float = 0.99,
    seed: int = 0,
) -> ExpectedUtility:
    r"""Average the attacker's utility over points and both players' draws. Eq. (2).

    Exact for finite mixtures. A sampler is drawn from, and Hoeffding's inequality, two
    sided, gives the interval: with utilities in [-1, 1] its half width for k draws is
    :math:`\sqrt{2 \log(2 / \delta) / k}` at confidence :math:`1 - \delta`. The points
    are the whole distribution here; the interval is about the draws alone.

    Draws of chains, as those of :func:`~paper_lib.game.smooth` outside the plane,
    depend on each other. The inequality is not about them: k is then their effective
    size, an estimate, and the confidence is approximate. Chains that have not mixed
    give the interval from -1 to 1.

    Args:
        lin: The linearized classifier at the points, each as likely as the others.
        attacker: The attacker's strategy; a tensor ``(n, d)`` is a deterministic one.
        defender: The defender's strategy; a tensor ``(d,)`` is a constant one.
        epsilon: The budget both must keep; None: not checked.
        attack_epsilon: The attacker's budget where it differs, one number or one for
            each point.
        num_draws: Draws from a sampler.
        confidence: Probability with which the interval has to hold, in (0, 1).
        seed: Seed of the draws.

    Returns:
        The expectation, or its estimate with a confidence interval.

    Raises:
        TypeError: If ``lin`` is no :class:`Linearization`, or a strategy is not one of
            its player.
        ValueError: If a strategy does not fit the points or the budgets, or a number is
            out of range.

    Example:
        >>> from paper_lib.game import ConstantDefense, Mixture
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0]), gradients=torch.tensor([[1.0, 0.0]])
        ... )
        >>> attack = torch.tensor([[-1.5, 0.0]])
        >>> sides = [ConstantDefense(torch.tensor([s, 0.0])) for s in (1.0, -1.0)]
        >>> expected_utility(lin, attack, Mixture(tuple(sides), (0.75, 0.25))).value
        -0.5
    """
    check_type(lin, "lin", Linearization)
    budgets = attack_epsilon, epsilon
    if epsilon is not None:
        budgets = check_budgets(epsilon, attack_epsilon, lin.gradients)
    confidence = check_fraction(confidence, "confidence")
    attacks, defenses = plays_of_both(
        lin, attacker, defender, budgets, num_draws=num_draws, seed=seed
    )
    return average(play_values(lin, attacks, defenses), confidence)


def budgets_at(
    lin: Linearization, epsilon: float, attack_epsilon: Budget | None
) -> tuple[Budget, float]:
    """Check the points of a game, and the budgets of both players there.

    Args:
        lin: The points.
        epsilon: The defender's budget.
        attack_epsilon: The attacker's; None: the same.

    Returns:
        The attacker's budget and the defender's.

    Raises:
        TypeError: If ``lin`` is no :class:`Linearization`.
        ValueError: If a budget is none.
    """
    check_type(lin, "lin", Linearization)
    return check_budgets(epsilon, attack_epsilon, lin.gradients)


def plays_of_both(
    lin: Linearization,
    attacker: Attacker,
    defender: Defender,
    budgets: tuple[Budget | None, float | None],
    *,
    num_draws: int,
    seed: int,
) -> tuple[Plays, Plays]:
    """List the plays of both players, drawn independently, and check them.

    Args:
        lin: The points.
        attacker: The attacker's strategy.
        defender: The defender's strategy.
        budgets: The attacker's and the defender's; None: not checked.
        num_draws: Draws from a sampler.
        seed: Seed of these draws.

    Returns:
        The attacker's plays and the defender's.
    """
    seeds, draws = child_seeds(seed, 2), {"num_draws": num_draws}
    return (
        plays_of("attacker", attacker, lin, epsilon=budgets[0], seed=seeds[0], **draws),
        plays_of("defender", defender, lin, epsilon=budgets[1], seed=seeds[1], **draws),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlayValues:
    """The attacker's mean utility over the points, for each draw or all in all.

    Attributes:
        values: One for each draw; a single one where all plays were counted.
        is_sampled: Whether these are draws.
        chains: The chains that they were drawn by, of either player; empty where they
            are independent.
    """

    values: Float[Tensor, " k"]
    is_sampled: bool
    chains: tuple[ChainDraws, ...] = ()


def play_values(lin: Linearization, attacks: Plays, defenses: Plays) -> PlayValues:
    """Score plays of both players against each other.

    Args:
        lin: The points.
        attacks: Plays of the attacker.
        defenses: Plays of the defender. Draws meet draws one by one, and every play of
            a finite mixture.

    Returns:
        The mean utilities.
    """
    left, right = shifts(lin, attacks.rows), shifts(lin, defenses.rows)
    chains = tuple(one.chains for one in (attacks, defenses) if one.chains is not None)
    if attacks.is_sampled and defenses.is_sampled:
        values = payoffs(lin.logits, left, right).mean(-1)
        return PlayValues(values=values, is_sampled=True, chains=chains)
    matrix = torch.stack([payoffs(lin.logits, one, right).mean(-1) for one in left])
    if not attacks.is_sampled:
        matrix = (attacks.weights @ matrix).unsqueeze(0)
    if not defenses.is_sampled:
        matrix = matrix @ defenses.weights.unsqueeze(1)
    return PlayValues(
        values=matrix.flatten(),
        is_sampled=attacks.is_sampled or defenses.is_sampled,
        chains=chains,
    )


def average(
    found: PlayValues, confidence: float, *, reach: float = 1.0
) -> ExpectedUtility:
    """Average over draws, with Hoeffding's interval.

    Args:
        found: Values in [-reach, reach].
        confidence: Probability with which the interval has to hold.
        reach: The largest absolute value possible.

    Returns:
        The expectation or its estimate; see :func:`expected_utility` for draws of
        chains.
    """
    value = float(found.values.mean())
    if not found.is_sampled:
        return ExpectedUtility(value=value, low=value, high=value)
    num, chains = len(found.values), found.chains
    size = min([float(num), *(one.effective_size for one in chains)])
    is_mixed = all(one.is_mixed for one in chains)
    half = reach * math.sqrt(2.0 * math.log(2.0 / (1.0 - confidence)) / size)
    return ExpectedUtility(
        value=value,
        low=max(value - half, -reach) if is_mixed else -reach,
        high=min(value + half, reach) if is_mixed else reach,
        confidence=confidence,
        num_draws=num,
        is_independent=not chains,
        effective_size=size,
        r_hat=max([1.0, *(one.r_hat for one in chains)]),
        is_mixed=is_mixed,
    )


def child_seeds(seed: int, count: int) -> list[int]:
    """Derive seeds whose draws are independent of each other.

    Args:
        seed: A seed.
        count: How many.

    Returns:
        The seeds.

    Raises:
        ValueError: If ``seed`` is no seed.
    """
    return [
        int(child.generate_state(1)[0])
        for child in np.random.SeedSequence(check_seed(seed)).spawn(count)
    ]
