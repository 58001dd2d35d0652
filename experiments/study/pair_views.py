"""What both players add to one image of each pair, small enough to be stored.

The image is one that tells: the first test point of a right label that loses it to FGM
and gets it back from SMOOTH, by the linearized classifier.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.store.byte_images import (
    pack_image,
    pack_signed,
    unpack_image,
    unpack_signed,
)
from experiments.store.keyed import Record
from experiments.store.pair_settings import Site
from experiments.store.provenance import note_seconds, one_thread, provenance
from experiments.study.declared import declared_groups
from experiments.study.own_rows import ASCENTS, fit_from
from experiments.study.study_plan import FRESH_SEEDS
from experiments.tables.calibration import BudgetConfig, CalibrationConfig
from experiments.tables.classifiers import TrainedClassifier, fit_images
from experiments.tables.group_sweep import Stages, load_groups, sweep_groups
from experiments.tables.results import Provenance
from experiments.tables.table_1 import train_alone
from paper_lib.attacks import fgm
from paper_lib.checks import check_count
from paper_lib.data.pairs import ClassPair
from paper_lib.evaluation.labels import logits_at
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import linearize
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True)
class PairView(BudgetConfig["ViewResult"]):
    """Everything that decides what is shown of a pair, apart from the data.

    Attributes:
        num_points: The first test points, among which an image is chosen.

    Raises:
        ValueError: If the budget is none, or the number below 1.
    """

    schema: ClassVar[str] = "paper-lib/pair-view/1"

    num_points: int = 200

    def __post_init__(self) -> None:
        """Reject settings for which a view is undefined.

        Raises:
            ValueError: See the class.
        """
        BudgetConfig.__post_init__(self)
        check_count(self.num_points, "num_points", 1)

    @property
    def stem(self) -> str:
        """What the name of its record begins with."""
        return f"view-{self.classifier.stem}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewResult:
    """One image of a pair, and what both players add to it.

    Attributes:
        config: What is shown.
        path: ``"single"``, or the batch in which its classifier was trained.
        source: Source of the data.
        place: The image's place among the test points of the pair.
        label: Its class: -1 or 1.
        reach: The largest absolute value of attack and defense, in pixels.
        image: The image, a byte a pixel, as base64.
        attack: FGM's perturbation of it, from 1 for ``-reach`` to 255 for ``reach``.
        defense: The perturbation of SMOOTH likewise.
        coverage: The share of the rows it was fitted to that the defense satisfies.
        logits: f at x, x + a and x + a + v.
        tangent: f_L there.
        provenance: What it was computed with.
    """

    config: PairView
    path: str
    source: str
    place: int
    label: int
    reach: float
    image: str
    attack: str
    defense: str
    coverage: float
    logits: tuple[float, ...]
    tangent: tuple[float, ...]
    provenance: Provenance

    @property
    def parts(self) -> Float[Tensor, "3 d"]:
        """Image x, attack a and defense v, in units of the pixels in [0, 1]."""
        moves = (unpack_signed(one, self.reach) for one in (self.attack, self.defense))
        return torch.stack([unpack_image(self.image), *moves])


PairView.result_type = ViewResult


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewGroup:
    """The pairs of a data set.

    Attributes:
        calibration: The pairs, the seed and how their budgets are set.
    """

    calibration: CalibrationConfig

    def scores(self, budgets: Sequence[float]) -> tuple[PairView, ...]:
        """Name the runs once their budgets are known.

        Args:
            budgets: The calibrated budget of each pair.

        Returns:
            One configuration a pair.
        """
        pairs = zip(self.calibration.classifiers, budgets, strict=True)
        return tuple(PairView(classifier=one, epsilon=budget) for one, budget in pairs)


def view_groups(**choice: Any) -> tuple[ViewGroup, ...]:
    """List what is shown: the declared combination, with one of its seeds.

    Args:
        **choice: As :func:`~experiments.study.declared.declared_groups` takes it.

    Returns:
        A group for each data set.
    """
    groups = declared_groups(**{"seeds": FRESH_SEEDS[:1]} | choice)
    return tuple(ViewGroup(calibration=group.calibration) for group in groups)


def load_views(
    groups: Sequence[ViewGroup], store: str | os.PathLike[str], **options: Any
) -> tuple[ViewResult, ...]:
    """Load the views of the groups of which a store has everything.

    Args:
        groups: What to load.
        store: The folder of the records.
        **options: What else
            :func:`~experiments.tables.group_sweep.load_groups` takes.

    Returns:
        Views, group by group.
    """
    found = load_groups(groups, store, stages=STAGES, **options)
    return tuple(view for swept in found if swept is not None for view in swept[1])


def run_views(
    groups: Sequence[ViewGroup], store: str | os.PathLike[str], **options: Any
) -> None:
    """Compute the views that a store lacks.

    Args:
        groups: What to run.
        store: The folder of the records; made if it is not there.
        **options: What else
            :func:`~experiments.tables.group_sweep.sweep_groups` takes.

    Raises:
        SweepError: If a run failed, the store cannot be written to although something
            is missing, or another sweep writes to it.
    """
    sweep_groups(groups, store, stages=STAGES, **options)


def view_pairs(
    run: Sequence[PairView], trained: Sequence[TrainedClassifier], site: Site
) -> list[Record]:
    """Compute several views one after another. Stage B.

    Args:
        run: What to show.
        trained: The classifiers.
        site: Where to find the images, and where to compute.

    Returns:
        Records, as :class:`ViewResult` reads them.

    Raises:
        ValueError: If a classifier is that of another configuration.
    """
    return [_view_pair(*one, site) for one in zip(run, trained, strict=True)]


def _view_pair(config: PairView, trained: TrainedClassifier, site: Site) -> Record:
    """Compute one view, and say what it was computed with."""
    config.check_trained(trained)
    started = time.perf_counter()
    with one_thread(), full_precision():
        pair = config.classifier.images(site)
        record = {
            "schema": config.schema,
            "config": config.settings,
            "path": trained.record["path"],
            "source": pair.source,
            **_view(config, trained.model(site.device), pair, site),
            "provenance": provenance(pair, site.device),
        }
    note_seconds([record], started)
    return record


STAGES = Stages(train=train_alone, score=view_pairs)


def _view(config: PairView, model: PairCNN, pair: ClassPair, site: Site) -> Record:
    """Fit the defense, choose the image, and attack it."""
    fit = linearize(model, fit_images(config.classifier, pair).to(site.device))
    sets = RobustSets.from_linearization(fit, config.epsilon)
    v = fit_from(ASCENTS[0], sets, config.classifier.seed)
    images = pair.test.images[: config.num_points].to(site.device)
    labels = pair.test.labels[: config.num_points].to(site.device)
    lin = linearize(model, images)
    attacks = fgm(lin, config.epsilon)
    tells = (labels * lin.logits > 0) & lin.label_survives(attacks, v[None])
    place = int((tells & ~lin.label_survives(attacks)).int().argmax())
    image, attack = images[place : place + 1], attacks[place : place + 1]
    reach = float(torch.cat([attack, v[None]]).abs().max())
    sums = ((), (attack,), (attack, v[None]))
    return {
        "place": place,
        "label": int(labels[place]),
        "reach": reach,
        "image": pack_image(image.flatten()),
        "attack": pack_signed(attack[0], reach),
        "defense": pack_signed(v, reach),
        "coverage": float(sets.coverage(v)),
        "logits": [float(logits_at(model, image, *added)) for added in sums],
        "tangent": [
            float(linearize(model, image).moved_logits(*added)) for added in sums
        ],
    }
