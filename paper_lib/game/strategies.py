"""Strategies of both players, and the finitely many plays they come down to. Sec. 2."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import check_perturbation
from paper_lib.geometry import check_in_l2_ball
from paper_lib.linearize import Linearization

# How far weights may be from summing to one: those of a softmax in single precision.
_WEIGHT_SLACK = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class DeterministicAttack:
    """The attacker's pure strategy: a function a(x), given by its values at the points.

    Attributes:
        perturbations: a(x_i), one a row, in the units of the inputs.
    """

    perturbations: Float[Tensor, "n d"]


@dataclass(frozen=True, slots=True, eq=False)
class ConstantDefense:
    """The defender's pure strategy: the same v for every point.

    Attributes:
        perturbation: v, in the units of the inputs.
    """

    perturbation: Float[Tensor, " d"]


@dataclass(frozen=True, slots=True, eq=False)
class PointwiseDefense:
    """A defense d(x) that sees the clean x: not one the paper's defender may play.

    Lemma 2 still holds against it; Lemma 3 does not.

    Attributes:
        perturbations: d(x_i), one a row, in the units of the inputs.
    """

    perturbations: Float[Tensor, "n d"]


Pure = DeterministicAttack | ConstantDefense | PointwiseDefense


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """One of finitely many pure strategies of one player, drawn by weight.

    Attributes:
        plays: The pure strategies.
        weights: The probability of each; what rounding leaves is scaled away.

    Raises:
        ValueError: If there is no play, plays are of both players, their number is not
            that of the weights, or the weights are no probabilities.
    """

    plays: tuple[Pure, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check plays and weights.

        Raises:
            ValueError: See the class.
        """
        if not self.plays or len(self.plays) != len(self.weights):
            raise ValueError(
                "a mixture needs at least one play and a weight for each, got "
                f"{len(self.plays)} plays and {len(self.weights)} weights."
            )
        if not all(weight >= 0.0 for weight in self.weights):
            raise ValueError(f"weights must be at least 0, got {self.weights}.")
        if not abs(sum(self.weights) - 1.0) <= _WEIGHT_SLACK:
            raise ValueError(
                f"weights must sum to 1, got {self.weights} with sum "
                f"{sum(self.weights)}."
            )
        total = sum(self.weights)
        object.__setattr__(self, "weights", tuple(w / total for w in self.weights))
        attacks = [isinstance(play, DeterministicAttack) for play in self.plays]
        if len(set(attacks)) > 1:
            raise ValueError(
                f"plays must be of one player, got {sum(attacks)} attacks and "
                f"{len(attacks) - sum(attacks)} defenses."
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ChainDraws:
    """Draws of Markov chains: they depend on each other, and say how much.

    Attributes:
        rows: The draws, in the shape a sampler returns.
        effective_size: How many independent draws they are worth: an estimate, for the
            least favorable of a few functions of a draw.
        r_hat: Split R-hat of the chains, 1 where they agree.
        is_mixed: Whether the chains agree and are long enough to tell.

    Raises:
        ValueError: If the effective size is not above 0, or above the number of draws.
    """

    rows: Tensor
    effective_size: float
    r_hat: float
    is_mixed: bool

    def __post_init__(self) -> None:
        """Check the effective size.

        Raises:
            ValueError: See the class.
        """
        if not 0.0 < self.effective_size <= len(self.rows):
            raise ValueError(
                f"effective_size must lie above 0 and be at most {len(self.rows)}, the "
                f"number of draws, got {self.effective_size}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Sampler:
    """A randomized strategy that can only be drawn from.

    Attributes:
        draw: Takes a number of draws k and a seed; returns ``(k, d)`` for a defender,
            ``(k, n, d)`` for an attacker, of one distribution. A tensor says that the
            draws are independent; draws of chains come as :class:`ChainDraws`.
    """

    draw: Callable[[int, int], Tensor | ChainDraws]


Attacker = DeterministicAttack | Mixture | Sampler | Tensor
Defender = ConstantDefense | PointwiseDefense | Mixture | Sampler | Tensor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plays:
    """What a strategy comes down to: finitely many plays, by weight or as draws.

    Attributes:
        rows: One play each: a perturbation for each point, or one ``(1, d)`` for all.
        weights: Their probabilities; equal for draws.
        is_sampled: Whether these are draws from a distribution, and not all of it.
        chains: What is known of the chains they were drawn by; None: they are
            independent, or all of the distribution.
    """

    rows: Float[Tensor, "k m d"]
    weights: Float[Tensor, " k"]
    is_sampled: bool = False
    chains: ChainDraws | None = None


def attacker_plays(
    attacker: Attacker,
    lin: Linearization,
    *,
    epsilon: float | None = None,
    num_draws: int = 1,
    seed: int = 0,
) -> Plays:
    """List the plays of an attacker at the points, and check them.

    Args:
        attacker: A strategy; a tensor ``(n, d)`` is a deterministic one.
        lin: The points.
        epsilon: The attacker's budget, which plays must keep; None: not checked.
        num_draws: Draws from a sampler.
        seed: Seed of these draws.

    Returns:
        The plays.

    Raises:
        TypeError: If it is no strategy of an attacker.
        ValueError: If a play does not fit the points or lies outside V.
    """
    if isinstance(attacker, Sampler):
        rows, chains = _drawn(attacker, num_draws, seed)
        _check_drawn("attacker", rows, (num_draws, *lin.gradients.shape))
        plays = _checked("attacker", rows, None, lin, epsilon)
        return replace(plays, chains=chains)
    plays, weights = _parts(attacker, DeterministicAttack, "attacker")
    rows = [play.perturbations for play in plays]
    for row in rows:
        if row.shape != lin.gradients.shape:
            raise ValueError(
                f"attacker must have shape {tuple(lin.gradients.shape)}, got "
                f"{tuple(row.shape)}."
            )
    return _checked("attacker", torch.stack(rows), weights, lin, epsilon)


def defender_plays(
    defender: Defender,
    lin: Linearization,
    *,
    epsilon: float | None = None,
    num_draws: int = 1,
    seed: int = 0,
) -> Plays:
    """List the plays of a defender, and check them; see :func:`attacker_plays`.

    Args:
        defender: A strategy; a tensor ``(d,)`` is a constant one.
        lin: The points.
        epsilon: The defender's budget, which plays must keep; None: not checked.
        num_draws: Draws from a sampler.
        seed: Seed of these draws.

    Returns:
        The plays.

    Raises:
        TypeError: If it is no strategy of a defender.
        ValueError: If a play does not fit the points or lies outside V.
    """
    num, dim = lin.gradients.shape
    if isinstance(defender, Sampler):
        rows, chains = _drawn(defender, num_draws, seed)
        _check_drawn("defender", rows, (num_draws, dim))
        plays = _checked("defender", rows.unsqueeze(1), None, lin, epsilon)
        return replace(plays, chains=chains)
    plays, weights = _parts(defender, ConstantDefense, "defender")
    is_constant = all(isinstance(play, ConstantDefense) for play in plays)
    rows = []
    for play in plays:
        constant = isinstance(play, ConstantDefense)
        row = play.perturbation if constant else play.perturbations
        if row.shape != ((dim,) if constant else (num, dim)):
            raise ValueError(
                f"defender must have shape {(dim,)}, or {(num, dim)} for one that sees "
                f"the points, got {tuple(row.shape)}."
            )
        rows.append(row.reshape(-1, dim).expand(1 if is_constant else num, dim))
    return _checked("defender", torch.stack(rows), weights, lin, epsilon)


def _parts(
    strategy: Attacker | Defender, default: type, name: str
) -> tuple[tuple, tuple[float, ...]]:
    """Take a strategy apart into pure ones and their weights."""
    if isinstance(strategy, Tensor):
        strategy = default(strategy)
    plays = strategy.plays if isinstance(strategy, Mixture) else (strategy,)
    weights = strategy.weights if isinstance(strategy, Mixture) else (1.0,)
    kinds = (default, PointwiseDefense) if default is ConstantDefense else (default,)
    for play in plays:
        if not isinstance(play, kinds):
            raise TypeError(
                f"{name} must be a strategy of the {name}, got {type(play).__name__}."
            )
    return plays, weights


def _drawn(
    sampler: Sampler, num_draws: int, seed: int
) -> tuple[Tensor, ChainDraws | None]:
    """Draw, and set apart what is known of chains."""
    drawn = sampler.draw(num_draws, seed)
    return (drawn.rows, drawn) if isinstance(drawn, ChainDraws) else (drawn, None)


def _check_drawn(name: str, drawn: object, expected: tuple[int, ...]) -> None:
    """Reject draws of another shape.

    Raises:
        ValueError: See the summary.
    """
    if not isinstance(drawn, Tensor) or tuple(drawn.shape) != expected:
        found = tuple(drawn.shape) if isinstance(drawn, Tensor) else type(drawn)
        raise ValueError(f"{name}.draw must return shape {expected}, got {found}.")


def _checked(
    name: str,
    rows: Float[Tensor, "k m d"],
    weights: tuple[float, ...] | None,
    lin: Linearization,
    epsilon: float | None,
) -> Plays:
    """Check plays against the points and the budget, and detach them from a graph."""
    rows = rows.detach()
    for row in rows[:1]:
        check_perturbation(name, row, lin.gradients)
    if not bool(rows.isfinite().all()):
        check_perturbation(name, rows.reshape(-1, rows.shape[-1]), lin.gradients)
    if epsilon is not None:
        check_in_l2_ball(name, rows, epsilon)
    values = weights or (1.0 / len(rows),) * len(rows)
    shares = torch.tensor(values, dtype=torch.float64, device=rows.device)
    return Plays(rows=rows, weights=shares, is_sampled=weights is None)
