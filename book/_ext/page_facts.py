"""What a page's footer says, read from its cells, its links and the stored records."""

import ast
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from docutils import nodes
from nbformat import NotebookNode
from sphinx import addnodes

PYTHON = ".venv/bin/python"
NOTES = "reading_notes"
TEST = re.compile(r"\btests/[\w/]+\.py(?:::\w+)?")
# How many digits of a digest tell records apart.
SHOWN = 12


def named_tests(cells: Sequence[NotebookNode]) -> list[str]:
    """Find the tests that a page's outputs name.

    Tables of checks say in their plain text which test repeats each row.

    Args:
        cells: The cells of the page.

    Returns:
        ``path`` or ``path::name`` of each, in order, once.
    """
    texts = [
        output.data.get("text/plain", "")
        for cell in cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    return list(dict.fromkeys(test for text in texts for test in TEST.findall(text)))


def test_command_line(tests: Sequence[str]) -> str:
    """Write the one command that runs tests.

    Args:
        tests: Their names.

    Returns:
        A block; nothing where there is no test.
    """
    if not tests:
        return ""
    return _command(f"{PYTHON} -m pytest", tests, "Run these tests:")


def _command(start: str, words: Sequence[str], above: str) -> str:
    """Write a command of several lines, so that it fits a narrow page.

    Args:
        start: How it begins.
        words: What follows, a line each.
        above: What the block does.

    Returns:
        The block with a line above.
    """
    lines = " \\\n  ".join([start, *words])
    return f"{above}\n\n```{{code-block}} bash\n{lines}\n```"


def noted(document: nodes.document) -> list[str]:
    """Find the reading notes that a page links to, above the place that asks.

    Args:
        document: The page so far.

    Returns:
        Links to single notes, in order, once.
    """
    links = []
    for link in document.findall(addnodes.pending_xref):
        anchor = link.get("reftargetid")
        if anchor and Path(str(link["reftarget"])).stem == NOTES:
            links.append(f"{NOTES}.md#{unquote(anchor)}")
    return list(dict.fromkeys(links))


def run_command_line(docname: str, cells: Sequence[NotebookNode]) -> str:
    """Write the command that runs a page with other parameters.

    Args:
        docname: The page with its folder.
        cells: Its cells.

    Returns:
        A block with every parameter at its stored value; nothing where there is none.
    """
    name = Path(docname).name
    values = [f"-p {key} {shlex.quote(value)}" for key, value in parameters(cells)]
    if not values:
        return ""
    start = f"{PYTHON} tools/build_book.py run {docname}.ipynb _build/{name}.ipynb"
    return _command(start, values, "Run this page with other parameters (papermill):")


def parameters(cells: Sequence[NotebookNode]) -> Iterator[tuple[str, str]]:
    """Read the parameters of a page.

    Args:
        cells: The cells of the page.

    Yields:
        Name and value of each assignment in the cells tagged ``parameters``, the value
        as ``tools/build_book.py`` reads it.
    """
    for cell in cells:
        if "parameters" not in cell.metadata.get("tags", []):
            continue
        for statement in ast.parse(cell.source).body:
            if isinstance(statement, ast.Assign):
                yield ast.unparse(statement.targets[0]), _as_word(statement.value)
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                yield ast.unparse(statement.target), _as_word(statement.value)


def _as_word(value: ast.expr) -> str:
    """Write a value for the command line.

    Args:
        value: What the cell assigns.

    Returns:
        A literal; text that is no literal goes without quotation marks.
    """
    literal = ast.unparse(value)
    if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
        return literal
    try:
        ast.literal_eval(value.value)
    except (ValueError, SyntaxError):
        return value.value
    return json.dumps(value.value)  # with double quotes, which a shell's hold as is


def records_markdown(
    found: Mapping[str, Sequence[Path]], root: Path, archives: Mapping[str, str]
) -> str:
    """Describe stored records: which, of what data, with which digest.

    Args:
        found: Under each pattern that the page names its records, in order.
        root: The folder of the sources.
        archives: Links to archives, under the patterns whose records come in one.

    Returns:
        For each pattern a line with one digest over all, and one folded list of the
        records, each with a link or without; nothing where there is none.
    """
    heads, rows, packed = [], [], []
    for pattern, files in found.items():
        known = digests(files, root)
        for file, (path, digest) in zip(files, known.items(), strict=True):
            if pattern in archives:
                packed.append(f"{digest[:SHOWN]} {path}: {data_of(file)}")
                continue
            link = f"{{download}}`{file.name} </{path}>`"
            rows.append(f"- {link}: sha256 `{digest[:SHOWN]}`, {data_of(file)}")
        count = "1 record" if len(files) == 1 else f"{len(files)} records"
        shown = digest_of_all(known)[:SHOWN]
        link = f", {archives[pattern]}" if pattern in archives else ""
        heads.append(f"- `{pattern}`: {count}, sha256 of all `{shown}`{link}")
    if not heads:
        return ""
    block = ["", "```text", *packed, "```"] if packed else []
    head = [":::{dropdown} The records and their data", ":class-container: records"]
    folded = [*head, "", *rows, *block, ":::"]
    return "\n".join(["**Records**", "", *heads, "", *folded])


def digests(files: Iterable[Path], root: Path) -> dict[str, str]:
    """Hash records.

    Args:
        files: The records.
        root: The folder of the sources.

    Returns:
        The SHA-256 of each, by its path from there, in order.
    """
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def digest_of_all(digests: Mapping[str, str]) -> str:
    """Hash several records as one.

    Args:
        digests: The SHA-256 of each, by its path, in order.

    Returns:
        The SHA-256 of lines of a path, a space and its digest.
    """
    lines = "".join(f"{path} {digest}\n" for path, digest in digests.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def data_of(file: Path) -> str:
    """Say of which data a record is.

    Args:
        file: The record.

    Returns:
        Source and fingerprint of the data, or that it names none.
    """
    record = json.loads(file.read_text(encoding="utf-8")) if _is_json(file) else {}
    data = record.get("provenance", {}).get("data")
    if not isinstance(data, dict) or "fingerprint" not in data:
        return "names no data"
    return f"data {data['fingerprint'][:SHOWN]} ({data.get('source', 'no source')})"


def _is_json(file: Path) -> bool:
    """Tell whether a record is read as JSON.

    Args:
        file: The record.

    Returns:
        True by its suffix.
    """
    return file.suffix == ".json"
