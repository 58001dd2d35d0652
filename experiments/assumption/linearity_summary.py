"""What the records on local linearity say together: shares, intervals, counts."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from scipy import stats

from experiments.assumption.agreement_runs import AgreementResult
from experiments.assumption.subjects import SubjectSettings

# The kinds of points at a budget, in the order in which they are stacked.
KINDS = (
    "no boundary, agreement proven",
    "boundary, agreement proven",
    "undecided",
    "no boundary, f flips",
    "boundary, disagreement found",
)


@runtime_checkable
class _OfClassifier(Protocol):
    """A record that says of which classifier it is."""

    @property
    def config(self) -> SubjectSettings: ...


One = TypeVar("One", bound=_OfClassifier)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean over classifiers, and where it would lie for other pairs of classes.

    Attributes:
        mean: The mean.
        low: Lower end of the 95% interval.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


def over_pairs(results: Iterable[One], value: Callable[[One], float]) -> Interval:
    """Average over classifiers; the interval is Student's over the pairs of classes.

    The seeds of one pair are no independent pairs, so they are averaged first.

    Args:
        results: One a classifier.
        value: What to average.

    Returns:
        Mean and interval; the interval is infinite with a single pair.

    Raises:
        ValueError: If there is no result.
    """
    by_pair: dict[tuple, list[float]] = {}
    for one in results:
        key = one.config.dataset, one.config.classes
        by_pair.setdefault(key, []).append(value(one))
    means = np.array([np.mean(values) for values in by_pair.values()])
    if not len(means):
        raise ValueError("results must hold at least one record, got none.")
    center, half = float(means.mean()), math.inf
    if len(means) > 1:
        factor = stats.t.ppf(0.975, len(means) - 1)
        half = float(factor * means.std(ddof=1) / math.sqrt(len(means)))
    return Interval(mean=center, low=center - half, high=center + half)


def shares(result: AgreementResult, epsilon: float) -> dict[str, float]:
    """Part the points that proofs were tried of, at one budget.

    Args:
        result: The record of a classifier.
        epsilon: The budget of both players; the ball has twice its radius.

    Returns:
        The share of each of ``KINDS``.
    """
    counts = dict.fromkeys(KINDS, 0)
    for margin, found, proven in zip(
        result.margins, result.found, result.proven, strict=False
    ):
        has_boundary = within(margin, 2.0 * epsilon)
        if proven >= epsilon:
            counts[KINDS[1] if has_boundary else KINDS[0]] += 1
        elif within(found, 2.0 * epsilon):
            counts[KINDS[4] if has_boundary else KINDS[3]] += 1
        else:
            counts["undecided"] += 1
    return {kind: count / len(result.proven) for kind, count in counts.items()}


def within(length: float | None, radius: float) -> bool:
    """Tell whether a length that may be infinite (None) is at most a radius."""
    return length is not None and length <= radius


def lost(result: AgreementResult, epsilon: float) -> float:
    """Share of all points with a disagreement found at a budget.

    Args:
        result: The record of a classifier.
        epsilon: The budget of both players.

    Returns:
        The share; more may have one.
    """
    found = [within(one, 2.0 * epsilon) for one in result.found]
    return sum(found) / len(found)


def in_game(result: AgreementResult) -> float:
    """Share of all points whose tangent has a boundary in the ball of Table 1's budget.

    Args:
        result: The record of a classifier.

    Returns:
        The share.
    """
    reached = [within(one, 2.0 * result.epsilon) for one in result.margins]
    return sum(reached) / len(reached)


def found_in_game(
    results: Iterable[AgreementResult], radius: float | None = None
) -> list[bool]:
    """Say of each point in the game whether a disagreement was found in its ball.

    Args:
        results: Records.
        radius: Of the balls; None: what both players reach with the budget of Table 1
            for each classifier.

    Returns:
        A value for each point whose tangent has a boundary in its ball.
    """
    return [
        within(found, radius or 2.0 * one.epsilon)
        for one in results
        for margin, found in zip(one.margins, one.found, strict=True)
        if within(margin, radius or 2.0 * one.epsilon)
    ]


def kept_shares(result: AgreementResult, place: int) -> tuple[float, float, float]:
    """Give the shares of points that SMOOTH keeps at one of its budgets.

    Args:
        result: A record with defenses.
        place: Which of its budgets.

    Returns:
        Of the tangents; of f itself what is proven; and of f what no attack took.
    """
    at, num = result.defenses[place], len(result.proven)
    return at.kept / num, at.safe / num, 1.0 - at.flipped / num


def of_set(results: Iterable[One], dataset: str) -> list[One]:
    """Keep the records of one data set.

    Args:
        results: Records.
        dataset: ``"mnist"`` or ``"fashion-mnist"``.

    Returns:
        Those of it.
    """
    return [one for one in results if one.config.dataset == dataset]


def difference_on_f(result: AgreementResult, place: int) -> tuple[float, float]:
    r"""Bound :math:`|\phi_n(v) - \phi_f(v)|` at one budget.

    Args:
        result: The record of a classifier.
        place: Of the budget among ``defenses``.

    Returns:
        Between what it lies, by what was flipped and what is proven.
    """
    at, num = result.defenses[place], len(result.proven)
    low, high = at.kept - (num - at.flipped), at.kept - at.safe
    nearest = 0 if low <= 0 <= high else min(abs(low), abs(high))
    return nearest / num, max(abs(low), abs(high)) / num
