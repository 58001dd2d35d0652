r"""Points that only rounding or the slack of the ball admits.

Robust sets may meet V, or each other, in one point. That point is rarely a number of
float64, and a perturbation that is shortened to fit V fails the rows that touch there.
``RobustSets.contains`` judges in float64 and lets the ball have a slack, so a neighbor
of the point often passes. Here such neighbors are tried: steps into the cone of the
rows that are near, and changes of the last bits. One is returned only where it is in
more robust sets than the shortened perturbation, which is the better one otherwise.
"""

import itertools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.defense.exact.feasibility import least_squares
from paper_lib.defense.rows import UnitRows, as_perturbation
from paper_lib.geometry.sums import rough_dots
from paper_lib.robust_sets import RobustSets

# Rows this near to a point, relative to their length and the budget, may touch there.
_NEAR = {torch.float64: 1e-10, torch.float32: 5e-7}
# How far a point may be moved: within the slack of the ball.
_LONGEST = {torch.float64: 0.9e-12, torch.float32: 2e-7}
# Rows that ask for all of the budget, up to this, touch V in their normal alone.
_TANGENT = {torch.float64: 1e-12, torch.float32: 2e-7}
_MOST_NEAR, _NUM_DRAWS, _BLOCK = 200, 400, 256


def settle(point: Float[np.ndarray, " d"], rows: UnitRows) -> Float[Tensor, " d"]:
    """Bring a point of the unit ball into V, as near as its rows need it.

    Args:
        point: The point, up to rounding.
        rows: All rows, scaled.

    Returns:
        The perturbation, shortened to fit V without slack unless a neighbor that
        ``contains`` accepts is in more robust sets.
    """
    sets = rows.sets
    shortened = as_perturbation(point, sets)
    if sets.epsilon == 0.0:
        return shortened
    normals, offsets = sets.normals.cpu(), sets.offsets.cpu().double()
    sizes = rows.lengths * sets.epsilon
    near = _NEAR[normals.dtype] * sizes
    products, error = rough_dots(normals, shortened.cpu())
    places = ((products + offsets).abs() <= near + error).nonzero()[:, 0]
    slack = normals[places].double() @ shortened.cpu().double() + offsets[places]
    places = places[(slack.abs() <= near[places]) & (sizes[places] > 0)]
    if not 0 < len(places) <= _MOST_NEAR:
        return shortened
    close = sets.subset(places)
    held = int(close.contains(shortened).sum())
    if held == len(places):
        return shortened
    units = normals[places].double() / rows.lengths[places].unsqueeze(-1)
    asked = rows.asked[places].numpy()
    choices = _neighbors(point, units.numpy(), asked, sets)
    counts = close.contains(choices).sum(-1)
    best = int(counts.argmax())
    if int(counts[best]) > held:
        neighbor = choices[best]
        if sets.coverage(neighbor) > sets.coverage(shortened):
            return neighbor
    return shortened


def tangent_point(rows: UnitRows) -> Float[np.ndarray, " d"] | None:
    """Find the best of the points in which a single robust set meets V.

    Args:
        rows: All rows, scaled.

    Returns:
        A point of the unit ball; None where no set meets V in one point.
    """
    normals, lengths = rows.sets.normals.cpu(), rows.lengths
    slack = _TANGENT[normals.dtype]
    tangent = ((rows.asked - 1.0).abs() <= slack).nonzero()[:, 0]
    if not len(tangent):
        return None
    units = normals.double() / torch.where(lengths > 0, lengths, 1.0)[:, None]
    most, best = -1, None
    for block in tangent.split(_BLOCK):
        counts = (units[block] @ units.T >= rows.asked - 2 * slack).sum(-1)
        place = int(counts.argmax())
        if int(counts[place]) > most:
            most, best = int(counts[place]), units[block[place]].numpy()
    return best


def _neighbors(
    point: Float[np.ndarray, " d"],
    units: Float[np.ndarray, "k d"],
    asked: Float[np.ndarray, " k"],
    sets: RobustSets,
) -> Float[Tensor, "choices d"]:
    """List perturbations next to a point, those that are moved least first."""
    longest = _LONGEST[sets.normals.dtype]
    exact = point + np.linalg.lstsq(units, asked - units @ point, rcond=1e-9)[0]
    exact = exact if np.abs(exact - point).max() <= 1e-6 else point
    centers = [point, exact]
    inward = _into_the_cone(units)
    steps = longest * 2.0 ** -np.arange(14.0, -1.0, -1.0)
    for way in [exact] if inward is None else [inward, exact]:
        way = way / max(float(np.linalg.norm(way)), 1e-300)
        centers += [exact + sign * step * way for step in steps for sign in (1, -1)]
    moved = torch.from_numpy(np.array(centers) * sets.epsilon).to(sets.normals)
    return torch.cat([moved, *map(_other_bits, (moved[0], moved[1]))])


def _into_the_cone(units: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " d"] | None:
    """Find a way along which every row gains; None: there is none."""
    # The shortest w with g w >= 1, as in feasibility, without its ball.
    weights = least_squares(units, np.ones(len(units)))
    if weights is None:
        return None
    rest = 1.0 - weights.sum()
    return weights @ units / rest if rest > 1e-9 else None


def _other_bits(center: Float[Tensor, " d"]) -> Float[Tensor, "choices d"]:
    """Change the last bits of every entry: all ways in few dimensions, else some."""
    dim, span = len(center), (-2, -1, 0, 1, 2)
    if len(span) ** dim <= 4 * _NUM_DRAWS:
        ways = torch.tensor(list(itertools.product(span, repeat=dim)))
    else:
        draw = torch.Generator().manual_seed(0)
        ways = torch.randint(-2, 3, (_NUM_DRAWS, dim), generator=draw)
    ulp = torch.nextafter(center.abs(), torch.full_like(center, torch.inf))
    return center + ways.to(center) * (ulp - center.abs())
