r"""Stage B of an experiment: the accuracies of a classifier at one budget.

Fits the defenses on training points and scores every attack against every defense on
test points. A pure function of its configuration, the weights and the data.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from experiments.store.keyed import Record
from experiments.store.pair_settings import HERE, Site
from experiments.store.provenance import note_seconds, one_thread, provenance
from experiments.tables.calibration import BudgetConfig, check_different
from experiments.tables.classifiers import TrainedClassifier
from experiments.tables.defenses import SOLVERS, FittedDefense, fit_solver
from experiments.tables.points import LinearizedPair, linearize_pair
from experiments.tables.reports import (
    Verdicts,
    alignment,
    changes,
    judge_isotropic,
    stronger_than_fgm,
)
from experiments.tables.results import Provenance, Scores
from paper_lib.attacks import PGD_READINGS, PGDResult, fgm
from paper_lib.checks import check_count
from paper_lib.evaluation import judge
from paper_lib.geometry.sums import full_precision
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreConfig(BudgetConfig["ScoreResult"]):
    """Everything that decides the accuracies of a classifier, apart from the data.

    Attributes:
        readings: The readings of PGD to run, by their names in ``PGD_READINGS``.
        solvers: What to fit the defense with, from ``SOLVERS``.
        ramp_steps: Steps of the ascent.
        isotropic_draws: Draws of isotropic smoothing to take a vote of; 0: none.

    Raises:
        ValueError: If a name is unknown or a number out of range.
    """

    schema: ClassVar[str] = "paper-lib/score-record/1"

    readings: tuple[str, ...] = tuple(PGD_READINGS)
    solvers: tuple[str, ...] = SOLVERS[:1]
    ramp_steps: int = 300
    isotropic_draws: int = 0

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        BudgetConfig.__post_init__(self)
        check_different(self, readings=PGD_READINGS, solvers=SOLVERS)
        check_count(self.isotropic_draws, "isotropic_draws", 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreResult(Scores):
    """The accuracies of a classifier at the budget of its configuration.

    Attributes:
        config: What was scored.
        path: ``"single"``, or the batch in which it was computed.
        source: Source of the data.
        provenance: What it was computed with.
    """

    config: ScoreConfig
    path: str
    source: str
    provenance: Provenance


ScoreConfig.result_type = ScoreResult


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlayedPair:
    """A classifier at its points, and what both players do there.

    Attributes:
        at: The classifier at its points.
        defenses: The fitted perturbations and what there is to say of them, by solver.
        attacks: What PGD found, by reading.
    """

    at: LinearizedPair
    defenses: Mapping[str, FittedDefense]
    attacks: Mapping[str, PGDResult]


def score_pair(
    config: ScoreConfig, trained: TrainedClassifier, site: Site = HERE
) -> Record:
    """Fit the defenses and score every play. Stage B.

    Args:
        config: What to score.
        trained: The classifier it names.
        site: Where to find the images, and where to compute.

    Returns:
        A record, as :class:`ScoreResult` reads it. Two runs of one configuration on
        one machine differ in ``provenance["seconds"]`` alone.

    Raises:
        ValueError: If ``trained`` is the classifier of another configuration.
    """
    config.check_trained(trained)
    started = time.perf_counter()
    with one_thread():
        played = play_pair(config, linearize_pair(trained, site))
        record = score_record(config, trained, played, site)
    note_seconds([record], started)
    return record


@full_precision()
def play_pair(config: ScoreConfig, at: LinearizedPair) -> PlayedPair:
    """Fit the defenses on the points to fit on, and attack the points to score.

    Args:
        config: What to play.
        at: The classifier it names, at its points.

    Returns:
        What both players do.
    """
    sets = RobustSets.from_linearization(at.fit, config.epsilon)
    images, seed = at.test.images, config.classifier.seed
    return PlayedPair(
        at=at,
        defenses={
            solver: fit_solver(solver, sets, ramp_steps=config.ramp_steps, seed=seed)
            for solver in config.solvers
        },
        attacks={
            reading: PGD_READINGS[reading].attack(at.model, images, config.epsilon)
            for reading in config.readings
        },
    )


def score_record(
    config: ScoreConfig, trained: TrainedClassifier, played: PlayedPair, site: Site
) -> Record:
    """Score every attack against every defense, and say what was scored.

    Args:
        config: What to score.
        trained: The classifier it names.
        played: What both players do.
        site: Where it was computed.

    Returns:
        The record, whose provenance still lacks the seconds.
    """
    return {
        "schema": config.schema,
        "config": config.settings,
        "path": trained.record["path"],
        "source": played.at.pair.source,
        **plain_scores(config, played),
        "provenance": provenance(played.at.pair, site.device),
    }


@full_precision()
def plain_scores(config: ScoreConfig, played: PlayedPair) -> Record:
    """Score every attack against every defense.

    Args:
        config: What to score.
        played: What both players do.

    Returns:
        Plain values, as :class:`Scores` reads them.
    """
    at = played.at
    sets = RobustSets.from_linearization(at.lin, config.epsilon)
    verdicts, isotropic = _judge(config, played)
    rows = {**verdicts, **isotropic}
    return {
        "sizes": {
            "train": len(at.pair.train.labels),
            "fit": len(at.fit.logits),
            "test": len(at.lin.logits),
            "test_first": int((at.test.labels < 0).sum()),
        },
        "unlabeled": at.lin.num_unlabeled,
        "flat": at.lin.num_flat,
        "defenses": {
            name: {
                **report,
                "length": float(v.double().norm()),
                "test_coverage": int(sets.contains(v).sum()),
                "alignment": alignment(at.fit, v),
                "changes": changes(verdicts, name, at.test.labels),
            }
            for name, (v, report) in played.defenses.items()
        },
        "num_returned": {
            reading: int(moves.returned.sum())
            for reading, moves in played.attacks.items()
        },
        "stronger_than_fgm": stronger_than_fgm(verdicts),
        "rows": [[*cell, int(kept.sum())] for cell, kept in rows.items()],
    }


def _judge(config: ScoreConfig, played: PlayedPair) -> tuple[Verdicts, Verdicts]:
    """Decide which points keep their label: under each play, and under mere noise."""
    at = played.at
    attacks = {"FGM": fgm(at.lin, config.epsilon)} | {
        f"PGD {reading}": result.perturbations
        for reading, result in played.attacks.items()
    }
    verdicts = judge(
        at.model,
        at.test,
        at.lin,
        epsilon=config.epsilon,
        attacks=attacks,
        defenses={name: v.unsqueeze(0) for name, (v, _) in played.defenses.items()},
    )
    isotropic = judge_isotropic(
        at,
        attacks,
        epsilon=config.epsilon,
        num_draws=config.isotropic_draws,
        seed=config.classifier.seed,
    )
    return verdicts, isotropic
