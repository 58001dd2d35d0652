"""A book of a few pages, built in seconds: what the extensions do with a page."""

import base64
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
CONF = f"""\
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "sphinx_design", "formal_statements", "claims_ledger",
              "page_form", "image_texts", "paper_places", "library_reference",
              "edition", "claims_file", "citation_block", "offered_files",
              "record_archives"]
root_doc = "book/intro"
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
numfig = True
exclude_patterns = ["_build"]
html_theme = "sphinx_book_theme"
html_static_path = [{str(ROOT / "book" / "_static")!r}]
html_css_files = ["companion.css"]
html_context = {{"default_mode": "light"}}
"""
INTRO = """\
# A book

```{claims-ledger} claims.yml
```

```{toctree}
page
reading_notes
```
"""
LIBRARY = {
    "__init__": '"""A library: ``robust_sets``."""',
    "robust_sets": '"""Sets."""',
}
REFERENCE = """\
---
orphan: true
---
# The library

## Sets

```{eval-rst}
.. library-part:: paper_lib.robust_sets
```
"""
NOTES = "# Reading notes\n\n## What is meant\n\nThat.\n\n## What is not\n\nThis.\n"
TEST = "tests/test_claim.py::test_one"
CLAIM = {
    "id": "lemma-1",
    "title": "Lemma 1",
    "where": "Section 3",
    "statement": "A statement.",
    "page": "page",
    "module": "paper_lib.robust_sets",
    "test": TEST,
    "proof": None,
    "outcome": "holds",
    "note": None,
    "short": "nothing was found against it",
}
ALT = "Two squares side by side, the left one dark, the right one of a lighter gray"
HEAD = (
    "# A page\n\n```{outcomes}\n```\n\nSee [the note]"
    "(reading_notes.md#what-is-meant) of [all](reading_notes.md)."
)
FOOT = "## Behind this page\n\n```{page-footer}\n```"


def picture(gray=0):
    """A tiny image, as a notebook stores it."""
    file = io.BytesIO()
    Image.new("L", (8, 4), gray).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def drawing(alt=ALT, *, caption="Two squares.", name="fig-squares", gray=0):
    """A cell that shows a picture; without a text where ``alt`` is None."""
    shown = {"image/png": picture(gray), "text/plain": "<Figure>"}
    cell = new_code_cell("draw()", outputs=[new_output("display_data", shown)])
    cell.metadata["tags"] = ["hide-input"]
    cell.metadata["mystnb"] = {"figure": {"caption": caption, "name": name}}
    if alt is not None:
        cell.metadata["mystnb"]["image"] = {"alt": alt}
    return cell


def write(folder, cells, *, claims=(CLAIM,), library=None, reference=REFERENCE):
    """Put the sources of the book into a folder; ``library`` are modules by name."""
    book = folder / "book"
    for part in ("book", "tests", "proofs", "results", "paper_lib"):
        (folder / part).mkdir()
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    (book / "intro.md").write_text(INTRO, encoding="utf-8")
    (book / "reading_notes.md").write_text(NOTES, encoding="utf-8")
    (book / "claims.yml").write_text(yaml.safe_dump(list(claims)), encoding="utf-8")
    tests = "def test_one():\n    pass\n\n\ndef test_two():\n    pass\n"
    (folder / "tests" / "test_claim.py").write_text(tests, encoding="utf-8")
    for name, source in (LIBRARY | (library or {})).items():
        file = (folder / "paper_lib" / name).with_suffix(".py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{source}\n", encoding="utf-8")
    (book / "api.md").write_text(reference, encoding="utf-8")
    record = {"provenance": {"data": {"source": "embedded", "fingerprint": "f" * 64}}}
    (folder / "results" / "one.json").write_text(json.dumps(record), "utf-8")
    (folder / "results" / "two.json").write_text("{}", "utf-8")
    notebook = new_notebook(cells=list(cells))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
    nbformat.write(notebook, book / "page.ipynb")
    (book / "page.py").write_text("# %%\ndraw()\n", encoding="utf-8")
    return folder


def text(source):
    """A cell of text."""
    return new_markdown_cell(source)


def parameters(source):
    """The cell of parameters."""
    return new_code_cell(source, metadata={"tags": ["parameters"]})


def build(folder):
    """Build; return the pages' folder, the warnings, and whether it would fail."""
    out = folder / "_build" / "html"
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going"]
    done = subprocess.run(
        [*command, folder, out], capture_output=True, text=True, check=False
    )
    return out, done.stderr, done.returncode != 0


def built(folder, cells, **options):
    """Write and build; the text of the page, the warnings, whether it would fail."""
    out, warnings, failed = build(write(folder, cells, **options))
    return (out / "book" / "page.html").read_text("utf-8"), warnings, failed
