"""What the page on local linearity checks, over all of its records."""

from collections.abc import Mapping, Sequence

from experiments.assumption.agreement_runs import AgreementResult
from experiments.assumption.closeness_runs import ClosenessResult
from experiments.assumption.linearity_summary import within
from experiments.figures.checks_table import Check
from paper_lib.data.pairs import Dataset

# A record, and of one point the margin and the shortest disagreement found.
_Point = tuple[AgreementResult, float | None, float | None]


def linearity_checks(
    results: Sequence[AgreementResult],
    closeness: Sequence[ClosenessResult],
    budgets: Mapping[Dataset, float],
) -> list[Check]:
    """Check what the page says of all records together.

    Args:
        results: Searches and proofs.
        closeness: Measurements along directions.
        budgets: The one budget of each data set, Table 1's primary choice.

    Returns:
        The rows of the page's table.
    """
    points: list[_Point] = [
        (one, margin, found)
        for one in results
        for margin, found in zip(one.margins, one.found, strict=True)
    ]
    return [*_of_proofs(results), *_of_table_1(points, budgets), _at_random(closeness)]


def _check(
    what: str, verdicts: Sequence[bool], test: str, *, more_than: float | None = None
) -> Check:
    """Say how many cases are as a sentence has it: all, or more than a share."""
    count, holding = len(verdicts), sum(verdicts)
    return Check(
        what=what,
        cases=count,
        figure=f"{holding:,}",
        holds=holding == count if more_than is None else holding > more_than * count,
        test=f"tests/regression/test_linearity_records.py::{test}",
    )


def _of_proofs(results: Sequence[AgreementResult]) -> list[Check]:
    proofs = [
        (2.0 * budget, margin, found)
        for one in results
        for margin, found, proven in zip(
            one.margins, one.found, one.proven, strict=False
        )
        for budget in one.config.budgets
        if budget <= proven
    ]
    return [
        _check(
            "no ball in which agreement is proven holds a disagreement found",
            [not within(found, radius) for radius, _, found in proofs],
            "test_no_proof_is_refuted",
        ),
        _check(
            "agreement is proven only where the tangent has no boundary in the ball",
            [not within(margin, radius) for radius, margin, _ in proofs],
            "test_no_proof_is_of_a_point_with_a_boundary",
        ),
    ]


def _of_table_1(
    points: Sequence[_Point], budgets: Mapping[Dataset, float]
) -> list[Check]:
    return [
        _check(
            "where the tangent has a boundary in the ball of Table 1's budget, f and "
            "the tangent differ in sign somewhere in it",
            [
                within(found, 2.0 * one.epsilon)
                for one, margin, found in points
                if within(margin, 2.0 * one.epsilon)
            ],
            "test_a_boundary_in_the_ball_is_a_disagreement",
        ),
        _check(
            "at Table 1's budget, set for each pair, the assumption fails at more than "
            "99% of the points",
            [within(found, 2.0 * one.epsilon) for one, _, found in points],
            "test_at_the_budget_of_table_1_the_assumption_fails",
            more_than=0.99,
        ),
        _check(
            "and at more than 98% at the one budget of each data set",
            [
                within(found, 2.0 * budgets[one.config.dataset])
                for one, _, found in points
            ],
            "test_at_the_one_budget_it_fails_too",
            more_than=0.98,
        ),
    ]


def _at_random(closeness: Sequence[ClosenessResult]) -> Check:
    return _check(
        "in more than 95% of directions drawn at random f and its tangent have one "
        "sign up to twice Table 1's budget",
        [
            first is None
            for one in closeness
            for walk in one.walks
            if walk.direction == "random"
            for first in walk.first
        ],
        "test_at_random_the_signs_hardly_ever_differ",
        more_than=0.95,
    )
