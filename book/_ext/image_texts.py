"""Sphinx extension: images say in words what they show, and open in full size.

A page in the form of ``page_form`` carries the strip of outcomes. On such pages an image
needs a text in place of it that is neither a path nor a repeat nor short; anything else is
a warning, which the build of the book treats as an error. A click on the image opens its
file. The text is the key ``mystnb.image.alt`` of the cell that draws it.
"""

import re
from collections.abc import Iterator, Sequence

from docutils import nodes
from page_form import STRIP
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

LOGGER = logging.getLogger(__name__)
SHORTEST = 40
PATH = re.compile(r"\S*/\S*|\S+\.\w{2,4}")


def text_problem(text: str, others: Sequence[str]) -> str | None:
    """Say what is wrong with the text in place of an image.

    Args:
        text: The text.
        others: Texts that it must not repeat.

    Returns:
        The problem, or None.
    """
    words = " ".join(text.split())
    if not words:
        return "an image without alt text"
    if PATH.fullmatch(words):
        return f"an alt text that is a path: {words!r}"
    if len(words) < SHORTEST:
        return f"an alt text under {SHORTEST} characters: {words!r}"
    if words.casefold() in {" ".join(other.split()).casefold() for other in others}:
        return f"an alt text that repeats another text: {words!r}"
    return None


def image_problems(document: nodes.document) -> Iterator[tuple[nodes.image, str]]:
    """Find the images of a page that do not say what they show.

    Args:
        document: The page.

    Yields:
        Image and problem.
    """
    said = [caption.astext() for caption in document.findall(nodes.caption)]
    for image in document.findall(nodes.image):
        text = image.get("alt", "")
        if problem := text_problem(text, said):
            yield image, problem
        said.append(text)


def in_the_form(document: nodes.document) -> bool:
    """Tell whether a page carries the strip.

    Args:
        document: The page.

    Returns:
        True if it does.
    """
    return any(STRIP in box["classes"] for box in document.findall(nodes.container))


def _link_to_file(app: Sphinx, page: str, image: nodes.image) -> None:
    """Make a click on an image open its file.

    Args:
        app: The running build.
        page: The page.
        image: The image; left alone where it is a link already.
    """
    kept = app.env.images.get(image["uri"])
    if kept is None or isinstance(image.parent, nodes.reference):
        return
    folder = relative_uri(app.builder.get_target_uri(page), app.builder.imagedir)
    link = nodes.reference("", "", internal=True, refuri=f"{folder}/{kept[1]}")
    link["reftitle"] = "Open the figure in full size"
    image.replace_self(link)
    link.append(image)


def _judge(app: Sphinx, document: nodes.document, page: str) -> None:
    """Warn of what is wrong with a page's images, and link them.

    Args:
        app: The running build.
        document: The page, as it is written.
        page: Its name.
    """
    if not in_the_form(document):
        return
    for _, problem in image_problems(document):
        LOGGER.warning("%s", problem, location=page)
    if app.builder.format == "html":
        for image in list(document.findall(nodes.image)):
            _link_to_file(app, page, image)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.connect("doctree-resolved", _judge)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
