"""Budgets at which FGM alone leaves a given accuracy."""

import math

from paper_lib.checks.arguments import check_fraction, check_type
from paper_lib.linearize import Linearization


def calibrate_epsilon(lin: Linearization, accuracy: float) -> float:
    r"""Find the budget at which FGM alone leaves a given approximate accuracy.

    Against no defense the label survives FGM exactly when the margin
    :math:`|f| / \|\nabla f\|_2` is at least epsilon, so the budget is a quantile of
    the margins. It is put halfway between two margins that differ, the pair nearest to
    the target, where no point is decided by rounding.

    Args:
        lin: Points to calibrate on; training points, so that test points stay unseen.
        accuracy: The share of points to survive, in (0, 1).

    Returns:
        The budget, in the units of the inputs.

    Raises:
        ValueError: If ``accuracy`` is outside (0, 1) or rounds to none or all of the
            points, or no budget leaves it because margins are equal or infinite.

    Example:
        >>> import torch
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, 2.0, 4.0, 8.0]), gradients=torch.ones(4, 1)
        ... )
        >>> calibrate_epsilon(lin, accuracy=0.5)
        3.0
    """
    check_type(lin, "lin", Linearization)
    accuracy = check_fraction(accuracy, "accuracy")
    margins = lin.margins.sort().values.cpu()
    wanted = round((1.0 - accuracy) * len(margins))
    if not 0 < wanted < len(margins):
        raise ValueError(
            f"accuracy {accuracy} rounds to none or all of {len(margins)} points."
        )
    # A budget fits between two neighbors that differ; flat points cannot be lost.
    lost = (margins[:-1] < margins[1:]).nonzero().squeeze(-1) + 1
    nearest = int(lost[(lost - wanted).abs().argmin()]) if len(lost) else wanted
    below, above = float(margins[nearest - 1]), float(margins[nearest])
    if not below < above < math.inf:
        raise ValueError(
            f"no budget leaves an accuracy of {accuracy} of {len(margins)} points: "
            f"{lin.num_unlabeled} points have no label and {lin.num_flat} a zero "
            f"gradient; the margins there are {below} and {above}."
        )
    return (below + above) / 2.0
