"""The tables of the page on curved boundaries, and that they notice what is wrong."""

import pytest
import torch

import experiments.figures.curved_cases as cases
from experiments.figures.curved_cases import disc_case, line_case
from experiments.figures.curved_checks import (
    control_table,
    curved_checks,
    defense_table,
    factor_table,
    judge_draws,
    random_cases,
    sharpness_table,
)
from experiments.figures.curved_games import judge_line


def cells(table):
    return [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in table.split("\n")
    ]


def test_the_checks_find_no_exception():
    checks = curved_checks(4, 0)
    assert len({check.what for check in checks}) == len(checks) == 7
    assert all(check.cases > 0 for check in checks)
    assert {(check.figure, check.holds) for check in checks} == {("0 exceptions", True)}


def test_the_checks_notice_errors_that_are_too_small(monkeypatch):
    """Negative control: with errors of zero the theorem is Theorem 1, wrong for f."""
    monkeypatch.setattr(cases, "taylor_error", lambda curvature, _: 0 * curvature)
    failed = {check.what: check for check in curved_checks(6, 0) if not check.holds}
    assert "two budgets: gains and value" in failed
    flipped = failed["a slack of at least $e$: no attack flips $f$"]
    assert int(flipped.figure.removesuffix(" exceptions")) > 0
    assert not any("\\infty" in name or "e = 0" in name for name in failed)


def test_cases_differ_by_their_seed_and_their_budgets_by_the_ratio():
    drawn = [list(random_cases(8, seed)) for seed in (0, 0, 9)]
    points = [torch.cat([case.inputs for case, _ in one]) for one in drawn]
    assert torch.equal(points[0], points[1])
    assert not torch.equal(points[0], points[2])
    pairs = [pair for _, pair in random_cases(8, 0, ratio=1.5)]
    reach, epsilon = zip(*pairs, strict=True)
    assert epsilon == pytest.approx((0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.05, 0.1))
    assert reach == pytest.approx([1.5 * one for one in epsilon])


def test_draws_are_maximizers_and_many():
    game = judge_draws(disc_case(12, 4), (0.2, 0.2), 5, 1)
    assert len(game.defense.unique(dim=0)) == 5
    assert len(game.sets.coverage(game.defense).unique()) == 1
    assert game.holds


def test_games_hold_at_the_whole_error_and_some_break_without():
    rows = cells(factor_table(12, 0))[2:]
    exceeded = [int(row[2]) for row in rows]
    assert [float(row[0]) for row in rows] == [1.0, 0.5, 0.25, 0.1, 0.0]
    assert exceeded[0] == 0
    assert exceeded[-1] > 0
    assert exceeded == sorted(exceeded)


def test_sharpness_is_written_row_by_row():
    header, _, *rows = cells(sharpness_table((0, 2)))
    assert header[1:3] == ["attacker, found", "attacker, proven"]
    assert rows == [
        ["0", "0.00", "0.00", "0.98", "0.98", "✓ hold"],
        ["2", "0.04", "0.04", "0.96", "1.00", "✓ hold"],
    ]


def test_controls_are_written_with_their_verdicts():
    family = line_case(2)
    games = {
        "whole": judge_line(family),
        "half": judge_line(family, family.error(2.4) / 2),
    }
    verdicts = {row[0]: row[-1] for row in cells(control_table(games))[2:]}
    assert verdicts == {"whole": "✓ hold", "half": "✗ exceeded"}


def test_defenses_are_set_side_by_side():
    (row,) = cells(defense_table(disc_case(40, 0), (0.2,)))[2:]
    assert float(row[2]) < float(row[1])
    assert float(row[4]) < float(row[3])
