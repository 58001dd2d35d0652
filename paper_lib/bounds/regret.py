r"""How far the fitted v is from the best there is, optimization error included.

Section 5 assumes that the solver finds the maximizer of :math:`\phi_n`. Without that
assumption the regret :math:`\phi(v^*) - \phi(\hat v)` of whatever v was found is at
least zero, and at most an upper bound on :math:`\phi(v^*)` less a lower bound on
:math:`\phi(\hat v)`. The first needs no uniform bound: :math:`v^*` is fixed by the
population, and it is in no more of the sample's robust sets than the certificate of the
solver allows.
"""

from paper_lib.bounds.bound import Bound
from paper_lib.bounds.held_out import clopper_pearson
from paper_lib.checks.arguments import check_type
from paper_lib.defense import Certificate


def optimum_bound(certificate: Certificate, *, confidence: float = 0.95) -> Bound:
    r"""Bound :math:`\phi(v^*)` from above by a certificate on the sample.

    Args:
        certificate: What is proved of the maximum of :math:`\phi_n`.
        confidence: The probability, over the sample, that the bound holds.

    Returns:
        The bound: the upper end of Clopper and Pearson's interval, with the certified
        count in place of the count at :math:`v^*`, which is no larger.

    Raises:
        TypeError: If ``certificate`` is none, or the confidence is no number.
        ValueError: If the confidence is not strictly between 0 and 1.

    Example:
        >>> import torch
        >>> certificate = Certificate(
        ...     num_rows=100,
        ...     lower_count=80,
        ...     upper_count=90,
        ...     perturbation=torch.zeros(2),
        ...     evidence=None,
        ...     fingerprint="",
        ... )
        >>> bound = optimum_bound(certificate)
        >>> bound.side, round(bound.value, 3)
        ('upper', 0.945)
    """
    check_type(certificate, "certificate", Certificate)
    most, num = certificate.upper_count, certificate.num_rows
    return Bound(
        value=clopper_pearson(most, num, confidence=confidence, side="upper"),
        side="upper",
        confidence=confidence,
        observed=most / num,
        method="certificate",
        holds_for="the maximizer of phi",
        terms={"certified count": float(most)},
    )


def regret_bound(optimum: Bound, fitted: Bound) -> Bound:
    r"""Bound :math:`\phi(v^*) - \phi(\hat v)` from above; from below it is 0.

    Args:
        optimum: An upper bound on :math:`\phi(v^*)`.
        fitted: A lower bound on :math:`\phi(\hat v)`.

    Returns:
        The bound, at a confidence that allows for either to fail. Its terms part it
        into the optimization error that the certificate leaves open, and what the
        sample leaves open on either side.

    Raises:
        TypeError: If one is no :class:`Bound`.
        ValueError: If the bounds are not of these sides.

    Example:
        >>> from paper_lib.bounds import Bound
        >>> common = dict(method="", confidence=0.975)
        >>> regret = regret_bound(
        ...     Bound(value=0.9, side="upper", observed=0.88,
        ...           holds_for="the maximizer of phi", **common),
        ...     Bound(value=0.75, observed=0.85,
        ...           holds_for="every v at once", **common),
        ... )
        >>> round(regret.value, 3), round(regret.confidence, 3)
        (0.15, 0.95)
    """
    check_type(optimum, "optimum", Bound)
    check_type(fitted, "fitted", Bound)
    if optimum.side != "upper" or fitted.side != "lower":
        raise ValueError(
            "optimum must be an upper and fitted a lower bound, got "
            f"{optimum.side} and {fitted.side}."
        )
    return Bound(
        value=min(max(optimum.value - fitted.value, 0.0), 1.0),
        side="upper",
        confidence=max(optimum.confidence + fitted.confidence - 1.0, 0.0),
        observed=max(optimum.observed - fitted.observed, 0.0),
        method=f"certificate and {fitted.method}",
        holds_for="the regret of v",
        assumptions=tuple(dict.fromkeys(optimum.assumptions + fitted.assumptions)),
        terms={
            "optimization": optimum.observed - fitted.observed,
            "above the certificate": optimum.value - optimum.observed,
            "below the coverage": fitted.observed - fitted.value,
        },
    )
