r"""The rows of Eq. (7) as the solvers want them, and exact counting.

A solver works in the unit ball with unit normals: row i asks for
:math:`g_i^\top u \ge t_i` with :math:`g_i = c_i / \|c_i\|_2`,
:math:`t_i = -b_i / (\epsilon \|c_i\|_2)` and :math:`u = v / \epsilon`. What it finds is
then judged on the stored rows, as exact reals.
"""

import hashlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from paper_lib.checks.arguments import check_type
from paper_lib.geometry import l2_norm, scale_to_radius, unit_vectors
from paper_lib.geometry.sums import rough_dots
from paper_lib.robust_sets import RobustSets

# Rounding of one float64 operation, relative.
UNIT_ROUNDOFF = 2.0**-53
# More than a number below the normal floats is off by.
SMALLEST = 2.0**-1070
# Added to every bound on a rounding error, for results below the normal floats.
TINY = 1e-290


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UnitRows:
    """Robust sets scaled to the unit ball, and the rows that are left to decide.

    Made once, and handed to all that look for a perturbation or for evidence.

    Attributes:
        sets: The robust sets, all n of them.
        lengths: The length of each stored normal.
        asked: What each of them asks of its product with u: at most -1 where every
            perturbation satisfies it, above 1 where none does.
        normals: Unit normals of the m rows that some perturbations satisfy and others
            do not, as float64.
        thresholds: What these ask for, in (-1, 1].
        index: Where these stand among all rows.
        num_free: Rows that every perturbation satisfies.
        lost: The rows that none satisfies, among all rows.
    """

    sets: RobustSets
    lengths: Float[Tensor, " n"]
    asked: Float[Tensor, " n"]
    normals: Float[Tensor, "m d"]
    thresholds: Float[Tensor, " m"]
    index: Int[Tensor, " m"]
    num_free: int
    lost: Int[Tensor, " k"]


def unit_rows(sets: RobustSets) -> UnitRows:
    """Scale rows to unit length and the ball to radius one; set aside what is decided.

    Args:
        sets: The robust sets.

    Returns:
        The rows, on the CPU. None is left to decide when the budget is zero.
    """
    check_type(sets, "sets", RobustSets)
    normals = sets.normals.cpu()
    lengths = l2_norm(normals)
    asked = row_thresholds(sets, lengths)
    free, lost = asked <= -1.0, asked > 1.0
    index = (~free & ~lost).nonzero()[:, 0]
    if normals.dtype == torch.float32:
        units = normals[index].double() / lengths[index].unsqueeze(-1)
    else:  # the largest are scaled down first
        units = unit_vectors(normals[index])
    return UnitRows(
        sets=sets,
        lengths=lengths,
        asked=asked,
        normals=units,
        thresholds=asked[index],
        index=index,
        num_free=int(free.sum()),
        lost=lost.nonzero()[:, 0],
    )


