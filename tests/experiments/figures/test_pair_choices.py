"""Which pairs a table and its pictures show, what they are drawn from, and one pair."""

import dataclasses

import pytest
import torch

from experiments.figures.all_pairs.gain_tables import (
    extreme_table,
    gain_table,
    isotropic_table,
    losing_table,
    noise_table,
    other_side_table,
)
from experiments.figures.all_pairs.pair_pictures import (
    plot_examples,
    plot_pair_spread,
    plot_pairs_against_budget,
)
from experiments.figures.all_pairs.pair_tables import (
    calibration_table,
    missing_runs,
    table_1,
)
from experiments.tables.calibration import CalibrationConfig
from experiments.tables.claims import extreme_gains, mcnemar, pair_gains
from experiments.tables.classifiers import ClassifierConfig
from experiments.tables.examples import extreme_examples, load_examples
from experiments.tables.group_sweep import run_plan
from experiments.tables.planning import RunGroup, parse_pair, parse_pairs, plan
from experiments.tables.results import DefenseResult, Provenance
from experiments.tables.scoring import ScoreConfig, ScoreResult
from experiments.tables.summary import summarize
from experiments.tables.table_1 import cell_percents, primary_results
from paper_lib.data import load_pair
from paper_lib.models import TrainConfig

RAMP = "ramp, raw rows"
NOWHERE = Provenance(
    data={},
    device="",
    processor="",
    kernels="",
    threads=1,
    versions={},
    code="",
    seconds=0.0,
)


def score(first, second, counts):
    """A record with changes under PGD in the ball, and others that would mislead."""
    fitted = DefenseResult(
        changes={
            "PGD ball, approximate": counts,
            "PGD ball, true": counts[::-1],
            "FGM, true": counts[::-1],
        },
        train_coverage=0.5,
        in_dead_zone=False,
        test_coverage=0,
        length=0.0,
        alignment=(),
    )
    classifier = ClassifierConfig(classes=(first, second))
    return ScoreResult(
        config=ScoreConfig(classifier=classifier, epsilon=1.0),
        sizes={"test": 100},
        defenses={RAMP: fitted},
        unlabeled=0,
        flat=0,
        num_returned={},
        stronger_than_fgm={},
        rows=(),
        path="single",
        source="embedded",
        provenance=NOWHERE,
    )


def test_the_pairs_at_both_ends_are_those_under_pgd():
    scores = [
        score(0, 1, (3, 0, 0, 0)),
        score(0, 2, (0, 1, 0, 0)),
        score(1, 2, (5, 0, 3, 0)),
        score(1, 3, (9, 5, 0, 0)),
        score(2, 3, (0, 0, 0, 1)),
    ]
    chosen = {
        (worst, best): [
            gain.classes for gain in extreme_gains(scores, worst=worst, best=best)
        ]
        for worst, best in ((2, 1), (3, 3), (0, 0), (9, 1))
    }
    # Two are equal, and the smaller classes come first.
    assert chosen[2, 1] == [(0, 2), (2, 3), (1, 2)]
    assert chosen[3, 3] == [(0, 2), (2, 3), (0, 1), (1, 3), (1, 2)]
    assert chosen[0, 0] == []
    assert chosen[9, 1] == [(0, 2), (2, 3), (0, 1), (1, 3), (1, 2)]


def test_gains_are_read_from_results():
    (gain,) = pair_gains([score(3, 8, (9, 1, 0, 3))], RAMP, "PGD ball", "approximate")
    assert (gain.classes, gain.saved, gain.lost) == ((3, 8), (9, 0), (1, 3))
    assert gain.points == 5.0
    assert gain.p_value == mcnemar(9, 4)


def test_one_pair_as_a_command_line_has_it():
    assert parse_pair(" 7 - 3 ") == (3, 7)


@pytest.mark.bad_input
@pytest.mark.parametrize("text", ["3-3", "0", "all", "0-12", "0-1,2-3", "a-b", ""])
def test_what_is_no_pair(text):
    with pytest.raises(ValueError, match=r"^a pair must be two different digits like"):
        parse_pair(text)


