"""What a page tabulates, as Markdown."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from typing import ParamSpec

import numpy as np
from jaxtyping import Bool

from paper_lib.evaluation import percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow

P = ParamSpec("P")
# Under the titles of its columns, the cells of one line of a table.
Row = Mapping[str, object]
NOT_APPLICABLE = "not applicable"


def markdown_table(
    header: Sequence[str], lines: Iterable[Sequence[str]], *, align: str | None = None
) -> str:
    """Write a Markdown table.

    Args:
        header: Titles of the columns.
        lines: Cells, as many a line as there are titles.
        align: For each column ``l`` or ``r``; None: the first left, the others right.

    Returns:
        The table.

    Raises:
        ValueError: If a line has another number of cells than the header, or ``align``
            is not one letter for each column.

    Example:
        >>> print(markdown_table(["row", "value"], [["a", "1"]]))
        | row | value |
        | :-- | --: |
        | a | 1 |
    """
    align = "l" + "r" * (len(header) - 1) if align is None else align
    if len(align) != len(header) or set(align) - {"l", "r"}:
        raise ValueError(f"align must be {len(header)} letters l or r, got {align!r}.")
    table = [header, [{"l": ":--", "r": "--:"}[side] for side in align], *lines]
    for line in table:
        if len(line) != len(header):
            raise ValueError(f"each line must have {len(header)} cells, got {line}.")
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def span(values: Sequence[float], form: str = ".0f") -> str:
    """Write the least and the largest of some values, once where they read the same.

    Args:
        values: The values.
        form: How a number is written.

    Returns:
        The words.

    Example:
        >>> span([3.2, 1.0, 2.0], ".1f"), span([2.1, 2.2])
        ('1.0 to 3.2', '2')
    """
    return " to ".join(
        dict.fromkeys(f"{end:{form}}" for end in (min(values), max(values)))
    )


def table_of(rows: Iterable[Row], *, align: str | None = None) -> str:
    """Write a Markdown table of rows whose cells name their columns.

    Args:
        rows: Under the titles of the columns, the cells; the same titles in each.
        align: As :func:`markdown_table` takes it.

    Returns:
        The table; "not applicable" where there is no row.

    Raises:
        KeyError: If a row lacks a title that the first one has.
        ValueError: If ``align`` is not one letter for each column.

    Example:
        >>> print(table_of({"n": n, "square": n * n} for n in (1, 2)))
        | n | square |
        | :-- | --: |
        | 1 | 1 |
        | 2 | 4 |
    """
    listed = list(rows)
    if not listed:
        return NOT_APPLICABLE
    lines = [[str(row[title]) for title in listed[0]] for row in listed]
    return markdown_table(list(listed[0]), lines, align=align)


def tabulated(
    align: str | None = None,
) -> Callable[[Callable[P, Iterator[Row]]], Callable[P, str]]:
    """Make a function that yields rows return them as a Markdown table.

    Args:
        align: As :func:`table_of` takes it.

    Returns:
        A decorator.

    Example:
        >>> @tabulated("rr")
        ... def squares(most):
        ...     for n in range(1, most + 1):
        ...         yield {"n": n, "square": n * n}
        >>> print(squares(1))
        | n | square |
        | --: | --: |
        | 1 | 1 |
    """

    def decorate(rows_of: Callable[P, Iterator[Row]]) -> Callable[P, str]:
        @wraps(rows_of)
        def table(*args: P.args, **kwargs: P.kwargs) -> str:
            return table_of(rows_of(*args, **kwargs), align=align)

        return table

    return decorate


def comparison_table(
    runs: Sequence[Sequence[TableRow]], paper: Mapping[Cell, float], here: str = "here"
) -> str:
    """Set measured rows beside the paper's numbers.

    Args:
        runs: The ten rows of Table 3, once for each seed.
        paper: The paper's values, in percent; a row without one has no difference.
        here: The title of what was measured.

    Returns:
        The table of :func:`accuracy_table`.
    """
    measured = [percents(run) for run in runs]
    by_cell = {cell: [run[cell] for run in measured] for cell in measured[0]}
    return accuracy_table(by_cell, paper, here)


@tabulated()
def accuracy_table(
    accuracies: Mapping[Cell, Sequence[float]],
    paper: Mapping[Cell, float],
    here: str = "here",
) -> Iterator[Row]:
    """Set accuracies beside the paper's numbers.

    Args:
        accuracies: For each cell a value a seed, in percent.
        paper: The paper's values, in percent; a cell without one has no difference.
        here: The title of what was measured.

    Yields:
        For each cell the paper's value, the measured one (the mean over seeds, with the
        smallest and largest), and the difference in points.
    """
    for cell, values in accuracies.items():
        gap = sum(values) / len(values) - paper.get(cell, 0.0)
        known = cell in paper
        yield {
            "accuracy in percent": cell_name(cell),
            "paper": f"{paper[cell]:.1f}" if known else NOT_APPLICABLE,
            here: mean_and_span(values),
            "difference": f"{gap:+.1f}" if known else NOT_APPLICABLE,
        }


def cell_name(cell: Cell) -> str:
    """Name a cell of Table 2.

    Args:
        cell: Attack, defense and accuracy.

    Returns:
        The accuracy, then the play.
    """
    return f"{cell[2]}: {play_name(cell[:2])}"


def share_of(verdicts: Iterable[bool] | Bool[np.ndarray, " k"]) -> str:
    """Write how many of some cases are so.

    Args:
        verdicts: Whether each is.

    Returns:
        Their number and that of all.

    Example:
        >>> share_of([True, False])
        '1 of 2'
    """
    cases = [*verdicts]
    return f"{sum(cases)} of {len(cases)}"


def mean_with_spread(mean: float | None, spread: float | None) -> str:
    """Write a mean and behind it the spread, as the paper's Table 1 does.

    Args:
        mean: The mean; None if it is not known.
        spread: The spread; None if there is one value alone.

    Returns:
        Both with one decimal; nothing without a mean.

    Example:
        >>> mean_with_spread(71.25, 3.0), mean_with_spread(71.25, None)
        ('71.2 (3.0)', '71.2')
    """
    if mean is None:
        return ""
    return f"{mean:.1f}" if spread is None else f"{mean:.1f} ({spread:.1f})"


def mean_and_span(values: Sequence[float]) -> str:
    """Write a mean, and behind it the smallest and largest of several values.

    Args:
        values: The values, at least one.

    Returns:
        All with one decimal.

    Example:
        >>> mean_and_span([1.0, 4.0]), mean_and_span([2.0])
        ('2.5 [1.0, 4.0]', '2.0')
    """
    span = f" [{min(values):.1f}, {max(values):.1f}]" if len(values) > 1 else ""
    return f"{sum(values) / len(values):.1f}{span}"
