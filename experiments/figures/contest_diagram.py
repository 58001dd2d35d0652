"""A diagram of contests: a point, the attack on it and the one vector for all."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from experiments.figures.drawing import COLORS
from paper_lib.attacks import fgm
from paper_lib.game import utility
from paper_lib.linearize import Linearization

WIDTH, ROW, TOP, SCALE = 480, 165, 34, 68
CENTER = WIDTH // 2
ARROWS = {"attack": COLORS[1], "defense": COLORS[2]}


@dataclass(frozen=True)
class SvgPicture:
    """A picture that a notebook shows as SVG.

    Attributes:
        text: The picture.
    """

    text: str = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.text


def draw_contest(
    lin: Linearization, v: Float[Tensor, " 2"], *, epsilon: float
) -> SvgPicture:
    """Draw FGM against one vector, a row for each point. Paper: Eq. (1).

    The boundary of the tangent is upright, so gradients point along the first axis, and
    a point's first coordinate is its logit.

    Args:
        lin: Points of the plane whose gradients are (1, 0).
        v: The defender's vector, within the budget.
        epsilon: The budget of both players.

    Returns:
        The picture.

    Raises:
        ValueError: If a gradient is not (1, 0).
    """
    if lin.gradients.tolist() != [[1.0, 0.0]] * len(lin.logits):
        raise ValueError(f"gradients must be (1, 0), got {lin.gradients.tolist()}.")
    height, attacks = TOP + ROW * len(lin.logits), fgm(lin, epsilon)
    lost = (utility(lin, attacks, v, epsilon) > 0).tolist()
    lines = [*_ground(height)]
    for row, logit in enumerate(lin.logits.tolist()):
        at = CENTER + SCALE * logit, TOP + ROW * (row + 0.5)
        lines += _contest(at, attacks[row].tolist(), v.tolist(), epsilon)
        who = "attacker wins, u_A = +1" if lost[row] else "defender wins, u_A = -1"
        lines.append(_text(105 if logit > 0 else WIDTH - 105, at[1] + 66, who))
    return SvgPicture("\n".join([*lines, "</svg>"]))


def _ground(height: int) -> Iterator[str]:
    """Write the two sides, the boundary and the heads of arrows."""
    yield (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' font-family='sans-serif' font-size='15'>"
    )
    yield _tag("rect", width=CENTER, height=height, fill="#fbeedb")
    yield _tag("rect", x=CENTER, width=CENTER, height=height, fill="#e1f1fb")
    size = {"viewBox": "0 0 8 8", "refX": 7, "refY": 4}
    size |= {"markerWidth": 6, "markerHeight": 6}
    for name, color in ARROWS.items():
        head = _tag("path", d="M0 0L8 4L0 8z", fill=color)
        yield _tag("marker", head, id=name, **size, orient="auto")
    ends = {"x1": CENTER, "x2": CENTER, "y1": 28, "y2": height}
    yield _tag("line", **ends, stroke="black", stroke_dasharray="5 4")
    yield _text(CENTER / 2, 20, "label -1")
    yield _text(3 * CENTER / 2, 20, "label +1")
    yield _text(CENTER, 20, "f_L = 0")


def _contest(
    at: tuple[float, float], attack: list[float], v: list[float], epsilon: float
) -> Iterator[str]:
    """Write one row: the ball, the point, both moves and where they land."""
    x, y = at
    hit = x + SCALE * attack[0], y - SCALE * attack[1]
    end = hit[0] + SCALE * v[0], hit[1] - SCALE * v[1]
    yield _tag("circle", cx=x, cy=y, r=SCALE * epsilon, fill="none", stroke="gray")
    for name, (x1, y1), (x2, y2) in (("attack", at, hit), ("defense", hit, end)):
        look = {"stroke": ARROWS[name], "stroke_width": 3}
        look["marker_end"] = f"url(#{name})"
        yield _tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **look)
    yield _tag("circle", cx=x, cy=y, r=5)
    yield _text(x, y + 22, "x")
    yield _text((x + hit[0]) / 2, y + 20, "a(x)", "attack")
    yield _text((hit[0] + end[0]) / 2 + 14, (hit[1] + end[1]) / 2 - 6, "v", "defense")


def _text(x: float | int, y: float | int, words: str, arrow: str = "") -> str:
    """Write words around a place, in the color of an arrow or in black."""
    color = ARROWS.get(arrow, "black")
    at = {"x": float(x), "y": float(y), "text_anchor": "middle"}
    return _tag("text", words, **at, fill=color)


def _tag(name: str, inside: str = "", **attributes: str | float | int) -> str:
    """Write an element; floats have one decimal."""
    told = name
    for key, value in attributes.items():
        text = f"{value:.1f}" if isinstance(value, float) else value
        told += f" {key.replace('_', '-')}='{text}'"
    return f"<{told}>{inside}</{name}>" if inside else f"<{told}/>"
