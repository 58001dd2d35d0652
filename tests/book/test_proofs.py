"""The proofs are checked; what lets an unproved statement pass is refused."""

import re
import shutil

import check_proofs
import pytest

needs_coq = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="coqc is not installed"
)
# Small enough to need nothing of Coq's library but its first page.
FIRST = """(* A comment (* in a comment *) that says Admitted. *)
Section Numbers.
Variable n : nat.
Hypothesis zero : n = 0.
Lemma still_zero : n + n = 0.
Proof. now rewrite zero. Qed.
End Numbers.
"""
SECOND = """Require Export first.
Theorem zero_twice : 0 + 0 = 0.
Proof. now apply still_zero. Qed.
"""


@pytest.fixture
def proofs(tmp_path):
    folder = tmp_path / "proofs"
    folder.mkdir()
    (folder / "first.v").write_text(FIRST)
    (folder / "second.v").write_text(SECOND)
    return folder


def run(folder, *options):
    build = folder.parent / "build"
    return check_proofs.main(["--proofs", str(folder), "--build", str(build), *options])


def texts(root):
    return {file.stem: file.read_text() for file in (root / "proofs").glob("*.v")}


def test_the_proofs_are_short(root):
    code = [
        line
        for text in texts(root).values()
        for line in check_proofs.without_comments(text).splitlines()
        if line.strip()
    ]
    assert 500 < len(code) < 800
    assert max(map(len, code)) <= 88


def test_the_text_of_the_proofs_assumes_nothing(root):
    files = texts(root)
    assert len(files) == 7
    assert [check_proofs.text_problems(*file) for file in files.items()] == [[]] * 7


def test_every_statement_has_one_name(root):
    names = [
        name
        for text in texts(root).values()
        for name in check_proofs.NAMED.findall(check_proofs.without_comments(text))
    ]
    assert len(names) > 100
    assert len(names) == len(set(names))
    expected = {"lemma_1", "lemma_2", "corollary_2_1", "lemma_3", "theorem_1"}
    assert expected <= set(names)


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("Axiom wrong : 0 = 1.", "Axiom is not allowed"),
        ("Parameter c : nat.", "Parameter is not allowed"),
        ("Conjecture wrong : 0 = 1.", "Conjecture is not allowed"),
        ("Hypothesis wrong : 0 = 1.", "Hypothesis outside a section"),
        ("Variable c : nat.", "Variable outside a section"),
        ("Context (c : nat).", "Context outside a section"),
        ("Lemma wrong : 0 = 1.\nProof. Admitted.", "Admitted is not allowed"),
        ("Lemma wrong : 0 = 1.\nProof. admit. Admitted.", "admit is not allowed"),
        ("#[bypass_check(guard)] Fixpoint f (n : nat) := f n.", "bypass_check is not"),
        ("Unset Guard Checking.", "Unset is not allowed"),
    ],
)
def test_each_way_around_a_proof_is_refused(
    added, problem, proofs, capsys, monkeypatch
):
    # The text alone betrays it; a coqc that accepts everything stands in for Coq.
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/true")
    (proofs / "first.v").write_text(f"{FIRST}{added}\n")
    assert run(proofs) == 1
    assert problem in capsys.readouterr().err


def test_a_hypothesis_after_its_section_is_refused():
    assert check_proofs.text_problems("a.v", FIRST) == []
    moved = FIRST.replace("End Numbers.\n", "") + "End Numbers.\nVariable late : nat.\n"
    assert check_proofs.text_problems("a.v", moved) == [
        "a.v:8: Variable outside a section"
    ]


def test_a_comment_that_is_not_closed_is_refused():
    with pytest.raises(check_proofs.ProofError, match="not closed"):
        check_proofs.without_comments("(* (* *) Axiom wrong : 0 = 1.")


def test_files_come_after_those_they_require(root):
    order = check_proofs.in_order({"b": "Require Import a.\n", "c": "", "a": ""})
    assert order.index("a") < order.index("b")
    assert set(order) == {"a", "b", "c"}
    assert check_proofs.in_order(texts(root))[0] == "inner_product"


def test_axioms_are_read():
    answer = "Axioms:\nA.b : forall x,\n  x = x\nC.long_name\n  : nat\n"
    assert check_proofs.axioms_in(answer) == ["A.b", "C.long_name"]
    assert check_proofs.axioms_in("Closed under the global context\n") == []
    with pytest.raises(check_proofs.ProofError, match="cannot be read"):
        check_proofs.axioms_in("Fetching opaque proofs from disk")


