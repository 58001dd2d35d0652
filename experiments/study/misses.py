"""How far combinations are from the paper, in 24 numbers.

Eight attacked means of Table 1 and their eight spreads, and the eight attacked cells of
Table 2, which are of MNIST 0 against 1. The distance is the largest absolute miss of
them, in points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from jaxtyping import Bool, Float

from experiments.study.combinations import FACTORS, Combination, combinations_in
from experiments.study.study_cells import StudyCell, StudyResult
from experiments.study.study_plan import StudyRun
from experiments.tables.paper_numbers import PAPER_TABLE_1, PAPER_TABLE_2
from experiments.tables.planning import DATASETS
from paper_lib.evaluation.plays import PLAYS, play_name

ATTACKED = PLAYS[1:]
KINDS = ("true", "approximate")
Pairs = Sequence[tuple[int, int]]
# The records of a run with their percentages, by the pair of classes.
_Held = Mapping[
    tuple[int, int], tuple[StudyResult, Mapping[StudyCell, tuple[float, float]]]
]


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyTable:
    """What combinations give on some pairs, beside the paper.

    Attributes:
        combinations: The combinations.
        datasets: The data sets.
        pairs: The pairs of classes.
        table_1: True and approximate accuracy under each attacked play, in percent.
        table_2: True and then approximate accuracy of MNIST 0 against 1 under each, in
            percent; empty where it was not run.
    """

    combinations: tuple[Combination, ...]
    datasets: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    table_1: Float[np.ndarray, "combinations seeds datasets plays pairs kinds"]
    table_2: Float[np.ndarray, "combinations seeds cells"]

    @cached_property
    def numbers(self) -> Float[np.ndarray, "combinations numbers"]:
        """The numbers that the paper gives: means, spreads, cells; means over seeds."""
        values = self.table_1[..., 1]
        parts = values.mean(-1), values.std(-1, ddof=1)
        over_pairs = np.stack(parts, -1).mean(1).reshape(len(self.combinations), -1)
        return np.hstack([over_pairs, self.table_2.mean(1)])

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers are called."""
        first = product(self.datasets, ATTACKED, ("mean", "spread"))
        second = product(KINDS, ATTACKED) if self.table_2.shape[-1] else ()
        return (
            *(f"{dataset}: {play_name(play)}, {kind}" for dataset, play, kind in first),
            *(f"0-1: {play_name(play)}, {kind}" for kind, play in second),
        )

    @property
    def printed(self) -> Float[np.ndarray, " numbers"]:
        """What the paper says."""
        first = [
            number
            for dataset, play in product(self.datasets, ATTACKED)
            for number in PAPER_TABLE_1[dataset][play]
        ]
        second = [PAPER_TABLE_2[*play, k] for k, play in product(KINDS, ATTACKED)]
        return np.array(first + (second if self.table_2.shape[-1] else []))

    @property
    def misses(self) -> Float[np.ndarray, "combinations numbers"]:
        """By how much each number is above the paper's, in points."""
        return self.numbers - self.printed

    @property
    def distances(self) -> Float[np.ndarray, " combinations"]:
        """The largest absolute miss of each combination, in points."""
        return np.abs(self.misses).max(1)

    @property
    def order(self) -> list[int]:
        """The places of the combinations, the nearest to the paper first."""
        return np.argsort(self.distances, kind="stable").tolist()

    def having(self, factor: str) -> dict[str, Bool[np.ndarray, " combinations"]]:
        """Say which combinations have each choice of a factor.

        Args:
            factor: One of ``FACTORS``.

        Returns:
            Under each choice, in the order of the combinations.
        """
        made = np.array([getattr(one, factor) for one in self.combinations])
        return {choice: made == choice for choice in dict.fromkeys(made.tolist())}

    def of_table_1(
        self, values: Float[np.ndarray, " numbers"]
    ) -> Float[np.ndarray, "datasets plays 2"]:
        """Take from numbers the mean and the spread of each play in Table 1.

        Args:
            values: As many as there are names.

        Returns:
            Those of Table 1.
        """
        shape = len(self.datasets), len(ATTACKED), 2
        return values[: prod(shape)].reshape(shape)

    def at(self, combination: Combination) -> int:
        """Find the place of a combination.

        Args:
            combination: One of the table's.

        Returns:
            The place.

        Raises:
            KeyError: If it is none of them.
        """
        if combination not in self.combinations:
            raise KeyError(f"combination must be in the table, got {combination}.")
        return self.combinations.index(combination)

    def on(self, places: Sequence[int] | slice) -> "StudyTable":
        """Take some pairs, and nothing of Table 2, which is of one.

        Args:
            places: Where they stand among the pairs.

        Returns:
            The table of these pairs.
        """
        pairs = np.arange(len(self.pairs))[places]
        return replace(
            self,
            pairs=tuple(self.pairs[place] for place in pairs),
            table_1=self.table_1[..., pairs, :],
            table_2=self.table_2[..., :0],
        )


