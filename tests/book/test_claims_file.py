"""``claims.json``: what it says is what is there, and what was changed is found."""

import hashlib
import json

import checkout
import pytest
import yaml

from tests.book import small_book
from tests.book.conftest import ROOT, load
from tests.book.small_book import CLAIM, FOOT, HEAD, TEST, text

COMMIT = "0123456789abcdef" * 2 + "01234567"
OF_INTRO = CLAIM | {
    "id": "new",
    "title": "A thing",
    "page": "intro",
    "new": True,
    "short": None,
    "proof": None,
}
PATTERNS = "results/*.json tests/*.py"


@pytest.fixture(scope="module")
def checking():
    return load(ROOT / "tools" / "check_claims.py")


@pytest.fixture
def book(tmp_path):
    """The sources, the built file, and what it holds."""
    foot = FOOT.replace("page-footer}", f"page-footer}}\n:records: {PATTERNS}")
    cells = [text(HEAD), text(foot)]
    small_book.write(tmp_path, cells, claims=[CLAIM, OF_INTRO])
    checkout.write(tmp_path, {"commit": COMMIT, "changes": False})
    out, warnings, failed = small_book.build(tmp_path)
    assert (warnings, failed) == ("", False)
    return tmp_path, out / "claims.json"


def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_file_says_what_is_there(book, checking):
    folder, file = book
    data = read(file)
    assert data["schema"] == checking.SCHEMA == "paper-lib/claims/1"
    assert (data["commit"], data["changes"]) == (COMMIT, False)
    assert f'version = "{data["version"]}"' in (ROOT / "pyproject.toml").read_text()
    expected = {
        path: hashlib.sha256((folder / path).read_bytes()).hexdigest()
        for path in ("results/one.json", "results/two.json", "tests/test_claim.py")
    }
    assert data["records"] == expected
    lemma, new = data["claims"]
    assert [part["files"] for part in lemma["records"]] == PATTERNS.split()
    assert [part["count"] for part in lemma["records"]] == [2, 1]
    assert new["records"] == [], "its page names none"
    del lemma["records"], new["records"]
    assert lemma == {
        "id": "lemma-1",
        "title": "Lemma 1",
        "place": "Section 3",
        "of_the_paper": True,
        "statement": "A statement.",
        "outcome": "holds",
        "line": "nothing was found against it",
        "page": "book/page.html",
        "module": "paper_lib.robust_sets",
        "tests": [TEST],
        "proofs": [],
    }
    assert (new["of_the_paper"], new["line"]) == (False, "A statement.")
    assert (file.parent / lemma["page"]).is_file()


def test_what_was_changed_is_found(book, checking, capsys):
    folder, file = book
    assert checking.main([str(file)], folder) == 0
    assert capsys.readouterr().out == "3 records, 0 differences\n"
    record = folder / "results" / "one.json"
    record.write_text(record.read_text().replace("f", "e", 1))
    assert checking.main([str(file)], folder) == 1
    found = capsys.readouterr().out.splitlines()
    assert found == [
        "results/one.json: differs",
        "lemma-1: rests on other records in results/*.json",
        "3 records, 2 differences",
    ]
    record.unlink()
    assert checking.differences(read(file), folder)[0] == "results/one.json: gone"


def test_a_record_that_was_added_is_found(book, checking):
    folder, file = book
    (folder / "results" / "three.json").write_text("{}")
    found = checking.differences(read(file), folder)
    assert found == ["lemma-1: rests on other records in results/*.json"]


def test_a_file_whose_checksum_was_changed_too_is_found(book, checking):
    """Who changes a record and its checksum alone leaves that of all records."""
    folder, file = book
    record = folder / "results" / "one.json"
    record.write_text("{}")
    data = read(file)
    digest = hashlib.sha256(record.read_bytes()).hexdigest()
    data["records"]["results/one.json"] = digest
    found = checking.differences(data, folder)
    assert found == ["lemma-1: rests on other records in results/*.json"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Expecting value"),
        ("[]", "not of the schema paper-lib/claims/1"),
        ('{"schema": "paper-lib/claims/0"}', "not of the schema paper-lib/claims/1"),
        (None, "No such file"),
    ],
)
def test_what_is_no_such_file_is_refused(content, said, tmp_path, checking, capsys):
    file = tmp_path / "claims.json"
    if content is not None:
        file.write_text(content)
    assert checking.main([str(file)], tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: no claims to compare: ")
    assert said in error
    assert checking.main([], tmp_path) == 2
    assert "one file is needed, got 0" in capsys.readouterr().err


PART = {"files": "results/*.json", "count": 0, "sha256": "x"}


def with_part(**changes):
    """A file's claims, with one pattern of records."""
    return {"claims": [{"id": "one", "records": [PART | changes]}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"records": None}, "records must hold a checksum for each path"),
        ({"records": ["a"]}, "records must hold a checksum for each path"),
        ({"records": {"a": 1}}, "records must hold a checksum for each path"),
        ({"records": {"/etc/passwd": "x"}}, "'/etc/passwd' must be a path below"),
        ({"records": {"results/../../a": "x"}}, "'results/../../a' must be a path"),
        ({"claims": None}, "claims must each hold an id and records"),
        ({"claims": ["one"]}, "claims must each hold an id and records"),
        ({"claims": [{"records": []}]}, "claims must each hold an id and records"),
        ({"claims": [{"id": "one"}]}, "claims must each hold an id and records"),
        (with_part(count="1"), "with files, count and sha256"),
        (with_part(sha256=None), "with files, count and sha256"),
        (with_part(files=["a"]), "with files, count and sha256"),
        (with_part(files="/etc/*"), "'/etc/*' must be a path below the project"),
        (with_part(files=""), "'' must be a path below the project"),
        (with_part(files="../*"), "'../*' must be a path below the project"),
        (with_part(files="results"), "Is a directory"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    changes, said, tmp_path, checking, capsys
):
    (tmp_path / "results").mkdir()
    file = tmp_path / "claims.json"
    data = {"schema": checking.SCHEMA, "records": {}, "claims": []} | changes
    file.write_text(json.dumps(data))
    assert checking.main([str(file)], tmp_path) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert output.err.startswith("error: no claims to compare: ")
    assert said in output.err


def test_the_published_book_has_every_claim_and_this_checkouts_records(html, checking):
    data = read(html / "claims.json")
    entries = yaml.safe_load((ROOT / "book" / "claims.yml").read_text("utf-8"))
    assert [one["id"] for one in data["claims"]] == [one["id"] for one in entries]
    assert checking.differences(data, ROOT) == []
    resting = {claim["page"] for claim in data["claims"] if claim["records"]}
    assert {"book/all_pairs.html", "book/sharper_bounds.html"} <= resting
    assert sum(path.startswith("results/table1/") for path in data["records"]) >= 450
    for claim in data["claims"]:
        assert (html / claim["page"]).is_file()