@pytest.mark.parametrize(("options", "status"), [((), 3), (("--if-present",), 0)])
def test_without_coq_the_status_says_so(options, status, proofs, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert run(proofs, *options) == status
    assert "apt-get install coq" in capsys.readouterr().err
    assert not (proofs.parent / "build").exists()


@needs_coq
def test_sound_proofs_pass_and_nothing_is_written_beside_them(proofs, capsys):
    assert run(proofs) == 0
    printed = capsys.readouterr().out
    assert "2 definitions and statements" in printed
    assert "(none)" in printed
    assert sorted(file.name for file in proofs.iterdir()) == ["first.v", "second.v"]


@needs_coq
def test_a_wrong_proof_is_refused(proofs, capsys):
    (proofs / "second.v").write_text(SECOND.replace("0 + 0 = 0", "0 + 1 = 0"))
    assert run(proofs) == 1
    assert "second.v: Coq refuses it" in capsys.readouterr().err


@needs_coq
def test_coq_itself_names_what_the_text_check_would_miss(proofs, capsys, monkeypatch):
    monkeypatch.setattr(check_proofs, "UNPROVED", re.compile("never written"))
    (proofs / "first.v").write_text(f"{FIRST}Lemma wrong : 0 = 1.\nAdmitted.\n")
    assert run(proofs) == 1
    assert "axioms that are not allowed: first.wrong" in capsys.readouterr().err


@needs_coq
def test_an_axiom_of_the_library_has_to_be_on_the_list(proofs, capsys, monkeypatch):
    used = "From Coq Require Import Classical_Prop.\nDefinition middle := classic.\n"
    (proofs / "second.v").write_text(used)
    assert run(proofs) == 0
    assert "Classical_Prop.classic" in capsys.readouterr().out
    monkeypatch.setattr(check_proofs, "ALLOWED_AXIOMS", frozenset())
    assert run(proofs) == 1
    assert "not allowed: Classical_Prop.classic" in capsys.readouterr().err


@needs_coq
@pytest.mark.slow
def test_the_proofs_stand(root, tmp_path, capsys):
    build = tmp_path / "build"
    assert check_proofs.main(["--build", str(build)]) == 0
    printed = capsys.readouterr().out
    assert (
        set(re.findall(r"^  (\S+)$", printed, re.MULTILINE))
        <= check_proofs.ALLOWED_AXIOMS
    )
    assert printed.count(".v: checked in") == 7


@pytest.fixture(scope="module")
def statements(root, formal_statements):
    return formal_statements.read_statements(root / "proofs")


@pytest.fixture(scope="module")
def page(root):
    return (root / "book" / "machine_checked_proofs.md").read_text()


def shown_in(text):
    """The names of a page that the directive shows and that the role mentions."""
    blocks = re.findall(r"```\{coq\} (.*)", text)
    return {name for block in blocks for name in block.split()}, set(
        re.findall(r"\{coq\}`(\w+)`", text)
    )


def test_every_statement_of_the_files_is_read(root, statements):
    named = {
        name
        for text in texts(root).values()
        for name in check_proofs.NAMED.findall(check_proofs.without_comments(text))
    }
    assert named < set(statements)
    others = {statements[name].kind for name in set(statements) - named}
    assert others == {"Record", "Notation"}


def test_a_statement_is_what_the_file_says(root, statements):
    for one in statements.values():
        text = (root / "proofs" / f"{one.file}.v").read_text()
        assert all(part in text for part in (one.comment, one.text, one.proof))
        assert all(line in text for line in one.assumed)
        assert (one.kind in ("Record", "Notation")) <= (one.proof == "")
        assert one.text.endswith(".")


def test_what_a_section_assumes_is_shown_with_its_theorems(
    statements, formal_statements
):
    one = statements["implication_1"]
    shown = formal_statements.statements_markdown([one])
    assert "Hypothesis unit_length : norm e = 1." in shown
    assert shown.index("Hypothesis positive") < shown.index("Theorem implication_1")
    assert shown.index("```\n\nFrom") < shown.index("intros measured")
    assert "game" not in statements["implication_1"].assumed[0]
    assert "Hypothesis" not in formal_statements.statements_markdown(
        [statements["lemma_2"]]
    )


def test_of_a_definition_the_body_is_shown(statements, formal_statements):
    shown = formal_statements.statements_markdown([statements["pure"]])
    assert "measures := fun _ => True" in shown
    assert "dropdown" not in shown


def test_each_definition_stands_beside_the_papers(statements, page):
    table = page[page.index("(formal-definitions)=") : page.index("## What is left")]
    rows = re.findall(r"^\| (\{coq\}.*?) \|", table, re.MULTILINE)
    compared = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    kinds = ("Definition", "Fixpoint", "Notation", "Record")
    defined = {one.name for one in statements.values() if one.kind in kinds}
    assert sorted(compared) == sorted(defined)


def test_each_theorem_and_control_is_on_the_page(statements, page):
    shown, mentioned = shown_in(page)
    kinds = ("Theorem", "Corollary", "Example")
    theorems = {one.name for one in statements.values() if one.kind in kinds}
    assert theorems <= shown | mentioned
    assert shown | mentioned <= set(statements)


def test_each_lemmas_page_shows_its_statement(root, statements):
    expected = {
        "lemma_1": {"lemma_1"},
        "lemma_2": {"lemma_2", "corollary_2_1"},
        "lemma_3": {"lemma_3"},
        "theorem_1": {"theorem_1", "implication_1", "implication_2", "implication_3"},
    }
    for name, theorems in expected.items():
        shown, _ = shown_in((root / "book" / f"{name}.py").read_text())
        assert theorems <= shown <= set(statements)
