"""The rows of Table 1 for a classifier that varies the tables' own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from experiments.assumption.subjects import SubjectSettings
from experiments.store.keyed import Record, Run
from experiments.store.pair_settings import Site
from experiments.store.provenance import provenance
from experiments.tables.classifiers import ClassifierConfig
from experiments.tables.points import LinearizedPair
from experiments.tables.results import Scores
from experiments.tables.scoring import ScoreConfig, plain_scores, play_pair


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsResult:
    """The accuracies of a classifier at the budget of Table 1.

    Attributes:
        config: The settings of the run.
        provenance: What it was computed with.
        accuracy: The share of the test images the classifier labels rightly.
        epsilon: The budget.
        scores: The accuracies.
    """

    config: "RowsRun"
    provenance: Mapping[str, Any]
    accuracy: float
    epsilon: float
    scores: Scores


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsRun(SubjectSettings, Run[RowsResult]):
    """Everything that decides such a record, apart from the data.

    Budget, defense and plays are those of the sweep of Table 1.
    """

    schema: ClassVar[str] = "paper-lib/rows-record/1"
    result_type = RowsResult
    prefix: ClassVar[str] = "rows-"

    # No pair has more test images.
    num_points: int = 10_000
    num_fit: int = 4000

    def measure(self, site: Site) -> Record:
        """Train, fit the defense, and score every play.

        Args:
            site: Where to find the images.

        Returns:
            The record beyond its settings, as :class:`RowsResult` reads it.
        """
        subject = self.subject(site)
        # Its network is the one at hand, whatever the configuration would train.
        config = ScoreConfig(
            classifier=ClassifierConfig(
                dataset=self.dataset,
                classes=self.classes,
                seed=self.seed,
                train=self.train,
                num_fit=self.num_fit,
            ),
            epsilon=subject.epsilon,
        )
        at = LinearizedPair(
            pair=subject.pair,
            model=subject.model,
            fit=subject.fit,
            test=subject.test,
            lin=subject.lin,
        )
        return {
            "provenance": provenance(subject.pair),
            "accuracy": subject.accuracy,
            "epsilon": subject.epsilon,
            "scores": plain_scores(config, play_pair(config, at)),
        }
