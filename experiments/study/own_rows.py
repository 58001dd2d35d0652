r"""What a defense may be fitted to, and where its ascent may begin.

The rows of Eq. (7) ask that a point survives FGM, and with it every attack. Those of
an attack's own perturbations ask that it survives these alone:

.. math:: c_i^\top v + b_i \ge 0, \qquad b_i = |f(x_i)| + c_i^\top a(x_i),

with :math:`c_i` as in Eq. (7). For :math:`a = a_{\mathrm{FGM}}` they are Eq. (7).
"""

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.attacks import PGD_READINGS, PGDReading
from paper_lib.defense import ramp_ascent
from paper_lib.defense.maximize import search_only
from paper_lib.geometry import scale_to_radius, unit_vectors
from paper_lib.linearize import Linearization, linearize
from paper_lib.models import PairCNN
from paper_lib.robust_sets import RobustSets

# The three of the tables, and one more: the label of the clean image, in the ball. It
# is not among ``PGD_READINGS``, as stored tables hold each of those.
READINGS = PGD_READINGS | {
    "fixed-label, ball": PGDReading(
        direction="original", projection="ball", relative_step=0.25
    )
}
# Where the ascent begins; the search is another method altogether.
ASCENTS = ("v = 0", "mean normal")
STARTS = (*ASCENTS, "search")


def rows_under(
    lin: Linearization, attack: Float[Tensor, "n d"], epsilon: float
) -> RobustSets:
    """Ask of a perturbation that each point survives one attack.

    Args:
        lin: The linearized classifier.
        attack: What the attacker adds to each point.
        epsilon: The defender's budget, in pixels.

    Returns:
        The rows; a point without a label has an empty set.
    """
    offsets = lin.signs.double() * lin.moved_logits(attack)
    return RobustSets(
        normals=lin.gradients * lin.signs.unsqueeze(-1),
        offsets=offsets.masked_fill(lin.logits == 0, -torch.inf).to(lin.logits.dtype),
        epsilon=epsilon,
    )


def rows_to_fit(
    model: PairCNN,
    images: Float[Tensor, "n 1 28 28"],
    epsilon: float,
    *,
    own: Collection[str],
    num_own: int,
) -> dict[str, RobustSets]:
    """Build the rows of Eq. (7), and those of PGD's own perturbations.

    Args:
        model: The classifier.
        images: The points to fit on.
        epsilon: The budget of both players, in pixels.
        own: The readings whose own rows are built, of ``READINGS``.
        num_own: At how many of the points, evenly spaced.

    Returns:
        The rows, under ``"FGM"`` and the readings.
    """
    lin = linearize(model, images)
    rows = {"FGM": RobustSets.from_linearization(lin, epsilon)}
    few = torch.linspace(0, len(images) - 1, min(num_own, len(images))).long()
    part = Linearization(logits=lin.logits[few], gradients=lin.gradients[few])
    for reading in own:
        attack = READINGS[reading].attack(model, images[few], epsilon).perturbations
        rows[reading] = rows_under(part, attack, epsilon)
    return rows


def fit_from(start: str, sets: RobustSets, seed: int) -> Float[Tensor, " d"]:
    """Fit a defense.

    Args:
        start: One of ``STARTS``.
        sets: The rows.
        seed: Seed of the search.

    Returns:
        The perturbation.
    """
    if start == "search":
        return search_only(sets, seed)
    begin = None if start == ASCENTS[0] else mean_normal(sets)
    return ramp_ascent(sets, start=begin).perturbation


def mean_normal(sets: RobustSets) -> Float[Tensor, " d"]:
    """Point along the mean of the unit normals, as far as the budget reaches.

    Args:
        sets: The rows.

    Returns:
        A perturbation of the length of the budget; zero where the mean is.

    Example:
        >>> mean_normal(
        ...     RobustSets(
        ...         normals=torch.tensor([[3.0, 0.0], [2.0, 0.0]]),
        ...         offsets=torch.zeros(2),
        ...         epsilon=0.5,
        ...     )
        ... )
        tensor([0.5000, 0.0000])
    """
    mean = unit_vectors(sets.normals).mean(0, keepdim=True)
    return scale_to_radius(mean, sets.epsilon)[0]
