"""Sphinx extension: what came out, on one screen.

The directive ``came-out`` sorts the claims of ``book/claims.yml`` into what holds, what
was corrected, what fails or was not reproduced, and what is new here. Claims with a
sentence in ``book/came_out.yml`` come first, the others as links. Then come a picture and,
in one more box, the directive's content. ``tools/front_page.py`` writes the sentences, the
picture with its text, and the same groups into the README.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from claims import OUTCOMES, Claim
from docutils import nodes
from page_form import OfClaims
from sphinx.application import Sphinx

WRITTEN = "came_out.yml"
PICTURE = "came_out.svg"
BOX = "came-out"
NEW = "★"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Claims that came out alike.

    Attributes:
        name: A word, for styles.
        title: How many they are, and what they have in common.
        claims: The claims, in the order of the ledger.
    """

    name: str
    title: str
    claims: Sequence[Claim]


@dataclass(frozen=True, kw_only=True)
class Links:
    """How a text leads to the book; a page and a README differ in this.

    Attributes:
        page: Links a claim to the page that checks it.
        row: Links a claim to its row in the ledger.
    """

    page: Callable[[Claim], str]
    row: Callable[[Claim], str]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What ``tools/front_page.py`` writes from the records.

    Attributes:
        headlines: A sentence by the id of its claim.
        alt: What the picture shows, in words.
        caption: What the picture is.
    """

    headlines: Mapping[str, str]
    alt: str
    caption: str


IN_THE_BOOK = Links(
    page=lambda claim: f"{{doc}}`{claim.title} </book/{claim.page}>`",
    row=lambda claim: f"{{ref}}`{claim.title} <{claim.anchor}>`",
)


def groups(claims: Sequence[Claim]) -> list[Group]:
    """Sort the claims by how they came out.

    Args:
        claims: The ledger.

    Returns:
        The groups that have claims; each claim is in one.
    """
    paper = [claim for claim in claims if not claim.new]
    came = {name: [one for one in paper if one.outcome == name] for name in OUTCOMES}
    fails, missed = came["fails"], came["not reproduced"]
    found = {
        "holds": (_title("holds", came, "hold as stated"), came["holds"]),
        "corrected": (
            _title("corrected", came, "hold after a correction"),
            came["corrected"],
        ),
        "fails": (
            f"{_title('fails', came, 'fail')}, "
            f"{_title('not reproduced', came, 'not reproduced')}",
            [*fails, *missed],
        ),
        "open": (_title("open", came, "open"), came["open"]),
    }
    new = [claim for claim in claims if claim.new]
    found["new"] = (f"{NEW} {len(new)} new here", new)
    return [
        Group(name=name, title=title, claims=members)
        for name, (title, members) in found.items()
        if members
    ]


def _title(outcome: str, came: Mapping[str, Sequence[Claim]], words: str) -> str:
    """Write how many claims came out in one way.

    Args:
        outcome: The way.
        came: The claims by outcome.
        words: What the claims do.

    Returns:
        Mark, number and words.
    """
    return f"{OUTCOMES[outcome][0]} {len(came[outcome])} {words}"


def group_markdown(group: Group, headlines: Mapping[str, str], links: Links) -> str:
    """Write one group.

    Args:
        group: The group.
        headlines: The sentences, by the claims' ids.
        links: How to lead to the book.

    Returns:
        A title and a list, the claims without a sentence on its last line.
    """
    # Where claims of two outcomes share a list, each begins with its mark.
    mixed = len({claim.outcome for claim in group.claims}) > 1 and group.name != "new"
    mark = {c.id: f"{OUTCOMES[c.outcome][0]} " if mixed else "" for c in group.claims}
    lines = [
        f"- {mark[claim.id]}{links.page(claim)}: {headlines[claim.id]}."
        for claim in group.claims
        if claim.id in headlines
    ]
    rest = [
        f"{mark[claim.id]}{links.row(claim)}"
        for claim in group.claims
        if claim.id not in headlines
    ]
    if rest:
        lines.append(f"- {'Also ' if lines else ''}{', '.join(rest)}.")
    return "\n".join([f"**{group.title}**", "", *lines])


def read_written(file: Path) -> Written:
    """Read what was written from the records.

    Args:
        file: The YAML file.

    Returns:
        Sentences and the texts of the picture.
    """
    return Written(**yaml.safe_load(file.read_text(encoding="utf-8")))


class CameOut(OfClaims):
    """The directive ``came-out``; its content becomes one more box."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Put the groups on the page.

        Returns:
            A box of boxes.
        """
        relative, absolute = self.env.relfn2path(WRITTEN)
        self.env.note_dependency(relative)
        written, claims = read_written(Path(absolute)), self.ledger()
        if gone := sorted(written.headlines.keys() - {claim.id for claim in claims}):
            self.warn("%s speaks of no claim: %s", relative, ", ".join(gone))
        parts = {
            group.name: group_markdown(group, written.headlines, IN_THE_BOOK)
            for group in groups(claims)
        }
        parts["picture"] = (
            f"```{{figure}} {PICTURE}\n:alt: {written.alt}\n:name: fig-{BOX}\n\n"
            f"{written.caption}\n```"
        )
        parts["more"] = "\n".join(self.content)
        whole = nodes.container(classes=[BOX])
        for name, text in parts.items():
            whole += self.parsed(text, f"{BOX}-{name}")
        return [whole]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.add_directive("came-out", CameOut)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
