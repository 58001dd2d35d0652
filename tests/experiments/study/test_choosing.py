"""What a choice of the best of many alone does to the distance."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.study.choosing import choose_on_halves
from experiments.study.combinations import Combination
from experiments.study.misses import ATTACKED, StudyTable
from experiments.tables.paper_numbers import PAPER_TABLE_1

ANY = Combination(
    network="a", protocol="b", start="c", rows="d", reading="e", points="f"
)


def noisy(num, *, pairs=20, noise=1.0, near=None, seed=0):
    """Draw accuracies about the paper's means; all but ``near`` are off by 40."""
    draw = np.random.default_rng(seed)
    printed = np.array([[PAPER_TABLE_1["mnist"][play] for play in ATTACKED]])
    values = draw.normal(size=(num, 1, 1, len(ATTACKED), pairs))
    values = printed[..., :1] + noise * printed[..., 1:] * values
    if near is not None:
        values[np.arange(num) != near] += 40.0
    return StudyTable(
        combinations=tuple(replace(ANY, reading=str(n)) for n in range(num)),
        datasets=("mnist",),
        pairs=tuple((n, n + 1) for n in range(pairs)),
        table_1=np.stack([np.zeros_like(values), values], -1),
        table_2=np.zeros((num, 1, 0)),
    )


def test_the_best_of_many_alike_looks_better_than_it_is():
    found = choose_on_halves(noisy(200), repetitions=200)
    assert found.optimism > 1.0
    assert (found.least_there <= found.judged_on).all()
    few = choose_on_halves(noisy(3), repetitions=200)
    assert found.chosen_on.mean() < few.chosen_on.mean()


def test_where_there_is_no_choice_nothing_looks_better():
    """Both halves are drawn alike."""
    found = choose_on_halves(noisy(1), repetitions=2000)
    assert abs(found.optimism) < 0.1
    assert (found.least_there == found.judged_on).all()


def test_the_one_that_is_near_is_chosen_each_time():
    table = noisy(30, near=7)
    found = choose_on_halves(table, repetitions=50)
    alone = replace(
        table,
        combinations=table.combinations[7:8],
        table_1=table.table_1[7:8],
        table_2=table.table_2[7:8],
    )
    expected = choose_on_halves(alone, repetitions=50)
    assert np.array_equal(found.chosen_on, expected.chosen_on)
    assert np.array_equal(found.judged_on, expected.judged_on)


def test_the_halves_are_other_pairs():
    """Where the chosen half is at the paper's numbers, the other need not be."""
    table = noisy(1, pairs=4, noise=0.0)
    values = table.table_1.copy()
    values[..., 0, :] += 8.0
    found = choose_on_halves(replace(table, table_1=values), repetitions=100)
    # The pair that is off is in one half, whose mean it moves by four points.
    gaps = np.abs(found.chosen_on - found.judged_on)
    assert (gaps > 0).all()


def test_a_choice_repeats_with_its_seed():
    table = noisy(5)
    one, again, other = (
        choose_on_halves(table, repetitions=20, seed=seed).chosen_on
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.bad_input
def test_halves_need_two_pairs_each():
    with pytest.raises(ValueError, match="table must hold at least four pairs, got 3"):
        choose_on_halves(noisy(2, pairs=3))
    with pytest.raises(ValueError, match="repetitions must be"):
        choose_on_halves(noisy(2), repetitions=0)
    with pytest.raises(ValueError, match="seed must be"):
        choose_on_halves(noisy(2), seed=-1)
