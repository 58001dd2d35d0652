"""The errata: what they say was said was said, and the named commit took it out."""

import re

import checkout
import pytest

ENTRY = re.compile(
    r"^### (?P<title>.+?)\n.*?^:Said: \"(?P<said>.+?)\"\n:Right: (?P<right>.+?)\n"
    r":Corrected: (?P<day>\S+), commit `(?P<commit>\w{12})`$",
    re.MULTILINE | re.DOTALL,
)
PAGES = ("book/*.md", "book/*.py", "book/claims.yml")


def words(text):
    """The words of a page, however its lines are broken."""
    return " ".join(re.sub(r"^# ?", "", text, flags=re.MULTILINE).split())


@pytest.fixture(scope="module")
def errata(root):
    text = (root / "book" / "errata.md").read_text("utf-8")
    entries = list(ENTRY.finditer(text))
    assert len(entries) == text.count("\n### ") >= 9, "each has all four fields"
    return entries


def removed(root, commit):
    """The words that a commit took out of the pages, file by file."""
    shown = checkout.ask_git(root, "show", "--format=", commit, "--", *PAGES)
    for file in shown.split("\ndiff --git "):
        lines = re.findall(r"^-(?!--)(.*)$", file, flags=re.MULTILINE)
        yield words("\n".join(lines))


def test_what_was_said_is_what_the_commit_took_out(errata, root):
    shallow = checkout.ask_git(root, "rev-parse", "--is-shallow-repository")
    if not checkout.describe(root, ("book",)) or shallow != "false":
        pytest.skip("no checkout with its history")
    for entry in errata:
        commit = entry["commit"]
        day = checkout.ask_git(
            root, "log", "-1", "--format=%ad", "--date=short", commit
        )
        assert day == entry["day"], commit
        ancestor = checkout.ask_git(root, "merge-base", "--is-ancestor", commit, "HEAD")
        assert ancestor is not None, f"{commit} is no part of this history"
        assert any(words(entry["said"]) in text for text in removed(root, commit)), (
            entry["title"]
        )


def test_nothing_of_it_is_still_said(errata, root):
    others = [
        file
        for pattern in PAGES
        for file in root.glob(pattern)
        if file.name != "errata.md"
    ]
    text = words(" ".join(file.read_text("utf-8") for file in others))
    for entry in errata:
        if entry["said"] != "outcome: holds":
            assert words(entry["said"]) not in text, entry["title"]


def test_the_outcomes_are_no_longer_what_was_said(errata, root, claims):
    entries = claims.read_entries(root / "book" / "claims.yml")
    outcomes = {entry["id"]: entry["outcome"] for entry in entries}
    changed = [e for e in errata if e["said"] == "outcome: holds"]
    named = [re.search(r"\(#claim-([\w-]+)\)", e.group()).group(1) for e in changed]
    assert len(named) == 4
    for name, entry in zip(named, changed, strict=True):
        assert f"The outcome is *{outcomes[name]}*." in entry["right"]
        assert outcomes[name] != "holds"
