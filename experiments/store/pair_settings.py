"""What every run on two classes is told: which images, which classifier, and where."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, get_args

from jaxtyping import Int64
from torch import Tensor

from paper_lib.checks import check_choice, check_seed
from paper_lib.checks.arguments import available_device, check_type
from paper_lib.data import ClassPair, LabeledImages
from paper_lib.data.pairs import Dataset, Source, Splits, check_classes, load_splits
from paper_lib.models import TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where a run finds its images, and where it computes.

    Attributes:
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.
        device: Where to compute.

    Raises:
        ValueError: If the source is unknown, or the device not there: now rather than
            after the run.
    """

    root: str | None = None
    source: Source = "auto"
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Look for the device.

        Raises:
            ValueError: See the class.
        """
        check_choice(self.source, "source", get_args(Source))
        available_device(self.device)


HERE = Site()


# A worker meets the pairs of one data set one after another.
@lru_cache(maxsize=1)
def _splits(dataset: Dataset, root: str | None, source: Source) -> Splits:
    return load_splits(dataset, root=root, source=source)


@dataclass(frozen=True, kw_only=True, slots=True)
class PairSettings:
    """A classifier of two classes, and its images.

    Attributes:
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        classes: The two classes; the first is -1.
        seed: Seed of training, and of what else a run draws.
        train: Settings of the classifier.
        prefix: What the names of its files begin with, before the pair.

    Raises:
        TypeError: If ``train`` is no :class:`paper_lib.models.TrainConfig`.
        ValueError: If the data set is unknown, the classes are no two of its classes,
            or the seed is no seed.
    """

    prefix: ClassVar[str] = ""

    dataset: Dataset = "mnist"
    classes: tuple[int, int] = (0, 1)
    seed: int = 0
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        """Reject what is no pair of classes, no training or no seed.

        Raises:
            TypeError: See the class.
            ValueError: Likewise.
        """
        check_choice(self.dataset, "dataset", get_args(Dataset))
        object.__setattr__(self, "classes", check_classes(self.classes))
        check_type(self.train, "train", TrainConfig)
        check_seed(self.seed)

    @property
    def label(self) -> str:
        """What a person calls the run."""
        first, second = self.classes
        return f"{self.dataset} {first}-{second} seed {self.seed}"

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        first, second = self.classes
        return f"{self.prefix}{self.dataset}-{first}-{second}-seed{self.seed}"

    def images(self, site: Site) -> ClassPair:
        """Load the images; a process reads a data set once.

        Args:
            site: Where they are.

        Returns:
            The pair.
        """
        return _splits(self.dataset, site.root, site.source).pair(self.classes)


def some_images(
    images: LabeledImages, rows: Int64[Tensor, " k"] | slice
) -> LabeledImages:
    """Take some images.

    Args:
        images: The images.
        rows: Which.

    Returns:
        These, in that order.
    """
    return LabeledImages(images=images.images[rows], labels=images.labels[rows])
