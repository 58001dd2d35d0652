"""Where a complete data set may lie, and whether what lies there is intact."""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

ROOT_VARIABLE = "PAPER_LIB_DATA"
DEBIAN_PACKAGE = "dataset-fashion-mnist"
# Where that package puts its files; Debian has none for MNIST.
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")

_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# The sha256 of each, uncompressed.
_SUMS = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
CHECKSUMS = {
    dataset: dict(zip(_FILES, sums, strict=True)) for dataset, sums in _SUMS.items()
}
# The class in torchvision.datasets, and the folder it reads below its root.
CLASS_NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that may hold the four files of a data set.

    Attributes:
        label: What the user knows it by.
        dataset: The data set looked for.
        folder: The root of torchvision's layout, or Debian's folder of gzip files.
        source: "torchvision" or "debian".
        must_exist: Whether it is a mistake if there is no such folder.
    """

    label: str
    dataset: str
    folder: Path
    source: str = "torchvision"
    must_exist: bool = False

    def files(self) -> dict[str, Path]:
        """Where each of the four files would be.

        Returns:
            Paths by the name of the uncompressed file.
        """
        if self.source == "debian":
            return {name: self.folder / f"{name}.gz" for name in _FILES}
        raw = self.folder / CLASS_NAMES[self.dataset] / "raw"
        return {name: raw / name for name in _FILES}

    def missing(self) -> list[str]:
        """Which of the files are not there.

        Returns:
            File names, as they would be in this place.

        Raises:
            NotADirectoryError: If the folder is something else.
            FileNotFoundError: If the folder must exist and does not.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(
                f"{self.label} must be a folder, got {self.folder}."
            )
        if self.must_exist and not self.folder.exists():
            raise FileNotFoundError(
                f"{self.label} must be an existing folder, got {self.folder}."
            )
        return [path.name for path in self.files().values() if not path.is_file()]

    def contents(self) -> dict[str, bytes]:
        """Read the files, uncompressed, and compare them with their checksums.

        Returns:
            The bytes by the name of the uncompressed file.

        Raises:
            ValueError: If a file is not the expected one.
        """
        contents = {name: _read(path) for name, path in self.files().items()}
        for name, expected in CHECKSUMS[self.dataset].items():
            found = hashlib.sha256(contents[name]).hexdigest()
            if found != expected:
                raise ValueError(
                    f"{self.files()[name]} is truncated or altered: its content must "
                    f"have sha256 {expected}, got {found} "
                    f"({len(contents[name])} bytes)."
                )
        return contents


def usual_cache() -> Path:
    """The folder that torchvision itself reserves for data sets.

    It is ``datasets/vision`` in torch's cache: ``$TORCH_HOME``, by default
    ``~/.cache/torch``.

    Returns:
        The folder, which need not exist.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "datasets" / "vision"


def search_places(
    dataset: str, *, root: Path | None, source: str, download: bool
) -> list[Place]:
    """List the places to look in, in this order.

    Args:
        dataset: "mnist" or "fashion-mnist".
        root: The folder named in the call, if any.
        source: "auto", "torchvision" or "debian".
        download: Whether the first place is a destination, which need not exist yet.

    Returns:
        At least one place; the first is where a download goes.
    """
    package = f"Debian's package {DEBIAN_PACKAGE}"
    debian = Place(package, dataset, DEBIAN_FOLDER, source="debian")
    if source == "debian":
        return [debian]
    named = {"root": root, f"${ROOT_VARIABLE}": os.environ.get(ROOT_VARIABLE) or None}
    places = []
    for label, folder in named.items():
        if folder is not None:
            path = Path(folder).expanduser()
            places.append(Place(label, dataset, path, must_exist=True))
    places.append(Place("torchvision's cache", dataset, usual_cache()))
    if download:
        places[0] = replace(places[0], must_exist=False)
    if source == "auto" and dataset == "fashion-mnist":
        places.append(debian)
    return places


def _read(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is truncated or altered: it must be a gzip file, got {error}."
        ) from error
