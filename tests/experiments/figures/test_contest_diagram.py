"""The diagram of contests says who wins, and draws moves where they lead."""

import xml.etree.ElementTree as ET

import pytest
import torch

from experiments.figures.the_game import CENTER, SCALE, draw_contest
from paper_lib.linearize import Linearization

SVG = "{http://www.w3.org/2000/svg}"
V = torch.tensor([-0.75, 0.5], dtype=torch.float64)


def points(*logits, slope=1.0):
    along = torch.tensor([[slope, 0.0]], dtype=torch.float64)
    return Linearization(
        logits=torch.tensor(logits, dtype=torch.float64),
        gradients=along.repeat(len(logits), 1),
    )


def drawn(*logits, v=V):
    picture = draw_contest(points(*logits), v, epsilon=1.0)
    return ET.fromstring(picture._repr_svg_())


def said(tree):
    return [text.text for text in tree.iter(f"{SVG}text")]


def test_who_wins_is_said_in_each_row():
    words = said(drawn(-0.5, 0.5))
    outcomes = [text for text in words if "wins" in text]
    assert outcomes == ["defender wins, u_A = -1", "attacker wins, u_A = +1"]
    other = said(drawn(-0.5, 0.5, v=-V))
    assert [text for text in other if "wins" in text] == outcomes[::-1]


def test_moves_lead_from_the_point_by_fgm_and_then_by_v():
    _, attack, defense = drawn(-0.5).iter(f"{SVG}line")
    at = [float(attack.get(name)) for name in ("x1", "x2", "y1", "y2")]
    assert at[:2] == [CENTER - 0.5 * SCALE, CENTER + 0.5 * SCALE]
    assert at[2] == at[3]
    assert float(defense.get("x1")) == at[1]
    assert float(defense.get("x2")) == CENTER - 0.25 * SCALE
    assert float(defense.get("y2")) == at[3] - 0.5 * SCALE
    ball, point = drawn(-0.5).iter(f"{SVG}circle")
    assert float(ball.get("r")) == SCALE
    assert float(point.get("cx")) == CENTER - 0.5 * SCALE


@pytest.mark.bad_input
def test_other_boundaries_are_refused():
    with pytest.raises(ValueError, match=r"gradients must be \(1, 0\), got"):
        draw_contest(points(0.5, slope=2.0), V, epsilon=1.0)