def study_table(
    runs: Sequence[StudyRun],
    combinations: Sequence[Combination] | None = None,
    pairs: Pairs | None = None,
) -> StudyTable:
    """Compute the numbers of combinations from the records of runs.

    Args:
        runs: One run for each network, protocol, data set and seed.
        combinations: Which; None: all that the runs hold.
        pairs: Over which pairs Table 1 goes; None: all of the runs. Table 2 is of MNIST
            0 against 1 whether or not it is among them.

    Returns:
        The table.

    Raises:
        KeyError: If the runs lack a cell.
        ValueError: If there are fewer than two pairs, which have no spread.
    """
    combinations = combinations_in(runs) if combinations is None else combinations
    pairs = runs[0].pairs if pairs is None else pairs
    if len(pairs) < 2:
        raise ValueError(f"pairs must be two at least, got {pairs}.")
    held: dict[tuple, _Held] = {
        run.key: {pair: (one, one.percents) for pair, one in run.of.items()}
        for run in runs
    }
    datasets = tuple(name for name in DATASETS if name in {key[2] for key in held})
    seeds = sorted({key[3] for key in held})
    mnist = [one for key, one in held.items() if key[2] == "mnist"]
    has_zero_one = mnist and all((0, 1) in one for one in mnist)

    def percents(dataset: str, some: Pairs) -> np.ndarray:
        return np.array(
            [
                [
                    _percents(held[one.network, one.protocol, dataset, seed], one, some)
                    for seed in seeds
                ]
                for one in combinations
            ]
        )

    each = [percents(dataset, pairs) for dataset in datasets]
    zero_one = percents("mnist", [(0, 1)]) if has_zero_one else each[0][:, :, :0]
    return StudyTable(
        combinations=tuple(combinations),
        datasets=datasets,
        pairs=tuple(pairs),
        table_1=np.stack(each, 2),
        table_2=zero_one.swapaxes(2, -1).reshape(*zero_one.shape[:2], -1),
    )


def _percents(
    held: _Held, combination: Combination, pairs: Pairs
) -> list[list[tuple[float, float]]]:
    """Collect true and approximate accuracy of each pair, under each attacked play."""
    records = [held[pair] for pair in pairs]
    return [
        [found[combination.cell(play, result)] for result, found in records]
        for play in ATTACKED
    ]


def effects(table: StudyTable) -> dict[str, Float[np.ndarray, " numbers"]]:
    """Say which factor moves which number.

    Args:
        table: Combinations in which every choice meets every other.

    Returns:
        For each factor with several choices, by how much the mean of a number over all
        other factors differs at most between two of its choices, in points.
    """
    result = {}
    for factor in FACTORS:
        means = [table.numbers[own].mean(0) for own in table.having(factor).values()]
        if len(means) > 1:
            result[factor] = np.ptp(means, axis=0)
    return result
