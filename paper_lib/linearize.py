r"""A classifier and inputs -> logits and input gradients, the model of Sec. 2.

Everything the paper proves is about :math:`f_L(x') = f(x) + \nabla f(x)^\top (x' - x)`,
one linear function for each data point. :class:`Linearization` holds the two numbers
that define it; where they came from does not matter afterwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paper_lib.checks import operands
from paper_lib.checks.arguments import check_type
from paper_lib.geometry import l2_norm, unit_vectors
from paper_lib.geometry.sums import row_dots
from paper_lib.models import guard
from paper_lib.models.training import with_bar


@dataclass(frozen=True, kw_only=True, eq=False)
class Linearization:
    r"""Logits and input gradients of a classifier at n points.

    May be built by hand: a linear classifier, a toy, another framework.

    Attributes:
        logits: :math:`f(x_i)`; the sign is the label the game protects.
        gradients: :math:`\nabla f(x_i)`, inputs flattened to ``d``.

    Raises:
        ValueError: If the lengths, dtypes or devices differ, there is no point, or an
            entry is NaN or infinite.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([2.0]), gradients=torch.tensor([[3.0, 4.0]])
        ... )
        >>> lin.margins
        tensor([0.4000], dtype=torch.float64)
    """

    logits: Float[Tensor, " n"]
    gradients: Float[Tensor, "n d"]

    def __post_init__(self) -> None:
        """Check shapes, kinds and values.

        Raises:
            ValueError: See the class.
        """
        operands.check_rows(gradients=self.gradients, logits=self.logits)
        operands.detach(self, "logits", "gradients")
        operands.check_finite(logits=self.logits, gradients=self.gradients)

    @property
    def signs(self) -> Float[Tensor, " n"]:
        r""":math:`\operatorname{sgn} f(x_i)`, zero for a point without a label."""
        return self.logits.sign()

    @property
    def margins(self) -> Float[Tensor, " n"]:
        r"""Distance to the linearized boundary, :math:`|f(x_i)| / \|\nabla f(x_i)\|_2`.

        In the units of the input, as float64; infinite for a flat point, zero for a
        point without a label.
        """
        distance = self.logits.abs().double() / l2_norm(self.gradients)
        return torch.where(self.logits == 0, torch.zeros_like(distance), distance)

    @cached_property
    def descent_directions(self) -> Float[Tensor, "n d"]:
        r"""Unit vectors along :math:`-\operatorname{sgn}(f(x_i)) \nabla f(x_i)`.

        The direction in which the linearized margin falls fastest; zero where the
        gradient or the logit is zero. Kept, so that many budgets cost one division.
        """
        return unit_vectors(-self.signs.unsqueeze(-1) * self.gradients)

    @property
    def num_unlabeled(self) -> int:
        """Points with f(x) = 0, which have no label to protect: counted as lost."""
        return int((self.logits == 0).sum())

    @property
    def num_flat(self) -> int:
        """Points with a label and a zero gradient, which no attack moves."""
        return int(((self.logits != 0) & (l2_norm(self.gradients) == 0)).sum())

    def label_survives(
        self, *perturbations: Float[Tensor, "#n d"]
    ) -> Bool[Tensor, " n"]:
        r"""Test whether the linearized classifier keeps its label.

        The label survives when :math:`\operatorname{sgn}(f(x)) f_L(x + a + d) \ge 0`,
        so that landing exactly on the boundary is no flip, and f(x) is not zero. This
        is the event in Eq. (1) with u_A = -1.

        Args:
            *perturbations: What is added to each point, say an attack and a defense:
                a row for each point, or one row ``(1, d)`` for all of them.

        Returns:
            One verdict a point, decided in float64.

        Raises:
            ValueError: If a shape, dtype or device does not fit.
        """
        values = self.moved_logits(*perturbations)
        return (self.signs.double() * values >= 0) & (self.logits != 0)

    def moved_logits(
        self, *perturbations: Float[Tensor, "#n d"]
    ) -> Float[Tensor, " n"]:
        r"""Evaluate the linearized classifier, :math:`f_L(x_i + a + d)`. Paper: Sec. 2.

        Args:
            *perturbations: As for :meth:`label_survives`.

        Returns:
            The values, as float64, perturbations added in their order.

        Raises:
            ValueError: If a shape, dtype or device does not fit.
        """
        values = self.logits.double()
        for number, perturbation in enumerate(perturbations):
            operands.check_perturbation(
                f"perturbations[{number}]", perturbation, self.gradients
            )
            values = values + row_dots(self.gradients, perturbation)
        return values


def linearize(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."] | Iterable[Any],
    batch_size: int = 100,
    *,
    progress: bool = False,
) -> Linearization:
    r"""Compute the locally linear model of a classifier at each input. Paper: Sec. 2.

    The gradient is that of the logit, not of a loss: it does not underflow where the
    classifier is confident, and its direction does not depend on the logit's scale.

    Args:
        model: Any module that maps ``(n, ...)`` to ``(n,)``, one logit a point whose
            sign is the class, no probability. Each logit must depend on its own input
            alone. It is run in eval mode and left as it was.
        inputs: One input a row, in the model's dtype and on its device; or batches of
            such, with labels or without, say a ``DataLoader``. They are looked at one
            by one, so that memory is that of the result. Rows come in the order of this
            pass: with a budget for each point, or to save a defense or a certificate,
            take a loader that does not shuffle.
        batch_size: Inputs a pass; affects speed and memory, and the result no more
            than rounding does. Batches are taken as they come.
        progress: Show a progress bar, for which tqdm is needed.

    Returns:
        Logits and gradients, inputs flattened to ``d``.

    Raises:
        TypeError: If ``inputs`` is no tensor, nor yields tensors or pairs of them.
        ValueError: If the inputs do not fit the model or each other, there is no batch
            or one of more than two parts, the model's output is not ``(n,)``, a logit
            depends on the other inputs of its pass, or an input, logit or gradient is
            NaN or infinite.
        ImportError: If ``progress`` is asked for and tqdm is not installed.

    Warns:
        UserWarning: If the outputs look like no logit: they stay between 0 and 1, are
            saturated, or differ from pass to pass.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
        >>> lin = linearize(model, torch.zeros(3, 2))
        >>> lin.gradients.shape
        torch.Size([3, 2])
        >>> batches = [(torch.zeros(2, 2), torch.ones(2)), (torch.ones(1, 2), None)]
        >>> linearize(model, batches).gradients.shape
        torch.Size([3, 2])
    """
    is_whole = isinstance(inputs, Tensor)
    first, parts = None, []
    if is_whole:
        source = inputs.split(guard.check_inputs(model, inputs, batch_size))
    else:
        source = inputs if isinstance(inputs, Iterable) else [inputs]
        check_type(model, "model", nn.Module)
    if progress:
        source = with_bar(source, "linearize", "linearizing", "batch")
    with guard.frozen_evaluation(model):
        for item in source:
            batch = item if is_whole else _checked(model, item, inputs)
            first = batch if first is None else first
            operands.check_shape("each of inputs", batch[0], tuple(first[0].shape))
            parts.append(guard.logits_and_gradients(model, batch.detach().clone()))
        if first is None:
            raise ValueError("inputs must hold at least one batch, got none.")
        logits, slopes = (torch.cat(column) for column in zip(*parts, strict=True))
        lin = Linearization(logits=logits, gradients=slopes.flatten(1))
        is_flat = lin.gradients.abs().amax(1) == 0
        guard.check_logits(model, first, lin.logits, is_flat)
    return lin


def _checked(model: nn.Module, item: Any, source: Any) -> Float[Tensor, "b ..."]:
    """Take the inputs of what a loader yields, and check them."""
    batch, *labels = item if isinstance(item, tuple | list) and item else (item,)
    if len(labels) > 1:
        raise ValueError(
            "inputs must yield batches, alone or with their labels, got one of "
            f"{1 + len(labels)} parts."
        )
    if not isinstance(batch, Tensor):
        raise TypeError(
            f"inputs must be a torch.Tensor, got {type(source).__name__} that holds or "
            f"yields {type(batch).__name__}."
        )
    guard.check_inputs(model, batch, 1)
    return batch
