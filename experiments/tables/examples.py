"""Images and defenses of a few pairs, small enough to be stored with the results."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from experiments.store.record_files import load_record, save_record
from experiments.tables.claims import extreme_gains
from experiments.tables.classifiers import linearize_fit, pair_of, train_pair
from experiments.tables.defenses import fit_solver
from experiments.tables.planning import PRIMARY_SOLVER
from experiments.tables.table_1 import LineResult
from paper_lib.data.pairs import Source
from paper_lib.robust_sets import RobustSets

EXAMPLES_SCHEMA = "paper-lib/examples/1"


def extreme_examples(
    primary: Mapping[str, LineResult],
    path: str | os.PathLike[str],
    *,
    compute: bool = False,
    root: str | None = None,
    source: Source = "auto",
) -> list[dict[str, Any]]:
    """Give the examples of the pairs that SMOOTH helps least and most against PGD.

    Args:
        primary: The primary line of each data set.
        path: The file that holds examples.
        compute: Compute all and replace the file, if it lacks one of these pairs.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.

    Returns:
        What the file has of the pairs that ``extreme_gains`` chooses, in its order; no
        other pair. Each as :func:`load_examples` gives it.
    """
    chosen = {
        (name, gain.classes, _budget(result, gain.classes)): (result, gain.classes)
        for name, result in primary.items()
        for gain in extreme_gains(result.scores)
    }
    found = _by_key(path)
    if compute and not chosen.keys() <= found.keys():
        save_examples(tuple(chosen.values()), path, root=root, source=source)
        found = _by_key(path)
    return [found[key] for key in chosen if key in found]


def _by_key(path: str | os.PathLike[str]) -> dict[tuple, dict[str, Any]]:
    """Read examples under their data set, classes and budget; none without a file."""
    if not Path(path).exists():
        return {}
    return {
        (one["dataset"], tuple(one["classes"]), one["epsilon"]): one
        for one in load_examples(path)
    }


def _budget(result: LineResult, classes: tuple[int, int]) -> float:
    place = result.line.calibration.pairs.index(classes)
    return result.calibration["budgets"][place]


def save_examples(
    chosen: Sequence[tuple[LineResult, tuple[int, int]]],
    path: str | os.PathLike[str],
    *,
    root: str | None = None,
    source: Source = "auto",
) -> dict[str, Any]:
    """Compute SMOOTH again for some pairs and store it with an image of each class.

    Args:
        chosen: Lines and, of each, a pair.
        path: The file to write or replace.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.

    Returns:
        The record.
    """
    examples = []
    for result, classes in chosen:
        config = result.line.calibration
        place = config.pairs.index(classes)
        classifier, epsilon = config.classifiers[place], _budget(result, classes)
        pair = pair_of(classifier, root=root, source=source)
        model = train_pair(classifier, root=root, source=source).model()
        fit = linearize_fit(classifier, model, pair)
        sets = RobustSets.from_linearization(fit, epsilon)
        v, report = fit_solver(PRIMARY_SOLVER, sets)
        images = [
            pair.test.images[pair.test.labels == label][0].flatten()
            for label in (-1.0, 1.0)
        ]
        examples.append(
            {
                "dataset": config.dataset,
                "classes": list(classes),
                "epsilon": epsilon,
                "train_coverage": report["train_coverage"],
                "images": [(255 * image).round().int().tolist() for image in images],
                "perturbation": [float(f"{value:.5g}") for value in v.tolist()],
            }
        )
    record = {"schema": EXAMPLES_SCHEMA, "examples": examples}
    save_record(record, path)
    return record


def load_examples(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Read what :func:`save_examples` wrote.

    Args:
        path: The file.

    Returns:
        The examples; ``"images"`` as a tensor ``(2, 784)`` in [0, 1],
        ``"perturbation"`` as a tensor ``(784,)``, and the rest as stored.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged.
    """
    examples = load_record(Path(path), schema=EXAMPLES_SCHEMA)["examples"]
    for example in examples:
        example["images"] = _tensor(example["images"]) / 255.0
        example["perturbation"] = _tensor(example["perturbation"])
    return examples


def _tensor(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
