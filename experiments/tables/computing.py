"""What both stages compute of the pairs of a run: of each alone, or of all at once."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from experiments.store.keyed import SINGLE
from experiments.store.record_files import settings_digest
from experiments.tables.defenses import FittedDefense, fit_solver
from experiments.tables.example_network import ExampleConfig, train_example
from paper_lib.attacks import PGD_READINGS, PGDResult
from paper_lib.data import LabeledImages
from paper_lib.linearize import Linearization, linearize
from paper_lib.models.training import TrainConfig, TrainResult, train_classifier


@dataclass(frozen=True, kw_only=True, slots=True)
class Computing:
    """How the pairs of a run are computed; each function takes a list of each operand.

    Attributes:
        train: Trains on images with seeds, at one ``config`` and ``device``.
        linearize: Linearizes models at inputs.
        attack: Attacks models at inputs and budgets, by one ``reading`` of PGD.
        fit: Fits a ``solver`` to robust sets with seeds, by as many ``ramp_steps``.
        together: Whether pairs are computed as one batch, which rounds otherwise.
    """

    train: Callable[..., list[TrainResult]]
    linearize: Callable[..., list[Linearization]]
    attack: Callable[..., list[PGDResult]]
    fit: Callable[..., list[FittedDefense]]
    together: bool = False

    def path(self, configs: Sequence[Any]) -> str:
        """Name how classifiers are computed, as their records do.

        Args:
            configs: Their configurations, in order.

        Returns:
            ``"single"``; or of a batch how many there are, and a digest of their
            settings.
        """
        if not self.together:
            return SINGLE
        digest = settings_digest([asdict(config) for config in configs])
        return f"batched-{len(configs)}-{digest}"


def _each(compute: Callable[..., Any], *operands: Any, **shared: Any) -> list[Any]:
    return [compute(*one, **shared) for one in zip(*operands, strict=True)]


def _train(data: LabeledImages, seed: int, *, config: TrainConfig, device: str):
    """Train a classifier of this project's kind, or the example's."""
    if isinstance(config, ExampleConfig):
        return train_example(data, config=config, seed=seed, device=device)
    return train_classifier(data, config=config, seed=seed, device=device)


def _attack(*operands: Any, reading: str) -> PGDResult:
    return PGD_READINGS[reading].attack(*operands)


ALONE = Computing(
    train=partial(_each, _train),
    linearize=partial(_each, linearize),
    attack=partial(_each, _attack),
    fit=partial(_each, fit_solver),
)


def check_equal(configs: Sequence[Any], *names: str) -> None:
    """Reject configurations that cannot be computed together.

    Args:
        configs: The configurations.
        *names: What they have to share.

    Raises:
        ValueError: If there are none, or they differ there.
    """
    if not configs:
        raise ValueError("configs must be at least one, got none.")
    for name in names:
        values = [getattr(config, name) for config in configs]
        if any(value != values[0] for value in values):
            different = list(dict.fromkeys(map(str, values)))
            raise ValueError(f"configs must share {name}, got {different}.")
