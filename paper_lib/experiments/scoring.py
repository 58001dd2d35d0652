r"""Stage B of an experiment: the accuracies of a classifier at one budget.

Fits the defenses on training points and scores every attack against every defense on
test points. A pure function of its configuration, the weights and the data.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from paper_lib.attacks import PGD_READINGS, PGDResult, fgm
from paper_lib.data import ClassPair, LabeledImages, Source
from paper_lib.defense import RampConfig, RampSolution, fit_defense, ramp_ascent
from paper_lib.evaluation import Cell, TableRow, judge, keeps_label
from paper_lib.experiments.provenance import one_thread, provenance
from paper_lib.experiments.store import plain, settings_digest
from paper_lib.experiments.training import (
    ClassifierConfig,
    TrainedClassifier,
    linearize_fit,
    pair_of,
)
from paper_lib.geometry import l2_norm, row_dots
from paper_lib.isotropic import isotropic_draws, majority
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import PairCNN, full_precision
from paper_lib.robust_sets import RobustSets

SCORE_SCHEMA = "paper-lib/score-record/1"
# What the defender may play: the paper's ascent, and what is shown beside it.
SOLVERS = ("ramp, raw rows", "ramp, unit rows", "fit_defense")


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

    @classmethod
    def from_plain(cls, settings: Mapping[str, Any]) -> "ScoreConfig":
        """Read a configuration back from the plain values of a record.

        Args:
            settings: What ``plain(asdict(config))`` gave.

        Returns:
            The configuration.
        """
        return cls(
            **{
                **settings,
                "classifier": ClassifierConfig.from_plain(settings["classifier"]),
                "readings": tuple(settings["readings"]),
                "solvers": tuple(settings["solvers"]),
            }
        )

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"{self.classifier.label} budget {self.epsilon:.3f}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlayedPair:
    """A classifier at its points, and what both players do there.

    Attributes:
        pair: The images.
        model: The classifier.
        fit: The classifier linearized at the points to fit on.
        test: The points to score.
        lin: The classifier linearized at these.
        defenses: The fitted perturbations and what there is to say of them, by solver.
        attacks: What PGD found, by reading.
    """

    pair: ClassPair
    model: PairCNN
    fit: Linearization
    test: LabeledImages
    lin: Linearization
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
        ValueError: If ``trained`` is the classifier of another configuration.
    """
    check_trained(config, trained)
    started = time.perf_counter()
    with one_thread(), full_precision():
        pair = pair_of(config.classifier, root=root, source=source)
        model = trained.model(device)
        fit = linearize_fit(config.classifier, model, pair, device)
        test = points_to_score(pair, device)
        played = PlayedPair(
            pair=pair,
            model=model,
            fit=fit,
            test=test,
            lin=linearize(model, test.images),
            defenses=_fit_defenses(config, fit),
            attacks={
                reading: PGD_READINGS[reading].attack(
                    model, test.images, config.epsilon
                )
                for reading in config.readings
            },
        )
        record = score_record(config, trained, played, device=device)
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
            f"{ClassifierConfig.from_plain(trained.record['config']).label} or other "
            "settings."
        )


def points_to_score(pair: ClassPair, device: str) -> LabeledImages:
    """Bring the points to score where they are needed.

    Args:
        pair: The images.
        device: Where to compute.

    Returns:
        The test images and labels.
    """
    return LabeledImages(
        images=pair.test.images.to(device), labels=pair.test.labels.to(device)
    )


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
    pair, fit, test, lin = played.pair, played.fit, played.test, played.lin
    attacks = {"FGM": fgm(lin, config.epsilon)} | {
        f"PGD {reading}": result.perturbations
        for reading, result in played.attacks.items()
    }
    verdicts = judge(
        played.model,
        test,
        lin,
        epsilon=config.epsilon,
        attacks=attacks,
        defenses={name: v.unsqueeze(0) for name, (v, _) in played.defenses.items()},
    )
    isotropic = _isotropic(config, played.model, test, lin, attacks)
    return {
        "schema": SCORE_SCHEMA,
        "config": plain(asdict(config)),
        "path": trained.record["path"],
        "source": pair.source,
        "sizes": {
            "train": len(pair.train.labels),
            "fit": len(fit.logits),
            "test": len(lin.logits),
            "test_first": int((test.labels < 0).sum()),
        },
        "unlabeled": lin.num_unlabeled,
        "flat": lin.num_flat,
        "defenses": {
            name: {
                **report,
                "length": float(v.double().norm()),
                "test_coverage": _coverage(lin, config.epsilon, v),
                "alignment": _alignment(fit, v),
                "changes": _changes(verdicts, name, test.labels),
            }
            for name, (v, report) in played.defenses.items()
        },
        "num_returned": {
            reading: int(result.returned.sum())
            for reading, result in played.attacks.items()
        },
        "stronger_than_fgm": _stronger_than_fgm(verdicts),
        "rows": [
            [*cell, int(kept.sum())] for cell, kept in {**verdicts, **isotropic}.items()
        ],
        "provenance": provenance(pair, device),
    }


def rows_of(record: Mapping[str, Any]) -> tuple[TableRow, ...]:
    """Read the rows of a record.

    Args:
        record: What :func:`score_pair` returned, or its stored copy.

    Returns:
        One row for each attack, defense and kind of accuracy.
    """
    total = record["sizes"]["test"]
    return tuple(
        TableRow(
            attack=attack,
            defense=defense,
            accuracy=accuracy,
            correct=correct,
            total=total,
        )
        for attack, defense, accuracy, correct in record["rows"]
    )


