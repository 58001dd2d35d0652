"""Sphinx extension: the bibliography names each work as the text cites it.

The style ``as_cited`` is pybtex's ``unsrt``, sorted by label, with labels such as
``Pal and Vidal, 2020``.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style as UnsrtStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx

STYLE = "as_cited"


def label(entry: Entry) -> str:
    """Name a work by its authors and its year.

    Args:
        entry: The work; without authors its key stands for them.

    Returns:
        One or two last names, or the first of more, and the year.
    """
    people = entry.persons.get("author", [])
    names = [
        " ".join(map(str, [*one.rich_prelast_names, *one.rich_last_names]))
        for one in people
    ]
    if len(names) > 2:
        who = f"{names[0]} et al."
    else:
        who = " and ".join(names) or entry.key
    return f"{who}, {entry.fields['year']}"


class AsCitedLabels(BaseLabelStyle):
    """Labels of author and year."""

    def format_labels(self, sorted_entries: Sequence[Entry]) -> Iterator[str]:
        """Label the works.

        Args:
            sorted_entries: The works, in the order of the page.

        Yields:
            A label each; works that would share one have a letter behind the year.
        """
        labels = [label(entry) for entry in sorted_entries]
        shared, seen = Counter(labels), Counter()
        for one in labels:
            letter = chr(ord("a") + seen[one]) if shared[one] > 1 else ""
            seen[one] += 1
            yield one + letter


class AsCitedStyle(UnsrtStyle):
    """The style ``as_cited``."""

    default_label_style = AsCitedLabels
    default_sorting_style = "author_year_title"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the style.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    register_plugin("pybtex.style.formatting", STYLE, AsCitedStyle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
