"""Checks of budgets: one length for all points, or one for each."""

import torch
from torch import Tensor

from paper_lib.checks.arguments import check_number, check_radius
from paper_lib.checks.operands import check_entries

Budget = float | Tensor


def check_radii(radius: Budget, name: str, points: Tensor) -> Budget:
    """Reject what is no budget, be it one number or one for each point.

    Args:
        radius: A number, or a tensor ``(n,)``.
        name: The argument's name, for the message.
        points: What the budgets are for, ``(..., n, d)``.

    Returns:
        Python's own float, or float64 on the device of the points.

    Raises:
        TypeError: If it is neither a number nor a tensor.
        ValueError: If one is negative, NaN, infinite or a truth value, or there is not
            one a point.
    """
    if not isinstance(radius, Tensor):
        return check_radius(radius, name)
    valid = radius.isfinite() & (radius >= 0) & (radius.dtype != torch.bool)
    check_entries(name, radius, points.shape[-2:-1].numel(), valid, "finite and >= 0")
    return radius.detach().to(points.device, torch.float64)


def check_budgets(
    epsilon: float, attack_epsilon: Budget | None, points: Tensor
) -> tuple[Budget, float]:
    """Reject what are no budgets; the attacker's is the defender's unless it is given.

    Args:
        epsilon: The defender's budget, or that of both.
        attack_epsilon: The attacker's budget where it differs.
        points: The points ``(..., n, d)``, each of which the attacker may have a budget
            for.

    Returns:
        The attacker's budget and the defender's.

    Raises:
        TypeError: If one is no number.
        ValueError: If one is negative, NaN or infinite, or there is not one a point.
    """
    check_number(epsilon, "epsilon", "a number (one for each point is attack_epsilon)")
    epsilon = check_radius(epsilon, "epsilon")
    if attack_epsilon is None:
        return epsilon, epsilon
    return check_radii(attack_epsilon, "attack_epsilon", points), epsilon