def fit_solver(
    solver: str, sets: RobustSets, *, ramp_steps: int = 300, seed: int = 0
) -> tuple[Float[Tensor, " d"], dict[str, Any]]:
    """Fit a defense.

    Args:
        solver: One of ``SOLVERS``.
        sets: The robust sets to fit it on.
        ramp_steps: Steps of the ascent.
        seed: Seed of ``fit_defense``.

    Returns:
        The perturbation, and what there is to say of the fit.
    """
    if solver == "fit_defense":
        fitted = fit_defense(sets, seed=seed)
        return fitted.perturbation, {
            "train_coverage": float(sets.coverage(fitted.perturbation)),
            "choice": fitted.choice,
            "holdout_coverage": fitted.holdout_coverage,
        }
    return ramp_report(ramp_ascent(sets, config=ramp_config(solver, ramp_steps)))


def ramp_config(solver: str, ramp_steps: int) -> RampConfig:
    """Read the settings of the ascent from a solver's name.

    Args:
        solver: One of ``SOLVERS`` that is an ascent.
        ramp_steps: Steps of the ascent.

    Returns:
        The settings.
    """
    rows = "unit" if solver == "ramp, unit rows" else "raw"
    return RampConfig(num_steps=ramp_steps, rows=rows)


def ramp_report(
    solution: RampSolution,
) -> tuple[Float[Tensor, " d"], dict[str, Any]]:
    """Say of an ascent what is stored.

    Args:
        solution: What it found.

    Returns:
        The perturbation, and what there is to say of the fit.
    """
    return solution.perturbation, {
        "train_coverage": solution.coverage,
        "steps": len(solution.ramp_values) - 1,
        "in_dead_zone": solution.in_dead_zone,
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


def _coverage(lin: Linearization, epsilon: float, v: Float[Tensor, " d"]) -> int:
    """Count the points whose robust set holds a perturbation."""
    return int(RobustSets.from_linearization(lin, epsilon).contains(v).sum())


def _alignment(lin: Linearization, v: Float[Tensor, " d"]) -> list[float]:
    """Compute quantiles of the cosine between v and the normals sgn(f) grad f."""
    normals, v = lin.signs.unsqueeze(-1) * lin.gradients, v.unsqueeze(0)
    lengths = l2_norm(normals) * l2_norm(v)
    cosines = row_dots(normals, v) / torch.where(lengths > 0, lengths, 1.0)
    levels = torch.tensor([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0], dtype=torch.float64)
    return torch.quantile(cosines.double().cpu(), levels).tolist()


def _stronger_than_fgm(
    verdicts: Mapping[Cell, Bool[Tensor, " n"]],
) -> dict[str, int]:
    """Count points that FGM leaves alone and another attack flips, for each play.

    Lemma 2 holds for each point and each perturbation of the defender, so that only
    rounding can bring a count above zero.

    Args:
        verdicts: What ``judge`` gave.

    Returns:
        The counts, under the names of the other attack and the defense.
    """
    counts = {}
    for (attack, defense, accuracy), kept in verdicts.items():
        if accuracy == "approximate" and (attack, defense) != ("none", "none"):
            resists = verdicts["FGM", defense, "approximate"]
            counts[f"{attack}, {defense}"] = int((resists & ~kept).sum())
    return counts


def _changes(
    verdicts: Mapping[Cell, Bool[Tensor, " n"]],
    defense: str,
    labels: Float[Tensor, " n"],
) -> dict[str, list[int]]:
    """Count the points that a defense saves and loses, in each class.

    Args:
        verdicts: What ``judge`` gave.
        defense: The defense.
        labels: The labels of the data.

    Returns:
        For each attack and accuracy: saved and lost in the first class, saved and lost
        in the second.
    """
    changes = {}
    for (attack, name, accuracy), kept in verdicts.items():
        if name == defense:
            before = verdicts[attack, "none", accuracy]
            changes[f"{attack}, {accuracy}"] = [
                int((one & ~other & (labels == label)).sum())
                for label in (-1.0, 1.0)
                for one, other in ((kept, before), (before, kept))
            ]
    return changes


def _isotropic(
    config: ScoreConfig,
    model: PairCNN,
    test: LabeledImages,
    lin: Linearization,
    attacks: Mapping[str, Float[Tensor, "n d"]],
) -> dict[Cell, Bool[Tensor, " n"]]:
    """Judge isotropic smoothing: the first draw, and the vote of all."""
    result: dict[Cell, Bool[Tensor, " n"]] = {}
    if not config.isotropic_draws:
        return result
    num, dim = lin.gradients.shape
    for noise in ("uniform", "gaussian"):
        draws = [
            isotropic_draws(
                num,
                dim,
                config.epsilon,
                noise=noise,
                seed=config.classifier.seed + 1000 * (draw + 1),
            ).to(lin.gradients)
            for draw in range(config.isotropic_draws)
        ]
        for attack, move in {"none": torch.zeros_like(draws[0]), **attacks}.items():
            judged = [keeps_label(model, test, lin, move, draw) for draw in draws]
            for number, accuracy in enumerate(("true", "approximate")):
                kept = [verdict[number] for verdict in judged]
                result[attack, f"{noise}, one draw", accuracy] = kept[0]
                result[attack, f"{noise}, vote", accuracy] = majority(kept)
    return result
