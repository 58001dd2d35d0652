"""One classifier at one budget under every reading of what the paper leaves open.

How PGD is read, where the ascent starts, whose rows the defense is fitted to and which
points are scored are crossed here; which classifier, and how its budget came about, is
for the plan to say.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from experiments.store.keyed import Record
from experiments.store.pair_settings import Site, some_images
from experiments.store.provenance import note_seconds, one_thread, provenance
from experiments.study.own_rows import ASCENTS, READINGS, STARTS, fit_from, rows_to_fit
from experiments.tables.calibration import BudgetConfig, check_different
from experiments.tables.classifiers import TrainedClassifier, fit_points
from experiments.tables.points import moved
from experiments.tables.results import Provenance
from paper_lib.attacks import fgm
from paper_lib.checks import check_count
from paper_lib.data import LabeledImages
from paper_lib.data.pairs import ClassPair
from paper_lib.defense import ramp_value
from paper_lib.evaluation.labels import keeps_label, logits_at
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import linearize
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets

# Whose rows a defense is fitted to: those of Eq. (7), or those of the attack it meets.
ROWS = ("FGM", "own")
POINTS = ("test", "trained")
UNDEFENDED: tuple[str, str] = ("none", "none")
# Which points, the attack, the rows of its defense and their start.
StudyCell = tuple[str, str, str, str]
# A defense for each attack whose rows it was fitted to, and each start.
_Defenses = Mapping[tuple[str, str], Float[Tensor, " d"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyConfig(BudgetConfig["StudyResult"]):
    """Everything that decides the cells of a classifier at a budget.

    Attributes:
        readings: The readings of PGD, of ``READINGS``.
        starts: Where the ascent begins, of ``STARTS``.
        rows: What defenses are fitted to, of ``ROWS``.
        points: What is scored, of ``POINTS``.
        num_own: How many of the points to fit on PGD's own rows are taken at.
        num_trained: How many of the points that trained f are scored: of those that no
            defense is fitted on, where there are any.

    Raises:
        ValueError: If a name is unknown or named twice, or a number below 1.
    """

    schema: ClassVar[str] = "paper-lib/study-record/1"

    readings: tuple[str, ...] = tuple(READINGS)
    starts: tuple[str, ...] = STARTS
    rows: tuple[str, ...] = ROWS
    points: tuple[str, ...] = POINTS
    num_own: int = 2000
    num_trained: int = 1000

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        BudgetConfig.__post_init__(self)
        known = {"readings": READINGS, "starts": STARTS, "rows": ROWS, "points": POINTS}
        check_different(self, **known)
        check_count(self.num_own, "num_own", 1)
        check_count(self.num_trained, "num_trained", 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyResult:
    """The cells of a classifier at a budget.

    Attributes:
        config: What was computed.
        path: ``"single"``, or the batch in which its classifier was trained.
        source: Source of the data.
        sizes: Numbers of points: ``"train"``, ``"fit"``, ``"own"``, and those scored.
        ramp_values: By the attack whose rows it was fitted to, and its start, the ramp
            of each defense on these rows.
        coverages: Likewise the share of them that it satisfies.
        cells: Points, attack, rows and start of its defense; then how many keep their
            label, asking f, and f_L.
        provenance: What it was computed with.
    """

    config: StudyConfig
    path: str
    source: str
    sizes: Mapping[str, int]
    ramp_values: Mapping[str, Mapping[str, float]]
    coverages: Mapping[str, Mapping[str, float]]
    cells: tuple[tuple[str, str, str, str, int, int], ...]
    provenance: Provenance

    @property
    def percents(self) -> dict[StudyCell, tuple[float, float]]:
        """True and approximate accuracy of each cell, in percent."""
        found = {}
        for points, attack, rows, start, *kept in self.cells:
            true, approximate = (100.0 * one / self.sizes[points] for one in kept)
            found[points, attack, rows, start] = true, approximate
        return found

    def better_start(self, attack: str) -> str:
        """Choose the start whose ascent reached the larger ramp.

        Args:
            attack: Whose rows it was fitted to.

        Returns:
            The start; the first where both end alike.
        """
        values = self.ramp_values[attack]
        return max(ASCENTS, key=lambda start: values[start])


StudyConfig.result_type = StudyResult


def study_pairs(
    run: Sequence[StudyConfig], trained: Sequence[TrainedClassifier], site: Site
) -> list[Record]:
    """Compute the cells of several classifiers one after another. Stage B.

    Args:
        run: What to compute.
        trained: The classifiers.
        site: Where to find the images, and where to compute.

    Returns:
        Records, as :class:`StudyResult` reads them. Two runs of one configuration on
        one machine differ in ``provenance["seconds"]`` alone.

    Raises:
        ValueError: If a classifier is that of another configuration.
    """
    return [_study_pair(*one, site) for one in zip(run, trained, strict=True)]


def _study_pair(config: StudyConfig, trained: TrainedClassifier, site: Site) -> Record:
    """Fit every defense and score every cell."""
    config.check_trained(trained)
    started = time.perf_counter()
    with one_thread(), full_precision():
        pair, model = config.classifier.images(site), trained.model(site.device)
        place = fit_points(config.classifier, len(pair.train.labels))
        sets, defenses = _fit(config, model, pair.train.images[place].to(site.device))
        scored = points_to_score(config, pair, place)
        cells = [
            [name, *cell]
            for name, data in scored.items()
            for cell in _cells(config, model, moved(data, site.device), defenses)
        ]
    fitted, *own = (len(rows.offsets) for rows in sets.values())
    sizes = {name: len(data.labels) for name, data in scored.items()}
    record = {
        "schema": config.schema,
        "config": config.settings,
        "path": trained.record["path"],
        "source": pair.source,
        "sizes": {
            "train": len(pair.train.labels),
            "fit": fitted,
            "own": max(own, default=0),
            **sizes,
        },
        "ramp_values": _on_own_rows(ramp_value, sets, defenses),
        "coverages": _on_own_rows(RobustSets.coverage, sets, defenses),
        "cells": cells,
        "provenance": provenance(pair, site.device),
    }
    note_seconds([record], started)
    return record


def _fit(
    config: StudyConfig, model: PairCNN, images: Float[Tensor, "n 1 28 28"]
) -> tuple[Mapping[str, RobustSets], _Defenses]:
    """Fit the defenses: to every attack's rows, from every start."""
    own = config.readings if "own" in config.rows else ()
    sets = rows_to_fit(model, images, config.epsilon, own=own, num_own=config.num_own)
    seed = config.classifier.seed
    defenses = {
        (attack, start): fit_from(start, sets[attack], seed)
        for attack, start in product(sets, config.starts)
    }
    return sets, defenses


