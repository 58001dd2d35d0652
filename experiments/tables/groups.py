"""Pairs of classes that share a rule for their budgets, and what was scored there."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from experiments.tables.calibration import (
    BudgetConfig,
    CalibrationConfig,
    CalibrationResult,
)
from experiments.tables.classifiers import ClassifierConfig


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GroupResult:
    """A group with its budgets, and what was scored there.

    Attributes:
        group: What was run.
        calibration: Its budgets.
        scores: What its records say, in the order of its pairs.
    """

    group: Any
    calibration: CalibrationResult
    scores: tuple[Any, ...]

    @property
    def dataset(self) -> str:
        """The data set."""
        return self.group.calibration.dataset

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs of classes."""
        return self.group.calibration.pairs

    @property
    def seed(self) -> int:
        """The seed."""
        return self.group.calibration.seed

    @property
    def of(self) -> dict[tuple[int, int], Any]:
        """What the record of each pair says, under the pair."""
        return dict(zip(self.pairs, self.scores, strict=True))

    @property
    def batching(self) -> str:
        """``"single"``, or the batch in which all of it was computed."""
        return self.calibration.path

    @property
    def names(self) -> tuple[str, ...]:
        """The files of its records in a store, that of the budgets first."""
        configs = (self.group.calibration, *(score.config for score in self.scores))
        return tuple(config.record_name(self.batching) for config in configs)


Swept = TypeVar("Swept", bound=GroupResult)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group(ABC, Generic[Swept]):
    """Pairs of classes with one rule for their budgets, and what to score there.

    Attributes:
        result_type: What a group is once it was run.
        calibration: The pairs, the seed and how their budgets are set.
    """

    result_type: ClassVar[Any] = GroupResult

    calibration: CalibrationConfig

    @abstractmethod
    def score_at(self, classifier: ClassifierConfig, epsilon: float) -> BudgetConfig:
        """Name the run of one pair.

        Args:
            classifier: Its classifier.
            epsilon: The calibrated budget.

        Returns:
            The configuration.
        """

    def scores(self, budgets: Sequence[float]) -> tuple[Any, ...]:
        """Name the runs once their budgets are known.

        Args:
            budgets: The calibrated budget of each pair.

        Returns:
            One configuration a pair.
        """
        both = zip(self.calibration.classifiers, budgets, strict=True)
        return tuple(self.score_at(*one) for one in both)
