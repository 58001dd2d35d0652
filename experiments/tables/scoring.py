r"""Stage B of an experiment: the accuracies of a classifier at one budget.

Fits the defenses on training points and scores every attack against every defense on
test points. A pure function of its configuration, the weights and the data.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.store.keyed import Record
from experiments.store.pair_settings import HERE, Site
from experiments.store.provenance import note_seconds, one_thread, provenance
from experiments.tables import reports
from experiments.tables.calibration import BudgetConfig, check_different
from experiments.tables.classifiers import TrainedClassifier
from experiments.tables.computing import ALONE, Computing, check_equal
from experiments.tables.defenses import SOLVERS, FittedDefense
from experiments.tables.points import LinearizedPair, linearize_pairs
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


def score_pairs(
    configs: Sequence[ScoreConfig],
    trained: Sequence[TrainedClassifier],
    site: Site = HERE,
    *,
    how: Computing = ALONE,
) -> list[Record]:
    """Fit the defenses and score every play of several pairs. Stage B.

    Args:
        configs: What to score, alike but for classes, seeds and budgets.
        trained: The classifiers they name.
        site: Where to find the images, and where to compute.
        how: Computes each alone, or all as one batch.

    Returns:
        Records, as :class:`ScoreResult` reads them. Two runs of one configuration on
        one machine differ in ``provenance["seconds"]`` alone, of which each has its
        share.

    Raises:
        ValueError: If there is no configuration, they differ in what they have to
            share, or ``trained`` are the classifiers of others or of another batch.
    """
    check_equal(configs, "readings", "solvers", "ramp_steps")
    if len(trained) != len(configs):
        raise ValueError(
            f"trained must be one classifier for each of {len(configs)} configs, got "
            f"{len(trained)}."
        )
    path = how.path([config.classifier for config in configs])
    for config, one in zip(configs, trained, strict=True):
        config.check_trained(one, path)
    started = time.perf_counter()
    with one_thread():
        played = play_pairs(configs, linearize_pairs(trained, site, how=how), how=how)
        records = [
            {
                "schema": config.schema,
                "config": config.settings,
                "path": path,
                "source": one.at.pair.source,
                **plain_scores(config, one),
                "provenance": provenance(one.at.pair, site.device),
            }
            for config, one in zip(configs, played, strict=True)
        ]
    note_seconds(records, started)
    return records


def score_pair(
    config: ScoreConfig, trained: TrainedClassifier, site: Site = HERE
) -> Record:
    """Fit the defenses and score every play of one pair; see :func:`score_pairs`."""
    return score_pairs([config], [trained], site)[0]


@full_precision()
def play_pairs(
    configs: Sequence[ScoreConfig],
    points: Sequence[LinearizedPair],
    *,
    how: Computing = ALONE,
) -> list[PlayedPair]:
    """Fit the defenses on the points to fit on, and attack the points to score.

    Args:
        configs: What to play, alike but for classes, seeds and budgets.
        points: The classifiers they name, at their points.
        how: Computes each alone, or all as one batch.

    Returns:
        What both players do in each pair.
    """
    models = [at.model for at in points]
    images = [at.test.images for at in points]
    budgets = [config.epsilon for config in configs]
    seeds = [config.classifier.seed for config in configs]
    problems = [
        RobustSets.from_linearization(at.fit, epsilon)
        for at, epsilon in zip(points, budgets, strict=True)
    ]
    steps = configs[0].ramp_steps
    defenses = {
        solver: how.fit(problems, seeds, solver=solver, ramp_steps=steps)
        for solver in configs[0].solvers
    }
    attacks = {
        reading: how.attack(models, images, budgets, reading=reading)
        for reading in configs[0].readings
    }
    return [
        PlayedPair(
            at=at,
            defenses={solver: fitted[i] for solver, fitted in defenses.items()},
            attacks={reading: moves[i] for reading, moves in attacks.items()},
        )
        for i, at in enumerate(points)
    ]


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
                "alignment": reports.alignment(at.fit, v),
                "changes": reports.changes(verdicts, name, at.test.labels),
            }
            for name, (v, report) in played.defenses.items()
        },
        "num_returned": {
            reading: int(moves.returned.sum())
            for reading, moves in played.attacks.items()
        },
        "stronger_than_fgm": reports.stronger_than_fgm(verdicts),
        "rows": [[*cell, int(kept.sum())] for cell, kept in rows.items()],
    }


def _judge(
    config: ScoreConfig, played: PlayedPair
) -> tuple[reports.Verdicts, reports.Verdicts]:
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
    isotropic = reports.judge_isotropic(
        at,
        attacks,
        epsilon=config.epsilon,
        num_draws=config.isotropic_draws,
        seed=config.classifier.seed,
    )
    return verdicts, isotropic
