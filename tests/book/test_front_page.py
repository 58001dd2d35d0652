"""What came out, on one screen: sorted, written from the records, and not stale."""

import csv
import dataclasses
import json
import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

CLAIM = {
    "id": "lemma-9",
    "title": "Lemma 9",
    "where": "Section 9",
    "statement": "All is well.",
    "page": "lemma_1",
    "module": None,
    "test": "tests/book/test_front_page.py",
    "proof": None,
    "outcome": "holds",
    "note": "A note.",
}


@pytest.fixture(scope="module")
def texts(front_page, root):
    return front_page.written(root)


@pytest.fixture(scope="module")
def said(texts):
    """The numbers of a sentence, as they are read."""

    def numbers(name):
        found = re.findall(r"\d[\d,]*\.?\d*", texts.headlines[name])
        return [float(one.replace(",", "")) for one in found]

    return numbers


def records(root, pattern):
    """Stored records, read without the code that writes the sentences."""
    return [json.loads(p.read_text()) for p in sorted((root / "results").glob(pattern))]


# --- nothing is stale ------------------------------------------------------------


def test_what_is_stored_is_what_the_records_give(front_page, root):
    """One command mends it: python tools/front_page.py."""
    for path, text in front_page.files(root).items():
        assert path.read_text(encoding="utf-8") == text, path.name


def test_the_readme_has_its_part_in_one_place(front_page):
    begin, end = front_page.BEGIN, front_page.END
    new = front_page.with_block(f"a\n{begin}\nold\n{end}\nz", f"{begin}\nnew\n{end}")
    assert new == f"a\n{begin}\nnew\n{end}\nz"


@pytest.mark.bad_input
@pytest.mark.parametrize("readme", ["a", "{b}", "{b}{b}{e}", "{e}{b}"])
def test_a_readme_without_its_marks_is_refused(front_page, readme):
    text = readme.format(b=front_page.BEGIN, e=front_page.END)
    with pytest.raises(ValueError, match="the README must have"):
        front_page.with_block(text, "new")


def test_every_claim_is_named_once_and_leads_to_a_file(front_page, root, texts):
    block = front_page.readme_block(root, texts)
    claims = yaml.safe_load((root / "book" / "claims.yml").read_text())
    links = re.findall(r"\[([^\]]*)\]\(([^)]*)\)", block)
    assert sorted(title for title, _ in links) == sorted(c["title"] for c in claims)
    assert [path for _, path in links if not (root / path).is_file()] == []


# --- the groups ------------------------------------------------------------------


def claims_of(claims, *changes):
    return [claims.Claim(**CLAIM | change) for change in changes]


def test_claims_are_sorted_by_how_they_came_out(claims, came_out):
    outcomes = ["holds", "corrected", "holds", "not reproduced", "fails", "open"]
    some = claims_of(claims, *({"outcome": one} for one in outcomes), {"new": True})
    groups = came_out.groups(some)
    assert [(one.name, one.title, len(one.claims)) for one in groups] == [
        ("holds", "✓ 2 hold as stated", 2),
        ("corrected", "✎ 1 hold after a correction", 1),
        ("fails", "✗ 1 fail, ≠ 1 not reproduced", 2),
        ("open", "○ 1 open", 1),
        ("new", "★ 1 new here", 1),
    ]
    assert came_out.groups(some[-1:])[0].name == "new"


