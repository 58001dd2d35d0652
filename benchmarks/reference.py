"""Plain versions of what the solvers of Eq. (7) are compared with.

They share nothing with ``paper_lib.defense``: the paper's ramp, a relaxation that is
annealed and then polished, and the bound that conflicting pairs of rows give.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from scipy.optimize import linprog
from scipy.sparse import csr_array
from torch import Tensor

from paper_lib.robust_sets import RobustSets

NUM_STEPS = 300
FIRST_STEP, LAST_STEP = 0.1, 0.002
FIRST_WIDTH, LAST_WIDTH = 0.3, 0.01
MARGIN = 5e-4
_DUAL_TOLERANCE = 2e-5
_DUAL_STEPS = 20_000
_CONFLICT_SLACK = 1e-9

# The objective and its gradient at a point, at a step.
Objective = Callable[[Tensor, int], tuple[Tensor, Tensor]]


# --- ascents ----------------------------------------------------------------------


def ramp(sets: RobustSets, rows: Literal["raw", "unit"] = "raw") -> Tensor:
    """Ascend the mean ramp from v = 0 and keep the iterate where it is largest.

    Args:
        sets: The robust sets.
        rows: The rows as they are, or divided by the lengths of their normals.

    Returns:
        The perturbation. All steps are taken, also those that lead nowhere.
    """
    normals, offsets = (
        (sets.normals, sets.offsets) if rows == "raw" else _unit_length(sets)
    )

    def objective(v: Tensor, _: int) -> tuple[Tensor, Tensor]:
        heights = normals @ v + offsets
        on_slope = (heights > 0) & (heights < 1)
        value = heights.clamp(0.0, 1.0).mean(dtype=torch.float64)
        return value, on_slope.to(normals.dtype) @ normals

    values, iterates = _ascend(objective, torch.zeros_like(normals[0]), sets.epsilon)
    return iterates[int(torch.stack(values).argmax())]


def annealed(sets: RobustSets) -> Tensor:
    """Ascend sigmoids that grow steep, from v = 0 and from the mean normal.

    Args:
        sets: The robust sets.

    Returns:
        The end of the ascent that covers more.
    """
    normals, offsets = _unit_length(sets)
    widths = (sets.epsilon * np.geomspace(FIRST_WIDTH, LAST_WIDTH, NUM_STEPS)).tolist()

    def objective(v: Tensor, step: int) -> tuple[Tensor, Tensor]:
        width = widths[min(step, NUM_STEPS - 1)]
        shares = torch.sigmoid((normals @ v + offsets) / width)
        return shares.mean(), (shares * (1.0 - shares)) @ normals

    zero = torch.zeros_like(normals[0])
    starts = (zero, _to_length(normals.mean(dim=0), sets.epsilon))
    ends = [_ascend(objective, start, sets.epsilon)[1][-1] for start in starts]
    return max(ends, key=sets.coverage)


def _ascend(
    objective: Objective, start: Tensor, epsilon: float
) -> tuple[list[Tensor], list[Tensor]]:
    """Take all steps; return the values at the start and after each, and the points."""
    lengths = (epsilon * np.linspace(FIRST_STEP, LAST_STEP, NUM_STEPS)).tolist()
    v, values, iterates = _into_ball(start, epsilon), [], []
    for step, length in enumerate(lengths):
        value, gradient = objective(v, step)
        values.append(value)
        iterates.append(v)
        v = _into_ball(v + _to_length(gradient, length), epsilon)
    return [*values, objective(v, NUM_STEPS)[0]], [*iterates, v]


def _to_length(vector: Tensor, length: float) -> Tensor:
    norm = vector.norm()
    return vector * (length / torch.where(norm > 0, norm, 1.0))


def _into_ball(v: Tensor, epsilon: float) -> Tensor:
    """Project; a hair too short, so that rounding leaves the result inside."""
    longest = epsilon * (1.0 - 4 * torch.finfo(v.dtype).eps)
    return v * torch.clamp(longest / v.norm().clamp(min=longest), max=1.0)


def _unit_length(sets: RobustSets) -> tuple[Tensor, Tensor]:
    """Divide rows by the lengths of their normals, where these are not zero."""
    lengths = sets.normals.norm(dim=1)
    lengths = torch.where(lengths > 0, lengths, 1.0)
    return sets.normals / lengths[:, None], sets.offsets / lengths


# --- the polish -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitRows:
    """The rows g u >= t, of length one, that decide between points of the unit ball.

    Attributes:
        normals: g.
        thresholds: t, in (-1, 1].
        num_lost: Rows beside these that no u satisfies.
    """

    normals: np.ndarray
    thresholds: np.ndarray
    num_lost: int


def unit_rows(sets: RobustSets) -> UnitRows:
    """Scale the rows by their lengths and by the budget; drop what is decided."""
    normals, offsets = _unit_length(sets)
    zero = (sets.normals == 0).all(dim=1)
    thresholds = -offsets.double() / sets.epsilon
    thresholds[zero] = torch.where(offsets[zero] >= 0, -torch.inf, torch.inf).double()
    kept = (thresholds > -1.0) & (thresholds <= 1.0)
    return UnitRows(
        normals=normals[kept].double().numpy(),
        thresholds=thresholds[kept].numpy(),
        num_lost=int((thresholds > 1.0).sum()),
    )


def annealed_and_polished(sets: RobustSets) -> Tensor:
    """Anneal, then polish; the better of the two.

    Args:
        sets: The robust sets.

    Returns:
        The perturbation.
    """
    first = annealed(sets)
    return max((first, polish(sets, first)), key=sets.coverage)


def polish(sets: RobustSets, v: Tensor) -> Tensor:
    """Trade the slack in the norm for more rows.

    The shortest point that satisfies what v does is found by ascent on the dual. The
    row it violates least is then added, and again, while the shortest point stays in
    the ball. Thresholds are raised by a margin, so that no count hangs on rounding.

    Args:
        sets: The robust sets.
        v: Where to begin.

    Returns:
        The last of the points.
    """
    rows = unit_rows(sets)
    start = v.double().numpy() / sets.epsilon
    wanted = rows.normals @ start >= rows.thresholds
    dual = _Dual(normals=rows.normals, thresholds=rows.thresholds + MARGIN)
    best = start
    while _ascend_dual(dual, wanted):
        best = dual.multipliers @ rows.normals
        wanted |= dual.products >= dual.thresholds
        missing = np.where(wanted, np.inf, dual.thresholds - dual.products)
        if wanted.all():
            break
        wanted[missing.argmin()] = True
    return _into_ball(torch.from_numpy(sets.epsilon * best).to(v), sets.epsilon)


@dataclass(kw_only=True, slots=True)
class _Dual:
    """The dual of the shortest point: max t m - |G' m|^2 / 2 over m >= 0.

    Attributes:
        normals: The rows of G.
        thresholds: t.
        multipliers: m.
        products: G G' m, the products of all rows with the point.
        gram: The rows of G G' that were needed so far.
    """

    normals: np.ndarray
    thresholds: np.ndarray
    multipliers: np.ndarray = field(init=False)
    products: np.ndarray = field(init=False)
    gram: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin at zero."""
        self.multipliers = np.zeros_like(self.thresholds)
        self.products = np.zeros_like(self.thresholds)


