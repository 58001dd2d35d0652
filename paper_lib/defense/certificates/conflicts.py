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

from paper_lib.defense.certificates.packings import PackingTree, packed_evidence
from paper_lib.defense.certificates.subsystems import WEIGHT_ONE, SubsystemEvidence
from paper_lib.defense.exact.feasibility import MARGIN, Subsystem
from paper_lib.defense.rows import UnitRows

# Pairs this near to touching are left out: rounding could not prove them.
_CLEARANCE = 1e-7
# More than rounding in single precision takes off an angle: no conflict is overlooked.
_ROUGH = -1e-2
# Conflicting pairs to start a search from; others are found when they are needed.
_MAX_PAIRS = 20_000
_BLOCK = 1000
_FEW_ROWS = 1000


def conflicting_pairs(
    rows: UnitRows, *, clearance: float = _CLEARANCE, most_partners: int | None = None
) -> Int[np.ndarray, "k 2"]:
    """Find the pairs of rows that no point of the ball satisfies together.

    Args:
        rows: The rows.
        clearance: By how much, in radians, the angle of a pair has to be too wide;
            below zero, pairs that nearly miss each other come as well.
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
        apart = gaps > clearance
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
    return pair_evidence(rows, matched, WEIGHT_ONE // 2)


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


def pair_evidence(
    rows: UnitRows, pairs: Int[np.ndarray, "k 2"], weight: int
) -> SubsystemEvidence:
    """Weigh pairs all alike, beside the rows that nobody satisfies.

    Args:
        rows: The rows.
        pairs: Numbers among them.
        weight: What each pair weighs, in units of 1 / 2^30.

    Returns:
        The evidence; pairs without a proof are left out.
    """
    found = list(map(Subsystem, pairs, _pair_multipliers(rows, pairs)))
    weights = np.full(len(pairs), weight)
    tree = PackingTree([-1], [np.arange(len(pairs))], [weights], 0)
    return packed_evidence(rows, found, tree)


def clearest_pairs(rows: UnitRows) -> list[Subsystem]:
    """List the pairs of rows without a common point, the clearest first.

    Args:
        rows: The rows, a few hundred.

    Returns:
        The pairs that are proven with a margin, no more than ``_MAX_PAIRS``.
    """
    pairs = conflicting_pairs(rows, clearance=_ROUGH)
    parts = np.array_split(pairs, 1 + len(pairs) // _BLOCK)
    found = [entry for part in parts for entry in _proven_pairs(rows, part)]
    found.sort(key=lambda entry: entry[0], reverse=True)
    return [pair for _, pair in found[:_MAX_PAIRS]]


def _proven_pairs(
    rows: UnitRows, pairs: Int[np.ndarray, "k 2"]
) -> list[tuple[float, Subsystem]]:
    """Keep the pairs that are proven to be in conflict, each with its margin."""
    mix = _pair_multipliers(rows, pairs)
    both = (mix > 0).all(axis=1)
    pairs, mix = pairs[both], mix[both] / mix[both].sum(axis=1, keepdims=True)
    first, second = (rows.normals.numpy()[side] for side in pairs.T)
    combined = mix[:, :1] * first + mix[:, 1:] * second
    pull = (mix * rows.thresholds.numpy()[pairs]).sum(axis=1)
    margins = pull - np.sqrt(np.square(combined).sum(axis=1))
    clear = np.flatnonzero(margins > MARGIN)
    return [(float(margins[k]), Subsystem(pairs[k], mix[k])) for k in clear]


def _pair_multipliers(
    rows: UnitRows, pairs: Int[np.ndarray, "k 2"]
) -> Float[np.ndarray, "k 2"]:
    """Project the origin onto both rows of each pair, and give the multipliers."""
    left, right = (rows.normals.numpy()[side] for side in pairs.T)
    asked = rows.thresholds.numpy()[pairs]
    # Unit normals may fall short of one, which would spoil the proof of a near touch.
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosines = (left * right).sum(axis=1) / lengths
    weights = asked - cosines[:, np.newaxis] * asked[:, ::-1]
    return np.maximum(weights, 0.0)
