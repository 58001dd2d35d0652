r"""Table 2: one pair of classes from raw images to accuracies, at several budgets.

Composes the two stages: trains one classifier, takes its budget from the margins of its
training points, and scores it there under every reading of PGD, then at multiples.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.store.provenance import one_thread, provenance
from experiments.store.record_files import SCHEMA, plain, settings_digest
from experiments.tables.classifiers import (
    ClassifierConfig,
    TrainedClassifier,
    train_pair,
)
from experiments.tables.defenses import SOLVERS, ramp_config
from experiments.tables.points import LinearizedPair, linearize_pair
from experiments.tables.scoring import ScoreConfig, play_pair, score_record
from paper_lib.attacks import PGD_READINGS
from paper_lib.checks import check_seed
from paper_lib.data import Dataset, Source
from paper_lib.defense import ramp_value
from paper_lib.evaluation import calibrate_shared_epsilon
from paper_lib.models import TrainConfig
from paper_lib.robust_sets import RobustSets

# No data set has more training images, so all of a pair's are fitted on.
_ALL_POINTS = 60_000
# Margins are stored as this many quantiles, enough to draw their distribution.
_NUM_QUANTILES = 101
# What the record of a pair says once, not at every budget.
_SAID_ONCE = ("schema", "config", "path", "source", "provenance")


@dataclass(frozen=True, kw_only=True, slots=True)
class PairConfig:
    """Everything that decides the result of one pair, apart from the data.

    Attributes:
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        classes: The two classes; the first is -1.
        seed: Seed of training.
        train: Settings of the classifier.
        calibration: Approximate accuracy under FGM without defense, on training points,
            at which the budget is set: a number of the paper's table.
        solver: The ascent the defense is fitted with, of ``SOLVERS``.
        ramp_steps: Steps of the ascent.
        primary: The reading of PGD declared primary; all are run.
        budget_multiples: Multiples of the calibrated budget at which the primary
            reading is scored again, for accuracy against budget.

    Raises:
        ValueError: If the reading or the ascent is unknown, a multiple is not > 0, the
            calibration target is outside (0, 1), there is no step, or the seed is no
            seed.
    """

    dataset: Dataset = "mnist"
    classes: tuple[int, int] = (0, 1)
    seed: int = 0
    train: TrainConfig = field(default_factory=TrainConfig)
    calibration: float = 0.483
    solver: str = SOLVERS[0]
    ramp_steps: int = 300
    primary: str = "literal"
    budget_multiples: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        check_seed(self.seed)
        for name, known in (("primary", sorted(PGD_READINGS)), ("solver", SOLVERS[:2])):
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"{name} must be one of {known}, got {value!r}.")
        ramp_config(self.solver, self.ramp_steps)
        if not all(0.0 < multiple < math.inf for multiple in self.budget_multiples):
            raise ValueError(
                f"budget_multiples must be finite and > 0, got {self.budget_multiples}."
            )
        if not 0.0 < self.calibration < 1.0:
            raise ValueError(f"calibration must lie in (0, 1), got {self.calibration}.")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "PairConfig":
        """Read the configuration back from a record.

        Args:
            record: What :func:`run_pair` returned, or its stored copy.

        Returns:
            The configuration of that run.
        """
        settings = dict(record["config"])
        settings["train"] = TrainConfig.from_plain(settings["train"])
        for name in ("classes", "budget_multiples"):
            settings[name] = tuple(settings[name])
        return cls(**settings)

    @property
    def classifier(self) -> ClassifierConfig:
        """The classifier, with all its training points to fit on. Stage A."""
        return ClassifierConfig(
            dataset=self.dataset,
            classes=self.classes,
            seed=self.seed,
            train=self.train,
            num_fit=_ALL_POINTS,
        )

    def scores(self, epsilon: float) -> tuple[ScoreConfig, ...]:
        """Name the runs of stage B once the budget is known.

        Args:
            epsilon: The calibrated budget, in pixels.

        Returns:
            The run at this budget under all readings, then those at its multiples under
            the primary one.
        """
        budgets = [epsilon, *(multiple * epsilon for multiple in self.budget_multiples)]
        return tuple(
            ScoreConfig(
                classifier=self.classifier,
                epsilon=budget,
                readings=(self.primary,) if place else tuple(PGD_READINGS),
                solvers=(self.solver,),
                ramp_steps=self.ramp_steps,
            )
            for place, budget in enumerate(budgets)
        )

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"{self.classifier.label}, {self.solver}"

    @property
    def record_name(self) -> str:
        """The name of its record: what a reader looks for, and a digest of the rest."""
        first, second = self.classes
        digest = settings_digest(asdict(self))
        return f"{self.dataset}-{first}-{second}-seed{self.seed}-{digest}.json"


def run_pair(
    config: PairConfig,
    *,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
) -> dict[str, Any]:
    """Run one pair from raw images to accuracies.

    Args:
        config: What to run.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.
        device: Where to compute.

    Returns:
        A record, ready for :func:`save_record`. Two runs of one configuration on one
        machine differ in ``provenance["seconds"]`` alone.
    """
    started = time.perf_counter()
    trained = train_pair(config.classifier, root=root, source=source, device=device)
    epsilon = calibrate_shared_epsilon([trained.margins], config.calibration)
    with one_thread():
        at = linearize_pair(trained, root=root, source=source, device=device)
        score, *curve = (
            _score(one, trained, at, device) for one in config.scores(epsilon)
        )
        source_of = provenance(at.pair, device)
    parts = {"train": at.fit, "test": at.lin}
    return {
        "schema": SCHEMA,
        "config": plain(asdict(config)),
        "epsilon": epsilon,
        "sizes": {name: len(lin.logits) for name, lin in parts.items()},
        "history": trained.record["history"],
        "margins": {name: _quantiles(lin.margins) for name, lin in parts.items()},
        "counts": {
            name: {"unlabeled": lin.num_unlabeled, "flat": lin.num_flat}
            for name, lin in parts.items()
        },
        "score": score,
        "curve": curve,
        "provenance": {
            **source_of,
            "seconds": round(time.perf_counter() - started, 1),
        },
    }


def _score(
    config: ScoreConfig, trained: TrainedClassifier, at: LinearizedPair, device: str
) -> dict[str, Any]:
    """Score one budget as stage B does, and keep v and its ramp as well."""
    played = play_pair(config, at)
    record = score_record(config, trained, played, device=device)
    sets = RobustSets.from_linearization(at.fit, config.epsilon)
    for solver, (v, _) in played.defenses.items():
        rows = ramp_config(solver, config.ramp_steps).rows
        record["defenses"][solver] |= {
            # Nine digits give every float32 value back exactly.
            "perturbation": [float(f"{x:.9g}") for x in v.tolist()],
            "ramp_value": ramp_value(sets, v, rows=rows),
        }
    kept = {name: value for name, value in record.items() if name not in _SAID_ONCE}
    return {"epsilon": config.epsilon, **kept}


def _quantiles(margins: Float[Tensor, " n"]) -> list[float]:
    """Summarize margins; the infinite ones of flat points are counted elsewhere."""
    finite = margins[torch.isfinite(margins)]
    levels = torch.linspace(0.0, 1.0, _NUM_QUANTILES, dtype=torch.float64)
    return torch.quantile(finite.cpu(), levels).tolist()
