"""Both stages for many pairs as one batch, for devices where launches dominate.

The same computations as the single path, pair by pair in the same order, but rounded
otherwise; training amplifies that. So records carry which companions were in the batch,
and those of the two paths never stand in for each other.
"""

import time
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from experiments.gpu.batched_maximizers import ramp_ascents
from experiments.gpu.stacked import StackedClassifier, train_stacked
from experiments.store.keyed import Record
from experiments.store.pair_settings import HERE, Site
from experiments.store.provenance import note_seconds, one_thread
from experiments.tables.classifiers import (
    ClassifierConfig,
    TrainedClassifier,
    batch_name,
    fit_images,
    pack_trained,
)
from experiments.tables.defenses import (
    FittedDefense,
    fit_solver,
    ramp_config,
    ramp_report,
)
from experiments.tables.group_sweep import Stages
from experiments.tables.points import LinearizedPair, moved
from experiments.tables.scoring import (
    PlayedPair,
    ScoreConfig,
    score_record,
)
from paper_lib.attacks import PGD_READINGS, PGDResult
from paper_lib.geometry import project_l2_ball
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets

# Inputs of each model in a pass; affects speed and memory, and results by rounding.
_INPUTS_A_PASS = 100


def train_pairs(
    configs: Sequence[ClassifierConfig], site: Site = HERE
) -> list[TrainedClassifier]:
    """Train the classifiers of several pairs as one batch. Stage A.

    Args:
        configs: What to train, of equal settings of the classifier.
        site: Where to find the images, and where to compute.

    Returns:
        Weights and records as :func:`~experiments.tables.classifiers.train_pair`
        gives them. The seconds of a record are its share of the batch.

    Raises:
        ValueError: If there is no configuration, or their classifiers differ in
            settings.
    """
    _check_equal(configs, "train")
    started = time.perf_counter()
    with one_thread(), full_precision():
        pairs = [config.images(site) for config in configs]
        results = train_stacked(
            [pair.train for pair in pairs],
            config=configs[0].train,
            seeds=[config.seed for config in configs],
            device=site.device,
        )
        points = list(map(fit_images, configs, pairs))
        lins = linearize_stacked([result.model for result in results], points)
        batching = batch_name(configs)
        trained = [
            pack_trained(*one, site, batching)
            for one in zip(configs, pairs, results, lins, strict=True)
        ]
    note_seconds([one.record for one in trained], started)
    return trained


def score_pairs(
    configs: Sequence[ScoreConfig],
    trained: Sequence[TrainedClassifier],
    site: Site = HERE,
) -> list[Record]:
    """Linearize, attack and defend several pairs as one batch, and score each. Stage B.

    Args:
        configs: What to score, alike but for classes, seeds and budgets.
        trained: The classifiers they name.
        site: Where to find the images, and where to compute.

    Returns:
        Records as :func:`~experiments.tables.scoring.score_pair` gives
        them. The seconds of a record are its share of the batch.

    Raises:
        ValueError: If there is no configuration, they differ in what they have to
            share, or ``trained`` are the classifiers of others or of another batch.
    """
    _check_equal(configs, "readings", "solvers", "ramp_steps")
    _check_equal([config.classifier for config in configs], "train")
    if len(trained) != len(configs):
        raise ValueError(
            f"trained must be one classifier for each of {len(configs)} configs, got "
            f"{len(trained)}."
        )
    batching = batch_name([config.classifier for config in configs])
    for config, one in zip(configs, trained, strict=True):
        config.check_trained(one)
        if (path := one.record["path"]) != batching:
            raise ValueError(
                f"trained must be of the path {batching!r}, got {path!r} for "
                f"{config.classifier.label}."
            )
    started = time.perf_counter()
    with one_thread(), full_precision():
        played = _play(configs, trained, site)
        records = [
            score_record(*one, site)
            for one in zip(configs, trained, played, strict=True)
        ]
    note_seconds(records, started)
    return records


TOGETHER = Stages(train=train_pairs, score=score_pairs, together=True)


