"""The picture of the front page: Table 1's means, the paper's beside those here."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from headlines import NAMES, TableCell

WIDTH, ROW = 360, 19
TOP = 46  # the title and what the marks mean
LEFT, RIGHT = 104, 306  # where the scale begins and ends
LEAST, MOST = 40.0, 100.0  # of the scale, in percent
PAPER, HERE, FAINT = "#555555", "#0072b2", "#cccccc"


def picture(cells: Sequence[TableCell]) -> str:
    """Draw a ring for each mean of the paper and a dot for the one here.

    Args:
        cells: The cells, those of a data set together; means from 40 to 100 percent.

    Returns:
        An SVG file.

    Raises:
        ValueError: If a mean is outside of the scale.
    """
    for one in cells:
        for mean in (one.paper, one.here):
            if not LEAST <= mean <= MOST:
                raise ValueError(
                    f"means must be between {LEAST:.0f} and {MOST:.0f}, got {mean}."
                )
    parts, y = list(_legend()), TOP
    for dataset, members in groupby(cells, key=lambda one: one.dataset):
        parts.append(_text(8, y + 13, NAMES[dataset], "font-weight='bold'"))
        y += ROW
        for one in members:
            parts.extend(_row(one, y + ROW / 2))
            y += ROW
    parts.extend(_scale(y, cells[0].seeds))
    height = y + 40
    inside = "\n".join(parts)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' font-family='sans-serif' font-size='12'>\n"
        f"<rect width='{WIDTH}' height='{height}' rx='4' fill='white'/>\n"
        f"{inside}\n</svg>\n"
    )


def _x(mean: float) -> float:
    """Place a mean on the scale.

    Args:
        mean: In percent.

    Returns:
        In pixels.
    """
    return LEFT + (RIGHT - LEFT) * (mean - LEAST) / (MOST - LEAST)


def _text(x: float, y: float, words: str, more: str = "") -> str:
    """Write words.

    Args:
        x: Where they begin, in pixels.
        y: Where they stand.
        words: The words.
        more: Further attributes.

    Returns:
        An element.
    """
    return f"<text x='{x:g}' y='{y:g}' {more}>{words}</text>"


def _dot(x: float, y: float, *, filled: bool) -> str:
    """Draw a mark.

    Args:
        x: Its center, in pixels.
        y: Its center.
        filled: A dot, else a ring.

    Returns:
        An element.
    """
    color = HERE if filled else PAPER
    fill, radius = (color, 4) if filled else ("none", 6)
    return (
        f"<circle cx='{x:.1f}' cy='{y:g}' r='{radius}' fill='{fill}' "
        f"stroke='{color}' stroke-width='1.6'/>"
    )


def _legend() -> Iterator[str]:
    """Write the title, and what the marks mean.

    Yields:
        Elements.
    """
    yield _text(8, 17, "Table 1: approximate accuracy, percent")
    yield _dot(LEFT + 6, 32, filled=False)
    yield _text(LEFT + 17, 36, "the paper")
    yield _dot(LEFT + 92, 32, filled=True)
    yield _text(LEFT + 101, 36, "here")
    yield _text(WIDTH - 8, 36, "points", "text-anchor='end'")


def _row(one: TableCell, y: float) -> Iterator[str]:
    """Draw one cell of the table.

    Args:
        one: The cell.
        y: Its height, in pixels.

    Yields:
        Elements.
    """
    yield _text(8, y + 4, play_name(one))
    yield (
        f"<line x1='{LEFT}' x2='{RIGHT}' y1='{y:g}' y2='{y:g}' stroke='{FAINT}'/>"
        f"<line x1='{_x(one.paper):.1f}' x2='{_x(one.here):.1f}' y1='{y:g}' "
        f"y2='{y:g}' stroke='{HERE}' stroke-width='2'/>"
    )
    yield _dot(_x(one.paper), y, filled=False)
    yield _dot(_x(one.here), y, filled=True)
    difference = gap(one).replace("-", "\N{MINUS SIGN}")
    yield _text(WIDTH - 8, y + 4, difference, "text-anchor='end'")


def gap(one: TableCell) -> str:
    """Write how far a mean is from the paper's.

    Args:
        one: The cell.

    Returns:
        Points with their sign; zero is no negative number.
    """
    return f"{round(one.here - one.paper, 1) + 0.0:+.1f}"


def play_name(one: TableCell) -> str:
    """Name what both players do.

    Args:
        one: The cell.

    Returns:
        Attack and defense in a few words.
    """
    attack = "no attack" if one.attack == "none" else one.attack
    return attack if one.defense == "none" else f"{attack}, {one.defense}"


def _scale(y: float, seeds: int) -> Iterator[str]:
    """Write the scale.

    Args:
        y: Where the rows end, in pixels.
        seeds: Over how many seeds the means here are.

    Yields:
        Elements.
    """
    for mean in range(int(LEAST), int(MOST) + 1, 20):
        x = _x(mean)
        yield (
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{y + 5:g}' "
            f"stroke='{FAINT}' stroke-dasharray='2 3'/>"
        )
        yield _text(x, y + 18, str(mean), "text-anchor='middle'")
    said = f"means over 45 pairs of classes and, here, {seeds} seeds"
    yield _text(8, y + 34, said)


def described(cells: Sequence[TableCell]) -> str:
    """Say in words what the picture shows.

    Args:
        cells: The cells.

    Returns:
        One sentence for the picture, one for each play with a difference.
    """
    plays: dict[str, list[str]] = {}
    for one in cells:
        plays.setdefault(play_name(one), []).append(gap(one))
    gaps = "; ".join(f"{name} {' and '.join(both)}" for name, both in plays.items())
    return (
        "Ten rows on a scale from 40 to 100 percent, those of MNIST above those of "
        "Fashion-MNIST, a ring for the paper's mean and a dot for the one here. "
        f"Differences in points, here less the paper: {gaps}."
    )
