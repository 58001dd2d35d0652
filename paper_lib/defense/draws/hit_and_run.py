r"""Uniform draws from half-spaces cut with the ball, by hit-and-run, and their mixing.

From a point of a convex set, hit-and-run picks a random direction, finds where that
line leaves the set, and moves to a uniform point between. The uniform distribution is
its only stationary one (Smith 1984), however directions are distributed; an ellipsoid
that looks like the set helps, because pieces of V* are long and thin. How fast the
chain gets there is another matter: the steps needed grow with the square of the
dimension times that of how elongated the set still looks, so :class:`Draws` reports how
far independent chains agree (Vehtari et al. 2021).
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from paper_lib.checks import check_count, check_seed
from paper_lib.defense.draws.inner_ball import Piece

# Slacks are updated at each step, and computed anew after as many.
_REFRESH = 100
# What Vehtari et al. (2021) ask for: R-hat, and effective draws in each chain.
_LARGEST_R_HAT, _LEAST_EFFECTIVE = 1.01, 100
_NUM_DIRECTIONS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class HitAndRunConfig:
    """Settings of the chains.

    Attributes:
        num_chains: Chains, which run side by side from starts far apart.
        thin: Steps between draws that are kept; None: ten times the dimension.
        burn_in: Draws each chain drops at first, as many ``thin`` steps.

    Raises:
        ValueError: If there are fewer than two chains, or a number is out of range.

    Example:
        >>> HitAndRunConfig(num_chains=4)
        HitAndRunConfig(num_chains=4, thin=None, burn_in=50)
        >>> HitAndRunConfig(num_chains=1)
        Traceback (most recent call last):
            ...
        ValueError: num_chains must be at least 2, got 1.
    """

    num_chains: int = 8
    thin: int | None = None
    burn_in: int = 50

    def __post_init__(self) -> None:
        """Reject settings that make no chains to compare.

        Raises:
            ValueError: See the class.
        """
        check_count(self.num_chains, "num_chains", 2)
        check_count(1 if self.thin is None else self.thin, "thin", 1)
        check_count(self.burn_in, "burn_in", 0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Draws:
    """Draws of several chains, and whether the chains agree.

    Both numbers are the worst over the squared length and a few linear functionals.

    Attributes:
        points: The draws, one chain after another.
        num_chains: How many chains.
        r_hat: Split R-hat: the spread of all halves of chains over that within them; 1
            where they agree.
        effective_size: How many independent draws would be worth as much.
    """

    points: Float[np.ndarray, "k d"]
    num_chains: int
    r_hat: float
    effective_size: float

    @property
    def is_mixed(self) -> bool:
        """Whether R-hat is at most 1.01 and there are 100 effective draws a chain."""
        enough = self.effective_size >= _LEAST_EFFECTIVE * self.num_chains
        return self.r_hat <= _LARGEST_R_HAT and enough


def hit_and_run(
    piece: Piece,
    center: Float[np.ndarray, " d"],
    num_draws: int,
    *,
    shape: Float[np.ndarray, "d d"] | None = None,
    config: HitAndRunConfig | None = None,
    seed: int = 0,
) -> Draws:
    """Draw from the intersection of half-spaces with the unit ball.

    Args:
        piece: The half-spaces.
        center: A point inside, with slack on every row and to the sphere.
        num_draws: How many.
        shape: A map whose image of the unit ball looks like the set; None: the set is
            about round.
        config: The chains.
        seed: Seed of the chains.

    Returns:
        The draws, which satisfy every row, and their mixing.

    Raises:
        ValueError: If the center has no slack, or ``num_draws`` is below four for each
            chain.
    """
    chosen = HitAndRunConfig() if config is None else config
    seed = check_seed(seed)
    chains, dim = chosen.num_chains, len(center)
    num_draws = check_count(num_draws, "num_draws", 4 * chains)
    if not (slack := piece.reach(center)) > 0.0:
        raise ValueError(
            f"center must have slack on every row, got a slack of {slack}."
        )
    walk = _Walk(
        piece=piece,
        points=np.tile(center, (chains, 1)),
        shape=np.eye(dim) if shape is None else shape,
        generator=np.random.default_rng(seed),
    )
    walk.spread_out()
    thin = 10 * dim if chosen.thin is None else chosen.thin
    samples = walk.keep(-(-num_draws // chains), thin, chosen.burn_in)
    r_hat, effective = _mixing(samples, np.random.default_rng([seed, 1]))
    return Draws(
        points=samples.reshape(-1, dim)[:num_draws],
        num_chains=chains,
        r_hat=r_hat,
        effective_size=effective,
    )


@dataclass(kw_only=True, slots=True, eq=False)
class _Walk:
    """Chains side by side, with their slacks."""

    piece: Piece
    points: Float[np.ndarray, "c d"]
    shape: Float[np.ndarray, "d d"]
    generator: np.random.Generator
    slacks: Float[np.ndarray, "c m"] = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        """Compute the slacks."""
        self.refresh()

    def refresh(self) -> None:
        """Compute the slacks anew."""
        self.slacks = self.points @ self.piece.normals.T - self.piece.thresholds

    def spread_out(self) -> None:
        """Move each chain nine tenths of the way out along a line of its own."""
        self._move(lambda low, high: 0.9 * high)
        self.refresh()

    def step(self) -> None:
        """Move each chain to a uniform point of a random line."""
        self._move(
            lambda low, high: low + (high - low) * self.generator.random(len(low))
        )
        self.steps += 1
        if self.steps % _REFRESH == 0:
            self.refresh()

    def keep(self, count: int, thin: int, burn_in: int) -> Float[np.ndarray, "c k d"]:
        """Keep every so many steps so many points of each chain, but for the first."""
        kept = []
        for draw in range(burn_in + count):
            for _ in range(thin):
                self.step()
            self.refresh()
            if draw >= burn_in:
                kept.append(self.points.copy())
        return np.stack(kept, axis=1)

    def _move(self, choose) -> None:
        """Move along random lines, as far as is chosen between both ends."""
        lines = self.generator.standard_normal(self.points.shape) @ self.shape.T
        lines /= np.linalg.norm(lines, axis=1, keepdims=True)
        rates = lines @ self.piece.normals.T
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.maximum(self.slacks, 0.0) / -rates
        ahead = np.where(rates < 0, times, np.inf).min(axis=1, initial=np.inf)
        behind = np.where(rates > 0, times, -np.inf).max(axis=1, initial=-np.inf)
        along = (lines * self.points).sum(axis=1)
        room = np.maximum(1.0 - (self.points**2).sum(axis=1), 0.0)
        half = np.sqrt(along**2 + room)
        low = np.maximum(behind, -along - half)
        far = choose(low, np.minimum(ahead, half - along))
        self.points = self.points + far[:, np.newaxis] * lines
        self.slacks = self.slacks + far[:, np.newaxis] * rates


def _mixing(
    samples: Float[np.ndarray, "c k d"], generator: np.random.Generator
) -> tuple[float, float]:
    """Compute the worst split R-hat and effective size over a few functionals."""
    directions = generator.standard_normal((_NUM_DIRECTIONS, samples.shape[-1]))
    # Scaled by the spread of each coordinate, so that a short one is not drowned.
    spread = samples.reshape(-1, samples.shape[-1]).std(axis=0)
    directions /= np.where(spread > 0, spread, 1.0)
    traces = [samples @ direction for direction in directions]
    traces.append((samples**2).sum(axis=-1))
    half = samples.shape[1] // 2
    split = [np.concatenate([t[:, :half], t[:, -half:]]) for t in traces]
    return (
        max(split_r_hat(trace) for trace in split),
        min(effective_size(trace) for trace in split),
    )


def split_r_hat(traces: Float[np.ndarray, "c k"]) -> float:
    """Compare the spread of chains with the spread within them.

    Args:
        traces: One functional along halves of chains.

    Returns:
        The square root of pooled variance over variance within; 1 where all agree.
    """
    within = traces.var(axis=1, ddof=1).mean()
    between = traces.mean(axis=1).var(ddof=1)
    if within == 0.0:
        return 1.0 if between == 0.0 else np.inf
    length = traces.shape[1]
    return float(np.sqrt((length - 1) / length + between / within))


def effective_size(traces: Float[np.ndarray, "c k"]) -> float:
    r"""Divide the number of draws by their integrated autocorrelation time.

    Correlations are summed in pairs of lags until a pair is negative (Geyer 1992).

    Args:
        traces: One functional along halves of chains.

    Returns:
        The effective number of draws, all chains together, at most their number.
    """
    chains, length = traces.shape
    centered = traces - traces.mean(axis=1, keepdims=True)
    size = 2 ** int(np.ceil(np.log2(2 * length)))
    spectrum = np.fft.rfft(centered, size)
    covariances = np.fft.irfft(spectrum * spectrum.conj(), size)[:, :length].mean(0)
    covariances /= length
    within = covariances[0] * length / (length - 1)
    pooled = covariances[0] + traces.mean(axis=1).var(ddof=1)
    if pooled == 0.0:
        return float(chains * length)
    correlations = 1.0 - (within - covariances) / pooled
    correlations[0] = 1.0
    pairs = correlations[: length // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0)
    last = negative[0] if len(negative) else len(pairs)
    time = max(2.0 * float(pairs[:last].sum()) - 1.0, 1.0)
    return chains * length / time
