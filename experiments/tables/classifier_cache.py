"""Trained classifiers on disk, until the code that made them changes."""

import hashlib
from pathlib import Path

from experiments.store.record_files import load_record, save_bytes, save_record
from experiments.tables.classifiers import CLASSIFIER_SCHEMA, TrainedClassifier


def save_trained(trained: TrainedClassifier, cache: Path) -> None:
    """Keep a classifier under the name that its maker gave it.

    First its weights, then the record that makes it count.

    Args:
        trained: The classifier.
        cache: The folder, which must exist.
    """
    name = trained.record["name"]
    save_bytes(trained.weights, cache / f"{name}.safetensors")
    digest = hashlib.sha256(trained.weights).hexdigest()
    save_record(trained.record | {"weights_sha256": digest}, cache / f"{name}.json")


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
    record = load_record(files[0], schema=CLASSIFIER_SCHEMA)
    weights = files[1].read_bytes()
    expected, found = record.pop("weights_sha256"), hashlib.sha256(weights).hexdigest()
    if found != expected:
        raise ValueError(f"{files[1]} must have sha256 {expected}, got {found}.")
    return TrainedClassifier(weights=weights, record=record)
