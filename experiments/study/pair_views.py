"""What both players add to one image of each pair, small enough to be stored.

The image is one that tells: the first test point of a right label that loses it to FGM
and gets it back from SMOOTH, by the linearized classifier.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.store import byte_images
from experiments.store.keyed import Record, Run
from experiments.store.pair_settings import Site
from experiments.store.provenance import note_seconds, provenance
from experiments.study.own_rows import ASCENTS, fit_from
from experiments.study.study_plan import StudyRun
from experiments.tables.calibration import BudgetConfig
from experiments.tables.classifiers import fit_images, train_pair
from experiments.tables.results import Provenance
from paper_lib.attacks import fgm
from paper_lib.checks import check_count
from paper_lib.data.pairs import ClassPair
from paper_lib.evaluation.labels import logits_at
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import linearize
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True)
class PairView(BudgetConfig["ViewResult"], Run["ViewResult"]):
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

    def measure(self, site: Site) -> Record:
        """Train the classifier, fit the defense, choose the image and attack it.

        Args:
            site: Where to find the images, and where to compute.

        Returns:
            What :class:`ViewResult` holds.

        Raises:
            ValueError: If none of the first test points tells.
        """
        started = time.perf_counter()
        with full_precision():
            trained = train_pair(self.classifier, site)
            pair = self.classifier.images(site)
            record = {
                "path": trained.record["path"],
                "source": pair.source,
                **_view(self, trained.model(site.device), pair, site),
                "provenance": provenance(pair, site.device),
            }
        note_seconds([record], started)
        return record


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
        moves = (
            byte_images.unpack_signed(one, self.reach)
            for one in (self.attack, self.defense)
        )
        return torch.stack([byte_images.unpack_image(self.image), *moves])


PairView.result_type = ViewResult


def pair_views(runs: Iterable[StudyRun]) -> tuple[PairView, ...]:
    """List what is shown of the pairs of a study.

    Args:
        runs: Its runs; the first seed's are shown.

    Returns:
        A view for each data set and pair, of the run's classifier at its budget.
    """
    shown = [one.config for run in runs for one in run.results]
    seed = min((one.classifier.seed for one in shown), default=0)
    return tuple(
        PairView(classifier=one.classifier, epsilon=one.epsilon)
        for one in shown
        if one.classifier.seed == seed
    )


def _view(config: PairView, model: PairCNN, pair: ClassPair, site: Site) -> Record:
    """Compute what is shown, and what is said of it."""
    fit = linearize(model, fit_images(config.classifier, pair).to(site.device))
    sets = RobustSets.from_linearization(fit, config.epsilon)
    v = fit_from(ASCENTS[0], sets, config.classifier.seed)
    images = pair.test.images[: config.num_points].to(site.device)
    labels = pair.test.labels[: config.num_points].to(site.device)
    lin = linearize(model, images)
    attacks = fgm(lin, config.epsilon)
    tells = (labels * lin.logits > 0) & lin.label_survives(attacks, v[None])
    places = (tells & ~lin.label_survives(attacks)).nonzero().flatten().tolist()
    if not places:
        raise ValueError(f"epsilon must let an image tell, none does: {config.label}.")
    image, attack = images[places[:1]], attacks[places[:1]]
    here = linearize(model, image)
    reach = float(torch.cat([attack, v[None]]).abs().max())
    sums = ((), (attack,), (attack, v[None]))
    return {
        "place": places[0],
        "label": int(labels[places[0]]),
        "reach": reach,
        "image": byte_images.pack_image(image.flatten()),
        "attack": byte_images.pack_signed(attack[0], reach),
        "defense": byte_images.pack_signed(v, reach),
        "coverage": float(sets.coverage(v)),
        "logits": [float(logits_at(model, image, *added)) for added in sums],
        "tangent": [float(here.moved_logits(*added)) for added in sums],
    }
