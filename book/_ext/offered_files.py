"""Sphinx extension: the notebooks and results of the book, to take away.

Every notebook page offers its two files, ``.ipynb`` and ``.py``, as links that download.
Browsers ignore that wish where the book is opened from files, and show text instead; so
there is a third file, ``.zip``, with both in it, which they always save, the notebook
without outputs, as it is to be run. The directive ``offered-files`` lists all of them
and the tables of results, with sizes and checksums; ``SHA256SUMS`` has these for
``sha256sum --check``, run in the folder of the book.
"""

import functools
import hashlib
import html
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from record_archives import packed
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole

FOLDER = "_sources"  # where the theme's own button leads to
SUFFIXES = (".ipynb", ".py", ".zip")
TABLES = "results/**/*.csv"
SUMS = "SHA256SUMS"
# Files of the built book that have a line there.
SUMMED = (f"{FOLDER}/**/*", "_downloads/*/*.csv", "claims.json")


@functools.cache
def content(notebook: Path, suffix: str) -> bytes:
    """Give one of the files that a notebook page offers.

    Args:
        notebook: The page's ``.ipynb`` file; its ``.py`` file lies beside it.
        suffix: One of `SUFFIXES`.

    Returns:
        The file's content.
    """
    if suffix != ".zip":
        return notebook.with_suffix(suffix).read_bytes()
    bare, text = without_outputs(content(notebook, ".ipynb")), content(notebook, ".py")
    return packed([(f"{notebook.stem}.ipynb", bare), (f"{notebook.stem}.py", text)])


def without_outputs(notebook: bytes) -> bytes:
    """Leave out what the cells put out; pictures are most of a notebook.

    Args:
        notebook: The content of an ``.ipynb`` file.

    Returns:
        The same without outputs.
    """
    data = json.loads(notebook)
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def pairs(env: BuildEnvironment) -> dict[str, Path]:
    """Find the notebook pages.

    Args:
        env: The build.

    Returns:
        The ``.ipynb`` file of each by the page's name, in the order of the book; a
        notebook without a ``.py`` file is none.
    """
    order = list(getattr(env, "external_site_map", ()))
    known = [name for name in order if name in env.found_docs]
    names = dict.fromkeys([*known, *sorted(env.found_docs)])
    files = {name: Path(env.doc2path(name)) for name in names}
    return {
        name: file
        for name, file in files.items()
        if file.suffix == ".ipynb" and file.with_suffix(".py").is_file()
    }


def links(page: str) -> dict[str, str]:
    """Write the links to the files of a notebook page.

    Args:
        page: Its name, with its folder.

    Returns:
        MyST for each of `SUFFIXES`.
    """
    stem = page.rpartition("/")[2]
    return {
        suffix: f"{{offered}}`{stem}{suffix} <{FOLDER}/{page}{suffix}>`"
        for suffix in SUFFIXES
    }


def size(content: bytes) -> str:
    """Write how large a file is.

    Args:
        content: The file's content.

    Returns:
        Thousands of bytes, at least one.
    """
    return f"{max(1, round(len(content) / 1000)):,} kB"


class Offered(SphinxRole):
    """The role ``offered``: a link that downloads a file of the built book."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link.

        Returns:
            The link, for HTML alone, and no messages.
        """
        label, _, path = self.text.rstrip(">").partition(" <")
        up = "../" * self.env.docname.count("/")
        link = (
            f'<a class="reference download" download href="{html.escape(up + path)}">'
            f'<code class="docutils literal">{html.escape(label)}</code></a>'
        )
        return [nodes.raw(self.rawtext, link, format="html")], []


class OfferedFiles(SphinxDirective):
    """The directive ``offered-files``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """List what there is.

        Returns:
            The notebooks, the tables of results, and the checksums of all, folded.
        """
        box = nodes.container(classes=["offered-files"])
        lines = StringList(self._markdown().splitlines(), source=SUMS)
        self.state.nested_parse(lines, self.content_offset, box)
        return [box]

    def _markdown(self) -> str:
        """Write the lists.

        Returns:
            MyST.
        """
        notebooks, sums = ["**Notebooks**", ""], []
        for page, file in pairs(self.env).items():
            files = {suffix: content(file, suffix) for suffix in SUFFIXES}
            offered = [
                f"{link} {size(files[suffix])}" for suffix, link in links(page).items()
            ]
            notebooks.append(f"- {{doc}}`/{page}`: {', '.join(offered)}")
            sums += [_sum(file.stem + suffix, data) for suffix, data in files.items()]
        tables = ["", "**Tables of results**", ""]
        root = Path(self.env.srcdir)
        for file in sorted(root.glob(TABLES)):
            path, data = file.relative_to(root).as_posix(), file.read_bytes()
            tables.append(f"- {{download}}`{path} </{path}>` ({size(data)})")
            sums.append(_sum(path, data))
        folded = ["", ":::{dropdown} Their checksums (SHA-256)", *sums, ":::"]
        return "\n".join([*notebooks, *tables, *folded])


def _sum(name: str, data: bytes) -> str:
    """Write a checksum.

    Args:
        name: The name of the file.
        data: What it holds.

    Returns:
        An entry of a list.
    """
    return f"- `{name}`: `{hashlib.sha256(data).hexdigest()}`"


def _add_to_menu(
    app: Sphinx,
    page: str,
    template: str,
    context: dict[str, object],
    document: nodes.document | None,
) -> None:
    """Put what the theme's menu of downloads lacks into it.

    Args:
        app: The running build.
        page: Its name.
        template: The theme's template of it.
        context: What the template shows; the menu is added to.
        document: The page itself, or None where it has no source.
    """
    if page not in pairs(app.env):
        return
    for group in context.get("header_buttons", ()):
        if group.get("label") == "download-buttons":
            stem = f"{context['pathto'](FOLDER, 1)}/{page}"
            group["buttons"][1:1] = [
                {
                    "type": "link",
                    "url": f"{stem}{suffix}",
                    "text": suffix,
                    "icon": "fas fa-file",
                    "tooltip": tooltip,
                }
                for suffix, tooltip in ((".py", "As text"), (".zip", "Both files"))
            ]


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Put the files beside the pages once they are written, and their checksums.

    Args:
        app: The running build.
        exception: What ended the build early, or None.
    """
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for page, file in pairs(app.env).items():
        for suffix in SUFFIXES:
            target = out / FOLDER / f"{page}{suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content(file, suffix))
    text = "".join(f"{line}\n" for line in sums(out, SUMMED))
    (out / SUMS).write_text(text, encoding="utf-8")


def sums(folder: Path, patterns: Iterable[str]) -> Iterator[str]:
    """Write checksums as ``sha256sum`` does.

    Args:
        folder: A folder.
        patterns: Which of its files.

    Yields:
        For each file its SHA-256 and its path from there, in order.
    """
    found = {file for pattern in patterns for file in folder.glob(pattern)}
    for file in sorted(file for file in found if file.is_file()):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        yield f"{digest}  {file.relative_to(folder).as_posix()}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.add_role("offered", Offered())
    app.add_directive("offered-files", OfferedFiles)
    app.add_js_file("downloads.js")
    app.connect("html-page-context", _add_to_menu, priority=900)  # after the theme
    # After ``claims_file``, whose file has a checksum too.
    app.connect("build-finished", _write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
