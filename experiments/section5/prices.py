r"""What every bound asks for at each n, beside what would have been enough."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.populations.distributions import GaussianRows
from experiments.store.provenance import one_thread, surroundings
from experiments.store.record_files import plain, settings_digest
from paper_lib.bounds import bounds_at, compress, compression_bound, held_out_bound
from paper_lib.checks import check_count, check_seed
from paper_lib.defense import maximize_coverage

PRICES_SCHEMA = "paper-lib/prices-record/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceConfig:
    """Everything that decides such a run.

    Attributes:
        dim: Dimension of the rows, which are jointly normal.
        sizes: Numbers of rows in a sample.
        repetitions: Samples of each size.
        seed: Seed of the first; those of the centers follow all of them.
        confidence: Confidence of every bound.

    Raises:
        TypeError: If a number is no integer.
        ValueError: If a number is below 1, or the seed is no seed.
    """

    dim: int
    sizes: tuple[int, ...] = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
    repetitions: int = 4
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        check_count(self.dim, "dim", 1)
        check_count(self.repetitions, "repetitions", 1)
        check_seed(self.seed)

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"prices in dimension {self.dim}"

    @property
    def record_name(self) -> str:
        """The name of its record."""
        digest = settings_digest(asdict(self))
        return f"prices-{self.dim}-{digest}.json"


def run_prices(config: PriceConfig) -> dict[str, Any]:
    r"""Fit a v to samples of each size and compute every bound.

    Args:
        config: The run.

    Returns:
        The record. For each size, means over samples: the regret
        :math:`\phi(v^*) - \phi(v)`, the overfit :math:`\phi_n(v) - \phi(v)`, and the
        price :math:`\phi_n(v)` less the bound of each, for the v it is computed at.
    """
    with one_thread():
        return {
            "schema": PRICES_SCHEMA,
            "config": plain(asdict(config)),
            "provenance": surroundings(),
            "sizes": [_means(config, size) for size in config.sizes],
        }


def _means(config: PriceConfig, size: int) -> dict[str, Any]:
    """Average over samples of one size."""
    found = [_once(config, size, config.seed + k) for k in range(config.repetitions)]
    return {
        "num": size,
        **{name: float(np.mean([one[name] for one in found])) for name in found[0]},
    }


def _once(config: PriceConfig, size: int, seed: int) -> dict[str, float]:
    """Fit to one sample, with a center from another of the same size."""
    population = GaussianRows.isotropic(config.dim)
    sets, other = (
        population.draw(size, seed=one) for one in (seed, seed + config.repetitions)
    )
    v, center = (
        maximize_coverage(one, method="annealed", seed=seed).perturbation
        for one in (sets, other)
    )
    few = compress(sets, confidence=config.confidence, seed=seed)
    bounds = bounds_at(sets, v, confidence=config.confidence, center=center)
    bounds["compression"] = compression_bound(sets, few, confidence=config.confidence)
    bounds["center, held out"] = held_out_bound(
        sets, center, confidence=config.confidence
    )
    reached = float(population.coverage(v))
    return {
        "regret": population.maximum().coverage - reached,
        "overfit": float(sets.coverage(v)) - reached,
        **{name: bound.price for name, bound in bounds.items()},
    }
