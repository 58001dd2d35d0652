"""Numbers of regions, against sums of binomials and logarithms in high precision."""

import math
import re
from decimal import Decimal, localcontext

import pytest

from paper_lib.generalization import log_num_regions, num_regions


def by_definition(n, m):
    return sum(math.comb(n, k) for k in range(min(n, m) + 1))


def test_every_small_number_of_regions():
    for n in range(1, 60):
        for m in range(1, n + 4):
            assert num_regions(n, m) == by_definition(n, m), (n, m)


def test_the_recursion_that_adds_one_hyperplane():
    """It cuts as many regions as the others make on it."""
    for n in range(1, 30):
        for m in range(2, 12):
            found = num_regions(n + 1, m)
            assert found == num_regions(n, m) + num_regions(n, m - 1)


def test_the_plane_and_the_line():
    assert all(num_regions(n, 1) == n + 1 for n in range(1, 100))
    for n in (*range(1, 100), 12_665, 10**9):
        assert num_regions(n, 2) == (n * n + n + 2) // 2


def test_twice_as_many_with_each_until_the_dimension_is_reached():
    assert all(num_regions(n, 20) == 2**n for n in range(1, 21))
    assert num_regions(21, 20) == 2**21 - 1


@pytest.mark.parametrize("m", [1, 2, 784, 4999, 5000, 5001, 9999, 10_000, 10_001])
def test_ten_thousand_hyperplanes(m):
    found = num_regions(10_000, m)
    if m in (2, 784):
        assert found == by_definition(10_000, m)
    # C(n, k) = C(n, n - k): the sums over both ends make up 2^n.
    if m < 9_999:
        assert found + num_regions(10_000, 9_999 - m) == 2**10_000
    else:
        assert found == 2**10_000 - (m == 9_999)
    assert log_num_regions(10_000, m) == pytest.approx(math.log(found), rel=1e-13)


def high_precision_log(n, m):
    """The logarithm of an exact integer, to 40 digits."""
    with localcontext() as context:
        context.prec = 60
        return Decimal(num_regions(n, m)).ln()


@pytest.mark.parametrize(
    ("n", "m"),
    [
        *[(10**9, m) for m in (1, 2, 3, 10, 19, 20, 21, 784, 5000)],
        *[(1000, m) for m in (1, 19, 20, 21, 333, 499, 500, 501, 981, 999)],
        (10**6, 2000),
        (2, 1),
        (1, 1),
    ],
)
def test_logarithms_are_those_of_exact_integers(n, m):
    exact = high_precision_log(n, m)
    assert abs(Decimal(log_num_regions(n, m)) - exact) <= exact * Decimal("1e-14")


def test_logarithms_for_every_small_pair():
    for n in range(1, 80):
        for m in range(1, n + 3):
            exact = math.log(by_definition(n, m))
            assert log_num_regions(n, m) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("n", [10**9, 10**9 + 1, 123_456_789])
def test_logarithms_around_half_of_a_billion(n):
    """For m = (n - 1) / 2 the sum is 2^(n - 1) by symmetry; C(n, n/2) more for n/2."""
    log_2 = math.log(2)
    if n % 2:
        assert log_num_regions(n, n // 2) == pytest.approx((n - 1) * log_2, rel=1e-14)
    # One step of m adds one binomial, which is near 2^n sqrt(2 / (pi n)).
    low, high = log_num_regions(n, n // 2 - 500), log_num_regions(n, n // 2 + 500)
    added = 1001 * math.sqrt(2 / (math.pi * n))
    share = math.exp(high - n * log_2) - math.exp(low - n * log_2)
    assert share == pytest.approx(added, rel=1e-2)
    assert log_num_regions(n, n) == log_num_regions(n, 2 * n) == n * log_2
    assert log_num_regions(n, n - 1) == pytest.approx(n * log_2, rel=1e-15)


def test_a_third_of_a_billion_by_the_entropy():
    """A binomial by Stirling's formula in 60 digits; its neighbors by their ratio."""
    n, m = 900_000_000, 300_000_000

    def log_factorial(x):
        x = Decimal(x)
        pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
        half = (2 * pi * x).ln() / 2
        return x * x.ln() - x + half + 1 / (12 * x) - 1 / (360 * x**3)

    with localcontext() as context:
        context.prec = 60
        binomial = log_factorial(n) - log_factorial(m) - log_factorial(n - m)
        ratio = Decimal(m) / (n - m)
        exact = binomial + (1 / (1 - ratio)).ln()
        error = abs(Decimal(log_num_regions(n, m)) - exact)
        assert error <= exact * Decimal("1e-14")


# --- bad input ------------------------------------------------------------------


def fails(error, words):
    return pytest.raises(error, match=re.escape(words))


@pytest.mark.bad_input
@pytest.mark.parametrize("call", [num_regions, log_num_regions])
def test_counts_below_one(call):
    with fails(ValueError, "n must be at least 1, got 0."):
        call(0, 2)
    with fails(ValueError, "m must be at least 1, got 0."):
        call(5, 0)
    for value in (2.0, math.nan, True):
        with fails(TypeError, f"n must be an integer, got {value!r}."):
            call(value, 2)
        with fails(TypeError, f"m must be an integer, got {value!r}."):
            call(5, value)
