"""Write what came out, for the first screens of the book and of the README.

One command::

    python tools/front_page.py

It writes three things: ``book/came_out.yml`` with a sentence for each claim that comes
first, ``book/came_out.svg``, and the part of the README between two marks. The book's
directive ``came-out`` reads the first two. A test fails when one of them is stale.
"""

import sys
from pathlib import Path

import yaml
from front_picture import described, picture
from headlines import EXTENSIONS, HEADLINES, table_1_cells

sys.path.insert(0, str(EXTENSIONS))

from came_out import PICTURE, WRITTEN, Links, Written, group_markdown, groups
from claims import Claim, read_entries

ROOT = Path(__file__).resolve().parent.parent
LEDGER = "book/ledger.md"
BEGIN = "<!-- what came out: written by tools/front_page.py -->"
END = "<!-- end of what came out -->"
CAPTION = (
    "Settings chosen on ten pairs of each set, then run on all 45 with fresh seeds: "
    "[all pairs](all_pairs.ipynb)."
)


def read_ledger(root: Path) -> list[Claim]:
    """Read the claims; that they are sound is the build's to check.

    Args:
        root: The project.

    Returns:
        The claims, in the order of the file.
    """
    return [Claim(**entry) for entry in read_entries(root / "book" / "claims.yml")]


def written(root: Path) -> Written:
    """Write sentences and texts from the records.

    Args:
        root: The project.

    Returns:
        What ``came_out.yml`` holds.
    """
    claims = read_ledger(root)
    return Written(
        headlines={name: line(root, claims) for name, line in HEADLINES.items()},
        alt=described(table_1_cells(root)),
        caption=CAPTION,
    )


def in_the_tree(root: Path) -> Links:
    """Lead from the README to the book's sources.

    Args:
        root: The project.

    Returns:
        The links.
    """

    def page(claim: Claim) -> str:
        names = (f"book/{claim.page}.ipynb", f"book/{claim.page}.md")
        (path,) = (name for name in names if (root / name).is_file())
        return f"[{claim.title}]({path})"

    return Links(page=page, row=page)


def readme_block(root: Path, texts: Written) -> str:
    """Write the README's part.

    Args:
        root: The project.
        texts: What was written from the records.

    Returns:
        Markdown, from one mark to the other.
    """
    links = in_the_tree(root)
    parts = [
        group_markdown(group, texts.headlines, links)
        for group in groups(read_ledger(root))
    ]
    image = f'<img src="book/{PICTURE}" align="right" width="360" alt="{texts.alt}">'
    return "\n\n".join([BEGIN, image, *parts, END])


def with_block(readme: str, block: str) -> str:
    """Put the part in its place.

    Args:
        readme: The README.
        block: The part.

    Returns:
        The README with it.

    Raises:
        ValueError: If the README does not have both marks, in order and once.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"the README must have {BEGIN!r} and {END!r} once each.")
    before, rest = readme.split(BEGIN)
    if END not in rest:
        raise ValueError(f"the README must have {BEGIN!r} before {END!r}.")
    return before + block + rest.split(END)[1]


def files(root: Path) -> dict[Path, str]:
    """Write all three.

    Args:
        root: The project.

    Returns:
        The text of each file.
    """
    texts = written(root)
    readme = root / "README.md"
    fields = {
        "headlines": dict(texts.headlines),
        "alt": texts.alt,
        "caption": texts.caption,
    }
    head = "# Written by tools/front_page.py from the stored records.\n"
    dumped = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=88)
    old = readme.read_text(encoding="utf-8")
    return {
        root / "book" / WRITTEN: head + dumped,
        root / "book" / PICTURE: picture(table_1_cells(root)),
        readme: with_block(old, readme_block(root, texts)),
    }


def main() -> None:
    """Write the files that are stale, and name them."""
    for path, text in files(ROOT).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