def test_claims_with_a_sentence_come_first(claims, came_out):
    some = claims_of(claims, {}, {"id": "b", "title": "B"}, {"id": "c", "title": "C"})
    links = came_out.Links(page=lambda c: f"<{c.page}>", row=lambda c: f"[{c.title}]")
    (group,) = came_out.groups(some)
    text = came_out.group_markdown(group, {"b": "seven"}, links)
    assert text.splitlines()[2:] == ["- <lemma_1>: seven.", "- Also [Lemma 9], [C]."]
    bare = came_out.group_markdown(group, {}, links)
    assert bare.splitlines()[2:] == ["- [Lemma 9], [B], [C]."]
    # Of two outcomes in one list each claim says which is its own.
    outcomes = (
        {"outcome": "fails"},
        {"id": "b", "title": "B", "outcome": "not reproduced"},
    )
    (group,) = came_out.groups(claims_of(claims, *outcomes))
    mixed = came_out.group_markdown(group, {"b": "seven"}, links)
    assert mixed.splitlines()[2:] == ["- ≠ <lemma_1>: seven.", "- Also ✗ [Lemma 9]."]


# --- the sentences, counted anew -------------------------------------------------


def test_each_headline_is_a_claim_with_figures(texts, root, said):
    claims = yaml.safe_load((root / "book" / "claims.yml").read_text())
    assert texts.headlines.keys() <= {claim["id"] for claim in claims}
    assert [name for name in texts.headlines if not said(name)] == []


def test_figures_of_table_1(said, root):
    with (root / "results" / "table1.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["choice"] == "declared after the study"
        ]
    found = []
    for attack in ("FGM", "PGD"):
        cells = [
            row
            for row in rows
            if (row["attack"], row["defense"]) == (attack, "SMOOTH")
            and row["accuracy"] == "approximate"
        ]
        assert len(cells) == 2
        found += [float(row[key]) for key in ("mean", "paper_mean") for row in cells]
    assert said("table-1") == pytest.approx(found, abs=0.05)


def test_figures_of_table_2_and_of_what_it_was_to_guarantee(said, root):
    chosen, gaps = [], []
    for one in records(root, "table2/mnist-0-1-*.json"):
        solver = one["config"]["solver"]
        of = {tuple(row[:3]): row[3] for row in one["score"]["rows"]}
        share = 100 / one["sizes"]["test"]
        promised = of["FGM", solver, "approximate"]
        gaps.append(share * (promised - of["PGD fixed-label", solver, "true"]))
        wide = one["config"]["train"]["hidden"] == 500
        if wide and solver == "ramp, raw rows":
            chosen.append(share * of["FGM", solver, "true"])
    assert said("table-2") == pytest.approx(
        [min(chosen), max(chosen), len(chosen), 95.6], abs=0.05
    )
    assert said("broader-impact") == pytest.approx(
        [min(gaps), max(gaps), len(gaps)], abs=0.5
    )


def test_figures_of_the_solvers(said, root):
    ascent, best = [], []
    for one in records(root, "defense/*mnist-?-?-*[0-9].json"):
        counts = {name: found["count"] for name, found in one["methods"].items()}
        ascent.append(100 * counts["ramp, raw rows"] / counts["search"])
        proven = min(found["count"] for found in one["bounds"].values())
        best.append(100 * counts["search"] / proven)
    for name, parts in (("ramp", ascent), ("certificate", best)):
        found = [min(parts), max(parts), len(parts)]
        assert said(name) == pytest.approx(found, abs=0.5)
    assert max(best) <= 100


def test_figures_of_the_assumption(said, root):
    game = lost = networks = 0
    for one in records(root, "assumption/agreement-*.json"):
        varied = one["config"]["curved"] and one["config"]["num_proofs"] == 8
        if varied:
            continue
        networks += 1
        reach = 2 * one["epsilon"]
        for margin, found in zip(one["margins"], one["found"], strict=True):
            if margin is not None and margin <= reach:
                game += 1
                lost += found is not None and found <= reach
    assert said("assumption") == [1.0, lost, game, networks, 2]


def test_comparisons_with_fgm(texts, said, root):
    tried = 0
    for one in records(root, "table1/*mnist-?-?-seed*.json"):
        others = [
            play for play in one["stronger_than_fgm"] if not play.startswith("FGM")
        ]
        tried += len(others) * one["sizes"]["test"]
        assert sum(one["stronger_than_fgm"].values()) == 0
    assert said("table-1-attack") == [tried]
    assert texts.headlines["table-1-attack"].endswith("no attack took more than FGM")


