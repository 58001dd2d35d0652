r"""The maximizer for at most two rows, in closed form. Paper: Sec. 4, Fig. 2.

For one row it is the projection of the origin onto the half-space, for two the
projection onto their intersection; where they meet outside the ball, the projection
onto either. The multipliers of that projection are then the proof of the conflict.
"""

import math

import numpy as np
import torch
from jaxtyping import Float

from paper_lib.defense.certificates.conflicts import pair_evidence
from paper_lib.defense.certificates.subsystems import WEIGHT_ONE, SubsystemEvidence
from paper_lib.defense.rows import UnitRows, as_perturbation, surely_satisfied
from paper_lib.defense.solution import Progress

# How far inside its half-spaces a point is put where there is room, so that they still
# contain it after it is rounded to the precision of the rows.
_INSET = {torch.float64: 2.0**-42, torch.float32: 2.0**-20}
# Rows that miss each other, or the ball, by less may touch.
_TOUCH = 1e-12


def closed_form(rows: UnitRows) -> Progress:
    r"""Solve Eq. (7) where at most two rows are left to decide. Paper: Sec. 4.

    Args:
        rows: The rows, in the unit ball.

    Returns:
        A maximizer, nearest to the origin up to a few roundings, and evidence that no
        other is better; None where all rows are reached.

    Raises:
        ValueError: If more than two rows are left.

    Example:
        >>> from paper_lib.defense.rows import unit_rows
        >>> from paper_lib.robust_sets import RobustSets
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[3.0, 4.0]], dtype=torch.float64),
        ...     offsets=torch.tensor([-2.5], dtype=torch.float64),
        ...     epsilon=1.0,
        ... )
        >>> closed_form(unit_rows(sets)).point.round(6).tolist()
        [0.3, 0.4]
    """
    count = len(rows.thresholds)
    if count > 2:
        raise ValueError(f"the closed form needs at most two rows, got {count}.")
    normals, thresholds = rows.normals.numpy(), rows.thresholds.numpy()
    normals = normals / np.sqrt(np.square(normals).sum(axis=1, keepdims=True))
    inset = np.minimum(thresholds + _INSET[rows.sets.normals.dtype], 1.0)
    point = _nearest(normals, inset)
    if point is not None:
        return Progress(point=point, evidence=_evidence(rows, 0))
    # They may touch: rounding decides whether a point of both is one.
    touching, either = _nearest(normals, thresholds), _nearest(normals[:1], inset[:1])
    points = [one for one in (touching, either) if one is not None]
    kept = [as_perturbation(one, rows.sets) for one in points]
    counts = [int(surely_satisfied(rows.sets, one).sum()) for one in kept]
    return Progress(point=points[int(np.argmax(counts))], evidence=_evidence(rows, 1))


def touching_point(rows: UnitRows) -> Float[np.ndarray, " d"] | None:
    """Find where at most two rows meet, if only up to rounding.

    Args:
        rows: The rows left to decide, in the unit ball.

    Returns:
        The point of both next to the origin; None where they miss each other.
    """
    return _nearest(rows.normals.numpy(), rows.thresholds.numpy(), _TOUCH)


def _nearest(
    normals: Float[np.ndarray, "m d"],
    thresholds: Float[np.ndarray, " m"],
    spare: float = 0.0,
) -> Float[np.ndarray, " d"] | None:
    """Project the origin onto at most two half-spaces.

    Args:
        normals: Unit normals.
        thresholds: What each row asks for.
        spare: By how much they may miss each other or the ball.

    Returns:
        The point; None where they meet outside of the ball, or nowhere.
    """
    if (thresholds <= 0.0).all():
        return np.zeros(normals.shape[1])
    for row in np.flatnonzero(thresholds > 0.0):
        point = thresholds[row] * normals[row]
        enough = normals @ point >= thresholds
        enough[row] = True  # but for rounding
        if enough.all():
            return point
    return _corner(normals, thresholds, spare)


def _corner(
    normals: Float[np.ndarray, "2 d"], thresholds: Float[np.ndarray, " 2"], spare: float
) -> Float[np.ndarray, " d"] | None:
    """Find the shortest vector on both boundaries; None where it leaves the ball."""
    (g, h), (s, t) = normals, thresholds
    across = h - (g @ h) * g
    length = math.sqrt(across @ across)
    if length < 1e-15:  # parallel: opposite, or one would contain the other
        return s * g if s + t <= spare else None
    along = (t - (g @ h) * s) / length
    if math.hypot(s, along) > 1.0 + spare:
        return None
    return s * g + along * (across / length)


def _evidence(rows: UnitRows, num_pairs: int) -> SubsystemEvidence | None:
    """Pack every lost row and the pair in conflict, if any, where that is proven."""
    evidence = pair_evidence(rows, np.array([[0, 1]])[:num_pairs], WEIGHT_ONE)
    return evidence if len(evidence.subsystems) else None
