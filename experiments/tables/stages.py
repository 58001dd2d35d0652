"""How the pairs of a group are computed: each alone, or all as one batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from experiments.store.keyed import SINGLE, Record
from experiments.store.pair_settings import Site
from experiments.tables.classifiers import (
    ClassifierConfig,
    TrainedClassifier,
    batch_name,
    train_pair,
)
from experiments.tables.scoring import ScoreConfig, score_pair

_Config = TypeVar("_Config", ClassifierConfig, ScoreConfig)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """How the pairs of a group are trained and scored: each alone, or as one batch.

    Attributes:
        train: Trains the classifiers of a run. Stage A.
        score: Scores them at their budgets. Stage B.
        together: Whether the pairs of a group are one run, which takes this process.
    """

    train: Callable[..., list[TrainedClassifier]]
    score: Callable[..., list[Record]]
    together: bool = False

    def runs(self, configs: Sequence[_Config]) -> list[tuple[_Config, ...]]:
        """Part what a group computes into runs."""
        return [tuple(configs)] if self.together else [(one,) for one in configs]

    def batching(self, run: Sequence[ClassifierConfig]) -> str:
        """Name how a run is computed: ``"single"``, or the batch."""
        return batch_name(run) if self.together else SINGLE


def _train_alone(
    run: Sequence[ClassifierConfig], site: Site
) -> list[TrainedClassifier]:
    return [train_pair(config, site) for config in run]


def _score_alone(
    run: Sequence[ScoreConfig], trained: Sequence[TrainedClassifier], site: Site
) -> list[Record]:
    pairs = zip(run, trained, strict=True)
    return [score_pair(config, one, site) for config, one in pairs]


ONE_BY_ONE = Stages(train=_train_alone, score=_score_alone)
