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

# What a proof of infeasibility must exceed, more than all rounding in its check.
_MARGIN = 1e-9
# How far inside all rows a point should lie: the first of these that can be had.
_DEPTHS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 0.0)
# Conflicting pairs to start from; others are found when they are needed.
_MAX_PAIRS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Subsystem:
    r"""Rows that exclude each other, and the proof.

    Attributes:
        rows: Their numbers among the unit rows.
        multipliers: :math:`\mu_i > 0` for each, which add up to one.
    """

    rows: Int[np.ndarray, " length"]
    multipliers: Float[np.ndarray, " length"]


def conflicting_pairs(
    normals: Float[np.ndarray, "m d"], thresholds: Float[np.ndarray, " m"]
) -> list[Subsystem]:
    """List the pairs of rows without a common point, the clearest first.

    For two rows the best multipliers are :math:`t_i - c t_j` and :math:`t_j - c t_i`,
    where c is the product of the normals.

    Args:
        normals: Normals of length one.
        thresholds: The thresholds.

    Returns:
        The pairs, no more than ``_MAX_PAIRS``.
    """
    pairs: list[tuple[float, Subsystem]] = []
    for i in range(len(normals)):
        own, others = thresholds[i], thresholds[i + 1 :]
        product = normals[i + 1 :] @ normals[i]
        first, second = own - product * others, others - product * own
        total = first + second
        good = (first > 0) & (second > 0) & (total > _MARGIN)
        mix = np.stack([first, second], axis=1)[good] / total[good, np.newaxis]
        combined = mix[:, :1] * normals[i] + mix[:, 1:] * normals[i + 1 :][good]
        pull = mix[:, 0] * own + mix[:, 1] * others[good]
        margin = pull - np.sqrt(np.square(combined).sum(axis=1))
        for k in np.flatnonzero(margin > _MARGIN):
            both = np.array([i, i + 1 + np.flatnonzero(good)[k]])
            pairs.append((-float(margin[k]), Subsystem(both, mix[k])))
    return [pair for _, pair in sorted(pairs, key=lambda entry: entry[0])][:_MAX_PAIRS]


def find_subsystem(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    kept: Bool[np.ndarray, " m"],
) -> Subsystem | None:
    """Find rows among those kept that exclude each other, none of which can be spared.

    Args:
        normals: Normals of length one.
        thresholds: The thresholds.
        kept: Which rows to look among.

    Returns:
        Such rows with their proof; None: no proof was found that there are any.
    """
    rows = np.flatnonzero(kept)
    proof = _multipliers(normals[rows], thresholds[rows])
    if proof is None:
        return None
    return _irreducible(normals, thresholds, rows, proof)


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
        weights = _least_squares(normals, thresholds + depth)
        if weights is None or (pull := weights @ (thresholds + depth)) >= 1.0:
            continue
        point = weights @ normals / (1.0 - pull)
        length = math.sqrt(point @ point)
        if length <= 1.0 + (_MARGIN if depth == 0.0 else 0.0):
            return point / max(length, 1.0)
    return None


def _multipliers(
    normals: Float[np.ndarray, "k d"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"] | None:
    """Prove that rows have no common point of the unit ball; None: no proof found."""
    weights = _least_squares(normals, thresholds)
    if weights is None or not (total := weights.sum()) > 0:
        return None
    weights = weights / total
    pull, combined = weights @ thresholds, weights @ normals
    return weights if pull - math.sqrt(combined @ combined) > _MARGIN else None


def _least_squares(
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


def _irreducible(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    rows: Int[np.ndarray, " k"],
    multipliers: Float[np.ndarray, " k"],
) -> Subsystem:
    """Drop rows, the least weighed first, as long as the others exclude each other."""
    rows, multipliers = rows[multipliers > 0], multipliers[multipliers > 0]
    for row in rows[np.argsort(multipliers, kind="stable")].tolist():
        rest = rows[rows != row]
        proof = _multipliers(normals[rest], thresholds[rest])
        if len(rest) < len(rows) and proof is not None:
            rows, multipliers = rest[proof > 0], proof[proof > 0]
    return Subsystem(rows, multipliers)
