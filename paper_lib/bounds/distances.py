"""Signed distances: how far a perturbation lies inside each robust set's half-space."""

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.geometry import l2_norm, unit_vectors
from paper_lib.robust_sets import RobustSets


def unit_normals(sets: RobustSets) -> Float[Tensor, "n d"]:
    """Scale the normals to length one.

    Args:
        sets: The robust sets.

    Returns:
        The normals in float64, zero where they were zero.
    """
    return unit_vectors(sets.normals.detach().double())


def distances_at_zero(sets: RobustSets) -> Float[Tensor, " n"]:
    r"""Measure the distance of the origin from each boundary, negative outside.

    Args:
        sets: The robust sets.

    Returns:
        Distances in float64, in the units of the inputs. A row without a normal is
        infinitely far inside or outside, whatever v is.
    """
    lengths = l2_norm(sets.normals.detach().double())
    offsets = sets.offsets.detach().double()
    flat = torch.where(offsets >= 0, torch.inf, -torch.inf)
    return torch.where(lengths > 0, offsets / lengths, flat)


def signed_distances(sets: RobustSets, v: Float[Tensor, " d"]) -> Float[Tensor, " n"]:
    r"""Measure how far v lies inside each half-space: :math:`h_i(v)`.

    :math:`h_i(v) = (c_i^\top v + b_i) / \|c_i\|_2`. Moving v by r changes it by at most
    r, whatever the dimension.

    Args:
        sets: The robust sets.
        v: The perturbation.

    Returns:
        Distances in float64, in the units of the inputs, negative outside. They are
        rounded: whether v lies in a robust set is for ``RobustSets.contains`` to say.

    Raises:
        ValueError: If v does not fit the rows.
    """
    sets.check_one(v)
    return unit_normals(sets) @ v.detach().double() + distances_at_zero(sets)


def center_or_zero(
    sets: RobustSets, center: Float[Tensor, " d"] | None
) -> Float[Tensor, " d"]:
    """Give the center of a prior, the origin where there is none.

    Args:
        sets: The robust sets.
        center: The center, chosen without the sample; None: the origin.

    Returns:
        The center in float64.

    Raises:
        ValueError: If it does not fit the rows.
    """
    if center is None:
        return torch.zeros_like(sets.normals[0], dtype=torch.float64)
    sets.check_one(center, "center")
    return center.detach().double()
