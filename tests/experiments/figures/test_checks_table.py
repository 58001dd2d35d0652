"""The table of checks: marks and words, and nothing that differs between runs."""

import re

from IPython.core.formatters import DisplayFormatter

from experiments.figures.checks_table import Check, ChecksTable

ROW = {
    "what": "$a < b$",
    "cases": 1200,
    "figure": "0.02",
    "holds": True,
    "test": "tests/folder/test_file.py::test_name",
}


def table_with(*verdicts):
    return ChecksTable(Check(**ROW | {"holds": verdict}) for verdict in verdicts)


def test_each_verdict_is_a_mark_and_a_word():
    lines = table_with(True, False, None)._repr_markdown_().splitlines()
    assert lines[0].startswith("| what was checked | cases | result | verdict |")
    assert lines[2:] == [
        "| $a < b$ | 1,200 | 0.02 | ✓ holds | `test_name` |",
        "| $a < b$ | 1,200 | 0.02 | ✗ fails | `test_name` |",
        "| $a < b$ | — | — | — not applicable | `test_name` |",
    ]


def test_a_notebook_stores_markdown_and_a_text_that_says_all():
    """Nbval compares both: neither may hold an address or a time."""
    data, _ = DisplayFormatter().format(table_with(True, False))
    assert set(data) == {"text/markdown", "text/plain"}
    again, _ = DisplayFormatter().format(table_with(True, False))
    assert data == again
    plain = data["text/plain"].splitlines()
    assert [line.split(":")[0] for line in plain] == ["✓ holds", "✗ fails"]
    assert all(f"; result 0.02; {ROW['test']})" in line for line in plain)
    assert not re.search(r"0x[0-9a-f]+|object at", data["text/plain"])
    other, _ = DisplayFormatter().format(table_with(True, True))
    assert other["text/plain"] != data["text/plain"]
    assert other["text/markdown"] != data["text/markdown"]


def test_without_a_verdict_there_need_be_no_case():
    assert Check(**ROW | {"holds": None, "cases": 0}).verdict == "— not applicable"
