"""What the records of Tables 1 and 2 say, typed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from paper_lib.checks import check_choice
from paper_lib.evaluation import PLAYS
from paper_lib.evaluation.plays import Cell
from paper_lib.evaluation.scores import TableRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """What a record was computed with; see :mod:`experiments.store.provenance`."""

    data: Mapping[str, str]
    device: str
    processor: str
    kernels: str
    threads: int
    versions: Mapping[str, str]
    code: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DefenseResult:
    """How a defense was fitted, and what it does at the test points.

    Attributes:
        train_coverage: Coverage of the points it was fitted on.
        test_coverage: How many test points it covers.
        length: Its length, in pixels.
        alignment: Quantiles of its cosine with the normals; see ``reports.alignment``.
        changes: For each attack and accuracy, the test points saved and lost in the
            first class, then in the second.
        steps: Steps of the ascent; None for another solver.
        in_dead_zone: Whether the ascent ended with gradient zero; None likewise.
        choice: What ``fit_defense`` chose; None for an ascent.
        holdout_coverage: Its estimate on held-out points; None likewise.
        perturbation: v itself, where the record keeps it.
        ramp_value: The value of the ramp at v, where the record keeps v.
    """

    train_coverage: float
    test_coverage: int
    length: float
    alignment: tuple[float, ...]
    changes: Mapping[str, tuple[int, int, int, int]]
    steps: int | None = None
    in_dead_zone: bool | None = None
    choice: str | None = None
    holdout_coverage: float | None = None
    perturbation: tuple[float, ...] = ()
    ramp_value: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """The accuracies of a classifier at one budget.

    Attributes:
        sizes: Numbers of points: ``"train"``, ``"fit"``, ``"test"``, ``"test_first"``.
        unlabeled: Test points whose logit is zero.
        flat: Test points whose gradient is zero.
        defenses: The fitted defenses, by solver.
        num_returned: Points at which PGD came back to x, by reading.
        stronger_than_fgm: Points that FGM leaves alone and another attack flips.
        rows: Attack, defense, kind of accuracy, and how many points keep their label.
    """

    sizes: Mapping[str, int]
    unlabeled: int
    flat: int
    defenses: Mapping[str, DefenseResult]
    num_returned: Mapping[str, int]
    stronger_than_fgm: Mapping[str, int]
    rows: tuple[tuple[str, str, str, int], ...]

    @property
    def cells(self) -> dict[Cell, TableRow]:
        """Every row, under attack, defense and accuracy as the record names them."""
        return {
            (attack, defense, accuracy): TableRow(
                attack=attack,
                defense=defense,
                accuracy=accuracy,
                correct=correct,
                total=self.sizes["test"],
            )
            for attack, defense, accuracy, correct in self.rows
        }

    def table_3(self, reading: str) -> tuple[TableRow, ...]:
        """Give the ten rows of Table 3, where there is one defense.

        Args:
            reading: Name of the reading of PGD.

        Returns:
            The rows, in the order of :func:`paper_lib.evaluation.evaluate`.

        Raises:
            ValueError: If that reading was not run, or not one defense.
        """
        if len(self.defenses) != 1:
            raise ValueError(
                f"record must hold one defense, got {sorted(self.defenses)}."
            )
        check_choice(reading, "reading", sorted(self.num_returned))
        (solver,), cells = self.defenses, self.cells
        stored = {"PGD": f"PGD {reading}", "SMOOTH": solver}
        return tuple(
            replace(
                cells[stored.get(attack, attack), stored.get(defense, defense), kind],
                attack=attack,
                defense=defense,
            )
            for kind in ("true", "approximate")
            for attack, defense in PLAYS
        )
