"""Version, commit and license at the foot of each page, from what was checked out."""

import re
import shutil
import subprocess

import checkout
import pytest

from tests.book import small_book
from tests.book.small_book import FOOT, HEAD, text

COMMIT = "0123456789abcdef" * 2 + "01234567"
EDITION = re.compile(r'<p class="edition">(.*?)</p>')


def git(folder, *words):
    named = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *named, *words], check=True)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout of one commit, with a page and a file that no build reads."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2031-02-03T12:00:00+0000")
    root = tmp_path / "project"
    (root / "book").mkdir(parents=True)
    (root / "book" / "intro.md").write_text("# A\n")
    (root / "README.md").write_text("A\n")
    (root / ".gitignore").write_text("*.tmp\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "one")
    return root


def described(root):
    return checkout.describe(root, ("book", "gone"))


# --- what is checked out -----------------------------------------------------------


def test_a_clean_checkout_is_its_commit(project):
    found = described(project)
    assert re.fullmatch("[0-9a-f]{40}", found["commit"])
    assert found["changes"] is False
    assert found["date"] == "2031-02-03"
    git(project, "commit", "--quiet", "--allow-empty", "--message", "two")
    assert described(project)["commit"] != found["commit"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("book/intro.md", True),
        ("book/new.md", True),
        ("book/new.tmp", False),
        ("README.md", False),
    ],
)
def test_only_changes_of_what_a_build_reads_are_told(project, name, changes):
    (project / name).write_text("B\n")
    assert described(project)["changes"] is changes


def test_a_file_that_is_gone_is_a_change(project):
    (project / "book" / "intro.md").unlink()
    assert described(project)["changes"] is True


def test_an_archive_inside_another_checkout_has_no_commit(project):
    inner = project / "book"
    assert described(inner) == {}
    shutil.rmtree(project / ".git")
    assert described(project) == {}


def test_without_git_there_is_no_commit(project, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert described(project) == {}


def test_a_hook_of_another_repository_is_not_asked(project, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    assert described(project)["changes"] is False


def test_a_copy_keeps_what_is_known_of_the_checkout(project, build_book, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    build_book.copy_sources(project, first)
    build_book.copy_sources(first, second)
    said = [(folder / checkout.FILE).read_text() for folder in (first, second)]
    assert said[0] == said[1]
    assert described(project)["commit"] in said[0]
    assert not (project / checkout.FILE).exists()


# --- what a page says --------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "Version 0.1.0."),
        ({"commit": COMMIT}, "Version 0.1.0, commit <code>0123456789ab</code>."),
        (
            {"commit": COMMIT, "changes": True},
            "Version 0.1.0, commit <code>0123456789ab</code> with changes.",
        ),
    ],
)
def test_each_page_says_its_edition(facts, said, tmp_path, root):
    small_book.write(tmp_path, [text(HEAD), text(FOOT)])
    checkout.write(tmp_path, facts)
    out, warnings, failed = small_book.build(tmp_path)
    assert (warnings, failed) == ("", False)
    version = re.search(
        r'^version = "(.*)"', (root / "pyproject.toml").read_text(), re.M
    )
    link = '<a href="{}LICENSE.txt">MIT license</a>'
    for page, up in (("book/page.html", "../"), ("genindex.html", "")):
        (found,) = EDITION.findall((out / page).read_text("utf-8"))
        expected = said.replace("0.1.0", version.group(1))
        assert found == f"{expected} {link.format(up)}."
    assert (out / "LICENSE.txt").read_bytes() == (root / "LICENSE").read_bytes()
