r"""Whether rows have a common point of the unit ball: the point, or proof of none.

By Farkas' lemma for the ball, rows :math:`g_i^\top u \ge t_i` are infeasible together
just when :math:`\sum_i \mu_i t_i > \|\sum_i \mu_i g_i\|` for a :math:`\mu \ge 0`;
nonnegative least squares finds it, or the shortest point. Rows that are infeasible
together, as few as possible, are a subsystem.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import nnls

from paper_lib.defense.rows import UnitRows

# What a proof of infeasibility must exceed, more than all rounding in its check.
MARGIN = 1e-9
# How far inside all rows a point should lie: the first of these that can be had.
_DEPTHS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Subsystem:
    r"""Rows that exclude each other, and the proof.

    Attributes:
        rows: Their numbers among the unit rows.
        multipliers: :math:`\mu_i > 0` for each, which add up to one.
    """

    rows: Int[np.ndarray, " length"]
    multipliers: Float[np.ndarray, " length"]


def common_point(
    normals: Float[np.ndarray, "k d"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " d"] | None:
    """Find a point of the unit ball that satisfies all rows.

    Args:
        normals: Normals of length one.
        thresholds: The thresholds.

    Returns:
        The point, well inside all rows where possible; None: none was found.
    """
    for depth in _DEPTHS:
        weights = least_squares(normals, thresholds + depth)
        if weights is None or (pull := weights @ (thresholds + depth)) >= 1.0:
            continue
        point = weights @ normals / (1.0 - pull)
        length = math.sqrt(point @ point)
        if length <= 1.0 + (MARGIN if depth == 0.0 else 0.0):
            return point / max(length, 1.0)
    return None


def _multipliers(
    normals: Float[np.ndarray, "k d"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"] | None:
    """Prove that rows have no common point of the unit ball; None: no proof found."""
    weights = least_squares(normals, thresholds)
    if weights is None or not (total := weights.sum()) > 0:
        return None
    weights = weights / total
    pull, combined = weights @ thresholds, weights @ normals
    return weights if pull - math.sqrt(combined @ combined) > MARGIN else None


def least_squares(
    normals: Float[np.ndarray, "k d"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"] | None:
    r"""Minimize :math:`\|\sum y_i g_i\|^2 + (1 - \sum y_i t_i)^2` over y >= 0.

    The shortest point with :math:`g_i^\top u \ge t_i` is
    :math:`\sum y_i g_i / (1 - \sum y_i t_i)`; it is longer than one, or there is none,
    just when :math:`\sum y_i t_i > 1/2`, and then y is a proof.

    Returns:
        The minimizer y; None: not found.
    """
    if len(thresholds) == 0:
        return np.zeros(0)
    matrix = np.vstack([normals.T, thresholds])
    try:
        return nnls(matrix, np.eye(1, len(matrix), len(matrix) - 1)[0])[0]
    except RuntimeError:
        return None


def find_subsystem(rows: UnitRows, kept: Bool[np.ndarray, " m"]) -> Subsystem | None:
    """Find rows among those kept that exclude each other, none of which can be spared.

    Args:
        rows: The rows.
        kept: Which of them to look among.

    Returns:
        Such rows with their proof; None: no proof was found that there are any.
    """
    normals, thresholds = rows.normals.numpy(), rows.thresholds.numpy()
    chosen = np.flatnonzero(kept)
    weights = _multipliers(normals[chosen], thresholds[chosen])
    if weights is None:
        return None
    chosen, weights = chosen[weights > 0], weights[weights > 0]
    # The least weighed are dropped first, as long as the others exclude each other.
    for row in chosen[np.argsort(weights, kind="stable")].tolist():
        rest = chosen[chosen != row]
        proof = _multipliers(normals[rest], thresholds[rest])
        if len(rest) < len(chosen) and proof is not None:
            chosen, weights = rest[proof > 0], proof[proof > 0]
    return Subsystem(chosen, weights)