def row_thresholds(
    sets: RobustSets, lengths: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Compute what each row asks of the product of its unit normal with u.

    Args:
        sets: The robust sets.
        lengths: The length of each normal, on the CPU.

    Returns:
        The thresholds; infinite where the budget or the normal is zero.
    """
    offsets, reach = sets.offsets.cpu().double(), lengths * sets.epsilon
    flat = torch.where(offsets >= 0, -torch.inf, torch.inf)
    return torch.where(reach > 0, -offsets / reach, flat)


def fingerprint(sets: RobustSets) -> str:
    """Name the rows and the budget by the SHA-256 of their bytes.

    Args:
        sets: The robust sets.

    Returns:
        The digest, in hexadecimal.

    Raises:
        TypeError: If they are no robust sets.
    """
    check_type(sets, "sets", RobustSets)
    normals = sets.normals
    digest = hashlib.sha256(f"{normals.dtype} {tuple(normals.shape)}".encode())
    digest.update(_bytes(normals))
    digest.update(float(sets.epsilon).hex().encode())
    digest.update(_bytes(sets.offsets))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def surely_satisfied(
    sets: RobustSets, perturbation: Float[Tensor, " d"]
) -> Bool[Tensor, " n"]:
    r"""Decide each row at a perturbation, stored numbers taken as exact reals.

    A slack larger than the bound on its rounding error is believed; the few that are
    not are computed again with rationals, and so is the length of a perturbation on
    the sphere. Unlike ``RobustSets.contains`` there is no slack for the ball.

    Args:
        sets: The robust sets.
        perturbation: The perturbation to judge.

    Returns:
        The verdicts; False everywhere when the perturbation lies outside V.
    """
    normals, offsets = sets.normals.cpu(), sets.offsets.cpu().double()
    v = perturbation.detach().cpu()
    if not _inside_exactly(v, sets.epsilon):
        return torch.zeros(len(offsets), dtype=torch.bool)
    products, error = rough_dots(normals, v)
    verdicts = products + offsets > 0
    error = error + 4 * UNIT_ROUNDOFF * offsets.abs()
    doubtful = ~((products + offsets).abs() > error) & offsets.isfinite()
    rows = doubtful.nonzero()[:, 0]
    verdicts[rows] = _decide(normals[rows], offsets[rows], v)
    return verdicts


def _decide(
    normals: Float[Tensor, "k d"], offsets: Float[Tensor, " k"], v: Float[Tensor, " d"]
) -> Bool[Tensor, " k"]:
    """Decide rows: in float64 with a bound on its rounding, else with rationals."""
    terms = normals.double() * v.double()
    slack = terms.sum(-1) + offsets
    size = terms.abs().sum(-1) + offsets.abs()
    verdicts = slack > 0
    unsure = ~(slack.abs() > 2 * len(v) * UNIT_ROUNDOFF * size + TINY)
    for row in unsure.nonzero()[:, 0].tolist():
        verdicts[row] = _dot(normals[row], v) + Fraction(offsets[row].item()) >= 0
    return verdicts


def _inside_exactly(v: Float[Tensor, " d"], radius: float) -> bool:
    """Test whether a vector is no longer than the radius, without slack."""
    norm = float(l2_norm(v))
    if norm < radius * (1.0 - 1e-12):
        return True
    if not norm <= radius * (1.0 + 1e-12):  # NaN is outside
        return False
    return _dot(v, v) <= Fraction(float(radius)) ** 2


def _dot(left: Float[Tensor, " d"], right: Float[Tensor, " d"]) -> Fraction:
    """Multiply two stored vectors exactly."""
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SafeRows:
    """Rows for proofs: what fails them fails the stored rows for sure.

    Attributes:
        normals: Unit normals g, rounded.
        thresholds: Numbers t such that g u < t, computed exactly, implies that the
            stored row is violated at v = epsilon u, for each u of the unit ball.
            Infinite where every perturbation satisfies or violates the row.
    """

    normals: Float[np.ndarray, "n d"]
    thresholds: Float[np.ndarray, " n"]


def safe_rows(sets: RobustSets) -> SafeRows:
    """Scale rows to the unit ball, thresholds lowered by all rounding on the way.

    Args:
        sets: The robust sets.

    Returns:
        The rows, in their order.
    """
    normals, offsets = scaled_rows(sets)
    lengths = np.sqrt(np.square(normals).sum(axis=1))
    decided = (lengths == 0) | (sets.epsilon == 0)
    flat = np.where(offsets >= 0, -np.inf, np.inf)
    with np.errstate(over="ignore", under="ignore"):
        # In this order nothing overflows that is not decided by it.
        quotients = -offsets / (sets.epsilon or 1.0) / np.where(decided, 1.0, lengths)
        least = SMALLEST / (sets.epsilon or 1.0)
    thresholds = np.where(decided, flat, quotients)
    # Lengths and quotients are off by d + 8 roundings, relative.
    error = (normals.shape[1] + 8) * UNIT_ROUNDOFF
    size = np.where(np.isfinite(thresholds), np.abs(thresholds), 0.0)
    safe = thresholds - 2 * error * (1.0 + size) - TINY - least
    safe[safe > 1.0 + error] = np.inf  # no u of the ball has a product as large
    safe[safe < -1.0 - error] = -np.inf
    return SafeRows(
        normals=normals / np.where(lengths > 0, lengths, 1.0)[:, np.newaxis],
        thresholds=safe,
    )


def scaled_rows(
    sets: RobustSets,
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
    """Scale each row by the power of two that brings its largest entry near one.

    The scaling is exact but for entries that fall below the smallest float64, which
    whoever uses it allows for. A row whose normal is zero is scaled by its offset.

    Args:
        sets: The robust sets.

    Returns:
        Normals and offsets as float64.
    """
    normals = sets.normals.detach().cpu().double().numpy()
    offsets = sets.offsets.detach().cpu().double().numpy()
    peak = np.abs(normals).max(axis=1)
    finite = np.where(np.isfinite(offsets), np.abs(offsets), 1.0)
    exponent = np.frexp(np.where(peak > 0, peak, finite))[1]
    with np.errstate(over="ignore", under="ignore"):
        moved = np.ldexp(offsets, -exponent)
        # Only a stored minus infinity means that nobody satisfies the row.
        least = -np.finfo(np.float64).max
        moved = np.where(np.isfinite(offsets), np.maximum(moved, least), moved)
        return np.ldexp(normals, -exponent[:, np.newaxis]), moved


def as_perturbation(
    direction: Float[np.ndarray, " d"], sets: RobustSets
) -> Float[Tensor, " d"]:
    """Bring a point of the unit ball into V, in the precision of the rows.

    Args:
        direction: A point of the unit ball, up to rounding.
        sets: The robust sets.

    Returns:
        The perturbation, no longer than the budget after the last rounding.
    """
    point = torch.from_numpy(np.asarray(direction, dtype=np.float64))
    length = min(float(l2_norm(point)), 1.0)
    result = (unit_vectors(point) * length * sets.epsilon).to(sets.normals)
    if not _inside_exactly(result.cpu(), sets.epsilon):
        result = scale_to_radius(result, sets.epsilon)
    return result
