r"""Which subsets of given points a family of sets cuts out. Paper: Eq. (12).

A trace of B on points is the set of those that lie in B. The shatter coefficient is the
largest number of traces on any n points; here the points are given. All counts are
exact: comparisons of floats, or rational arithmetic.
"""

import itertools
from collections import defaultdict
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from paper_lib.arrangement.exact_subsets import planar_subsets, scale_to_integers
from paper_lib.checks import check_choice
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.robust_sets import RobustSets

Family = Literal["rectangles", "half_planes", "robust_sets"]


def trace_count(points: Float[Tensor, "n 2"] | RobustSets, family: Family) -> int:
    r"""Count the distinct traces of a family on given points. Paper: Eq. (12).

    The families are

    - ``"rectangles"``: the closed rectangles with sides along the axes, in the plane;
    - ``"half_planes"``: the closed half-planes, in the plane;
    - ``"robust_sets"``: :math:`\mathcal B = \{B_v : v \in V\}` of Eq. (13). A point is
      known by its robust set, so the points are given as :class:`RobustSets`, on the
      line or in the plane. Takes the square of their number, for some hundreds.

    Args:
        points: The points, or their robust sets.
        family: The family's name.

    Returns:
        The number of subsets, the empty one included where some set misses all points.

    Raises:
        TypeError: If the points are no tensor and no robust sets.
        ValueError: If there is no point, an entry is NaN or infinite, the family is
            unknown, or it lives in another dimension.

    Example:
        >>> import torch
        >>> corner = torch.tensor([[0.0, 1.0], [1.0, 2.0], [2.0, 0.0]])
        >>> trace_count(corner, "rectangles")
        8
    """
    return len(_subsets(points, family))


def traces(
    points: Float[Tensor, "n 2"] | RobustSets, family: Family
) -> Bool[np.ndarray, "t n"]:
    """List the distinct traces of a family on given points.

    Args:
        points: The points, or their robust sets; see :func:`trace_count`.
        family: The family's name.

    Returns:
        One row for each trace, which says who belongs to it; in a fixed order.

    Raises:
        TypeError: As :func:`trace_count`.
        ValueError: As :func:`trace_count`.

    Example:
        >>> import torch
        >>> points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
        >>> traces(points, "half_planes").astype(int).tolist()
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]]
    """
    num = len(points.offsets) if isinstance(points, RobustSets) else len(points)
    width = (num + 7) // 8
    packed = [
        np.frombuffer(subset.to_bytes(width, "little"), dtype=np.uint8)
        for subset in sorted(_subsets(points, family))
    ]
    bits = np.unpackbits(np.stack(packed), axis=1, bitorder="little")
    return bits[:, :num].astype(bool)


def _subsets(points: Float[Tensor, "n 2"] | RobustSets, family: str) -> set[int]:
    """List traces as integers, with bit i set where point i belongs."""
    if isinstance(points, RobustSets):
        dim = points.normals.shape[1]
        if family != "robust_sets" or dim > 2:
            raise ValueError(
                "robust sets go with the family 'robust_sets' and d of 1 or 2, got "
                f"{family!r} and d = {dim}."
            )
        rows = points.normals.tolist(), points.offsets.tolist()
        return planar_subsets(*rows, points.epsilon)
    check_same_kind(points=points)
    check_finite(points=points)
    if points.shape != (*points.shape[:1], 2) or len(points) == 0:
        raise ValueError(
            f"points must be (n, 2) with n at least 1, got {tuple(points.shape)}."
        )
    check_choice(family, "family", ("rectangles", "half_planes"))
    return _rectangles(points) if family == "rectangles" else _half_planes(points)


def _rectangles(points: Float[Tensor, "n 2"]) -> set[int]:
    """Combine every run in one coordinate with every run in the other."""
    columns, rows = (_runs(axis) for axis in points.T.tolist())
    return {column & row for column in columns for row in rows}


def _runs(values: list[float]) -> set[int]:
    """List the subsets that closed intervals cut out."""
    bits: defaultdict[float, int] = defaultdict(int)
    for i, value in enumerate(values):
        bits[value] |= 1 << i
    groups = [bits[value] for value in sorted(bits)]
    runs = (itertools.accumulate(groups[first:]) for first in range(len(groups)))
    return {0}.union(*runs)


def _half_planes(points: Float[Tensor, "n 2"]) -> set[int]:
    """Cut along every line through two points, turned a little about a place on it."""
    # A half-plane that holds some points and not others can be moved, without changing
    # which, until its boundary meets points of both kinds, those of one kind before
    # those of the other; all others of its kind lie inside it.
    places = scale_to_integers(points.flatten().tolist())
    bits: defaultdict[tuple[int, int], int] = defaultdict(int)
    for i, place in enumerate(zip(places[::2], places[1::2], strict=True)):
        bits[place] |= 1 << i
    found = {0, (1 << len(points)) - 1}
    for first, second in itertools.combinations(bits, 2):
        found |= _beside_line(bits, first, second)
    return found


def _beside_line(
    bits: dict[tuple[int, int], int], first: tuple[int, int], second: tuple[int, int]
) -> set[int]:
    """Split the points by a line through two of them, which a half-plane may cut."""
    x, y = second[0] - first[0], second[1] - first[1]
    sides, on_line = [0, 0], []
    for (a, b), bit in bits.items():
        a, b = a - first[0], b - first[1]
        turn = x * b - y * a
        if turn:
            sides[turn > 0] |= bit
        else:
            on_line.append((x * a + y * b, bit))
    ordered = [bit for _, bit in sorted(on_line)]
    starts = list(itertools.accumulate(ordered, initial=0))
    ends = list(itertools.accumulate(reversed(ordered), initial=0))
    return {side | part for side in sides for part in (*starts, *ends)}
