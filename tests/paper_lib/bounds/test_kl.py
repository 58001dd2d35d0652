"""Chernoff's bound turned around, against exact arithmetic and SciPy."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from paper_lib.bounds.kl import kl_upper, kl_uppers


def exact_kl(q, p):
    """The relative entropy of two floats, to 40 digits."""
    with localcontext() as context:
        context.prec = 40
        total = Decimal(0)
        for a, b in ((q, p), (1 - Fraction(q), 1 - Fraction(p))):
            share, other = (
                Decimal(Fraction(x).numerator) / Decimal(Fraction(x).denominator)
                for x in (a, b)
            )
            if share:
                total += share * (share / other).ln()
        return total


@pytest.mark.parametrize("q", [0.0, 1e-9, 0.03, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("nats", [0.0, 1e-12, 1e-3, 0.1, 3.0, 50.0])
def test_it_rounds_outward_and_by_little(q, nats):
    high = kl_upper(q, nats)
    assert q <= high <= 1.0
    assert high == 1.0 or exact_kl(q, high) >= Decimal(nats)
    if high - q > 2e-9:
        assert exact_kl(q, high - 1e-9) <= Decimal(nats) + Decimal("1e-14")


def test_it_is_outside_in_exact_arithmetic_and_within_pinskers_bound():
    generator = np.random.default_rng(1)
    shares = generator.uniform(0, 1, 100) ** 3
    nats = 10.0 ** generator.uniform(-8, 0.5, 100)
    found = kl_uppers(shares, nats)
    assert found.tolist() == [
        kl_upper(q, c) for q, c in zip(shares.tolist(), nats.tolist(), strict=True)
    ]
    assert (found <= shares + np.sqrt(nats / 2) + 1e-14).all()
    for q, c, end in zip(shares.tolist(), nats.tolist(), found.tolist(), strict=True):
        assert end == 1.0 or exact_kl(q, end) >= Decimal(c)


def test_it_agrees_with_scipys_entropy_and_closed_forms():
    for q, p in np.random.default_rng(0).uniform(0.01, 0.99, (50, 2)).tolist():
        low, high = sorted((q, p))
        nats = float(stats.entropy([low, 1 - low], [high, 1 - high]))
        assert kl_upper(low, nats) == pytest.approx(high, rel=1e-7)
    assert kl_upper(0.0, 0.1) == pytest.approx(1 - math.exp(-0.1), rel=1e-12)
    assert kl_upper(1.0, 0.1) == 1.0
