"""One sentence with its figures for each claim that the front page puts first.

Each is written from stored records, from the ledger or from the proofs, so that no
figure on the front page is typed. ``HEADLINES`` says which claims these are, and
``front_page.py`` writes them where the book and the README take them from.
"""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import mean

from experiments.assumption.agreement_runs import AgreementResult, AgreementRun
from experiments.assumption.linearity_plans import agreement_plan, declared_plan
from experiments.assumption.linearity_summary import found_in_game
from experiments.figures.markdown import span
from experiments.store.record_files import load_record
from experiments.sweep.resume import load_or_compute
from experiments.tables.paper_numbers import PAPER_TABLE_2
from experiments.tables.summary import DECLARED_AFTER
from experiments.tables.table_2 import PairConfig, load_table_2

# The ledger and the proofs are read by the code that shows them in the book.
EXTENSIONS = Path(__file__).resolve().parent.parent / "book" / "_ext"
sys.path.insert(0, str(EXTENSIONS))

from claims import Claim  # noqa: E402
from formal_statements import FOLDER, STATEMENTS, read_statements  # noqa: E402

Entries = Sequence[Claim]
# Utilities are between -1 and 1.
LARGEST_GAIN = 2.0
NAMES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}


@dataclass(frozen=True, kw_only=True)
class TableCell:
    """A cell of Table 1 under the choice that the study declared, on fresh seeds.

    Attributes:
        dataset: The data set's name.
        attack: ``"none"``, ``"FGM"`` or ``"PGD"``.
        defense: ``"none"`` or ``"SMOOTH"``.
        paper: The paper's mean, in percent.
        here: The mean here, in percent.
        seeds: Over how many seeds of training.
    """

    dataset: str
    attack: str
    defense: str
    paper: float
    here: float
    seeds: int


def table_1_cells(root: Path) -> list[TableCell]:
    """Read the cells that the paper has from the stored table.

    Args:
        root: The project.

    Returns:
        Ten cells, in the order of the table.
    """
    with (root / "results" / "table1.csv").open(newline="", encoding="utf-8") as file:
        return [
            TableCell(
                dataset=row["dataset"],
                attack=row["attack"],
                defense=row["defense"],
                paper=float(row["paper_mean"]),
                here=float(row["mean"]),
                seeds=int(row["seeds"]),
            )
            for row in csv.DictReader(file)
            if row["choice"] == DECLARED_AFTER and row["paper_mean"]
        ]


def _read(root: Path, pattern: str) -> list[dict]:
    """Read stored records as they are.

    Args:
        root: The project.
        pattern: Which, below ``results``.

    Returns:
        The records, by name.
    """
    files = sorted((root / "results").glob(pattern))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


# Each takes the project's folder and the ledger, and returns the sentence.

# --- what holds ------------------------------------------------------------------


def theorem_1(root: Path, claims: Entries) -> str:
    """Say what it is about and which claims Coq has checked."""
    proved = sum(bool(claim.proof) and not claim.new for claim in claims)
    return (
        "for every classifier and data set, in the game scored with tangents; "
        f"Coq checked it and {proved - 1} more claims"
    )


def table_1_attack(root: Path, claims: Entries) -> str:
    """Count the comparisons in which another attack did better than FGM."""
    tried = better = 0
    for record in _read(root, "table1/*mnist-?-?-seed*.json"):
        for play, stronger in record["stronger_than_fgm"].items():
            if not play.startswith("FGM, "):
                tried += record["sizes"]["test"]
                better += stronger
    return (
        f"in {tried:,} comparisons, each at a test point, {better or 'no'} attack took "
        "more than FGM"
    )


# --- what holds after a correction -----------------------------------------------


def ramp(root: Path, claims: Entries) -> str:
    """Compare the paper's ascent with the best search."""
    found = [one["methods"] for one in _comparisons(root)]
    parts = [
        100 * one["ramp, raw rows"]["count"] / one["search"]["count"] for one in found
    ]
    return (
        f"the paper's ascent covers {span(parts)}% of what the best search covers, "
        f"on {len(parts)} instances"
    )


def _comparisons(root: Path) -> list[dict]:
    """Read the stored comparisons of solvers.

    Args:
        root: The project.

    Returns:
        The records, without those of paths over many budgets.
    """
    return [one for one in _read(root, "defense/*.json") if "methods" in one]


def equation_20(root: Path, claims: Entries) -> str:
    """Evaluate the paper's bound for MNIST 0 against 1."""
    (record,) = _read(root, "generalization/reuse-mnist-0-1-seed0-*.json")
    bound = record["fits"]["ramp"]["bounds"]["Eq. (20)"]["terms"]["complexity"]
    verdict = "says nothing" if bound >= 1.0 else "says something"
    return (
        f"at {record['num']:,} images the bound on a difference of two shares is "
        f"{bound:.1f}, which {verdict}"
    )


# --- what fails or was not reproduced --------------------------------------------


def table_1(root: Path, claims: Entries) -> str:
    """Set the two plays with SMOOTH beside the paper's."""
    cells = [one for one in table_1_cells(root) if one.defense == "SMOOTH"]
    plays = []
    for attack in ("FGM", "PGD"):
        both = [one for one in cells if one.attack == attack]
        here, paper = (
            " and ".join(f"{mean:.1f}" for mean in means)
            for means in zip(*((one.here, one.paper) for one in both), strict=True)
        )
        plays.append(f"{attack} with SMOOTH {here}% (paper: {paper}%)")
    return f"{'; '.join(plays)}, on {' and '.join(NAMES.values())}"


