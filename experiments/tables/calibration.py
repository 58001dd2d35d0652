"""Budgets from the margins of training points: the two protocols.

The paper states no budget. One number per data set is taken from Table 1, the cell FGM
without defense, and each protocol turns it into budgets on training points.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from experiments.store.plain_values import plain
from experiments.store.provenance import CODE_DIGEST
from experiments.store.record_files import settings_digest
from experiments.tables.classifiers import ClassifierConfig, TrainedClassifier
from experiments.tables.paper_numbers import PAPER_TABLE_1
from paper_lib.data import Dataset
from paper_lib.evaluation import calibrate_shared_epsilon
from paper_lib.models import TrainConfig

CALIBRATION_SCHEMA = "paper-lib/calibration/1"
Protocol = Literal["one budget", "margin quantile"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationConfig:
    """What decides the budgets of a data set.

    Attributes:
        protocol: ``"one budget"`` for all pairs, at which the mean over pairs meets the
            target; or ``"margin quantile"``, the same quantile of the margins of each
            pair, at which each pair meets it.
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        pairs: The pairs of classes.
        seed: Seed of the classifiers.
        train: Settings of the classifiers.
        num_fit: Training points of each pair to calibrate on.

    Raises:
        ValueError: If the protocol is unknown or there is no pair.
    """

    protocol: Protocol
    dataset: Dataset
    pairs: tuple[tuple[int, int], ...]
    seed: int
    train: TrainConfig
    num_fit: int = 4000

    def __post_init__(self) -> None:
        """Reject what is no calibration.

        Raises:
            ValueError: See the class.
        """
        if self.protocol not in get_args(Protocol):
            raise ValueError(
                f"protocol must be one of {get_args(Protocol)}, got {self.protocol!r}."
            )
        if not self.pairs:
            raise ValueError("pairs must hold at least one pair of classes, got none.")

    @property
    def classifiers(self) -> tuple[ClassifierConfig, ...]:
        """The classifiers, one for each pair."""
        return tuple(
            ClassifierConfig(
                dataset=self.dataset,
                classes=classes,
                seed=self.seed,
                train=self.train,
                num_fit=self.num_fit,
            )
            for classes in self.pairs
        )

    @property
    def target(self) -> float:
        """The share of points that FGM leaves alone, from Table 1."""
        return PAPER_TABLE_1[self.dataset]["FGM", "none"][0] / 100.0

    @property
    def name(self) -> str:
        """The name of its record on the single path; see :meth:`record_name`."""
        return self.record_name()

    def record_name(self, path: str = "single") -> str:
        """Name its record: what a reader looks for, and a digest of the rest.

        Args:
            path: ``"single"``, or which companions its classifiers were trained with.

        Returns:
            A file name.
        """
        digest = settings_digest(asdict(self))
        kind = self.protocol.replace(" ", "-")
        batch = "" if path == "single" else f"-{path}"
        return f"budgets-{self.dataset}-{kind}-seed{self.seed}-{digest}{batch}.json"


def calibrate(
    config: CalibrationConfig, trained: Sequence[TrainedClassifier]
) -> dict[str, Any]:
    """Set the budgets of a data set.

    Args:
        config: What to calibrate.
        trained: Its classifiers, in order.

    Returns:
        A record: the budget of each pair, and the share FGM leaves alone there.

    Raises:
        ValueError: If the classifiers were not trained on one path.
    """
    paths = {one.record["path"] for one in trained}
    if len(paths) != 1:
        raise ValueError(f"trained must be of one path, got {sorted(paths)}.")
    margins = [one.margins for one in trained]
    if config.protocol == "one budget":
        shared = calibrate_shared_epsilon(margins, config.target)
        budgets = [shared] * len(margins)
    else:
        budgets = [calibrate_shared_epsilon([one], config.target) for one in margins]
    kept = [
        float((one >= budget).double().mean())
        for one, budget in zip(margins, budgets, strict=True)
    ]
    return {
        "schema": CALIBRATION_SCHEMA,
        "config": plain(asdict(config)),
        "target": config.target,
        "budgets": budgets,
        "kept": kept,
        "path": paths.pop(),
        "source": trained[0].record["source"],
        "code": CODE_DIGEST,
    }
