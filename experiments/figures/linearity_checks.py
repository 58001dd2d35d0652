"""What the page on local linearity checks, over all of its records."""

from collections.abc import Sequence
from functools import partial

from experiments.assumption.agreement_runs import AgreementResult
from experiments.assumption.closeness_runs import ClosenessResult
from experiments.assumption.linearity_summary import found_in_game, within
from experiments.figures.checks_table import Check, judged

_check = partial(judged, "tests/regression/test_linearity_records.py")


def linearity_checks(
    results: Sequence[AgreementResult],
    declared: Sequence[AgreementResult],
    closeness: Sequence[ClosenessResult],
) -> list[Check]:
    """Check what the page says of all records together.

    Args:
        results: Searches and proofs.
        declared: The same for the network that the study of Table 1 declared.
        closeness: Measurements along directions.

    Returns:
        The rows of the page's table.
    """
    walks = [walk for one in closeness for walk in one.walks]
    return [
        *_of_proofs([*results, *declared]),
        *_of_goals(results),
        _check(
            "where the tangent has a boundary in the ball of Table 1's budget, f and "
            "the tangent differ in sign somewhere in it",
            found_in_game(results),
            "test_a_boundary_in_the_ball_is_a_disagreement",
        ),
        _check(
            "and for the network that the study declared",
            found_in_game(declared),
            "test_a_boundary_in_the_ball_is_a_disagreement",
        ),
        _check(
            "and in the ball of radius 0.5: no point that has one there is undecided",
            found_in_game([*results, *declared], radius=0.5),
            "test_a_boundary_in_the_ball_is_a_disagreement",
        ),
        _check(
            "in more than 95% of directions drawn at random f and its tangent have one "
            "sign up to twice Table 1's budget",
            [
                at is None
                for walk in walks
                if walk.direction == "random"
                for at in walk.first
            ],
            "test_at_random_the_signs_hardly_ever_differ",
            more_than=0.95,
        ),
    ]


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


def _of_goals(results: Sequence[AgreementResult]) -> list[Check]:
    """Check what proofs were to reach on the easy and the harder pair of MNIST."""
    return [
        _check(
            f"agreement is proven at radius {2 * epsilon:g} at more than "
            f"{100 * share:.0f}% of the points of MNIST {'-'.join(map(str, classes))}",
            [
                proven >= epsilon
                for one in results
                if (one.config.dataset, one.config.classes) == ("mnist", classes)
                for proven in one.proven
            ],
            "test_proofs_reach_what_they_were_to",
            more_than=share,
        )
        for classes, epsilon, share in (
            ((0, 1), 0.05, 0.9),
            ((3, 8), 0.05, 0.9),
            ((0, 1), 0.1, 0.4),
        )
    ]
