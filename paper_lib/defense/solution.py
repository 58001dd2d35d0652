"""What every method for Eq. (7) returns: a perturbation, its count, and a bound."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


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
