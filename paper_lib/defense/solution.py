"""What every method for Eq. (7) returns: a perturbation, its count, and bounds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from torch import Tensor

from paper_lib.defense.certificates.certificate import Certificate, Evidence
from paper_lib.defense.rows import fingerprint, surely_satisfied
from paper_lib.robust_sets import RobustSets

# What finds a solution: the methods of ``maximize_coverage``, and of the others.
Method = Literal[
    "closed_form", "plane", "boxes", "hitting_sets", "search", "annealed", "ramp"
]
Solver = Literal[Method, "fit", "path", "batch"]
# Why a search ended.
End = Literal["done", "time_limit", "interrupt", "failure"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solution:
    r"""A constant perturbation for the defender and the evidence for it.

    Attributes:
        perturbation: The defense v, in V as ``in_l2_ball`` judges.
        coverage: :math:`\phi_n(v)`, counted by ``RobustSets.coverage``. Where rounding
            or the slack of the ball decides, it may differ from the certificate's
            bounds, which are of exact arithmetic without slack.
        certificate: What is known of the maximum of :math:`\phi_n`.
        method: What found it; with ``method="auto"`` what was picked.
        stopped_by: Why it ended: nothing was left to do, or the time limit or an
            interrupt came first, or a bound failed, of which a warning told. What is
            stored or published has to be ``"done"``.

    Example:
        >>> import torch
        >>> from paper_lib.defense import maximize_coverage
        >>> sets = RobustSets(normals=torch.eye(2), offsets=torch.zeros(2), epsilon=1.0)
        >>> solution = maximize_coverage(sets)
        >>> solution.coverage, solution.method, solution.stopped_by
        (1.0, 'closed_form', 'done')
    """

    perturbation: Float[Tensor, " d"]
    coverage: float
    certificate: Certificate
    method: Solver
    stopped_by: End = "done"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Progress:
    """What an anytime method has to show so far; it may be stopped after any of these.

    Attributes:
        point: A candidate in the unit ball, v divided by the budget.
        evidence: Evidence for an upper bound, better than what came before.
        violated: Rows that the evidence is known to prove violated; None: to be seen.
    """

    point: Float[np.ndarray, " d"] | None = None
    evidence: Evidence | None = None
    violated: int | None = None


def certify(
    sets: RobustSets,
    perturbation: Float[Tensor, " d"],
    evidence: Evidence | None = None,
    violated: int | None = None,
) -> Certificate:
    """Count what a perturbation reaches and what the evidence proves.

    Args:
        sets: The robust sets.
        perturbation: The witness of the lower bound.
        evidence: The witness of the upper bound; None: the trivial one.
        violated: Rows the evidence is known to prove violated; None: it is asked.

    Returns:
        A certificate that verifies; with the trivial bound if the evidence does not.
    """
    num = len(sets.offsets)
    if evidence is None:
        violated = 0
    elif violated is None:
        violated = evidence.violated_at_least(sets)
    return Certificate(
        num_rows=num,
        lower_count=int(surely_satisfied(sets, perturbation).sum()),
        upper_count=num - max(violated, 0),
        perturbation=perturbation,
        evidence=evidence if violated > 0 else None,
        fingerprint=fingerprint(sets),
    )