def table_2(root: Path, claims: Entries) -> str:
    """Set the true accuracy under FGM with SMOOTH beside the paper's."""
    chosen = next(iter(load_table_2(root / "results" / "table2").values()))
    here = []
    for one in chosen:
        (solver,) = one.score.defenses
        here.append(one.score.cells["FGM", solver, "true"].percent)
    return (
        f"FGM with SMOOTH, scored with $f$: {span(here, '.1f')}% over {len(here)} "
        f"seeds (paper: {PAPER_TABLE_2['FGM', 'SMOOTH', 'true']:.1f}%)"
    )


def assumption(root: Path, claims: Entries) -> str:
    """Count the points in the game at which the tangent fails."""
    networks = _agreement(root, agreement_plan()) + _agreement(root, declared_plan())
    found = found_in_game(networks)
    return (
        f"at Table 1's budgets $f$ and its tangent differ in sign within reach of "
        f"{sum(found):,} of {len(found):,} points in the game, in {len(networks)} "
        f"networks of {len({one.config.train for one in networks})} sizes"
    )


def _agreement(root: Path, plan: Sequence[AgreementRun]) -> list[AgreementResult]:
    """Load published runs on local linearity.

    Args:
        root: The project.
        plan: The runs.

    Returns:
        A result for each network that was looked at.
    """
    return load_or_compute(plan, root / "results" / "assumption", compute=False)


def broader_impact(root: Path, claims: Entries) -> str:
    """Compare the accuracy of f with the coverage that was to guarantee it."""
    gaps = []
    for path in sorted((root / "results" / "table2").glob("mnist-0-1-*.json")):
        score = PairConfig.result(load_record(path)).score
        (solver,) = score.defenses
        promised = score.cells["FGM", solver, "approximate"].percent
        gaps.append(promised - score.cells["PGD fixed-label", solver, "true"].percent)
    return (
        f"an attack takes $f$ with SMOOTH {span(gaps)} points below the guarantee, "
        f"in {len(gaps)} runs"
    )


# --- what is new -----------------------------------------------------------------


def curved_boundaries(root: Path, claims: Entries) -> str:
    """Say what is proven at the largest budget, and at which Table 1 is played."""
    networks = [one for one in _agreement(root, agreement_plan()) if one.curved]
    games = [one.curved[-1] for one in networks]
    (largest,) = {game.epsilon for game in games}
    (points,) = {len(game.upper) for game in games}
    gain = mean(max(game.attacker_gain, game.defender_gain) for game in games)
    budgets = [one.epsilon for one in networks]
    return (
        f"at {largest:g} pixels a player's gain is proven to be at most "
        f"{ceil(100 * gain) / 100:.2f} of {LARGEST_GAIN:g} in the mean, on {points} "
        f"points of each of {len(games)} networks; Table 1's budgets for these are "
        f"{span(budgets, '.1f')}"
    )


def sharper_bounds(root: Path, claims: Entries) -> str:
    """Say how far below the covered share the bound of compression stays."""
    records = _read(root, "generalization/bounds-*.json")
    gaps, printed = [], []
    for record in records:
        fit = max(record["sizes"], key=lambda one: one["num"])["fits"]["compressed"]
        gaps.append(100 * (fit["coverage"] - fit["bounds"]["compression"]["value"]))
        printed.append(fit["bounds"]["Eq. (20)"]["value"])
    configs = [record["config"] for record in records]
    (confidence,) = {config["confidence"] for config in configs}
    pairs = {(config["dataset"], *config["classes"]) for config in configs}
    splits = {config["seed"] for config in configs}
    return (
        f"with {confidence:.0%} confidence each, new points keep the sample's share "
        f"less {span(gaps)} points, by the bound of compression, on {len(pairs)} "
        f"pairs with {len(splits)} splits each; the paper's bound gives "
        f"{100 * max(printed):.0f}%"
    )


def certificate(root: Path, claims: Entries) -> str:
    """Say how near the best search comes to what is proven to be the most."""
    parts = []
    for one in _comparisons(root):
        proven = min(bound["count"] for bound in one["bounds"].values())
        parts.append(100 * one["methods"]["search"]["count"] / proven)
    return (
        f"the best search reaches {span(parts)}% of what is proven to be the most, "
        f"on {len(parts)} instances"
    )


def formal_proofs(root: Path, claims: Entries) -> str:
    """Count what Coq has checked."""
    theorems = [
        one for one in read_statements(root / FOLDER).values() if one.kind in STATEMENTS
    ]
    return f"{len(theorems)} statements, for inputs of any dimension"


HEADLINES: Mapping[str, Callable[[Path, Entries], str]] = {
    "theorem-1": theorem_1,
    "table-1-attack": table_1_attack,
    "ramp": ramp,
    "equation-20": equation_20,
    "assumption": assumption,
    "table-1": table_1,
    "table-2": table_2,
    "broader-impact": broader_impact,
    "curved-boundaries": curved_boundaries,
    "sharper-bounds": sharper_bounds,
    "certificate": certificate,
    "formal-proofs": formal_proofs,
}
