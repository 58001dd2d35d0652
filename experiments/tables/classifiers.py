r"""Stage A of an experiment: a classifier of two classes, and its training margins.

A pure function of its configuration and the data. What it returns travels between
processes and machines, so it holds bytes and plain values only. Weights are kept in a
cache, under a name that changes with whatever may change them: settings, the code that
matters, the version of torch, the device and what was trained in one batch.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import metadata
from typing import Any

import torch
from jaxtyping import Float, Int64
from safetensors.torch import load, save
from torch import Tensor

from experiments.store.keyed import SINGLE
from experiments.store.plain_values import from_plain, plain
from experiments.store.provenance import one_thread, provenance
from experiments.store.record_files import code_digest, settings_digest
from paper_lib.checks import check_count, check_seed
from paper_lib.checks.arguments import available_device
from paper_lib.data.pairs import ClassPair, Dataset, Source, Splits, load_splits
from paper_lib.evaluation import logits_at
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import PairCNN, TrainConfig, train_classifier
from paper_lib.models.training import TrainResult

CLASSIFIER_SCHEMA = "paper-lib/classifier-record/1"
# The modules that decide weights and margins.
_CODE = tuple(
    f"paper_lib/{part}"
    for part in ("checks/", "geometry/", "data/", "models/", "linearize.")
)
# As imported, like the digest of the whole: an edit while it runs changes no name.
_CODE_DIGEST = code_digest(*_CODE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifierConfig:
    """Everything that decides a classifier, apart from the data.

    Attributes:
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        classes: The two classes; the first is -1.
        seed: Seed of training, and of the choice of points to fit on.
        train: Settings of the classifier.
        num_fit: Training points on which budgets are calibrated and defenses fitted,
            drawn at random; all of them where there are fewer.

    Raises:
        ValueError: If ``num_fit`` is below one or the seed is no seed.
    """

    dataset: Dataset = "mnist"
    classes: tuple[int, int] = (0, 1)
    seed: int = 0
    train: TrainConfig = field(default_factory=TrainConfig)
    num_fit: int = 4000

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        check_seed(self.seed)
        check_count(self.num_fit, "num_fit", 1)

    @property
    def label(self) -> str:
        """What a person calls the run."""
        first, second = self.classes
        return f"{self.dataset} {first}-{second} seed {self.seed}"

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return self.label.replace(" seed ", "-seed").replace(" ", "-")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainedClassifier:
    """Stage A: weights, and the record of how they came about.

    Attributes:
        weights: The weights, as the bytes of a safetensors file.
        record: Plain values, with the margins at the points to fit on.
    """

    weights: bytes
    record: dict[str, Any]

    @property
    def config(self) -> ClassifierConfig:
        """The configuration."""
        return from_plain(ClassifierConfig, self.record["config"])

    def model(self, device: str = "cpu") -> PairCNN:
        """Build the classifier.

        Args:
            device: Where its weights go.

        Returns:
            The classifier, in eval mode.
        """
        with torch.random.fork_rng(devices=[]):
            model = self.config.train.build()
        model.load_state_dict(load(self.weights))
        return model.to(device).eval()

    @property
    def margins(self) -> Float[Tensor, " n"]:
        """The margins at the points to fit on; infinite where the gradient is zero."""
        return torch.tensor(
            [float("inf") if m is None else m for m in self.record["margins"]],
            dtype=torch.float64,
        )


# A worker meets the pairs of one data set one after another.
@lru_cache(maxsize=1)
def _splits(dataset: Dataset, root: str | None, source: Source) -> Splits:
    return load_splits(dataset, root=root, source=source)


def pair_of(
    config: ClassifierConfig, *, root: str | None = None, source: Source = "auto"
) -> ClassPair:
    """Load the images of a configuration; a process reads a data set once.

    Args:
        config: The configuration.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.

    Returns:
        The pair.
    """
    return _splits(config.dataset, root, source).pair(config.classes)


def fit_points(config: ClassifierConfig, num_train: int) -> Int64[Tensor, " n"]:
    """Choose the training points to fit on.

    Args:
        config: The configuration.
        num_train: How many training points there are.

    Returns:
        Their places, in increasing order.
    """
    # Another stream than that of the order in training.
    generator = torch.Generator().manual_seed(config.seed + 2**31)
    order = torch.randperm(num_train, generator=generator)
    return order[: config.num_fit].sort().values


def fit_images(config: ClassifierConfig, pair: ClassPair) -> Float[Tensor, "n 1 28 28"]:
    """Take the images to fit on.

    Args:
        config: The configuration.
        pair: The images.

    Returns:
        The chosen training images.
    """
    return pair.train.images[fit_points(config, len(pair.train.labels))]


def train_pair(
    config: ClassifierConfig,
    *,
    root: str | None = None,
    source: Source = "auto",
    device: str = "cpu",
) -> TrainedClassifier:
    """Train the classifier of one pair, and measure its margins. Stage A.

    Args:
        config: What to train.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.
        device: Where to compute.

    Returns:
        Weights and record. Two runs on one machine differ in
        ``record["provenance"]["seconds"]`` alone.
    """
    available_device(device)  # fails now rather than after the run
    started = time.perf_counter()
    with one_thread(), full_precision():
        pair = pair_of(config, root=root, source=source)
        result = train_classifier(
            pair.train, config=config.train, seed=config.seed, device=device
        )
        lin = linearize(result.model, fit_images(config, pair).to(device))
        trained = pack_trained(config, pair, result, lin, device=device)
    seconds = round(time.perf_counter() - started, 1)
    trained.record["provenance"]["seconds"] = seconds
    return trained


def pack_trained(
    config: ClassifierConfig,
    pair: ClassPair,
    result: TrainResult,
    lin: Linearization,
    *,
    device: str,
    batching: str = SINGLE,
) -> TrainedClassifier:
    """Bring a trained classifier and its record into the form that travels.

    Args:
        config: The configuration.
        pair: The images.
        result: The classifier.
        lin: The classifier linearized at the points to fit on.
        device: Where it was trained.
        batching: ``"single"``, or the batch that was trained together.

    Returns:
        Weights and record, whose provenance still lacks the seconds.
    """
    logits = logits_at(result.model, pair.test.images.to(device)).cpu()
    weights = {name: w.cpu() for name, w in result.model.state_dict().items()}
    return TrainedClassifier(
        weights=save(weights),
        record={
            "schema": CLASSIFIER_SCHEMA,
            "config": plain(asdict(config)),
            "path": batching,
            # Whoever makes it names it, so that no file bears the name of other code.
            "name": classifier_name(
                config, source=pair.source, device=device, batching=batching
            ),
            "source": pair.source,
            "sizes": {
                "train": len(pair.train.labels),
                "fit": len(lin.logits),
                "test": len(pair.test.labels),
            },
            "history": list(result.history),
            "test_correct": int((logits * pair.test.labels > 0).sum()),
            "margins": [m if m < float("inf") else None for m in lin.margins.tolist()],
            "provenance": provenance(pair, device),
        },
    )


def classifier_name(
    config: ClassifierConfig, *, source: str, device: str, batching: str = SINGLE
) -> str:
    """Name a trained classifier by everything that may change its weights.

    Args:
        config: The configuration.
        source: Source of the data: embedded images are other images.
        device: Where it is trained.
        batching: ``"single"``, or the batch that was trained together.

    Returns:
        A file name without its ending.
    """
    key = {
        "config": plain(asdict(config)),
        "embedded": source == "embedded",
        "code": _CODE_DIGEST,
        "torch": metadata.version("torch"),
        "device": available_device(device).type,
        "path": batching,
    }
    return f"{config.stem}-{settings_digest(key)}"


def batch_name(configs: Sequence[ClassifierConfig]) -> str:
    """Name the batch of classifiers that are trained together.

    Args:
        configs: The classifiers, in order.

    Returns:
        How many there are, and a digest of their settings.
    """
    digest = settings_digest([asdict(config) for config in configs])
    return f"batched-{len(configs)}-{digest}"
