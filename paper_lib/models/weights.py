"""Weights on disk, as safetensors: data, never code."""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from paper_lib.checks.arguments import available_device
from paper_lib.files import read_tensors, replacing
from paper_lib.models.cnn import PairCNN

_FORMAT = "paper-lib/pair-cnn/1"


def save_classifier(model: PairCNN, path: str | os.PathLike[str]) -> None:
    """Write weights and settings as safetensors, whole or not at all.

    Args:
        model: The classifier.
        path: The file to write or replace; its folder must exist.

    Raises:
        TypeError: If ``model`` is another kind of module.
    """
    if not isinstance(model, PairCNN):
        raise TypeError(f"model must be a PairCNN, got {type(model).__name__}.")
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    settings = json.dumps(model.settings)
    metadata = {
        "format": _FORMAT,
        "settings": settings,
        "sha256": _checksum(weights, settings),
    }
    with replacing(path) as part:
        save_file(weights, part, metadata=metadata)


def load_classifier(
    path: str | os.PathLike[str], *, device: str | torch.device = "cpu"
) -> PairCNN:
    """Read a classifier written by :func:`save_classifier`; no code in it is run.

    Args:
        path: The file.
        device: Where the weights go.

    Returns:
        The classifier, in eval mode.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not one that :func:`save_classifier` writes, or the
            device is not there.
    """
    place = available_device(device)
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must name a file of weights, got {path}.")
    metadata, weights = read_tensors(path, form=_FORMAT, framework="pt")
    settings = metadata.get("settings", "")
    expected, found = metadata.get("sha256"), _checksum(weights, settings)
    if found != expected:
        raise ValueError(
            f"{path} is altered: its content must have sha256 {expected}, got {found}."
        )
    model = _build(settings, path)
    try:
        model.to(next(iter(weights.values())).dtype).load_state_dict(weights)
    except (RuntimeError, StopIteration) as error:
        raise ValueError(f"{path} does not fit its own settings: {error}") from error
    return model.to(place).eval()


def _build(settings: str, path: str | os.PathLike[str]) -> PairCNN:
    """Build the network that the stored settings describe, or say that they do not."""
    try:
        values = json.loads(settings)
        # The initial weights are overwritten: leave the global generator alone.
        with torch.random.fork_rng(devices=[]):
            return PairCNN(**values | {"channels": tuple(values["channels"])})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds settings of no PairCNN: {error}") from error


def _checksum(weights: dict[str, Tensor], settings: str) -> str:
    """Hash names, kinds, shapes and values of all weights, and the settings."""
    digest = hashlib.sha256(settings.encode())
    for name, value in sorted(weights.items()):
        digest.update(f"{name}{value.dtype}{tuple(value.shape)}".encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
