r"""What every bound asks for at each n, beside what would have been enough."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from experiments.populations.distributions import GaussianRows
from experiments.section5.halves import fit_bounds
from experiments.store.keyed import Computed, Record, Run
from experiments.store.pair_settings import Site
from experiments.store.record_files import from_plain
from paper_lib.bounds import compress, held_out_bound
from paper_lib.checks import check_count, check_seed
from paper_lib.defense import maximize_coverage


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceConfig(Run["Prices"]):
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

    schema: ClassVar[str] = "paper-lib/prices-record/1"

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
    def stem(self) -> str:
        """What the name of its record begins with."""
        return f"prices-{self.dim}"

    def measure(self, site: Site) -> Record:
        r"""Fit a v to samples of each size and compute every bound.

        Args:
            site: Not asked: the rows are drawn.

        Returns:
            For each size, means over samples: the regret
            :math:`\phi(v^*) - \phi(v)`, the overfit :math:`\phi_n(v) - \phi(v)`, and
            the price :math:`\phi_n(v)` less the bound of each, for the v it is computed
            at.
        """
        return {"sizes": [_means(self, size) for size in self.sizes]}

    @classmethod
    def result(cls, record: Record) -> "Prices":
        """Read a record."""
        measured = ("num", "regret", "overfit")
        sizes = [
            {name: entry.pop(name) for name in measured} | {"prices": entry}
            for entry in map(dict, record["sizes"])
        ]
        config = from_plain(cls, record["config"])
        values = {**record, "config": config, "sizes": sizes}
        return from_plain(Prices, {k: v for k, v in values.items() if k != "schema"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SizePrices:
    r"""Means over the samples of one size.

    Attributes:
        num: Rows in a sample.
        regret: :math:`\phi(v^*) - \phi(v)`.
        overfit: :math:`\phi_n(v) - \phi(v)`.
        prices: :math:`\phi_n(v)` less each bound, for the v it is computed at.
    """

    num: int
    regret: float
    overfit: float
    prices: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices(Computed[PriceConfig]):
    """What every bound asks for in one dimension.

    Attributes:
        sizes: One entry a size.
    """

    sizes: tuple[SizePrices, ...]


def _means(config: PriceConfig, size: int) -> dict[str, Any]:
    """Average over samples of one size."""
    found = [_once(config, size, config.seed + k) for k in range(config.repetitions)]
    return {
        "num": size,
        **{name: float(np.mean([one[name] for one in found])) for name in found[0]},
    }


def _once(config: PriceConfig, size: int, seed: int) -> dict[str, float]:
    """Fit to one sample, with a center from another of the same size."""
    population = GaussianRows(config.dim)
    sets, other = (
        population.draw(size, seed=one) for one in (seed, seed + config.repetitions)
    )
    v, center = (
        maximize_coverage(one, method="annealed", seed=seed).perturbation
        for one in (sets, other)
    )
    few = compress(sets, confidence=config.confidence, seed=seed)
    bounds = fit_bounds(sets, v, few, confidence=config.confidence, center=center)
    held_out = held_out_bound(sets, center, confidence=config.confidence)
    bounds["center, held out"] = held_out
    reached = float(population.coverage(v))
    return {
        "regret": population.maximum().coverage - reached,
        "overfit": float(sets.coverage(v)) - reached,
        **{name: bound.price for name, bound in bounds.items()},
    }
