"""The complete data sets: found in a folder, checked, read; or fetched into one.

A file counts only if its content has the expected checksum, so it makes no difference
to a result which of the places it was read from.
"""

import os
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from paper_lib.checks.extras import needing
from paper_lib.data.images import TenClasses
from paper_lib.data.places import CLASS_NAMES, ROOT_VARIABLE, Place, search_places


def load_complete(
    dataset: str, *, root: Path | None, source: str, download: bool
) -> tuple[TenClasses, TenClasses, str]:
    """Read a complete data set from the first place that has all its files.

    Args:
        dataset: "mnist" or "fashion-mnist".
        root: The first folder to look in.
        source: "auto", "torchvision" or "debian".
        download: Whether to fetch the set if no place has it.

    Returns:
        Training images, test images and the source they came from.

    Raises:
        FileNotFoundError: If no place has it and ``download`` is false, or a folder
            that the user named does not exist.
        ValueError: If a file is truncated or altered.
    """
    places = search_places(dataset, root=root, source=source, download=download)
    place = next((place for place in places if not place.missing()), None)
    if download and (place is None or _is_damaged(place, places[0])):
        place = _fetch(places[0])
    if place is None:
        raise FileNotFoundError(_nowhere(places))
    return *_parse(place), place.source


def _nowhere(places: list[Place]) -> str:
    """Say where was looked, what each place lacks and what can be done about it."""
    dataset, destination = places[0].dataset, places[0].folder
    lines = [f"No complete {dataset} found. Looked in"]
    for place in places:
        files, missing = list(place.files().values()), place.missing()
        lack = "all its files" if len(missing) == len(files) else ", ".join(missing)
        lines.append(f"- {place.label}, {files[0].parent}: lacks {lack}")
    if places[0].source == "torchvision":
        lines.append(f"Pass download=True to fetch it into {destination},")
        lines.append(f"or as root, or as ${ROOT_VARIABLE}, a folder that has it.")
    if dataset == "mnist":
        lines.append('Pass source="embedded" for 5,000 of its images.')
    return "\n".join(lines)


def _is_damaged(place: Place, destination: Place) -> bool:
    try:
        place.contents()
    except ValueError as error:
        # Shown at the line that called load_pair.
        message = f"{error} Fetching a fresh copy into {destination.folder}."
        warnings.warn(message, stacklevel=4)
        return True
    return False


def _parse(place: Place) -> tuple[TenClasses, TenClasses]:
    """Let torchvision read the verified bytes, and nothing else."""
    contents = place.contents()
    # In the place itself torchvision would prefer pickled tensors that its old versions
    # left beside the files, so it gets a folder that holds what was verified.
    with TemporaryDirectory(prefix="paper_lib-") as scratch:
        clean = Place("verified", place.dataset, Path(scratch))
        for name, path in clean.files().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[name])
        train = _torchvision_set(clean, train=True)
        test = _torchvision_set(clean, train=False)
    return train, test


def _torchvision_set(
    place: Place, *, train: bool, download: bool = False
) -> TenClasses:
    # Here, because importing torchvision takes longer than all the embedded images.
    with needing("torchvision", "load_pair", "data"):
        from torchvision import datasets

    dataset_class = getattr(datasets, CLASS_NAMES[place.dataset])
    loaded = dataset_class(place.folder, train=train, download=download)
    return TenClasses(images=loaded.data, targets=loaded.targets)


def _fetch(place: Place) -> Place:
    """Let torchvision download beside the destination, check, then move into place."""
    # Each file appears whole or not at all, and none is trusted without its checksum:
    # an interruption at any moment costs another download and nothing else.
    place.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".paper_lib-", dir=place.folder) as scratch:
        fresh = Place("download", place.dataset, Path(scratch))
        try:
            _torchvision_set(fresh, train=False, download=True)
            fresh.contents()
        except Exception as error:
            error.add_note(f"Nothing of the download was kept in {place.folder}.")
            raise
        for name, destination in place.files().items():
            destination.parent.mkdir(parents=True, exist_ok=True)
            os.replace(fresh.files()[name], destination)
    return place
