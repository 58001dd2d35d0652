"""Which cells the study computes, and where they are kept.

Ten pairs of each data set explore, with a seed that nothing else uses. What is declared
after that is scored with three fresh seeds: on the 35 other pairs, and on all 45.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, get_args

from experiments.study.study_cells import StudyConfig, StudyResult, study_pairs
from experiments.tables.calibration import CalibrationConfig, Protocol
from experiments.tables.classifiers import ClassifierConfig, train_pairs
from experiments.tables.example_network import ExampleConfig
from experiments.tables.group_sweep import Stages, load_plan, run_plan
from experiments.tables.groups import Group, GroupResult
from experiments.tables.planning import ALL_PAIRS, CLASSIFIERS, DATASETS, TEN_PAIRS
from paper_lib.data.pairs import Dataset, Source
from paper_lib.models import TrainConfig

EXPLORED = TEN_PAIRS
OTHERS = tuple(pair for pair in ALL_PAIRS if pair not in EXPLORED)
EXPLORING_SEED = 50
FRESH_SEEDS = (60, 61, 62)
NETWORKS: dict[str, TrainConfig | ExampleConfig] = {
    **CLASSIFIERS,
    "32-64-128": ExampleConfig(),
}
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
QUANTILE: tuple[Protocol, ...] = ("margin quantile",)
# The third network takes hours: it was run under QUANTILE alone.
WIDE = "32-64-128"
STAGES = Stages(train=train_pairs, score=study_pairs)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StudyRun(GroupResult):
    """A group with the cells of its pairs."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Network, protocol, data set and seed."""
        protocol = self.group.calibration.protocol
        return self.group.network, protocol, self.dataset, self.seed

    @property
    def results(self) -> tuple[StudyResult, ...]:
        """The cells of each pair."""
        return self.scores


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyGroup(Group[StudyRun]):
    """Pairs of one data set, with one classifier, seed and protocol.

    Attributes:
        network: A name in ``NETWORKS``.
        settings: What a :class:`~experiments.study.study_cells.StudyConfig` takes
            beyond classifier and budget; everything else as it comes.
    """

    result_type: ClassVar[Any] = StudyRun

    network: str
    settings: tuple[tuple[str, Any], ...] = ()

    def score_at(self, classifier: ClassifierConfig, epsilon: float) -> StudyConfig:
        """Name the run of one pair; see :class:`Group`."""
        return StudyConfig(
            classifier=classifier, epsilon=epsilon, **dict(self.settings)
        )


def study_groups(
    *,
    networks: Iterable[str] = tuple(CLASSIFIERS),
    protocols: Iterable[Protocol] = PROTOCOLS,
    datasets: Iterable[Dataset] = DATASETS,
    pairs: Sequence[tuple[int, int]] = EXPLORED,
    seeds: Iterable[int] = (EXPLORING_SEED,),
    num_fit: int = 4000,
    **settings: Any,
) -> tuple[StudyGroup, ...]:
    """List what the study computes.

    Args:
        networks: Names in ``NETWORKS``.
        protocols: How budgets are set; one budget is that of these pairs.
        datasets: The data sets.
        pairs: The pairs of classes.
        seeds: The seeds.
        num_fit: Training points of each pair to calibrate and to fit on.
        **settings: As :class:`StudyGroup` takes them.

    Returns:
        The groups.

    Raises:
        KeyError: If a network has no such name.
    """
    return tuple(
        StudyGroup(
            network=network,
            calibration=CalibrationConfig(
                protocol=protocol,
                dataset=dataset,
                pairs=tuple(pairs),
                seed=seed,
                train=NETWORKS[network],
                num_fit=num_fit,
            ),
            settings=tuple(settings.items()),
        )
        for seed, network, protocol, dataset in product(
            seeds, networks, protocols, datasets
        )
    )


def run_study(
    groups: Sequence[StudyGroup], store: str | os.PathLike[str], **options: Any
) -> tuple[StudyRun, ...]:
    """Load the cells that a store has and compute those it lacks.

    Args:
        groups: What to run.
        store: The folder of the records; made if it is not there.
        **options: What else
            :func:`~experiments.tables.group_sweep.run_plan` takes.

    Returns:
        One result a group, in order.

    Raises:
        SweepError: If a run failed, the store cannot be written to although something
            is missing, or another sweep writes to it.
    """
    return run_plan(groups, store, stages=STAGES, **options)


def load_study(
    groups: Sequence[StudyGroup],
    store: str | os.PathLike[str],
    *,
    source: Source = "auto",
) -> tuple[StudyRun, ...]:
    """Load the groups of which a store has everything.

    Args:
        groups: What to load.
        store: The folder of the records.
        source: Source of the data the records have to be of.

    Returns:
        The groups that are complete, in order.
    """
    return load_plan(groups, store, source=source, stages=STAGES)[0]