@full_precision()
def linearize_stacked(
    models: Sequence[PairCNN], inputs: Sequence[Float[Tensor, "_ 1 28 28"]]
) -> list[Linearization]:
    """Linearize several classifiers, each at its own inputs, as one batch.

    Args:
        models: The classifiers, of equal settings and on one device.
        inputs: The inputs of each; moved to the models' device.

    Returns:
        What :func:`paper_lib.linearize.linearize` gives for each, up to rounding.

    Raises:
        ValueError: If models and inputs do not fit.
    """
    stacked = StackedClassifier(models)
    size = stacked.num_models * _INPUTS_A_PASS
    lin = linearize(stacked, stacked.interleave(inputs), batch_size=size)
    parts = stacked.parts(inputs, lin.logits, lin.gradients)
    return [Linearization(logits=logits, gradients=rows) for logits, rows in parts]


@full_precision()
def attack_stacked(
    models: Sequence[PairCNN],
    inputs: Sequence[Float[Tensor, "_ 1 28 28"]],
    epsilons: Sequence[float],
    reading: str,
) -> list[PGDResult]:
    """Attack several classifiers, each at its own inputs and budget, as one batch.

    Args:
        models: The classifiers, of equal settings and on one device.
        inputs: The inputs of each; moved to the models' device.
        epsilons: The budget of each, > 0, in pixels.
        reading: A name in ``PGD_READINGS``.

    Returns:
        What the reading's ``attack`` gives for each, up to rounding.

    Raises:
        ValueError: If models, inputs and budgets do not fit.
    """
    # With lengths measured in budgets, every budget is one.
    stacked = StackedClassifier(models, scales=epsilons)
    size = stacked.num_models * _INPUTS_A_PASS
    attack = PGD_READINGS[reading].attack
    moves = attack(stacked, stacked.interleave(inputs), 1.0, batch_size=size)
    parts = stacked.parts(inputs, moves.perturbations, moves.returned)
    return [
        PGDResult(
            perturbations=project_l2_ball(unit * epsilon, epsilon), returned=returned
        )
        for (unit, returned), epsilon in zip(parts, epsilons, strict=True)
    ]


def _play(
    configs: Sequence[ScoreConfig], trained: Sequence[TrainedClassifier], site: Site
) -> list[PlayedPair]:
    """Compute what both players do in each pair."""
    classifiers = [config.classifier for config in configs]
    pairs = [config.images(site) for config in classifiers]
    models = [one.model(site.device) for one in trained]
    fits = linearize_stacked(models, list(map(fit_images, classifiers, pairs)))
    tests = [moved(pair.test, site.device) for pair in pairs]
    images = [test.images for test in tests]
    points = zip(
        pairs, models, fits, tests, linearize_stacked(models, images), strict=True
    )
    defenses = _fit_defenses(configs, fits)
    budgets = [config.epsilon for config in configs]
    attacks = {
        reading: attack_stacked(models, images, budgets, reading)
        for reading in configs[0].readings
    }
    return [
        PlayedPair(
            at=LinearizedPair(pair=pair, model=model, fit=fit, test=test, lin=lin),
            defenses={solver: fitted[i] for solver, fitted in defenses.items()},
            attacks={reading: moves[i] for reading, moves in attacks.items()},
        )
        for i, (pair, model, fit, test, lin) in enumerate(points)
    ]


def _fit_defenses(
    configs: Sequence[ScoreConfig], fits: Sequence[Linearization]
) -> dict[str, list[FittedDefense]]:
    """Fit each solver for all pairs: an ascent as one batch, others pair by pair."""
    problems = [
        RobustSets.from_linearization(fit, config.epsilon)
        for config, fit in zip(configs, fits, strict=True)
    ]
    fitted = {}
    for solver in configs[0].solvers:
        if solver == "fit_defense":
            fitted[solver] = [
                fit_solver(solver, sets, seed=config.classifier.seed)
                for config, sets in zip(configs, problems, strict=True)
            ]
        else:
            settings = ramp_config(solver, configs[0].ramp_steps)
            ascents = ramp_ascents(problems, config=settings)
            fitted[solver] = list(map(ramp_report, ascents))
    return fitted


def _check_equal(configs: Sequence[Any], *names: str) -> None:
    """Reject configurations that cannot be one batch."""
    if not configs:
        raise ValueError("configs must be at least one, got none.")
    for name in names:
        values = [getattr(config, name) for config in configs]
        if any(value != values[0] for value in values):
            different = list(dict.fromkeys(map(str, values)))
            raise ValueError(f"configs must share {name}, got {different}.")
