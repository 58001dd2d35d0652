"""How small a distance comes out merely because the best of many was chosen."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from experiments.study.misses import StudyTable
from paper_lib.checks import check_count, check_seed


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HalvedChoice:
    """What was chosen on half of the pairs, and what it gives on the other half.

    Attributes:
        chosen_on: The least distance of any combination, on the half that chose.
        judged_on: The distance of the same combination on the other half.
        least_there: The least distance of any combination on that other half.
    """

    chosen_on: Float[np.ndarray, " repetitions"]
    judged_on: Float[np.ndarray, " repetitions"]
    least_there: Float[np.ndarray, " repetitions"]

    @property
    def optimism(self) -> float:
        """By how much the choice alone makes a distance smaller, in points."""
        return float((self.judged_on - self.chosen_on).mean())


def choose_on_halves(
    table: StudyTable, *, repetitions: int = 1000, seed: int = 0
) -> HalvedChoice:
    """Choose a combination on half of the pairs and judge it on the other half.

    Of Table 1's numbers alone: those of Table 2 are of one pair, which is in one half.

    Args:
        table: The combinations on all pairs, at least four.
        repetitions: How often the pairs are parted at random.
        seed: Seed of the parting.

    Returns:
        The distances of each repetition, in points.

    Raises:
        ValueError: If there are too few pairs for two spreads, there is no repetition,
            or the seed is no seed.
    """
    check_count(repetitions, "repetitions", 1)
    draw, num = np.random.default_rng(check_seed(seed)), len(table.pairs)
    if num < 4:
        raise ValueError(f"table must hold at least four pairs, got {num}.")
    found = []
    for _ in range(repetitions):
        order = draw.permutation(num).tolist()
        one = table.on(order[: num // 2]).distances
        other = table.on(order[num // 2 :]).distances
        best = one.argmin()
        found.append((one[best], other[best], other.min()))
    chosen_on, judged_on, least_there = np.array(found).T
    return HalvedChoice(
        chosen_on=chosen_on, judged_on=judged_on, least_there=least_there
    )