def _on_own_rows(
    measure: Callable[..., Any], sets: Mapping[str, RobustSets], defenses: _Defenses
) -> dict[str, dict[str, float]]:
    """Measure each defense on the rows that it was fitted to."""
    found: dict[str, dict[str, float]] = {attack: {} for attack in sets}
    for (attack, start), v in defenses.items():
        found[attack][start] = float(measure(sets[attack], v))
    return found


def points_to_score(
    config: StudyConfig, pair: ClassPair, fitted: Int64[Tensor, " n"]
) -> dict[str, LabeledImages]:
    """Take the points to score.

    Args:
        config: Which, and how many.
        pair: The images.
        fitted: The places of the training points that defenses are fitted on.

    Returns:
        The points: those of the test, and some that trained f, evenly spaced.
    """
    train = pair.train
    is_free = torch.ones(len(train.labels), dtype=torch.bool)
    is_free[fitted] = False
    free = is_free.nonzero().squeeze(-1) if is_free.any() else fitted
    few = torch.linspace(0, len(free) - 1, min(config.num_trained, len(free))).long()
    known = {"test": pair.test, "trained": some_images(train, free[few])}
    return {name: known[name] for name in config.points}


def _cells(
    config: StudyConfig, model: PairCNN, data: LabeledImages, defenses: _Defenses
) -> Iterator[tuple[str, str, str, int, int]]:
    """Count the points that keep their label, without attack and under each play."""
    lin = linearize(model, data.images)
    right = int((data.labels * logits_at(model, data.images) > 0).sum())
    # Without attack and defense both are scored against the label, as in Table 3.
    yield "none", *UNDEFENDED, right, right
    attacks = {"FGM": fgm(lin, config.epsilon)} | {
        reading: READINGS[reading]
        .attack(model, data.images, config.epsilon)
        .perturbations
        for reading in config.readings
    }
    for attack, move in attacks.items():
        answers = {UNDEFENDED: torch.zeros_like(move[0])}
        # Against FGM its own rows are those of Eq. (7).
        kinds = ("FGM",) if attack == "FGM" else config.rows
        for rows, start in product(kinds, config.starts):
            fitted = attack if rows == "own" else "FGM"
            answers[rows, start] = defenses[fitted, start]
        for (rows, start), v in answers.items():
            kept = keeps_label(model, data, lin, move, v.unsqueeze(0))
            true, approximate = (int(one.sum()) for one in kept)
            yield attack, rows, start, true, approximate
