"""What each player gains by leaving a pair of strategies: zero at an equilibrium."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from paper_lib.checks.arguments import check_fraction
from paper_lib.game.attack_search import SearchMethod, search_attack
from paper_lib.game.expectation import (
    ExpectedUtility,
    PlayValues,
    average,
    budgets_at,
    child_seeds,
    play_values,
    plays_of_both,
)
from paper_lib.game.responses import (
    AttackerResponse,
    DefenderResponse,
    attacker_best_response,
    defender_best_response,
)
from paper_lib.game.strategies import Attacker, Defender, Plays, plays_of, sees_points
from paper_lib.linearize import Linearization

# Two means of utilities nearer than this are the same.
_SAME = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class GainBounds:
    """Between what a player is known to gain at least, and at most.

    Attributes:
        attacker: The attacker's gain: what a search found, and what FGM gets, which no
            attack exceeds by Lemma 2.
        defender: The defender's gain: what the solver found, and what its certificate
            leaves.
    """

    attacker: tuple[float, float]
    defender: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Exploitability:
    """A pair of strategies, and what a player gains by leaving it alone.

    Attributes:
        utility: The attacker's expected utility as the pair stands.
        attacker_gain: How much more the attacker gets by the best attack that a search
            found. Up to ten dimensions it knows nothing of FGM or Lemma 1; beyond, the
            default search follows a gradient and cannot but end at FGM.
        defender_gain: How much less the attacker gets against the best constant v
            found. Negative only if the defender saw the clean points before.
        gain_bounds: What is known of the true gains.
        search_shortfall: How much less the search gets than FGM, the best response by
            Lemma 2; zero where it found as good an attack by itself.
        attacker_response: The attack.
        defender_response: The defense, and its certificate.

    Example:
        >>> import torch
        >>> from paper_lib.game import exploitability
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0]), gradients=torch.tensor([[1.0, 0.0]])
        ... )
        >>> still = torch.zeros(1, 2), torch.zeros(2)
        >>> pair = exploitability(lin, *still, epsilon=1.5)
        >>> pair.total, pair.is_exact, pair.is_sampled
        (2.0, True, False)
    """

    utility: ExpectedUtility
    attacker_gain: float
    defender_gain: float
    gain_bounds: GainBounds
    search_shortfall: float
    attacker_response: AttackerResponse
    defender_response: DefenderResponse

    @property
    def is_sampled(self) -> bool:
        """Whether a strategy was drawn from, so that bounds are confidence bounds.

        They are approximate for draws of chains.
        """
        return not self.utility.is_exact

    @property
    def is_exact(self) -> bool:
        """Whether both gains are what they are, up to the rounding of a mean.

        The search has to confirm it: where it falls short of FGM, a gain of zero would
        rest on Lemma 2 alone. With ``method="gradient"``, the default beyond ten
        dimensions, it does so all the same, since that search is led to FGM.
        """
        pairs = self.gain_bounds.attacker, self.gain_bounds.defender
        certain = all(abs(high - low) <= _SAME for low, high in pairs)
        return certain and self.search_shortfall <= _SAME

    @property
    def is_mixed(self) -> bool:
        """Whether chains drawn from agree; if not, bounds say nothing. True without."""
        return self.utility.is_mixed

    @property
    def total(self) -> float:
        """Both gains together: zero exactly at an equilibrium."""
        return self.attacker_gain + self.defender_gain


def exploitability(
    lin: Linearization,
    attacker: Attacker,
    defender: Defender,
    *,
    epsilon: float,
    attack_epsilon: float | Float[Tensor, " n"] | None = None,
    method: SearchMethod | None = None,
    max_nodes: int | None = None,
    num_draws: int = 1000,
    confidence: float = 0.99,
    seed: int = 0,
) -> Exploitability:
    r"""Measure how far a pair of strategies is from an equilibrium. Paper: Theorem 1.

    Each player leaves alone, the other stays. The attacker's gain is found by
    :func:`search_attack` and bounded by Lemma 2; the defender's by
    :func:`defender_best_response`, from Eq. (1) with the attack held fixed, and bounded
    by its certificate. Staying is allowed, so that no gain is negative. A sampler is
    answered on some draws and both are scored on others; bounds then hold with the
    confidence asked for, each of them, or approximately so for draws of chains; see
    :func:`~paper_lib.game.expected_utility`.

    Args:
        lin: The linearized classifier at the points, each as likely as the others.
        attacker: The attacker's strategy; a tensor ``(n, d)`` is a deterministic one.
        defender: The defender's strategy; a tensor ``(d,)`` is a constant one.
        epsilon: The budget of both, or the defender's alone.
        attack_epsilon: The attacker's budget where it differs, one number or one for
            each point.
        method: The attacker's search; see :func:`search_attack`.
        max_nodes: Work spent on the defender's bound; see
            :func:`defender_best_response`.
        num_draws: Draws from a sampler.
        confidence: Probability with which each bound has to hold if one is drawn from.
        seed: Seed of searches and draws.

    Returns:
        The gains, apart, with bounds.

    Raises:
        TypeError: If ``lin`` is no :class:`Linearization`, or a strategy is not one of
            its player.
        ValueError: If a strategy does not fit the points or lies outside V, or a number
            is out of range.

    Example:
        >>> import torch
        >>> from paper_lib.attacks import fgm
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 1.0]),
        ...     gradients=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        ... )
        >>> still, v = torch.zeros(2), torch.tensor([1.0, 0.0])
        >>> pair = exploitability(lin, fgm(lin, 1.5), v, epsilon=1.5)
        >>> pair.attacker_gain, pair.defender_gain, pair.is_exact
        (0.0, 0.0, True)
        >>> pair = exploitability(lin, torch.zeros(2, 2), still, epsilon=1.5)
        >>> pair.attacker_gain, pair.defender_gain
        (2.0, 0.0)
    """
    reach, epsilon = budgets_at(lin, epsilon, attack_epsilon)
    confidence = check_fraction(confidence, "confidence")
    attacks, defenses = plays_of_both(
        lin, attacker, defender, (reach, epsilon), num_draws=num_draws, seed=seed
    )
    *_, to_attack, to_defend = child_seeds(seed, 4)
    drawn = {"num_draws": num_draws, "seed": to_attack}
    found = search_attack(lin, defender, epsilon=reach, method=method, **drawn)
    optimal = attacker_best_response(lin, defender, epsilon=reach, **drawn)
    few = {"num_draws": min(num_draws, 100), "seed": to_defend}
    answer = defender_best_response(
        lin, attacker, epsilon=epsilon, max_nodes=max_nodes, **few
    )
    before = play_values(lin, attacks, defenses)
    searched = _gained(lin, defenses, before, found, confidence)
    best = _gained(lin, defenses, before, optimal, confidence)
    saved, most_saved = _saved(lin, attacks, before, answer, confidence)
    # Staying loses nothing, but only a constant may be stayed at.
    stay = -math.inf if sees_points(defender) else 0.0
    return Exploitability(
        utility=average(before, confidence),
        attacker_gain=max(searched.value, 0.0),
        defender_gain=max(saved.value, stay),
        gain_bounds=_gain_bounds(searched, best, saved, most_saved, stay),
        search_shortfall=max(best.value - searched.value, 0.0),
        attacker_response=found,
        defender_response=answer,
    )


def _gain_bounds(
    searched: ExpectedUtility,
    best: ExpectedUtility,
    saved: ExpectedUtility,
    most_saved: float,
    stay: float,
) -> GainBounds:
    return GainBounds(
        # FGM is a few roundings shorter than the budget, which an attack may use.
        attacker=(max(searched.low, 0.0), max(best.high, searched.high, 0.0)),
        defender=(max(saved.low, stay), max(most_saved, stay)),
    )


def _gained(
    lin: Linearization,
    defenses: Plays,
    before: PlayValues,
    response: AttackerResponse,
    confidence: float,
) -> ExpectedUtility:
    """Average what the attacker gains by a response."""
    plays = plays_of("attacker", response.strategy, lin)
    return _growth(before, play_values(lin, plays, defenses), confidence)


def _saved(
    lin: Linearization,
    attacks: Plays,
    before: PlayValues,
    answer: DefenderResponse,
    confidence: float,
) -> tuple[ExpectedUtility, float]:
    """Average what the defender saves by an answer; bound what any may save."""
    plays = plays_of("defender", answer.strategy, lin)
    saved = _growth(play_values(lin, attacks, plays), before, confidence)
    # The solver's bound is for the attacks it saw: where they are drawn, not for these.
    least = -1.0 if attacks.is_sampled else answer.bound
    return saved, average(before, confidence).high - least


def _growth(
    before: PlayValues, after: PlayValues, confidence: float
) -> ExpectedUtility:
    """Average what the attacker's utility grows by, on the same draws."""
    difference = PlayValues(
        values=after.values - before.values,
        is_sampled=before.is_sampled or after.is_sampled,
        chains=before.chains + after.chains,
    )
    return average(difference, confidence, reach=2.0)
