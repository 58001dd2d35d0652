r"""Stage B of an experiment: the accuracies of a classifier at one budget.

Fits the defenses on training points and scores every attack against every defense on
test points. A pure function of its configuration, the weights and the data.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from experiments.store.plain_values import plain
from experiments.store.provenance import one_thread, provenance
from experiments.store.record_files import settings_digest
from experiments.tables.classifiers import ClassifierConfig, TrainedClassifier
from experiments.tables.defenses import SOLVERS, fit_solver
from experiments.tables.points import LinearizedPair, linearize_pair
from experiments.tables.reports import (
    Verdicts,
    alignment,
    changes,
    count_covered,
    judge_isotropic,
    stronger_than_fgm,
)
from paper_lib.attacks import PGD_READINGS, PGDResult, fgm
from paper_lib.data import Source
from paper_lib.evaluation import judge
from paper_lib.geometry import full_precision
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets

SCORE_SCHEMA = "paper-lib/score-record/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreConfig:
    """Everything that decides the accuracies of a classifier, apart from the data.

    Attributes:
        classifier: Which classifier.
        epsilon: The budget of both players, in pixels.
        readings: The readings of PGD to run, by their names in ``PGD_READINGS``.
        solvers: What to fit the defense with, from ``SOLVERS``.
        ramp_steps: Steps of the ascent.
        isotropic_draws: Draws of isotropic smoothing to take a vote of; 0: none.

    Raises:
        ValueError: If a name is unknown or a number out of range.
    """

    classifier: ClassifierConfig
    epsilon: float
    readings: tuple[str, ...] = tuple(PGD_READINGS)
    solvers: tuple[str, ...] = SOLVERS[:1]
    ramp_steps: int = 300
    isotropic_draws: int = 0

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        if not 0.0 < self.epsilon < math.inf:
            raise ValueError(f"epsilon must be finite and > 0, got {self.epsilon}.")
        for name, known in (("readings", tuple(PGD_READINGS)), ("solvers", SOLVERS)):
            values = getattr(self, name)
            if len(set(values)) != len(values) or set(values) - set(known):
                raise ValueError(
                    f"{name} must be different ones of {known}, got {values}."
                )
        if self.isotropic_draws < 0:
            raise ValueError(
                f"isotropic_draws must be at least 0, got {self.isotropic_draws}."
            )

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"{self.classifier.label} budget {self.epsilon:.3f}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlayedPair:
    """A classifier at its points, and what both players do there.

    Attributes:
        at: The classifier at its points.
        defenses: The fitted perturbations and what there is to say of them, by solver.
        attacks: What PGD found, by reading.
    """

    at: LinearizedPair
    defenses: Mapping[str, tuple[Float[Tensor, " d"], dict[str, Any]]]
    attacks: Mapping[str, PGDResult]


def score_name(config: ScoreConfig, *, path: str = "single") -> str:
    """Name the record of a run: what a reader looks for, and a digest of all settings.

    Args:
        config: The run.
        path: ``"single"``, or which companions its classifier was trained with.

    Returns:
        A file name; two runs that differ anywhere have different names.
    """
    digest = settings_digest({"config": asdict(config), "path": path})
    first, second = config.classifier.classes
    seed = config.classifier.seed
    return f"{config.classifier.dataset}-{first}-{second}-seed{seed}-{digest}.json"


def score_pair(
    config: ScoreConfig,
    trained: TrainedClassifier,
    *,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
) -> dict[str, Any]:
    """Fit the defenses and score every play. Stage B.

    Args:
        config: What to score.
        trained: The classifier it names.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.
        device: Where to compute.

    Returns:
        A record, ready for :func:`save_record`. Two runs of one configuration on one
        machine differ in ``provenance["seconds"]`` alone.

    Raises:
        ValueError: If ``trained`` is the classifier of another configuration, or the
            device is not there.
    """
    check_trained(config, trained)
    started = time.perf_counter()
    with one_thread():
        at = linearize_pair(trained, root=root, source=source, device=device)
        record = score_record(config, trained, play_pair(config, at), device=device)
    record["provenance"]["seconds"] = round(time.perf_counter() - started, 1)
    return record


def check_trained(config: ScoreConfig, trained: TrainedClassifier) -> None:
    """Reject the classifier of another configuration.

    Args:
        config: What to score.
        trained: The classifier given for it.

    Raises:
        ValueError: See the summary.
    """
    if trained.record["config"] != plain(asdict(config.classifier)):
        raise ValueError(
            f"trained must be the classifier of {config.classifier.label}, got "
            f"{trained.config.label} or other settings."
        )


@full_precision()
def play_pair(config: ScoreConfig, at: LinearizedPair) -> PlayedPair:
    """Fit the defenses on the points to fit on, and attack the points to score.

    Args:
        config: What to play.
        at: The classifier it names, at its points.

    Returns:
        What both players do.
    """
    return PlayedPair(
        at=at,
        defenses=_fit_defenses(config, at.fit),
        attacks={
            reading: PGD_READINGS[reading].attack(
                at.model, at.test.images, config.epsilon
            )
            for reading in config.readings
        },
    )


@full_precision()
def score_record(
    config: ScoreConfig,
    trained: TrainedClassifier,
    played: PlayedPair,
    *,
    device: str,
) -> dict[str, Any]:
    """Score every attack against every defense.

    Args:
        config: What to score.
        trained: The classifier it names.
        played: What both players do.
        device: Where it was computed.

    Returns:
        The record, whose provenance still lacks the seconds.
    """
    verdicts, isotropic = _judge(config, played)
    return {
        "schema": SCORE_SCHEMA,
        "config": plain(asdict(config)),
        "path": trained.record["path"],
        "source": played.at.pair.source,
        "sizes": _sizes(played.at),
        "unlabeled": played.at.lin.num_unlabeled,
        "flat": played.at.lin.num_flat,
        "defenses": _defense_reports(config, played, verdicts),
        "num_returned": {
            reading: int(result.returned.sum())
            for reading, result in played.attacks.items()
        },
        "stronger_than_fgm": stronger_than_fgm(verdicts),
        "rows": [
            [*cell, int(kept.sum())] for cell, kept in {**verdicts, **isotropic}.items()
        ],
        "provenance": provenance(played.at.pair, device),
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
        at.model,
        at.test,
        at.lin,
        attacks,
        epsilon=config.epsilon,
        num_draws=config.isotropic_draws,
        seed=config.classifier.seed,
    )
    return verdicts, isotropic


def _sizes(at: LinearizedPair) -> dict[str, int]:
    """Count the points, and among those to score the points of the first class."""
    return {
        "train": len(at.pair.train.labels),
        "fit": len(at.fit.logits),
        "test": len(at.lin.logits),
        "test_first": int((at.test.labels < 0).sum()),
    }


def _defense_reports(
    config: ScoreConfig, played: PlayedPair, verdicts: Verdicts
) -> dict[str, dict[str, Any]]:
    """Say of each defense how it was fitted and what it does at the test points."""
    return {
        name: {
            **report,
            "length": float(v.double().norm()),
            "test_coverage": count_covered(played.at.lin, config.epsilon, v),
            "alignment": alignment(played.at.fit, v),
            "changes": changes(verdicts, name, played.at.test.labels),
        }
        for name, (v, report) in played.defenses.items()
    }


def _fit_defenses(
    config: ScoreConfig, fit: Linearization
) -> dict[str, tuple[Float[Tensor, " d"], dict[str, Any]]]:
    sets = RobustSets.from_linearization(fit, config.epsilon)
    return {
        solver: fit_solver(
            solver, sets, ramp_steps=config.ramp_steps, seed=config.classifier.seed
        )
        for solver in config.solvers
    }
