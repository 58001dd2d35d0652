r"""The bound on :math:`E \sup_v |\phi_n(v) - \phi(v)|`. Paper: Eqs. (11), (19), (20).

The paper's chain, for n at least 2: the shatter coefficient S is at most the number of
regions, that is at most :math:`n^m + 1`, and that at most :math:`n^{2m}`. Put into
:math:`2 \sqrt{2 \log S / n}`, the last gives :math:`4 \sqrt{m \log n / n}`.

What symmetrization and the maximal inequality for finitely many signed sums give is
:math:`\sqrt{2 \log(2 S) / n}`: indicators are centered at one half, so that each sum of
n random signs has length :math:`\sqrt n / 2`, and there are 2 S of them, since absolute
values are taken. It holds for every S, and for S at least 2 it lies below the paper's.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal, get_args

from paper_lib.checks import check_choice, check_count, check_radius
from paper_lib.generalization.region_counts import log_num_regions

BoundForm = Literal["centered", "regions", "polynomial", "paper"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundStep:
    """One step of the chain that ends with Eq. (20).

    Attributes:
        form: ``"centered"`` and ``"regions"`` take the exact number of regions,
            ``"polynomial"`` n^m + 1, ``"paper"`` n^(2m).
        log_shatter: The logarithm of what stands for the shatter coefficient.
        value: The bound on the mean of the supremum.
    """

    form: BoundForm
    log_shatter: float
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VCBound:
    """Eq. (20) and the steps that lead to it.

    Attributes:
        n: Number of samples.
        m: Number of dimensions.
        steps: From the smallest bound to the paper's; each follows from the one before.

    Example:
        >>> bound = vc_bound(1000, 2)
        >>> bound.is_informative, [step.form for step in bound.steps]
        (True, ['centered', 'regions', 'polynomial', 'paper'])
    """

    n: int
    m: int
    steps: tuple[BoundStep, ...]

    @property
    def value(self) -> float:
        """The right-hand side of Eq. (20)."""
        return self.steps[-1].value

    @property
    def is_informative(self) -> bool:
        """Whether it lies below 1, which every deviation does anyway."""
        return self.value < 1.0


def expected_deviation_bound(
    n: int, log_shatter: float, *, centered: bool = False
) -> float:
    r"""Bound the mean of :math:`\sup_B |\mu_n(B) - \mu(B)|`. Paper: Eqs. (11) and (19).

    Args:
        n: Number of samples, at least 1.
        log_shatter: The logarithm of the shatter coefficient.
        centered: Whether to return :math:`\sqrt{2 \log(2 S) / n}`, which holds for
            every S; else the paper's :math:`2 \sqrt{2 \log S / n}`.

    Returns:
        The bound. It may exceed 1.

    Raises:
        TypeError: If n is no integer.
        ValueError: If n is below 1, or the logarithm is negative, NaN or infinite.

    Note:
        The paper's form is 0 for S = 1 and false there: a single set B with
        :math:`0 < \mu(B) < 1` has a positive mean deviation.

    Example:
        >>> round(expected_deviation_bound(1000, math.log(100.0)), 4)
        0.1919
        >>> round(expected_deviation_bound(1000, math.log(100.0), centered=True), 4)
        0.1029
    """
    n = check_count(n, "n", 1)
    log_shatter = check_radius(log_shatter, "log_shatter")
    if centered:
        return math.sqrt(2.0 * (math.log(2.0) + log_shatter) / n)
    return 2.0 * math.sqrt(2.0 * log_shatter / n)


def vc_bound(n: int, m: int) -> VCBound:
    r"""Bound the mean of :math:`\sup_v |\phi_n(v) - \phi(v)|`. Paper: Eq. (20).

    Args:
        n: Number of samples, at least 2: for n = 1, :math:`n^{2m}` is less than the
            number of regions, and Eq. (20) would be 0.
        m: Number of dimensions, at least 1.

    Returns:
        The bound :math:`4 \sqrt{m \log n / n}` and each step that leads to it.

    Raises:
        TypeError: If n or m is no integer.
        ValueError: If n is below 2 or m below 1.

    Example:
        >>> bound = vc_bound(12_665, 784)
        >>> round(bound.value, 2), bound.is_informative
        (3.06, False)
    """
    n, m = check_count(n, "n", 2), check_count(m, "m", 1)
    steps = tuple(_step(n, m, form) for form in get_args(BoundForm))
    return VCBound(n=n, m=m, steps=steps)


def smallest_informative_n(m: int, *, form: BoundForm = "paper") -> int:
    r"""Find the number of samples from which on a bound stays below 1.

    Near n = e the bound of Eq. (20) rises and falls again. From n = 3 on every form
    falls: :math:`\log n / n` and :math:`\log(n^m + 1) / n` do by their derivatives, and
    the logarithm of the number of regions is concave in n and starts at 0.

    Args:
        m: Number of dimensions, at least 1.
        form: Which step of :func:`vc_bound`.

    Returns:
        The smallest n, at least 2, such that the bound is below 1 for it and for every
        larger number.

    Raises:
        TypeError: If m is no integer.
        ValueError: If m is below 1 or the form is unknown.

    Example:
        >>> smallest_informative_n(2), smallest_informative_n(2, form="centered")
        (164, 10)
    """
    m = check_count(m, "m", 1)
    check_choice(form, "form", get_args(BoundForm))
    most = 4  # at 3 no form is below 1, whatever m
    while _step(most, m, form).value >= 1.0:
        most *= 2
    return bisect_left(
        range(most), True, lo=4, key=lambda n: _step(n, m, form).value < 1.0
    )


def _step(n: int, m: int, form: BoundForm) -> BoundStep:
    """Compute one step of the chain."""
    power = m * math.log(n)
    if form == "paper":
        log_shatter = 2.0 * power
    elif form == "polynomial":
        log_shatter = power + math.log1p(math.exp(-power))
    else:
        log_shatter = log_num_regions(n, m)
    value = expected_deviation_bound(n, log_shatter, centered=form == "centered")
    return BoundStep(form=form, log_shatter=log_shatter, value=value)
