"""What the scripts of answering pictures are told, and sheets of small images."""

import json
import re

import numpy as np

from experiments.figures.answering import (
    Answering,
    draw_sheet,
    gray_levels,
    signed_levels,
)
from experiments.figures.solver_records import (
    BudgetCurve,
    BudgetPoint,
    ClassNames,
)
from tests.experiments.figures.drawn import sheet_colors


def test_a_script_is_told_what_it_was_given():
    point = BudgetPoint(
        multiple=1.0, epsilon=0.1 + 0.2, none=0.4, ramp=0.5, lower=0.6, upper=0.8
    )
    pair = ClassNames(dataset="mnist", classes=(0, 1))
    curve = BudgetCurve(instance=pair, points=(point,))
    text = Answering(script="some", told=[curve])._repr_html_()
    data, *scripts = re.findall(r"<script.*?</script>", text)
    assert re.findall(r'src="(.*?)"', "".join(scripts)) == [
        "../_static/picture_parts.js",
        "../_static/some.js",
    ]
    (told,) = json.loads(re.search(r'id="some-data">(.*)</script>', data)[1])
    assert told["instance"] == {"dataset": "mnist", "classes": [0, 1]}
    assert told["points"][0]["epsilon"] == 0.1 + 0.2


def test_small_images_stand_at_their_places_in_their_colors():
    ramp = np.linspace(-0.1, 1.1, 784)
    move = np.linspace(-2.0, 2.0, 784)
    tiles = [((2, 0), gray_levels(ramp)), ((0, 1), signed_levels(move, 1.0))]
    colors = sheet_colors(draw_sheet(tiles, 3, 2))
    assert colors.shape == (56, 84, 3)
    gray = colors[:28, 56:].reshape(784, 3)
    assert (gray.max(1) == gray.min(1)).all()
    np.testing.assert_allclose(gray[:, 0], 255 * ramp.clip(0, 1), atol=1.6)
    red, _, blue = colors[28:, :28].reshape(784, 3).T
    below, above = move < -0.1, move > 0.1
    assert (blue[below] > red[below]).all()
    assert (red[above] > blue[above]).all()
    assert (red[move <= -1] == red[0]).all(), "beyond the reach nothing changes"
    # Between them all is white.
    assert (colors[:28, :56] == 255).all()
    assert (colors[28:, 28:] == 255).all()
