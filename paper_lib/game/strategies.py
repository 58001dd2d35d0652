"""Strategies of both players, and the finitely many plays they come down to. Sec. 2."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks import check_count, check_seed
from paper_lib.checks.operands import check_finite, check_perturbation
from paper_lib.checks.radii import Budget
from paper_lib.geometry.ball import check_in_l2_ball
from paper_lib.linearize import Linearization

# How far weights may be from summing to one: those of a softmax in single precision.
_WEIGHT_SLACK = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class DeterministicAttack:
    """The attacker's pure strategy: a function a(x), given by its values at the points.

    Attributes:
        perturbations: a(x_i), one a row, in the units of the inputs.

    Example:
        >>> DeterministicAttack(torch.zeros(3, 2)).perturbations.shape
        torch.Size([3, 2])
    """

    perturbations: Float[Tensor, "n d"]


@dataclass(frozen=True, slots=True, eq=False)
class ConstantDefense:
    """The defender's pure strategy: the same v for every point.

    Attributes:
        perturbation: v, in the units of the inputs.

    Example:
        >>> from paper_lib.game import expected_utility
        >>> lin = Linearization(logits=torch.ones(1), gradients=torch.eye(1, 2))
        >>> attack, v = torch.tensor([[-1.5, 0.0]]), torch.tensor([1.0, 0.0])
        >>> expected_utility(lin, attack, ConstantDefense(v)).value
        -1.0
    """

    perturbation: Float[Tensor, " d"]


@dataclass(frozen=True, slots=True, eq=False)
class PointwiseDefense:
    """A defense d(x) that sees the clean x: not one the paper's defender may play.

    Lemma 2 still holds against it; Lemma 3 does not.

    Attributes:
        perturbations: d(x_i), one a row, in the units of the inputs.

    Example:
        >>> PointwiseDefense(torch.eye(2)).perturbations[0]
        tensor([1., 0.])
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

    Example:
        >>> sides = [ConstantDefense(torch.tensor([side])) for side in (1.0, -1.0)]
        >>> Mixture(tuple(sides), (0.75, 0.25)).weights
        (0.75, 0.25)
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
        total = sum(self.weights)
        if not abs(total - 1.0) <= _WEIGHT_SLACK:
            raise ValueError(
                f"weights must sum to 1, got {self.weights} with sum {total}."
            )
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

    Example:
        >>> from paper_lib.geometry import sample_l2_ball
        >>> noise = Sampler(lambda k, seed: sample_l2_ball(k, 2, 1.0, seed=seed))
        >>> noise.draw(5, 0).shape
        torch.Size([5, 2])
    """

    draw: Callable[[int, int], Tensor | ChainDraws]


Attacker = DeterministicAttack | Mixture | Sampler | Tensor
Defender = ConstantDefense | PointwiseDefense | Mixture | Sampler | Tensor


def sees_points(defender: Defender) -> bool:
    """Tell a defender who is not bound to constants.

    Returns:
        Whether it, or a play of a mixture, is one perturbation for each point.
    """
    plays = getattr(defender, "plays", (defender,))
    return any(isinstance(play, PointwiseDefense) for play in plays)


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


def plays_of(
    player: Literal["attacker", "defender"],
    strategy: Attacker | Defender,
    lin: Linearization,
    *,
    epsilon: Budget | None = None,
    num_draws: int = 1,
    seed: int = 0,
) -> Plays:
    """List the plays of a strategy at the points, and check them.

    Args:
        player: Whose it is.
        strategy: The strategy; a tensor is a deterministic attack ``(n, d)`` or a
            constant defense ``(d,)``.
        lin: The points.
        epsilon: The player's budget, which plays must keep; None: not checked.
        num_draws: Draws from a sampler.
        seed: Seed of these draws.

    Returns:
        The plays.

    Raises:
        TypeError: If it is no strategy of that player, or a number is none.
        ValueError: If a play does not fit the points or lies outside V, or a number is
            out of range.
    """
    seed, num_draws = check_seed(seed), check_count(num_draws, "num_draws", 1)
    chains = None
    if isinstance(strategy, Sampler):
        drawn = strategy.draw(num_draws, seed)
        if isinstance(drawn, ChainDraws):
            drawn, chains = drawn.rows, drawn
        rows = _drawn_rows(player, drawn, num_draws, lin)
        weights = (1.0 / num_draws,) * num_draws
    else:
        pure, weights = _parts(player, strategy)
        parts = [_rows_of(player, play, lin) for play in pure]
        rows = torch.stack(torch.broadcast_tensors(*parts))
    rows = rows.detach()
    check_perturbation(player, rows[0], lin.gradients)
    check_finite(**{player: rows})
    if epsilon is not None:
        check_in_l2_ball(player, rows, epsilon)
    shares = torch.tensor(weights, dtype=torch.float64, device=rows.device)
    sampled = isinstance(strategy, Sampler)
    return Plays(rows=rows, weights=shares, is_sampled=sampled, chains=chains)


def _drawn_rows(
    player: str, drawn: object, num_draws: int, lin: Linearization
) -> Float[Tensor, "k m d"]:
    """Reject draws of another shape; a defender's are one row for all points."""
    num, dim = lin.gradients.shape
    expected = (num_draws, num, dim) if player == "attacker" else (num_draws, dim)
    if not isinstance(drawn, Tensor) or tuple(drawn.shape) != expected:
        found = tuple(drawn.shape) if isinstance(drawn, Tensor) else type(drawn)
        raise ValueError(f"{player}.draw must return shape {expected}, got {found}.")
    return drawn.reshape(num_draws, -1, dim)


def _parts(
    player: str, strategy: Attacker | Defender
) -> tuple[tuple, tuple[float, ...]]:
    """Take a strategy apart into pure ones and their weights."""
    kinds = (ConstantDefense, PointwiseDefense)
    if player == "attacker":
        kinds = (DeterministicAttack,)
    if isinstance(strategy, Tensor):
        strategy = kinds[0](strategy)
    plays, weights = (strategy,), (1.0,)
    if isinstance(strategy, Mixture):
        plays, weights = strategy.plays, strategy.weights
    for play in plays:
        if not isinstance(play, kinds):
            raise TypeError(
                f"{player} must be a strategy of the {player}, got "
                f"{type(play).__name__}."
            )
    return plays, weights


def _rows_of(player: str, play: Pure, lin: Linearization) -> Float[Tensor, "m d"]:
    """Take a row for each point, or one for all, and check that the shape fits."""
    num, dim = lin.gradients.shape
    is_constant = isinstance(play, ConstantDefense)
    rows = play.perturbation if is_constant else play.perturbations
    if rows.shape != ((dim,) if is_constant else (num, dim)):
        wanted = f"{(dim,)}, or {(num, dim)} for one that sees the points"
        if player == "attacker":
            wanted = f"{(num, dim)}"
        raise ValueError(f"{player} must have shape {wanted}, got {tuple(rows.shape)}.")
    return rows.reshape(-1, dim)
