"""Instances of the defender's problem: rows from real pairs, and planted ones.

A real instance is a classifier trained on all images of a pair, linearized at points
drawn with a fixed seed, and a budget that is a multiple of their median margin. The
linearizations are kept under ``.cache/instances``, keyed by everything they depend on.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from benchmarks.workers import each
from experiments.store.record_files import code_digest
from paper_lib.data import load_pair
from paper_lib.data.pairs import Source
from paper_lib.files import replacing
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import TrainConfig, train_classifier
from paper_lib.robust_sets import RobustSets

NUM_POINTS = 4000
_FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "instances"
_TRAIN = TrainConfig()
_SEED = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One problem.

    Attributes:
        name: What tables call it.
        sets: The rows to cover.
        holdout: Rows of test points, which nothing is fitted on; None: there are none.
        optimum: The largest count there is, where it is known.
        witness: A point that reaches it.
    """

    name: str
    sets: RobustSets
    holdout: RobustSets | None = None
    optimum: int | None = None
    witness: torch.Tensor | None = None


MNIST_PAIRS = ((0, 1), (0, 5), (2, 4), (1, 7))
FASHION_PAIRS = ((0, 6), (2, 4), (5, 7), (8, 9))
MULTIPLES = (0.7, 1.0, 1.3)


def real_instances() -> list[tuple[str, tuple[int, int], float]]:
    """List the twelve instances of MNIST and the four of Fashion-MNIST."""
    return [
        *(("mnist", pair, multiple) for pair in MNIST_PAIRS for multiple in MULTIPLES),
        *(("fashion-mnist", pair, 1.0) for pair in FASHION_PAIRS),
    ]


def real_instance(
    dataset: str,
    classes: tuple[int, int],
    multiple: float,
    *,
    num_points: int = NUM_POINTS,
    source: Source = "auto",
) -> Instance:
    """Build one instance, by default from the complete data."""
    fit, test = _linearizations(dataset, classes, num_points, source)
    epsilon = multiple * float(fit.margins.median())
    first, second = classes
    return Instance(
        name=f"{dataset} {first}-{second}, {multiple:g}",
        sets=RobustSets.from_linearization(fit, epsilon),
        holdout=RobustSets.from_linearization(test, epsilon),
    )


def available_instances(limit: int, *, workers: int = 1) -> tuple[list[Instance], str]:
    """Build the real instances; without complete data, three of the embedded images.

    Args:
        limit: How many to build, at most.
        workers: Processes that train and linearize what is not kept yet.

    Returns:
        The instances, and what they are in words.
    """
    if os.environ.get("PAPER_LIB_DATA"):
        chosen = real_instances()[:limit]
        pairs = list(dict.fromkeys((dataset, pair) for dataset, pair, _ in chosen))
        each(_prepare, pairs, workers=workers, title="instances")
        built = [real_instance(*one) for one in chosen]
        return built, f"Complete data, {NUM_POINTS:,} points each."
    built = [
        real_instance("mnist", (0, 1), multiple, source="embedded")
        for multiple in MULTIPLES[:limit]
    ]
    return built, (
        "SKIPPED: the real instances, as PAPER_LIB_DATA names no complete data. The "
        f"embedded images of MNIST 0-1, {len(built[0].sets.offsets)} points, stand in."
    )


def planted_instance(
    seed: int, *, num_free: int = 200, num_pairs: int = 150, dim: int = 50
) -> Instance:
    """Hide a point that satisfies all free rows and one row of each opposed pair.

    Free rows have slack up to 0.3 of the budget at the hidden point. The rows of a
    pair exclude each other by 0.3 of the budget, so the optimum is known.

    Args:
        seed: Seed of the draw.
        num_free: Rows that the hidden point satisfies, beside the pairs.
        num_pairs: Pairs of opposed rows.
        dim: Dimension of the perturbations.

    Returns:
        The instance, its optimum ``num_free + num_pairs``.
    """
    draw = np.random.default_rng(seed)
    hidden = draw.standard_normal(dim)
    hidden *= draw.uniform() ** (1 / dim) / np.linalg.norm(hidden)
    free = _units(draw, num_free, dim)
    pairs = _units(draw, num_pairs, dim)
    pairs *= np.where(draw.uniform(size=num_pairs) < 0.5, -1.0, 1.0)[:, np.newaxis]
    # g v >= t holds at the hidden point, -g v >= 0.3 - t does not.
    thresholds = pairs @ hidden - draw.uniform(0.0, 0.3, num_pairs)
    normals = np.concatenate([free, pairs, -pairs])
    offsets = -np.concatenate(
        [
            free @ hidden - draw.uniform(0.0, 0.3, num_free),
            thresholds,
            0.3 - thresholds,
        ]
    )
    order = draw.permutation(len(offsets))
    return Instance(
        name=f"planted {seed}",
        sets=RobustSets(
            normals=torch.from_numpy(normals[order]),
            offsets=torch.from_numpy(offsets[order]),
            epsilon=1.0,
        ),
        optimum=num_free + num_pairs,
        witness=torch.from_numpy(hidden),
    )


def _units(draw: np.random.Generator, count: int, dim: int) -> np.ndarray:
    rows = draw.standard_normal((count, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _prepare(pair: tuple[str, tuple[int, int]]) -> None:
    """Keep the linear models of a pair for those who ask next."""
    _linearizations(*pair, NUM_POINTS, "auto")


@cache
def _linearizations(
    dataset: str, classes: tuple[int, int], num_points: int, source: Source
) -> tuple[Linearization, Linearization]:
    """Load or compute the linear models at training and at test points."""
    pair = load_pair(dataset, classes, source=source)
    key = {
        "data": pair.fingerprint,
        "train": asdict(_TRAIN),
        "seed": _SEED,
        "points": num_points,
        "torch": torch.__version__,
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "code": code_digest("paper_lib/models/", "paper_lib/linearize."),
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    path = _FOLDER / f"{digest[:16]}.safetensors"
    if not path.exists():
        model = train_classifier(pair.train, config=_TRAIN, seed=_SEED).model
        draw = torch.Generator().manual_seed(_SEED)
        chosen = torch.randperm(len(pair.train.labels), generator=draw)[:num_points]
        fit = linearize(model, pair.train.images[chosen])
        test = linearize(model, pair.test.images)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            save_file(
                {
                    "fit.logits": fit.logits,
                    "fit.gradients": fit.gradients,
                    "test.logits": test.logits,
                    "test.gradients": test.gradients,
                },
                part,
            )
    stored = load_file(path)
    return tuple(
        Linearization(
            logits=stored[f"{part}.logits"], gradients=stored[f"{part}.gradients"]
        )
        for part in ("fit", "test")
    )
