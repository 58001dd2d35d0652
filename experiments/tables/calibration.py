"""Budgets from the margins of training points: the two protocols.

The paper states no budget. One number per data set is taken from Table 1, the cell FGM
without defense, and each protocol turns it into budgets on training points.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.store.keyed import SINGLE, Key, Record, Result
from experiments.store.provenance import CODE_DIGEST
from experiments.store.record_files import settings_digest
from experiments.tables.classifiers import ClassifierConfig, TrainedClassifier
from experiments.tables.example_network import ExampleConfig
from experiments.tables.paper_numbers import PAPER_TABLE_1
from paper_lib.checks.arguments import check_choice, check_fraction, check_length
from paper_lib.data.pairs import Dataset
from paper_lib.models import TrainConfig

Protocol = Literal["one budget", "margin quantile"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationConfig(Key["CalibrationResult"]):
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

    schema: ClassVar[str] = "paper-lib/calibration/1"

    protocol: Protocol
    dataset: Dataset
    pairs: tuple[tuple[int, int], ...]
    seed: int
    train: TrainConfig | ExampleConfig
    num_fit: int = 4000

    def __post_init__(self) -> None:
        """Reject what is no calibration.

        Raises:
            ValueError: See the class.
        """
        check_choice(self.protocol, "protocol", get_args(Protocol))
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
    def stem(self) -> str:
        """What the name of its record begins with."""
        kind = self.protocol.replace(" ", "-")
        return f"budgets-{self.dataset}-{kind}-seed{self.seed}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetConfig(Key[Result]):
    """A classifier at one budget: what is computed there is for others to say.

    Attributes:
        classifier: Which classifier.
        epsilon: The budget of both players, in pixels.

    Raises:
        ValueError: If the budget is none.
    """

    classifier: ClassifierConfig
    epsilon: float

    def __post_init__(self) -> None:
        """Reject what is no budget.

        Raises:
            ValueError: See the class.
        """
        check_length(self.epsilon, "epsilon")

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"{self.classifier.label} budget {self.epsilon:.3f}"

    @property
    def stem(self) -> str:
        """What the name of its record begins with."""
        return self.classifier.stem

    def record_name(self, path: str = SINGLE) -> str:
        """Name its record; the digest is of the batch as well.

        Args:
            path: ``"single"``, or the batch in which its classifier was trained.

        Returns:
            A file name; two runs that differ anywhere have different names.
        """
        digest = settings_digest({"config": self.settings, "path": path})
        return f"{self.stem}-{digest}.json"

    def check_trained(self, trained: TrainedClassifier, path: str = SINGLE) -> None:
        """Reject the classifier of another configuration, or of another path.

        Args:
            trained: The classifier given for it.
            path: ``"single"``, or the batch in which it has to have been trained.

        Raises:
            ValueError: See the summary.
        """
        if trained.config != self.classifier:
            raise ValueError(
                f"trained must be the classifier of {self.classifier.label}, got "
                f"{trained.config.label} or other settings."
            )
        if (found := trained.record["path"]) != path:
            raise ValueError(
                f"trained must be of the path {path!r}, got {found!r} for "
                f"{self.classifier.label}."
            )


def check_different(config: Any, **known: Collection[str]) -> None:
    """Refuse settings that name something unknown, or something twice.

    Args:
        config: The settings.
        **known: For each field what it may name.

    Raises:
        ValueError: If a field names anything else, or the same twice.
    """
    for name, choices in known.items():
        values = getattr(config, name)
        if len(set(values)) != len(values) or set(values) - set(choices):
            raise ValueError(
                f"{name} must be different ones of {(*choices,)}, got {values}."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationResult:
    """The budgets of a data set.

    Attributes:
        config: What was calibrated.
        target: The share of points that FGM was to leave alone.
        budgets: The budget of each pair, in pixels.
        kept: The share FGM leaves alone there.
        path: ``"single"``, or the batch; the first records do not say.
        source: Source of the data.
        code: Digest of the code.
    """

    config: CalibrationConfig
    target: float
    budgets: tuple[float, ...]
    kept: tuple[float, ...]
    path: str = SINGLE
    source: str
    code: str


CalibrationConfig.result_type = CalibrationResult


def calibrate(
    config: CalibrationConfig, trained: Sequence[TrainedClassifier]
) -> Record:
    """Set the budgets of a data set.

    Args:
        config: What to calibrate.
        trained: Its classifiers, in order.

    Returns:
        A record, as :class:`CalibrationResult` reads it.

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
        "schema": config.schema,
        "config": config.settings,
        "target": config.target,
        "budgets": budgets,
        "kept": kept,
        "path": paths.pop(),
        "source": trained[0].record["source"],
        "code": CODE_DIGEST,
    }


def calibrate_shared_epsilon(
    margins: Sequence[Float[Tensor, " _"]], accuracy: float
) -> float:
    r"""Find the one budget at which FGM leaves a given accuracy on average over tasks.

    The mean over tasks of the share of points with a margin of at least epsilon falls
    with epsilon in steps; the budget is put halfway between the two neighboring margins
    where it comes nearest to the target.

    Args:
        margins: The margins :math:`|f| / \|\nabla f\|_2` of each task's points.
        accuracy: The mean share to survive, in (0, 1).

    Returns:
        The budget, in the units of the inputs.

    Raises:
        ValueError: If ``accuracy`` is outside (0, 1), a task has no points, or no
            budget leaves it because margins are infinite.

    Example:
        >>> tasks = [torch.tensor([1.0, 2.0]), torch.tensor([4.0, 8.0])]
        >>> calibrate_shared_epsilon(tasks, accuracy=0.5)
        3.0
    """
    accuracy = check_fraction(accuracy, "accuracy")
    if not len(margins) or not all(len(task) for task in margins):
        raise ValueError(
            "margins must hold at least one task and one point in each, got "
            f"{[len(task) for task in margins]} points."
        )
    values = torch.cat([task.double().cpu() for task in margins])
    shares = torch.cat(
        [torch.full((len(task),), 1.0 / (len(task) * len(margins))) for task in margins]
    )
    values, order = values.sort()
    # What is left once every margin up to this one is below the budget.
    left = 1.0 - shares.double()[order].cumsum(0)
    ends = (values[:-1] < values[1:]) & values[1:].isfinite()
    places = ends.nonzero().squeeze(-1)
    if not len(places):
        raise ValueError(
            f"no budget leaves an accuracy of {accuracy}: all {len(values)} margins "
            "are equal or infinite."
        )
    nearest = int(places[(left[places] - accuracy).abs().argmin()])
    return float(values[nearest] + values[nearest + 1]) / 2.0
