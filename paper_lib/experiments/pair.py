r"""One pair of classes from raw images to the accuracies of Table 2, and its record.

Stage A trains a classifier and linearizes it: :func:`prepare`. Stage B fixes a budget,
fits the defense on training points and scores test points: :func:`score`. A run of
both, :func:`run_pair`, is a pure function of its configuration and the data.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from tqdm import tqdm

from paper_lib.attacks import PGD_READINGS
from paper_lib.checks import available_device
from paper_lib.data import ClassPair, Dataset, LabeledImages, Source, load_pair
from paper_lib.defense import RampConfig, RampSolution, ramp_ascent
from paper_lib.evaluation import TableRow, calibrate_epsilon, evaluate
from paper_lib.experiments.provenance import provenance
from paper_lib.experiments.store import SCHEMA, plain
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import PairCNN, TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets

# Margins are stored as this many quantiles, enough to draw their distribution.
_NUM_QUANTILES = 101


@dataclass(frozen=True, kw_only=True, slots=True)
class PairConfig:
    """Everything that decides the result of one pair, apart from the data.

    Attributes:
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        classes: The two classes; the first is -1.
        seed: Seed of training.
        train: Settings of the classifier.
        calibration: Approximate accuracy under FGM without defense, on training points,
            at which the budget is set; the one number taken from the paper's table.
        ramp: Settings of the defense.
        primary: The reading of PGD declared primary; all are run.
        budget_multiples: Multiples of the calibrated budget at which the primary
            reading is scored again, for accuracy against budget.

    Raises:
        ValueError: If the reading is unknown, a multiple is not > 0, or the calibration
            target is outside (0, 1).
    """

    dataset: Dataset = "mnist"
    classes: tuple[int, int] = (0, 1)
    seed: int = 0
    train: TrainConfig = field(default_factory=TrainConfig)
    calibration: float = 0.483
    ramp: RampConfig = field(default_factory=RampConfig)
    primary: str = "literal"
    budget_multiples: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        if self.primary not in PGD_READINGS:
            raise ValueError(
                f"primary must be one of {sorted(PGD_READINGS)}, got {self.primary!r}."
            )
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
        train = dict(settings["train"])
        train["channels"] = tuple(train["channels"])
        settings["train"] = TrainConfig(**train)
        settings["ramp"] = RampConfig(**settings["ramp"])
        for name in ("classes", "budget_multiples"):
            settings[name] = tuple(settings[name])
        return cls(**settings)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PreparedPair:
    """Stage A: a pair of classes with its classifier, linearized.

    Attributes:
        pair: The images.
        model: The classifier.
        history: Mean logistic loss of each epoch.
        train: Linearization at the training points.
        test: Linearization at the test points.
    """

    pair: ClassPair
    model: PairCNN
    history: tuple[float, ...]
    train: Linearization
    test: Linearization


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Score:
    """Stage B: a budget, the defense fitted at it, and the ten rows of Table 3.

    Attributes:
        epsilon: The budget.
        solution: The defense, fitted on training points.
        rows: For each reading of PGD, the ten rows, scored on test points.
        num_returned: For each reading, how often a point came back to x exactly.
    """

    epsilon: float
    solution: RampSolution
    rows: dict[str, tuple[TableRow, ...]]
    num_returned: dict[str, int]


def prepare(
    pair: ClassPair,
    *,
    config: TrainConfig,
    seed: int,
    device: str = "cpu",
    progress: bool = False,
) -> PreparedPair:
    """Train a classifier on a pair and linearize it at every point.

    Args:
        pair: The images.
        config: Settings of the classifier.
        seed: Seed of training.
        device: Where to compute.
        progress: Show a progress bar.

    Returns:
        The classifier and its linearizations.
    """
    trained = train_classifier(
        pair.train, config=config, seed=seed, device=device, progress=progress
    )
    return PreparedPair(
        pair=pair,
        model=trained.model,
        history=trained.history,
        train=linearize(trained.model, pair.train.images.to(device)),
        test=linearize(trained.model, pair.test.images.to(device)),
    )


def score(
    prepared: PreparedPair,
    *,
    epsilon: float,
    ramp: RampConfig,
    readings: tuple[str, ...] = tuple(PGD_READINGS),
) -> Score:
    """Fit the defense on training points and score it on test points.

    Args:
        prepared: A classifier and its linearizations.
        epsilon: Budget of both players, in pixels, > 0.
        ramp: Settings of the defense.
        readings: Names of the readings of PGD to run.

    Returns:
        The defense and, for each reading, the ten rows of Table 3.
    """
    sets = RobustSets.from_linearization(prepared.train, epsilon)
    solution = ramp_ascent(sets, config=ramp)
    device = prepared.test.logits.device
    test = LabeledImages(
        images=prepared.pair.test.images.to(device),
        labels=prepared.pair.test.labels.to(device),
    )
    rows, returned = {}, {}
    for name in readings:
        attack = PGD_READINGS[name].attack(prepared.model, test.images, epsilon)
        returned[name] = int(attack.num_returned.sum())
        rows[name] = evaluate(
            prepared.model,
            test,
            prepared.test,
            epsilon=epsilon,
            defense=solution.perturbation,
            pgd_attack=attack.perturbations,
        )
    return Score(epsilon=epsilon, solution=solution, rows=rows, num_returned=returned)


def run_pair(
    config: PairConfig,
    *,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
    progress: bool = False,
) -> dict[str, Any]:
    """Run one pair from raw images to accuracies.

    Args:
        config: What to run.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.
        device: Where to compute.
        progress: Show progress bars.

    Returns:
        A record, ready for :func:`save_record`. Two runs of one configuration on one
        machine differ in ``provenance["seconds"]`` alone.
    """
    started = time.perf_counter()
    available_device(device)  # fails now rather than after the run
    pair = load_pair(config.dataset, config.classes, root=root, source=source)
    prepared = prepare(
        pair, config=config.train, seed=config.seed, device=device, progress=progress
    )
    epsilon = calibrate_epsilon(prepared.train, config.calibration)
    main = score(prepared, epsilon=epsilon, ramp=config.ramp)
    curve = [
        score(
            prepared,
            epsilon=multiple * epsilon,
            ramp=config.ramp,
            readings=(config.primary,),
        )
        for multiple in tqdm(
            config.budget_multiples, desc="budgets", disable=not progress
        )
    ]
    return {
        "schema": SCHEMA,
        "config": plain(asdict(config)),
        "epsilon": epsilon,
        "sizes": {"train": len(pair.train.labels), "test": len(pair.test.labels)},
        "history": list(prepared.history),
        "margins": {
            "train": _quantiles(prepared.train),
            "test": _quantiles(prepared.test),
        },
        "counts": {
            part: {"unlabeled": lin.num_unlabeled, "flat": lin.num_flat}
            for part, lin in (("train", prepared.train), ("test", prepared.test))
        },
        "score": _score_record(main),
        "curve": [_score_record(point) for point in curve],
        "provenance": {
            **provenance(pair, device),
            "seconds": round(time.perf_counter() - started, 1),
        },
    }


def _score_record(result: Score) -> dict[str, Any]:
    """Turn a score into plain values."""
    solution = result.solution
    return {
        "epsilon": result.epsilon,
        "solution": {
            # Nine digits give every float32 value back exactly.
            "perturbation": [float(f"{x:.9g}") for x in solution.perturbation.tolist()],
            "length": float(solution.perturbation.double().norm()),
            "train_coverage": solution.coverage,
            "ramp_value": solution.ramp_value,
            "steps": len(solution.ramp_values) - 1,
            "in_dead_zone": solution.in_dead_zone,
        },
        "rows": {
            name: [asdict(row) for row in rows] for name, rows in result.rows.items()
        },
        "num_returned": result.num_returned,
    }


def _quantiles(lin: Linearization) -> list[float]:
    """Summarize margins; the infinite ones of flat points are counted elsewhere."""
    finite = lin.margins[torch.isfinite(lin.margins)]
    levels = torch.linspace(0.0, 1.0, _NUM_QUANTILES, dtype=torch.float64)
    return torch.quantile(finite.cpu(), levels).tolist()
