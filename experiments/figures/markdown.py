"""What a page tabulates, as Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from paper_lib.evaluation import percents, play_name
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow


def markdown_table(
    header: Sequence[str],
    lines: Iterable[Sequence[str]],
    *,
    align: str | None = None,
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


def table_of(
    items: Iterable[Any],
    columns: Mapping[str, Callable[[Any], object]],
    *,
    align: str | None = None,
) -> str:
    """Write a Markdown table, a line for each item.

    Args:
        items: What the table lists.
        columns: Under the title of each column, what it says of an item.
        align: As in :func:`markdown_table`.

    Returns:
        The table.

    Example:
        >>> print(table_of([1, 2], {"n": lambda n: n, "square": lambda n: n * n}))
        | n | square |
        | :-- | --: |
        | 1 | 1 |
        | 2 | 4 |
    """
    lines = [[str(says(item)) for says in columns.values()] for item in items]
    return markdown_table(list(columns), lines, align=align)


def comparison_table(
    runs: Sequence[Sequence[TableRow]],
    paper: Mapping[Cell, float],
    *,
    here: str = "here",
) -> str:
    """Set measured rows beside the paper's numbers.

    Args:
        runs: The ten rows of Table 3, once for each seed.
        paper: The paper's values, in percent; a row without one has no difference.
        here: The title of what was measured.

    Returns:
        A Markdown table: for each row the paper's value, the measured one (the mean
        over seeds, with the smallest and largest), and the difference in points.
    """
    measured = [percents(run) for run in runs]
    lines = []
    for key in measured[0]:
        values = [run[key] for run in measured]
        mean = sum(values) / len(values)
        known = key in paper
        lines.append(
            [
                f"{key[2]}: {play_name(key[:2])}",
                f"{paper[key]:.1f}" if known else "not applicable",
                mean_and_span(values),
                f"{mean - paper[key]:+.1f}" if known else "not applicable",
            ]
        )
    return markdown_table(["accuracy in percent", "paper", here, "difference"], lines)


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


def titled_table(rows: Sequence[Mapping[str, str]], *, align: str | None = None) -> str:
    """Write a Markdown table of rows whose cells name their columns.

    Args:
        rows: Under the titles of the columns, the cells; the same titles in each.
        align: As :func:`markdown_table` takes it.

    Returns:
        The table; "not applicable" where there is no row.

    Raises:
        ValueError: If ``align`` is not one letter for each column.

    Example:
        >>> print(titled_table([{"row": "a", "value": "1"}]))
        | row | value |
        | :-- | --: |
        | a | 1 |
    """
    if not rows:
        return "not applicable"
    lines = [[row[title] for title in rows[0]] for row in rows]
    return markdown_table(list(rows[0]), lines, align=align)
