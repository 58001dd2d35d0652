"""What Table 1 needs: which classifiers, pairs, seeds, budgets, attacks and defenses.

A plan is a list of :class:`RunGroup`. One classifier, one protocol and one reading of
PGD are primary; they were declared before the complete run.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, get_args

from experiments.tables.calibration import CalibrationConfig, Protocol
from experiments.tables.classifiers import ClassifierConfig
from experiments.tables.defenses import SOLVERS
from experiments.tables.groups import Group, GroupResult
from experiments.tables.scoring import ScoreConfig
from paper_lib.attacks import PGD_READINGS
from paper_lib.data.pairs import Dataset
from paper_lib.evaluation.plays import Cell, Play
from paper_lib.models import TrainConfig

ALL_PAIRS: tuple[tuple[int, int], ...] = tuple(combinations(range(10), 2))
# Each class twice.
TEN_PAIRS: tuple[tuple[int, int], ...] = (
    *((0, 1), (2, 4), (3, 8), (4, 9), (1, 7)),
    *((5, 6), (0, 5), (2, 7), (3, 6), (8, 9)),
)
DATASETS: tuple[Dataset, ...] = ("mnist", "fashion-mnist")
CLASSIFIERS = {
    "10-20-50": TrainConfig(),
    # The MNIST example that was in wide use when the paper was written.
    "20-50-500": TrainConfig(
        channels=(20, 50),
        hidden=500,
        optimizer="sgd",
        learning_rate=0.01,
        momentum=0.5,
        input_mean=0.1307,
        input_std=0.3081,
    ),
}
PRIMARY_CLASSIFIER = "10-20-50"
PRIMARY_PROTOCOL: Protocol = "one budget"
PRIMARY_READING = "ball"
PRIMARY_PGD = f"PGD {PRIMARY_READING}"  # as the records name it
PRIMARY_SOLVER = SOLVERS[0]
# Multiples of the calibrated budget at which FGM is scored as well.
MULTIPLES = (0.5, 0.75, 1.25, 1.5, 2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunGroup(Group[GroupResult]):
    """Runs of one classifier, seed and protocol over pairs of one data set.

    Attributes:
        classifier: A name in ``CLASSIFIERS``.
        readings: The readings of PGD.
        solvers: What to fit the defense with.
        isotropic_draws: Draws of isotropic smoothing; 0: none.
        multiple: Multiple of the calibrated budget, for accuracy against budget.
    """

    classifier: str
    readings: tuple[str, ...] = tuple(PGD_READINGS)
    solvers: tuple[str, ...] = SOLVERS[:2]
    isotropic_draws: int = 0
    multiple: float = 1.0

    @property
    def kind(self) -> tuple[str, str, str, float]:
        """All but the seed and what is played: data set, protocol, classifier, budget.

        Groups of one kind are brought together.
        """
        config = self.calibration
        return config.dataset, config.protocol, self.classifier, self.multiple

    @property
    def is_primary(self) -> bool:
        """Whether it is of the choice declared before the run, at its own budget."""
        return self.kind[1:] == (PRIMARY_PROTOCOL, PRIMARY_CLASSIFIER, 1.0)

    def score_at(self, classifier: ClassifierConfig, epsilon: float) -> ScoreConfig:
        """Name the run of one pair; see :class:`Group`."""
        return ScoreConfig(
            classifier=classifier,
            epsilon=self.multiple * epsilon,
            readings=self.readings,
            solvers=self.solvers,
            isotropic_draws=self.isotropic_draws,
        )


def plan(
    *,
    datasets: Sequence[Dataset] = DATASETS,
    pairs: Sequence[tuple[int, int]] = ALL_PAIRS,
    seeds: Sequence[int] = range(5),
    primary_only: bool = False,
) -> tuple[RunGroup, ...]:
    """List what the published table holds, the primary choice first.

    The primary choice is run with every seed. The other protocol, readings, solvers,
    budgets and the other classifier are run with the first seed.

    Args:
        datasets: The data sets.
        pairs: The pairs of classes.
        seeds: The seeds.
        primary_only: List the primary choice alone, with one reading and one solver.

    Returns:
        The groups.

    Raises:
        ValueError: If a list is empty or names something twice, or a data set is
            unknown.
    """
    if unknown := set(datasets) - set(DATASETS):
        raise ValueError(f"datasets must be of {DATASETS}, got {sorted(unknown)}.")
    for name, values in (("datasets", datasets), ("pairs", pairs), ("seeds", seeds)):
        if not values or len(set(values)) != len(values):
            raise ValueError(
                f"{name} must be different and at least one, got {values}."
            )
    alone: dict[str, Any] = {"solvers": (PRIMARY_SOLVER,)}
    primary: dict[str, Any] = {**alone, "readings": (PRIMARY_READING,)}
    first, *others = seeds
    kinds: list[tuple[int, dict[str, Any]]] = [
        (first, {"solvers": SOLVERS, "isotropic_draws": 5}),
        *((seed, primary) for seed in others),
        (first, {"protocol": "margin quantile"}),
        *((first, {**alone, "readings": (), "multiple": m}) for m in MULTIPLES),
        *(
            (first, {**alone, "classifier": "20-50-500", "protocol": protocol})
            for protocol in get_args(Protocol)
        ),
    ]
    if primary_only:
        kinds = [(seed, primary) for seed in seeds]
    return tuple(
        group
        for seed, settings in kinds
        for group in groups_of(datasets, pairs, seed, **settings)
    )


def groups_of(
    datasets: Sequence[Dataset],
    pairs: Sequence[tuple[int, int]],
    seed: int,
    *,
    classifier: str = PRIMARY_CLASSIFIER,
    protocol: Protocol = PRIMARY_PROTOCOL,
    **settings: Any,
) -> list[RunGroup]:
    """List the groups of one choice, the primary one where nothing else is said.

    Args:
        datasets: The data sets, one group each.
        pairs: The pairs of classes.
        seed: The seed.
        classifier: A name in ``CLASSIFIERS``.
        protocol: How budgets are set.
        **settings: What else a :class:`RunGroup` takes.

    Returns:
        The groups.
    """
    return [
        RunGroup(
            classifier=classifier,
            calibration=CalibrationConfig(
                protocol=protocol,
                dataset=dataset,
                pairs=tuple(pairs),
                seed=seed,
                train=CLASSIFIERS[classifier],
            ),
            **settings,
        )
        for dataset in datasets
    ]


def stored_cell(play: Play, accuracy: str = "approximate") -> Cell:
    """Name a play as the records name it, under the primary choice.

    Args:
        play: The attack and the defense.
        accuracy: ``"true"`` or ``"approximate"``.

    Returns:
        The names of attack, defense and accuracy.
    """
    stored = {"PGD": PRIMARY_PGD, "SMOOTH": PRIMARY_SOLVER}
    attack, defense = (stored.get(name, name) for name in play)
    return attack, defense, accuracy


def parse_pairs(pairs: str | int) -> tuple[tuple[int, int], ...]:
    """Read pairs of classes as a command line has them.

    Args:
        pairs: ``"all"``, or pairs like ``"0-1,3-5"``. A digit alone, which a command
            line hands over as a number, is no pair.

    Returns:
        The pairs.

    Raises:
        ValueError: If a pair is none, or one is named twice.

    Example:
        >>> parse_pairs("0-1, 3-5")
        ((0, 1), (3, 5))
    """
    if str(pairs).strip() == "all":
        return ALL_PAIRS
    try:
        found = [parse_pair(part) for part in str(pairs).split(",")]
    except ValueError as error:
        raise ValueError(
            f"pairs must be 'all' or like '0-1,3-5', got {pairs!r}: {error}"
        ) from None
    if len(set(found)) != len(found):
        raise ValueError(f"pairs must name each pair once, got {pairs!r}.")
    return tuple(found)


def parse_pair(text: str | int) -> tuple[int, int]:
    """Read one pair of classes as a command line has it.

    Args:
        text: A pair like ``"0-1"``; a number is none.

    Returns:
        The pair, the smaller class first.

    Raises:
        ValueError: If it is not one pair.

    Example:
        >>> parse_pair("7-3")
        (3, 7)
    """
    found = re.fullmatch(r"\s*(\d)\s*-\s*(\d)\s*", str(text))
    first, second = sorted(map(int, found.groups())) if found else (0, 0)
    if first == second:
        raise ValueError(
            f"a pair must be two different digits like '0-1', got {text!r}."
        )
    return first, second


def parse_seeds(seeds: str | int | Sequence[int]) -> tuple[int, ...]:
    """Read seeds as a command line has them.

    Args:
        seeds: Seeds like ``"0,1,2"``, one seed, or several.

    Returns:
        The seeds.

    Raises:
        ValueError: If one is no integer from 0 on, or is named twice.

    Example:
        >>> parse_seeds("0,1"), parse_seeds(3)
        ((0, 1), (3,))
    """
    listed = seeds if isinstance(seeds, list | tuple) else str(seeds).split(",")
    parts = [str(part).strip() for part in listed]
    if not all(part.isdecimal() for part in parts) or len(set(parts)) != len(parts):
        raise ValueError(
            f"seeds must be different integers like '0,1,2', got {seeds!r}."
        )
    return tuple(map(int, parts))
