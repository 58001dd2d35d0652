"""The table of checks of a page: what was checked, on how many cases, what came out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.figures.markdown import NOT_APPLICABLE, markdown_table

# A mark and a word each, so that color is no news.
HOLDS, FAILS, NEITHER = "✓ holds", "✗ fails", f"— {NOT_APPLICABLE}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One row: a sentence about numbers that were computed, and whether it is true.

    A control that must fail is a sentence too: "with the signs as printed it fails".

    Attributes:
        what: The sentence, in Markdown.
        cases: On how many cases it was tried.
        figure: The number behind the verdict, rounded so that each run writes it alike;
            its column is called *result*, since figures are also pictures.
        holds: Whether it is true; None where the parameters make it meaningless.
        test: ``path::name`` of the test that repeats it.
    """

    what: str
    cases: int
    figure: str
    holds: bool | None
    test: str

    def __post_init__(self) -> None:
        """Refuse a verdict on nothing, and one that is no plain bool.

        Raises:
            ValueError: If ``holds`` is neither a bool nor None, if a verdict is on no
                case, if a text holds a ``|``, or if ``test`` names no test of ours.
        """
        if not (self.holds is None or isinstance(self.holds, bool)):
            raise ValueError(f"holds must be True, False or None, got {self.holds!r}.")
        if self.holds is not None and self.cases < 1:
            raise ValueError(f"cases must be at least 1, got {self.cases}.")
        if "|" in self.what + self.figure:  # would end a cell of the table
            raise ValueError(f"what and figure must hold no |, got {self.what!r}.")
        if not (self.test.startswith("tests/") and self.test.count(".py::") == 1):
            raise ValueError(f"test must be tests/PATH.py::NAME, got {self.test!r}.")

    @property
    def verdict(self) -> str:
        """Mark and word."""
        return {True: HOLDS, False: FAILS, None: NEITHER}[self.holds]

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as a page shows it; without a verdict there are no numbers."""
        known = self.holds is not None
        numbers = (f"{self.cases:,}", self.figure) if known else ("—", "—")
        return self.what, *numbers, self.verdict, f"`{self.test.partition('::')[2]}`"


def judged(
    file: str,
    what: str,
    verdicts: Sequence[bool],
    test: str,
    *,
    figure: str = "{so:,}",
    more_than: float | None = None,
) -> Check:
    """Say how many cases are as a sentence has it: all, or more than a share.

    Args:
        file: The file of the test.
        what: The sentence.
        verdicts: Whether each case is so.
        test: The name of the test.
        figure: What to write of the cases that are ``so``, and of the ``others``.
        more_than: The share; None: it must be all.

    Returns:
        The row; without a case it is not applicable.

    Example:
        >>> judged("tests/a.py", "one is", [True, False], "test_a").verdict
        '✗ fails'
    """
    cases, so = len(verdicts), sum(verdicts)
    return Check(
        what=what,
        cases=cases,
        figure=figure.format(so=so, others=cases - so),
        holds=(so == cases if more_than is None else so > more_than * cases)
        if cases
        else None,
        test=f"{file}::{test}",
    )


class ChecksTable:
    """A table that notebooks display; all of its texts are the same in each run.

    Pages show it as Markdown, with the name of each test; its plain text says where the
    tests are, and a page's footer reads them there.
    """

    def __init__(self, checks: Iterable[Check]) -> None:
        """Keep the rows.

        Args:
            checks: The rows, at least one.

        Raises:
            ValueError: If there is none.
        """
        self.checks = tuple(checks)
        if not self.checks:
            raise ValueError("checks must hold at least one check, got none.")

    def _repr_markdown_(self) -> str:
        """Write the table for a page.

        Returns:
            Markdown.

        Example:
            >>> row = {"what": "$1 < 2$", "cases": 1, "figure": "1", "holds": True}
            >>> check = Check(**row, test="tests/file.py::test_a")
            >>> print(ChecksTable([check])._repr_markdown_())
            | what was checked | cases | result | verdict | repeated by |
            | :-- | --: | --: | :-- | :-- |
            | $1 < 2$ | 1 | 1 | ✓ holds | `test_a` |
        """
        header = ("what was checked", "cases", "result", "verdict", "repeated by")
        return markdown_table(header, [c.cells for c in self.checks], align="lrrll")

    def __repr__(self) -> str:
        """Write a line for each check.

        Returns:
            Verdict, sentence, cases, result and the whole name of the test.
        """
        return "\n".join(
            f"{c.verdict}: {c.what} ({c.cases:,} cases; result {c.figure}; {c.test})"
            for c in self.checks
        )
