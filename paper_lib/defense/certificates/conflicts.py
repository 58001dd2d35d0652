r"""Pairs of rows that exclude each other, and the bound by matching them.

Two half-spaces miss each other inside the ball exactly when the angle between their
unit normals exceeds :math:`\arccos t_i + \arccos t_j`. Each pair of a matching costs
one row wherever v is; fractions of pairs that load no row by more than one do as well.
The best fractional matching is half a matching of the bipartite double cover (Balinski
1965), so no linear program is needed.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from paper_lib.defense.certificates.subsystems import (
    WEIGHT_ONE,
    SubsystemEvidence,
    pack_unit_rows,
)
from paper_lib.defense.rows import UnitRows

# Pairs this near to touching are left out: rounding could not prove them.
_CLEARANCE = 1e-7
_BLOCK = 1000
_FEW_ROWS = 1000


def conflicting_pairs(
    rows: UnitRows, *, most_partners: int | None = None
) -> Int[np.ndarray, "k 2"]:
    """Find the pairs of rows that no point of the ball satisfies together.

    Args:
        rows: The rows.
        most_partners: Keep this many pairs of each row, drawn at random with a fixed
            seed; None: all of them.

    Returns:
        Their numbers among ``rows``, the smaller one first, each pair once.
    """
    normals = rows.normals.numpy().astype(np.float32)
    reach = np.arccos(np.clip(rows.thresholds.numpy(), -1.0, 1.0))
    draw = np.random.default_rng(0)
    found = [np.zeros((0, 2), dtype=np.int64)]
    for first in range(0, len(normals), _BLOCK):
        part = slice(first, first + _BLOCK)
        angles = np.arccos(np.clip(normals[part] @ normals.T, -1.0, 1.0))
        gaps = angles - reach[part, np.newaxis] - reach
        apart = gaps > _CLEARANCE
        # Rounded, the angle of a row with itself is not zero.
        np.fill_diagonal(apart[:, part], False)
        if most_partners is not None and most_partners < len(reach):
            keys = np.where(apart, draw.random(gaps.shape, dtype=np.float32), -1.0)
            kept = np.partition(keys, -most_partners, axis=1)[:, -most_partners]
            apart &= keys >= kept[:, np.newaxis]
        left, right = np.nonzero(apart)
        found.append(np.column_stack([left + first, right]))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def matching_evidence(
    rows: UnitRows, *, most_partners: int | None = 16
) -> SubsystemEvidence:
    """Prove an upper bound by a fractional matching of conflicting pairs.

    Args:
        rows: The rows.
        most_partners: Of many rows consider this many pairs each, since dense graphs
            take long to match and a few pairs nearly suffice; None: all of them.

    Returns:
        The evidence; rows that nobody satisfies count as well.
    """
    few = len(rows.thresholds) <= _FEW_ROWS
    pairs = conflicting_pairs(rows, most_partners=None if few else most_partners)
    matched = _fractional_matching(pairs, len(rows.thresholds))
    multipliers = pair_multipliers(rows, matched)
    return pack_unit_rows(rows, matched, multipliers, WEIGHT_ONE // 2)


def _fractional_matching(
    pairs: Int[np.ndarray, "k 2"], num_rows: int
) -> Int[np.ndarray, "matched 2"]:
    """Choose pairs, each to count one half; one that counts whole stands twice."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    edges = coo_array(
        (np.ones(len(both), dtype=np.int8), (both[:, 0], both[:, 1])),
        shape=(num_rows, num_rows),
    )
    partner = maximum_bipartite_matching(edges.tocsr(), perm_type="column")
    left = np.flatnonzero(partner >= 0)
    return np.column_stack([left, partner[left]]).astype(np.int64)


def pair_multipliers(
    rows: UnitRows, pairs: Int[np.ndarray, "k 2"]
) -> Float[np.ndarray, "k 2"]:
    """Weigh the two rows of each pair so that their sum asks for most.

    Args:
        rows: The rows.
        pairs: Their numbers among ``rows``.

    Returns:
        Multipliers, those of the projection of the origin onto both.
    """
    left, right = (rows.normals.numpy()[side] for side in pairs.T)
    asked = rows.thresholds.numpy()[pairs]
    # Unit normals may fall short of one, which would spoil the proof of a near touch.
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosines = (left * right).sum(axis=1) / lengths
    weights = asked - cosines[:, np.newaxis] * asked[:, ::-1]
    return np.maximum(weights, 0.0)
