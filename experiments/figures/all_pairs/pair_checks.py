"""What the page on all pairs checks, over all records that it reads."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from experiments.figures.all_pairs.declared_tables import ahead_when_fitted
from experiments.figures.all_pairs.study_tables import GOALS
from experiments.figures.checks_table import Check, judged
from experiments.study.misses import StudyTable
from experiments.study.study_plan import StudyRun
from experiments.tables.claims import lemma_violations, pair_gains
from experiments.tables.defenses import SOLVERS
from experiments.tables.examples import Example, as_recorded
from experiments.tables.groups import GroupResult
from experiments.tables.planning import PRIMARY_PGD, PRIMARY_SOLVER

_OF_TABLE_1 = "tests/regression/test_stored_table1.py"
_OF_STUDY = "tests/regression/test_stored_study.py"
_OF_PAGES = "tests/book/test_page_numbers.py"


def table_1_checks(
    results: Sequence[GroupResult],
    primary: Mapping[str, GroupResult],
    examples: Sequence[Example],
) -> list[Check]:
    """Check what the page says of the choice that was declared first.

    Args:
        results: The groups that the page shows.
        primary: That choice for each data set, at the first seed.
        examples: The stored pictures of pairs.

    Returns:
        Rows of the page's table.
    """
    singly = [*primary.values()]
    return [
        *_of_lemmas(results),
        *(_of_gains(singly, attack) for attack in ("FGM", PRIMARY_PGD)),
        _of_other_side(singly),
        _of_examples(primary, examples),
    ]


def _of_lemmas(results: Sequence[GroupResult]) -> list[Check]:
    told = {
        "Lemma 2: no attack of the records flips a point that FGM leaves": "points",
        "Lemma 1: accuracy under FGM and $v$ is the coverage of $v$": "rows differ",
    }
    wrong = lemma_violations(results)
    return [
        Check(
            what=what,
            cases=sum(len(result.scores) for result in results),
            figure=f"{found} {unit}",
            holds=found == 0,
            test=f"{_OF_TABLE_1}::test_the_theorem_holds_in_every_record",
        )
        for (what, unit), found in zip(told.items(), wrong, strict=True)
    ]


def _of_gains(primary: Sequence[GroupResult], attack: str) -> Check:
    """Ask whether the ascent raises approximate accuracy on every pair."""
    return judged(
        _OF_TABLE_1,
        f"SMOOTH gains approximate accuracy against {attack} on every pair",
        [
            gain.points > 0
            for result in primary
            for gain in pair_gains(result.scores, PRIMARY_SOLVER, attack, "approximate")
        ],
        "test_smooth_helps_against_fgm_on_every_pair_and_not_so_against_pgd",
        figure="{so} gain",
    )


def _of_other_side(primary: Sequence[GroupResult]) -> Check:
    """Ask whether no defense covers more of the points it was fitted on."""
    fits = [score.defenses for result in primary for score in result.scores]
    return judged(
        _OF_PAGES,
        "Against FGM no defense covers more of the fitted points than SMOOTH",
        [
            max(one[solver].train_coverage for solver in SOLVERS)
            <= one[PRIMARY_SOLVER].train_coverage
            for one in fits
            if {*SOLVERS} <= {*one}
        ],
        "test_against_fgm_another_defense_does_better_than_the_ramp",
        figure="more on {others}",
    )


def search_check(runs: Sequence[StudyRun]) -> Check:
    """Ask the same of the search, under the declared network and budgets.

    Args:
        runs: The runs that explored with them.

    Returns:
        A row of the page's table.
    """
    return judged(
        _OF_STUDY,
        "Declared network and budgets: the search covers no more fitted points",
        [not ahead for ahead in ahead_when_fitted(runs, "search")],
        "test_the_search_fits_better_and_keeps_fewer_test_points",
        figure="more on {others}",
    )


def _of_examples(
    primary: Mapping[str, GroupResult], examples: Sequence[Example]
) -> Check:
    equal = sum(
        as_recorded([one for one in examples if one.dataset == name], result)
        for name, result in primary.items()
    )
    return Check(
        what="$v$ as drawn covers what $v$ of the record covers",
        cases=len(examples),
        figure=f"{equal} equal",
        holds=equal == len(examples) if examples else None,
        test=f"{_OF_TABLE_1}::test_an_example_drawn_by_the_commit_has_not_gone_stale",
    )


def study_checks(found: StudyTable, explored: StudyTable) -> Iterator[Check]:
    """Check what the page says of the declared combination and of all others.

    Args:
        found: The declared combination with fresh seeds.
        explored: All combinations on the pairs that explored.

    Yields:
        Rows of the page's table.
    """
    for mark, what in (
        ("mean", "the means of Table 1"),
        ("spread", "the spreads of Table 1"),
        ("0-1", "the attacked cells of Table 2"),
    ):
        own = [mark in (name[:3], name.split(", ")[-1]) for name in found.names]
        worst, goal = float(np.abs(found.misses[0][own]).max()), GOALS[mark == "0-1"]
        yield Check(
            what=f"Fresh seeds, declared choice: {what} are within {goal:.0f} points",
            cases=sum(own),
            figure=f"worst {worst:.1f}",
            holds=worst <= goal,
            test=f"{_OF_STUDY}::test_the_goals_are_judged_as_the_page_does",
        )
    goals = np.array([GOALS[name.startswith("0-1")] for name in explored.names])
    met = int((np.abs(explored.misses) <= goals).sum(1).max())
    yield Check(
        what="Ten pairs: some combination meets the goal of every number",
        cases=len(explored.combinations),
        figure=f"at most {met} of {len(goals)}",
        holds=met == len(goals),
        test=f"{_OF_STUDY}::test_no_combination_meets_every_goal",
    )
