r"""PAC-Bayes around a solution: noise whose expected indicator has a closed form.

Add Gaussian noise of deviation s to v. A signed distance :math:`h_i(v)` becomes normal
with that deviation, so a row is kept with probability :math:`\Phi(h_i(v) / s)`. With a
prior of the same noise around a center c, chosen without the sample, the relative
entropy is :math:`\|v - c\|^2 / 2s^2`, with no dimension in it, and for all v at once
(Seeger 2002; the constant, Maurer's, holds from 8 points on by his proof, and for
fewer by computation) the lost shares satisfy

.. math:: \mathrm{kl}(\hat L \| L) \le \frac1n \Bigl( \frac{\|v - c\|^2}{2 s^2}
    + \log \frac{2 \sqrt n}{\delta} \Bigr).

That speaks of a noisy defense, which may leave the ball. For v itself ask the noisy one
for a margin :math:`\gamma`: a row that v loses falls below the margin with probability
at least :math:`\Phi(\gamma / s)`. So v loses at most :math:`L_\gamma / \Phi(\gamma/s)`.
At :math:`\gamma = 0` this is a factor of two.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtr
from torch import Tensor

from paper_lib.bounds.bound import Bound, assumed, log_inverse_failure
from paper_lib.bounds.distances import (
    center_or_zero,
    distances_at_zero,
    signed_distances,
    unit_normals,
)
from paper_lib.bounds.kl import kl_uppers
from paper_lib.checks import check_count, check_radius
from paper_lib.checks.arguments import check_length, check_type
from paper_lib.defense.rows import as_perturbation
from paper_lib.geometry import l2_norm, project_l2_ball
from paper_lib.robust_sets import RobustSets

# Deviations of the noise that are compared, as shares of the budget.
NOISES = (0.002, 0.004, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2)
# Margins that are compared, in deviations of the noise.
MARGINS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
# Those that a fit goes for, in the same units.
_FIT_NOISES = (0.02, 0.035, 0.05, 0.1)
_FIT_MARGIN = 1.5


def gaussian_coverage(
    sets: RobustSets, v: Float[Tensor, " d"], *, noise: float, margin: float = 0.0
) -> float:
    r"""Average over Gaussian noise the share of rows kept with a margin.

    :math:`\frac1n \sum_i \Phi((h_i(v) - \gamma) / s)`. The noise may leave the ball.

    Args:
        sets: The robust sets.
        v: The center of the noise.
        noise: Deviation s of each coordinate, in the units of the inputs.
        margin: How far inside a half-space counts as kept.

    Returns:
        The share, in [0, 1].

    Raises:
        ValueError: If v does not fit the rows, the noise is not above zero and finite,
            or the margin is negative, NaN or infinite.
    """
    noise, margin = check_length(noise, "noise"), check_radius(margin, "margin")
    return _kept(signed_distances(sets, v), noise, margin)


def pac_bayes_bound(
    sets: RobustSets,
    v: Float[Tensor, " d"],
    *,
    confidence: float = 0.95,
    center: Float[Tensor, " d"] | None = None,
    deterministic: bool = True,
) -> Bound:
    r"""Bound a share from below for every v at once, by noise around v.

    Deviations of the noise, and margins, are the best of a few shares of the budget;
    they share the chance of failure.

    Args:
        sets: The robust sets of the sample; v may have been fitted on them.
        v: The perturbation.
        confidence: The probability, over the sample, that the bound holds.
        center: The center of the prior, chosen without the sample; None: the origin.
        deterministic: Bound :math:`\phi(v)`; otherwise the mean of :math:`\phi` over
            the noise, whose deviation is in the terms, and which may leave V.

    Returns:
        The bound.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, or the confidence is no
            number.
        ValueError: If v or the center does not fit, v lies outside V, or the confidence
            is not strictly between 0 and 1.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> bound = pac_bayes_bound(sets, torch.tensor([0.7, 0.7]))
        >>> bound.observed, round(bound.value, 2)
        (1.0, 0.73)
    """
    check_type(sets, "sets", RobustSets)
    sets.check_in_ball(v)
    away = float(l2_norm(v.detach().double() - center_or_zero(sets, center)))
    ratios = MARGINS if deterministic else (0.0,)
    noises = [share * sets.epsilon for share in NOISES if sets.epsilon > 0.0]
    nats = log_inverse_failure(confidence, len(NOISES) * len(ratios))
    settings = list(product(noises, ratios))
    value, terms = _best(signed_distances(sets, v), away, settings, nats, deterministic)
    return Bound(
        value=max(value, 0.0),
        confidence=confidence,
        observed=float(sets.coverage(v)),
        method="PAC-Bayes, margin" if deterministic else "PAC-Bayes, noisy defense",
        holds_for="every v at once" if deterministic else "a Gaussian around v",
        assumptions=assumed(center),
        terms={**terms, "distance from center": away},
    )


def _best(
    distances: Float[Tensor, " n"],
    away: float,
    settings: list[tuple[float, float]],
    nats: float,
    deterministic: bool,
) -> tuple[float, dict[str, float]]:
    """Compare noises and margins; where the budget is zero there is none."""
    names = ("noise", "margin", "kept with noise", "relative entropy")
    if not settings:
        return 0.0, dict.fromkeys(names, 0.0)
    num = len(distances)
    noise, ratio = np.array(settings).T
    kept = np.array([_kept(distances, s, r * s) for s, r in settings])
    entropy = 0.5 * (away / noise) ** 2
    lost = kl_uppers(
        np.clip(1.0 - kept, 0.0, 1.0),
        (entropy + nats + math.log(2 * math.sqrt(num))) / num,
    )
    values = 1.0 - lost / (ndtr(ratio) if deterministic else 1.0)
    k = int(np.argmax(values))
    terms = np.stack([noise, ratio * noise, kept, entropy])[:, k]
    return float(values[k]), dict(zip(names, terms.tolist(), strict=True))


def _kept(distances: Float[Tensor, " n"], noise: float, margin: float) -> float:
    return float(torch.special.ndtr((distances - margin) / noise).mean())


def fit_certified(
    sets: RobustSets,
    start: Float[Tensor, " d"],
    *,
    confidence: float = 0.95,
    center: Float[Tensor, " d"] | None = None,
    num_steps: int = 100,
) -> Float[Tensor, " d"]:
    r"""Fit the perturbation whose own PAC-Bayes bound is largest.

    Projected gradient descent on :math:`L + \sqrt{2 L c} + 2 c`, a smooth stand-in for
    the bound of the lost share, for a few noises; the best by the bound itself is
    returned, the start among them. The bound holds for every v at once, so it holds for
    this one.

    Args:
        sets: The robust sets of the sample.
        start: Where to begin, in V.
        confidence: The confidence of the bound.
        center: The center of the prior, chosen without the sample; None: the origin.
        num_steps: Gradient steps for each noise.

    Returns:
        The perturbation, in V.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`, the confidence is no number,
            or ``num_steps`` no integer.
        ValueError: If ``num_steps`` is negative, the start or the center does not fit,
            the start lies outside V, or the confidence is not strictly between 0 and 1.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.eye(2).repeat(50, 1),
        ...     offsets=torch.zeros(100),
        ...     epsilon=1.0,
        ... )
        >>> start = torch.tensor([0.5, 0.1])
        >>> fitted = fit_certified(sets, start)
        >>> pac_bayes_bound(sets, start).value < pac_bayes_bound(sets, fitted).value
        True
    """
    check_type(sets, "sets", RobustSets)
    num_steps = check_count(num_steps, "num_steps", 0)
    sets.check_in_ball(start, "start")
    origin = center_or_zero(sets, center)
    nats = log_inverse_failure(confidence, len(NOISES) * len(MARGINS))
    if sets.epsilon == 0.0:
        return start
    # In shares of the budget single precision is enough to search, whatever the units.
    normals = unit_normals(sets).float()
    levels, middle, first = (
        (lengths / sets.epsilon).float()
        for lengths in (distances_at_zero(sets), origin, start.detach().double())
    )
    num = len(levels)

    def lost_share(u: Float[Tensor, " d"], noise: float) -> Float[Tensor, ""]:
        kept = torch.special.ndtr((normals @ u + levels) / noise - _FIT_MARGIN)
        lost = 1.0 - kept.mean()
        entropy = (u - middle).square().sum() / (2 * noise**2)
        cost = (entropy + nats + math.log(2 * math.sqrt(num))) / num
        return lost + (2 * lost.clamp_min(1e-6) * cost).sqrt() + 2 * cost

    found = [
        _descend(partial(lost_share, noise=noise), first, num_steps)
        for noise in _FIT_NOISES
    ]
    candidates = [start, *(as_perturbation(u.double().numpy(), sets) for u in found)]
    return max(
        candidates,
        key=lambda v: (
            pac_bayes_bound(sets, v, confidence=confidence, center=center).value
        ),
    )


def _descend(
    loss: Callable[[Tensor], Tensor], u: Float[Tensor, " d"], num_steps: int
) -> Float[Tensor, " d"]:
    """Take ever shorter steps against the gradient, in the unit ball."""
    for step in range(num_steps):
        u.requires_grad_(True)
        (slope,) = torch.autograd.grad(loss(u), u)
        length = 0.05 * (1.0 - step / num_steps)
        u = u.detach() - length * slope / slope.norm().clamp_min(1e-12)
        u = project_l2_ball(u, 1.0)
    return u.detach()