@pytest.mark.bad_input
def test_pairs_of_one_class_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"'3-3': a pair must be two different digits"):
        parse_pairs("3-3")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One pair, one seed: a result that has no spread and no other pair."""
    store = tmp_path_factory.mktemp("one")
    group = RunGroup(
        classifier="10-20-50",
        calibration=CalibrationConfig(
            protocol="one budget",
            dataset="mnist",
            pairs=((3, 8),),
            seed=0,
            train=TrainConfig(channels=(2, 3), hidden=6, learning_rate=0.01, epochs=3),
            num_fit=300,
        ),
        readings=("ball",),
        solvers=(RAMP,),
    )
    return store, run_plan((group,), store, source="embedded")


def test_a_single_pair_gives_no_spread_and_no_comparison(alone):
    _, results = alone
    rows, primary = summarize(results), primary_results(results, 0)
    assert primary_results(results, 1) == {}
    tables = [
        calibration_table(results),
        table_1(rows),
        gain_table(primary),
        extreme_table(primary),
        losing_table(primary, results),
        other_side_table(primary),
        isotropic_table(primary),
        noise_table(primary),
    ]
    assert "nan" not in "\n".join(tables)
    # Every difference, and the three goals.
    assert table_1(rows).count("not applicable") == 5 + 3
    assert "(0.0)" not in table_1(rows).replace("99.9 (0.0)", "")
    assert "not run" in isotropic_table(primary)
    assert len(noise_table(primary).splitlines()) == 2


def test_what_a_store_lacks_is_named():
    groups = plan(datasets=("mnist",), seeds=(0, 4), primary_only=True)
    assert missing_runs(groups) == [
        "not run yet: classifier 10-20-50, one budget, 1 times the budget, seeds [0, 4]"
    ]
    assert missing_runs(()) == []


def test_pictures_are_of_the_chosen_pairs_and_right_ones_are_kept(alone, tmp_path):
    _, results = alone
    primary, path = primary_results(results, 0), tmp_path / "examples.json"
    assert extreme_examples(primary, path) == []
    (first,) = extreme_examples(primary, path, compute=True, source="embedded")
    assert first.classes == (3, 8)
    assert first.epsilon == results[0].calibration.budgets[0]
    # They come back as they were fitted.
    (score,) = results[0].scores
    pair = load_pair("mnist", (3, 8), source="embedded")
    image = pair.test.images[pair.test.labels < 0][0].flatten()
    assert torch.allclose(first.images[0], image)
    fitted = score.defenses[RAMP]
    assert first.train_coverage == fitted.train_coverage
    length = float(first.perturbation.norm())
    assert length == pytest.approx(fitted.length, rel=1e-3)
    assert plot_examples([first]).axes
    # What is there is not computed again, and pictures of another budget are not shown.
    written = path.read_bytes()
    extreme_examples(primary, path, compute=True, source="embedded")
    assert path.read_bytes() == written
    config = dataclasses.replace(score.config, epsilon=9.0)
    other = dataclasses.replace(
        results[0], scores=(dataclasses.replace(score, config=config),)
    )
    assert extreme_examples({"mnist": other}, path) == []
    assert load_examples(path)[0].classes == (3, 8)


def test_pictures_show_each_value_at_its_pair_and_the_paper_beside(alone):
    _, (result,) = alone
    cells = cell_percents(result)
    (axis,) = plot_pair_spread([result]).axes
    drawn = [y for line in axis.lines for y in line.get_ydata()]
    for kind in ("approximate", "true"):
        assert cells["FGM", RAMP, kind][0] in drawn
    papers = [container[0].get_ydata()[0] for container in axis.containers]
    assert papers == [53.3, 71.2, 71.9, 94.0]


def test_means_stand_at_their_budgets(alone):
    store, (result,) = alone
    assert plot_pairs_against_budget([result], [result]) is None
    group = dataclasses.replace(result.group, multiple=2.0, readings=())
    (double,) = run_plan((group,), store, source="embedded")
    (axis,) = plot_pairs_against_budget([result], [double, result]).axes
    budget = result.calibration.budgets[0]
    both = [cell_percents(one) for one in (result, double)]
    cells = [(kind, v) for kind in ("approximate", "true") for v in ("none", RAMP)]
    for container, (kind, defense) in zip(axis.containers, cells, strict=True):
        line, xs = container[0], [budget, 2 * budget]
        expected = [one["FGM", defense, kind][0] for one in both]
        assert line.get_ydata().tolist() == expected
        assert line.get_xdata() == pytest.approx(xs, abs=0.02 * budget)
