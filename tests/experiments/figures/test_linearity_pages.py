"""Tables, checks and pictures of the page on local linearity, on records by hand."""

import itertools
from dataclasses import replace

import pytest
import torch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from experiments.assumption.agreement_runs import (
    AgreementResult,
    AgreementRun,
    Curvature,
    DefenseOnF,
)
from experiments.assumption.closeness import ChurchWindows
from experiments.assumption.closeness_runs import (
    ClosenessResult,
    ClosenessRun,
    DirectionErrors,
    PlayDifference,
    Walks,
    WindowAreas,
)
from experiments.figures.linearity_checks import linearity_checks
from experiments.figures.linearity_pictures import (
    plot_closeness,
    plot_plays,
    plot_shares,
    plot_variations,
    plot_windows,
)
from experiments.figures.linearity_tables import (
    bends_table,
    coverage_table,
    gains_table,
    shares_table,
    summary_lines,
    variations_table,
)

SETS = ("mnist", "fashion-mnist")
PAIRS = ((0, 1), (3, 8))
PLAYS = tuple((a, d) for a in ("none", "FGM", "PGD") for d in ("none", "SMOOTH"))


def agreement(dataset, classes):
    harder = classes == (3, 8)
    curved = Curvature(
        epsilon=0.1,
        kept=4,
        attacker_gain=0.5 if harder else 0.0,
        defender_gain=0.25,
        upper=(0.1, None),
        lower=(0.05, 0.1),
        slopes=(1.0, 1.0),
    )
    return AgreementResult(
        config=AgreementRun(dataset=dataset, classes=classes, budgets=(0.1, 0.5)),
        provenance={},
        accuracy=0.9 if harder else 1.0,
        epsilon=2.0,
        margins=(2.0, 3.0, 3.5, 0.4),
        found=(1.9, 3.0, 0.9, 0.1 if harder else 0.3),
        proven=(0.5, 0.1, 0.1, 0.0),
        defenses=(
            DefenseOnF(epsilon=0.5, kept=4, safe=1, flipped=1),
            DefenseOnF(epsilon=2.0, kept=3, safe=0, flipped=4),
        ),
        curved=(curved,),
        seconds=1.0,
    )


def closeness(dataset, classes):
    config = ClosenessRun(dataset=dataset, classes=classes, distances=(0.1, 1.0))
    return ClosenessResult(
        config=config,
        provenance={},
        accuracy=0.9,
        epsilon=2.0,
        errors=tuple(
            DirectionErrors(
                direction=name, distance=distance, quartiles=(0.1, 0.2, 0.3)
            )
            for name in ("FGM", "random", "worst")
            for distance in (0.1, 1.0)
        ),
        walks=(
            Walks(
                direction="FGM", bends=(3.0, 30.0), first=(1.0, 2.0), share=(0.1, 0.2)
            ),
            Walks(
                direction="random",
                bends=(5.0, 50.0),
                first=(None, None),
                share=(0.0, 0.0),
            ),
        ),
        plays=tuple(
            PlayDifference(attack=a, defense=d, only_f=0.0, only_tangent=0.25)
            for a, d in PLAYS
        ),
        windows=(WindowAreas(epsilon=2.0, areas=(0.0, 0.1)),),
        seconds=1.0,
    )


AGREEMENT = [agreement(name, pair) for name in SETS for pair in PAIRS]
CLOSENESS = [closeness(name, pair) for name in SETS for pair in PAIRS]


def cells(table, *beginning):
    """The cells of the line that begins so."""
    (line,) = (
        line
        for line in table.splitlines()
        if [*map(str.strip, line.split("|"))][1 : 1 + len(beginning)] == [*beginning]
    )
    return [*map(str.strip, line.split("|"))][1 + len(beginning) : -1]


def test_shares_are_means_over_classifiers():
    table = shares_table(AGREEMENT)
    assert len(table.splitlines()) == 2 + 2 * 3
    # At 0.5: one proven, two found beside a boundary or without, one of them near.
    assert cells(table, "MNIST", "0.5") == ["25%", "0%", "25%", "25%", "25%"]
    # Of the harder pair the last point is lost at 0.1, of the easier one it is open.
    at = cells(table, "MNIST", "0.1")
    assert at[0] == "75%"
    assert at[2].startswith("12% (0 to 100)")
    assert cells(table, "MNIST", "Table 1")[4] == "100%"


def test_coverage_is_enclosed():
    table = coverage_table(AGREEMENT)
    assert cells(table, "MNIST", "0.5") == ["1.00", "0.25 and 0.75", "0.25 and 0.75"]
    assert cells(table, "MNIST", "Table 1") == [
        "0.75",
        "0.00 and 0.00",
        "0.75 and 0.75",
    ]


def test_bends_are_counted_by_direction():
    assert cells(bends_table(CLOSENESS), "0.1") == ["3", "5", "3", "5"]
    short = [replace(one, epsilon=0.4) for one in CLOSENESS]
    # Nothing is said of what lies beyond the segments.
    assert len(bends_table(short).splitlines()) == 3


