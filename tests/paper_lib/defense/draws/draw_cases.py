"""Exact areas of V* in the plane, and the test of draws against them."""

import numpy as np
from scipy.stats import chisquare

from paper_lib.arrangement import cells
from paper_lib.defense import maximizer_set

NUM_DRAWS = 10_000


def rows(sets):
    return sets.normals.double().numpy(), sets.offsets.double().numpy()


def bins(sets):
    """The pieces of V*, each cut by lines through and beside its centroid."""
    normals, offsets = rows(sets)
    lines = [
        (np.array(axis), shift * cell.area**0.5 - float(np.dot(axis, cell.interior)))
        for cell in maximizer_set(sets).cells
        for axis in ((1.0, 0.3), (-0.4, 1.0))
        for shift in (-0.3, 0.0, 0.3)
    ]
    normals = np.concatenate([normals, [normal for normal, _ in lines]])
    offsets = np.concatenate([offsets, [offset for _, offset in lines]])
    count = maximizer_set(sets).count
    num = len(sets.offsets)
    every = cells(normals, offsets, sets.epsilon)
    chosen = [cell for cell in every if cell.satisfied[:num].sum() == count]
    return normals, offsets, chosen


def p_value(sets, drawn):
    """Chi-square of draws against exact areas, with bins inside the cells."""
    normals, offsets, chosen = bins(sets)
    held = drawn.double().numpy() @ normals.T + offsets >= 0
    observed = [int((held == cell.satisfied).all(axis=1).sum()) for cell in chosen]
    assert sum(observed) == len(drawn)
    areas = np.array([cell.area for cell in chosen])
    expected = len(drawn) * areas / areas.sum()
    few = expected < 10  # too few for the approximation: one bin together
    counts = np.append(np.array(observed)[~few], np.array(observed)[few].sum())
    means = np.append(expected[~few], expected[few].sum())
    return chisquare(counts[means > 0], means[means > 0]).pvalue
