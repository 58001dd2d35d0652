"""The ledger of claims: complete, and true of the tree it is in."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

# Everything in the paper that carries a number, by the ledger's ids.
NUMBERED = {
    "definition-1",
    "lemma-1",
    "lemma-2",
    "corollary-2-1",
    "lemma-3",
    "theorem-1",
    "implication-1",
    "implication-2",
    "implication-3",
    "table-1",
    "table-2",
    "table-3",
    "figure-1",
    "figure-2",
    "figure-3",
    "figure-4",
}
# Claims without a number of their own that a reader would look for.
UNNUMBERED = {
    "assumption",
    "point-mass",
    "equation-7",
    "one-and-two-samples",
    "ramp",
    "table-1-attack",
    "table-1-other-side",
    "table-1-defense",
    "pgd-against-fgm",
    "mcdiarmid",
    "equation-11",
    "equation-12",
    "equation-18",
    "regions",
    "equation-20",
    "rate",
    "broader-impact",
}
# Claims of this book that the paper does not make.
NEW = {"certificate", "curved-boundaries", "formal-proofs", "sharper-bounds"}

SOUND = {
    "id": "lemma-9",
    "title": "Lemma 9",
    "where": "Section 9",
    "statement": "All is well.",
    "page": "intro",
    "module": "paper_lib.geometry",
    "test": "tests/book/test_book_claims.py::test_sound_entry_passes",
    "proof": "lemma_1 lemma_2",
    "outcome": "holds",
    "note": None,
}


@pytest.fixture(scope="module")
def entries(root, claims):
    return claims.read_entries(root / "book" / "claims.yml")


@pytest.fixture(scope="module")
def pages(root):
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"], *(c["file"] for p in toc["parts"] for c in p["chapters"])]
    return {Path(file).name for file in files}


def test_every_numbered_claim_is_in_the_ledger(entries):
    assert {entry["id"] for entry in entries} == NUMBERED | UNNUMBERED | NEW
    assert {entry["id"] for entry in entries if entry.get("new")} == NEW


def test_ledger_is_sound(entries, pages, root, claims):
    assert claims.ledger_problems(entries, pages, root) == []


def test_modules_import_or_the_claim_is_open(entries):
    for entry in entries:
        if entry["module"] and entry["outcome"] != "open":
            importlib.import_module(entry["module"])


def test_no_text_promises_what_is_not_there(root):
    promises = re.compile(r"\b(later page|planned|not yet|will (report|measure))\b")
    pages = [
        path for kind in ("md", "py") for path in (root / "book").glob(f"*.{kind}")
    ]
    texts = [*pages, root / "book" / "claims.yml"]
    assert len(texts) > 15
    found = {path.name: promises.search(path.read_text()) for path in texts}
    assert [name for name, promise in found.items() if promise] == []


def test_sound_entry_passes(pages, root, claims):
    assert claims.ledger_problems([SOUND], pages, root) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"outcome": "perhaps"}, "none of holds"),
        ({"page": "nowhere"}, "no page 'nowhere'"),
        ({"page": None}, "needs a page and a test"),
        ({"test": None}, "needs a page and a test"),
        ({"outcome": "fails"}, "needs a note"),
        ({"test": "tests/book/test_gone.py"}, "no test file"),
        ({"test": "README.md"}, "no test file"),
        ({"test": "tests/book/test_book_claims.py::test_gone"}, "no test 'test_gone'"),
        ({"module": "torch.nn"}, "no module of paper_lib"),
        ({"proof": "lemma_1 lemma_9"}, "no theorem lemma_9"),
        ({"proof": "robust_set"}, "no theorem robust_set"),
        ({"statement": ""}, "'statement' is empty"),
        ({"note": 3}, "'note' is no text"),
        ({"color": "red"}, "unknown or missing: color"),
        ({"short": "x" * 101}, "'short' is not one line of 1 to 100 characters"),
        ({"short": "two\nlines"}, "'short' is not one line"),
        ({"short": " "}, "'short' is not one line"),
        ({"short": 3}, "'short' is no text"),
        ({"new": "yes"}, "'new' is neither true nor false"),
    ],
)
def test_each_mistake_is_found(change, problem, pages, root, claims):
    problems = claims.ledger_problems([SOUND | change], pages, root)
    assert len(problems) == 1
    assert problems[0].startswith("lemma-9: ")
    assert problem in problems[0]


def test_missing_keys_and_repeated_ids_are_found(pages, root, claims):
    short = {key: SOUND[key] for key in ("id", "title")}
    assert "missing" in claims.ledger_problems([short], pages, root)[0]
    twice = claims.ledger_problems([SOUND, SOUND], pages, root)
    assert twice == ["lemma-9: id used twice"]
    assert claims.ledger_problems(["x"], pages, root) == ["entry 1: no mapping"]


def test_the_short_line_may_be_left_out(pages, root, claims):
    written = SOUND | {"short": "x" * 100}
    assert claims.ledger_problems([written], pages, root) == []
    assert claims.Claim(**written).line == "x" * 100
    long = SOUND | {"statement": "All is\n  well.\n"}
    assert claims.Claim(**long).line == "All is well."


def test_each_outcome_is_a_mark_and_a_word_of_its_own(claims):
    badges = [
        claims.Claim(**SOUND | {"outcome": outcome}).badge
        for outcome in claims.OUTCOMES
    ]
    marks = [badge.split("`")[1].split(" ", 1) for badge in badges]
    assert [word for _, word in marks] == list(claims.OUTCOMES)
    assert len({mark for mark, _ in marks}) == len(badges)


def test_only_sound_claims_are_kept(pages, root, claims):
    entries = [SOUND, "x", SOUND | {"page": "nowhere"}]
    assert [c.id for c in claims.sound_claims(entries, pages, root)] == ["lemma-9"]


def test_the_ledger_has_an_entry_for_each_claim_outcome_first(claims, claims_ledger):
    entries = [claims.Claim(**SOUND), claims.Claim(**SOUND, new=True)]
    text = claims_ledger.ledger_markdown(entries)
    assert text.startswith("2 claims, 1 of them new here: 2 holds.")
    assert text.count("(claim-lemma-9)=\n{bdg-success}`✓ holds` **Lemma 9**") == 1
    assert "`✓ holds` {bdg-primary}`★ new here` **Lemma 9**" in text
    assert "{doc}`/book/intro`" in text
    assert "</tests/book/test_book_claims.py>" in text
    assert "Coq: {coq}`lemma_1`, {coq}`lemma_2`" in text
    assert "{list-table}" not in text