def test_variations_say_what_is_not_known():
    smooth = [replace(one, proven=(), curved=(), defenses=()) for one in AGREEMENT[:2]]
    table = variations_table({"tables": AGREEMENT[:2], "smooth": smooth})
    row = cells(table, "tables")
    # A quarter of the budget of 2 has a radius of 1: two points of four are lost.
    assert row[:4] == ["100.0 / 90.0", "2.0 / 2.0", "50%", "100%"]
    assert row[5:] == ["0.10", "0.38 at 0.1"]
    assert cells(table, "smooth")[5:] == ["none known", "none known"]


def test_checks_tell_each_sentence_from_its_opposite():
    def verdicts(results, walked=CLOSENESS):
        return [check.holds for check in linearity_checks(results, results, walked)]

    # Proofs: unrefuted, without a boundary, the goals; beside a boundary; at random.
    assert verdicts(AGREEMENT) == [*[True] * 2, *[False] * 2, *[True] * 5]
    first, *rest = AGREEMENT
    refuted = replace(first, found=(0.9, *first.found[1:]))
    assert verdicts([refuted, *rest])[0] is False
    near = replace(first, margins=(0.9, *first.margins[1:]))
    assert verdicts([near, *rest])[1] is False
    all_proven = [replace(one, proven=(0.5,) * 4) for one in AGREEMENT]
    assert verdicts(all_proven)[2:5] == [True] * 3
    missing = replace(first, found=(None, *first.found[1:]))
    assert verdicts([missing, *rest])[5:8] == [False, False, True]
    further = replace(first, found=(*first.found[:3], 0.6))
    assert verdicts([further, *rest])[5:8] == [True, True, False]
    one, *others = CLOSENESS
    along, by_chance = one.walks
    parted = replace(one, walks=(along, replace(by_chance, first=(1.0, 1.0))))
    assert verdicts(AGREEMENT, [parted, *others])[8] is False


def test_checks_count_their_cases():
    told = linearity_checks(AGREEMENT, AGREEMENT[:1], CLOSENESS)
    # Of each record three points are proven, one of them at two budgets.
    assert [check.cases for check in told] == [20, 20, 4, 4, 4, 16, 4, 5, 8]
    assert [check.figure for check in told[2:8]] == ["3", "3", "3", "16", "4", "5"]


def test_the_summary_says_what_the_records_do():
    lines = summary_lines(AGREEMENT, CLOSENESS).splitlines()
    assert len(lines) == 2
    for part in (
        "**MNIST.**",
        "proven at 75% of the points",
        "budget 100% have the boundary",
        "found at 100%",
        "keeps 75% of the tangents",
        "of f at most 0%",
        "on 5.0% of the area",
    ):
        assert part in lines[0]
    without = summary_lines(AGREEMENT, proven_at=0.5).splitlines()[0]
    assert "budget of 0.5 agreement is proven at 25% of" in without
    assert without.endswith("of f at most 0%.")


def test_gains_are_the_larger_of_both_players():
    row = cells(gains_table(AGREEMENT), "MNIST", "0.1")
    assert row == ["2", "0.25", "0.38", "0.50", "0"]


def test_points_whose_boundary_was_out_of_reach_say_nothing_of_the_tangent():
    far = replace(
        AGREEMENT[0], margins=(2.0, 9.0, None, 4.0), found=(1.0, None, None, None)
    )
    smooth = {"one": [far]}
    assert cells(variations_table(smooth), "one")[4] == "0.75"


@pytest.mark.parametrize(
    ("figure", "axes"),
    [
        (plot_shares(AGREEMENT), 6),
        (plot_closeness(CLOSENESS), 4),
        (plot_plays(CLOSENESS), 2),
        (plot_variations({"tables": AGREEMENT[:2], "smooth": AGREEMENT[:2]}), 3),
    ],
    ids=["shares", "closeness", "plays", "variations"],
)
def test_pictures_show_what_is_there(figure, axes):
    figure.draw_without_rendering()
    assert len(figure.axes) == axes
    assert figure.axes[-1].get_xlabel()
    assert figure.legends
    # Text is at least 9 pixels high where a phone shows 312 pixels; panels apart.
    width = figure.get_size_inches()[0]
    texts = [one for one in figure.findobj(Text) if one.get_text()]
    assert min(one.get_fontsize() for one in texts) / 72 * 312 / width >= 9
    boxes = [axis.get_tightbbox() for axis in figure.axes]
    pairs = itertools.combinations(boxes, 2)
    assert not any(Bbox.intersection(*pair) for pair in pairs)


def test_stacked_shares_fill_the_axis():
    axis, bars, *_ = plot_shares(AGREEMENT).axes
    heights = [bar.get_height() for bar in bars.patches]
    assert sum(heights) == pytest.approx(1.0)
    assert heights[-1] == 1.0
    tops = [part.get_paths()[0].vertices[:, 1].max() for part in axis.collections[:5]]
    assert tops[-1] == pytest.approx(1.0)
    assert tops == sorted(tops)


def test_windows_say_the_share_that_differs():
    values = torch.ones(3, 5, 5, dtype=torch.float64)
    values[0, :, 4] = -1.0  # the last column is of the other class
    tangents = torch.ones_like(values)
    tangents[1, :, 3:] = -1.0
    figure = plot_windows(
        ChurchWindows(epsilon=1.0, values=values, tangents=tangents), columns=2
    )
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["20.0%", "40.0%", "0.0%"]
