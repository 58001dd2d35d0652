"""Packings of subsystems: what is kept of them."""

import numpy as np

from paper_lib.defense.certificates.subsystems import Lists, packing_evidence


def test_the_lightest_subsystem_is_kept_and_one_without_weight_is_not():
    pairs = Lists.of([np.array([0, 1]), np.array([2, 3])])
    evidence = packing_evidence(pairs, np.ones(4), np.array([1, 0]))
    assert [one.tolist() for one in evidence.subsystems] == [[0, 1]]
    assert evidence.weights.tolist() == [1]
    assert len(evidence.multipliers) == 2
