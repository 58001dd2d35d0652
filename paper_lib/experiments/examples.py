"""Images and defenses of a few pairs, small enough to be stored with the results."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from paper_lib.data import Source
from paper_lib.experiments.planning import PRIMARY_SOLVER
from paper_lib.experiments.solvers import fit_solver
from paper_lib.experiments.store import load_record, save_record
from paper_lib.experiments.table1 import LineResult
from paper_lib.experiments.training import linearize_fit, pair_of, train_pair
from paper_lib.robust_sets import RobustSets

EXAMPLES_SCHEMA = "paper-lib/examples/1"


def extreme_pairs(
    gains: Mapping[tuple[int, int], float], *, worst: int, best: int
) -> tuple[tuple[int, int], ...]:
    """Choose the pairs that a defense helps least and most.

    Args:
        gains: The gain of each pair.
        worst: How many of the least.
        best: How many of the most.

    Returns:
        The least first, the most last, each once.

    Example:
        >>> extreme_pairs({(0, 1): 3.0, (0, 2): -1.0, (1, 2): 8.0}, worst=1, best=1)
        ((0, 2), (1, 2))
    """
    order = sorted(gains, key=lambda pair: (gains[pair], pair))
    return tuple(dict.fromkeys([*order[:worst], *order[max(len(order) - best, 0) :]]))


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
        classifier, epsilon = config.classifiers[place], result.calibration["budgets"]
        pair = pair_of(classifier, root=root, source=source)
        model = train_pair(classifier, root=root, source=source).model()
        fit = linearize_fit(classifier, model, pair)
        sets = RobustSets.from_linearization(fit, epsilon[place])
        v, report = fit_solver(PRIMARY_SOLVER, sets)
        images = [
            pair.test.images[pair.test.labels == label][0].flatten()
            for label in (-1.0, 1.0)
        ]
        examples.append(
            {
                "dataset": config.dataset,
                "classes": list(classes),
                "epsilon": epsilon[place],
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
