"""Binary trees in preorder, the form in which evidence stores its branchings."""

import numpy as np
from jaxtyping import Int


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
