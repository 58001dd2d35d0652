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
ATTACK, DEFENSE = COLORS[1], COLORS[2]


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
    height = TOP + ROW * len(lin.logits)
    attacks, won = fgm(lin, epsilon), utility(lin, fgm(lin, epsilon), v, epsilon)
    rows = [
        line
        for row, (logit, attack) in enumerate(
            zip(lin.logits.tolist(), attacks.tolist(), strict=True)
        )
        for line in _contest(
            logit, attack, v.tolist(), epsilon, row, float(won[row]) > 0
        )
    ]
    return SvgPicture("\n".join([*_ground(height), *rows, "</svg>"]))


def _ground(height: int) -> Iterator[str]:
    """Write the two sides, the boundary and the heads of arrows."""
    yield (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' font-family='sans-serif' font-size='15'>"
    )
    yield f"<rect width='{CENTER}' height='{height}' fill='#fbeedb'/>"
    yield f"<rect x='{CENTER}' width='{CENTER}' height='{height}' fill='#e1f1fb'/>"
    for name, color in (("attack", ATTACK), ("defense", DEFENSE)):
        yield (
            f"<marker id='{name}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='6' "
            f"markerHeight='6' orient='auto'><path d='M0 0L8 4L0 8z' fill='{color}'/>"
            "</marker>"
        )
    yield (
        f"<line x1='{CENTER}' x2='{CENTER}' y1='28' y2='{height}' stroke='black' "
        "stroke-dasharray='5 4'/>"
    )
    yield _text(CENTER / 2, 20, "label -1")
    yield _text(3 * CENTER / 2, 20, "label +1")
    yield _text(CENTER, 20, "f_L = 0")


def _contest(
    logit: float,
    attack: list[float],
    v: list[float],
    epsilon: float,
    row: int,
    lost: bool,
) -> Iterator[str]:
    """Write one row: the ball, the point, both moves, where it lands and who wins."""
    x, y = CENTER + SCALE * logit, TOP + ROW * (row + 0.5)
    hit = x + SCALE * attack[0], y - SCALE * attack[1]
    end = hit[0] + SCALE * v[0], hit[1] - SCALE * v[1]
    yield (
        f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{SCALE * epsilon:.1f}' fill='none' "
        "stroke='gray'/>"
    )
    for name, color, start, stop in (
        ("attack", ATTACK, (x, y), hit),
        ("defense", DEFENSE, hit, end),
    ):
        yield (
            f"<line x1='{start[0]:.1f}' y1='{start[1]:.1f}' x2='{stop[0]:.1f}' "
            f"y2='{stop[1]:.1f}' stroke='{color}' stroke-width='3' "
            f"marker-end='url(#{name})'/>"
        )
    yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5'/>"
    yield _text(x, y + 22, "x")
    yield _text((x + hit[0]) / 2, y + 20, "a(x)", ATTACK)
    yield _text((hit[0] + end[0]) / 2 + 14, (hit[1] + end[1]) / 2 - 6, "v", DEFENSE)
    who = "attacker wins, u_A = +1" if lost else "defender wins, u_A = -1"
    yield _text(105 if logit > 0 else WIDTH - 105, y + 66, who)


def _text(x: float | int, y: float | int, words: str, color: str = "black") -> str:
    """Write words around a place."""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='middle' fill='{color}'>"
        f"{words}</text>"
    )
