"""What the kinds of evidence have in common: arrays to be judged, and trees of them.

Evidence may come from anywhere. What it holds is judged before anything is computed.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, Shaped

# What whole numbers and floats can hold; NaN lies within no bounds.
FINITE = (-np.finfo(np.float64).max, np.finfo(np.float64).max)


def fits(
    array: Shaped[np.ndarray, "..."],
    kind: str,
    shape: tuple[int | None, ...],
    within: tuple[int, int] | tuple[float, float] | None = None,
) -> bool:
    """Tell whether an array that was read from somewhere holds what it should.

    A subclass of an array could answer as it likes, and is none.

    Args:
        array: The array.
        kind: How NumPy's name of its kind begins: ``"i"`` for signed integers, ``"f"``
            for floats, ``"f8"`` for double precision.
        shape: Its shape; None: any length.
        within: Bounds on its entries, both included; None: anything may stand there.

    Returns:
        The verdict.

    Example:
        >>> fits(np.ones(3), "f", (None,), (0, 1)), fits(np.ones(3), "i", (None,))
        (True, False)
    """
    return (
        type(array) is np.ndarray
        and array.dtype.str[1:].startswith(kind)
        and len(array.shape) == len(shape)
        and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        and (
            within is None or bool(((array >= within[0]) & (array <= within[1])).all())
        )
    )


def is_tree(splits: Int[np.ndarray, " nodes"], bound: int) -> bool:
    """Tell whether nodes in preorder form one binary tree.

    Args:
        splits: What each inner node splits on; -1 for a leaf.
        bound: One more than the largest number that a node may split on.

    Returns:
        The verdict.

    Example:
        >>> is_tree(np.array([0, -1, -1]), 1), is_tree(np.array([0, -1]), 1)
        (True, False)
    """
    if not fits(splits, "i", (None,), (-1, bound - 1)) or not len(splits):
        return False
    open_nodes = 1 + np.cumsum(np.where(splits == -1, -1, 1))
    return bool(open_nodes[-1] == 0 and (open_nodes[:-1] > 0).all())


def cells(
    splits: Int[np.ndarray, " nodes"],
    cuts: Float[np.ndarray, " nodes"],
    low: Float[np.ndarray, " k"],
    high: Float[np.ndarray, " k"],
) -> Iterator[tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]]:
    """Cut a cell between bounds in two, again and again, down to the leaves of a tree.

    Args:
        splits: The tree in preorder: the bound an inner node cuts, its lower side
            first; -1 for a leaf.
        cuts: For each node where it cuts, a finite number.
        low: The lower bounds at the root.
        high: The upper bounds there.

    Yields:
        The bounds of each leaf, in order.
    """
    pending = [(low, high)]
    for split, cut in zip(splits.tolist(), cuts.tolist(), strict=True):
        low, high = pending.pop()
        if split == -1:
            yield low, high
            continue
        below, above = high.copy(), low.copy()
        below[split], above[split] = min(high[split], cut), max(low[split], cut)
        pending += [(above, high), (low, below)]
