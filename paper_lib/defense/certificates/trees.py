"""Binary trees in preorder, the form in which evidence stores its branchings."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Shaped


def is_tree(splits: Int[np.ndarray, " nodes"]) -> bool:
    """Tell whether nodes in preorder form one binary tree.

    Args:
        splits: What each inner node splits on; -1 for a leaf.

    Returns:
        The verdict.

    Example:
        >>> is_tree(np.array([0, -1, -1])), is_tree(np.array([0, -1]))
        (True, False)
    """
    open_nodes = 1 + np.cumsum(np.where(splits == -1, -1, 1))
    return bool(len(splits) and open_nodes[-1] == 0 and (open_nodes[:-1] > 0).all())


def are_kinds(
    arrays: Sequence[Shaped[np.ndarray, "..."]], kind: str, ndim: int = 1
) -> bool:
    """Tell whether arrays that were read from somewhere hold what they should.

    A subclass of an array could answer as it likes, and is none.

    Args:
        arrays: The arrays.
        kind: NumPy's letter for signed integers, ``"i"``, or floats, ``"f"``.
        ndim: How many axes each must have.

    Returns:
        The verdict.

    Example:
        >>> are_kinds([np.array([1])], "i"), are_kinds([np.array([1.0])], "i")
        (True, False)
    """
    return all(
        type(array) is np.ndarray and array.dtype.kind == kind and array.ndim == ndim
        for array in arrays
    )
