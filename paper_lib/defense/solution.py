"""What every method for Eq. (7) returns: a perturbation, its count, and a bound."""

from dataclasses import dataclass
from typing import Any, Self

from jaxtyping import Float
from torch import Tensor

from paper_lib.robust_sets import RobustSets


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    r"""Two numbers that enclose the maximum of :math:`\phi_n` over V.

    Attributes:
        lower: A coverage that was counted, so that the maximum is no less.
        upper: A bound on the maximum; 1 where nothing is known.

    Raises:
        ValueError: If not 0 <= lower <= upper <= 1.
    """

    lower: float
    upper: float = 1.0

    def __post_init__(self) -> None:
        """Reject bounds that enclose nothing.

        Raises:
            ValueError: See the class.
        """
        if not 0.0 <= self.lower <= self.upper <= 1.0:
            raise ValueError(
                "a certificate needs 0 <= lower <= upper <= 1, got "
                f"lower {self.lower} and upper {self.upper}."
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solution:
    r"""A constant perturbation for the defender and the evidence for it.

    Attributes:
        perturbation: The defense v, inside V.
        coverage: :math:`\phi_n(v)`, counted by ``RobustSets.coverage``.
        certificate: What is known of the maximum of :math:`\phi_n`.
    """

    perturbation: Float[Tensor, " d"]
    coverage: float
    certificate: Certificate

    @classmethod
    def counted(cls, sets: RobustSets, v: Float[Tensor, " d"], **evidence: Any) -> Self:
        """Count what v covers; the upper bound is the trivial one.

        Args:
            sets: The robust sets to count on.
            v: The perturbation.
            **evidence: Further fields of a subclass.

        Returns:
            The solution.
        """
        coverage = float(sets.coverage(v))
        return cls(
            perturbation=v,
            coverage=coverage,
            certificate=Certificate(lower=coverage),
            **evidence,
        )
