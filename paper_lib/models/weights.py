"""Weights on disk, as safetensors: data, never code."""

import json

import torch

from paper_lib.checks.arguments import available_device, check_type
from paper_lib.files import AnyPath, load_tensors, save_tensors
from paper_lib.models.cnn import PairCNN

_FORMAT = ("paper-lib/pair-cnn/1", "settings")


def save_classifier(model: PairCNN, path: AnyPath) -> None:
    """Write weights and settings as safetensors, whole or not at all.

    Args:
        model: The classifier.
        path: The file to write or replace; its folder must exist.

    Raises:
        TypeError: If ``model`` is another kind of module.

    Example:
        >>> import os
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_classifier(PairCNN(), f"{folder}/model.st")
        ...     os.listdir(folder)
        ['model.st']
    """
    check_type(model, "model", PairCNN)
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    save_tensors(path, weights, json.dumps(model.settings), _FORMAT)


def load_classifier(path: AnyPath, *, device: str | torch.device = "cpu") -> PairCNN:
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

    Example:
        >>> import tempfile
        >>> model = PairCNN(hidden=5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_classifier(model, f"{folder}/model.st")
        ...     load_classifier(f"{folder}/model.st").settings["hidden"]
        5
    """
    place = available_device(device)
    settings, weights = load_tensors(path, "a file of weights", _FORMAT, "pt")
    model = _build(settings, path)
    try:
        model.to(next(iter(weights.values())).dtype).load_state_dict(weights)
    except (RuntimeError, StopIteration) as error:
        raise ValueError(f"{path} does not fit its own settings: {error}") from error
    return model.to(place).eval()


def _build(settings: str, path: AnyPath) -> PairCNN:
    """Build the network that the stored settings describe, or say that they do not."""
    try:
        values = json.loads(settings)
        # The initial weights are overwritten: leave the global generator alone.
        with torch.random.fork_rng(devices=[]):
            return PairCNN(**values | {"channels": tuple(values["channels"])})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds settings of no PairCNN: {error}") from error
