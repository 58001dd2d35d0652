r"""The attacker's utility, Eq. (1), and its expectation, Eq. (2)."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import (
    check_count,
    check_labels,
    check_perturbation,
    check_radius,
    check_same_kind,
    check_seed,
)
from paper_lib.game.strategies import (
    Attacker,
    ChainDraws,
    Defender,
    Plays,
    attacker_plays,
    defender_plays,
)
from paper_lib.geometry import check_in_l2_ball, row_dots
from paper_lib.linearize import Linearization

# Products computed at once; affects speed alone.
_BLOCK = 1_000_000


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


def utility(
    lin: Linearization,
    attack: Float[Tensor, "n d"],
    defense: Float[Tensor, " d"] | Float[Tensor, "n d"],
    epsilon: float | None = None,
    *,
    attack_epsilon: float | None = None,
    labels: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, " n"]:
    r"""Score a pair of perturbations at each point. Paper: Eq. (1).

    The attacker gets +1 where the label is lost and -1 where it survives:
    :math:`\operatorname{sgn}(f(x)) f_L(x + a + d) \ge 0`, so that landing on the
    boundary is no flip. A point with f(x) = 0 has no label: +1 whatever is played.

    Args:
        lin: The linearized classifier.
        attack: a(x_i), one a row, in the units of the inputs.
        defense: One v for all points, or a row for each.
        epsilon: The budget both must keep; None: not checked.
        attack_epsilon: The attacker's budget where it differs.
        labels: Score against these, -1 or +1, and not against sgn f: another game, in
            which Lemma 2 fails at points that f gets wrong.

    Returns:
        -1. or +1. for each point, as float64, decided as ``label_survives`` does.

    Raises:
        ValueError: If a shape, dtype or device does not fit, an entry is not finite, a
            perturbation lies outside V, a label is neither -1 nor +1, or
            ``attack_epsilon`` comes without ``epsilon``.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, -3.0]),
        ...     gradients=torch.tensor([[1.0, 0.0], [1.0, 0.0]]),
        ... )
        >>> attack = torch.tensor([[-2.0, 0.0], [2.0, 0.0]])
        >>> utility(lin, attack, torch.tensor([0.0, 0.0]))
        tensor([ 1., -1.], dtype=torch.float64)
        >>> utility(lin, attack, torch.tensor([1.0, 0.0]), epsilon=2.0)
        tensor([-1., -1.], dtype=torch.float64)
    """
    check_same_kind(**{"the points": lin.gradients}, attack=attack, defense=defense)
    if attack.shape != lin.gradients.shape:
        raise ValueError(
            f"attack must have shape {tuple(lin.gradients.shape)}, got "
            f"{tuple(attack.shape)}."
        )
    if defense.shape not in (lin.gradients.shape, lin.gradients.shape[1:]):
        raise ValueError(
            f"defense must have shape {tuple(lin.gradients.shape[1:])} or "
            f"{tuple(lin.gradients.shape)}, got {tuple(defense.shape)}."
        )
    moves = defense if defense.ndim == 2 else defense.unsqueeze(0)
    check_perturbation("attack", attack, lin.gradients)
    check_perturbation("defense", moves, lin.gradients)
    if epsilon is None and attack_epsilon is not None:
        raise ValueError(
            "attack_epsilon needs the defender's epsilon beside it, got None."
        )
    if epsilon is not None:
        reach = epsilon if attack_epsilon is None else attack_epsilon
        epsilon = check_radius(epsilon, "epsilon")
        reach = check_radius(reach, "attack_epsilon")
        check_in_l2_ball("attack", attack, reach)
        check_in_l2_ball("defense", moves, epsilon)
    if labels is None:
        return 1.0 - 2.0 * lin.label_survives(attack, moves).double()
    check_labels(labels, "labels", len(lin.logits))
    values = labels.double() * lin.moved_logits(attack, moves)
    return 1.0 - 2.0 * (values >= 0).double()


def expected_utility(
    lin: Linearization,
    attacker: Attacker,
    defender: Defender,
    *,
    epsilon: float | None = None,
    attack_epsilon: float | None = None,
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
        attack_epsilon: The attacker's budget where it differs.
        num_draws: Draws from a sampler.
        confidence: Probability with which the interval has to hold, in (0, 1).
        seed: Seed of the draws.

    Returns:
        The expectation, or its estimate with a confidence interval.

    Raises:
        TypeError: If a strategy is not one of its player.
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
    reach = epsilon if attack_epsilon is None else attack_epsilon
    num_draws, confidence, seed = check_draws(num_draws, confidence, seed)
    seeds = child_seeds(seed, 2)
    draws = {"num_draws": num_draws}
    attacks = attacker_plays(attacker, lin, epsilon=reach, seed=seeds[0], **draws)
    defenses = defender_plays(defender, lin, epsilon=epsilon, seed=seeds[1], **draws)
    return average(play_values(lin, attacks, defenses), confidence)


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
        values = payoffs(lin, left, right).mean(-1)
        return PlayValues(values=values, is_sampled=True, chains=chains)
    matrix = torch.stack([payoffs(lin, one, right).mean(-1) for one in left])
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


def shifts(lin: Linearization, rows: Float[Tensor, "k m d"]) -> Float[Tensor, "k n"]:
    """Compute by how much each play moves the linearized logit of each point.

    Args:
        lin: The points.
        rows: One play each: a perturbation for each point, or one for all.

    Returns:
        The products with the gradients, in float64 and in the one order of summation.
    """
    num, dim = lin.gradients.shape
    parts = []
    for block in rows.split(max(_BLOCK // (num * dim), 1)):
        left = lin.gradients.expand(len(block), num, dim).reshape(-1, dim)
        right = block.expand(len(block), num, dim).reshape(-1, dim)
        parts.append(row_dots(left, right).reshape(len(block), num))
    return torch.cat(parts)


def payoffs(
    lin: Linearization,
    attack_shifts: Float[Tensor, "*#k n"],
    defense_shifts: Float[Tensor, "*#k n"],
) -> Float[Tensor, "*k n"]:
    """Score moved logits as :func:`utility` does, bit for bit.

    Args:
        lin: The points.
        attack_shifts: What attacks add to the logits.
        defense_shifts: What defenses add.

    Returns:
        The attacker's utilities, -1. or +1.
    """
    return payoffs_of_logits(lin.logits, attack_shifts, defense_shifts)


def payoffs_of_logits(
    logits: Float[Tensor, " n"],
    attack_shifts: Float[Tensor, "*#k n"],
    defense_shifts: Float[Tensor, "*#k n"],
) -> Float[Tensor, "*k n"]:
    """Score moved logits where nothing else of the points is at hand.

    Args:
        logits: The logits before the moves.
        attack_shifts: What attacks add to them.
        defense_shifts: What defenses add.

    Returns:
        The attacker's utilities, -1. or +1.
    """
    values = logits.double() + attack_shifts + defense_shifts
    survives = (logits.sign().double() * values >= 0) & (logits != 0)
    return 1.0 - 2.0 * survives.double()


def child_seeds(seed: int, count: int) -> list[int]:
    """Derive seeds whose draws are independent of each other.

    Args:
        seed: A seed.
        count: How many.

    Returns:
        The seeds.
    """
    return [
        int(child.generate_state(1)[0])
        for child in np.random.SeedSequence(seed).spawn(count)
    ]


def check_draws(num_draws: int, confidence: float, seed: int) -> tuple[int, float, int]:
    """Reject an empty sample, an impossible confidence, and no seed.

    Args:
        num_draws: Draws from a sampler.
        confidence: Probability with which an interval has to hold.
        seed: A seed.

    Returns:
        The three, as Python's own numbers.

    Raises:
        TypeError: If the number of draws is no integer.
        ValueError: If one is out of range.
    """
    seed = check_seed(seed)
    num_draws = check_count(num_draws, "num_draws", 1)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}.")
    return num_draws, float(confidence), seed
