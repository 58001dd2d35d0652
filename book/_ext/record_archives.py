"""Sphinx extension: stored records to download, many in one archive.

A page that is computed from a thousand records names each with its digest. As a file
and a link each they filled a third of the book, and nobody asks for them one by one.
"""

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.osutil import relative_uri

# More than these nobody clicks through.
MOST_LINKED = 2
FOLDER = "_downloads/records"
ARCHIVES = "record archives"
# Of nothing that an archive is made from the time is kept: the first that a zip file knows.
TIME = (1980, 1, 1, 0, 0, 0)


def archive_name(pattern: str) -> str:
    """Name the archive of the records that fit a pattern.

    Args:
        pattern: As the page names it, from the root.

    Returns:
        A file's name.
    """
    words = pattern.removesuffix(".json").replace("*", "").replace("?", "")
    return "-".join(filter(None, words.replace("/", "-").split("-"))) + ".zip"


def packed(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack files; equal files are packed into equal bytes.

    Args:
        files: The name of each and what it holds.

    Returns:
        The archive.
    """
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as target:
        for name, content in files:
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return whole.getvalue()


def archive(files: Sequence[Path], root: Path) -> bytes:
    """Pack records.

    Args:
        files: The records.
        root: The folder that their names in the archive start from.

    Returns:
        The archive.
    """
    return packed(
        (file.relative_to(root).as_posix(), file.read_bytes()) for file in files
    )


def archive_link(app: Sphinx, page: str, pattern: str) -> str:
    """Have an archive made with the pages, and link to it.

    Args:
        app: The running build.
        page: The page that asks for it.
        pattern: Which records.

    Returns:
        HTML.
    """
    name = archive_name(pattern)
    app.env.metadata[page].setdefault(ARCHIVES, {})[pattern] = name
    address = relative_uri(app.builder.get_target_uri(page), f"{FOLDER}/{name}")
    return f'<a class="reference download" download href="{address}">{name}</a>'


def _write_archives(app: Sphinx, exception: Exception | None) -> None:
    """Make the archives that the pages link to.

    Args:
        app: The running build.
        exception: What ended the build early, or None.

    Raises:
        ExtensionError: If two patterns give their archives one name.
    """
    if exception is not None or app.builder.format != "html":
        return
    root, folder = Path(app.srcdir), Path(app.outdir) / FOLDER
    asked = [page.get(ARCHIVES, {}) for page in app.env.metadata.values()]
    wanted = sorted({item for one in asked for item in one.items()})
    if len({name for _, name in wanted}) < len(wanted):
        raise ExtensionError(f"two archives of records have one name: {wanted}.")
    for pattern, name in wanted:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(archive(sorted(root.glob(pattern)), root))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.connect("build-finished", _write_archives)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
