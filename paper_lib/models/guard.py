r"""A classifier run with care: what goes in, how it runs, and what comes out of it.

The one place where a model is called. It runs in eval mode, with frozen weights, at
full precision and on a copy of the inputs, and comes back as it was. What it returns
has to be a logit of each input alone; what is none is refused, or warned about.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.checks.arguments import check_count, check_type
from paper_lib.checks.operands import check_finite, check_same_kind
from paper_lib.geometry import l2_norm
from paper_lib.geometry.sums import full_precision

# A logit moved by more than this share of it was moved by something.
_AGREEMENT = {torch.float32: 1e-3, torch.float64: 1e-6}
_SATURATED = 0.01  # the share of points without a gradient that is suspect
_ADVICE = (
    "A logit has no bound and its sign is the class: return what goes into a sigmoid, "
    "softmax or tanh at the end, or the difference of two such scores."
)


@contextmanager
def frozen_evaluation(model: nn.Module) -> Iterator[None]:
    """Run a model in eval mode with its weights frozen, then restore it.

    Frozen weights save the backward pass the work of their gradients. All comes back
    as it was, after an error too. It runs at full precision, whatever is on outside.

    Args:
        model: The classifier.

    Yields:
        Nothing.

    Raises:
        ValueError: If a weight was made under ``torch.inference_mode()``.
    """
    # A model that was compiled or frozen for inference may have no mode at all.
    modes = [(m, m.training) for m in model.modules() if hasattr(m, "training")]
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    if any(weight.is_inference() for weight in model.parameters()):
        raise ValueError(
            "model must have weights that autograd can use, got some that were made "
            "under torch.inference_mode()."
        )
    try:
        if any(training for _, training in modes):
            with suppress(NotImplementedError):  # an exported model keeps its mode
                model.eval()
        for weight in trainable:
            weight.requires_grad_(False)
        with full_precision(), torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for weight in trainable:
            weight.requires_grad_(True)
        for module, training in modes:
            module.training = training


def call(model: nn.Module, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """Evaluate a model and check what comes back.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``.
        inputs: The inputs, a copy of the caller's: a model may work in place.

    Returns:
        The logits, in the dtype of the inputs.

    Raises:
        ValueError: If the inputs' dtype or device is not the model's, or its output is
            not ``(n,)`` of float32 or float64.
    """
    try:
        logits = model(inputs)
    except Exception:
        # The model judges its inputs; where it failed, its first weight may say why.
        if (weight := next(model.parameters(), None)) is not None:
            check_same_kind(model=weight, inputs=inputs)
        raise
    if not isinstance(logits, Tensor) or logits.shape != inputs.shape[:1]:
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits)
        raise ValueError(
            f"model must map {tuple(inputs.shape)} to one logit a point, of shape "
            f"{tuple(inputs.shape[:1])}, got {found}."
        )
    check_same_kind(**{"the model's logits": logits})
    return logits.to(inputs.dtype)


def logits_and_gradients(
    model: nn.Module, batch: Float[Tensor, "n ..."]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n ..."]]:
    """Evaluate one batch and differentiate its logits.

    Meant for use inside :func:`frozen_evaluation`, where an attack calls it often.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``; each logit depends on its own input.
        batch: The inputs, a copy of the caller's: a model may work in place.

    Returns:
        The logits, and their gradients in the shape of the inputs.

    Raises:
        ValueError: If the output is not ``(n,)`` or has no graph to the inputs.
        RuntimeError: What torch raises.
    """
    inputs = batch.clone() if batch.is_inference() else batch.detach()
    inputs.requires_grad_(True)
    try:
        return _differentiate(model, inputs)
    except RuntimeError as error:
        if "cudnn RNN backward" not in str(error):
            raise
    # cuDNN differentiates a recurrent layer in training mode alone.
    with torch.backends.cudnn.flags(enabled=False):
        return _differentiate(model, inputs)


def _differentiate(
    model: nn.Module, inputs: Float[Tensor, "n ..."]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n ..."]]:
    """Differentiate the logits at inputs that are a leaf."""
    gradients = None
    try:
        logits = call(model, inputs)
    except RuntimeError as error:
        if "leaf Variable" not in str(error):
            raise
        logits = call(model, inputs.clone())  # whose first operation works in place
    if logits.requires_grad:
        # Each logit depends on its own input alone, so that the sum gives them all.
        (gradients,) = torch.autograd.grad(logits.sum(), inputs, allow_unused=True)
    if gradients is None:
        # A zero here would pass for a classifier that no attack can move.
        raise ValueError(
            "model must be differentiable in its inputs, got logits without a graph to "
            "them; its forward pass may run under no_grad or leave torch."
        )
    return logits.detach(), gradients


def check_inputs(model: nn.Module, inputs: Tensor, batch_size: int) -> int:
    """Reject what is no model, no inputs or no size, before any work is done.

    Args:
        model: The classifier.
        inputs: One input a row.
        batch_size: Rows a batch.

    Returns:
        ``batch_size`` as Python's own integer.

    Raises:
        TypeError: If the model is no module, the inputs no tensor or the size no
            integer.
        ValueError: If there is no input, it is not floating point, not finite or on
            another device than the model, or ``batch_size`` is below one.
    """
    check_type(model, "model", nn.Module)
    check_same_kind(inputs=inputs)
    batch_size = check_count(batch_size, "batch_size", 1)
    if inputs.ndim < 2 or inputs.numel() == 0:
        raise ValueError(
            "inputs must hold at least one point, one a row, got shape "
            f"{tuple(inputs.shape)}."
        )
    devices = {weight.device for weight in model.parameters()}
    if devices and inputs.device not in devices:
        raise ValueError(
            f"inputs must have the device of model, {devices.pop()}, got "
            f"{inputs.device}."
        )
    check_finite(inputs=inputs)
    return batch_size


def check_logits(
    model: nn.Module,
    batch: Float[Tensor, "b ..."],
    logits: Float[Tensor, " n"],
    is_flat: Bool[Tensor, " n"] | None = None,
) -> None:
    """Reject logits that depend on other inputs; warn of what is no logit.

    Costs three passes of three points, and more where something is suspect.

    Args:
        model: The classifier.
        batch: The inputs of the first pass.
        logits: What the model gave in all passes.
        is_flat: Where the gradient is zero, if gradients were taken.

    Raises:
        ValueError: If a logit depends on another point.
    """
    batch = batch.detach()
    with torch.no_grad():
        message = _depends(model, batch)
    if message is None and is_flat is not None:
        message = _is_bounded(model, batch, logits, is_flat)
    if message is not None:
        warnings.warn(f"model may give no logit: {message}", stacklevel=3)


def _is_bounded(
    model: nn.Module, batch: Tensor, logits: Tensor, is_flat: Tensor
) -> str | None:
    """Look for outputs that flatten out: from 0 to 1, or at the largest size."""
    count, top = len(logits), float(logits.abs().max())
    flat = int((is_flat & (logits.abs() == top)).sum())
    if top > 0.0 and bool(((logits >= 0) & (logits <= 1)).all()):
        seen = f"all {count} outputs are from 0 to 1, so that every label is +1"
        low, high = 0.0, 1.0
    elif flat >= max(2, _SATURATED * count) and not bool((logits == logits[0]).all()):
        seen = (
            f"the gradient is exactly zero at {flat} of {count} points, and the output "
            f"there is the largest in size, {top:.6g}"
        )
        low, high = -top, top
    else:
        return None
    far = _far_outputs(model, batch, 2.0 * (high - low))
    least, most = torch.cat([far, logits]).aminmax()
    if not low <= float(least) <= float(most) <= high:
        return None
    # Of a logit that happens to be small, the outputs rarely come near both 0 and 1.
    if low == 0.0 and not (float(least) < 0.05 and float(most) > 0.95):
        return None
    return f"{seen}. {_ADVICE}"


def _far_outputs(model: nn.Module, batch: Tensor, change: float) -> Tensor:
    """Evaluate a model where its tangents would have changed by so much."""
    _, slopes = logits_and_gradients(model, batch.clone())
    steps = slopes.flatten(1).double()
    steps = steps * (change / l2_norm(steps).square()).unsqueeze(1)
    steps = steps.nan_to_num(0.0).clamp(-1e12, 1e12).to(batch.dtype).view_as(batch)
    with torch.no_grad():
        far = torch.cat([call(model, batch + step) for step in (steps, -steps)])
    return far[~far.isnan()]


def _depends(model: nn.Module, batch: Float[Tensor, "n ..."]) -> str | None:
    """Look at a point's logit beside another point, and beside copies of itself."""
    other = int((batch - batch[:1]).flatten(1).abs().amax(1).argmax())
    for size in (3, len(batch)) if other else ():
        try:
            beside, again, alone = _in_company(model, batch, other, size)
        except Exception:  # a model may take passes of one size alone
            continue
        if not _agree(beside, again):
            return (
                f"point 0 has the output {beside[0]:.6g} in one pass and "
                f"{again[0]:.6g} in the next. Fix what the model draws in eval mode: "
                "labels and gradients are those of one draw."
            )
        if _agree(beside, alone):
            return None
        place = int((beside - alone).abs().argmax())
        raise ValueError(
            "each logit must depend on its own input alone, got "
            f"{alone[place]:.6g} for point 0 beside copies of itself and "
            f"{beside[place]:.6g} with point {other} in the same pass; statistics of "
            "the batch, say of a normalization, may be the reason."
        )
    return None


def _in_company(
    model: nn.Module, batch: Float[Tensor, "n ..."], other: int, size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Evaluate point 0 before and after another point, twice, and without it."""
    alone = batch[:1].repeat(size, *[1] * (batch.ndim - 1))
    mixed = alone.clone()
    mixed[size // 2] = batch[other]
    ends = [0, size - 1] if size > 2 else [0]
    beside, again, alone = (
        call(model, rows.clone())[ends] for rows in (mixed, mixed, alone)
    )
    return beside, again, alone


def _agree(one: Tensor, two: Tensor) -> bool:
    """Compare logits of passes of the same size, which round alike."""
    scale = torch.maximum(one.abs(), two.abs()).max()
    return bool(((one - two).abs() <= _AGREEMENT[one.dtype] * scale).all())
