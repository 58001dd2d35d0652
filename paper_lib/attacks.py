r"""FGM, which Lemma 2 proves optimal, and PGD, which it is compared with."""

import itertools
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from paper_lib.checks import check_choice, check_count
from paper_lib.checks.arguments import check_length, check_type
from paper_lib.checks.operands import check_finite, check_perturbation, check_same_kind
from paper_lib.checks.radii import Budget, check_radii
from paper_lib.geometry import l2_norm, project_l2_ball, scale_to_radius
from paper_lib.geometry.ball import as_factor, fit_product, project_l2_sphere
from paper_lib.linearize import Linearization
from paper_lib.models import guard

_Direction = Literal["current", "original"]
_Projection = Literal["sphere", "ball"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PGDResult:
    """Perturbations found by PGD, and how often it stood still.

    Attributes:
        perturbations: What is added to each input, none longer than the budget.
        returned: For each point and step, whether it came back to x exactly, where the
            projection onto the sphere is undefined; it stays at x for that step.

    Example:
        >>> never = torch.zeros(2, 1, dtype=torch.bool)
        >>> PGDResult(perturbations=torch.zeros(2, 3), returned=never).num_returned
        tensor([0])
    """

    perturbations: Float[Tensor, "n d"]
    returned: Bool[Tensor, "n steps"]

    @property
    def num_returned(self) -> Int[Tensor, " steps"]:
        """For each step, how many points came back to x exactly."""
        return self.returned.sum(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class PGDReading:
    """One way to read Appendix D, with lengths relative to the budget.

    Attributes:
        direction: As for :func:`pgd`.
        projection: As for :func:`pgd`.
        relative_step: Length of a step as a share of the budget.
        steps: How many steps.

    Raises:
        TypeError: If ``steps`` is no integer or ``relative_step`` no number.
        ValueError: If there is no step, it has no length, or a choice is unknown.

    Example:
        >>> PGD_READINGS["ball"].relative_step * PGD_READINGS["ball"].steps
        2.5
    """

    direction: _Direction = "current"
    projection: _Projection = "sphere"
    relative_step: float = 1.0
    steps: int = 10

    def __post_init__(self) -> None:
        """Reject what is no reading.

        Raises:
            TypeError: See the class.
            ValueError: See the class.
        """
        check_count(self.steps, "steps", 1)
        check_length(self.relative_step, "relative_step")
        check_choice(self.direction, "direction", get_args(_Direction))
        check_choice(self.projection, "projection", get_args(_Projection))

    def attack(
        self,
        model: nn.Module,
        inputs: Float[Tensor, "n ..."],
        epsilon: float | Float[Tensor, " n"],
        *,
        batch_size: int = 100,
    ) -> PGDResult:
        """Run PGD as read here.

        Args:
            model: As for :func:`pgd`.
            inputs: As for :func:`pgd`.
            epsilon: As for :func:`pgd`.
            batch_size: As for :func:`pgd`.

        Returns:
            The perturbations, and how many points stood still.

        Raises:
            ValueError: As :func:`pgd`.
        """
        return _run(model, inputs, epsilon, self, None, batch_size)


#: ``"literal"``: Appendix D as written. ``"fixed-label"``: with the label of the clean
#: input kept. ``"ball"``: short steps, of epsilon / 4, and the ball. None is that of
#: Madry et al. (2018): ``direction="original"``, ``projection="ball"``, short steps.
PGD_READINGS = {
    "literal": PGDReading(),
    "fixed-label": PGDReading(direction="original"),
    "ball": PGDReading(projection="ball", relative_step=0.25),
}


def fgm(
    lin: Linearization, epsilon: float | Float[Tensor, " n"]
) -> Float[Tensor, "n d"]:
    r"""Compute the Fast Gradient Method attack. Paper: Sec. 3.

    :math:`a_{\mathrm{FGM}}(x) = -\epsilon \operatorname{sgn}(f(x))
    \nabla f(x) / \|\nabla f(x)\|_2`, the step of length epsilon that lowers the
    linearized margin most.

    Args:
        lin: The linearized classifier. Many budgets need one linearization.
        epsilon: The attacker's budget, in the units of the inputs: one number, or one
            for each point.

    Returns:
        One perturbation a point, none longer than its budget; zero where the gradient
        or the logit is zero.

    Raises:
        TypeError: If ``lin`` or ``epsilon`` is of another kind.
        ValueError: If a budget is negative, NaN or infinite, or their number is not
            that of the points.

    Example:
        >>> lin = Linearization(
        ...     logits=torch.tensor([-1.0]), gradients=torch.tensor([[3.0, 4.0]])
        ... )
        >>> fgm(lin, epsilon=5.0)
        tensor([[3.0000, 4.0000]])
        >>> fgm(lin, epsilon=torch.tensor([10.0]))
        tensor([[6.0000, 8.0000]])
    """
    check_type(lin, "lin", Linearization)
    reach = check_radii(epsilon, "epsilon", lin.gradients)
    steps = lin.descent_directions * as_factor(reach, lin.gradients)
    return fit_product(steps, reach)


def perturbed(
    inputs: Float[Tensor, "n ..."],
    *perturbations: Float[Tensor, "#n d"] | Float[Tensor, " d"],
) -> Float[Tensor, "n ..."]:
    r"""Add flattened perturbations to inputs of any shape: :math:`x_i + a(x_i) + v`.

    The sum ``inputs + attack`` fails for images, or broadcasts to something else.

    Args:
        inputs: One input a row, of d numbers each.
        *perturbations: A row for each input, as :func:`fgm` and :func:`pgd` return it,
            or one perturbation for all, ``(d,)`` or ``(1, d)``; added in their order.

    Returns:
        The moved inputs, in the shape of the inputs.

    Raises:
        TypeError: If one is no tensor.
        ValueError: If a shape, dtype or device does not fit, or an entry of a
            perturbation is not finite.

    Example:
        >>> images = torch.zeros(6, 1, 2, 2)
        >>> attack, v = torch.ones(6, 4), torch.tensor([0.0, 0.0, 0.0, 1.0])
        >>> perturbed(images, attack, v)[5]
        tensor([[[1., 1.],
                 [1., 2.]]])
    """
    check_same_kind(inputs=inputs)
    if inputs.ndim < 2:
        raise ValueError(f"inputs must be (n, ...), got {tuple(inputs.shape)}.")
    moved = inputs.detach().flatten(1)
    for number, given in enumerate(perturbations):
        is_constant = isinstance(given, Tensor) and given.ndim == 1
        move = given.unsqueeze(0) if is_constant else given
        check_perturbation(f"perturbations[{number}]", move, moved)
        moved = moved + move.detach()
    return moved.view_as(inputs)


def pgd(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    epsilon: float | Float[Tensor, " n"],
    steps: int = 10,
    step_size: float | None = None,
    direction: _Direction = "current",
    projection: _Projection = "sphere",
    batch_size: int = 100,
) -> Float[Tensor, "n d"]:
    r"""Compute the PGD attack: FGM repeated and projected. Paper: App. D.

    From :math:`p_0 = x`, each step adds an FGM step taken at :math:`p_j` and projects
    the sum of the steps. The defaults read Appendix D literally; the text leaves three
    things open, which are arguments here.

    Args:
        model: Maps ``(n, ...)`` to ``(n,)``; left as it was.
        inputs: One input a row, in the model's dtype and on its device.
        epsilon: The attacker's budget, in the units of the inputs: one number, or one
            for each input.
        steps: How many steps, at least one.
        step_size: Length of a step, in the units of the inputs; None: ``epsilon``.
        direction: Whose label a step attacks: that of the ``"current"`` iterate, as
            written, which turns back once the boundary is crossed; or that of the
            ``"original"`` input.
        projection: Onto the ``"sphere"`` of radius epsilon, as written, or the
            ``"ball"``; with the direction ``"original"`` and short steps the latter is
            the attack of Madry et al. (2018), and no entry of ``PGD_READINGS`` is.
        batch_size: Inputs a pass; affects speed and memory, and the result no more
            than rounding does.

    Returns:
        One perturbation an input, flattened to ``d``, none longer than its budget.

    Raises:
        ValueError: If a budget, a count or a choice is out of range, budgets are not
            one an input, the inputs do not fit the model, or an input, logit or
            gradient is NaN or infinite.

    Example:
        >>> pgd(nn.Flatten(0), torch.tensor([[2.0], [-3.0]]), epsilon=0.5)
        tensor([[-0.5000],
                [ 0.5000]])
    """
    reading = PGDReading(direction=direction, projection=projection, steps=steps)
    if step_size is not None:
        step_size = check_length(step_size, "step_size")
    return _run(model, inputs, epsilon, reading, step_size, batch_size).perturbations


def _run(
    model: nn.Module,
    inputs: Float[Tensor, "n ..."],
    epsilon: Budget,
    reading: PGDReading,
    step_size: float | None,
    batch_size: int,
) -> PGDResult:
    """Repeat FGM and project; see :func:`pgd`. Without a step size, the reading's."""
    batch_size = guard.check_inputs(model, inputs, batch_size)
    reach = check_radii(epsilon, "epsilon", inputs.flatten(1))
    project = {"sphere": project_l2_sphere, "ball": project_l2_ball}[reading.projection]
    shared = not isinstance(reach, Tensor)  # one number is that of all batches
    radii = itertools.repeat(reach) if shared else reach.split(batch_size)
    batches, returned, clean = [], [], []
    with guard.frozen_evaluation(model):
        for batch, radius in zip(inputs.split(batch_size), radii, strict=False):
            pace = step_size or reading.relative_step * radius
            total, signs = torch.zeros_like(batch.flatten(1)), None
            moved_before = torch.zeros_like(total[:, 0], dtype=torch.bool)
            came_back = []
            for _ in range(reading.steps):
                moved = batch + total.view_as(batch)
                logits, slopes = guard.logits_and_gradients(model, moved)
                gradients = slopes.flatten(1)
                check_finite(len(batches) * batch_size, logits=logits, gradients=slopes)
                if signs is None:
                    clean.append((logits, gradients.abs().amax(1) == 0))
                if signs is None or reading.direction == "current":
                    signs = logits.sign().unsqueeze(-1)
                step = scale_to_radius(gradients, pace)
                total = total.addcmul(signs, step, value=-1.0)
                norm = l2_norm(total)
                came_back.append((norm == 0) & moved_before)
                moved_before = moved_before | (norm != 0)
                total = project(total, radius, norm)
            batches.append(total)
            returned.append(torch.stack(came_back, 1))
        logits, is_flat = (torch.cat(column) for column in zip(*clean, strict=True))
        guard.check_logits(model, inputs[:batch_size], logits, is_flat)
    return PGDResult(perturbations=torch.cat(batches), returned=torch.cat(returned))
