"""Two classes of a data set, from wherever it is."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from paper_lib.checks import check_choice
from paper_lib.data.complete import load_complete
from paper_lib.data.embedded import load_embedded
from paper_lib.data.images import LabeledImages, TenClasses, select

Dataset = Literal["mnist", "fashion-mnist"]
Source = Literal["auto", "torchvision", "debian", "embedded"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClassPair:
    """Training and test images of two classes, and where they came from.

    Attributes:
        dataset: "mnist" or "fashion-mnist".
        classes: The class labeled -1, then the class labeled +1.
        train: Training images, in the order of the source.
        test: Test images, in the order of the source.
        source: "torchvision", "debian" or "embedded".
        fingerprint: The sha256 of the four arrays, computed from them: equal for equal
            images and labels, whatever the source.

    Example:
        >>> import torch
        >>> images = LabeledImages(
        ...     images=torch.zeros(2, 3), labels=torch.tensor([-1.0, 1.0])
        ... )
        >>> pair = ClassPair(
        ...     dataset="mine", classes=(0, 1), train=images, test=images, source="me"
        ... )
        >>> len(pair.fingerprint)
        64
    """

    dataset: str
    classes: tuple[int, int]
    train: LabeledImages
    test: LabeledImages
    source: str
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the fingerprint."""
        object.__setattr__(self, "fingerprint", _fingerprint(self.train, self.test))


def load_pair(
    dataset: Dataset,
    classes: tuple[int, int],
    root: str | os.PathLike[str] | None = None,
    source: Source = "auto",
    download: bool = False,
) -> ClassPair:
    """Load the images of two classes.

    With ``source="auto"`` the complete data set is read from the first place that has
    all its files: ``root``; the folder named by the environment variable
    ``PAPER_LIB_DATA``; torchvision's cache, ``datasets/vision`` below ``$TORCH_HOME``
    (by default ``~/.cache/torch``); Debian's package ``dataset-fashion-mnist``. Every
    file is compared with a checksum, so which place it was makes no difference.

    ``download=True`` is the only thing that touches the network, and only if no place
    has the set or, with a warning, if the one found is damaged. It goes to ``root``,
    else to ``$PAPER_LIB_DATA``, else to torchvision's cache; creates that folder if
    need be; and replaces damaged files there.

    Args:
        dataset: "mnist" or "fashion-mnist".
        classes: The class to label -1, then the class to label +1; each 0 to 9.
        root: A folder in torchvision's layout, ``MNIST/raw`` or ``FashionMNIST/raw``
            below it.
        source: "auto"; "torchvision" for folders only; "debian" for that package only;
            "embedded" for 500 images a class of MNIST that need no download, 400 to
            train on and 100 (every fifth) to test on.
        download: Whether a complete set that is in none of the places may be fetched.

    Returns:
        The pair: images float32 of shape ``(n, 1, 28, 28)`` in ``[0, 1]``.

    Raises:
        ValueError: If an argument is not one of those above, ``source`` does not have
            the data set or takes no ``root`` or ``download``, or a file is truncated
            or altered.
        FileNotFoundError: If no place has the complete set (says where it looked), or
            ``root`` or ``$PAPER_LIB_DATA`` names a folder that does not exist.
        NotADirectoryError: If one of them names a file.
        RuntimeError: If a download fails; torchvision's, with the addresses tried.

    Example:
        >>> pair = load_pair("mnist", (0, 1), source="embedded")
        >>> pair.train.images.shape
        torch.Size([800, 1, 28, 28])
        >>> pair.fingerprint[:8]
        'aa3ee675'
    """
    chosen = check_classes(classes)  # before anything is read
    splits = load_splits(dataset, root=root, source=source, download=download)
    return splits.pair(chosen)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Splits:
    """All ten classes of a data set, read once for many pairs.

    Attributes:
        dataset: "mnist" or "fashion-mnist".
        train: Training images of all classes.
        test: Test images of all classes.
        source: Where they came from, as in :class:`ClassPair`.
    """

    dataset: str
    train: TenClasses
    test: TenClasses
    source: str

    def pair(self, classes: tuple[int, int]) -> ClassPair:
        """Select two classes.

        Args:
            classes: The class to label -1, then the class to label +1; each 0 to 9.

        Returns:
            The pair, as :func:`load_pair` gives it.

        Raises:
            ValueError: If the classes are not two different ones.
        """
        chosen = check_classes(classes)
        return ClassPair(
            dataset=self.dataset,
            classes=chosen,
            train=select(self.train, chosen),
            test=select(self.test, chosen),
            source=self.source,
        )


def load_splits(
    dataset: Dataset,
    root: str | os.PathLike[str] | None = None,
    source: Source = "auto",
    download: bool = False,
) -> Splits:
    """Load a data set with all its classes; :func:`load_pair` says from where.

    Args:
        dataset: "mnist" or "fashion-mnist".
        root: A folder in torchvision's layout.
        source: As for :func:`load_pair`.
        download: As for :func:`load_pair`.

    Returns:
        Both splits.

    Raises:
        ValueError: As :func:`load_pair`.
        FileNotFoundError: As :func:`load_pair`.
        NotADirectoryError: As :func:`load_pair`.
        RuntimeError: As :func:`load_pair`.
    """
    check_choice(dataset, "dataset", get_args(Dataset))
    check_choice(source, "source", get_args(Source))
    _check_combination(dataset, root=root, source=source, download=download)
    if source == "embedded":
        (train, test), found = load_embedded(), source
    else:
        folder = None if root is None else Path(root)
        train, test, found = load_complete(
            dataset, root=folder, source=source, download=download
        )
    return Splits(dataset=dataset, train=train, test=test, source=found)


def check_classes(classes: Sequence[int]) -> tuple[int, int]:
    """Reject what are no two classes; any integers will do, but for truth values.

    Args:
        classes: The two classes.

    Returns:
        The classes as a tuple of Python's own integers.

    Raises:
        ValueError: If they are not two different integers from 0 to 9.
    """
    expected = "classes must be two different integers from 0 to 9"
    found = tuple(classes) if isinstance(classes, Sequence) else ()
    digits = {one for one in found if isinstance(one, Integral) and one in range(10)}
    if len(found) != 2 or len(digits) != 2 or bool in map(type, found):
        raise ValueError(f"{expected}, got {classes!r}.")
    return int(found[0]), int(found[1])


def _check_combination(
    dataset: str, *, root: object, source: str, download: bool
) -> None:
    """Reject what would otherwise be ignored."""
    only = {"embedded": "mnist", "debian": "fashion-mnist"}.get(source, dataset)
    if dataset != only:
        raise ValueError(f"source={source!r} has {only!r} only, got {dataset!r}.")
    if source in ("embedded", "debian") and (root is not None or download):
        raise ValueError(
            f"source={source!r} takes neither root nor download, "
            f"got root={root!r} and download={download!r}."
        )


def _fingerprint(train: LabeledImages, test: LabeledImages) -> str:
    """Hash images and labels of both splits, each with its dtype and shape."""
    digest = hashlib.sha256()
    for tensor in (train.images, train.labels, test.images, test.labels):
        array = tensor.detach().cpu().numpy()
        digest.update(f"{array.dtype.name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()
