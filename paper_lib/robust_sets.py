r"""Lemma 1: the perturbations of the defender that no attack can answer.

The robust set of a point is a half-space cut with the ball V (Eq. (3)). In the
notation of Eq. (7), :math:`R(x_i) = \{v \in V : c_i^\top v + b_i \ge 0\}` with
:math:`c_i = \operatorname{sgn}(f(x_i)) \nabla f(x_i)` and
:math:`b_i = |f(x_i)| - \epsilon \|\nabla f(x_i)\|_2`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from paper_lib.checks import check_radius
from paper_lib.checks.arguments import check_type
from paper_lib.checks.operands import check_finite, check_rows, check_same_kind, detach
from paper_lib.checks.radii import check_budgets
from paper_lib.geometry import in_l2_ball, l2_norm
from paper_lib.geometry.ball import check_in_l2_ball
from paper_lib.geometry.sums import rough_dots, row_dots
from paper_lib.linearize import Linearization

# Entries of rows and perturbations compared at once; affects speed and memory alone.
_BLOCK = 2**22


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RobustSets:
    r"""The robust sets of n points: one half-space a row, and the ball they share.

    Attributes:
        normals: :math:`c_i`, one a row. A zero row is satisfied by every v in V when
            its offset is at least zero, and by none otherwise.
        offsets: :math:`b_i`; minus infinity for an empty set.
        epsilon: The defender's budget, radius of V, in the units of the inputs.

    Raises:
        ValueError: If shapes, dtypes or devices do not fit, there is no row, an entry
            is NaN, an offset is plus infinity, or ``epsilon`` is no budget.

    Example:
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
        ...     offsets=torch.tensor([-0.5, 0.0]),
        ...     epsilon=1.0,
        ... )
        >>> sets.contains(torch.tensor([0.6, 0.0]))
        tensor([True, True])
        >>> sets.coverage(torch.zeros(2))
        0.5
    """

    normals: Float[Tensor, "n d"]
    offsets: Float[Tensor, " n"]
    epsilon: float

    def __post_init__(self) -> None:
        """Check shapes, kinds and values.

        Raises:
            ValueError: See the class.
        """
        check_rows(normals=self.normals, offsets=self.offsets)
        object.__setattr__(self, "epsilon", check_radius(self.epsilon, "epsilon"))
        detach(self, "normals", "offsets")
        empty = self.offsets == -torch.inf
        check_finite(normals=self.normals, offsets=self.offsets.masked_fill(empty, 0.0))

    @classmethod
    def from_linearization(
        cls,
        lin: Linearization,
        epsilon: float,
        *,
        attack_epsilon: float | Float[Tensor, " n"] | None = None,
    ) -> "RobustSets":
        r"""Apply Lemma 1 to every point. Paper: Eqs. (3) and (7).

        A point with f(x) = 0 has no label and an empty robust set; a point with a zero
        gradient and a label has all of V.

        Args:
            lin: The linearized classifier.
            epsilon: Budget of both players, in the units of the inputs.
            attack_epsilon: The attacker's budget where it differs, one number or one
                for each point: it enters the half-spaces, ``epsilon`` the ball.

        Returns:
            The robust sets, rows in the order of the points.

        Raises:
            TypeError: If ``lin`` or a budget is of another kind.
            ValueError: If a budget is negative, NaN or infinite, or their number is not
                that of the points.
        """
        check_type(lin, "lin", Linearization)
        reach, epsilon = check_budgets(epsilon, attack_epsilon, lin.gradients)
        offsets = lin.logits.abs().double() - reach * l2_norm(lin.gradients)
        unlabeled = lin.logits == 0
        return cls(
            normals=lin.gradients * lin.signs.unsqueeze(-1),
            offsets=offsets.masked_fill(unlabeled, -torch.inf).to(lin.logits.dtype),
            epsilon=epsilon,
        )

    def subset(self, rows: Int[Tensor, " k"] | slice) -> "RobustSets":
        """Take some rows.

        Args:
            rows: Their places, in the order wanted, or a slice.

        Returns:
            The robust sets of these rows, with the same budget.

        Raises:
            ValueError: If no row is taken.

        Example:
            >>> sets = RobustSets(
            ...     normals=torch.eye(3), offsets=torch.arange(3.0), epsilon=1.0
            ... )
            >>> sets.subset(torch.tensor([2, 0])).offsets
            tensor([2., 0.])
        """
        if isinstance(rows, Tensor):
            rows = rows.to(self.normals.device)
        return RobustSets(
            normals=self.normals[rows], offsets=self.offsets[rows], epsilon=self.epsilon
        )

    def contains(self, v: Float[Tensor, "*k d"]) -> Bool[Tensor, "*k n"]:
        r"""Test which robust sets contain v.

        Counted in float64 with no tolerance and in one order of summation, so that the
        answer for one v does not depend on the others, and is the same again. It is not
        exact: a row that v meets up to rounding, a slack of about 1e-16 of its terms,
        may be judged otherwise than by rational numbers.

        Args:
            v: One perturbation ``(d,)`` or several ``(k, d)``.

        Returns:
            Verdicts of shape ``(n,)`` or ``(k, n)``; False everywhere for a v outside
            the ball.

        Raises:
            ValueError: If the shape, dtype or device does not fit, or v is not finite.
        """
        self.check_candidates(v, "v")
        v = v.detach()
        if v.ndim == 1:
            return self._contains_each(v.unsqueeze(0))[0]
        parts = v.split(max(_BLOCK // self.normals.numel(), 1))
        return torch.cat([self._contains_each(part) for part in parts])

    def coverage(self, v: Float[Tensor, "*k d"]) -> float | Float[Tensor, " k"]:
        r"""Count the share of robust sets that contain v: :math:`\phi_n(v)`, Eq. (5).

        Args:
            v: One perturbation ``(d,)`` or several ``(k, d)``.

        Returns:
            A float for one v, a float64 tensor ``(k,)`` for several.

        Raises:
            ValueError: As :meth:`contains`.
        """
        counts = self.contains(v).sum(-1)
        if v.ndim == 1:
            return int(counts) / len(self.offsets)
        return counts.double() / len(self.offsets)

    def check_candidates(self, v: Float[Tensor, "*k d"], name: str) -> None:
        """Reject a perturbation that does not fit the rows.

        Args:
            v: One perturbation ``(d,)`` or several ``(k, d)``.
            name: The argument's name, for the message.

        Raises:
            ValueError: If the shape, dtype or device does not fit, or v is not finite.
        """
        check_same_kind(**{"normals": self.normals, name: v})
        dim = self.normals.shape[1]
        if v.ndim not in (1, 2) or v.shape[-1] != dim:
            raise ValueError(
                f"{name} must have shape ({dim},) or (k, {dim}), got {tuple(v.shape)}."
            )
        check_finite(**{name: v})

    def check_one(self, v: Float[Tensor, " d"], name: str = "v") -> None:
        """Reject what is not one perturbation for these rows.

        Args:
            v: The perturbation.
            name: The argument's name, for the message.

        Raises:
            ValueError: As :meth:`check_candidates`, or if there are several.
        """
        self.check_candidates(v, name)
        if v.ndim != 1:
            raise ValueError(
                f"{name} must be one perturbation, ({self.normals.shape[1]},), got "
                f"{tuple(v.shape)}."
            )

    def check_in_ball(self, v: Float[Tensor, " d"], name: str = "v") -> None:
        """Reject what is not one perturbation of V.

        Args:
            v: The perturbation.
            name: The argument's name, for the message.

        Raises:
            ValueError: As :meth:`check_one`, or if v lies outside V.
        """
        self.check_one(v, name)
        check_in_l2_ball(name, v, self.epsilon)

    def _contains_each(self, v: Float[Tensor, "k d"]) -> Bool[Tensor, "k n"]:
        products, error = rough_dots(self.normals, v)
        slack = products + self.offsets.double()
        verdicts = slack >= 0
        # Where rounding could decide, one order of summation does.
        which, near = (~(slack.abs() > error)).nonzero().unbind(dim=1)
        careful = row_dots(self.normals[near], v[which])
        verdicts[which, near] = careful + self.offsets[near].double() >= 0
        return verdicts & in_l2_ball(v.contiguous(), self.epsilon).unsqueeze(-1)
