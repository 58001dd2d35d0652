"""The map of all pairs: numbers, signs and images stand at their pairs."""

import dataclasses
from base64 import b64encode

import numpy as np
import pytest

from experiments.figures.all_pairs.pair_pictures import (
    draw_views,
    map_data,
    pair_percents,
    plot_pair_map,
)
from experiments.study.pair_views import PairView, ViewResult
from experiments.tables.classifiers import ClassifierConfig
from tests.experiments.figures.drawn import sheet_colors
from tests.experiments.study.made_up import CHOSEN, PROVENANCE, made_up

PAIRS = ((0, 1), (2, 4), (3, 8))


def accuracies(dataset, pair, points, attack, rows, start):
    """Numbers that differ from cell to cell, from pair to pair and between sets."""
    cell = (points, attack, rows, start)
    approximate = sum(map(ord, "".join(cell))) % 40 + 5 * pair[0] + pair[1]
    return 7.0 + pair[0], approximate + (dataset == "mnist") / 2


def percents(seeds=(60, 61)):
    runs = made_up(
        accuracies, pairs=PAIRS, networks=("10-20-50",), seeds=seeds, datasets=SETS
    )
    wanted = [run for run in runs if run.key[1] == CHOSEN.protocol]
    return pair_percents(wanted, CHOSEN)


SETS = ("mnist", "fashion-mnist")


def view(dataset, classes, image, attack, defense):
    """A view of one gray, one level of attack and one of defense."""
    texts = (
        b64encode(bytes([level] * 784)).decode() for level in (image, attack, defense)
    )
    image, attack, defense = texts
    return ViewResult(
        config=PairView(
            classifier=ClassifierConfig(dataset=dataset, classes=classes), epsilon=1.0
        ),
        path="single",
        source="none",
        place=3,
        label=1,
        reach=0.5,
        image=image,
        attack=attack,
        defense=defense,
        coverage=0.5,
        logits=(1.0, 0.25, 0.5),
        tangent=(1.0, -0.25, 0.125),
        provenance=PROVENANCE,
    )


def test_percents_are_means_over_seeds_in_the_order_of_the_tables():
    found = percents()
    assert [*found] == [*SETS]
    cells = (
        ("none", "none", "none"),
        ("FGM", "none", "none"),
        ("FGM", "FGM", "v = 0"),
        ("ball", "none", "none"),
        ("ball", "own", "v = 0"),
    )
    for dataset in SETS:
        assert [*found[dataset]] == [*PAIRS]
        for pair in PAIRS:
            expected = [accuracies(dataset, pair, "test", *cell) for cell in cells]
            assert found[dataset][pair] == pytest.approx(np.array(expected), abs=1e-4)
    # Seeds that differ are averaged.
    runs = [
        made_up(
            lambda *cell, by=by: tuple(one + by for one in accuracies(*cell)),
            pairs=PAIRS,
            networks=("10-20-50",),
            protocols=("margin quantile",),
            datasets=("mnist",),
        )[0]
        for by in (0.0, 3.0)
    ]
    mean = pair_percents(runs, CHOSEN)["mnist"]
    assert mean[2, 4] == pytest.approx(found["mnist"][2, 4] + 1.5, abs=1e-4)


def test_the_script_is_told_numbers_and_signs_of_each_pair():
    shown = view("fashion-mnist", (2, 4), 9, 1, 255)
    numbers = percents()
    told = map_data(numbers, [shown])
    assert told["plays"][2] == "FGM, SMOOTH"
    mnist, fashion = told["sets"]
    assert (mnist["name"], fashion["classes"][4]) == ("MNIST", "coat")
    assert np.allclose(mnist["pairs"]["3-8"]["numbers"], numbers["mnist"][3, 8])
    assert fashion["pairs"]["2-4"]["view"] == {
        "logits": shown.logits,
        "tangent": shown.tangent,
    }
    assert mnist["pairs"]["2-4"]["view"] is fashion["pairs"]["3-8"]["view"] is None


def test_mnist_stands_above_the_diagonal_and_fashion_below():
    numbers = percents()
    (axis, *_) = plot_pair_map(numbers, play=4).axes
    drawn = {text.get_position(): text.get_text() for text in axis.texts}
    assert len(drawn) == 2 * len(PAIRS)
    assert drawn[8, 3] == f"{numbers['mnist'][3, 8][4, 1]:.0f}"
    assert drawn[3, 8] == f"{numbers['fashion-mnist'][3, 8][4, 1]:.0f}"
    grid = axis.images[0].get_array()
    assert grid[3, 8] == numbers["mnist"][3, 8][4, 1]
    assert np.ma.masked_invalid(grid).count() == 6
    assert axis.get_title() == "PGD, SMOOTH"


def test_images_stand_at_their_pairs():
    shown = view("mnist", (3, 8), 102, 1, 192)
    assert shown.parts[:, 0].tolist() == pytest.approx([0.4, -0.5, 64 / 127 / 2])
    for one, (column, row) in (
        (shown, (8, 3)),
        (
            dataclasses.replace(
                shown, config=view("fashion-mnist", (3, 8), 0, 1, 1).config
            ),
            (3, 8),
        ),
    ):
        colors = sheet_colors(draw_views([one]))
        tiles = colors.reshape(10, 28, 50, 28, 3).transpose(0, 2, 1, 3, 4)
        kinds = [tiles[row, 10 * k + column] for k in range(5)]
        for tile in kinds:
            assert (tile == tile[0, 0]).all()
        x, a, moved, v, both = (tile[0, 0] for tile in kinds)
        assert x[0] == pytest.approx(102, abs=2)
        assert a[2] > a[0], "blue: below zero"
        assert v[0] > v[2], "red: above"
        assert moved.tolist() == [0, 0, 0], "cut off at black"
        assert both[0] == pytest.approx(255 * (0.4 - 0.5 + 64 / 254), abs=2)
        assert (tiles.reshape(500, -1) != 255).any(1).sum() == 5