def test_figures_of_the_bounds(said, root):
    gaps, pairs = [], set()
    for one in records(root, "generalization/bounds-*.json"):
        assert one["config"]["confidence"] == 0.95
        pairs.add((one["config"]["dataset"], *one["config"]["classes"]))
        fit = one["sizes"][-1]["fits"]["compressed"]
        assert fit["bounds"]["Eq. (20)"]["value"] == 0
        gaps.append(100 * (fit["coverage"] - fit["bounds"]["compression"]["value"]))
    found = [95, min(gaps), max(gaps), len(pairs), len(gaps) / len(pairs), 0]
    assert said("sharper-bounds") == pytest.approx(found, abs=0.5)
    num, bound = said("equation-20")
    assert bound == pytest.approx(4 * (784 * math.log(num) / num) ** 0.5, abs=0.05)


def test_figures_of_the_theorems(said, root):
    claims = yaml.safe_load((root / "book" / "claims.yml").read_text())
    proved = [c for c in claims if c["proof"] and not c.get("new")]
    assert said("theorem-1") == [len(proved) - 1]
    code = "\n".join(path.read_text() for path in (root / "proofs").glob("*.v"))
    code = re.sub(r"\(\*.*?\*\)", "", code, flags=re.DOTALL)
    named = re.findall(r"^\s*(?:Theorem|Lemma|Corollary|Example)\s", code, re.MULTILINE)
    assert said("formal-proofs") == [len(named)]


def test_figures_of_curved_boundaries(said, root):
    gains, budgets = [], []
    for one in records(root, "assumption/agreement-*.json"):
        if one["config"]["num_proofs"] == 16:
            game = one["curved"][-1]
            assert game["epsilon"] == 0.1
            gains.append(max(game["attacker_gain"], game["defender_gain"]))
            budgets.append(one["epsilon"])
    figures = said("curved-boundaries")
    assert figures[:1] + figures[2:6] == [0.1, 2, 16, 20, 1]
    # No less than the mean, since the sentence says "at most".
    assert 0 <= figures[1] - sum(gains) / len(gains) < 0.01
    assert figures[6:] == pytest.approx([min(budgets), max(budgets)], abs=0.05)


# --- the picture -----------------------------------------------------------------


@pytest.fixture(scope="module")
def cells(front_page, root):
    return front_page.table_1_cells(root)


def test_the_picture_has_a_ring_and_a_dot_for_each_mean(front_page, cells):
    marks = "{http://www.w3.org/2000/svg}circle"
    drawn = list(ElementTree.fromstring(front_page.picture(cells)).iter(marks))
    places = [(float(one.get("cx")), float(one.get("cy"))) for one in drawn[2:]]
    assert len(cells) == 10
    assert len(places) == 20
    assert "here, 3 seeds<" in front_page.picture(cells)
    for number, cell in enumerate(cells):
        (ring, height), (dot, same) = places[2 * number : 2 * number + 2]
        assert height == same
        slope = (306 - 104) / 60
        assert dot - ring == pytest.approx(slope * (cell.here - cell.paper), abs=0.11)


@pytest.mark.bad_input
@pytest.mark.parametrize("mean", [39.9, 100.1])
def test_a_mean_outside_of_the_scale_is_refused(front_page, cells, mean):
    wrong = dataclasses.replace(cells[0], here=mean)
    with pytest.raises(ValueError, match=f"between 40 and 100, got {mean}"):
        front_page.picture([wrong])


def test_the_text_of_the_picture_says_each_difference(front_page, cells, texts):
    assert texts.alt == front_page.described(cells)
    assert len(re.findall(r"[+-]\d+\.\d", texts.alt)) == len(cells)
    level = dataclasses.replace(cells[0], here=cells[0].paper - 0.01)
    assert "no attack +0.0" in front_page.described([level])
