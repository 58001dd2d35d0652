r"""Lemma 1 and the core of Lemma 2 for all reals, proved by z3 in low dimension.

At one point everything is a statement about finitely many reals: the logit f, its
gradient g and the length n of that, both perturbations, and the budget. z3 is asked for
numbers that meet the assumptions and violate the claim. "unsat" is a proof for all
reals; "sat" comes with a counterexample. What the solver is told, and no more:
:math:`f > 0` (else f and g change sign), :math:`n \ge 0` and :math:`n^2 = g^\top g`,
:math:`\epsilon \ge 0`, and that perturbations have length at most epsilon. FGM enters
by its definition, :math:`n\, a = -\epsilon g`, and a = 0 where n = 0; in the
comparison with other attacks by its effect on the logit, which is proved first. A
counterexample is looked for on a line, where one is found at once.

Three dimensions stand for all: g, v and a lie in a subspace of at most three, FGM along
g in it, and the statements speak of nothing but their inner products, which an
orthonormal basis of that subspace keeps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from paper_lib.checks.extras import needing

# Steps of the solver, many times what the statements here take; not seconds, so that
# the verdict does not depend on the machine.
_MOST_STEPS = 50_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What z3 found about one statement.

    Attributes:
        claim: What is claimed, in words.
        question: What the solver was told, in SMT-LIB: assumptions and the claim's
            opposite.
        verdict: ``"proved"``, ``"refuted"`` or, if it gave up, ``"unknown"``.
        counterexample: Where the claim fails, each number as z3 writes it; empty unless
            refuted.
    """

    claim: str
    question: str
    verdict: Literal["proved", "refuted", "unknown"]
    counterexample: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A claim about one point.

    Attributes:
        claim: The claim, in words.
        violated: What holds where it fails, beyond the assumptions of the module.
        expected: The verdict that the paper, or the negative control, calls for.
    """

    claim: str
    violated: Callable[["_Point"], list[Any]]
    expected: Literal["proved", "refuted"]


class _Point:
    """The reals of one data point, as z3 sees them."""

    def __init__(self, z3: ModuleType, dim: int) -> None:
        """Name the reals."""
        self.z3 = z3
        self.f, self.n, self.epsilon = z3.Reals("f n epsilon")
        self.g, self.v, self.a, self.fgm = (
            [z3.Real(f"{name}{j}") for j in range(1, dim + 1)]
            for name in ("g", "v", "a", "fgm")
        )

    def dot(self, left: list, right: list) -> Any:
        """Write an inner product."""
        return self.z3.Sum([x * y for x, y in zip(left, right, strict=True)])

    def moved(self, *moves: list) -> Any:
        """Write f_L at the point moved."""
        return self.f + sum(self.dot(self.g, move) for move in moves)

    def slack(self) -> Any:
        """Write the left side of Eq. (3)."""
        return self.moved(self.v) - self.epsilon * self.n

    def in_ball(self, move: list) -> Any:
        """Say that a perturbation keeps the budget."""
        return self.dot(move, move) <= self.epsilon * self.epsilon

    def is_fgm(self) -> list:
        """Say that ``fgm`` is the step of FGM."""
        steps = zip(self.fgm, self.g, strict=True)
        along = [self.n * x == -self.epsilon * y for x, y in steps]
        still = [self.z3.Implies(self.n == 0, x == 0) for x in self.fgm]
        return along + still

    def on_a_line(self) -> list:
        """Say that all vectors lie on the first axis."""
        return [x == 0 for vector in (self.g, self.v, self.a) for x in vector[1:]]

    def assumptions(self) -> list:
        """Say what holds at every point."""
        length = [self.n >= 0, self.n * self.n == self.dot(self.g, self.g)]
        return [self.f > 0, *length, self.epsilon >= 0]


def _beats_fgm(point: _Point, factor: Any = 1) -> list:
    """Some attack loses the label, and a multiple of FGM does not."""
    # FGM enters by its effect, a statement of its own: by its coordinates the same
    # question takes z3 twenty seconds in three dimensions.
    kept = point.moved(point.v) - factor * point.epsilon * point.n >= 0
    return [point.in_ball(point.a), point.moved(point.v, point.a) < 0, kept]


STATEMENTS: dict[str, Statement] = {
    "lemma_1_sufficient": Statement(
        claim="v in the half-space of Eq. (3): no attack loses the label.",
        violated=lambda p: [p.slack() >= 0, p.in_ball(p.a), p.moved(p.v, p.a) < 0],
        expected="proved",
    ),
    "lemma_1_necessary": Statement(
        claim="v outside the half-space of Eq. (3): an attack, FGM, loses the label.",
        violated=lambda p: [p.slack() < 0, *p.is_fgm(), p.moved(p.v, p.fgm) >= 0],
        expected="proved",
    ),
    "fgm_keeps_the_budget": Statement(
        claim="FGM is no longer than epsilon.",
        violated=lambda p: [*p.is_fgm(), p.z3.Not(p.in_ball(p.fgm))],
        expected="proved",
    ),
    "fgm_effect": Statement(
        claim="FGM lowers the linearized logit by epsilon n.",
        violated=lambda p: [*p.is_fgm(), p.dot(p.g, p.fgm) != -p.epsilon * p.n],
        expected="proved",
    ),
    "fgm_dominates": Statement(
        claim="Whatever v is: if any attack loses the label, FGM does.",
        violated=_beats_fgm,
        expected="proved",
    ),
    "strict_reading": Statement(
        claim="As Lemma 1, first half, where landing on the boundary is a flip.",
        violated=lambda p: [
            p.slack() >= 0,
            p.in_ball(p.v),
            p.in_ball(p.a),
            p.moved(p.v, p.a) <= 0,
        ],
        expected="refuted",
    ),
    "fgm_with_the_wrong_sign": Statement(
        claim="As the dominance of FGM, for a step up the gradient.",
        violated=lambda p: [p.in_ball(p.v), *_beats_fgm(p, -1)],
        expected="refuted",
    ),
    "fgm_with_half_the_budget": Statement(
        claim="As the dominance of FGM, for a step of half the length.",
        violated=lambda p: [p.in_ball(p.v), *_beats_fgm(p, p.z3.Q(1, 2))],
        expected="refuted",
    ),
}


def prove(name: str, dim: int) -> Proof:
    """Ask z3 whether a statement holds for all reals.

    Args:
        name: A key of ``STATEMENTS``.
        dim: The dimension of the inputs, 1, 2 or 3.

    Returns:
        The verdict, the question as the solver got it, and a counterexample if there is
        one.

    Raises:
        ImportError: If z3 is not installed.
        ValueError: If there is no such statement, or ``dim`` is out of range.

    Example:
        >>> prove("lemma_1_sufficient", 1).verdict
        'proved'
        >>> prove("strict_reading", 1).verdict
        'refuted'
    """
    if name not in STATEMENTS:
        raise ValueError(f"name must be one of {sorted(STATEMENTS)}, got {name!r}.")
    if dim not in (1, 2, 3):
        raise ValueError(f"dim must be 1, 2 or 3, got {dim!r}.")
    with needing("z3", "experiments.z3_questions", "book"):
        import z3
    point, statement = _Point(z3, dim), STATEMENTS[name]
    narrowed = point.on_a_line() if statement.expected == "refuted" else []
    solver = z3.Then("simplify", "purify-arith", "qfnra-nlsat").solver()
    solver.set("rlimit", _MOST_STEPS)
    solver.add(*point.assumptions(), *statement.violated(point), *narrowed)
    question = solver.sexpr()
    answer = solver.check()
    model: Any = solver.model() if answer == z3.sat else []
    # Nothing found where the search was narrowed proves nothing.
    is_proof = answer == z3.unsat and not narrowed
    return Proof(
        claim=statement.claim,
        question=question,
        verdict="proved" if is_proof else "refuted" if model else "unknown",
        counterexample={str(real): str(model[real]) for real in model},
    )
