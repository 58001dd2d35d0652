r"""The claims under Table 1, tested as claims.

Whether a defense helps on one pair of classes is a paired comparison on its test
points. Whether it helps over the pairs is another question: 45 pairs share ten classes,
so that a class on which f is easy to defend enters nine of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.tables.groups import GroupResult
from experiments.tables.planning import PRIMARY_PGD, PRIMARY_SOLVER
from experiments.tables.scoring import ScoreResult


@dataclass(frozen=True, kw_only=True, slots=True)
class PairGain:
    """What a defense changes on one pair of classes.

    Attributes:
        classes: The two classes.
        saved: Test points that keep their label with the defense alone, in each class.
        lost: Test points that keep it without the defense alone, in each class.
        total: Test points.
        p_value: Two-sided exact McNemar test of no effect.
        train_coverage: Coverage of the points the defense was fitted on.
    """

    classes: tuple[int, int]
    saved: tuple[int, int]
    lost: tuple[int, int]
    total: int
    p_value: float
    train_coverage: float

    @property
    def points(self) -> float:
        """The gain in accuracy, in percentage points."""
        return 100.0 * (sum(self.saved) - sum(self.lost)) / self.total


def pair_gains(
    scores: Sequence[ScoreResult], defense: str, attack: str, accuracy: str
) -> tuple[PairGain, ...]:
    """Compare a defense with none on every pair.

    Args:
        scores: The accuracies of a group.
        defense: The solver, as the records name it.
        attack: The attack, as the records name it.
        accuracy: ``"true"`` or ``"approximate"``.

    Returns:
        One gain a pair, in order.

    Raises:
        KeyError: If a pair was not run with the defense or attack.
    """
    gains = []
    for score in scores:
        fitted = score.defenses[defense]
        saved1, lost1, saved2, lost2 = fitted.changes[f"{attack}, {accuracy}"]
        gains.append(
            PairGain(
                classes=score.config.classifier.classes,
                saved=(saved1, saved2),
                lost=(lost1, lost2),
                total=score.sizes["test"],
                p_value=mcnemar(saved1 + saved2, lost1 + lost2),
                train_coverage=fitted.train_coverage,
            )
        )
    return tuple(gains)


def extreme_gains(
    scores: Sequence[ScoreResult], *, worst: int = 3, best: int = 1
) -> tuple[PairGain, ...]:
    """Choose the pairs that SMOOTH helps least and most against PGD.

    The gain is that of approximate accuracy under the primary reading; where two are
    equal the smaller classes come first.

    Args:
        scores: The accuracies of a group.
        worst: How many of the least.
        best: How many of the most.

    Returns:
        The least first, the most last, each once.
    """
    gains = pair_gains(scores, PRIMARY_SOLVER, PRIMARY_PGD, "approximate")
    order = sorted(gains, key=lambda gain: (gain.points, gain.classes))
    return tuple(dict.fromkeys([*order[:worst], *order[max(len(order) - best, 0) :]]))


def lemma_violations(results: Sequence[GroupResult]) -> tuple[int, int]:
    """Count what contradicts Lemmas 1 and 2, which hold for each point.

    Args:
        results: Groups.

    Returns:
        Points that FGM leaves alone and another attack flips; and rows under FGM whose
        count is not the coverage of the defense.
    """
    scores = [score for result in results for score in result.scores]
    flipped = sum(sum(score.stronger_than_fgm.values()) for score in scores)
    unequal = sum(
        score.cells["FGM", name, "approximate"].correct != fitted.test_coverage
        for score in scores
        for name, fitted in score.defenses.items()
    )
    return flipped, unequal


def mcnemar(saved: int, lost: int) -> float:
    """Test whether as many points are saved as lost, exactly (McNemar 1947).

    Args:
        saved: Points that one of two methods gets right alone.
        lost: Points that the other gets right alone.

    Returns:
        The two-sided p-value; 1 if the two never differ.

    Raises:
        ValueError: If a count is negative.

    Example:
        >>> mcnemar(5, 0)
        0.0625
    """
    if saved < 0 or lost < 0:
        raise ValueError(f"counts must be at least 0, got {saved} and {lost}.")
    if saved + lost == 0:
        return 1.0
    return float(stats.binomtest(saved, saved + lost).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values of several tests so that all hold together (Holm 1979).

    Args:
        p_values: One a test.

    Returns:
        The adjusted values, in the same order: below a level for the tests rejected
        with that chance, at most, of one rejection in error among all.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    adjusted = np.empty(len(p_values))
    scaled = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted.tolist()


def dyadic_interval(
    values: Sequence[float], pairs: Sequence[tuple[int, int]]
) -> tuple[float, float, float]:
    r"""Estimate a mean over pairs of classes, of which many share a class.

    Pairs that share a class may vary together. The variance of the mean is
    :math:`n^{-2} \sum_{p \cap q \neq \emptyset} e_p e_q` over pairs p and q that share
    a class, e the deviations from the mean (Fafchamps and Gubert 2007; Aronow, Samii
    and Assenova 2015), at least that of independent pairs; the interval takes as many
    degrees of freedom as there are classes, less one.

    Args:
        values: One a pair.
        pairs: The two classes of each.

    Returns:
        The mean and the ends of the 95% interval.

    Raises:
        ValueError: If lengths differ, or there are fewer than three classes.
    """
    classes = {label for pair in pairs for label in pair}
    if len(values) != len(pairs) or len(classes) < 3:
        raise ValueError(
            "values must be one for each of pairs over at least three classes, got "
            f"{len(values)} values, {len(pairs)} pairs and {len(classes)} classes."
        )
    array = np.asarray(values, dtype=np.float64)
    rest = array - array.mean()
    shared = np.array([[bool({*p} & {*q}) for q in pairs] for p in pairs])
    num = len(array)
    independent = num * array.var(ddof=1) / num**2
    variance = max(float(rest @ shared @ rest) / num**2, independent)
    half = float(stats.t.ppf(0.975, len(classes) - 1) * variance**0.5)
    mean = float(array.mean())
    return mean, mean - half, mean + half
