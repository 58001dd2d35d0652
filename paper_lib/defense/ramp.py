r"""The paper's method: projected gradient ascent on a relaxation of the indicator.

Sec. 4 replaces :math:`\mathbf 1[\alpha \ge 0]` in Eq. (7) by the ramp
:math:`\min(\max(0, \alpha), 1)`, which lies below it, and runs projected gradient steps
on v. The paper states neither steps nor start. Where no row is on the slope of its
ramp the gradient is zero and the ascent stops, however poor the point.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from paper_lib.checks import check_choice, check_count
from paper_lib.checks.arguments import check_type
from paper_lib.defense.search.annealing import check_fall, step_lengths
from paper_lib.defense.solution import Solution, certify
from paper_lib.geometry import l2_norm, project_l2_ball, scale_to_radius
from paper_lib.geometry.sums import full_precision
from paper_lib.robust_sets import RobustSets

_ROWS = ("raw", "unit")


@dataclass(frozen=True, kw_only=True, slots=True)
class RampConfig:
    """Settings of the ascent, none of which the paper states.

    Attributes:
        num_steps: Gradient steps, at most.
        first_step: Length of the first step, as a share of the budget.
        last_step: Length of the last; between them lengths fall linearly.
        rows: ``"raw"`` rows c_i, b_i as the paper writes them, whose ramp depends on
            the scale of the logit, or ``"unit"``, divided by the length of c_i.

    Raises:
        ValueError: If a setting is out of range.

    Example:
        >>> RampConfig(num_steps=100).rows
        'raw'
    """

    num_steps: int = 300
    first_step: float = 0.1
    last_step: float = 0.002
    rows: Literal["raw", "unit"] = "raw"

    def __post_init__(self) -> None:
        """Reject settings for which the ascent is undefined.

        Raises:
            ValueError: See the class.
        """
        check_count(self.num_steps, "num_steps", 1)
        check_fall("step", self.first_step, self.last_step)
        check_choice(self.rows, "rows", _ROWS)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RampSolution(Solution):
    r"""What the ascent found, and how it went.

    Attributes:
        ramp_value: The relaxed objective at the perturbation, the largest on the way.
            At most the coverage, up to rounding.
        ramp_values: The relaxed objective at the start and after each step.
        in_dead_zone: Whether the ascent ended where the gradient is zero: no row is on
            its slope, as in the dead zone, but also where every row is satisfied.
        config: The settings used.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2), offsets=torch.full((2,), -0.5), epsilon=1.0
        ... )
        >>> found = ramp_ascent(sets)
        >>> found.in_dead_zone, found.ramp_value, found.coverage
        (True, 0.0, 0.0)
    """

    ramp_value: float
    ramp_values: Float[Tensor, " steps"]
    in_dead_zone: bool
    config: RampConfig


@full_precision()
def ramp_ascent(
    sets: RobustSets,
    *,
    config: RampConfig | None = None,
    start: Float[Tensor, " d"] | None = None,
) -> RampSolution:
    r"""Approximate the maximizer of :math:`\phi_n` as the paper does. Paper: Sec. 4.

    Maximizes :math:`\frac1n \sum_i \min(\max(0, c_i^\top v + b_i), 1)` over V. Each
    step has a given length along the gradient and is followed by the projection onto
    V. Returned is the iterate with the largest relaxed objective. There is nothing
    random in it.

    Args:
        sets: The robust sets, Eq. (7).
        config: Settings; None: the defaults.
        start: Where to begin; None: v = 0, which is no defense.

    Returns:
        The perturbation, its coverage and the course of the ascent. The certificate is
        trivial.

    Raises:
        TypeError: If ``config`` is no :class:`RampConfig`.
        ValueError: If ``start`` does not fit the rows or lies outside V.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0]]),
        ...     offsets=torch.tensor([0.5]),
        ...     epsilon=1.0,
        ... )
        >>> ramp_ascent(sets).coverage
        1.0
    """
    check_type(sets, "sets", RobustSets)
    config = RampConfig() if config is None else config
    check_type(config, "config", RampConfig)
    normals, offsets = ramp_rows(sets, config.rows)
    count = offsets.new_tensor(len(offsets))
    start = torch.zeros_like(normals[0]) if start is None else start
    sets.check_in_ball(start, "start")
    ramp = partial(ramp_and_slope, normals, offsets, count)
    course = ascend(ramp, start.detach(), sets.epsilon, config)
    return ramp_solution(sets, config, *course)


@full_precision()
def ramp_value(
    sets: RobustSets, v: Float[Tensor, " d"], *, rows: Literal["raw", "unit"] = "raw"
) -> float:
    r"""Evaluate the paper's relaxation of the coverage. Paper: Sec. 4.

    :math:`\frac1n \sum_i \min(\max(0, c_i^\top v + b_i), 1)`.

    Args:
        sets: The robust sets, Eq. (7).
        v: The perturbation.
        rows: Whether rows are taken as they are or divided by the length of c_i.

    Returns:
        The value, in [0, 1]; at most the coverage, up to rounding.

    Raises:
        ValueError: If ``v`` does not fit the rows, or ``rows`` is unknown.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0]]),
        ...     offsets=torch.tensor([0.5]),
        ...     epsilon=1.0,
        ... )
        >>> ramp_value(sets, torch.zeros(2))
        0.5
    """
    check_type(sets, "sets", RobustSets)
    check_choice(rows, "rows", _ROWS)
    sets.check_candidates(v, "v")
    normals, offsets = ramp_rows(sets, rows)
    count = offsets.new_tensor(len(offsets))
    value, _ = ramp_and_slope(normals, offsets, count, v.detach())
    return float(value)


def ascend(
    ramp: Callable[[Tensor], tuple[Tensor, Tensor]],
    start: Float[Tensor, "*k d"],
    radius: float,
    config: RampConfig,
) -> tuple[Tensor, Tensor, Tensor]:
    """Ascend from one point, or from several at once in problems of their own.

    Args:
        ramp: The relaxed objective and its gradient.
        start: Where to begin.
        radius: Radius of the ball.
        config: The settings.

    Returns:
        The best points ``(*k, d)``; then, as ``(steps, *k)``, the objective at each
        step and whether its gradient was zero.
    """
    v = project_l2_ball(start, radius)  # a check has a slack, a result has none
    best, most = v, v.new_full(v.shape[:-1], -torch.inf, dtype=torch.float64)
    values, flat = [], []
    shares = step_lengths(config.num_steps, config.first_step, config.last_step)
    for length in (*(radius * share for share in shares), 0.0):
        value, gradient = ramp(v)
        best = torch.where((value > most).unsqueeze(-1), v, best)
        most = torch.maximum(most, value)
        values.append(value)
        flat.append(~(gradient != 0).any(-1))
        if bool(flat[-1].all()):
            break
        # Where the gradient is zero, v stays.
        v = project_l2_ball(v + scale_to_radius(gradient, length), radius)
    return best, torch.stack(values), torch.stack(flat)


def ramp_solution(
    sets: RobustSets,
    config: RampConfig,
    best: Float[Tensor, " d"],
    values: Float[Tensor, " steps"],
    flat: Bool[Tensor, " steps"],
) -> RampSolution:
    """Say what an ascent found; it ended where its gradient first was zero.

    Args:
        sets: The robust sets.
        config: The settings.
        best: The best point.
        values: The objective at each step.
        flat: Whether its gradient was zero there.

    Returns:
        The solution.
    """
    stuck = bool(flat.any())
    values = values[: int(flat.int().argmax()) + 1 if stuck else None].cpu()
    return RampSolution(
        perturbation=best,
        coverage=float(sets.coverage(best)),
        certificate=certify(sets, best),
        method="ramp",
        ramp_value=float(values.max()),
        ramp_values=values,
        in_dead_zone=stuck,
        config=config,
    )


def ramp_and_slope(
    normals: Float[Tensor, "n d"],
    offsets: Float[Tensor, " n"],
    count: Float[Tensor, ""],
    v: Float[Tensor, " d"],
) -> tuple[Float[Tensor, ""], Float[Tensor, " d"]]:
    """Evaluate the relaxed objective and its gradient, taken as zero at both kinks.

    Args:
        normals: The rows.
        offsets: Their offsets.
        count: How many rows count; those of zeros beyond it add nothing.
        v: The point.

    Returns:
        The value, as float64, and the gradient.
    """
    activations = normals @ v + offsets
    on_slope = (activations > 0) & (activations < 1)
    total = activations.clamp(0.0, 1.0).sum(dtype=torch.float64)
    return total / count, on_slope.to(v.dtype) @ normals / count


def ramp_rows(
    sets: RobustSets, rows: Literal["raw", "unit"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Scale the rows as the configuration asks; a zero normal has no unit.

    Args:
        sets: The robust sets.
        rows: Whether rows are taken as they are or divided by their length.

    Returns:
        Normals and offsets.
    """
    if rows == "raw":
        return sets.normals, sets.offsets
    length = l2_norm(sets.normals)
    length = torch.where(length > 0, length, torch.ones_like(length))
    normals = sets.normals.double() / length.unsqueeze(-1)
    offsets = sets.offsets.double() / length
    return normals.to(sets.normals.dtype), offsets.to(sets.offsets.dtype)
