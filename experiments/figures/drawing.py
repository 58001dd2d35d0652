"""What the pictures of several pages share."""

from collections.abc import Iterable
from typing import Literal, TypeVar

from matplotlib.figure import Figure

from paper_lib.plotting.style import COLORS, MARKERS, new_figure, show_square

__all__ = ["COLORS", "GREEN", "MARKERS", "WIDTH", "new_figure", "show_square"]
__all__ += ["in_turn", "legend_outside"]

One = TypeVar("One")
Side = Literal["outside lower center", "outside upper center", "outside upper left"]
# What is safe, or proven.
GREEN = "#009E73"
# At this width text is read on a phone too.
WIDTH = 4.9


def in_turn(items: Iterable[One]) -> Iterable[tuple[str, str, One]]:
    """Give each of some things a color and a marker of its own, five at most.

    Args:
        items: What is drawn.

    Returns:
        Color, marker and thing.
    """
    return zip(COLORS, MARKERS, items, strict=False)


def legend_outside(
    figure: Figure, ncols: int = 2, *, loc: Side = "outside lower center"
) -> None:
    """Write one legend beside all axes; a name that several marks have, once.

    Args:
        figure: The figure, with everything drawn.
        ncols: Columns of the legend.
        loc: The side of the figure.
    """
    shown = {}
    for axis in figure.axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            shown.setdefault(name, handle)
    figure.legend(shown.values(), shown, loc=loc, ncols=ncols, frameon=False)
