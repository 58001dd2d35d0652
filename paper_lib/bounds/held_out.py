"""One v fixed in advance: the binomial distribution says it all."""

from typing import Literal

from jaxtyping import Float
from scipy.stats import beta
from torch import Tensor

from paper_lib.bounds.bound import INDEPENDENT, Bound
from paper_lib.checks.arguments import check_count, check_fraction, check_type
from paper_lib.robust_sets import RobustSets


def clopper_pearson(
    successes: int,
    trials: int,
    *,
    confidence: float,
    side: Literal["lower", "upper"] = "lower",
) -> float:
    """Bound a probability by a count of independent trials (Clopper, Pearson 1934).

    Args:
        successes: How many trials succeeded.
        trials: How many there were.
        confidence: The probability that the bound holds; at least this.
        side: Which end of the interval.

    Returns:
        The bound, in [0, 1].

    Raises:
        TypeError: If a count is no integer or the confidence no number.
        ValueError: If there was no trial, more successes than trials, the confidence is
            not strictly between 0 and 1, or the side is unknown.

    Example:
        >>> round(clopper_pearson(98, 100, confidence=0.95), 4)
        0.9384
        >>> clopper_pearson(0, 100, confidence=0.95)
        0.0
    """
    trials = check_count(trials, "trials", 1)
    successes = check_count(successes, "successes", 0, trials)
    confidence = check_fraction(confidence)
    if side == "lower":
        if successes == 0:
            return 0.0
        return float(beta.isf(confidence, successes, trials - successes + 1))
    if side == "upper":
        if successes == trials:
            return 1.0
        return float(beta.ppf(confidence, successes + 1, trials - successes))
    raise ValueError(f'side must be "lower" or "upper", got {side!r}.')


def held_out_bound(
    sets: RobustSets, v: Float[Tensor, " d"], *, confidence: float = 0.95
) -> Bound:
    r"""Bound :math:`\phi(v)` from below for a v that the sample had no part in.

    Args:
        sets: The robust sets of points that v does not depend on.
        v: The perturbation.
        confidence: The probability, over the sample, that the bound holds.

    Returns:
        The bound.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, or the confidence is no
            number.
        ValueError: If v does not fit the rows or lies outside V, or the confidence is
            not strictly between 0 and 1.

    Example:
        >>> import torch
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> bound = held_out_bound(sets, torch.tensor([0.5, 0.5]))
        >>> bound.observed, round(bound.value, 3)
        (1.0, 0.97)
    """
    check_type(sets, "sets", RobustSets)
    sets.check_in_ball(v)
    num, kept = len(sets.offsets), int(sets.contains(v).sum())
    return Bound(
        value=clopper_pearson(kept, num, confidence=confidence),
        confidence=confidence,
        observed=kept / num,
        method="held out",
        holds_for="one v fixed in advance",
        assumptions=(*INDEPENDENT, "v does not depend on them"),
    )
