r"""Two counts that enclose the maximum of :math:`\phi_n`, each with its witness.

The lower one is witnessed by a perturbation, the upper one by evidence of a kind that
can be checked without the solver that found it. Both speak of the stored rows as exact
real numbers, and of no others: a certificate carries a fingerprint of its rows.
"""

from dataclasses import dataclass, field
from typing import get_args

from jaxtyping import Float
from torch import Tensor

from paper_lib.checks.arguments import check_type
from paper_lib.defense.certificates.box_evidence import BoxEvidence
from paper_lib.defense.certificates.quadratics import QuadraticEvidence
from paper_lib.defense.certificates.subsystems import SubsystemEvidence
from paper_lib.defense.rows import fingerprint, surely_satisfied
from paper_lib.robust_sets import RobustSets

# What proves an upper bound: a number of rows that everyone must violate. Each kind
# checks itself, so no other is trusted.
Evidence = BoxEvidence | QuadraticEvidence | SubsystemEvidence


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Certificate:
    r"""Bounds on the maximum of :math:`\phi_n` over V, with their witnesses.

    Attributes:
        num_rows: How many robust sets are counted.
        lower_count: Rows that ``perturbation`` satisfies, in exact arithmetic.
        upper_count: Rows that no perturbation can exceed.
        perturbation: The witness of ``lower_count``.
        evidence: The witness of ``upper_count``; None for the trivial bound.
        fingerprint: SHA-256 of the rows and the budget it speaks of.

    Raises:
        ValueError: If not 0 <= lower_count <= upper_count <= num_rows.

    Example:
        >>> import torch
        >>> from paper_lib.defense import maximize_coverage
        >>> sets = RobustSets(
        ...     normals=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
        ...     offsets=torch.tensor([-0.5, -0.5]),
        ...     epsilon=1.0,
        ... )
        >>> certificate = maximize_coverage(sets).certificate
        >>> certificate.lower, certificate.upper, certificate.verify(sets)
        (0.5, 0.5, True)
    """

    num_rows: int
    lower_count: int
    upper_count: int
    perturbation: Float[Tensor, " d"]
    # Thousands of numbers, where a person prints a solution.
    evidence: Evidence | None = field(repr=False)
    fingerprint: str

    def __post_init__(self) -> None:
        """Reject bounds that enclose nothing.

        Raises:
            ValueError: See the class.
        """
        if not 0 <= self.lower_count <= self.upper_count <= self.num_rows:
            raise ValueError(
                "a certificate needs 0 <= lower_count <= upper_count <= num_rows, got "
                f"{self.lower_count}, {self.upper_count} and {self.num_rows}."
            )

    @property
    def lower(self) -> float:
        """A coverage that is reached."""
        return self.lower_count / self.num_rows

    @property
    def upper(self) -> float:
        """A coverage that is not exceeded; 1 where nothing is known."""
        return self.upper_count / self.num_rows

    @property
    def gap(self) -> float:
        """How far the two are apart; 0 where the maximum is known."""
        return self.upper - self.lower

    def verify(self, sets: RobustSets) -> bool:
        """Check both bounds against the rows, without a solver.

        Args:
            sets: The rows the certificate was made for.

        Returns:
            Whether both witnesses prove what is claimed.

        Raises:
            TypeError: If ``sets`` are no robust sets, or the evidence of no kind that
                this library can check.
            ValueError: If the rows are others: other points, another order or budget,
                or gradients computed on another processor, which differ in their last
                bits.
        """
        check_type(sets, "sets", RobustSets)
        known = get_args(Evidence)
        # One whose check this library wrote, no subclass of it either.
        if self.evidence is not None and type(self.evidence) not in known:
            names = ", ".join(kind.__name__ for kind in known)
            found = type(self.evidence).__name__
            raise TypeError(f"evidence must be None or one of {names}, got {found}.")
        if (found := fingerprint(sets)) != self.fingerprint:
            raise ValueError(
                "sets must be the rows this certificate was made for, fingerprint "
                f"{self.fingerprint[:12]}, got {found[:12]}: other points, another "
                "order or budget, or gradients of another processor (their last bits)."
            )
        v, rows = self.perturbation, sets.normals
        fits = v.shape == rows.shape[1:] and v.dtype == rows.dtype
        if self.num_rows != len(sets.offsets) or not fits:
            return False
        reached = int(surely_satisfied(sets, v).sum())
        violated = 0 if self.evidence is None else self.evidence.violated_at_least(sets)
        return (
            reached >= self.lower_count
            and 0 <= violated
            and self.num_rows - violated <= self.upper_count
        )
