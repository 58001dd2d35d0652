"""Images and defenses of a few pairs, small enough to be stored with the results."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.store.pair_settings import Site
from experiments.store.record_files import load_record, save_record
from experiments.tables.claims import extreme_gains
from experiments.tables.classifiers import train_pair
from experiments.tables.defenses import fit_solver
from experiments.tables.groups import GroupResult
from experiments.tables.planning import PRIMARY_SOLVER
from experiments.tables.points import linearize_pair
from experiments.tables.scoring import ScoreConfig
from paper_lib.data.pairs import Source
from paper_lib.robust_sets import RobustSets

_SCHEMA = "paper-lib/examples/1"
# What an example is of: the data set, the classes and the budget.
_Key = tuple[str, tuple[int, int], float]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Example:
    """An image of each class of a pair, and the defense fitted to it.

    Attributes:
        dataset: The data set.
        classes: The two classes.
        epsilon: The budget, in pixels.
        train_coverage: Coverage of the points the defense was fitted on.
        images: An image of each class, in [0, 1].
        perturbation: The defense v, in the same units.
    """

    dataset: str
    classes: tuple[int, int]
    epsilon: float
    train_coverage: float
    images: Float[Tensor, "2 d"]
    perturbation: Float[Tensor, " d"]

    @property
    def key(self) -> _Key:
        """What it is of."""
        return self.dataset, self.classes, self.epsilon


def extreme_examples(
    primary: Mapping[str, GroupResult],
    path: str | os.PathLike[str],
    *,
    compute: bool = False,
    root: str | None = None,
    source: Source = "auto",
) -> list[Example]:
    """Give the examples of the pairs that SMOOTH helps least and most against PGD.

    Args:
        primary: The primary group of each data set.
        path: The file that holds examples.
        compute: Compute all and replace the file, if it lacks one of these pairs.
        root: Folder of the data; see :func:`paper_lib.data.load_pair`.
        source: Source of the data.

    Returns:
        What the file has of the pairs that ``extreme_gains`` chooses, in its order; no
        other pair.
    """
    chosen: dict[_Key, ScoreConfig] = {}
    for result in primary.values():
        for gain in extreme_gains(result.scores):
            config = result.of[gain.classes].config
            chosen[result.dataset, gain.classes, config.epsilon] = config
    stored = load_examples(path) if Path(path).exists() else []
    if compute and not chosen.keys() <= {one.key for one in stored}:
        site = Site(root=root, source=source)
        computed = [_example(one, site) for one in chosen.values()]
        save_record({"schema": _SCHEMA, "examples": computed}, path)
        stored = load_examples(path)
    by_key = {one.key: one for one in stored}
    return [by_key[key] for key in chosen if key in by_key]


def _example(config: ScoreConfig, site: Site) -> dict[str, Any]:
    """Compute SMOOTH again for a pair; store it with an image of each class."""
    at = linearize_pair(train_pair(config.classifier, site), site)
    sets = RobustSets.from_linearization(at.fit, config.epsilon)
    v, report = fit_solver(sets, solver=PRIMARY_SOLVER)
    images = [at.test.images[at.test.labels == label][0] for label in (-1.0, 1.0)]
    return {
        "dataset": config.classifier.dataset,
        "classes": list(config.classifier.classes),
        "epsilon": config.epsilon,
        "train_coverage": report["train_coverage"],
        "images": [(255 * image).round().int().flatten().tolist() for image in images],
        "perturbation": [float(f"{value:.5g}") for value in v.tolist()],
    }


def load_examples(path: str | os.PathLike[str]) -> list[Example]:
    """Read what :func:`extreme_examples` wrote.

    Args:
        path: The file.

    Returns:
        The examples.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged.
    """
    examples = []
    for one in load_record(Path(path), schema=_SCHEMA)["examples"]:
        parts = {
            "classes": tuple(one["classes"]),
            "images": torch.tensor(one["images"], dtype=torch.float32) / 255.0,
            "perturbation": torch.tensor(one["perturbation"], dtype=torch.float32),
        }
        examples.append(Example(**one | parts))
    return examples


def as_recorded(examples: Sequence[Example], result: GroupResult) -> int:
    """Count the examples whose defense covers what that of the record covers.

    Args:
        examples: Examples of one data set.
        result: The group they are of.

    Returns:
        How many cover as large a share of the points they were fitted on.
    """
    return sum(
        one.train_coverage
        == result.of[one.classes].defenses[PRIMARY_SOLVER].train_coverage
        for one in examples
    )
