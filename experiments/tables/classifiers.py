r"""Stage A of an experiment: a classifier of two classes, and its training margins.

A pure function of its configuration and the data. What it returns travels between
processes and machines, so it holds bytes and plain values only. Weights are kept in a
cache, under a name that changes with whatever may change them: settings, the code that
matters, the version of torch, the device and what was trained in one batch.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from safetensors.torch import load, save
from torch import Tensor

from experiments.store import record_files
from experiments.store.keyed import SINGLE
from experiments.store.pair_settings import HERE, PairSettings, Site
from experiments.store.provenance import note_seconds, one_thread, provenance
from experiments.tables.computing import ALONE, Computing, check_equal
from experiments.tables.example_network import ExampleConfig
from paper_lib.checks.arguments import available_device, check_count
from paper_lib.data.pairs import ClassPair
from paper_lib.evaluation import logits_at
from paper_lib.geometry.sums import full_precision
from paper_lib.linearize import Linearization
from paper_lib.models import PairCNN, TrainConfig
from paper_lib.models.training import TrainResult

CLASSIFIER_SCHEMA = "paper-lib/classifier-record/1"
# The modules that decide weights and margins.
_CODE = (
    *(
        f"paper_lib/{part}"
        for part in ("checks/", "geometry/", "data/", "models/", "linearize.")
    ),
    "experiments/tables/example_network.",
)
# As imported, like the digest of the whole: an edit while it runs changes no name.
_CODE_DIGEST = record_files.code_digest(*_CODE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifierConfig(PairSettings):
    """Everything that decides a classifier and its margins, apart from the data.

    Attributes:
        train: Settings of the classifier, of this project's kind or the example's.
        num_fit: Training points on which budgets are calibrated and defenses fitted,
            drawn at random; all of them where there are fewer.

    Raises:
        ValueError: If ``num_fit`` is below one or the seed is no seed.
    """

    train: TrainConfig | ExampleConfig = field(default_factory=TrainConfig)
    num_fit: int = 4000

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        PairSettings.__post_init__(self)
        check_count(self.num_fit, "num_fit", 1)


def classifier_of(settings: PairSettings, num_fit: int) -> ClassifierConfig:
    """Name the classifier of settings, which may say more."""
    shared = {one.name: getattr(settings, one.name) for one in fields(PairSettings)}
    return ClassifierConfig(**shared, num_fit=num_fit)


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
        return record_files.from_plain(ClassifierConfig, self.record["config"])

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


def train_pairs(
    configs: Sequence[ClassifierConfig], site: Site = HERE, *, how: Computing = ALONE
) -> list[TrainedClassifier]:
    """Train the classifiers of several pairs, and measure their margins. Stage A.

    Args:
        configs: What to train, of equal settings of the classifier.
        site: Where to find the images, and where to compute.
        how: Computes each alone, or all as one batch.

    Returns:
        Weights and records. Two runs on one machine differ in
        ``record["provenance"]["seconds"]`` alone, of which each has its share.

    Raises:
        ValueError: If there is no configuration, or their classifiers differ in
            settings.
    """
    check_equal(configs, "train")
    started = time.perf_counter()
    with one_thread(), full_precision():
        pairs = [config.images(site) for config in configs]
        images, seeds = [pair.train for pair in pairs], [one.seed for one in configs]
        train = configs[0].train
        results = how.train(images, seeds, config=train, device=site.device)
        points = [
            fit_images(*one).to(site.device) for one in zip(configs, pairs, strict=True)
        ]
        lins = how.linearize([result.model for result in results], points)
        path = how.path(configs)
        trained = [
            _packed(*one, site, path)
            for one in zip(configs, pairs, results, lins, strict=True)
        ]
    note_seconds([one.record for one in trained], started)
    return trained


def train_pair(config: ClassifierConfig, site: Site = HERE) -> TrainedClassifier:
    """Train the classifier of one pair; see :func:`train_pairs`."""
    return train_pairs([config], site)[0]


def _packed(
    config: ClassifierConfig,
    pair: ClassPair,
    result: TrainResult,
    lin: Linearization,
    site: Site,
    path: str,
) -> TrainedClassifier:
    """Bring a classifier and its record, but for the seconds, into what travels."""
    logits = logits_at(result.model, pair.test.images.to(site.device)).cpu()
    weights = {name: w.cpu() for name, w in result.model.state_dict().items()}
    return TrainedClassifier(
        weights=save(weights),
        record={
            "schema": CLASSIFIER_SCHEMA,
            "config": record_files.plain(asdict(config)),
            "path": path,
            # Whoever makes it names it, so that no file bears the name of other code.
            "name": classifier_name(config, site, path),
            "source": pair.source,
            "sizes": {
                "train": len(pair.train.labels),
                "fit": len(lin.logits),
                "test": len(pair.test.labels),
            },
            "history": list(result.history),
            "test_correct": int((logits * pair.test.labels > 0).sum()),
            "margins": [m if m < float("inf") else None for m in lin.margins.tolist()],
            "provenance": provenance(pair, site.device),
        },
    )


def classifier_name(config: ClassifierConfig, site: Site, path: str = SINGLE) -> str:
    """Name a trained classifier by everything that may change its weights.

    Args:
        config: The configuration.
        site: Where its images are, of which embedded ones are others, and where it is
            trained.
        path: ``"single"``, or the batch that was trained together.

    Returns:
        A file name without its ending.
    """
    key = {
        "config": record_files.plain(asdict(config)),
        "embedded": site.source == "embedded",
        "code": _CODE_DIGEST,
        "torch": metadata.version("torch"),
        "device": available_device(site.device).type,
        "path": path,
    }
    return f"{config.stem}-{record_files.settings_digest(key)}"


def save_trained(trained: TrainedClassifier, cache: Path) -> None:
    """Keep a classifier under the name that its maker gave it.

    First its weights, then the record that makes it count.

    Args:
        trained: The classifier.
        cache: The folder, which must exist.
    """
    name = trained.record["name"]
    record_files.save_bytes(trained.weights, cache / f"{name}.safetensors")
    digest = hashlib.sha256(trained.weights).hexdigest()
    record_files.save_record(
        trained.record | {"weights_sha256": digest}, cache / f"{name}.json"
    )


def load_trained(cache: Path, name: str) -> TrainedClassifier | None:
    """Take a classifier from the cache.

    Args:
        cache: The folder.
        name: Its name there.

    Returns:
        The classifier; None if it is not there.

    Raises:
        ValueError: If its files are damaged or do not belong together.
    """
    files = [cache / f"{name}.json", cache / f"{name}.safetensors"]
    if not all(file.is_file() for file in files):
        return None
    record = record_files.load_record(files[0], schema=CLASSIFIER_SCHEMA)
    weights = files[1].read_bytes()
    expected, found = record.pop("weights_sha256"), hashlib.sha256(weights).hexdigest()
    if found != expected:
        raise ValueError(f"{files[1]} must have sha256 {expected}, got {found}.")
    return TrainedClassifier(weights=weights, record=record)
