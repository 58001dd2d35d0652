"""The rows of the declared combination in the published table."""

from dataclasses import replace

import pytest

from experiments.study.published import OWN_ROWS, declared_rows
from experiments.tables.summary import DECLARED_AFTER
from paper_lib.evaluation.plays import PLAYS
from tests.experiments.study.made_up import CHOSEN, made_up

PAIRS = ((0, 1), (2, 4))


def accuracies(dataset, pair, points, attack, rows, start):
    """Means 50 + 10 for own rows + 20 on Fashion; the pairs two apart; true 7 less."""
    value = 50.0 + 10.0 * (rows == "own") + 20.0 * (dataset != "mnist")
    value += 5.0 * (points == "trained") + 3.0 * (attack == "literal")
    value += 1.0 if pair == (0, 1) else -1.0
    return value - 7.0, value


@pytest.fixture(scope="module")
def runs():
    return made_up(accuracies, pairs=PAIRS, seeds=(60, 61))


def test_every_play_has_a_row_of_each_accuracy_and_data_set(runs):
    quantile = [run for run in runs if run.key[:2] == ("10-20-50", CHOSEN.protocol)]
    rows = {
        (row.dataset, row.attack, row.defense, row.accuracy): row
        for row in declared_rows(quantile, CHOSEN)
    }
    assert len(rows) == 2 * len(PLAYS) * 2
    own = rows["mnist", "PGD", "SMOOTH", "approximate"]
    assert (own.mean, own.std) == pytest.approx((60.0, 2**0.5))
    assert (own.low, own.high) == pytest.approx((60.0, 60.0))
    assert (own.solver, own.pgd_reading, own.choice) == (
        *(OWN_ROWS, "ball", DECLARED_AFTER),
    )
    assert (own.pairs, own.seeds, own.paper_mean, own.paper_std) == (2, 2, 94.0, 4.0)
    assert (own.epsilon, own.quantile) == (None, pytest.approx(1 - 0.533))
    # Against FGM its own rows are those of Eq. (7), and nobody has rows alone.
    fgm = rows["mnist", "FGM", "SMOOTH", "approximate"]
    assert (fgm.mean, fgm.solver, fgm.pgd_reading) == (50.0, "ramp, raw rows", "")
    true = rows["fashion-mnist", "PGD", "none", "true"]
    assert (true.mean, true.solver, true.paper_mean) == (63.0, "", None)


def test_one_budget_is_told(runs):
    shared = [run for run in runs if run.key[:2] == ("10-20-50", "one budget")]
    one = replace(CHOSEN, protocol="one budget", reading="literal", rows="FGM")
    for row in declared_rows(shared, one):
        assert (row.epsilon, row.quantile) == (1.0, None)
        if (row.dataset, row.attack, row.accuracy) == ("mnist", "PGD", "approximate"):
            assert (row.mean, row.pgd_reading) == (53.0, "literal")


def test_a_run_without_the_cell_has_no_row(runs):
    with pytest.raises(KeyError):
        [*declared_rows(runs[:1], replace(CHOSEN, reading="none such"))]
