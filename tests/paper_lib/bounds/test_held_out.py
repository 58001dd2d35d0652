"""The exact binomial bound, and the bound for a v that was held out."""

import pytest
from scipy import stats

from paper_lib.bounds.held_out import clopper_pearson


@pytest.mark.parametrize(("k", "n"), [(0, 9), (1, 9), (5, 9), (9, 9), (950, 1000)])
def test_clopper_pearson_equals_scipy(k, n):
    low, high = (
        clopper_pearson(k, n, confidence=0.975, side=side)
        for side in ("lower", "upper")
    )
    expected = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    # What defines it: at the bound, counts as extreme have probability 1 - confidence.
    if k:
        assert stats.binom.sf(k - 1, n, low) == pytest.approx(0.025, rel=1e-9)
