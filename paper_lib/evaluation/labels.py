"""Which points keep their label when they are moved: f and its linearization asked."""

from numbers import Real

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.attacks import perturbed
from paper_lib.checks.arguments import check_type
from paper_lib.checks.operands import check_finite
from paper_lib.data import LabeledImages
from paper_lib.linearize import Linearization
from paper_lib.models.guard import call, check_inputs, check_logits, frozen_evaluation


def logits_at(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    *perturbations: Float[Tensor, "#n d"] | Float[Tensor, " d"],
    batch_size: int = 250,
) -> Float[Tensor, " n"]:
    """Evaluate a classifier at perturbed inputs, in eval mode and without gradients.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``; its mode comes back as it was.
        inputs: One input a row.
        *perturbations: What is added to each input, as for
            :func:`~paper_lib.attacks.perturbed`.
        batch_size: Inputs a pass.

    Returns:
        The logits.

    Raises:
        ValueError: If the inputs or perturbations do not fit the model, its output is
            not ``(n,)``, or a logit is NaN or infinite.

    Example:
        >>> inputs, v = torch.tensor([[1.0], [-2.0]]), torch.tensor([0.5])
        >>> logits_at(nn.Flatten(0), inputs, v)
        tensor([ 1.5000, -1.5000])
    """
    batch_size = check_inputs(model, inputs, batch_size)
    parts = perturbed(inputs, *perturbations).split(batch_size)
    with frozen_evaluation(model), torch.no_grad():
        logits = torch.cat([call(model, part.clone()) for part in parts])
        check_finite(logits=logits)
        check_logits(model, inputs[:batch_size], logits)
    return logits


def clip_moves(
    inputs: Float[Tensor, "n ..."],
    *moves: Float[Tensor, "#n d"] | Float[Tensor, " d"],
    box: tuple[float, float],
) -> Float[Tensor, "n d"]:
    """Say what moves come down to where moved inputs are clipped to a box.

    Args:
        inputs: One input a row, inside the box.
        *moves: What is added to each input, say an attack and a defense.
        box: The smallest and the largest number an input may hold.

    Returns:
        One perturbation a point, which leads into the box, up to its rounding.

    Raises:
        ValueError: If the box is not two numbers in order, an input lies outside it, or
            a move does not fit.

    Example:
        >>> pixels, move = torch.tensor([[0.0, 0.5, 1.0]]), torch.full((1, 3), 0.75)
        >>> clip_moves(pixels, move, box=(0.0, 1.0))
        tensor([[0.7500, 0.5000, 0.0000]])
    """
    least, most = (float(one) for one in inputs.aminmax())
    pair = isinstance(box, tuple | list) and [isinstance(end, Real) for end in box]
    if pair != [True, True] or not box[0] <= least <= most <= box[1]:
        raise ValueError(
            f"box must be two numbers between which all inputs lie, got {box} and "
            f"entries from {least} to {most}."
        )
    return (perturbed(inputs, *moves).clamp(*box) - inputs.detach()).flatten(1)


def keeps_label(
    model: nn.Module,
    data: LabeledImages,
    lin: Linearization,
    *moves: Float[Tensor, "#n d"],
) -> tuple[Bool[Tensor, " n"], Bool[Tensor, " n"]]:
    """Decide for every point whether it keeps its label when it is moved.

    Args:
        model: The classifier.
        data: The points, with the labels of the data.
        lin: The classifier linearized at these points.
        *moves: What is added to each point, say an attack and a defense.

    Returns:
        Whether f gives the label of the data, and whether f_L gives the sign of f.

    Raises:
        ValueError: If a move or the linearization does not fit the points.
    """
    check_points(data, lin)
    right = data.labels * logits_at(model, data.images, *moves) > 0
    return right, lin.label_survives(*moves)


def check_points(data: LabeledImages, lin: Linearization) -> None:
    """Reject a linearization that was taken at other points.

    Args:
        data: The points.
        lin: The classifier linearized.

    Raises:
        TypeError: If one of them is of another kind.
        ValueError: If they differ in length.
    """
    check_type(data, "data", LabeledImages)
    check_type(lin, "lin", Linearization)
    if len(lin.logits) != len(data.labels):
        raise ValueError(
            "lin must be taken at the points of data, got "
            f"{len(lin.logits)} and {len(data.labels)} points."
        )


def disagreement(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    lin: Linearization,
    *perturbations: Float[Tensor, "#n d"],
) -> tuple[float, float]:
    """Measure where f and its linearization part about the same moves.

    Both are asked whether the sign of f at the clean point survives.

    Args:
        model: The classifier.
        inputs: One input a row.
        lin: The classifier linearized at these inputs.
        *perturbations: What is added to each input, say an attack and a defense.

    Returns:
        The share of points that only f keeps, and the share that only f_L keeps.

    Raises:
        ValueError: If the arguments do not fit each other.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([1.0, -2.0]), gradients=torch.tensor([[3.0], [1.0]])
        ... )
        >>> inputs = torch.tensor([[1.0], [-2.0]])
        >>> disagreement(nn.Flatten(0), inputs, lin, torch.tensor([[-0.5], [0.0]]))
        (0.5, 0.0)
    """
    check_type(lin, "lin", Linearization)
    logits = logits_at(model, inputs, *perturbations)
    linear = lin.label_survives(*perturbations)
    if len(linear) != len(logits):
        raise ValueError(
            f"lin must be taken at inputs, got {len(linear)} and {len(logits)} points."
        )
    true = lin.signs * logits > 0
    return (
        float((true & ~linear).double().mean()),
        float((~true & linear).double().mean()),
    )
