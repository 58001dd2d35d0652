r"""The ball V and half-spaces: membership and projections."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.checks.radii import Budget, check_radii
from paper_lib.geometry.sums import l2_norm, near_one

# Relative slack of the test ||v|| <= radius, by the precision v is stored in.
_BALL_SLACK = {torch.float64: 1e-12, torch.float32: 1e-6}
# How far unit vectors fall short of one: more than the roundings they may yet meet.
_SHORTFALL = {torch.float64: 2.0**-44, torch.float32: 2.0**-22}
# Lengths whose inverse, and multiples by it, are far from over- and underflow.
_SAFE_LENGTHS = {torch.float64: (1e-100, 1e100), torch.float32: (1e-20, 1e20)}
# Below this radius entries are so near the smallest floats that rounding is absolute.
_SAFE_RADIUS = {torch.float64: 1e-280, torch.float32: 1e-28}


def in_l2_ball(
    vectors: Float[Tensor, "*batch d"], radius: Budget
) -> Bool[Tensor, "*batch"]:
    r"""Test membership in the ball V, the one test the library uses. Paper: Sec. 2.

    The test is :math:`\|v\|_2 \le \epsilon (1 + s)` in float64, with slack
    :math:`s = 10^{-12}` for float64 operands and :math:`10^{-6}` for float32.

    Args:
        vectors: Vectors along the last axis.
        radius: Radius of the ball, in the units of ``vectors``, or one for each of the
            n vectors ``(..., n, d)``.

    Returns:
        Whether each vector belongs to the ball.

    Raises:
        ValueError: If ``radius`` is negative, NaN or infinite, or the vectors are not
            floating point.

    Example:
        >>> in_l2_ball(torch.tensor([[3.0, 4.0], [3.0, 4.1]]), radius=5.0)
        tensor([ True, False])
    """
    radius = check_radii(radius, "radius", vectors)
    check_same_kind(vectors=vectors)
    return l2_norm(vectors) <= radius * (1.0 + _BALL_SLACK[vectors.dtype])


def check_in_l2_ball(
    name: str, vectors: Float[Tensor, "*batch d"], radius: Budget
) -> None:
    """Reject vectors outside the ball V, and say by how much.

    Args:
        name: The argument's name, for the message.
        vectors: Vectors along the last axis.
        radius: Radius of the ball, or one for each vector.

    Raises:
        ValueError: If one is longer than the radius.
    """
    if not bool(in_l2_ball(vectors, radius).all()):
        lengths = l2_norm(vectors)
        limits = torch.zeros_like(lengths) + radius
        worst = int((lengths - limits).argmax())
        longest, limit = (float(one.flatten()[worst]) for one in (lengths, limits))
        raise ValueError(
            f"{name} must lie in the ball of radius {limit}, got length {longest}, "
            f"which is {longest - limit:.3g} too long."
        )


def unit_vectors(vectors: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
    r"""Divide vectors by their length, rounded so that none is longer than one.

    They fall short of one by a few roundings, so that a later product with a radius,
    rounded once more, still fits the ball. The zero vector has no direction and stays.

    Args:
        vectors: Vectors along the last axis.

    Returns:
        Vectors of length one or a few roundings less, zero for zero.

    Example:
        >>> unit_vectors(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    return _scale(vectors, l2_norm(vectors), 1.0)


def _scale(
    vectors: Float[Tensor, "*batch d"], norm: Float[Tensor, "*batch"], radius: Budget
) -> Float[Tensor, "*batch d"]:
    """Scale vectors, whose lengths are known, to another; see :func:`unit_vectors`."""
    low, high = _SAFE_LENGTHS[vectors.dtype]
    if bool(((norm > low) & (norm < high)).all()):
        longer = norm * (1.0 + _SHORTFALL[vectors.dtype])
    else:
        vectors, _ = near_one(vectors)  # exact, so that the result is the same
        norm = l2_norm(vectors)
        longer = torch.where(norm > 0, norm * (1.0 + _SHORTFALL[vectors.dtype]), 1.0)
    unit = vectors * longer.reciprocal_().to(vectors.dtype).unsqueeze(-1)
    return fit_product(unit.mul_(as_factor(radius, unit)), radius)


def as_factor(radius: Budget, vectors: Float[Tensor, "*batch d"]) -> Budget:
    """Bring radii to the form in which vectors can be multiplied by them.

    Args:
        radius: A number, or one for each vector.
        vectors: The vectors.

    Returns:
        The number, or a column in the precision of the vectors.
    """
    return radius.to(vectors).unsqueeze(-1) if isinstance(radius, Tensor) else radius


def scale_to_radius(
    vectors: Float[Tensor, "*batch d"], radius: Budget
) -> Float[Tensor, "*batch d"]:
    r"""Scale vectors to a given length, rounded so that none is longer.

    The projection onto the sphere. The zero vector has no direction and stays.

    Args:
        vectors: Vectors along the last axis.
        radius: The length wanted, in the units of ``vectors``, or one for each.

    Returns:
        Vectors of length at most ``radius``, and within a few roundings of it.

    Raises:
        ValueError: If ``radius`` is negative, NaN or infinite.

    Example:
        >>> scale_to_radius(torch.tensor([[3.0, 4.0]]), radius=10.0)
        tensor([[6.0000, 8.0000]])
    """
    radius = check_radii(radius, "radius", vectors)
    return _scale(vectors, l2_norm(vectors), radius)


def fit_product(
    vectors: Float[Tensor, "*batch d"], radius: Budget
) -> Float[Tensor, "*batch d"]:
    """Make sure that unit vectors times a radius fit the ball of that radius.

    They do, but for radii so small that rounding is to multiples of the least float.

    Args:
        vectors: Unit vectors times at most ``radius``.
        radius: Radius of the ball, in the units of ``vectors``, or one for each.

    Returns:
        The vectors, entries lowered to the next float where one was too long.
    """
    least = float(radius.min()) if isinstance(radius, Tensor) else radius
    if least >= _SAFE_RADIUS[vectors.dtype]:
        return vectors
    zoom = 2.0**600  # exact, and takes the smallest floats where norms are accurate
    longest = radius * zoom * (1.0 - 2.0**-50)
    while bool((too_long := l2_norm(vectors.double() * zoom) > longest).any()):
        shorter = torch.nextafter(vectors, torch.zeros_like(vectors))
        vectors = torch.where(too_long.unsqueeze(-1), shorter, vectors)
    return vectors


def project_l2_sphere(
    vectors: Float[Tensor, "*batch d"],
    radius: Budget,
    norm: Float[Tensor, "*batch"] | None = None,
) -> Float[Tensor, "*batch d"]:
    r"""Project vectors onto the sphere around V; those already on it stay.

    As :func:`scale_to_radius`, but a vector of that length up to rounding comes back
    bit for bit: scaling it again would add a rounding error, and a later step that
    undoes it exactly would leave that error instead of zero.

    Args:
        vectors: Vectors along the last axis.
        radius: Radius of the sphere, in the units of ``vectors``, or one for each.
        norm: Their lengths, where these are known.

    Returns:
        Vectors of length at most ``radius``, within a few roundings of it; or zero.

    Raises:
        ValueError: If ``radius`` is negative, NaN or infinite.
    """
    radius = check_radii(radius, "radius", vectors)
    norm = l2_norm(vectors) if norm is None else norm
    shortest = radius * (1.0 - 2.0 * _SHORTFALL[vectors.dtype])
    on_sphere = ((norm >= shortest) & (norm <= radius)).unsqueeze(-1)
    scaled = _scale(vectors, norm, radius)
    return torch.where(on_sphere, vectors, scaled) if bool(on_sphere.any()) else scaled


def project_l2_ball(
    vectors: Float[Tensor, "*batch d"],
    radius: Budget,
    norm: Float[Tensor, "*batch"] | None = None,
) -> Float[Tensor, "*batch d"]:
    r"""Project vectors onto the closed ball V. Paper: Sec. 2.

    Solves :math:`\min_p \|p - v\|_2` subject to :math:`\|p\|_2 \le \epsilon`.

    Args:
        vectors: Vectors along the last axis.
        radius: Radius of the ball, in the units of ``vectors``, or one for each.
        norm: Their lengths, where these are known.

    Returns:
        The projections; vectors inside the ball come back unchanged, and one that was
        moved is no longer than ``radius`` after rounding.

    Raises:
        ValueError: If ``radius`` is negative, NaN or infinite, or the vectors are not
            floating point or not finite.

    Example:
        >>> project_l2_ball(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), radius=2.5)
        tensor([[1.5000, 2.0000],
                [0.0000, 1.0000]])
    """
    radius = check_radii(radius, "radius", vectors)
    check_same_kind(vectors=vectors)
    check_finite(vectors=vectors)
    norm = l2_norm(vectors) if norm is None else norm
    outside = (norm > radius).unsqueeze(-1)
    return torch.where(outside, _scale(vectors, norm, radius), vectors)


def project_halfspace(
    vectors: Float[Tensor, "*batch d"], normal: Float[Tensor, " d"], offset: float
) -> Float[Tensor, "*batch d"]:
    r"""Project vectors onto the half-space :math:`\{v : c^\top v + b \ge 0\}`.

    Args:
        vectors: Vectors along the last axis.
        normal: The normal :math:`c`, not zero.
        offset: The offset :math:`b`.

    Returns:
        The nearest points of the half-space; vectors in it come back unchanged.

    Raises:
        ValueError: If ``normal`` is zero or not finite, or ``offset`` is not finite.

    Example:
        >>> normal = torch.tensor([1.0, 0.0])
        >>> project_halfspace(torch.tensor([0.0, 3.0]), normal, offset=-2.0)
        tensor([2., 3.])
    """
    check_finite(normal=normal)
    scaled, scale = near_one(normal.double())
    length = float(l2_norm(scaled))
    if length == 0.0 or not math.isfinite(offset):
        raise ValueError(
            "a half-space needs a normal that is not zero and a finite offset, "
            f"got a normal of length {length} and offset {offset}."
        )
    unit = scaled / length
    shortfall = -(vectors.double() @ unit + offset / float(scale) / length)
    return vectors + (shortfall.clamp(min=0.0).unsqueeze(-1) * unit).to(vectors.dtype)