def _ascend_dual(dual: _Dual, wanted: np.ndarray) -> bool:
    """Move the multiplier of the largest violation, again and again.

    Args:
        dual: What is maximized, changed in place.
        wanted: The rows that the point has to satisfy.

    Returns:
        Whether the shortest such point was found and lies in the unit ball.
    """
    for _ in range(_DUAL_STEPS):
        moves = np.maximum(dual.thresholds - dual.products, -dual.multipliers)
        moves[~wanted] = 0.0
        row = int(np.abs(moves).argmax())
        if abs(moves[row]) <= _DUAL_TOLERANCE:
            return dual.multipliers @ dual.products <= 1.0
        if row not in dual.gram:
            dual.gram[row] = dual.normals @ dual.normals[row]
        dual.multipliers[row] += moves[row]
        dual.products += moves[row] * dual.gram[row]
        if dual.multipliers @ (dual.thresholds - 0.5 * dual.products) > 0.5:
            return False
    return False


# --- the bound --------------------------------------------------------------------


def matching_bound(sets: RobustSets) -> int:
    """Bound the count by a fractional matching of rows that exclude each other.

    Two rows do so inside the ball iff the angle between their normals exceeds
    arccos(t) + arccos(t'). The linear program is the cover, dual to the matching.

    Args:
        sets: The robust sets.

    Returns:
        A number of rows that no perturbation exceeds, up to rounding.

    Raises:
        RuntimeError: If the solver gives up.
    """
    rows = unit_rows(sets)
    num = len(sets.offsets) - rows.num_lost
    first, second = _conflicts(rows)
    if not len(first):
        return num
    pairs = np.arange(len(first))
    cover = csr_array(
        (
            -np.ones(2 * len(pairs)),
            (np.tile(pairs, 2), np.concatenate([first, second])),
        ),
        shape=(len(pairs), len(rows.thresholds)),
    )
    found = linprog(
        np.ones(len(rows.thresholds)),
        A_ub=cover,
        b_ub=-np.ones(len(pairs)),
        bounds=(0.0, 1.0),
        method="highs",
    )
    if found.status != 0:
        raise RuntimeError(f"the linear program ended with: {found.message}")
    return num - int(np.ceil(found.fun - 1e-6))


def _conflicts(rows: UnitRows) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows that miss each other inside the ball."""
    angles = np.arccos(np.clip(rows.normals @ rows.normals.T, -1.0, 1.0))
    reach = np.arccos(np.clip(rows.thresholds, -1.0, 1.0))
    apart = angles > reach[:, None] + reach[None, :] + _CONFLICT_SLACK
    return np.nonzero(np.triu(apart, 1))
